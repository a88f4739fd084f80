"""Features → one score a candidate.

The ranker is an ensemble of regression trees (LambdaMART; Burges 2010), learned by
`benchmarks/train_ranker.py` from links that authors made in other vaults, and shipped as a table.
The table also holds what a score is worth (`calibration`). `docs/ranker.md` is its model card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recall.links.calibration import Calibration
from recall.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TABLE = Path(__file__).with_name("ranker.json")
MISSING = -2.0  # stands for a feature that can't tell; below every cosine
MOST_LEAVES = 64  # of a tree, a bit each
PARTS = ("feature", "threshold", "if_left", "if_right", "leaves")  # of a forest, in the table


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Regression trees, each as its questions and the leaves that every answer leaves open.

    All questions of a tree are asked of a row, wherever in the tree they stand; what all answers
    leave open is one leaf (after QuickScorer; Lucchese et al. 2015). For many rows that is several
    times faster than to walk down the trees, which looks up another place at every step.
    """

    names: tuple[str, ...]  # of the features, in the order of the columns
    feature: NDArray[np.int64]  # (questions, trees): which feature is asked about
    threshold: Array  # (questions, trees): at most this much goes left
    if_left: NDArray[np.unsignedinteger]  # (questions, trees): leaves still open, a bit each
    if_right: NDArray[np.unsignedinteger]  # (questions, trees)
    leaves: Array  # (trees, leaves): their values, the leftmost is the lowest bit

    def scores(self, features: Array) -> Array:
        """Sum of the leaves reached: (rows,) for (rows, len(names)) features, NaN allowed."""
        columns = np.ascontiguousarray(np.nan_to_num(features, nan=MISSING).T)
        trees, width = self.leaves.shape
        kind = self.if_left.dtype
        still_open = np.full((trees, len(features)), np.iinfo(kind).max, dtype=kind)
        for feature, threshold, if_left, if_right in zip(
            self.feature, self.threshold, self.if_left, self.if_right, strict=True
        ):
            goes_left = columns[feature] <= threshold[:, None]
            still_open &= np.where(goes_left, if_left[:, None], if_right[:, None])
        leaf = np.frexp(still_open.astype(np.float64))[1] - 1  # which bit is left
        first = np.arange(trees, dtype=np.int64)[:, None] * width
        reached = self.leaves.ravel().take(first + leaf)
        # Of each row in the same order, however many rows there are.
        found: Array = np.ascontiguousarray(reached.T).sum(axis=1)
        return found

    @classmethod
    def from_nodes(cls, trees: Sequence[Sequence[Sequence[float]]], names: Sequence[str]) -> Forest:
        """Build from a list of nodes a tree: (feature, threshold, left, right, value).

        `left` and `right` are places in the list; a leaf points at itself.

        Raises:
            ValueError: A tree has more than 64 leaves.
        """
        read = [_questions(nodes) for nodes in trees]
        most, widest = (max(map(len, part)) for part in zip(*read, strict=True))
        if widest > MOST_LEAVES:
            raise ValueError(f"a tree of {widest} leaves; {MOST_LEAVES} are the most")
        asked = []
        for questions, values in read:  # as many of each; what is added leaves open what there is
            every = (1 << len(values)) - 1
            asked.append(questions + [(0, 0.0, every, every)] * (max(most, 1) - len(questions)))
        in_turn = list(zip(*asked, strict=True))
        feature = [[question[0] for question in row] for row in in_turn]
        threshold = [[question[1] for question in row] for row in in_turn]
        if_left = [[question[2] for question in row] for row in in_turn]
        if_right = [[question[3] for question in row] for row in in_turn]
        leaves = [values + [0.0] * (widest - len(values)) for _, values in read]
        return cls.of_lists(names, feature, threshold, if_left, if_right, leaves)

    @classmethod
    def of_lists(
        cls,
        names: Sequence[str],
        feature: Sequence[Sequence[int]],
        threshold: Sequence[Sequence[float]],
        if_left: Sequence[Sequence[int]],
        if_right: Sequence[Sequence[int]],
        leaves: Sequence[Sequence[float]],
    ) -> Forest:
        """Build from what the arrays hold, as the table has it."""
        values = np.array(leaves, dtype=np.float64)
        kind = np.min_scalar_type((1 << values.shape[1]) - 1)
        return cls(
            tuple(names),
            np.array(feature, dtype=np.int64),
            np.array(threshold, dtype=np.float64),
            np.array(if_left, dtype=kind),
            np.array(if_right, dtype=kind),
            values,
        )


@dataclass(frozen=True, slots=True)
class Ranker:
    """The trees, and what their scores are worth."""

    forest: Forest
    calibration: Calibration

    def scores(self, features: Mapping[str, Array]) -> Array:
        """Of each candidate; more is better."""
        return self.forest.scores(np.stack([features[name] for name in self.forest.names], axis=1))


@cache
def load_ranker(file: Path = TABLE) -> Ranker:
    """The ranker that comes with the package, or another that its training wrote."""
    table = json.loads(file.read_text(encoding="utf-8"))
    forest = Forest.of_lists(table["features"], *(table[part] for part in PARTS))
    return Ranker(forest, Calibration.of_table(table["calibration"]))


def ranks(values: Array) -> NDArray[np.int64]:
    """Rank of each value, 1 for the highest; ties in order of position, NaN last."""
    order = np.lexsort((np.arange(len(values)), -np.nan_to_num(values, nan=-np.inf)))
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(1, len(values) + 1)
    return found


def _questions(
    nodes: Sequence[Sequence[float]],
) -> tuple[list[tuple[int, float, int, int]], list[float]]:
    """What a tree asks (feature, threshold, leaves open if left, if right), and its leaves."""
    asked: list[tuple[int, float, int, int]] = []
    values: list[float] = []

    def read(at: int) -> int:
        """Read what is below a node; the leaves there, a bit each."""
        feature, threshold, left, right, value = nodes[at]
        if int(left) == at:
            values.append(value)
            return 1 << (len(values) - 1)
        to_left, to_right = read(int(left)), read(int(right))
        asked.append((int(feature), threshold, ~to_right, ~to_left))
        return to_left | to_right

    read(0)
    every = (1 << len(values)) - 1
    return [(f, t, every & left, every & right) for f, t, left, right in asked], values
