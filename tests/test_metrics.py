from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.evaluate.metrics import (
    MEASURES,
    bootstrap,
    bootstrap_ratio,
    ndcg_at,
    ndcg_by_chance,
    precision_at,
    recall_at,
    reciprocal_rank,
)

RANKED = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]


def test_recall_is_hits_over_what_could_be_hit():
    assert recall_at(RANKED, {"a", "c", "k", "z"}) == 2 / 4
    assert recall_at(RANKED, {"k"}) == 0.0


def test_recall_can_be_whole_with_more_hidden_than_places():
    assert recall_at(RANKED, set(RANKED)) == 1.0
    assert recall_at(RANKED[:5], {*RANKED[:5], *"lmnopqr"}) == 5 / 10


def test_precision_counts_the_places_that_a_short_list_leaves_empty():
    assert precision_at(RANKED, {"a", "e", "f"}) == 2 / 5
    assert precision_at(["a"], {"a", "b"}) == 1 / 5


def test_reciprocal_rank_is_that_of_the_first_hit():
    assert reciprocal_rank(RANKED, {"d", "g"}) == 1 / 4
    assert reciprocal_rank(RANKED, {"z"}) == 0.0


def test_ndcg_agrees_with_a_sum_by_hand():
    # Hits at ranks 1 and 3: 1 + 1/2. Three were hidden: the best is 1 + 1/log2(3) + 1/2.
    assert ndcg_at(RANKED, {"a", "c", "z"}) == pytest.approx(1.5 / (1.5 + 1 / math.log2(3)))
    assert ndcg_at(RANKED, {"b"}) == pytest.approx(0.6309297535714575)


def test_ndcg_looks_no_further_than_ten():
    assert ndcg_at(RANKED, {"k"}) == 0.0
    assert ndcg_at(RANKED, set(RANKED)) == pytest.approx(1.0)


def test_chance_is_the_mean_over_all_orders():
    orders = list(permutations("abcdef"))
    mean = sum(ndcg_at(order, {"a", "b", "c"}, k=2) for order in orders) / len(orders)
    assert ndcg_by_chance(3, 6, k=2) == pytest.approx(mean)


def test_a_note_that_is_listed_twice_counts_once():
    assert recall_at(["a", "a", "b"], {"a", "b"}, k=2) == 1.0
    assert precision_at(["a", "a", "a", "a", "a"], {"a"}) == 1 / 5
    assert ndcg_at(["a", "a", "b"], {"a", "b"}) == pytest.approx(1.0)
    assert reciprocal_rank(["b", "b", "a"], {"a"}) == 1 / 2


def test_an_empty_list_scores_nothing():
    assert [measure([], {"a"}) for measure in MEASURES.values()] == [0.0, 0.0, 0.0, 0.0]


@given(
    st.lists(st.sampled_from(RANKED)),
    st.sets(st.sampled_from([*RANKED, "y", "z"]), min_size=1),
)
def test_a_hit_in_front_never_lowers_a_measure(ranked, hidden):
    better = [min(hidden), *(path for path in ranked if path != min(hidden))]
    for measure in MEASURES.values():
        assert 0.0 <= measure(ranked, hidden) <= measure(better, hidden) <= 1.0


def test_the_interval_of_equal_values_is_a_point():
    found = bootstrap([0.25] * 20)
    assert (found.mean, found.low, found.high) == (0.25, 0.25, 0.25)


def test_the_interval_is_as_wide_as_theory_says():
    values = [0.0, 1.0] * 200  # standard error of the mean: 0.5 / sqrt(400) = 0.025
    found = bootstrap(values)
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.005)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.005)


def test_the_interval_is_the_same_for_the_same_seed_only():
    values = [0.1, 0.5, 0.2, 0.9, 0.4, 0.33]
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_a_ratio_is_taken_in_pairs():
    found = bootstrap_ratio([0.2, 0.4, 1.0], [0.1, 0.2, 0.5])
    assert found.mean == pytest.approx(2.0)
    assert found.low == pytest.approx(2.0)
    assert found.high == pytest.approx(2.0)


def test_a_ratio_of_unpaired_values_is_refused():
    with pytest.raises(ValueError, match="3 values cannot be paired with 2"):
        bootstrap_ratio([0.2, 0.4, 1.0], [0.1, 0.2])
