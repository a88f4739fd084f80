"""Vectors in files: immutable segments, each a FAISS index that names its rows by text id.

A segment is `IndexIDMap(IndexFlatIP)`, its ids ascending: `faiss.read_index` reads it. Here it is
mapped into memory and not loaded, so opening costs nothing and a search reads what it compares;
an exact search of one question is a matrix product, for which FAISS itself need not be loaded.
Behind the index, a large file holds the signs of its vectors (`signs`), which FAISS does not read.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from recall.errors import IndexDamaged
from recall.store.files import REBUILD, open_to_read
from recall.store.vectors.exact import best, highest
from recall.store.vectors.signs import candidates, save_time, signs_start, words_a_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from io import BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.store.rows import Segment

ROWS_AT_ONCE = 16_384  # held in memory together

HIGHEST_ID = 1 << 31  # a filter takes a byte for each id up to the highest

# What FAISS writes for either part: its kind, dimension, rows, two unused, is trained, metric.
_PART = struct.Struct("=4siqqqBi")
_COUNT = struct.Struct("=Q")
_ROWS_START = 2 * _PART.size + _COUNT.size


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
                return part.rows(places)
            found[is_here] = part.rows(places[is_here])
            is_missing &= ~is_here
        if is_missing.any():
            number = int(text_ids[is_missing][0])
            raise IndexDamaged(f"text {number} of the index has no vector", hint=REBUILD)
        return found

    def search(
        self, queries: NDArray[np.float32], k: int, *, admitted: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Inner products, highest first: ids (n, k) int64 and scores (n, k) float32.

        In files that hold signs only the rows that these lead to are compared.
        Short rows are filled up with -1 and -inf. `admitted[id]` says whether a text may answer.
        Equal scores stand in no particular order.
        """
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for part in self._parts:
            here, now = part.best(queries, k, admitted=admitted)
            both = np.concatenate([scores, now], axis=1)
            order = np.argsort(-both, axis=1, kind="stable")[:, :k]
            ids = np.take_along_axis(np.concatenate([ids, here], axis=1), order, axis=1)
            scores = np.take_along_axis(both, order, axis=1)
        return ids, scores

    def highest(
        self, queries: NDArray[np.float32], k: int, *, admitted: Sequence[NDArray[np.bool_]]
    ) -> list[NDArray[np.float32]]:
        """The highest inner product of each text with any of the queries, by its id.

        Args:
            queries: (n, dimension) float32, at least one.
            k: In files that are searched by signs, only of so many texts for each query.
            admitted: Of each list that is asked for, `admitted[id]`: whether a text is meant.

        Returns:
            (last_id + 1,) float32 for each list; -inf where none is known.
        """
        lists = [np.full(self.last_id + 1, -np.inf, dtype=np.float32) for _ in admitted]
        for part in self._parts:
            is_exact = part.is_compared_whole(len(queries))
            whole = highest(part.matrix, queries) if is_exact else None
            for found, meant in zip(lists, admitted, strict=True):
                if whole is not None:
                    found[part.ids] = np.where(meant[part.ids], whole, -np.inf)
                    continue
                ids, scores = part.best(queries, k, admitted=meant)
                is_one = ids >= 0
                np.maximum.at(found, ids[is_one], scores[is_one])
        return lists


