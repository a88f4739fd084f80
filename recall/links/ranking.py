"""Candidates in order: what the ranker says of each, and which of them are worth showing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from recall.links.features import compute
from recall.links.ranker import TABLE, load_ranker
from recall.links.worth import is_weak, load_worth
from recall.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """One row a candidate, in the order of `Comparison.paths`."""

    features: Mapping[str, Array]
    probabilities: Array  # of a link, as they are shown
    worth: Array  # to a careful reader, as it is shown
    weak: NDArray[np.bool_]
    order: list[int]  # the rows, best first; ties by path


def rank(compared: Comparison, *, table: Path = TABLE) -> Ranking:
    """Compute the features of all candidates, and what they are worth by a table of trees."""
    features = compute(compared)
    scores, probabilities = load_ranker(table).rank(features)
    worth = load_worth()(features, scores).round(4)
    order = np.lexsort((np.arange(len(scores)), -scores))  # paths are sorted
    return Ranking(features, probabilities.round(4), worth, is_weak(worth), order.tolist())
