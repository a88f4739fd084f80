"""Which folders the notes of a folder link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

AFFINITY_PRIOR = 5.0  # links that chance counts for


@dataclass(frozen=True, slots=True, eq=False)
class Folders:
    """How often notes of one folder link notes of another."""

    names: tuple[str, ...]  # sorted
    notes: NDArray[np.int64]  # (folders,): how many notes each holds
    links: NDArray[np.int64]  # (pairs, 3): linking folder, linked folder, links

    @classmethod
    def count(cls, paths: Sequence[str], edges: NDArray[np.int64]) -> Folders:
        """Count over all notes and links."""
        names = sorted({folder_of(path) for path in paths})
        place = {name: row for row, name in enumerate(names)}
        of_note = np.array([place[folder_of(path)] for path in paths], dtype=np.int64)
        pairs, counts = np.unique(of_note[edges], axis=0, return_counts=True)
        notes = np.bincount(of_note, minlength=len(names))
        return cls(tuple(names), notes, np.column_stack([pairs.reshape(-1, 2), counts]))

    def affinity(self, source: str, targets: Sequence[str]) -> NDArray[np.float64]:
        """How much likelier than by chance notes of this folder link those: ln of the ratio."""
        if source not in self.names or not len(self.links):
            return np.zeros(len(targets))
        rows = self.links[self.links[:, 0] == self.names.index(source)]
        found = np.zeros(len(self.names))
        found[rows[:, 1]] = rows[:, 2]
        expected = self.notes / self.notes.sum()
        ratio = (found + AFFINITY_PRIOR * expected) / (found.sum() + AFFINITY_PRIOR) / expected
        known = dict(zip(self.names, np.log(ratio).tolist(), strict=True))
        return np.array([known.get(name, 0.0) for name in targets])


def folder_of(path: str) -> str:
    """The folder of a note, empty at the top."""
    return path.rpartition("/")[0]
