"""The rows with the highest inner products, by looking at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRODUCTS_AT_ONCE = 4_000_000  # scores held in memory together: 16 MB
ROWS_COPIED = 1024  # rows at a time, a megabyte or two: they stay in the processor's caches
ONE_BY_ONE = 4  # queries; a product of matrices takes longer until there are more

FEW = 0.5  # of the rows: to copy so many costs less than to look at all


def best(
    matrix: NDArray[np.float32],
    ids: NDArray[np.int64],
    queries: NDArray[np.float32],
    k: int,
    *,
    admitted: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` best rows of each query, highest first: ids (n, k) int64, scores (n, k) float32.

    Args:
        matrix: (rows, dimension) float32, perhaps mapped from a file.
        ids: (rows,) int64, what each row is called.
        queries: (n, dimension) float32.
        k: How many rows for each query; filled up with -1 and -inf.
        admitted: `admitted[id]` says whether a row may answer; None means all.
    """
    found = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    step = max(1024, PRODUCTS_AT_ONCE // max(1, len(queries)))
    for start in range(0, len(matrix), step):
        names, rows = ids[start : start + step], matrix[start : start + step]
        is_admitted = None if admitted is None else admitted[names]
        if is_admitted is not None and is_admitted.mean() < FEW:
            names, rows, is_admitted = names[is_admitted], rows[is_admitted], None
        products = _products(rows, queries)
        if is_admitted is not None:
            products[:, ~is_admitted] = -np.inf
        for row, line in enumerate(products):
            # After the first block few rows are better than the worst that was kept.
            places = np.flatnonzero(line > scores[row, -1])
            if len(places) > k:
                places = places[np.argpartition(-line[places], k - 1)[:k]]
            both = np.concatenate([scores[row], line[places]])
            order = np.argsort(-both, kind="stable")[:k]
            found[row] = np.concatenate([found[row], names[places]])[order]
            scores[row] = both[order]
    return found, scores


def highest(matrix: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """The highest inner product of each row with any of the queries: (rows,) float32."""
    found = np.empty(len(matrix), dtype=np.float32)
    step = max(1024, PRODUCTS_AT_ONCE // max(1, len(queries)))
    for start in range(0, len(matrix), step):
        products = _products(matrix[start : start + step], queries)
        products.max(axis=0, out=found[start : start + step])
    return found


def _products(matrix: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inner products of queries and rows: (n, rows) float32.

    In FAISS's files rows don't lie at multiples of four bytes, and for such a matrix NumPy makes
    a whole copy before it multiplies. Copies of some rows at a time never leave the caches.
    """
    found = np.empty((len(queries), len(matrix)), dtype=np.float32)
    if matrix.flags.aligned:
        return _multiplied(matrix, queries, found)
    as_bytes = matrix.view(np.uint8)  # which lie well anywhere: they are copied faster
    copied = np.empty((min(ROWS_COPIED, len(matrix)), matrix.shape[1]), dtype=np.float32)
    for start in range(0, len(matrix), ROWS_COPIED):
        rows = as_bytes[start : start + ROWS_COPIED]
        piece = copied[: len(rows)]
        piece.view(np.uint8)[:] = rows
        _multiplied(piece, queries, found[:, start : start + len(rows)])
    return found


def _multiplied(
    matrix: NDArray[np.float32], queries: NDArray[np.float32], found: NDArray[np.float32]
) -> NDArray[np.float32]:
    if len(queries) == 1:
        np.vecdot(matrix, queries[0], out=found[0])
    elif len(queries) <= ONE_BY_ONE:
        for query, row in zip(queries, found, strict=True):
            np.dot(matrix, query, out=row)
    else:
        np.matmul(queries, matrix.T, out=found)
    return found
