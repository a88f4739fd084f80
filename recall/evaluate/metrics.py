"""How good a ranked list is, given what was hidden, and how sure a mean is.

All measures lie in [0, 1], higher is better. A note counts once however often it is listed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recall.records import dataclass

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, with the interval that resampling gives."""

    mean: float
    low: float
    high: float


def recall_at(ranked: Sequence[str], hidden: Collection[str], k: int = 10) -> float:
    """Hits among the first `k`, of as many as could be there: min(hidden, k)."""
    return _hits(ranked, hidden, k) / min(len(set(hidden)), k)


def precision_at(ranked: Sequence[str], hidden: Collection[str], k: int = 5) -> float:
    """Hits among the first `k`, of `k`: places that a short list leaves empty count as wrong."""
    return _hits(ranked, hidden, k) / k


def reciprocal_rank(ranked: Sequence[str], hidden: Collection[str]) -> float:
    """One over the rank of the first hit; 0 without one."""
    for rank, path in enumerate(_distinct(ranked), start=1):
        if path in hidden:
            return 1 / rank
    return 0.0


def ndcg_at(ranked: Sequence[str], hidden: Collection[str], k: int = 10) -> float:
    """Binary nDCG (Järvelin, Kekäläinen 2002): gain 1 / log2(rank + 1), of the best order's."""
    gain = sum(
        1 / math.log2(rank + 1)
        for rank, path in enumerate(_distinct(ranked)[:k], start=1)
        if path in hidden
    )
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(set(hidden)), k) + 1))
    return gain / best


def ndcg_by_chance(hidden: int, notes: int, k: int = 10) -> float:
    """The nDCG to be expected of any order of `notes` notes, `hidden` of which are right."""
    shares = [1 / math.log2(rank + 1) for rank in range(1, min(notes, k) + 1)]
    return hidden / notes * sum(shares) / sum(shares[:hidden])


MEASURES: Mapping[str, Callable[[Sequence[str], Collection[str]], float]] = {
    "ndcg@10": ndcg_at,
    "recall@10": recall_at,
    "mrr": reciprocal_rank,
    "p@5": precision_at,
}


def bootstrap(values: Sequence[float], *, seed: int = 0) -> Estimate:
    """The mean of some values and its percentile interval (Efron 1979), values drawn anew."""
    found = np.asarray(values, dtype=np.float64)
    return _estimate(found.mean(), found[_draws(len(found), seed)].mean(axis=1))


def bootstrap_ratio(
    values: Sequence[float], baseline: Sequence[float], *, seed: int = 0
) -> Estimate:
    """The mean of some values over the mean of others of the same sources or vaults, in pairs."""
    above, below = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    if len(above) != len(below):
        raise ValueError(f"{len(above)} values cannot be paired with {len(below)}")
    draws = _draws(len(above), seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above[draws].mean(axis=1) / below[draws].mean(axis=1)
        return _estimate(above.mean() / below.mean(), ratios)


def _draws(count: int, seed: int) -> NDArray[np.int64]:
    """Row after row of places drawn with replacement: (RESAMPLES, count)."""
    return np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))


def _estimate(mean: np.float64, resampled: NDArray[np.float64]) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Estimate(float(mean), float(low), float(high))


def _hits(ranked: Sequence[str], hidden: Collection[str], k: int) -> int:
    return len(set(_distinct(ranked)[:k]) & set(hidden))


def _distinct(ranked: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ranked))
