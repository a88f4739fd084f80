"""The folder of an index, looked at as a whole: who may read it, what lies about, what is wrong."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from recall.domain import Diagnosis, Health
from recall.errors import IndexMissing, RecallError
from recall.store import learned
from recall.store.files import CATALOG, LEARNED, is_leftover, is_segment_file, size_of
from recall.store.seal import read_seal
from recall.store.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REBUILD = "recall index --full"
NEXT_BUILD = "recall index"
PRIVATE = 0o077  # what neither the group nor others should be allowed
NOT_PRIVATE = (".gitignore", "README.md")
SAID = {
    "catalog": "every block is as it was written, and SQLite finds no fault",
    "vectors": "every file has the SHA-256 it was written with",
    "rows": "every row can be read as what it should be",
    "words": "FTS5 finds no fault in the index of words",
    "texts": "every text has its vector, and every vector its text",
}


def examine(directory: Path) -> Iterator[Diagnosis]:
    """Read everything through and say what was found; changes nothing but the seal."""
    if not directory.is_dir():
        yield Diagnosis("index", Health.WARNING, "nothing is indexed yet", NEXT_BUILD)
        return
    yield from _permissions(directory)
    sealed = read_seal(directory) is not None
    live: set[str] | None
    try:
        with Snapshot(directory) as snapshot:
            live = {segment.name for segment in snapshot.segments()}
            flaws = snapshot.flaws()
            for part, reason in flaws.items():
                if reason:
                    yield Diagnosis(part, Health.DAMAGED, reason, REBUILD)
                else:
                    yield Diagnosis(part, Health.GOOD, SAID[part])
            if not any(flaws.values()):
                yield _table(snapshot)
                yield from _learned(directory)
    except IndexMissing:
        yield Diagnosis("index", Health.WARNING, "nothing is indexed yet", NEXT_BUILD)
        return
    except RecallError as error:
        yield Diagnosis("catalog", Health.DAMAGED, error.message, error.hint)
        live = None  # nobody knows which vectors files belong to it
    if not sealed:
        message = "the index had no checksums to compare it with, so only its own sense was checked"
        yield Diagnosis("seal", Health.WARNING, message, REBUILD)
    yield from _leftovers(directory, live)


def _table(snapshot: Snapshot) -> Diagnosis:
    """What is kept of all notes for suggestions; it can always be read of the index again."""
    if reason := snapshot.why_table_unsound():
        return Diagnosis("table of notes", Health.WARNING, reason, REBUILD)
    return Diagnosis("table of notes", Health.GOOD, "nothing in it differs from the index")


def _learned(directory: Path) -> Iterator[Diagnosis]:
    """What the vault taught; it can always be learned again."""
    if not os.path.lexists(directory / LEARNED):
        return
    if learned.read(directory, whole=True) is None:
        message = f"{LEARNED} is not what was written"
        yield Diagnosis("what was learned", Health.WARNING, message, REBUILD)
    else:
        yield Diagnosis("what was learned", Health.GOOD, "it is as it was written")


def _permissions(directory: Path) -> Iterator[Diagnosis]:
    if os.name != "posix":
        return
    readable = []
    for file in sorted(directory.iterdir()):
        info = file.lstat()
        if not stat.S_ISREG(info.st_mode) and not stat.S_ISDIR(info.st_mode):
            message = f"{file.name} is neither a file nor a folder"
            yield Diagnosis("permissions", Health.WARNING, message, f"remove {file}")
        elif info.st_mode & PRIVATE and file.name not in NOT_PRIVATE:
            readable.append(file.name)
    mode = stat.S_IMODE(directory.stat().st_mode)
    advice = f"chmod -R go-rwx {directory}"
    if mode & 0o022:
        message = "others may put files into the folder of the index"
        yield Diagnosis("permissions", Health.WARNING, message, advice)
    elif mode & PRIVATE and readable:
        names = ", ".join(readable[:3])
        yield Diagnosis("permissions", Health.WARNING, f"others may read {names}", advice)
    else:
        yield Diagnosis("permissions", Health.GOOD, "nobody else may read or change the index")


def _leftovers(directory: Path, live: set[str] | None) -> Iterator[Diagnosis]:
    left = [
        file.name
        for file in sorted(directory.iterdir())
        if is_leftover(file)
        or (live is not None and is_segment_file(file) and file.name not in live)
        or file.name == f"{CATALOG}-journal"
    ]
    if left:
        message = f"left over from a build that was stopped: {', '.join(left[:5])}"
        yield Diagnosis("leftovers", Health.WARNING, message, f"{NEXT_BUILD}, once a note changed")
    if (directory / "pending.vectors").exists():
        message = "a build was stopped; what it had embedded is kept for the next one"
        yield Diagnosis("leftovers", Health.WARNING, message, NEXT_BUILD)
    if (directory / f"{CATALOG}.damaged").exists():
        message = f"an index that was damaged was set aside as {CATALOG}.damaged"
        advice = f"remove {directory / (CATALOG + '.damaged')}, if you are not curious"
        yield Diagnosis("leftovers", Health.WARNING, message, advice)
    if size_of(directory / f"{CATALOG}-wal"):
        message = "SQLite's log is not in the catalog yet: a command runs, or was killed"
        yield Diagnosis("log", Health.GOOD, message)
