"""How likely a link is, by a score and by what is known of the note and its vault."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.links.calibration import (
    NO_CORRECTION,
    Correction,
    Line,
    Logistic,
    expected_error,
)
from recall.links.own_links import LEAST_STRETCH
from recall.links.ranker import load_ranker

shifts = st.floats(-2, 2)
stretches = st.floats(LEAST_STRETCH, 2)


@given(
    links=st.integers(0, 5), size=st.floats(0, 12), candidates=st.integers(1, 500),
    shift=shifts, stretch=stretches,
)  # fmt: skip
def test_a_better_score_is_always_more_probable(links, size, candidates, shift, stretch):
    line = load_ranker().calibration.line(size, candidates, links, Correction(shift, stretch))
    found = line.probabilities(np.linspace(-6.0, 6.0, 50))
    assert np.all(np.diff(found) > 0)
    assert 0 < found[0] < found[-1] < 1


def test_of_a_note_with_links_the_same_score_says_less_and_with_one_link_something_between():
    calibration = load_ranker().calibration
    score = np.array([1.5])
    none, one, two, nine = (
        calibration.line(6.0, 200, links).log_odds(score)[0] for links in (0, 1, 2, 9)
    )
    assert none > two
    assert one == pytest.approx((none + two) / 2)
    assert two == nine


def test_of_vaults_larger_or_smaller_than_those_it_learned_from_nothing_is_guessed():
    logistic = Logistic(
        intercept=1.0, score=1.0, vault_size=-0.5, share=0.5, smallest=4.0, largest=8.0,
        least=-2.0, most=0.0,
    )  # fmt: skip
    assert logistic.line(2.0, int(np.exp(2.0) + 1)) == logistic.line(4.0, int(np.exp(4.0) + 1))
    assert logistic.line(11.0, 9) == logistic.line(8.0, 9)
    assert logistic.line(5.0, 50).intercept > logistic.line(5.0, 30).intercept
    assert logistic.line(4.0, 40).intercept > logistic.line(6.0, 40).intercept


def test_log_odds_become_probabilities():
    assert Line(-1.0, 0.5).probabilities(np.array([2.0, 4.0])).tolist() == pytest.approx(
        [0.5, np.e / (1 + np.e)]
    )


@given(shift=shifts, stretch=stretches, intercept=st.floats(-5, 5), slope=st.floats(0.1, 3))
def test_a_line_that_is_corrected_gives_the_corrected_log_odds(shift, stretch, intercept, slope):
    correction, line = Correction(shift, stretch), Line(intercept, slope)
    scores = np.linspace(-3, 3, 7)
    assert correction.of_line(line).log_odds(scores) == pytest.approx(
        correction.of(line.log_odds(scores))
    )


def test_no_correction_changes_nothing():
    line = Line(-1.25, 0.75)
    assert NO_CORRECTION.of_line(line) == line


def test_the_calibration_error_is_the_mean_gap_between_what_was_said_and_what_was_so():
    said = np.array([0.12, 0.18, 0.72, 0.78])
    was = np.array([False, False, True, True])
    assert expected_error(said, was) == pytest.approx((2 * 0.15 + 2 * 0.25) / 4)
    assert expected_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
