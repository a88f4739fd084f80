"""Signals → one order and one probability.

The signals have no common scale, so they are fused by rank (reciprocal rank fusion; Cormack,
Clarke, Büttcher 2009).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RRF_K = 60  # the constant of the paper
FUSED = ("mean_cosine", "best_pair", "mean_best_pair", "bm25", "titles", "mention_here")


def ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank of each value, 1 for the highest; ties in order of position, NaN last."""
    order = np.lexsort((np.arange(len(values)), -np.nan_to_num(values, nan=-np.inf)))
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(1, len(values) + 1)
    return found


def fuse(features: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Fused rank score of each candidate, scaled so that first under every signal is 1.

    A signal that is silent about a candidate (NaN, or no mention) adds nothing to it.
    """
    columns = []
    for name in FUSED:
        values = features[name]
        silent = np.isnan(values) | ((values == 0) & (name == "mention_here"))
        columns.append(np.where(silent, 0.0, (RRF_K + 1) / (RRF_K + ranks(values))))
    fused: NDArray[np.float64] = np.mean(columns, axis=0)
    return fused
