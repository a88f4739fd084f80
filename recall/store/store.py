"""The folder of an index: whether there is one, and how it is opened."""

from __future__ import annotations

import os
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from recall.errors import IndexMissing, RecallError
from recall.store.descriptors import reading
from recall.store.files import CATALOG
from recall.store.opening import open_for_reading
from recall.store.schema import bears_our_mark
from recall.store.shelf import Shelf
from recall.store.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recall.domain import Diagnosis, Identity
    from recall.store.writer import Writer


HEADER_BYTES = 100  # of an SQLite file


class Store:
    """An index in a folder, which need not be there yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._shelf = Shelf()
        # Else SQLite's log would stay beside the catalog when the process ends.
        weakref.finalize(self, self._shelf.give, None)

    def exists(self) -> bool:
        """Whether something was published here, usable or not."""
        # Asked before every answer: the first bytes mostly say it, without SQLite.
        with suppress(OSError, RecallError), reading(self.directory / CATALOG) as file:
            if bears_our_mark(file.read(HEADER_BYTES)):
                return True
        try:
            open_for_reading(self.directory).close()
        except IndexMissing:
            return False
        except RecallError:
            return True
        return True

    def read(self) -> Snapshot:
        """Open the published state; a context manager.

        Raises:
            IndexMissing: Nothing was published yet.
            IndexOutdated: It has another layout.
            IndexDamaged: It can't be read.
            IndexUnreadable: The system does not allow it.
        """
        return Snapshot(self.directory, self._shelf)

    @contextmanager
    def asking(self, opened: Snapshot | None = None) -> Iterator[Snapshot]:
        """The published state, for one of several questions; raises like `read`.

        It stays open for the next question, which then pays neither for opening nor for what this
        one looked up. Builds, of this process or another, don't wait for it.

        Args:
            opened: What `opened` gave, if that was asked already.
        """
        snapshot = opened or self.opened()
        try:
            yield snapshot
        except BaseException:
            snapshot.close()
            raise
        snapshot.rest()
        self._shelf.give(snapshot)

    def let_go(self) -> None:
        """Close what is kept for the next question, which then opens the index again."""
        self._shelf.clear()

    def opened(self) -> Snapshot:
        """The published state, for `asking`; raises like `read`."""
        kept = self._shelf.take()
        if kept is not None and kept.process == os.getpid():  # else it is our parent's
            with suppress(RecallError):  # opening says it again
                if kept.resumes():
                    return kept
            kept.close()
        return self.read()

    def examine(self) -> Iterator[Diagnosis]:
        """Read everything through and say what was found; changes nothing but the seal."""
        from recall.store.examining import examine

        return examine(self.directory)

    def write(
        self, identity: Identity, *, wait_seconds: float = 5.0, fresh: bool = False
    ) -> Writer:
        """Begin a build; a context manager. What is not published is as if it had not been.

        Args:
            identity: What the index is made with; in another vector space than before, every
                text needs a new vector.
            wait_seconds: How long another writer is waited for.
            fresh: Start without notes; vectors of the same space are kept for texts that come
                back. Also the way out of an index that is damaged or of another layout.

        Raises:
            IndexBusy: Another process is writing.
            IndexOutdated: Another layout, and not `fresh`.
            IndexDamaged: It can't be read, and not `fresh`.
            IndexUnwritable: The system does not allow it, or the disk is full.
        """
        from recall.store.writer import Writer  # late: most commands write nothing

        self._shelf.give(None)  # a build from nothing may move the catalog away
        return Writer(self.directory, identity, wait_seconds=wait_seconds, fresh=fresh)
