"""A longer text → the passages it is searched by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.domain import Facet

if TYPE_CHECKING:
    from recall.domain import HeadingRules
    from recall.embedding import Embedder

MOST_PASSAGES = 32  # about 3,500 words; what follows rarely changes what a text is about


def text_passages(text: str, *, embedder: Embedder, rules: HeadingRules) -> tuple[str, ...]:
    """The passages of a paragraph or a draft, cut as a note's are; none if it says nothing."""
    from recall.markdown import parse_note
    from recall.passages import split

    note = parse_note("text.md", text, rules)
    every = split(note, count_tokens=embedder.count_tokens, max_tokens=embedder.space.max_tokens)
    told = [item.text for item in every if item.facet is not Facet.TITLE]
    if not told:
        told = [note.title] if note.first_heading else []
    return tuple(told[:MOST_PASSAGES])
