"""`Note` → what the index keeps of it: its card, its passages, its links and its terms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from recall.domain import Facet, FileStamp, IndexedNote, Note, NoteCard, Passage
from recall.passages import MAX_PASSAGES, split
from recall.words import terms

if TYPE_CHECKING:
    from recall.embedding import Embedder


def index_note(note: Note, stamp: FileStamp, *, embedder: Embedder) -> IndexedNote:
    """What the index keeps of a note."""
    passages = split(note, count_tokens=embedder.count_tokens, max_tokens=embedder.space.max_tokens)
    problems = note.problems
    if len(passages) >= MAX_PASSAGES:
        problems = (*problems, f"very long: only its first {MAX_PASSAGES} passages are indexed")
    return IndexedNote(
        card=card_of(note),
        stamp=stamp,
        passages=passages,
        links=note.links,
        words=lexical_columns(note, passages),
        problems=problems,
    )


def card_of(note: Note) -> NoteCard:
    """The note without its text."""
    return NoteCard(
        path=note.path,
        title=note.title,
        note_id=note.note_id,
        aliases=note.aliases,
        tags=note.tags,
        keywords=note.keywords,
        description=note.description,
        first_heading=note.first_heading,
        created=note.created,
        updated=note.updated,
        draft=note.draft,
    )


def lexical_columns(note: Note, passages: Iterable[Passage]) -> dict[str, str]:
    """The note's terms, column by column, as the lexical index takes them."""
    names = [*note.aliases, PurePosixPath(note.path).stem]
    names += [name for name in (note.note_id, note.first_heading) if name]
    texts: dict[str, list[str]] = {
        "title": [note.title],
        "names": names,
        "tags": [*note.tags, *note.keywords],
        "description": [note.description or ""],
    }
    for passage in passages:
        if passage.facet is not Facet.TITLE:
            texts.setdefault(passage.facet.value, []).append(passage.text)
    columns = {column: terms("\n".join(found)) for column, found in texts.items()}
    # What is not prose (code, sources, addresses) can still be what somebody remembers.
    columns["rest"] = sorted(set(terms(note.text)).difference(*columns.values()))
    return {column: " ".join(found) for column, found in columns.items()}
