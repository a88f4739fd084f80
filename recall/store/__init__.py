"""Keeps notes, passages, links, words and vectors; finds the nearest; publishes whole builds.

One folder: `catalog.sqlite`, and vectors files that the catalog names. No SQLite type, FAISS type
or row number leaves this package: a text is known by an opaque number of the catalog.
"""

from recall.store.graph import Neighbours
from recall.store.rows import StoredPassage
from recall.store.schema import FORMAT
from recall.store.snapshot import Nearest, Snapshot
from recall.store.store import Store

__all__ = ["FORMAT", "Nearest", "Neighbours", "Snapshot", "Store", "StoredPassage"]
