"""The table of trees that ranks suggestions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.links.features import FEATURES, RELATIVE
from recall.links.ranker import (
    MISSING,
    TABLE,
    Forest,
    Ranker,
    load_ranker,
    ranks,
)

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


NUMBERS = st.sampled_from([-3.0, -2.0, -0.5, 0.0, 0.25, 1.0, math.nan])


@st.composite
def grown_trees(draw):
    """The nodes of a tree over three features, in the order in which they are read."""
    nodes = [[0, 0.0, 0, 0, 0.0]]
    for _ in range(draw(st.integers(0, 9))):
        leaves = [at for at, node in enumerate(nodes) if node[2] == at]
        at = draw(st.sampled_from(leaves))
        threshold = draw(st.sampled_from([-2.0, -0.5, 0.1]))
        nodes[at] = [draw(st.integers(0, 2)), threshold, len(nodes), len(nodes) + 1, 0.0]
        nodes += [[0, 0.0, place, place, float(place)] for place in nodes[at][2:4]]
    return nodes


def reached(nodes, row):
    """The value of the leaf that somebody who walks down the tree comes to."""
    at = 0
    while nodes[at][2] != at:
        feature, threshold, left, right, _ = nodes[at]
        at = left if row[feature] <= threshold else right
    return nodes[at][4]


@given(
    st.lists(grown_trees(), min_size=1, max_size=4),
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=5),
)
def test_a_row_reaches_the_leaves_that_a_walk_down_the_trees_reaches(trees, rows):
    forest = Forest.from_nodes(trees, ["a", "b", "c"])
    known = [[MISSING if math.isnan(value) else value for value in row] for row in rows]
    expected = [sum(reached(nodes, row) for nodes in trees) for row in known]
    assert forest.scores(np.array(rows)).tolist() == expected


@given(st.lists(grown_trees(), min_size=1, max_size=4))
def test_a_forest_is_built_again_from_its_parts(trees):
    forest = Forest.from_nodes(trees, ["a", "b", "c"])
    again = Forest.of_lists(forest.names, **{k: v.tolist() for k, v in forest.parts().items()})
    assert str(again) == str(forest)


def test_a_tree_of_more_leaves_than_bits_is_refused():
    chain = [[0, float(at), 2 * at + 1, 2 * at + 2, 0] for at in range(64)]
    nodes = [[0, 0.0, at, at, 1.0] for at in range(129)]
    for step, node in enumerate(chain):
        nodes[2 * step] = node
    with pytest.raises(ValueError, match="65 leaves; 64 are the most"):
        Forest.from_nodes([nodes], ["a"])


def test_many_rows_are_scored_as_each_alone():
    forest = load_ranker().forest
    rows = np.random.default_rng(1).normal(size=(40, len(forest.names)))
    alone = [forest.scores(row[None, :])[0] for row in rows]
    assert forest.scores(rows).tolist() == alone


def test_columns_are_taken_by_name():
    features = {
        "b": np.array([0.0, 3.0]),
        "vault_size": np.full(2, 5.0),
        "a": np.array([0.0, 1.0]),
    }
    ranker = Ranker(Forest.from_nodes(TREES, ["a", "b"]), load_ranker().calibration)
    assert ranker.scores(features).tolist() == [101, 120]


def test_the_shipped_table_knows_the_features_and_is_small():
    computed = [*FEATURES, *(f"{name}_{kind}" for name in RELATIVE for kind in ("rank", "z"))]
    ranker = load_ranker()
    assert sorted(ranker.forest.names) == sorted(computed)
    assert TABLE.stat().st_size < 1_000_000


def test_equal_values_are_ranked_in_order_of_position():
    assert ranks(np.array([0.5, 0.9, np.nan, 0.5, 0.1])).tolist() == [2, 1, 5, 3, 4]
