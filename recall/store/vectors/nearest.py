"""Nearest texts in a fixed order: by score, then by first path, then by id.

The segments find who may be among the best, small ones by comparing all, large ones those that
their signs lead to; the scores are then computed anew in double precision,
row by row, so that a text's score does not depend on which file or block it lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from recall.store.vectors.segments import Segments, pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPARE = 16  # more than asked for, to see where a run of equal scores ends
TOLERANCE = 1e-5  # what the two ways to compute a score can differ by, for unit vectors

FirstPaths = Callable[[Iterable[int]], Mapping[int, str]]


def find_nearest(
    segments: Segments,
    queries: NDArray[np.float32],
    k: int,
    *,
    admitted: NDArray[np.bool_] | None,
    first_paths: FirstPaths,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` best texts for each query: ids (n, k) int64 and scores (n, k) float32.

    Filled up with -1 and -inf. `admitted[id]` says which texts may answer; None means all.
    """
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if segments.dimension is None or not len(queries) or k == 0:
        return ids, scores
    found, raw = segments.search(queries, k + SPARE, admitted=admitted)
    for i, query in enumerate(queries):
        near = found[i][found[i] >= 0]
        exact = _scores(segments, near, query)
        # The list must reach below its k-th score, or an equal text may lie just outside.
        reach = TOLERANCE * max(1.0, float(np.linalg.norm(query)))
        if len(near) == k + SPARE and raw[i, -1] >= np.sort(exact)[-k] - reach:
            near, exact = _all_near(segments, query, k, admitted=admitted)
        order = _ranked(near, exact, first_paths)[:k]
        ids[i, : len(order)] = near[order]
        scores[i, : len(order)] = exact[order]
    return ids, scores


def _scores(
    segments: Segments, ids: NDArray[np.int64], query: NDArray[np.float32]
) -> NDArray[np.float32]:
    rows = segments.rows(ids).astype(np.float64)
    found: NDArray[np.float32] = (rows * query).sum(axis=1).astype(np.float32)
    return found


def _all_near(
    segments: Segments,
    query: NDArray[np.float32],
    k: int,
    *,
    admitted: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every text that scores at least as high as the k-th, by looking at all of them."""
    ids = segments.ids()
    if admitted is not None:
        ids = ids[admitted[ids]]
    exact = np.concatenate([_scores(segments, piece, query) for piece in pieces(ids)])
    is_near = exact >= np.partition(exact, -k)[-k]
    return ids[is_near], exact[is_near]


def _ranked(
    ids: NDArray[np.int64], scores: NDArray[np.float32], first_paths: FirstPaths
) -> NDArray[np.int64]:
    order = np.lexsort((ids, -scores))
    ranked = scores[order]
    is_tied = np.zeros(len(order), dtype=bool)
    is_tied[1:] = ranked[1:] == ranked[:-1]
    is_tied[:-1] |= is_tied[1:]
    if not is_tied.any():
        return order
    paths = first_paths(ids[order[is_tied]].tolist())
    keys = [
        (-float(scores[place]), paths.get(int(ids[place]), ""), int(ids[place])) for place in order
    ]
    return order[sorted(range(len(order)), key=keys.__getitem__)]
