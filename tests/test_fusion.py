"""Evidence → scores, and when nothing is an answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.domain import HitParts, NameKind
from recall.search.evidence import Evidence
from recall.search.floor import is_answer, share_held
from recall.search.fusion import (
    LENDERS,
    SHARPNESS,
    fused,
    likeness,
    set_apart,
    share_of_meaning,
    smoothed,
)

WORDS = 10
SHARE = share_of_meaning(WORDS)


def evidence(best, words, means, *, ceiling=10.0, first=None) -> Evidence:
    rows = np.array(means, dtype=np.float32)
    paths = [f"{i}.md" for i in range(len(best))]
    cosines = np.array(best, dtype=np.float64)
    is_first = np.ones(len(best), bool) if first is None else np.array(first)
    return Evidence(paths, cosines, cosines, np.array(words, np.float64), ceiling, rows, is_first)


def test_a_lone_weak_hit_by_words_does_not_beat_what_is_near():
    apart = np.eye(3)
    scores = fused(evidence([0.6, 0.5, 0.1], [0.0, 0.0, 0.5], apart), words=WORDS)
    assert scores.argmax() == 0


def test_a_note_that_holds_all_the_words_beats_one_that_is_only_near():
    scores = fused(evidence([0.5, 0.4], [0.0, 8.0], np.eye(2)), words=WORDS)
    assert scores.argmax() == 1


def test_a_note_among_others_that_answer_goes_before_one_that_stands_alone():
    like, other = [1.0, 0.0], [0.0, 1.0]
    scores = fused(
        evidence([0.5, 0.5, 0.5, 0.5], [2.0, 2.0, 2.0, 2.0], [like, like, like, other]), words=WORDS
    )
    alone = fused(evidence([0.5, 0.2], [2.0, 0.0], [like, other]), words=WORDS)
    assert np.allclose(scores, SHARE * 0.5 + (1 - SHARE) * 0.2)  # equals lend each other nothing
    assert alone[0] > alone[1]
    mixed = smoothed(
        np.array([0.5, 0.6, 0.6, 0.5]),
        likeness(np.array([like, like, like, other], np.float32)),
        lent=0.5,
    )
    assert mixed[0] > mixed[3]


def test_candidates_that_are_there_only_because_more_were_asked_for_change_nothing():
    few = fused(evidence([0.6, 0.5, 0.4], [2.0, 0.0, 5.0], np.eye(3)), words=WORDS)
    more = fused(
        evidence(
            [0.6, 0.5, 0.4, 0.9, 0.1],
            [2.0, 0.0, 5.0, 9.0, 0.0],
            [*np.eye(3), [1, 0, 0], [0, 1, 0]],
            first=[True, True, True, False, False],
        ),
        words=WORDS,
    )
    assert np.allclose(more[:3], few)
    assert few.min() > more[3] > more[4]


def test_few_words_weigh_less_than_many_and_a_single_one_most():
    near_or_written = evidence([0.6, 0.3], [0.0, 4.0], np.eye(2))
    assert fused(near_or_written, words=2).argmax() == 0
    assert fused(near_or_written, words=20).argmax() == 1
    assert fused(near_or_written, words=1).argmax() == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_what_is_lent_lies_between_the_scores_there_are(scores):
    given_ = np.array(scores)
    means = np.random.default_rng(len(scores)).normal(size=(len(scores), 4)).astype(np.float32)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    found = smoothed(given_, likeness(means), lent=0.7)
    assert found.min() >= given_.min() - 1e-9
    assert found.max() <= given_.max() + 1e-9
    assert np.allclose(smoothed(given_ + 1, likeness(means), lent=0.7), found + 1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_of_two_notes_the_better_one_stays_the_better(one, other, alike):
    means = np.array([[1, 0], [alike, (1 - alike**2) ** 0.5]], dtype=np.float32)
    found = smoothed(np.array([one, other]), likeness(means), lent=1.0)
    assert (found[0] - found[1]) * (one - other) >= -1e-12


def test_notes_without_passages_keep_their_scores():
    found = smoothed(np.array([0.5, 0.9]), np.zeros((2, 2)), lent=0.5)
    assert found.tolist() == [0.5, 0.9]


def test_lenders_count_by_a_power_of_how_alike_they_are():
    means = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8]], dtype=np.float32)
    found = smoothed(np.array([0.0, 1.0, 0.0]), likeness(means), lent=0.5)
    assert SHARPNESS > 1  # or a crowd of notes far away would outvote the one that is near
    near, far = 0.8**SHARPNESS, 0.6**SHARPNESS
    assert found[0] == pytest.approx(0.5 * near / (1 + near + far))


def test_only_the_most_alike_lend():
    angles = np.linspace(0, 1.2, LENDERS + 3)  # the farther along, the less like the first
    means = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    heard, unheard = np.zeros(len(angles)), np.zeros(len(angles))
    heard[LENDERS], unheard[LENDERS + 1] = 1.0, 1.0
    assert smoothed(heard, likeness(means), lent=0.5)[0] > 0
    assert smoothed(unheard, likeness(means), lent=0.5)[0] == 0


def unit(rows) -> np.ndarray:
    means = np.array(rows, dtype=np.float32)
    return means / np.linalg.norm(means, axis=1, keepdims=True).clip(min=1e-12)


def test_a_note_on_the_side_of_the_first_ones_goes_before_one_that_is_on_the_other():
    means = unit([[1, 0.2, 0], [1, 0, 0.2], [1, 0.2, 0.2], [-1, 0.1, 0.1], [0, 1, -1]])
    scores = np.array([0.9, 0.8, 0.3, 0.31, 0.3])
    found = set_apart(scores, likeness(means), worth=0.5, meant=2)
    assert found[2] > found[3]
    assert found[0] > found[1]


def test_what_sets_notes_apart_is_the_discriminant_of_the_first_ones():
    draw = np.random.default_rng(3)
    means = unit(draw.normal(size=(12, 5)) + 1)
    scores = np.sort(draw.random(12))[::-1].copy()
    centred = means.astype(float) - means.mean(axis=0)
    covariance = centred.T @ centred / 12 + 0.02 * np.eye(5)
    sides = centred @ np.linalg.solve(covariance, (2 * centred[0] + centred[1]) / 3)
    expected = scores + 0.4 * np.ptp(scores) * sides / np.abs(sides).max()
    found = set_apart(scores, likeness(means), worth=0.4, meant=2, ridge=0.02)
    assert np.allclose(found, expected, atol=1e-5)


@given(st.lists(st.integers(0, 16), min_size=1, max_size=30))
def test_no_note_gains_more_than_its_share_of_the_spread(sixteenths):
    given_ = np.array(sixteenths) / 16
    means = unit(np.random.default_rng(len(given_)).normal(size=(len(given_), 4)))
    means[::3] = 0  # without passages
    found = set_apart(given_, likeness(means), worth=0.5)
    assert np.abs(found - given_).max() <= 0.5 * np.ptp(given_) + 1e-9
    assert np.allclose(set_apart(given_ + 1, likeness(means), worth=0.5), found + 1)


def test_a_single_word_is_answered_by_the_notes_that_hold_it_alone():
    crowd, aside = [1.0, 0.0], [0.0, 1.0]
    found = evidence([0.3, 0.3, 0.3, 0.3], [3.9, 4, 4, 4], [aside, crowd, crowd, crowd])
    found.words[1:3] = 8  # what is like a note says much of the word, the note itself no more
    scores = fused(found, words=1)
    assert scores[3] - scores[0] == pytest.approx((1 - share_of_meaning(1)) * 0.1 / 10)
    many = fused(found, words=10)
    assert many[3] - many[0] > 10 * (1 - SHARE) * 0.1 / 10


RARITY = {("rare",): 4.0, ("common",): 1.0}


def test_the_share_of_a_question_counts_rare_words_more_and_any_of_several_once():
    assert share_held({"rare"}, RARITY) == pytest.approx(0.8)
    assert share_held({"kubernet"}, {("kubernet", "kubectl"): 2.0}) == 1.0
    assert share_held({"rare"}, {}) == 0.0


def test_a_name_and_all_the_words_are_an_answer_however_far_the_meaning():
    assert is_answer(HitParts(name=NameKind.ALIAS), RARITY)
    assert is_answer(HitParts(dense=0.0, share=1.0), RARITY)
    assert not is_answer(HitParts(dense=0.0, share=1.0), {("the",): 0.01})
    assert not is_answer(HitParts(dense=0.05, share=0.2), RARITY)
    assert is_answer(HitParts(dense=0.9, whole=0.5), RARITY)


def test_a_passage_that_is_near_answers_if_the_whole_note_is_not_about_something_else():
    near = HitParts(dense=0.6, whole=0.2, share=0.1)
    assert not is_answer(near, RARITY)
    assert is_answer(replace(near, whole=0.5), RARITY)
    assert is_answer(replace(near, share=0.4), RARITY)


def test_words_that_every_other_note_holds_add_little():
    held = HitParts(dense=0.3, whole=0.1, share=1.0)
    assert is_answer(replace(held, share=0.999), {("rare",): 4.0})
    assert not is_answer(held, {("the",): 0.1})
