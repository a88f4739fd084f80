"""A pattern that is compiled later finds what it would have found."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.patterns import regex

WORDS = r"(?P<first>[a-c]+)[-_ ]?"


@given(st.text("abc-_ D\n", max_size=30))
def test_it_finds_what_a_compiled_one_finds(text):
    late, soon = regex(WORDS, re.IGNORECASE), re.compile(WORDS, re.IGNORECASE)
    assert [m.span() for m in late.finditer(text)] == [m.span() for m in soon.finditer(text)]
    assert late.findall(text) == soon.findall(text)
    assert late.split(text) == soon.split(text)
    assert late.sub(r"<\g<first>>", text) == soon.sub(r"<\g<first>>", text)
    for one, other in (
        (late.match(text), soon.match(text)),
        (late.search(text, 2), soon.search(text, 2)),
        (late.fullmatch(text), soon.fullmatch(text)),
    ):
        assert (one and one.groupdict()) == (other and other.groupdict())


def test_a_mistake_shows_when_it_is_used():
    late = regex("(")
    with pytest.raises(re.error, match="unterminated"):
        late.search("a")


def test_it_is_compiled_once():
    late = regex("x+y")
    re.purge()
    compiled = []
    sys.setprofile(
        lambda frame, event, _: (
            compiled.append(event)
            if event == "call" and frame.f_code.co_name == "compile"
            else None
        )
    )
    try:
        found = [late.search("xxy"), late.search("y"), late.fullmatch("xy")]
    finally:
        sys.setprofile(None)
    assert [bool(item) for item in found] == [True, False, True]
    assert len(compiled) == 2  # `re.compile`, and what it calls


def test_it_has_nothing_else():
    with pytest.raises(AttributeError):
        _ = regex("a").pattern