class _Part:
    """One opened file."""

    matrix: NDArray[np.float32]  # (rows, dimension)
    ids: NDArray[np.int64]  # (rows,) ascending
    signs: NDArray[np.uint64] | None = None  # (words, rows)
    _asked: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None  # by text, and by row

    def __init__(self, file: Path, segment: Segment) -> None:
        with open_to_read(file) as opened:
            self.dimension = _checked_dimension(opened, file, segment)
            shape = (segment.vectors, self.dimension)
            if not segment.vectors:  # nothing to map
                self.matrix, self.ids = np.empty(shape, np.float32), np.empty(0, np.int64)
                return
            matrix: Any = np.memmap(opened, "<f4", "r", _ROWS_START, shape)
            start = _ROWS_START + 4 * matrix.size + _COUNT.size
            ids: Any = np.memmap(opened, "<i8", "r", start, (segment.vectors,))
            body = start + ids.nbytes
            if segment.bytes > body:
                turned = (words_a_row(self.dimension), segment.vectors)
                signs: Any = np.memmap(opened, "<u8", "r", signs_start(body), turned)
                self.signs = signs.view(np.ndarray)
        self.matrix = matrix.view(np.ndarray)
        self.ids = ids.view(np.ndarray)
        if not _are_ids(self.ids):
            raise IndexDamaged(f"{file} is not what was written there", hint=REBUILD)

    def is_compared_whole(self, queries: int) -> bool:
        """Whether every row is compared with so many queries, and not those that signs lead to."""
        return self.signs is None or not save_time(len(self.ids), queries)

    def best(
        self, queries: NDArray[np.float32], k: int, *, admitted: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `exact.best`; by signs if there are some, and if that is quicker."""
        if self.signs is None or self.is_compared_whole(len(queries)):
            return best(self.matrix, self.ids, queries, k, admitted=admitted)
        may_answer = None if admitted is None else self._rows_of(admitted)
        found = []
        for query in queries:
            places = candidates(self.signs, query, k, admitted=may_answer)
            rows, ids = self.matrix, self.ids
            if places is not None:
                rows, ids = self.rows(places), ids[places]
            found.append(best(rows, ids, query[None, :], k, admitted=admitted))
        ids_found, scores = zip(*found, strict=True)
        return np.concatenate(ids_found), np.concatenate(scores)

    def _rows_of(self, admitted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(rows,) Whether each may answer; kept, as most questions are put to the same texts."""
        asked = self._asked
        if asked is None or asked[0] is not admitted:
            self._asked = asked = (admitted, admitted[self.ids])
        return asked[1]

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Copies of some rows: (len(places), dimension), aligned."""
        # As bytes: of numbers that don't lie at multiples of four NumPy copies one at a time.
        as_bytes = self.matrix.view(np.uint8).take(places, axis=0)
        return as_bytes.view(np.float32)

    def places(self, text_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The row of each text, and whether it has one here."""
        if not len(self.ids):
            return np.zeros(len(text_ids), np.int64), np.zeros(len(text_ids), dtype=bool)
        places = np.minimum(np.searchsorted(self.ids, text_ids), len(self.ids) - 1)
        return places, self.ids[places] == text_ids


def _checked_dimension(opened: BufferedReader, file: Path, segment: Segment) -> int:
    """Refuse all but the one kind of file we write, of the size it was written with."""
    if os.fstat(opened.fileno()).st_size != segment.bytes:
        raise IndexDamaged(f"{file} has not the size it was written with", hint=REBUILD)
    head = opened.read(_ROWS_START)
    if len(head) == _ROWS_START:
        outer, inner = _PART.unpack_from(head), _PART.unpack_from(head, _PART.size)
        _, dimension, rows, *_ = outer
        (numbers,) = _COUNT.unpack_from(head, 2 * _PART.size)
        is_sound = (
            (outer[0], inner[0]) == (b"IxMp", b"IxFI")
            and inner[1:3] == (dimension, rows)
            and 0 < dimension < 1 << 20
            and rows == segment.vectors
            and numbers == rows * dimension
            and segment.bytes in _sizes(rows, dimension)
        )
        opened.seek(_ROWS_START + 4 * numbers if is_sound else 0)
        if is_sound and opened.read(_COUNT.size) == _COUNT.pack(rows):
            return int(dimension)
    raise IndexDamaged(f"{file} is not what was written there", hint=REBUILD)


def _sizes(rows: int, dimension: int) -> tuple[int, int]:
    """How many bytes a file has without signs, and with them."""
    body = _ROWS_START + 4 * rows * dimension + _COUNT.size + 8 * rows
    return body, signs_start(body) + 8 * words_a_row(dimension) * rows


def _are_ids(ids: NDArray[np.int64]) -> bool:
    if not len(ids):
        return True
    return bool(ids[0] >= 0 and ids[-1] < HIGHEST_ID and (np.diff(ids) > 0).all())


def pieces(ids: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """Cut ids into runs whose rows are held in memory together."""
    for start in range(0, len(ids), ROWS_AT_ONCE):
        yield ids[start : start + ROWS_AT_ONCE]


def as_ids(numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Text ids as an array: (n,) int64."""
    return np.asarray(numbers, dtype=np.int64).reshape(-1)
