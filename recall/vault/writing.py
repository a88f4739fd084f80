"""Put other bytes in a note's place: in one step, or not at all.

The new bytes are written to a file beside the note, synced, given the note's permissions, owner
and extended attributes, and renamed over it. Whoever reads the note, and whatever is killed when,
finds the old bytes or the new ones. Right before the rename the note is read once more: if it says
something else than it should, nothing happens.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from pathlib import Path

from recall.errors import NoteChanged, NoteUnwritable

_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_ATTRIBUTES = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


def replace_bytes(file: Path, data: bytes, *, expected_sha256: str, shown: str) -> None:
    """Put bytes in the place of those that have this hash.

    Args:
        file: The note; a regular file with one name, in a folder that is there.
        data: What it shall hold.
        expected_sha256: Of what it holds now.
        shown: What an error calls it.

    Raises:
        NoteChanged: It holds something else.
        NoteUnwritable: It may not be written, has several names, or its owner can't be kept.
    """
    beside = _beside(file)
    try:
        info = _check(file, expected_sha256, shown)
        try:
            _write(beside, data, file, info, shown)
            _check(file, expected_sha256, shown)
            beside.replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise
        sync_folder(file.parent)
    except OSError as error:
        said = (error.strerror or type(error).__name__).lower()
        raise NoteUnwritable(
            f"{shown} can't be written: {said}.", hint="Check its permissions and the disk."
        ) from error


def clear_leftover(file: Path) -> None:
    """Remove what a process that was killed while it replaced a note left beside it."""
    with contextlib.suppress(OSError):
        _beside(file).unlink(missing_ok=True)


def _beside(file: Path) -> Path:
    return file.with_name(f".recall-{hashlib.sha256(os.fsencode(file.name)).hexdigest()[:16]}.tmp")


def _check(file: Path, expected_sha256: str, shown: str) -> os.stat_result:
    """Make sure that the note is a plain file that may be replaced, and says what it should."""
    try:
        descriptor = os.open(file, os.O_RDONLY | _SAFELY)
    except FileNotFoundError:
        raise NoteChanged(
            f"{shown} is gone; nothing was written.", hint="Ask for suggestions again."
        ) from None
    with os.fdopen(descriptor, "rb") as stream:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise NoteUnwritable(f"{shown} is not a regular file.", hint="Edit it by hand.")
        if info.st_nlink > 1:
            raise NoteUnwritable(
                f"{shown} has {info.st_nlink} names (hard links): writing it would part them.",
                hint="Edit it by hand.",
            )
        if not info.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise NoteUnwritable(f"{shown} is read-only.", hint="Make it writable first.")
        if hashlib.sha256(stream.read()).hexdigest() != expected_sha256:
            raise _changed(shown)
    return info


def _changed(shown: str) -> NoteChanged:
    return NoteChanged(
        f"{shown} was changed by another program meanwhile; nothing was written.",
        hint="Ask for suggestions again.",
    )


def _write(beside: Path, data: bytes, file: Path, info: os.stat_result, shown: str) -> None:
    """Write the file that takes the note's place; one that a killed run left is removed."""
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        _take_over(descriptor, file, info, shown)
        os.fsync(descriptor)


def _take_over(descriptor: int, file: Path, info: os.stat_result, shown: str) -> None:
    """Give the new file the owner, the permissions and the attributes of the old one."""
    if not hasattr(os, "fchown"):  # Windows keeps permissions with the folder
        return
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (info.st_uid, info.st_gid):
        try:
            os.fchown(descriptor, info.st_uid, info.st_gid)
        except OSError as error:
            raise NoteUnwritable(
                f"{shown} belongs to another user or group, which could not be kept.",
                hint="Edit it by hand.",
            ) from error
    os.fchmod(descriptor, stat.S_IMODE(info.st_mode))
    if not hasattr(os, "listxattr"):
        return
    try:
        names = os.listxattr(file, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return
        raise
    for name in names:
        value = os.getxattr(file, name, follow_symlinks=False)
        # The system gives every file labels of its own; setting them is for the privileged.
        with (
            contextlib.suppress(OSError)
            if name.startswith("security.")
            else contextlib.nullcontext()
        ):
            os.setxattr(descriptor, name, value)


def sync_folder(folder: Path) -> None:
    """Make the rename last; where folders can't be synced the system does it in its own time."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
