"""A list of numbers for each of many notes, in two arrays."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """A list of numbers for each note: note i has `items[starts[i]:starts[i + 1]]`."""

    starts: Numbers  # (notes + 1,)
    items: Numbers  # (all,)

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> Lists:
        """Lay lists end to end."""
        starts = np.cumsum([0, *map(len, lists)], dtype=np.int64)
        every = np.fromiter(chain.from_iterable(lists), np.int64, int(starts[-1]))
        return cls(starts, every)

    @classmethod
    def of_pairs(cls, pairs: Numbers, notes: int) -> Lists:
        """Of (pairs, 2), sorted by their first number, which says whose list the second is in."""
        counts = np.bincount(pairs[:, 0], minlength=notes)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return cls(starts, np.ascontiguousarray(pairs[:, 1]))

    def __getitem__(self, note: int) -> Numbers:
        return self.items[self.starts[note] : self.starts[note + 1]]

    def lengths(self) -> Numbers:
        """(notes,): how long each list is."""
        return np.diff(self.starts)

    def owners(self) -> Numbers:
        """(all,): whose list each item is in."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths())

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(notes,): of (all,) values, one an item, the sum over each list, added in order."""
        found = np.bincount(self.owners(), values, minlength=len(self.starts) - 1)
        return found.astype(np.float64, copy=False)

    def places(self, notes: Numbers) -> Lists:
        """Where in `items` the numbers of these notes are, list after list."""
        lengths = self.starts[notes + 1] - self.starts[notes]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        shift = np.repeat(self.starts[notes] - starts[:-1], lengths)
        return Lists(starts, np.arange(starts[-1]) + shift)

    def take(self, notes: Numbers) -> Lists:
        """The lists of some notes alone."""
        found = self.places(notes)
        return Lists(found.starts, self.items[found.items])

    def agree(self, other: Lists) -> NDArray[np.bool_]:
        """(notes,): which lists are the same in both, which have as many."""
        lengths = self.lengths()
        is_same: NDArray[np.bool_] = lengths == other.lengths()
        alike = np.flatnonzero(is_same)
        mine, theirs = self.take(alike), other.take(alike)
        differ = np.bincount(mine.owners(), mine.items != theirs.items, minlength=len(alike))
        is_same[alike] = differ == 0
        return is_same


def distinct(numbers: Numbers) -> Numbers:
    """Each number once, ascending. It loads no masked arrays, as `np.unique` does."""
    ordered = np.sort(numbers)
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def is_in(numbers: Numbers, others: Numbers) -> NDArray[np.bool_]:
    """(numbers,): which of them are among the others; loads no masked arrays either."""
    known = np.sort(others)
    if not len(known):
        return np.zeros(len(numbers), dtype=bool)
    at = np.searchsorted(known, numbers).clip(max=len(known) - 1)
    found: NDArray[np.bool_] = known[at] == numbers
    return found
