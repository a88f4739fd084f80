"""Would a careful reader make this link? A second opinion on what the ranker puts first.

The ranker learns what authors linked; authors also link what everything links, and leave most good
links unmade. So a logistic function of a few features, learned from the verdicts of readers on
suggestions in other vaults (`benchmarks/train_worth.py`), says which of the suggestions are worth
showing. It changes no order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TABLE = Path(__file__).with_name("worth.json")
LEAST_WORTH = 0.5  # more likely than not; not tuned
FEWEST = 30  # candidates, among which to tell what stands out; the vaults read had hundreds
CONSIDERED = 20  # of the ranker's order: as far down as readers have looked, and some more
# How near the two are both ways, in words and in names, what the author links already, and how
# general the candidate is. The ranker's score goes in as well.
INPUTS = (
    "best_there_z", "best_here_z", "whitened_best_pair_z", "bm25_z", "csls", "title_share_here",
    "mention_here", "near_own_links", "popularity", "in_degree", "length",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worth:
    """A logistic function of the ranker's score and of the features named in `INPUTS`."""

    intercept: float
    weights: Array  # (1 + inputs,): of the score, then of each input
    typical: Array  # (1 + inputs,): stands for what a feature can't tell

    def __call__(self, features: Mapping[str, Array], scores: Array) -> Array:
        """The probability that a reader accepts each candidate: (candidates,)."""
        columns = np.stack([scores, *(features[name] for name in INPUTS)], axis=1)
        known = np.where(np.isfinite(columns), columns, self.typical)
        found: Array = 1 / (1 + np.exp(-(self.intercept + known @ self.weights)))
        return found


def is_weak(worth: Array) -> NDArray[np.bool_]:
    """Which candidates are not worth showing: (candidates,); none where there are only a few."""
    weak: NDArray[np.bool_] = worth < (LEAST_WORTH if len(worth) >= FEWEST else 0.0)
    return weak


@cache
def load_worth() -> Worth:
    """The function that comes with the package."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    return Worth(table["intercept"], np.array(table["weights"]), np.array(table["typical"]))
