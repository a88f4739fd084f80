"""What suggestions look up of every note, as arrays: computed once for each state of the index.

It says nothing that the catalog and the vectors don't say. Reading it of them (`note_reading`)
takes longer than a suggestion does, so a build keeps it in files beside the index (`kept_table`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet
from recall.records import dataclass
from recall.store.vectors.lists import Lists

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import NoteCard

    Numbers = NDArray[np.int64]

FACETS = tuple(sorted(facet.value for facet in Facet))


@dataclass(frozen=True, slots=True, eq=False)
class NoteTable:
    """Every note of one state of the index; a note is its row, in the order of the paths."""

    paths: tuple[str, ...]  # sorted
    texts: Lists  # the texts of its passages in note order, template text left out
    facets: NDArray[np.uint8]  # (passages,): of each of those, its place in FACETS
    speaking: Numbers  # the notes that have such passages, ascending
    means: NDArray[np.float32]  # (speaking, dim): the mean vector of each of these, unit rows
    linked: Lists  # the other notes it links, ascending
    linking: Lists  # the other notes that link it, ascending
    title_terms: Lists  # the terms of its title, each once, ascending: places in `terms`
    terms: tuple[str, ...]  # of any title, sorted
    frequency: Numbers  # (terms,): in how many notes each occurs, anywhere
    tags: Lists  # its tags and keywords in lower case, each once, ascending
    tag_names: tuple[str, ...]  # sorted; `tags` are places here
    created: Numbers  # (notes,): the day as an ordinal; 0 if it is not known
    cards: Numbers  # (notes,): a digest of what the catalog says of it

    def differences(self, other: NoteTable) -> list[str]:
        """The names of the parts that say something else there."""
        return [item.name for item in fields(self) if not _agree(self, other, item.name)]


def tags_of(card: NoteCard) -> frozenset[str]:
    """A note's tags and keywords, alike whatever their case."""
    return frozenset(tag.casefold() for tag in (*card.tags, *card.keywords))


def _agree(one: NoteTable, other: NoteTable, name: str) -> bool:
    mine, theirs = getattr(one, name), getattr(other, name)
    if isinstance(mine, tuple):
        return bool(mine == theirs)
    pairs = [(mine, theirs)]
    if isinstance(mine, Lists):
        pairs = [(mine.starts, theirs.starts), (mine.items, theirs.items)]
    elif mine.dtype == np.float32:  # other machines round otherwise
        return mine.shape == theirs.shape and np.allclose(mine, theirs, atol=1e-5)
    return all(np.array_equal(*pair) for pair in pairs)
