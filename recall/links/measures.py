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

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays."""
        return {
            "lengths": self.lengths,
            "text_lengths": self.text_lengths,
            "hubness": self.hubness,
        }

    @classmethod
    def of_arrays(cls, held: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `arrays`.

        Raises:
            KeyError: One is not there.
        """
        return cls(held["lengths"], held["text_lengths"], held["hubness"])


def measure(
    snapshot: Snapshot, table: NoteTable, whitening: Whitening, crowd: NDArray[np.float32]
) -> Measures:
    """Measure every note and text; `crowd` is what hubness is measured against."""
    return Measures(
        lengths=_in_pieces(whitening.lengths, table.means),
        text_lengths=_text_lengths(snapshot, table, whitening),
        hubness=_in_pieces(lambda rows: hubness_of(whitening(rows), crowd), table.means),
    )


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


def _text_lengths(
    snapshot: Snapshot, table: NoteTable, whitening: Whitening
) -> NDArray[np.float32]:
    numbers = distinct(table.texts.items)
    found = np.full(int(numbers.max(initial=-1)) + 1, np.nan, dtype=np.float32)
    found[numbers] = _in_pieces(lambda ids: whitening.lengths(snapshot.vectors(ids)), numbers)
    return found


def _in_pieces(
    compute: Callable[[NDArray[Any]], NDArray[np.floating]], rows: NDArray[Any]
) -> NDArray[np.float32]:
    """(n,): a number for each row, computed for few enough rows at once to hold in memory."""
    pieces = [compute(rows[at : at + AT_ONCE]) for at in range(0, len(rows), AT_ONCE)]
    return np.concatenate([np.empty(0, np.float32), *pieces]).astype(np.float32)
