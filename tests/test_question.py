"""What somebody typed → words, phrases and filters."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.domain import Facet, Filters
from recall.search.question import first_day, read_question
from recall.words import words

ALL = Filters()


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("tag:ai", Filters(tags=("ai",))),
        ("tag:#ai/audio TAG:art", Filters(tags=("ai/audio", "art"))),
        ("section:claim section:take", Filters(facets=frozenset({Facet.CLAIM, Facet.TAKE}))),
        ("in:projects/old", Filters(folder="projects/old")),
        ('in:"old projects"', Filters(folder="old projects")),
        ("after:2024", Filters(since=date(2024, 1, 1))),
        ("after:2024-5", Filters(since=date(2024, 5, 1))),
        ("before:2024", Filters(until=date(2023, 12, 31))),
        ("before:2024-03-01", Filters(until=date(2024, 2, 29))),
        ("draft:no", Filters(drafts=False)),
        ("draft:only", Filters(only_drafts=True)),
    ],
)
def test_an_operator_narrows_the_answer_and_is_no_word(text, filters):
    asked = read_question(f"audio {text} models", ALL)
    assert (asked.words, asked.filters, asked.warnings) == ("audio models", filters, ())


@pytest.mark.parametrize(
    "text",
    ["section:nowhere", "before:yesterday", "after:2024-13", "draft:maybe", "tag:#", "before:0001"],
)
def test_an_operator_that_makes_no_sense_is_words_and_a_warning(text):
    asked = read_question(f"models {text}", ALL)
    assert (asked.words, asked.filters) == (f"models {text}", ALL)
    assert asked.warnings[0].startswith(f"{text} is taken as words: ")


@pytest.mark.parametrize(
    "text", ["note: this", "a:b", "https://example.org", "vintage:ai", "what is tag: for", 'a "'],
)  # fmt: skip
def test_a_question_may_hold_a_colon_or_a_quotation_mark(text):
    asked = read_question(text, ALL)
    assert (asked.words, asked.filters, asked.phrases) == (text, ALL, ())


@pytest.mark.parametrize("text", ["tag:", "audio Tag: ai", "section: claim"])
def test_an_operator_whose_value_stands_apart_is_said_to_be_words(text):
    asked = read_question(text, ALL)
    assert (asked.words, asked.filters) == (text, ALL)
    assert asked.warnings[0].endswith("its value stands right behind the colon")


def test_quoted_words_are_a_phrase_and_words_all_the_same():
    asked = read_question('who said "link rot" and “bit rot”', ALL)
    assert asked.phrases == ("link rot", "bit rot")
    assert asked.words == "who said link rot and bit rot"


@pytest.mark.parametrize("prose", [
    'The "threshold" of an index decides which of the many terms that describe a record are kept.',
    "What does it mean that types are alike in languages that let one define “extensible” types?",
])  # fmt: skip
def test_what_prose_quotes_is_no_phrase_that_a_note_must_hold(prose):
    asked = read_question(prose, ALL)
    assert asked.phrases == ()
    assert [word for word, *_ in words(asked.words)] == [word for word, *_ in words(prose)]
    assert asked.warnings == (
        "what is quoted is taken as words: in a question this long it is no phrase",
    )


def test_the_words_of_a_long_phrase_do_not_make_a_question_prose():
    phrase = "one two three four five six seven eight nine ten eleven twelve"
    asked = read_question(f'who sang "{phrase}" last year', ALL)
    assert (asked.phrases, asked.warnings) == ((phrase,), ())


def test_the_operators_narrow_what_the_options_leave():
    given_ = Filters(
        tags=("a",), since=date(2022, 1, 1), until=date(2023, 1, 1), drafts=False, folder="x"
    )
    asked = read_question("tag:b after:2021 before:2022-06 draft:yes in:y words", given_)
    assert asked.filters == Filters(
        tags=("a", "b"),
        since=date(2022, 1, 1),
        until=date(2022, 5, 31),
        drafts=False,
        folder="y",
    )


@given(st.text())
def test_any_text_is_a_question(text):
    asked = read_question(text, ALL)
    assert asked.text == text
    assert len(asked.words) <= len(text) + 2 * len(asked.phrases)


@pytest.mark.parametrize("text", ["", "24", "2024-", "2024-05-31T10", "year"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="a date is written"):
        first_day(text)


@pytest.mark.parametrize("text", ["2024-02-30", "2023-13"])
def test_a_date_that_no_calendar_has_is_refused_as_such(text):
    with pytest.raises(ValueError, match="no calendar has that date"):
        first_day(text)


@pytest.mark.parametrize("piece", ["“a ", "„a ", "«a ", '"a ', "tag:a ", 'tag:"a '])
def test_a_question_is_taken_apart_in_time_in_proportion_to_its_length(piece):
    started = time.process_time()
    read_question(piece * 60_000, ALL)
    assert time.process_time() - started < 2.5  # it took from three seconds to two minutes


def test_a_phrase_begins_at_the_last_mark_that_opens_one():
    assert read_question("“audio “speech models” „and «text»", ALL).phrases == (
        "speech models",
        "text",
    )


def test_a_tag_that_is_asked_for_twice_is_one():
    assert read_question("tag:ai tag:art tag:#ai", Filters(tags=("art",))).filters.tags == (
        "art",
        "ai",
    )
