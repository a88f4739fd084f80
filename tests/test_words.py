"""Text → terms."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recall.words import _any_word, content_terms, fold, terms, words


def test_inflections_of_a_word_are_one_term():
    assert terms("linking linked links") == ["link", "link", "link"]


def test_case_and_diacritics_make_no_difference():
    assert terms("Éléonore NAÏVE") == terms("eleonore naive")


def test_composed_and_decomposed_letters_are_the_same_term():
    assert terms("\u00e9clair") == terms("e\u0301clair") == ["eclair"]
    assert terms("\uac00\ub098") == terms("\u1100\u1161\u1102\u1161") == ["\uac00\ub098"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left-pad", ["left", "pad"]),
        ("node.js", ["node", "js"]),
        ("snake_case", ["snake", "case"]),
        ("gpt-3", ["gpt", "3"]),
        ("221215TJ01", ["221215tj01"]),
    ],
)
def test_names_of_things_are_split_where_people_would_split_them(text, expected):
    assert terms(text) == expected


def test_script_without_blanks_becomes_overlapping_pairs():
    assert terms("音楽生成") == ["音楽", "楽生", "生成"]
    assert terms("音") == ["音"]


def test_cjk_and_latin_in_one_run_are_parted():
    assert terms("AI音楽") == ["ai", "音楽"]


def test_a_question_is_reduced_to_what_it_is_about():
    assert content_terms("what is the role of the auditor") == ["role", "auditor"]


def test_a_question_of_function_words_alone_keeps_them():
    assert content_terms("to be or not to be") == terms("to be or not to be")


def test_encoded_data_is_not_a_word():
    assert terms("a" * 500) == []


def test_words_tell_where_they_stand():
    text = "Früh – spät."
    assert [text[start:end] for _, start, end in words(text)] == ["Früh", "spät"]


@given(st.text())
def test_any_text_gives_terms_of_letters_and_digits_only(text):
    for term in terms(text):
        assert term
        assert not any(char.isspace() for char in term)


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_has_the_same_words_beside_text_of_another_script(text):
    apart = f"{text} \u00fc"  # no longer plain, so found by the pattern for all scripts
    assert [*words(text), ("\u00fc", len(apart) - 1, len(apart))] == words(apart)


@example("a 🌱 that says é")
@example("🌱 ｶﾅ")
@given(st.text(st.one_of(st.characters(max_codepoint=0x303F), st.sampled_from("é\u0301_—’ "))))
def test_texts_without_unspaced_scripts_are_cut_by_the_plain_pattern_as_by_the_whole_one(text):
    cut = [found.group() for found in _any_word().finditer(text)]
    assert [word for word, _, _ in words(text)] == cut
