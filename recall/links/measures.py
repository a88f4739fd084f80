"""What suggestions need of every note and text beside its vector, measured once for a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from recall.records import dataclass
from recall.store.vectors.lists import distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from recall.links.whitening import Whitening
    from recall.store import Snapshot
    from recall.store.vectors.note_table import NoteTable

NEAREST = 10  # neighbours that hubness averages (Conneau et al. 2018, CSLS)
AT_ONCE = 8192  # rows


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Of one state of the index; notes are those that have passages, by path."""

    lengths: NDArray[np.float32]  # (notes,): of the mean vectors, whitened, not yet unit rows
    text_lengths: NDArray[np.float32]  # (highest text id + 1,): the same of texts; NaN: not known
    hubness: NDArray[np.float32]  # (notes,): see `hubness_of`
    marks: NDArray[np.uint64]  # (notes,): tell mean vectors apart, see `marks_of`

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays."""
        return {
            "lengths": self.lengths,
            "text_lengths": self.text_lengths,
            "hubness": self.hubness,
            "marks": self.marks,
        }

    @classmethod
    def of_arrays(cls, held: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `arrays`.

        Raises:
            KeyError: One is not there.
        """
        return cls(held["lengths"], held["text_lengths"], held["hubness"], held["marks"])

    def carried(
        self,
        places: NDArray[np.int64],
        means: NDArray[np.float32],
        whitening: Whitening,
        crowd: NDArray[np.float32],
    ) -> Measures:
        """The same of a later state, where all but a few notes say what they said.

        Args:
            places: (later notes,): the place here of each; -1: it has changed, and is measured.
            means: (later notes, dim): their mean vectors.
            whitening: What they were measured after.
            crowd: What hubness was measured against.
        """
        lengths, hubness = np.zeros((2, len(places)), dtype=np.float32)
        marks = np.zeros(len(places), dtype=np.uint64)
        known, new = places >= 0, np.flatnonzero(places < 0)
        for part, before in ((lengths, self.lengths), (hubness, self.hubness), (marks, self.marks)):
            part[known] = before[places[known]]
        lengths[new], hubness[new] = _measured(means, new, whitening, crowd)
        marks[new] = marks_of(means[new])
        return Measures(lengths, self.text_lengths, hubness, marks)


def measure(
    snapshot: Snapshot,
    table: NoteTable,
    whitening: Whitening,
    crowd: NDArray[np.float32],
    *,
    before: Measures | None = None,
    knows_texts: bool = False,
) -> Measures:
    """Measure every note and text.

    Args:
        snapshot: The index.
        table: Its notes.
        whitening: What they are measured after.
        crowd: What hubness is measured against.
        before: Of an earlier state, with this whitening and crowd: what it measured is taken over.
        knows_texts: Whether that was of the same catalog, where a number means the same text.
    """
    marks = marks_of(table.means)
    known, rows = _found(before, marks)
    new = np.flatnonzero(~known)
    lengths, hubness = np.zeros((2, len(marks)), dtype=np.float32)
    if before is not None:
        lengths[known], hubness[known] = before.lengths[rows], before.hubness[rows]
    lengths[new], hubness[new] = _measured(table.means, new, whitening, crowd)
    texts = before.text_lengths if before is not None and knows_texts else None
    return Measures(lengths, _text_lengths(snapshot, table, whitening, texts), hubness, marks)


def marks_of(rows: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n,): 64 bits that tell the rows of (n, dim) apart.

    The polynomial of a row's bits, modulo 2⁶⁴ (Karp and Rabin 1987).
    """
    powers = np.cumprod(np.full(rows.shape[1], 0x9E3779B97F4A7C15, dtype=np.uint64))
    bits = np.ascontiguousarray(rows).view(np.uint32)
    found = np.empty(len(bits), dtype=np.uint64)
    for at in range(0, len(bits), AT_ONCE):
        found[at : at + AT_ONCE] = bits[at : at + AT_ONCE].astype(np.uint64) @ powers
    return found


def _found(
    before: Measures | None, marks: NDArray[np.uint64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(notes,): which vectors were measured before; and, for those, in which row."""
    if before is None or not len(before.marks):
        return np.zeros(len(marks), dtype=bool), np.empty(0, dtype=np.int64)
    order = np.argsort(before.marks, kind="stable")
    at = np.searchsorted(before.marks, marks, sorter=order).clip(max=len(order) - 1)
    is_known: NDArray[np.bool_] = before.marks[order[at]] == marks
    return is_known, order[at[is_known]]


def hubness_of(rows: NDArray[np.floating], crowd: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean cosine of each row to its nearest of the crowd, the nearest left out: it may be itself.

    Args:
        rows: (n, dim) whitened unit rows.
        crowd: (notes, dim) of the same.
    """
    count = min(NEAREST + 1, len(crowd))
    if count < 2:
        return np.zeros(len(rows))
    top = np.sort(np.partition(rows @ crowd.T, -count, axis=1)[:, -count:], axis=1)
    found: NDArray[np.float64] = top[:, :-1].mean(axis=1).astype(np.float64)
    return found


def _measured(
    means: NDArray[np.float32],
    new: NDArray[np.int64],
    whitening: Whitening,
    crowd: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(new,) each: lengths and hubness of some rows."""
    lengths = _in_pieces(lambda some: whitening.lengths(means[some]), new)
    return lengths, _in_pieces(lambda some: hubness_of(whitening(means[some]), crowd), new)


def _text_lengths(
    snapshot: Snapshot,
    table: NoteTable,
    whitening: Whitening,
    before: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    numbers = distinct(table.texts.items)
    known = np.full(int(numbers.max(initial=-1)) + 1, np.nan, dtype=np.float32)
    if before is not None:
        reach = min(len(before), len(known))
        known[:reach] = before[:reach]
    found = np.full_like(known, np.nan)
    found[numbers] = known[numbers]
    new = numbers[np.isnan(found[numbers])]
    found[new] = _in_pieces(lambda ids: whitening.lengths(snapshot.vectors(ids)), new)
    return found


def _in_pieces(
    compute: Callable[[NDArray[Any]], NDArray[np.floating]], rows: NDArray[Any]
) -> NDArray[np.float32]:
    """(n,): a number for each row, computed for few enough rows at once to hold in memory."""
    pieces = [compute(rows[at : at + AT_ONCE]) for at in range(0, len(rows), AT_ONCE)]
    return np.concatenate([np.empty(0, np.float32), *pieces]).astype(np.float32)
