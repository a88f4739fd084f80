"""recall: find notes by meaning, and the wikilinks that are missing between them.

    from recall import open_index

    index = open_index("~/notes")
    index.refresh()
    index.search("audio models").hits
    index.suggest_links("some note.md").suggestions

Importing this package loads nothing heavy; see `recall.domain` for the types that come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["Index", "RecallError", "__version__", "build_index", "open_index"]

if TYPE_CHECKING:
    from recall.errors import RecallError
    from recall.index import Index, build_index, open_index


def __getattr__(name: str) -> object:
    # Late, so that `recall --help` does not pay for what it does not use.
    if name == "RecallError":
        from recall.errors import RecallError

        return RecallError
    if name in __all__:
        from recall import index

        return getattr(index, name)
    raise AttributeError(f"module 'recall' has no attribute {name!r}")
