"""Which notes an index holds, and which texts each of them, in the memory of a process.

Every question looks up some hundred notes and texts. SQLite needs a few milliseconds for that, the
arrays here a fraction of one, but reading them takes as long as some questions do: so they are
read for who asks again and again.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recall.store.vectors.lists import Lists, distinct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from recall.store.database import Database

    Numbers = NDArray[np.int64]


NOTES_AT_ONCE = 4096  # read together: as rows they take far more than in arrays


class Roster:
    """The notes of one state of the catalog; a note is its row, in the order of the paths."""

    def __init__(self, database: Database) -> None:
        self._db = database
        rows = database.rows("SELECT id, path FROM notes ORDER BY path")
        self.paths = [path for _, path in rows]
        self._numbers = np.array([number for number, _ in rows], dtype=np.int64)
        self._by_number = np.argsort(self._numbers)
        self._loud: dict[int, NDArray[np.bool_]] = {}  # whether a text may speak, by the limit

    def rows_of(self, numbers: Numbers) -> Numbers:
        """The rows of notes of which the catalog's numbers are given; all must be there."""
        places = np.searchsorted(self._numbers, numbers, sorter=self._by_number)
        found: Numbers = self._by_number[places]
        return found

    def numbers_of(self, paths: Iterable[str]) -> Numbers:
        """The catalog's numbers of those notes that are there."""
        rows = [row for row in map(self._row_of.get, paths) if row is not None]
        return self._numbers[rows]

    def found(self, paths: Iterable[str]) -> tuple[list[str], Numbers]:
        """Those of the notes that are there, in this order, and the catalog's numbers of them."""
        there = [path for path in paths if path in self._row_of]
        return there, self.numbers_of(there)

    def at(self, rows: Numbers) -> tuple[list[str], Numbers]:
        """The paths of notes, and the catalog's numbers of them."""
        return [self.paths[row] for row in rows.tolist()], self._numbers[rows]

    def texts_of(self, paths: Sequence[str], max_notes: int) -> tuple[Numbers, Numbers]:
        """As `texts.texts_of`."""
        known = [
            (at, row) for at, row in enumerate(map(self._row_of.get, paths)) if row is not None
        ]
        asked = np.array(known, dtype=np.int64).reshape(-1, 2)
        found = self._texts.take(asked[:, 1])
        is_loud = self._is_loud(max_notes)[found.items]
        return np.repeat(asked[:, 0], found.lengths())[is_loud], found.items[is_loud]

    def holders_of(self, text_ids: Collection[int]) -> list[str]:
        """The notes that hold one of these texts, sorted."""
        ids = np.fromiter(text_ids, np.int64, len(text_ids))
        rows = distinct(self._holders.take(ids[ids <= self._last_text]).items)
        return [self.paths[row] for row in rows.tolist()]

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {path: row for row, path in enumerate(self.paths)}

    @cached_property
    def _texts(self) -> Lists:
        pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *self._read_passages()])
        pairs[:, 0] = self.rows_of(pairs[:, 0])
        order = np.argsort(pairs[:, 0], kind="stable")
        return Lists.of_pairs(pairs[order], len(self.paths))

    @cached_property
    def _holders(self) -> Lists:
        """Of each text the rows of the notes that hold it."""
        order = np.argsort(self._texts.items, kind="stable")
        pairs = np.stack([self._texts.items, self._texts.owners()], axis=1)[order]
        return Lists.of_pairs(pairs, self._last_text + 1)

    def _read_passages(self) -> Iterator[Numbers]:
        """(…, 2) each: notes by their numbers, and the texts of their passages in note order."""
        numbers = self._numbers[self._by_number]
        for start in range(0, len(numbers), NOTES_AT_ONCE):
            first, last = numbers[start : start + NOTES_AT_ONCE][[0, -1]].tolist()
            rows = self._db.rows(
                "SELECT note_id, text_id FROM passages WHERE note_id BETWEEN ? AND ? "
                "ORDER BY note_id, ordinal",
                (first, last),
            )
            yield np.array(rows, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def _last_text(self) -> int:
        return int(self._texts.items.max(initial=0))

    def _is_loud(self, max_notes: int) -> NDArray[np.bool_]:
        if max_notes not in self._loud:
            found = np.ones(self._last_text + 1, dtype=bool)
            common = self._db.rows("SELECT id FROM texts WHERE notes > ?", (max_notes,))
            ids = np.array([number for (number,) in common], dtype=np.int64)
            found[ids[ids <= self._last_text]] = False
            self._loud[max_notes] = found
        return self._loud[max_notes]
