"""A SQLite connection that speaks the errors of this project, and stores any `str`."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from recall.errors import (
    IndexBusy,
    IndexDamaged,
    IndexUnreadable,
    IndexUnwritable,
    RecallError,
)
from recall.store.descriptors import connected, disconnected
from recall.store.files import OWNER, REBUILD, gives_locks, no_locks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from recall.store.descriptors import Key

# What SQLite reports when the system says no: nothing of this is damage to the file.
_LOCKING = tuple(
    f"SQLITE_IOERR_{name}" for name in ("LOCK", "UNLOCK", "RDLOCK", "CHECKRESERVEDLOCK", "SHMLOCK")
)
_WRITING = (
    "SQLITE_CANTOPEN",
    *(
        f"SQLITE_IOERR_{name}"
        for name in (
            "WRITE", "FSYNC", "DIR_FSYNC", "TRUNCATE", "DELETE", "SHMOPEN", "SHMSIZE", "SHMMAP",
            "GETTEMPPATH", "NOMEM",
        )
    ),
)  # fmt: skip

Row = tuple[Any, ...]

CLOSE_WAIT_SECONDS = 5.0  # for a statement of another thread, which was told to stop


def storable(text: str) -> str:
    """Replace what UTF-8 can't hold (lone surrogates); join surrogate pairs."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


@contextmanager
def translated(file: Path) -> Iterator[None]:
    """Turn SQLite's errors about a file into ours; mistakes in our SQL stay as they are."""
    try:
        yield
    except UnicodeDecodeError as error:  # not even the message about it could be read
        raise IndexDamaged(f"{file} can't be read: {error}", hint=REBUILD) from error
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", None) or ""
        if ours := _refusal(name, file, error):
            raise ours from error
        # A plain SQLITE_ERROR is a mistake of ours, unless a table is not there.
        is_foreign = str(error).startswith(("no such", "Could not decode"))
        if is_foreign or (name and name != "SQLITE_ERROR"):
            raise IndexDamaged(f"{file} can't be read: {error}", hint=REBUILD) from error
        raise


def _refusal(name: str, file: Path, error: sqlite3.Error) -> RecallError | None:
    """The error for what the system, or another process, does not allow; None for all else."""
    folder = file.parent
    is_busy = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    if name.startswith(_LOCKING) or (is_busy and not gives_locks(folder)):
        return no_locks(folder)
    if is_busy:
        return IndexBusy(
            f"another process is writing the index in {folder}", hint="try again when it is done"
        )
    if name.startswith("SQLITE_FULL"):
        return IndexUnwritable(
            f"no room left on the disk of {folder}", hint="free some space, then try again"
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return IndexUnwritable(f"{file} may not be written", hint=OWNER)
    if name.startswith("SQLITE_CANTOPEN") and not os.access(file, os.R_OK):
        return IndexUnreadable(
            f"{file} may not be read", hint="check who owns the folder of the index"
        )
    # On a full disk SQLite finds no room for its own small files, and says only this much.
    if name.startswith(_WRITING):
        return IndexUnwritable(f"the system can't write in {folder}: {error}", hint=OWNER)
    return None


class Database:
    """One connection; whole results, so that every error is met here.

    Threads take turns: a connection that is closed under a statement takes the process with it.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path, key: Key | None = None) -> None:
        self._connection = connection
        self._turn = RLock()
        self._file = file
        self._key = key

    @classmethod
    def connect(cls, file: Path, *, mode: str, wait_seconds: float = 5.0) -> Database:
        """Open a file; `mode` is the query part of SQLite's file URI."""
        with translated(file):
            uri = f"{_uri(file.absolute())}?{mode}"
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=wait_seconds, check_same_thread=False
            )
            connection.execute("PRAGMA trusted_schema = OFF")  # the tables may be a stranger's
        return cls(connection, file, connected(file))

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a query."""
        with self._turn, translated(self._file):
            return self._connection.execute(sql, _storable_row(parameters)).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query, if there is one."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def value(self, sql: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401
        """The first column of the first row of a query that gives at least one."""
        return self.rows(sql, parameters)[0][0]

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and give the row number it inserted, if it did."""
        with self._turn, translated(self._file):
            return self._connection.execute(sql, _storable_row(parameters)).lastrowid or 0

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of parameters."""
        with self._turn, translated(self._file):
            self._connection.executemany(sql, (_storable_row(row) for row in rows))

    def copy(self) -> Database:
        """A copy that may be written, in a file of SQLite's own that goes when it is closed."""
        with self._turn, translated(self._file):
            private = sqlite3.connect("", isolation_level=None)
            self._connection.backup(private)
        return Database(private, self._file)

    def interrupt(self) -> None:
        """Break off a statement of another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back, a statement broken off."""
        has_turn = self._turn.acquire(blocking=False)
        if not has_turn:
            self._connection.interrupt()
            # In a forked process nobody may be left to give it back.
            has_turn = self._turn.acquire(timeout=CLOSE_WAIT_SECONDS)
        try:
            with translated(self._file):
                self._connection.close()
        finally:
            if has_turn:
                self._turn.release()
            disconnected(self._key)
            self._key = None


def _uri(file: Path) -> str:
    """A file as SQLite's URI; `Path.as_uri` would load the parsers of the web's addresses."""
    if os.name != "posix":
        return file.as_uri()
    path = os.fsencode(file)
    for sign in b"%?#":
        path = path.replace(bytes([sign]), b"%%%02x" % sign)
    return f"file://{path.decode('ascii')}" if path.isascii() else file.as_uri()


def _storable_row(parameters: Sequence[object]) -> tuple[object, ...]:
    for item in parameters:
        if isinstance(item, str) and not item.isascii():
            return tuple(storable(item) if isinstance(item, str) else item for item in parameters)
    return tuple(parameters)  # as nearly all are, of a hundred thousand rows
