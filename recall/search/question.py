"""What somebody typed → words, phrases and filters.

`"…"` is a phrase that must be there word for word, unless it stands in prose; `tag:`, `section:`,
`in:`, `before:`, `after:` and `draft:` narrow the answer as the flags do. What only looks like an
operator is words: a question may hold a colon.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from recall.domain import Facet, Filters
from recall.patterns import regex
from recall.records import dataclass, replace
from recall.words import words as words_of

_PHRASE = regex(r'"([^"]+)"|“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»')
_OPERATOR = regex(r'(?<!\S)(tag|section|in|before|after|draft):("[^"]+"|[^\s"]+)', re.IGNORECASE)
_BARE = regex(r"(?<!\S)(tag|section|draft):(?!\S)", re.IGNORECASE)  # the others are English
# Words around the quotation marks: who writes so many, or pastes them, merely quotes.
IN_PROSE = 10
_DAY = regex(r"([1-9]\d{3})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_DRAFTS = {"no": (False, False), "yes": (True, False), "only": (True, True)}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart."""

    text: str  # as it was asked
    words: str  # what is looked for: without operators and quotation marks
    filters: Filters
    phrases: tuple[str, ...] = ()  # must be held word for word
    warnings: tuple[str, ...] = ()

    @property
    def only_filters(self) -> bool:
        """Whether it says no more than which notes may answer."""
        return not self.words and self.filters != Filters()


def needs_model(text: str, filters: Filters) -> bool:
    """Whether the answer to a question depends on what its words mean."""
    return not read_question(text, filters).only_filters


def read_question(text: str, filters: Filters) -> Question:
    """Take a question apart; its operators narrow `filters` further.

    Tags add up, sections add to the choice, the narrower date wins, and a folder replaces the
    one given. An operator whose value makes no sense is kept as words, with a warning.
    """
    warnings: list[str] = []
    tags = dict.fromkeys(filters.tags)  # put together once, however many there are

    def taken(found: re.Match[str]) -> str:
        nonlocal filters
        name, value = found[1].casefold(), found[2].strip('"').strip()
        try:
            if name == "tag":
                tags[_tag(value)] = None
            else:
                filters = _narrowed(filters, name, value)
        except ValueError as error:
            warnings.append(f"{found[0]} is taken as words: {error}")
            return found[0]
        return " "

    rest = _OPERATOR.sub(taken, text)
    warnings += [
        f"{found[0]} is taken as words: its value stands right behind the colon"
        for found in _BARE.finditer(rest)
    ]
    phrases = tuple(
        phrase for found in _PHRASE.finditer(rest) if words_of(phrase := _quoted(found))
    )
    if phrases and len(words_of(_PHRASE.sub(" ", rest))) >= IN_PROSE:
        warnings.append("what is quoted is taken as words: in a question this long it is no phrase")
        phrases = ()
    bare = _PHRASE.sub(lambda found: f" {_quoted(found)} ", rest)
    bare = " ".join(bare.split()) if bare != text else text
    filters = replace(filters, tags=tuple(tags))
    return Question(text, bare, filters, phrases, tuple(warnings))


def _quoted(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group is not None)


def _tag(value: str) -> str:
    return _said(value).lstrip("#")


def _said(value: str) -> str:
    if not value.strip("#/."):
        raise ValueError("it says nothing")
    return value


def _narrowed(filters: Filters, name: str, value: str) -> Filters:
    value = _said(value)
    match name:
        case "section":
            return replace(filters, facets=filters.facets | {_facet(value)})
        case "in":
            return replace(filters, folder=value)
        case "after":
            first = first_day(value)
            return replace(filters, since=max(first, filters.since or first))
        case "before":
            last = first_day(value) - timedelta(days=1)
            return replace(filters, until=min(last, filters.until or last))
        case _:
            if value.casefold() not in _DRAFTS:
                raise ValueError("drafts are yes, no or only")
            drafts, only = _DRAFTS[value.casefold()]
            return replace(filters, drafts=drafts and filters.drafts, only_drafts=only)


def first_day(value: str) -> date:
    """The first day of a year, a month or a day: `2024`, `2024-05`, `2024-05-31`.

    Raises:
        ValueError: It is none of these; the message says how to write one.
    """
    found = _DAY.fullmatch(value.strip())
    if found is None:
        raise ValueError("a date is written 2024, 2024-05 or 2024-05-31")
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError as error:
        raise ValueError("no calendar has that date") from error


def _facet(value: str) -> Facet:
    try:
        return Facet(value.casefold())
    except ValueError as error:
        raise ValueError(f"sections are {', '.join(sorted(Facet))}") from error
