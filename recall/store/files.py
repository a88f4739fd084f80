"""The files of an index: their names, and opening them without being led elsewhere.

A vault may come from a stranger, and an index with it. A link in a file's place must not have the
file it leads to overwritten, a pipe must not be waited for, and a rollback journal must not name
files for SQLite to delete.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recall.errors import IndexDamaged, IndexUnreadable, IndexUnwritable
from recall.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom, BufferedReader
    from pathlib import Path

CATALOG = "catalog.sqlite"
# What `recall.links` learned from the vault, with the number of the layout: one of another layout
# is not taken for current. Deleting it costs time only.
LEARNED = "learned-6.table"
LEARNED_BEFORE = ("learned.npz", "learned-3.npz", "learned-4.npz", "learned-5.table")
TABLE = "notes.table"  # the table of notes; deleting it costs time only
TABLE_CHANGES = "notes.changes"  # and what changed of it since
REBUILD = "run `recall index --full`"
OWNER = "check that the folder is there, is yours and has room"

NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})  # said of a lock asked for
_TAILS = ("", "-wal", "-shm", "-journal")  # of the files that SQLite keeps for one catalog
_SEAL_ASIDE = regex(r"catalog\.seal\.[0-9]+")
_TABLE_ASIDE = regex(r"notes\.(table|changes)\.[0-9-]+")
_LEARNED_ASIDE = regex(r"learned-(4\.npz\.\w+|[0-9]+\.table\.[0-9-]+)")
_SEGMENT = regex(r"vectors-[1-9][0-9]*\.faiss")
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def segment_name(generation: int) -> str:
    """The name of the vectors file that a build writes."""
    return f"vectors-{generation}.faiss"


def is_segment_name(name: str) -> bool:
    """Whether a build may have given a file this name."""
    return _SEGMENT.fullmatch(name) is not None


def is_segment_file(file: Path) -> bool:
    """Whether a file is a vectors file of ours, or one that was being written."""
    return is_segment_name(file.name.removesuffix(".part"))


def is_leftover(file: Path) -> bool:
    """Whether a file is one that a killed process was writing aside."""
    name = file.name.removesuffix(".part")
    is_aside = any(form.fullmatch(name) for form in (_SEAL_ASIDE, _LEARNED_ASIDE, _TABLE_ASIDE))
    return name != file.name and (is_segment_name(name) or is_aside)


def size_of(file: Path) -> int | None:
    """The size of a file of the index; None if it is not there.

    Raises:
        IndexDamaged: Something else stands in its place: a link, a folder, a pipe.
        IndexUnreadable: Its folder may not be looked into.
    """
    with _reading(file):
        try:
            info = file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _regular(info, file).st_size


def open_to_read(file: Path) -> BufferedReader:
    """Open a file of the index.

    Raises:
        FileNotFoundError: It is not there.
        IndexDamaged: Something else stands in its place.
        IndexUnreadable: It may not be read.
    """
    return os.fdopen(_open(file, os.O_RDONLY), "rb")


def open_descriptor(file: Path) -> int:
    """Open a file of the index and give its descriptor; raises like `open_to_read`."""
    return _open(file, os.O_RDONLY)


def open_to_change(file: Path) -> BufferedRandom:
    """Open a file of the index that is there; raises like `open_to_read`."""
    return os.fdopen(_open(file, os.O_RDWR), "r+b")


def create(file: Path) -> BufferedRandom:
    """Make a file anew; what stood in its place is removed, not written through."""
    file.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | _SAFELY
    return os.fdopen(os.open(file, flags, 0o600), "w+b")


def has_catalog(directory: Path) -> bool:
    """Whether SQLite may open the catalog, and there is one.

    Raises:
        IndexDamaged: One of its files is not a plain file, or leads out of the folder.
        IndexUnreadable: The folder may not be looked into.
    """
    sizes = [size_of(directory / f"{CATALOG}{tail}") for tail in _TAILS]
    if sizes[-1]:
        _refuse_super_journal(directory / f"{CATALOG}-journal")
    return bool(sizes[0])


def set_catalog_aside(directory: Path) -> None:
    """Move a catalog that can't be used out of the way; it may be somebody's file."""
    file = directory / CATALOG
    if file.is_symlink():
        file.unlink()
    elif file.exists():
        file.replace(directory / f"{CATALOG}.damaged")
    for tail in _TAILS[1:]:
        (directory / f"{CATALOG}{tail}").unlink(missing_ok=True)


def gone(directory: Path) -> IndexDamaged:
    """Make the error for a vectors file that is not there."""
    return IndexDamaged(f"a vectors file of {directory} is gone", hint=REBUILD)


def gives_locks(directory: Path) -> bool:
    """Whether the file system knows locks: SQLite takes one that does not for one that is busy."""
    try:
        import fcntl
        import tempfile

        with tempfile.TemporaryFile(dir=directory) as probe:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows: always
        return True
    except OSError as error:
        return error.errno not in NO_LOCKS
    return True


def no_locks(directory: Path) -> IndexUnwritable:
    """The error for a folder on a file system that knows no locks."""
    return IndexUnwritable(
        f"the file system of {directory} gives no locks",
        hint="keep the vault, or its index, on a disk of this machine",
    )


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Say in our words why something can't be written in the folder of an index."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory
        raise IndexUnwritable(
            f"the index can't be written: {where}: {error.strerror or error}", hint=OWNER
        ) from error


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexUnreadable(
            f"{file} can't be read: {error.strerror or error}",
            hint="check who owns the folder of the index",
        ) from error


def _open(file: Path, flags: int) -> int:
    with _reading(file):
        _regular(file.lstat(), file)
        handle = os.open(file, flags | _SAFELY)
    try:
        _regular(os.fstat(handle), file)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _regular(info: os.stat_result, file: Path) -> os.stat_result:
    if not stat.S_ISREG(info.st_mode):
        raise IndexDamaged(f"{file} is not a regular file", hint=REBUILD)
    return info


def _refuse_super_journal(journal: Path) -> None:
    """Refuse a journal that ends in the name of another file: SQLite would delete that file.

    Only transactions over several databases write such a name; ours never do.
    """
    try:
        with open_to_read(journal) as file:
            file.seek(-min(len(_JOURNAL_MAGIC), os.fstat(file.fileno()).st_size), os.SEEK_END)
            end = file.read()
    except FileNotFoundError:
        return
    if end == _JOURNAL_MAGIC:
        raise IndexDamaged(f"{journal} names a file outside of the index", hint=REBUILD)
