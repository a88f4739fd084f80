"""Where the candidates stand: tags, folder, day, size; and how large the vault is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from recall.links.features.registry import feature
from recall.links.folders import folder_of
from recall.store.vectors.note_table import tags_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]


@feature
def shared_tags(c: Comparison) -> Array:
    """Share of tags and keywords that both notes bear (Jaccard)."""
    table, here = c.overview.table, tags_of(c.source.card)
    theirs = table.tags.take(c.notes)
    is_shared = np.array([name in here for name in table.tag_names], dtype=bool)
    both = theirs.sums(is_shared[theirs.items].astype(np.float64))
    whole = len(here) + theirs.lengths() - both
    return np.where(whole > 0, both / np.maximum(whole, 1), np.nan)


@feature
def same_folder(c: Comparison) -> Array:
    """Share of the folders on the way to the two notes that is the same."""
    here = folder_of(c.source.card.path)
    shares = {folder: _shared_folders(here, folder) for folder in set(c.folders)}
    return np.array([shares[folder] for folder in c.folders])


@feature
def folder_affinity(c: Comparison) -> Array:
    """How much likelier than by chance notes of the source's folder link the candidate's folder."""
    return c.learned.folders.affinity(folder_of(c.source.card.path), c.folders)


@feature
def days_apart(c: Comparison) -> Array:
    """Days between the two notes' creation, as a logarithm; low means near."""
    here = c.source.card.created
    created = c.overview.table.created[c.notes]
    if here is None:
        return np.full(len(c), np.nan)
    apart = np.log1p(np.abs(created - here.toordinal()).astype(np.float64))
    return np.where(created > 0, apart, np.nan)


@feature
def length(c: Comparison) -> Array:
    """Number of the candidate's passages, as a logarithm: a long note is near everything."""
    return np.log(np.diff(c.block.starts).astype(np.float64))


@feature
def source_length(c: Comparison) -> Array:
    """Number of the source's passages, as a logarithm; the same for every candidate."""
    return np.full(len(c), math.log(max(len(c.source.passages), 1)))


@feature
def vault_size(c: Comparison) -> Array:
    """Number of the vault's notes, as a logarithm; the same for every candidate."""
    return np.full(len(c), math.log(max(len(c.overview.table.speaking), 1)))


@feature
def links_per_note(c: Comparison) -> Array:
    """How many links the vault's notes hold on average, as a logarithm; the same for all."""
    average = c.learned.links / max(len(c.overview.table.speaking), 1)
    return np.full(len(c), math.log1p(average))


def _shared_folders(here: str, there: str) -> float:
    mine, theirs = (folder.split("/") if folder else [] for folder in (here, there))
    same = 0
    for one, other in zip(mine, theirs, strict=False):
        if one != other:
            break
        same += 1
    return (same + 1) / (max(len(mine), len(theirs)) + 1)
