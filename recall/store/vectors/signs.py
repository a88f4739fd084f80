"""The signs of vectors, one bit a number: by these a large file is searched before rows are read.

Of two vectors that point alike most numbers have the same sign (Charikar 2002: the share that
differs grows with the angle). So the rows that differ from a query in the fewest signs hold its
nearest ones, and only those rows are read and compared. Signs are 32 times smaller than rows,
are computed without training, and those of a row never change.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNED_FROM = 50_000  # rows of a file; with fewer, comparing all takes no longer than embedding
# Rows to compare, times the root of how many there are. Of 58,700 vectors of real texts these held
# 98 in 100 of the 136 nearest, and nearly all of the ten nearest (`benchmarks/nearest.py`).
CANDIDATES = 16
A_RESULT = 30  # rows to compare, for each that is asked for
DIFFERS_MOST = np.iinfo(np.uint16).max

_WORD = 64  # bits
ALIGNED = 64  # bytes


def signs_start(body: int) -> int:
    """Where signs begin behind a file's first `body` bytes, so that they can be mapped."""
    return -(-body // ALIGNED) * ALIGNED


def words_a_row(dimension: int) -> int:
    """How many words of 64 bits the signs of a row take."""
    return -(-dimension // _WORD)


def signs_of(rows: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The signs of rows: (n, words) uint64, the bits behind the last number zero."""
    bits = np.packbits(rows > 0, axis=1)
    padded = np.zeros((len(rows), 8 * words_a_row(rows.shape[1])), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)


def candidates(
    signs: NDArray[np.uint64],
    query: NDArray[np.float32],
    k: int,
    *,
    admitted: NDArray[np.bool_] | None,
) -> NDArray[np.int64] | None:
    """The rows that should be compared with a query, ascending; None: all of them.

    Args:
        signs: (words, rows) uint64, as `signs_of` gives them, turned.
        query: (dimension,) float32.
        k: How many rows are asked for.
        admitted: (rows,) Whether a row may answer; None means all.
    """
    rows = signs.shape[1]
    wanted = max(A_RESULT * k, CANDIDATES * math.isqrt(rows))
    if admitted is not None and int(admitted.sum()) <= wanted:
        return np.flatnonzero(admitted)
    if wanted >= rows:
        return None
    asked = signs_of(query[None, :])[0]
    differing = np.zeros(rows, dtype=np.uint16)
    for word, of_query in zip(signs, asked, strict=True):
        differing += np.bitwise_count(word ^ of_query)
    if admitted is not None:
        differing[~admitted] = DIFFERS_MOST
    # All that differ in no more signs than the last one wanted: no row is left out by chance.
    most = np.searchsorted(np.cumsum(np.bincount(differing)), wanted)
    return np.flatnonzero(differing <= most)
