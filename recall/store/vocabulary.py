"""The words of the index as a dictionary: which terms there are, and how notes spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.store.database import Database, storable
from recall.store.filters import note_conditions
from recall.store.lexical import match
from recall.store.schema import COLUMNS
from recall.words import fold, terms_of_word, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recall.domain import Filters

SPELLINGS_FROM = 3  # notes; a term is spelled alike in most
WRITTEN = tuple(name for name in COLUMNS if name != "rest")  # columns that keep the words' order


def vocabulary(
    database: Database, beginnings: Iterable[str], shortest: int, longest: int, *, counts: str
) -> list[tuple[str, int]]:
    """The terms that begin in one of these ways, and in how many notes each occurs.

    Args:
        database: The catalog.
        beginnings: None the beginning of another.
        shortest: Length of a term in characters, at least.
        longest: At most.
        counts: The table that tells.
    """
    found: list[tuple[str, int]] = []
    for beginning in beginnings:
        if not beginning or ord(beginning[-1]) >= 0x10FFFF:
            continue
        end = beginning[:-1] + chr(ord(beginning[-1]) + 1)
        found += database.rows(
            f"SELECT term, doc FROM {counts} WHERE term >= ? AND term < ? "  # noqa: S608 - a constant
            "AND length(term) BETWEEN ? AND ?",
            (storable(beginning), storable(end), shortest, longest),
        )
    return found


def spellings(database: Database, term: str) -> list[str]:
    """The words, folded, that some notes have for a term; the term itself if none is prose."""
    rows = database.rows(
        "SELECT n.card, t.text FROM (SELECT rowid AS id FROM words WHERE words MATCH ? LIMIT ?) w "
        "JOIN notes n ON n.id = w.id LEFT JOIN passages p ON p.note_id = n.id "
        "LEFT JOIN texts t ON t.id = p.text_id",
        (match([term], WRITTEN), SPELLINGS_FROM),
    )
    found = set()
    for text in {text for row in rows for text in row if text}:
        found |= {fold(word) for word, _, _ in words(text) if term in terms_of_word(word)}
    return sorted(found) or [term]


def holders(database: Database, phrase: Iterable[str], filters: Filters) -> list[str]:
    """The notes in whose prose these terms follow one another, sorted."""
    where, parameters = note_conditions(filters)
    facets = {facet.value for facet in filters.facets}
    searched = [name for name in WRITTEN if name in facets] if facets else WRITTEN
    rows = database.rows(
        "SELECT n.path FROM words JOIN notes n ON n.id = words.rowid "  # noqa: S608
        f"WHERE words MATCH ? AND {where} ORDER BY n.path",
        (match(phrase, searched), *parameters),
    )
    return [path for (path,) in rows]


def titled(database: Database, title: Sequence[str], telling: Iterable[str]) -> list[str]:
    """The notes whose whole title is these terms, sorted.

    Args:
        database: The catalog.
        title: The terms, in order.
        telling: Those of them by which notes are looked for, at least one: few should hold them.
    """
    rows = database.rows(
        "SELECT n.path FROM words JOIN notes n ON n.id = words.rowid "
        "WHERE words MATCH ? AND words.title = ? ORDER BY n.path",
        (
            " AND ".join(match([term], ["title"]) for term in telling),
            storable(" ".join(title)),
        ),
    )
    return [path for (path,) in rows]
