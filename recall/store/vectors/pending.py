"""Vectors that were computed and not yet published: a file that survives a killed build.

A header names the vector space; then fixed-size records of text hash, vector and CRC-32. What a
kill cut off or a disk garbled is left out when the file is read again.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from recall.digest import sha256
from recall.errors import IndexDamaged
from recall.store.files import create, open_to_change, open_to_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedRandom, BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "pending.vectors"
_MAGIC = b"recall pending 1"
_HEADER = len(_MAGIC) + 32 + 4  # magic, SHA-256 of the space, dimension


class Pending:
    """The pending vectors of one vector space. Only the holder of the write lock may open it."""

    def __init__(self, directory: Path, space: str) -> None:
        self._file = directory / FILE
        self._space = sha256(space.encode("utf-8", "surrogatepass"))
        self._row_of: dict[bytes, int] = {}
        self._rows = 0  # records in the file, good or bad
        self.dimension: int | None = None
        self._load()

    def __contains__(self, text_hash: bytes) -> bool:
        return text_hash in self._row_of

    def append(self, hashes: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Keep vectors, (len(hashes), dimension) float32, under the hashes of their texts."""
        if self.dimension is None:
            self._start(int(vectors.shape[1]))
        records = np.zeros(len(hashes), dtype=self._layout())
        records["hash"] = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)
        records["vector"] = vectors
        records["crc"] = [_checksum(record) for record in records]
        with open_to_change(self._file) as file:
            file.seek(0, os.SEEK_END)
            file.write(records.tobytes())
        for text_hash in hashes:
            self._row_of[text_hash] = self._rows
            self._rows += 1

    def vectors(self, hashes: Sequence[bytes]) -> NDArray[np.float32]:
        """The vectors kept under these hashes: (len(hashes), dimension) float32."""
        if not hashes:
            return np.empty((0, self.dimension or 0), dtype=np.float32)
        with open_to_read(self._file) as file:
            records = self._records(file)
        found: NDArray[np.float32] = records["vector"][[self._row_of[item] for item in hashes]]
        return np.ascontiguousarray(found)

    def clear(self) -> None:
        """Forget everything."""
        self._file.unlink(missing_ok=True)
        self._row_of.clear()
        self._rows = 0
        self.dimension = None

    def _start(self, dimension: int) -> None:
        self.dimension = dimension
        with create(self._file) as file:
            file.write(_MAGIC + self._space + dimension.to_bytes(4, "little"))

    def _load(self) -> None:
        with suppress(FileNotFoundError, IndexDamaged):  # a link or a pipe: removed like any other
            with open_to_change(self._file) as file:
                is_ours = self._load_from(file)
            if is_ours:
                return
        self._file.unlink(missing_ok=True)

    def _load_from(self, file: BufferedRandom) -> bool:
        """Take over what the file holds; False if it is of another space, or not ours."""
        header = file.read(_HEADER)
        dimension = int.from_bytes(header[-4:], "little")
        if header[:-4] != _MAGIC + self._space or not 0 < dimension < 1 << 20:
            return False
        self.dimension = dimension
        record = self._layout().itemsize
        self._rows = (os.fstat(file.fileno()).st_size - _HEADER) // record
        file.truncate(_HEADER + self._rows * record)
        for row, item in enumerate(self._records(file) if self._rows else ()):
            if int(item["crc"]) == _checksum(item):
                self._row_of[item["hash"].tobytes()] = row
        return True

    def _records(self, file: BufferedRandom | BufferedReader) -> np.memmap[Any, np.dtype[Any]]:
        return np.memmap(file, self._layout(), "r", offset=_HEADER, shape=(self._rows,))

    def _layout(self) -> np.dtype[Any]:
        return np.dtype([("hash", np.uint8, 32), ("vector", "<f4", self.dimension), ("crc", "<u4")])


def _checksum(record: np.void) -> int:
    return zlib.crc32(record["vector"].tobytes(), zlib.crc32(record["hash"].tobytes()))
