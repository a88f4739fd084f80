"""Which notes hold a phrase, a single word or a title as it was typed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from recall.words import fold, terms, words

if TYPE_CHECKING:
    from recall.domain import Facet, Filters, NoteCard
    from recall.store import Snapshot, StoredPassage

MOST_HOLDERS = 5_000  # notes with the words of a phrase that are read through for it
LONGEST_TITLE = 40  # terms; who asks more does not name a note


def phrase_holders(
    phrases: Sequence[str], snapshot: Snapshot, filters: Filters
) -> list[str] | None:
    """The notes that hold every phrase, word for word; None without a phrase."""
    if not phrases:
        return None
    found = [set(snapshot.holders(terms(phrase), filters=filters)) for phrase in phrases]
    paths = sorted(set.intersection(*found))[:MOST_HOLDERS]
    keys = [phrase_key(phrase) for phrase in phrases]
    return holders_among(paths, keys, snapshot, filters.facets)


def holders_among(
    paths: Sequence[str], keys: Sequence[str], snapshot: Snapshot, facets: Collection[Facet]
) -> list[str]:
    """Those of some notes that hold each of the phrases, given as `phrase_key` makes them.

    Args:
        paths: The notes, in the order they come back in.
        keys: The phrases.
        snapshot: The index.
        facets: Only these parts of the notes are looked at; none: all, and what names the note.
    """
    stored = snapshot.passages_of(paths)
    cards = snapshot.cards(paths)
    return [
        path
        for path in paths
        if all(
            any(holds_phrase(text, key) for text in _texts(cards[path], stored[path], facets))
            for key in keys
        )
    ]


def titled_so(text: str, snapshot: Snapshot) -> list[str]:
    """The notes that have these words for a title: `what is a map` names `What is a map?`."""
    asked = terms(text)
    if not 0 < len(asked) <= LONGEST_TITLE:
        return []
    key = phrase_key(text)
    paths = snapshot.titled(asked)
    cards = snapshot.cards(paths)
    return [path for path in paths if phrase_key(cards[path].title) == key]


def phrase_key(phrase: str) -> str:
    """A phrase as it is compared: its words, without case and diacritics."""
    return " ".join(fold(word) for word, _, _ in words(phrase))


def holds_phrase(text: str, key: str) -> bool:
    """Whether a text holds a phrase, word for word; of scripts without blanks, sign for sign."""
    if text.isascii() and key.partition(" ")[0] not in text.lower():
        return False  # most texts, and cheaply
    folded = phrase_key(text)
    if f" {key} " in f" {folded} ":
        return True
    return not key.isascii() and len(terms(key)) > 1 and key in folded


def _texts(
    card: NoteCard, stored: Sequence[StoredPassage], facets: Collection[Facet]
) -> Iterator[str]:
    """What a note says, passage by passage."""
    if not facets:
        yield from (card.title, card.description or "", *card.aliases)
    for item in stored:
        if not facets or item.passage.facet in facets:
            yield item.passage.text
