"""Vectors in files: immutable segments, each a FAISS index that names its rows by text id.

A segment is `IndexIDMap(IndexFlatIP)`, its ids ascending: `faiss.read_index` reads it. It is
mapped into memory, not loaded, so opening costs nothing and a search reads what it compares.
"""

from __future__ import annotations

import hashlib
import os
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from recall.errors import IndexDamaged
from recall.store.files import REBUILD, create, open_to_read
from recall.store.rows import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ADDED_AT_ONCE = 16_384  # rows held in memory beside the index while one is written

# Threads meet at the end of a search, which on a busy machine can take longer than a small search
# itself. Tried by hand; no results file holds this number yet.
THREADED_FROM = 100_000_000  # multiplications

WRITTEN_AT_ONCE = 1 << 20  # bytes
HIGHEST_ID = 1 << 31  # a filter takes a byte for each id up to the highest

# What FAISS writes for either part: its kind, dimension, rows, two unused, is trained, metric.
_PART = struct.Struct("=4siqqqBi")
_COUNT = struct.Struct("=Q")


class Segments:
    """The live vectors files of one state of the catalog, opened."""

    def __init__(self, directory: Path, segments: Iterable[Segment]) -> None:
        """Open the files.

        Raises:
            FileNotFoundError: A later build removed one.
            IndexDamaged: One is not what the catalog says.
        """
        self._parts = [_Part(directory / segment.name, segment) for segment in segments]
        dimensions = {part.dimension for part in self._parts}
        if len(dimensions) > 1:
            raise IndexDamaged(f"vectors of several sizes in {directory}", hint=REBUILD)
        self.dimension: int | None = next(iter(dimensions), None)
        self.last_id = max((int(part.ids[-1]) for part in self._parts if len(part.ids)), default=-1)

    def ids(self) -> NDArray[np.int64]:
        """All text ids that have a row, ascending: (n,) int64."""
        return np.sort(np.concatenate([np.empty(0, np.int64), *(p.ids for p in self._parts)]))

    def rows(self, text_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of texts: (len(text_ids), dimension) float32.

        Raises:
            IndexDamaged: One of them has no vector.
        """
        found = np.empty((len(text_ids), self.dimension or 0), dtype=np.float32)
        is_missing = np.ones(len(text_ids), dtype=bool)
        for part in self._parts:
            places, is_here = part.places(text_ids)
            if is_here.all():
                return part.matrix[places]
            found[is_here] = part.matrix[places[is_here]]
            is_missing &= ~is_here
        if is_missing.any():
            number = int(text_ids[is_missing][0])
            raise IndexDamaged(f"text {number} of the index has no vector", hint=REBUILD)
        return found

    def search(
        self, queries: NDArray[np.float32], k: int, *, admitted: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Inner products, highest first: ids (n, k) int64 and scores (n, k) float32.

        Short rows are filled up with -1 and -inf. `admitted[id]` says whether a text may answer.
        Equal scores stand in no particular order.
        """
        parameters = None
        if admitted is not None:
            bits = np.packbits(admitted, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for part in self._parts:
            if not len(part.ids):
                continue
            with _threads(queries.size * len(part.ids)):
                now, here = part.index.search(queries, min(k, len(part.ids)), params=parameters)
            now[here < 0] = -np.inf
            both = np.concatenate([scores, now], axis=1)
            order = np.argsort(-both, axis=1, kind="stable")[:, :k]
            ids = np.take_along_axis(np.concatenate([ids, here], axis=1), order, axis=1)
            scores = np.take_along_axis(both, order, axis=1)
        return ids, scores


class _Part:
    """One opened file."""

    def __init__(self, file: Path, segment: Segment) -> None:
        _check_layout(file, segment)
        try:
            index: Any = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
            flat: Any = faiss.downcast_index(index.index)
        except (RuntimeError, AttributeError) as error:
            if not file.exists():
                raise FileNotFoundError(str(file)) from error
            raise IndexDamaged(f"{file} can't be read", hint=REBUILD) from error
        self.index = index
        self.ids: NDArray[np.int64] = faiss.vector_to_array(self.index.id_map)
        self.dimension = int(self.index.d)
        is_ours = isinstance(flat, faiss.IndexFlatIP) and len(self.ids) == segment.vectors
        if not is_ours or not _are_ids(self.ids):
            raise IndexDamaged(f"{file} is not what was written there", hint=REBUILD)
        # The rows where they lie in the file; rows taken from it are copies.
        numbers = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d)
        self.matrix: NDArray[np.float32] = numbers.reshape(flat.ntotal, flat.d)

    def places(self, text_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The row of each text, and whether it has one here."""
        if not len(self.ids):
            return np.zeros(len(text_ids), np.int64), np.zeros(len(text_ids), dtype=bool)
        places = np.minimum(np.searchsorted(self.ids, text_ids), len(self.ids) - 1)
        return places, self.ids[places] == text_ids


def _check_layout(file: Path, segment: Segment) -> None:
    """Refuse all but the one kind of file we write: FAISS would load whatever a file says it is."""
    with open_to_read(file) as opened:
        if os.fstat(opened.fileno()).st_size != segment.bytes:
            raise IndexDamaged(f"{file} has not the size it was written with", hint=REBUILD)
        head = opened.read(2 * _PART.size + _COUNT.size)
        if len(head) == 2 * _PART.size + _COUNT.size:
            outer, inner = _PART.unpack_from(head), _PART.unpack_from(head, _PART.size)
            _, dimension, rows, *_ = outer
            (numbers,) = _COUNT.unpack_from(head, 2 * _PART.size)
            is_sound = (
                (outer[0], inner[0]) == (b"IxMp", b"IxFI")
                and inner[1:3] == (dimension, rows)
                and 0 < dimension < 1 << 20
                and rows == segment.vectors
                and numbers == rows * dimension
                and segment.bytes == len(head) + 4 * numbers + _COUNT.size + 8 * rows
            )
            opened.seek(len(head) + 4 * numbers if is_sound else 0)
            if is_sound and opened.read(_COUNT.size) == _COUNT.pack(rows):
                return
    raise IndexDamaged(f"{file} is not what was written there", hint=REBUILD)


def _are_ids(ids: NDArray[np.int64]) -> bool:
    if not len(ids):
        return True
    return bool(ids[0] >= 0 and ids[-1] < HIGHEST_ID and (np.diff(ids) > 0).all())


@contextmanager
def _threads(multiplications: int) -> Iterator[None]:
    """Let FAISS use one thread for what is quickly done."""
    if multiplications >= THREADED_FROM:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


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
    for part in parts:
        index.add_with_ids(np.ascontiguousarray(part, np.float32), ids[start : start + len(part)])
        start += len(part)
    aside = file.with_name(f"{file.name}.part")
    try:
        with create(aside) as written:
            # Through the opened file: FAISS would open a name, whatever stands there by then.
            writer = faiss.PyCallbackIOWriter(  # type: ignore[attr-defined]
                written.write, WRITTEN_AT_ONCE
            )
            faiss.write_index(index, writer)
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


def pieces(ids: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """Cut ids into runs whose rows are held in memory together."""
    for start in range(0, len(ids), ADDED_AT_ONCE):
        yield ids[start : start + ADDED_AT_ONCE]


def as_ids(numbers: Sequence[int]) -> NDArray[np.int64]:
    """Text ids as an array: (n,) int64."""
    return np.asarray(list(numbers), dtype=np.int64).reshape(-1)
