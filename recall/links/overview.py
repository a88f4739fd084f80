"""The source beside every note of the vault: how near each is, and what the nearest ones link."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from recall.links.nearest import highest
from recall.links.whitening import unit
from recall.records import dataclass, replace
from recall.store.vectors.lists import Lists, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.links.learned import Learned
    from recall.links.source import Source
    from recall.store import Snapshot
    from recall.store.vectors.note_table import NoteTable

    Array = NDArray[np.float64]
    Rows = NDArray[np.int64]

VOTERS = 20  # nearest notes whose links vote
MIXED_VOTERS = 30  # the same where words count as well
_ALL = slice(None)
WORDS_WEIGHT = 0.5  # of the best BM25 beside a cosine of 1


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """What notes near the source are linked with; NaN for notes that nobody votes for."""

    linked: Array  # (notes,): sum of the weights of the voters that link it
    linking: Array  # (notes,): of the voters that it links


class Overview:
    """Arrays over all notes, in the order of the table's paths, or over those that have passages.

    The latter are called speaking; `table.speaking` says which notes they are.
    """

    def __init__(
        self,
        source: Source,
        snapshot: Snapshot,
        learned: Learned,
        bm25: Mapping[str, float],
        bm25_weighed: Mapping[str, float],
        *,
        max_notes_per_text: int,
    ) -> None:
        self.source = source
        self.snapshot = snapshot
        self.learned = learned
        self.bm25 = bm25
        self.bm25_weighed = bm25_weighed
        self.table = snapshot.table(max_notes_per_text=max_notes_per_text)
        self.row_of = snapshot.rows(max_notes_per_text=max_notes_per_text)
        self.own = self.row_of.get(source.card.path)
        if source.is_unlinked and self.own is not None:
            self.table = _without_links_of(self.own, self.table)

    @cached_property
    def speaker(self) -> Rows:
        """(notes,): the place of each note among the speaking ones; -1 if it is none of them."""
        found = np.full(len(self.table.paths), -1, dtype=np.int64)
        found[self.table.speaking] = np.arange(len(self.table.speaking))
        return found

    @cached_property
    def neighbours(self) -> Rows:
        """The notes that the source is linked with, ascending."""
        found = map(self.row_of.get, sorted(self.source.neighbours))
        return np.array([row for row in found if row is not None], dtype=np.int64)

    @cached_property
    def source_centroid(self) -> NDArray[np.float32]:
        """(dim,): the source's mean vector, of length one."""
        found: NDArray[np.float32] = unit(self.source.vectors.mean(axis=0, keepdims=True))[0]
        return found

    @cached_property
    def source_whitened(self) -> NDArray[np.float32]:
        """(dim,): the same, whitened."""
        found: NDArray[np.float32] = self.learned.whitening(self.source_centroid[None, :])[0]
        return found

    @cached_property
    def cosines(self) -> NDArray[np.float32]:
        """(speaking,): whitened cosine with the source."""
        return self.against(_ALL, self.source_whitened)

    @cached_property
    def adapted(self) -> NDArray[np.float32]:
        """(speaking,): how well the source links each, by what the author's links taught."""
        if self.learned.adapter.is_idle:
            return self.cosines
        return self.against(_ALL, self.learned.adapter.forth(self.source_whitened[None, :])[0])

    @cached_property
    def votes(self) -> Votes:
        """Of the notes that are nearest by cosine."""
        return self._votes(self.cosines, VOTERS)

    @cached_property
    def votes_with_words(self) -> Votes:
        """Of the notes that are nearest by cosine and rare words."""
        words = self._of_speaking(self.bm25)
        best = max(self.bm25.values(), default=0.0) or 1.0
        return self._votes(self.cosines + WORDS_WEIGHT * words / best, MIXED_VOTERS)

    @cached_property
    def votes_by_words(self) -> Votes:
        """Of the notes that are nearest by words alone, each word weighed."""
        return self._votes(self._of_speaking(self.bm25_weighed), MIXED_VOTERS)

    @cached_property
    def votes_adapted(self) -> Votes:
        """Of the notes that the source should link by what the author's links taught."""
        return self._votes(self.adapted, VOTERS)

    @cached_property
    def by_own_links(self) -> tuple[Rows, Array]:
        """(notes,) each: how many of the source's neighbours a note is linked with; Adamic–Adar."""
        count = np.zeros(len(self.table.paths), dtype=np.int64)
        index = np.zeros(len(self.table.paths))
        for row in self.neighbours.tolist():
            every = distinct(np.concatenate([self.table.linked[row], self.table.linking[row]]))
            count[every] += 1
            index[every] += 1 / np.log(max(len(every), 2))
        return count, index

    def nearest(self, nearness: NDArray[np.floating], most: int) -> Rows:
        """The speaking notes that are nearest, ties by path."""
        return self.table.speaking[highest(nearness, most)]

    def against(self, rows: Rows | slice, whitened: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows,): whitened cosines of speaking notes with a vector that is whitened already."""
        # (C - mean) · map · w, for which the map need not be laid on every note.
        whitening = self.learned.whitening
        through = whitening.map @ whitened
        scores = self.table.means[rows] @ through - whitening.mean @ through
        lengths = np.maximum(self._lengths[rows], 1e-12)
        found: NDArray[np.float32] = (scores / lengths).astype(np.float32)
        return found

    @cached_property
    def _lengths(self) -> NDArray[np.float32]:
        if (measures := self.learned.measures_of(self.snapshot)) is not None:
            return measures.lengths
        return self.learned.whitening.lengths(self.table.means)

    def _of_speaking(self, scores: Mapping[str, float]) -> Array:
        """(speaking,): the score of each note, 0 where it has none."""
        found = np.zeros(len(self.table.speaking))
        rows = np.fromiter(map(self.row_of.get, scores, repeat(-1)), np.int64, len(scores))
        places = np.where(rows >= 0, self.speaker[rows], -1)
        known = np.fromiter(scores.values(), np.float64, len(scores))
        found[places[places >= 0]] = known[places >= 0]
        return found

    def _votes(self, nearness: NDArray[np.floating], most: int) -> Votes:
        near = highest(nearness, most + 1)
        notes = self.table.speaking[near]
        is_other = notes != (-1 if self.own is None else self.own)
        near, notes = near[is_other][:most], notes[is_other][:most]
        weights = nearness[near].astype(np.float64).clip(min=0.0) ** 2
        weights /= weights.sum() or 1.0
        order = np.argsort(notes)
        return Votes(
            *(
                _summed(lists.take(notes[order]), weights[order], len(self.table.paths))
                for lists in (self.table.linked, self.table.linking)
            )
        )


def _without_links_of(note: int, table: NoteTable) -> NoteTable:
    """The table of a vault where a note links nothing, and nothing links it."""
    return replace(
        table, linked=_without(note, table.linked), linking=_without(note, table.linking)
    )


def _without(note: int, lists: Lists) -> Lists:
    """The lists of all other notes, without this one in any."""
    owners = lists.owners()
    is_kept = (owners != note) & (lists.items != note)
    pairs = np.column_stack([owners[is_kept], lists.items[is_kept]])
    return Lists.of_pairs(pairs, len(lists.starts) - 1)


def _summed(lists: Lists, weights: Array, notes: int) -> Array:
    """(notes,): the weights of the lists that a note is in, summed in their order; NaN: in none."""
    every = np.repeat(weights, lists.lengths())
    found: Array = np.bincount(lists.items, every, minlength=notes).astype(np.float64)
    found[np.bincount(lists.items, minlength=notes) == 0] = np.nan
    return found
