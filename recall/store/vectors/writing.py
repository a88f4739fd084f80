"""Writing a vectors file, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import faiss
import numpy as np

from recall.store.files import create
from recall.store.rows import Segment
from recall.store.vectors import signs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

WRITTEN_AT_ONCE = 1 << 20  # bytes


def write_segment(
    file: Path, ids: NDArray[np.int64], parts: Iterable[NDArray[np.float32]], dimension: int
) -> Segment:
    """Write a segment aside, sync it, and move it to its place.

    Args:
        file: Its place.
        ids: Text ids, ascending: (n,) int64.
        parts: The rows in that order, in pieces: (…, dimension) float32.
        dimension: Of the vectors.
    """
    flat = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIDMap(flat)
    start = 0
    of_parts: list[NDArray[np.uint64]] = []
    for part in parts:
        index.add_with_ids(np.ascontiguousarray(part, np.float32), ids[start : start + len(part)])
        start += len(part)
        if len(ids) >= signs.SIGNED_FROM:
            of_parts.append(signs.signs_of(part))
    aside = file.with_name(f"{file.name}.part")
    try:
        with create(aside) as written:
            # Through the opened file: FAISS would open a name, whatever stands there by then.
            writer = faiss.PyCallbackIOWriter(  # type: ignore[attr-defined]
                written.write, WRITTEN_AT_ONCE
            )
            faiss.write_index(index, writer)
            if of_parts:
                body = written.seek(0, os.SEEK_END)
                written.write(bytes(signs.signs_start(body) - body))
                written.write(np.concatenate(of_parts).T.astype("<u8").tobytes())
            written.flush()
            os.fsync(written.fileno())
            size = written.seek(0, os.SEEK_END)
            written.seek(0)
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        aside.replace(file)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
    return Segment(file.name, start, size, digest)


def sync_folder(directory: Path) -> None:
    """Make a rename last; only POSIX can, and only there it is needed."""
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
