"""Reads the table of notes, or of some notes alone, of the catalog and the vectors."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from recall.store.lexical import document_frequency
from recall.store.rows import as_written, card_from
from recall.store.vectors.centroids import mean_vectors
from recall.store.vectors.lists import Lists, distinct
from recall.store.vectors.note_patch import Patch
from recall.store.vectors.note_table import FACETS, NoteTable, tags_of
from recall.words import terms

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from recall.domain import NoteCard
    from recall.store.changes import Changes
    from recall.store.database import Database
    from recall.store.vectors.segments import Segments

    Numbers = NDArray[np.int64]

_PASSAGES_OF = "json_each(?) q CROSS JOIN passages p ON p.note_id = q.value CROSS"


def read_table(
    database: Database,
    segments: Segments,
    max_notes_per_text: int | None,
    *,
    before: NoteTable | None = None,
) -> NoteTable:
    """Read it of the catalog and the vectors.

    Args:
        database: The catalog.
        segments: The vectors.
        max_notes_per_text: Texts that more notes hold are left out. None: none are.
        before: Of an earlier state of the same catalog, with the same limit and vectors: notes
            that held the same texts then keep their mean vectors, and those with the same card
            what was read of that.
    """
    notes = database.rows("SELECT id, path, card FROM notes ORDER BY path")
    parts = _parts(database, segments, max_notes_per_text, notes, before, ids=None)
    links = _links(database, _row_of([number for number, _, _ in notes]))
    frequency = document_frequency(database, parts["terms"])
    return NoteTable(
        **parts,
        linked=Lists.of_pairs(links, len(notes)),
        linking=Lists.of_pairs(_sorted_pairs(links[:, ::-1]), len(notes)),
        frequency=np.array([frequency[term] for term in parts["terms"]], dtype=np.int64),
    )


def read_patch(
    database: Database,
    segments: Segments,
    max_notes_per_text: int | None,
    changes: Changes,
    *,
    counted: Mapping[str, int],
) -> Patch:
    """Read what changed of an earlier table; what it costs depends on that alone.

    Args:
        database: The catalog.
        segments: The vectors.
        max_notes_per_text: As of `read_table`, in both states.
        changes: The notes that changed since; of terms, those that are not in `counted` as well.
        counted: In how many notes terms occur: all others that changed.
    """
    notes = database.rows(
        "SELECT n.id, n.path, n.card FROM json_each(?) q CROSS JOIN notes n ON n.path = q.value "
        "ORDER BY n.path",
        (json.dumps(list(changes.paths)),),
    )
    numbers = json.dumps([number for number, _, _ in notes])
    parts = _parts(database, segments, max_notes_per_text, notes, None, ids=numbers)
    links = database.rows(
        "SELECT DISTINCT l.source_id, t.path FROM json_each(?) q "
        "CROSS JOIN links l ON l.source_id = q.value CROSS JOIN notes t ON t.id = l.target_id "
        "WHERE l.source_id <> l.target_id",
        (numbers,),
    )
    others = tuple(sorted({path for _, path in links}))
    place = {path: at for at, path in enumerate(others)}
    pairs = np.array([(source, place[path]) for source, path in links], np.int64).reshape(-1, 2)
    pairs[:, 0] = _row_of([number for number, _, _ in notes])[pairs[:, 0]]
    missing = changes.terms.union(term for term in parts["terms"] if term not in counted)
    counts = {**counted, **document_frequency(database, missing)}
    words = tuple(sorted(counts))
    return Patch(
        **parts,
        gone=tuple(sorted(changes.paths.difference(parts["paths"]))),
        others=others,
        linked=Lists.of_pairs(_sorted_pairs(pairs), len(notes)),
        counted=words,
        counts=np.array([counts[word] for word in words], dtype=np.int64),
    )


def _parts(
    database: Database,
    segments: Segments,
    max_notes_per_text: int | None,
    notes: Sequence[tuple[int, str, str]],
    before: NoteTable | None,
    *,
    ids: str | None,
) -> dict[str, Any]:
    """What a table and a patch have in common, of notes (id, path, card) in the order of the paths.

    `ids` are their numbers as JSON; None: all of the index.
    """
    paths = tuple(path for _, path, _ in notes)
    digests = _digests([card for _, _, card in notes])
    earlier = _Earlier(before, paths, digests)
    with as_written():
        new = {row: card_from(notes[row][1:]) for row in earlier.unknown.tolist()}
    row_of = _row_of([number for number, _, _ in notes])
    texts, facets = _passages(database, row_of, len(notes), max_notes_per_text, ids)
    speaking = np.flatnonzero(texts.lengths())
    words, title_terms = earlier.numbered(
        {row: set(terms(card.title)) for row, card in new.items()}, "title_terms", "terms"
    )
    tag_names, tags = earlier.numbered(
        {row: tags_of(card) for row, card in new.items()}, "tags", "tag_names"
    )
    return {
        "paths": paths,
        "texts": texts,
        "facets": facets,
        "speaking": speaking,
        "means": earlier.means(segments, texts, speaking),
        "title_terms": title_terms,
        "terms": words,
        "tags": tags,
        "tag_names": tag_names,
        "created": earlier.created({row: _ordinal(card) for row, card in new.items()}),
        "cards": digests,
    }


class _Earlier:
    """What an earlier table says of the notes of this one that say what they said then."""

    def __init__(self, table: NoteTable | None, paths: Sequence[str], digests: Numbers) -> None:
        self._table = table
        self._rows = np.full(len(paths), -1, dtype=np.int64)  # there; -1: not there
        if table is not None:
            place = {path: row for row, path in enumerate(table.paths)}
            self._rows[:] = [place.get(path, -1) for path in paths]
        is_known = self._rows >= 0
        if table is not None:
            is_known[is_known] = table.cards[self._rows[is_known]] == digests[is_known]
        self._known = np.flatnonzero(is_known)  # their card is the same
        self.unknown = np.flatnonzero(~is_known)  # of these the card has to be read

    def numbered(
        self, new: Mapping[int, Collection[str]], part: str, vocabulary: str
    ) -> tuple[tuple[str, ...], Lists]:
        """Every word that occurs, sorted, and the words of each note as places among them.

        Args:
            new: The words of the unknown notes.
            part: The name of the lists in the earlier table.
            vocabulary: The name of its words.
        """
        then: tuple[str, ...] = getattr(self._table, vocabulary, ())
        lists: Lists = getattr(self._table, part, Lists.of([]))
        held = lists.take(self._rows[self._known])
        used = distinct(held.items).tolist()
        words = sorted({then[at] for at in used}.union(*new.values()))
        place = {word: at for at, word in enumerate(words)}
        now = np.zeros(len(then), dtype=np.int64)
        now[used] = [place[then[at]] for at in used]
        read = [(row, place[word]) for row, every in new.items() for word in every]
        pairs = np.concatenate([
            np.column_stack([self._known[held.owners()], now[held.items]]),
            np.array(read, dtype=np.int64).reshape(-1, 2),
        ])  # fmt: skip
        return tuple(words), Lists.of_pairs(_sorted_pairs(pairs), len(self._rows))

    def created(self, new: Mapping[int, int]) -> Numbers:
        """(notes,): the day of each; `new` are those of the unknown notes."""
        found = np.zeros(len(self._rows), dtype=np.int64)
        if self._table is not None:
            found[self._known] = self._table.created[self._rows[self._known]]
        found[list(new.keys())] = list(new.values())
        return found

    def means(self, segments: Segments, texts: Lists, speaking: Numbers) -> NDArray[np.float32]:
        """(speaking, dim): mean vectors; those of notes that hold what they held are taken over."""
        means = np.zeros((len(speaking), segments.dimension or 0), dtype=np.float32)
        is_new = np.ones(len(speaking), dtype=bool)
        table = self._table
        if table is not None and table.means.shape[1] == means.shape[1]:
            place = np.full(len(table.paths) + 1, -1, dtype=np.int64)  # the last: of row -1
            place[table.speaking] = np.arange(len(table.speaking))
            spoke = np.flatnonzero(place[self._rows[speaking]] >= 0)
            rows = self._rows[speaking[spoke]]
            is_same = texts.take(speaking[spoke]).agree(table.texts.take(rows))
            means[spoke[is_same]] = table.means[place[rows[is_same]]]
            is_new[spoke[is_same]] = False
        means[is_new] = mean_vectors(segments, texts.take(speaking[is_new]))
        means.flags.writeable = False
        return means


def _digests(cards: Sequence[str]) -> Numbers:
    """(cards,): 64 bits of each; two that differ agree by chance once in 10¹⁹."""
    every = b"".join(
        blake2b(card.encode("utf-8", "surrogatepass"), digest_size=8).digest() for card in cards
    )
    return np.frombuffer(every, "<i8").astype(np.int64)


def _passages(
    database: Database,
    row_of: Numbers,
    notes: int,
    max_notes_per_text: int | None,
    ids: str | None,
) -> tuple[Lists, NDArray[np.uint8]]:
    """The texts of every note, and as which facet."""
    # The facet by its place: a row of three numbers is made into an array at once.
    cases = " ".join(f"WHEN '{facet}' THEN {place}" for place, facet in enumerate(FACETS))
    source, asked = ("passages p", ()) if ids is None else (_PASSAGES_OF, (ids,))
    rows = database.rows(
        f"SELECT p.note_id, p.text_id, CASE p.facet {cases} END "  # noqa: S608
        f"FROM {source} JOIN texts t ON t.id = p.text_id "
        "WHERE ? IS NULL OR t.notes <= ? ORDER BY p.note_id, p.ordinal",
        (*asked, max_notes_per_text, max_notes_per_text),
    )
    with as_written():
        held = np.array(rows, dtype=np.int64).reshape(-1, 3)
    notes_of = row_of[held[:, 0]]
    order = np.argsort(notes_of, kind="stable")
    texts = Lists.of_pairs(np.column_stack([notes_of, held[:, 1]])[order], notes)
    return texts, held[order, 2].astype(np.uint8)


def _links(database: Database, row_of: Numbers) -> Numbers:
    """(links, 2): each two different notes of which one links the other, once, sorted."""
    rows = database.rows(
        "SELECT DISTINCT source_id, target_id FROM links WHERE source_id <> target_id"
    )
    return _sorted_pairs(row_of[np.array(rows, dtype=np.int64).reshape(-1, 2)])


def _sorted_pairs(pairs: Numbers) -> Numbers:
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _row_of(numbers: Sequence[int]) -> Numbers:
    """Which row a note's number in the catalog has: (highest number + 1,)."""
    found = np.full(max(numbers, default=0) + 1, -1, dtype=np.int64)
    found[list(numbers)] = np.arange(len(numbers))
    return found


def _ordinal(card: NoteCard) -> int:
    return card.created.toordinal() if card.created else 0
