"""What a process keeps of an index between two looks at it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.domain import Counts, Name
    from recall.store.postings import Postings
    from recall.store.roster import Roster
    from recall.store.snapshot import Snapshot
    from recall.store.vectors.kept_table import Opened
    from recall.store.vectors.segments import Segments

MOST_KEPT = (
    100_000  # terms of which it is known how many notes hold them; names, and who bears them
)


class Known:
    """What was looked up in one state of the index: nothing of it changes while the state lasts."""

    def __init__(self) -> None:
        self.meta: dict[str, str | None] = {}
        self.counts: Counts | None = None
        self.notes: int | None = None
        self.segments: Segments | None = None
        self.tables: dict[int | None, Opened] = {}
        self.rows: dict[str, int] | None = None  # of a table: each note's, by its path
        self.admitted: dict[int | None, NDArray[np.bool_] | None] = {}
        self.postings: Postings | None = None
        self.roster: Roster | None = None
        self.lookups = 0  # of notes, before there was a roster
        self.counts_of_terms: str | None = None  # the table of them
        self.frequency: dict[str, int] = {}
        self.bearers: dict[str, tuple[Name, ...]] = {}  # of names, by their key


class Shelf:
    """The latest table of notes, and an opened state for who asks next.

    Whoever takes the table down sees first that it is of what he reads.
    """

    def __init__(self) -> None:
        self.table: Opened | None = None
        self._opened: Snapshot | None = None
        self._lock = Lock()

    def take(self) -> Snapshot | None:
        """The opened state, if nobody else has it; to be given back."""
        with self._lock:
            opened, self._opened = self._opened, None
        return opened

    def clear(self) -> None:
        """Let go of all."""
        self.table = None
        self.give(None)

    def give(self, opened: Snapshot | None) -> None:
        """Leave an opened state for the next, and close the one that lay here; None: only that."""
        with self._lock:
            before, self._opened = self._opened, opened
        if before is not None:
            before.close()
