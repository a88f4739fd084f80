"""Rules about the links that a note lacks: from its suggestions, read as advice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from recall.domain import Facet
from recall.patterns import regex
from recall.prepublish.examination import LEAST_WORDS, Examination, shortened
from recall.publishing import Finding, Rule

if TYPE_CHECKING:
    from recall.domain import Suggestion

_BLANKS = regex(r"\s+")


def missing_links(exam: Examination) -> Iterator[Finding]:
    """Notes that the author would likely link; those that are named are `unlinked_mentions`."""
    publishing = exam.vaultwide.publishing
    if not _says_enough(exam):
        return
    wanted = [
        item
        for item in exam.suggestions
        if item.score >= exam.least_of_link
        and not item.weak
        and not is_named_here(item)
        and not is_above(item.card.path, exam.note.path)
        and item.evidence.there.facet is not Facet.TITLE  # it says nothing but its name
    ]
    for item in wanted[: publishing.max_links]:
        there = item.evidence.there
        yield exam.finding(
            Rule.MISSING_LINK,
            f"could link {item.written_as} ({item.score:.2f}), which says: {shortened(there.text)}",
            line=item.evidence.here.line,
            subject=item.card.path,
            link=item.link,
            target=item.card.path,
            score=item.score,
        )


def unlinked_mentions(exam: Examination) -> Iterator[Finding]:
    """Notes that are named without their link; of a note that names many, the likeliest."""
    if not _says_enough(exam):
        return
    named = [
        (item, mention, offset)
        for item in exam.suggestions
        if (mention := item.evidence.mention) is not None
        and mention.where == "here"
        and item.score >= exam.least_of_mention
        and (offset := _where(mention.text, mention.line, exam)) is not None
    ]
    for item, mention, offset in named[: exam.vaultwide.publishing.max_links]:
        yield exam.finding(
            Rule.UNLINKED_MENTION,
            f'"{shortened(mention.text)}" is named here without its link {item.written_as}',
            offset=offset,
            subject=item.card.path,
            link=item.link,
            target=item.card.path,
            score=item.score,
        )


def is_above(target: str, path: str) -> bool:
    """Whether the name of one note is the beginning of the other's, as `a.b` is of `a.b.c`.

    Where names make a hierarchy, as in Dendron, its pages lead to what is above without a link.
    """
    return path.startswith(target.removesuffix(".md") + ".")


def is_named_here(item: Suggestion) -> bool:
    """Whether the note itself names the one that is suggested."""
    mention = item.evidence.mention
    return mention is not None and mention.where == "here"


def _says_enough(exam: Examination) -> bool:
    """Whether the note has the words that suggestions were measured on (`docs/ranker.md`)."""
    return exam.source.term_counts.total() >= LEAST_WORDS


def _where(name: str, line: int, exam: Examination) -> int | None:
    """Where the name stands, from the line in which its passage begins.

    None if it stands nowhere as words of its own: in a link, or as a part of `another-name`.
    """
    start = exam.lines.start_of(line)
    words = r"\s+".join(re.escape(word) for word in _BLANKS.split(name) if word)
    spans = [(link.link.span.start, link.link.span.end) for link in exam.links]
    for found in re.finditer(rf"(?<![\w-]){words}(?![\w-])", exam.note.text[start:], re.IGNORECASE):
        at = start + found.start()
        if not any(begin <= at < end for begin, end in spans):
            return at
    return None
