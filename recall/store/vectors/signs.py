"""The signs of vectors, one bit a number: by these a large file is searched before rows are read.

Of two vectors that point alike most numbers have the same sign (Charikar 2002: the share that
differs grows with the angle). So the rows that differ from a query in the fewest signs are looked
at again, now with the query's numbers in three bits, which tells much better how near a row is
(Gao and Long 2024, without the rotation: of these models' vectors it finds no more). Only the best
of those are read and compared. Signs are 32 times smaller than rows, are computed without
training, and those of a row never change.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNED_FROM = 30_000  # rows of a file; with fewer, comparing all takes no longer than embedding
ROWS_A_QUERY = 7_000  # below, a product of matrices is quicker
# Rows to compare, times the root of how many there are, and for each that is asked for. Of 75,000
# vectors of real texts these held 99 in 100 of the 136 nearest (`benchmarks/nearest.py`).
COMPARED = 5
A_RESULT = 16
LOOKED_AT_AGAIN = 5  # times as many

BITS = 3  # of a query's number
HIGHEST = 2**BITS - 1  # of its levels
REACH = 2.0  # standard deviations of a query's numbers that its levels span, on either side

_WORD = 64  # bits
ALIGNED = 64  # bytes
DIFFERS_MOST = np.iinfo(np.uint16).max


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


def save_time(rows: int, queries: int) -> bool:
    """Whether looking at signs first takes less than comparing all rows with all queries at once.

    A product of two matrices reads each row once, however many queries there are.
    """
    return rows >= ROWS_A_QUERY * queries


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
    wanted = max(A_RESULT * k, COMPARED * math.isqrt(rows))
    may_answer = rows if admitted is None else int(np.count_nonzero(admitted))
    if admitted is not None and may_answer <= wanted:
        return np.flatnonzero(admitted)
    if wanted >= rows:
        return None
    places: NDArray[np.int64] | None = None
    if LOOKED_AT_AGAIN * wanted < may_answer:
        differing = _differing(signs, query)
        if admitted is not None:
            np.copyto(differing, DIFFERS_MOST, where=~admitted)
        places = _lowest(differing, LOOKED_AT_AGAIN * wanted)
    elif admitted is not None:
        places = np.flatnonzero(admitted)
    looked_at = signs if places is None else signs.take(places, axis=1)  # words in one piece
    found = _lowest(_distances(looked_at, query), wanted)
    return found if places is None else places[found]


def _differing(signs: NDArray[np.uint64], query: NDArray[np.float32]) -> NDArray[np.uint16]:
    """In how many signs each row differs from a query: (rows,)."""
    found = np.zeros(signs.shape[1], dtype=np.uint16)
    for word, of_query in zip(signs, signs_of(query[None, :])[0], strict=True):
        found += np.bitwise_count(word ^ of_query)
    return found


def _distances(signs: NDArray[np.uint64], query: NDArray[np.float32]) -> NDArray[np.int32]:
    """How far the signs of each row lie from a query, whose numbers take one of eight levels.

    What a row's signs say of its inner product with the query is theirs with the levels, which
    stand for -7, -5, … 7. Each bit of the levels is counted on its own.
    """
    levels = _levels(query)
    found = np.zeros(signs.shape[1], dtype=np.int32)
    counted = np.empty(signs.shape[1], dtype=np.int16)
    for bit in range(BITS):
        of_query = signs_of(((levels >> bit) & 1).astype(np.float32)[None, :])[0]
        counted[:] = 0
        for word, mask in zip(signs, of_query, strict=True):
            counted += np.bitwise_count(word & mask)
        found += np.multiply(counted, 2 ** (bit + 1), dtype=np.int32)
    counted[:] = 0
    for word in signs:
        counted += np.bitwise_count(word)
    found -= np.multiply(counted, HIGHEST, dtype=np.int32)
    distances: NDArray[np.int32] = found.max(initial=0) - found
    return distances


def _levels(query: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The level of each number, from 0 to 7; a positive number has one above the middle."""
    step = 2 * REACH * max(float(query.std()), 1e-12) / HIGHEST
    levels: NDArray[np.uint8] = (
        np.rint(query / step + HIGHEST / 2).clip(0, HIGHEST).astype(np.uint8)
    )
    return levels


def _lowest(distances: NDArray[np.integer], wanted: int) -> NDArray[np.int64]:
    """Where the lowest ones are, ascending: at least so many, and all that are equally low."""
    most = np.searchsorted(np.cumsum(np.bincount(distances)), wanted)
    return np.flatnonzero(distances <= most)
