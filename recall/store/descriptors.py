"""Reading the bytes of a catalog beside SQLite, without costing SQLite its locks.

POSIX drops all locks that a process holds on a file as soon as the process closes *any* descriptor
of it (sqlite.org/howtocorrupt.html, 2.2). SQLite would go on as if it held them, and another
process could take its log away. So a descriptor stays open as long as this process has a connection
to the same file, and is closed with the last of them.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from recall.store.files import open_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

Key = tuple[int, int]  # device and inode

_lock = RLock()
_connections: Counter[Key] = Counter()
_kept: dict[Key, list[int]] = {}


def connected(file: Path) -> Key | None:
    """Note that a connection to a file was opened; what is given back is for `disconnected`."""
    try:
        info = file.stat()
    except OSError:
        return None
    key = (info.st_dev, info.st_ino)
    with _lock:
        _connections[key] += 1
    return key


def disconnected(key: Key | None) -> None:
    """Note that a connection was closed; the last one takes the descriptors with it."""
    if key is None:
        return
    with _lock:
        _connections[key] -= 1
        _close_if_alone(key)


@contextmanager
def reading(file: Path) -> Iterator[BufferedReader]:
    """The bytes of a catalog from the start; one reader of this process at a time.

    Raises:
        FileNotFoundError: It is not there.
        IndexDamaged: Something else stands in its place.
        IndexUnreadable: It may not be read.
    """
    with _lock:
        descriptor, key = _descriptor_of(file)
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                stream.seek(0)
                yield stream
        finally:
            _close_if_alone(key)


def _descriptor_of(file: Path) -> tuple[int, Key]:
    info = file.lstat()
    key = (info.st_dev, info.st_ino)
    if key in _kept:  # the open descriptor keeps the number from being given to another file
        return _kept[key][0], key
    descriptor = open_descriptor(file)
    info = os.fstat(descriptor)
    key = (info.st_dev, info.st_ino)
    _kept.setdefault(key, []).append(descriptor)
    return descriptor, key


def _close_if_alone(key: Key) -> None:
    if _connections[key] <= 0:
        del _connections[key]
        for descriptor in _kept.pop(key, []):
            os.close(descriptor)
