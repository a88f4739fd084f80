"""The record of applications, kept in the folder of the index: what is needed to take them back.

One JSON object a line, one line a written note, synced before the note is touched. So a line whose
note was never written is possible, and harmless: the note still has its old hash. A line without
its line ending was being written when the process died; its note was not touched.

Only what was put in is kept, with the hashes of the whole note before and after. A line can do no
more than take known text out of a note that has one hash, if it has the other one then.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recall.edit import Insertion, take_out
from recall.errors import IndexBusy, IndexDamaged, JournalDamaged
from recall.records import dataclass
from recall.store.files import (
    NO_LOCKS,
    create,
    no_locks,
    open_to_change,
    open_to_read,
    size_of,
    writing,
)
from recall.vault import is_inside
from recall.vault.writing import sync_folder

if TYPE_CHECKING:
    from io import BufferedRandom

    from recall.vault import Vault

NAME = "applications.jsonl"
LOCK = "applications.lock"
FORMAT = 1
KEPT_APPLICATIONS = 200
MAX_BYTES = 200_000_000
WAIT_SECONDS = 5.0
HINT = "Move it away. What it records can then not be taken back by recall."


@dataclass(frozen=True, slots=True)
class Record:
    """One note that one application wrote."""

    application: str  # the same for all notes of one command
    at: str  # ISO 8601, UTC
    path: str
    old_sha256: str
    new_sha256: str
    insertions: tuple[Insertion, ...]  # into the old text, in characters
    links: tuple[str, ...]  # as written
    accepted: tuple[str, ...] = ()  # the notes linked that the author said yes to, by path

    def old_text(self, new: str) -> str | None:
        """What the note said before, if this is the text that was written."""
        if sha256_of(new) != self.new_sha256:
            return None
        old = take_out(new, self.insertions)
        return old if old is not None and sha256_of(old) == self.old_sha256 else None


class Journal:
    """The applications on record, oldest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / NAME

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return self._file

    @property
    def _part(self) -> Path:
        return self._file.with_suffix(".part")

    @property
    def exists(self) -> bool:
        """Whether anything was ever put on record here."""
        return self._size() is not None

    @contextmanager
    def alone(self, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Keep other processes from writing notes of this vault for as long as the block lasts.

        Raises:
            IndexBusy: Another process is writing notes.
            IndexUnwritable: The system does not allow it, or knows no locks.
        """
        with writing(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._folder / LOCK
            if size_of(lock) is None:
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with open_to_change(lock) as stream:
            deadline = time.monotonic() + wait_seconds
            while not self._is_locked(stream.fileno()):
                if time.monotonic() >= deadline:
                    raise IndexBusy(
                        f"another process is writing notes of the vault of {self._folder}",
                        hint="Wait until it is done, and try again.",
                    )
                time.sleep(0.02)
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)  # of a killed `keep`
            yield  # closing the file gives the lock back

    def records(self) -> tuple[Record, ...]:
        """Every record, oldest first.

        Raises:
            JournalDamaged: A line is not what this version writes.
        """
        data = self._whole_lines()
        try:
            return tuple(_record(json.loads(line)) for line in data.splitlines() if line)
        except (
            ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError
        ) as error:  # fmt: skip
            raise JournalDamaged(f"{self._file} can't be read: {error}.", hint=HINT) from error

    def append(self, record: Record) -> int:
        """Put one more record down; it is on the disk when this returns.

        Returns:
            Where it begins, for `cut`.
        """
        line = (json.dumps(_line(record)) + "\n").encode("ascii")
        with writing(self._folder):
            if self._size() is None:
                with create(self._file):
                    pass
                sync_folder(self._folder)
            with open_to_change(self._file) as stream:
                start = _end_of_lines(stream)
                stream.truncate(start)  # what a killed process left behind the last line
                stream.seek(start)
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        return start

    def cut(self, start: int) -> None:
        """Take back the record that begins here, and all behind it."""
        with writing(self._folder), open_to_change(self._file) as stream:
            stream.truncate(start)
            os.fsync(stream.fileno())

    def keep(self, records: Sequence[Record]) -> None:
        """Make these the only records, in one step."""
        part = self._part
        with writing(self._folder):
            with create(part) as stream:
                for record in records:
                    stream.write((json.dumps(_line(record)) + "\n").encode("ascii"))
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self._file)
            sync_folder(self._folder)

    def _is_locked(self, descriptor: int) -> bool:
        """Take the lock if nobody has it; the system gives it back however the process ends."""
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            else:
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in NO_LOCKS:
                raise no_locks(self._folder) from error
            return False
        return True

    def _size(self) -> int | None:
        try:
            return size_of(self._file)
        except IndexDamaged as error:  # a link, a folder, a pipe: no build makes it good
            raise JournalDamaged(f"{error.message}.", hint=HINT) from error

    def _whole_lines(self) -> bytes:
        size = self._size()
        if not size:
            return b""
        if size > MAX_BYTES:
            raise JournalDamaged(f"{self._file} is too large to be ours.", hint=HINT)
        with open_to_read(self._file) as stream:
            data = stream.read()
        return data[: data.rfind(b"\n") + 1]


def last_application(records: Sequence[Record]) -> tuple[Record, ...]:
    """The records of the last application."""
    return tuple(r for r in records if r.application == records[-1].application) if records else ()


def clear_leftovers(records: Sequence[Record], vault: Vault) -> None:
    """Remove what a killed process left beside notes: only the last can have been killed."""
    for record in last_application(records):
        vault.clear_leftover(record.path)


def without_oldest(records: Sequence[Record]) -> tuple[Record, ...]:
    """The records of as many applications as are kept."""
    kept = set(list(dict.fromkeys(record.application for record in records))[-KEPT_APPLICATIONS:])
    return tuple(record for record in records if record.application in kept)


def sha256_of(text: str) -> str:
    """The hash of a note's bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _line(record: Record) -> dict[str, object]:
    return {
        "format": FORMAT,
        "application": record.application,
        "at": record.at,
        "path": record.path,
        "old_sha256": record.old_sha256,
        "new_sha256": record.new_sha256,
        "insertions": [[insertion.at, insertion.text] for insertion in record.insertions],
        "links": list(record.links),
        "accepted": list(record.accepted),
    }


def _record(line: dict[str, Any]) -> Record:
    if line["format"] != FORMAT:
        raise ValueError(f"written by another version (format {line['format']!r})")
    texts = {name: line[name] for name in ("application", "at", "path", "old_sha256", "new_sha256")}
    links, accepted = line["links"], line.get("accepted", ())  # older records don't tell
    if not all(isinstance(text, str) for text in (*texts.values(), *links, *accepted)):
        raise TypeError("a text is none")
    if not is_inside(texts["path"]):
        raise ValueError(f"{texts['path']!r} is no path in the vault")
    insertions = tuple(Insertion(int(at), str(text)) for at, text in line["insertions"])
    return Record(**texts, insertions=insertions, links=tuple(links), accepted=tuple(accepted))


def _end_of_lines(stream: BufferedRandom) -> int:
    """Where the last line that has an ending ends."""
    at = stream.seek(0, os.SEEK_END)
    while at:
        start = max(0, at - 65_536)
        stream.seek(start)
        newline = stream.read(at - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        at = start
    return 0
