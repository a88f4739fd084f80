"""Features → one score and one probability a candidate.

The ranker is an ensemble of regression trees (LambdaMART; Burges 2010), learned by
`benchmarks/train_ranker.py` from links that authors made in other vaults, and shipped as a table.
Three more numbers turn a score into the share of such suggestions that were links. `docs/ranker.md`
is its model card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TABLE = Path(__file__).with_name("ranker.json")
MISSING = -2.0  # stands for a feature that can't tell; below every cosine


@dataclass(frozen=True, slots=True)
class Forest:
    """Regression trees in arrays, one row a tree; a leaf points at itself."""

    names: tuple[str, ...]  # of the features, in the order of the columns
    feature: NDArray[np.int32]  # (trees, nodes): which feature decides
    threshold: Array  # (trees, nodes): at most this much goes left
    left: NDArray[np.int32]  # (trees, nodes)
    right: NDArray[np.int32]  # (trees, nodes)
    value: Array  # (trees, nodes): of the leaves
    depth: int

    def scores(self, features: Array) -> Array:
        """Sum of the leaves reached: (rows,) for (rows, len(names)) features, NaN allowed."""
        known = np.nan_to_num(features, nan=MISSING)
        # Flat places: to take from one long array is several times faster than from a table.
        trees, widest = self.feature.shape
        roots = np.arange(trees, dtype=np.int64) * widest
        rows = np.arange(len(known), dtype=np.int64)[:, None] * known.shape[1]
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right = self.left.ravel(), self.right.ravel()
        node = np.broadcast_to(roots, (len(known), trees))
        for _ in range(self.depth):
            goes_left = known.ravel().take(rows + feature.take(node)) <= threshold.take(node)
            node = roots + np.where(goes_left, left.take(node), right.take(node))
        found: Array = self.value.ravel().take(node).sum(axis=1)
        return found

    @classmethod
    def from_nodes(cls, trees: Sequence[Sequence[Sequence[float]]], names: Sequence[str]) -> Forest:
        """Build from a list of nodes a tree: (feature, threshold, left, right, value)."""
        widest = max(len(nodes) for nodes in trees)
        table = np.zeros((len(trees), widest, 5))
        for row, nodes in enumerate(trees):
            table[row, : len(nodes)] = nodes
        left, right = table[:, :, 2].astype(np.int32), table[:, :, 3].astype(np.int32)
        depth = max(_depth(nodes) for nodes in trees)
        feature = table[:, :, 0].astype(np.int32)
        return cls(tuple(names), feature, table[:, :, 1], left, right, table[:, :, 4], depth)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Score → probability: a logistic function of the score and of the vault's size."""

    intercept: float
    score: float  # log odds a unit of the score, above 0
    vault_size: float  # log odds a unit of the feature `vault_size`
    smallest: float  # `vault_size` of the vaults this was learned from: no others are guessed at
    largest: float

    def probabilities(self, scores: Array, vault_size: float) -> Array:
        """Of a link: (rows,) for (rows,) scores of one vault, in the same order."""
        size = min(max(vault_size, self.smallest), self.largest)
        odds = self.intercept + self.score * scores + self.vault_size * size
        found: Array = 1 / (1 + np.exp(-odds))
        return found


@dataclass(frozen=True, slots=True)
class Ranker:
    """The trees, and what their scores are worth."""

    forest: Forest
    calibration: Calibration

    def rank(self, features: Mapping[str, Array]) -> tuple[Array, Array]:
        """Score and probability of each candidate; more is better in both."""
        columns = np.stack([features[name] for name in self.forest.names], axis=1)
        scores = self.forest.scores(columns)
        if not len(scores):
            return scores, scores
        return scores, self.calibration.probabilities(scores, float(features["vault_size"][0]))


@cache
def load_ranker(file: Path = TABLE) -> Ranker:
    """The ranker that comes with the package, or another that its training wrote."""
    table = json.loads(file.read_text(encoding="utf-8"))
    forest = Forest.from_nodes(table["trees"], table["features"])
    return Ranker(forest, Calibration(**table["calibration"]))


def ranks(values: Array) -> NDArray[np.int64]:
    """Rank of each value, 1 for the highest; ties in order of position, NaN last."""
    order = np.lexsort((np.arange(len(values)), -np.nan_to_num(values, nan=-np.inf)))
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(1, len(values) + 1)
    return found


def _depth(nodes: Sequence[Sequence[float]], at: int = 0) -> int:
    _, _, left, right, _ = nodes[at]
    if left == at:
        return 0
    return 1 + max(_depth(nodes, int(left)), _depth(nodes, int(right)))
