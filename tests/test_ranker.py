"""The table of trees that ranks suggestions."""

import numpy as np
import pytest

from recall.links.features import FEATURES, RELATIVE
from recall.links.ranker import TABLE, Forest, Ranker, load_ranker, ranks

# Two trees. First: a <= 0.5 → 1, else (b <= 2 → 10, else 20). Second: always 100.
TREES = [
    [[0, 0.5, 1, 2, 0], [0, 0, 1, 1, 1], [1, 2, 3, 4, 0], [0, 0, 3, 3, 10], [0, 0, 4, 4, 20]],
    [[0, 0, 0, 0, 100]],
]


@pytest.mark.parametrize(
    ("a", "b", "score"),
    [
        (0.5, 9, 101),
        (0.6, 2, 110),
        (0.6, 2.1, 120),
        (np.nan, 9, 101),  # a feature that can't tell counts as less than any
        (0.6, np.nan, 110),
    ],
)
def test_a_score_is_the_sum_of_the_leaves_reached(a, b, score):
    forest = Forest.from_nodes(TREES, ["a", "b"])
    assert forest.scores(np.array([[a, b]])).tolist() == [score]


def test_many_rows_are_scored_as_each_alone():
    forest = load_ranker().forest
    rows = np.random.default_rng(1).normal(size=(40, len(forest.names)))
    alone = [forest.scores(row[None, :])[0] for row in rows]
    assert forest.scores(rows).tolist() == alone


def test_columns_are_taken_by_name_and_scores_become_probabilities():
    ranker = Ranker(
        Forest.from_nodes(TREES, ["a", "b"]), np.array([101.0, 120.0]), np.array([0.1, 0.9])
    )
    features = {"b": np.array([0.0, 3.0]), "unused": np.zeros(2), "a": np.array([0.0, 1.0])}
    scores, probabilities = ranker.rank(features)
    assert scores.tolist() == [101, 120]
    assert probabilities.tolist() == [0.1, 0.9]


def test_the_shipped_table_knows_the_features_and_is_small():
    computed = [*FEATURES, *(f"{name}_{kind}" for name in RELATIVE for kind in ("rank", "z"))]
    ranker = load_ranker()
    assert sorted(ranker.forest.names) == sorted(computed)
    assert TABLE.stat().st_size < 1_000_000


def test_a_better_score_is_never_less_probable():
    ranker = load_ranker()
    assert np.all(np.diff(ranker.knots) > 0)
    assert np.all(np.diff(ranker.probabilities) >= 0)
    assert ranker.probabilities[0] >= 0
    assert ranker.probabilities[-1] <= 1


def test_equal_values_are_ranked_in_order_of_position():
    assert ranks(np.array([0.5, 0.9, np.nan, 0.5, 0.1])).tolist() == [2, 1, 5, 3, 4]
