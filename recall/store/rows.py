"""Rows of the catalog ↔ the nouns. A row that no build writes is damage, whoever wrote it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from recall.domain import (
    Facet,
    FileStamp,
    Link,
    LinkPlace,
    LinkSyntax,
    NoteCard,
    Passage,
    Skipped,
    Span,
)
from recall.errors import IndexDamaged
from recall.records import dataclass
from recall.store.files import REBUILD, is_segment_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recall.store.database import Row


@dataclass(frozen=True, slots=True)
class Segment:
    """One vectors file as the catalog names it."""

    name: str
    vectors: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the store keeps it: where it stands, and which text it holds."""

    path: str
    ordinal: int  # its place among the note's passages
    text_id: int  # the same for every passage with the same text
    passage: Passage


@contextmanager
def as_written() -> Iterator[None]:
    """Tell of rows that can't be read as what they should be."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IndexDamaged(
            f"the catalog holds what no build writes: {error}", hint=REBUILD
        ) from error


def segment_from(row: Row) -> Segment:
    """Build a segment; its name can't lead out of the folder."""
    segment = Segment(*row)
    if not is_segment_name(segment.name) or segment.vectors < 0 or segment.bytes < 0:
        raise ValueError(f"a vectors file called {segment.name!r}")
    return segment


def skipped_from(row: Row) -> Skipped:
    """Build what is said of a file that is not indexed."""
    path, reason, stamp = row
    return Skipped(path, reason, FileStamp(*json.loads(stamp)) if stamp else None)


def link_from(row: Row) -> tuple[Link, str, str | None, str | None, int]:
    """Build (link, source, target path, kind of name, candidates) from a row of links."""
    source, target, start, stop, place, syntax, label, heading, block, path, kind, count = row
    span = Span(start, stop)
    link = Link(target, span, LinkPlace(place), LinkSyntax(syntax), label, heading, block)
    return link, source, path, kind, count


def card_to_json(card: NoteCard) -> str:
    """A card as one line; ASCII, so that any `str` survives."""
    dates = {"created": card.created, "updated": card.updated}
    return json.dumps(
        {
            "path": card.path,
            "title": card.title,
            "note_id": card.note_id,
            "aliases": card.aliases,
            "tags": card.tags,
            "keywords": card.keywords,
            "description": card.description,
            "first_heading": card.first_heading,
            "draft": card.draft,
            **{name: day and date(day.year, day.month, day.day).isoformat()
               for name, day in dates.items()},
        }
    )  # fmt: skip


def card_from(row: Row) -> NoteCard:
    """Undo `card_to_json`; the card must be of the note it is kept for."""
    path, line = row
    fields = json.loads(line)
    if fields["path"] != path:
        raise ValueError(f"the card of {fields['path']!r} is kept for {path!r}")
    for name in ("aliases", "tags", "keywords"):
        fields[name] = tuple(fields[name])
    for name in ("created", "updated"):
        fields[name] = date.fromisoformat(fields[name]) if fields[name] else None
    return NoteCard(**fields)


def passage_from(row: Row) -> StoredPassage:
    """Build a passage and where it is stored."""
    path, ordinal, text_id, facet, heading, text, start, stop, line = row
    passage = Passage(Facet(facet), heading, text, Span(start, stop), line)
    return StoredPassage(path, ordinal, text_id, passage)
