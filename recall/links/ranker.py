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
from typing import TYPE_CHECKING, Any

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
    steps: tuple[Array, ...]  # of each feature: the thresholds that it is compared with, ascending
    feature: NDArray[np.int64]  # (questions, trees): which feature is asked about
    most: NDArray[np.unsignedinteger]  # (questions, trees): up to which of its steps goes left
    if_right: NDArray[np.unsignedinteger]  # (questions, trees): leaves still open, a bit each
    turned: NDArray[np.unsignedinteger]  # (questions, trees): the bits that are others if left
    leaves: Array  # (trees, leaves): their values, the leftmost is the lowest bit

    def scores(self, features: Array) -> Array:
        """Sum of the leaves reached: (rows,) for (rows, len(names)) features, NaN allowed."""
        known = np.nan_to_num(features, nan=MISSING).T
        # Which of a few steps a number lies below says as much, in a byte: all that follows is
        # done with bytes, and such arrays stay in the cache.
        below = np.empty(known.shape, dtype=self.most.dtype)
        for column, steps, found in zip(known, self.steps, below, strict=True):
            found[:] = np.searchsorted(steps, column)
        kind = self.if_right.dtype
        still_open = np.full((len(self.leaves), len(features)), np.iinfo(kind).max, dtype=kind)
        for feature, most, if_right, turned in zip(
            self.feature, self.most, self.if_right, self.turned, strict=True
        ):
            goes_left = below.take(feature, axis=0) <= most[:, None]
            still_open &= if_right[:, None] ^ (turned[:, None] * goes_left)
        leaf = np.bitwise_count(still_open - 1)  # which bit is left
        reached = np.empty((len(features), len(self.leaves)))
        for tree, values in enumerate(self.leaves):
            reached[:, tree] = values.take(leaf[tree])
        # Of each row in the same order, however many rows there are.
        total: Array = reached.sum(axis=1)
        return total

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
        right = np.array(if_right, dtype=kind)
        asked = np.array(feature, dtype=np.int64)
        steps, most = _steps(asked, np.array(threshold, dtype=np.float64), len(names))
        turned = right ^ np.array(if_left, dtype=kind)
        return cls(tuple(names), steps, asked, most, right, turned, values)

    def parts(self) -> dict[str, NDArray[Any]]:
        """What `of_lists` builds it from, by the names of `PARTS`."""
        threshold = np.array(
            [
                [self.steps[feature][place] for feature, place in zip(*row, strict=True)]
                for row in zip(self.feature.tolist(), self.most.tolist(), strict=True)
            ]
        )
        parts = (self.feature, threshold, self.if_right ^ self.turned, self.if_right, self.leaves)
        return dict(zip(PARTS, parts, strict=True))


@dataclass(frozen=True, slots=True)
class Ranker:
    """The trees, and what their scores are worth."""

    forest: Forest
    calibration: Calibration

    def scores(self, features: Mapping[str, Array]) -> Array:
        """Of each candidate; more is better."""
        return self.forest.scores(np.stack([features[name] for name in self.forest.names]).T)


@cache
def load_ranker(file: Path = TABLE) -> Ranker:
    """The ranker that comes with the package, or another that its training wrote."""
    table = json.loads(file.read_text(encoding="utf-8"))
    forest = Forest.of_lists(table["features"], *(table[part] for part in PARTS))
    return Ranker(forest, Calibration.of_table(table["calibration"]))


def ranks(values: Array) -> Array:
    """Rank of each value along the last axis, 1 for the highest; ties in order, NaN last."""
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), axis=-1, kind="stable")
    found = np.empty(values.shape)
    np.put_along_axis(found, order, np.arange(1.0, values.shape[-1] + 1), axis=-1)
    return found


def _steps(
    feature: NDArray[np.int64], threshold: Array, features: int
) -> tuple[tuple[Array, ...], NDArray[np.unsignedinteger]]:
    """The thresholds of each feature, once each and ascending, and which of them is meant where."""
    order = np.lexsort((threshold.ravel(), feature.ravel()))
    of_feature, values = feature.ravel()[order], threshold.ravel()[order]
    is_new = np.diff(of_feature, prepend=-1) > 0
    is_new[1:] |= np.diff(values) > 0
    starts = np.searchsorted(of_feature[is_new], np.arange(features + 1))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(is_new) - 1 - starts[of_feature]
    steps = np.split(values[is_new], starts[1:-1])
    most = max(map(len, steps))
    return tuple(steps), place.reshape(feature.shape).astype(np.min_scalar_type(most))


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
