"""`Note` → `Passage`s."""

import re

from hypothesis import given
from hypothesis import strategies as st

from recall.domain import DEFAULT_RULES, Facet, HeadingRules, Span
from recall.markdown import parse_note
from recall.passages import MAX_PASSAGES, _find, recipe, split

JOURNAL = """\
---
title: tape loops return
description: Old loops, new listeners.
keywords: [tape]
---

# tape loops return

<div class="keyword-row"><span class="inline-keyword">tape</span></div>

A shop in the harbour sells loops again.

> [!note] Core claim
> Scarcity is the product.

## signals
- Every loop is sold once.
- Buyers trade [[cassette culture|cassettes]] as well.

## my take
I would buy one.

## sources
> [!ref] The shop
> https://example.org

## linkage
- [[cassette culture]]
"""


def words_as_tokens(texts):
    return [len(text.split()) + 2 for text in texts]


def cut(text, *, max_tokens=256):
    note = parse_note("a.md", text)
    return split(note, count_tokens=words_as_tokens, max_tokens=max_tokens)


def test_a_journal_note_becomes_one_passage_for_each_thing_it_says():
    assert [(passage.facet, passage.text) for passage in cut(JOURNAL)] == [
        (Facet.TITLE, "tape loops return"),
        (Facet.TITLE, "Old loops, new listeners."),
        (Facet.BODY, "A shop in the harbour sells loops again."),
        (Facet.CLAIM, "Scarcity is the product."),
        (Facet.SIGNALS, "Every loop is sold once."),
        (Facet.SIGNALS, "Buyers trade cassettes as well."),
        (Facet.TAKE, "I would buy one."),
    ]


def test_a_passage_tells_the_line_it_stands_in():
    lines = JOURNAL.split("\n")
    for passage in cut(JOURNAL):
        if passage.facet is not Facet.TITLE:
            assert passage.text.split()[0] in lines[passage.line - 1]


def test_a_heading_that_means_no_facet_is_read_with_its_text():
    texts = [passage.text for passage in cut("# Bread\n\n## Oven\n\nHot and dry.\n")]
    assert texts == ["Bread", "Oven. Hot and dry."]


def test_neighbouring_blocks_of_a_section_share_a_passage():
    texts = [passage.text for passage in cut("# Bread\n\nFlour.\n\nWater.\n\n- Salt\n- Time\n")]
    assert texts == ["Bread", "Flour. Water. Salt Time"]


def test_a_full_passage_is_followed_by_another():
    paragraph = "word " * 60
    sizes = [
        len(passage.text.split()) for passage in cut(f"# T\n\n{paragraph}\n\n" + paragraph * 2)
    ]
    assert sizes == [1, 60, 120]


def test_a_long_paragraph_is_cut_between_sentences():
    text = "".join(f"Sentence number {i} has exactly seven words. " for i in range(100))
    passages = cut(f"# T\n\n{text}")
    assert len(passages) > 3
    for passage in passages[1:]:
        assert passage.text.startswith("Sentence number")
        assert passage.text.endswith("words.")


def test_a_run_without_blanks_is_cut_to_the_window_and_loses_nothing():
    run = "".join(chr(0x4E00 + i) for i in range(5000))
    passages = split(
        parse_note("a.md", run), count_tokens=lambda texts: [len(t) for t in texts], max_tokens=64
    )
    texts = [passage.text for passage in passages if passage.facet is Facet.BODY]
    assert max(map(len, texts)) <= 64
    assert "".join(texts) == run


def test_a_book_is_cut_off_at_the_limit():
    # Sentences that differ: repeated ones are one passage.
    text = "\n\n".join(f"Paragraph {i} " + f"of many{i} words " * 60 for i in range(600))
    assert len(cut(text)) == MAX_PASSAGES


def test_the_same_text_twice_in_a_note_is_one_passage():
    texts = [p.text for p in cut("# T\n\n## signals\n- Prices fall.\n- Prices fall.\n")]
    assert texts == ["T", "Prices fall."]


def test_marks_without_words_are_no_passage():
    assert [p.text for p in cut("# T\n\n— * —\n\n## signals\n- …\n")] == ["T"]


def test_the_recipe_changes_with_the_window_and_the_rules():
    other = HeadingRules(DEFAULT_RULES.facets, (), DEFAULT_RULES.related)
    made = {recipe(DEFAULT_RULES, 256), recipe(DEFAULT_RULES, 128), recipe(other, 256)}
    assert len(made) == 3
    assert recipe(DEFAULT_RULES, 256) == recipe(DEFAULT_RULES, 256)


BLOCKS = st.lists(
    st.one_of(
        st.text(alphabet="ab cd.\n#->[]|!`*音é", max_size=80),
        st.sampled_from(["# T", "## signals", "> [!note] Core claim", "- x y", "| a | b |", "---"]),
        st.integers(1, 400).map(lambda n: "long words here. " * n),
    ),
    max_size=8,
).map("\n".join)


@given(BLOCKS, st.integers(16, 300))
def test_no_passage_is_longer_than_the_window_and_every_span_lies_in_the_note(text, window):
    note = parse_note("a.md", text)
    for passage in split(note, count_tokens=words_as_tokens, max_tokens=window):
        assert words_as_tokens([passage.text])[0] <= window
        assert 0 <= passage.span.start <= passage.span.end <= len(text)
        assert 1 <= passage.line <= text.count("\n") + 1


@given(
    st.text(alphabet="ab_ é1-.²\n", max_size=12),
    st.text(alphabet="ab_ é1-.²", min_size=1, max_size=3),
)
def test_a_title_stands_where_it_is_first_written_as_words_of_its_own(text, part):
    found = re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text)
    assert _find(text, part) == (Span(*found.span()) if found else Span(0, 0))
