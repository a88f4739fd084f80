"""What is read from the catalog: cards, passages, names, links. Knows no vectors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recall.digest import sha256
from recall.domain import (
    Counts,
    FileStamp,
    Filters,
    Identity,
    NoteCard,
    Skipped,
)
from recall.store.database import storable
from recall.store.filters import note_conditions, passage_conditions
from recall.store.graph import LinkGraph
from recall.store.rows import (
    Segment,
    StoredPassage,
    as_written,
    card_from,
    passage_from,
    segment_from,
    skipped_from,
)
from recall.store.schema import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recall.domain import LinkPlace
    from recall.store.database import Database

_OF_PASSAGE = "p.ordinal, p.text_id, p.facet, p.heading, t.text, p.start, p.stop, p.line"
_PASSAGES = (
    f"SELECT n.path, {_OF_PASSAGE} "  # noqa: S608 - constants
    "FROM passages p JOIN notes n ON n.id = p.note_id JOIN texts t ON t.id = p.text_id"
)

ALL = Filters()


class Catalog(LinkGraph):
    """Reads one state of the catalog."""

    @property
    def database(self) -> Database:
        """The connection, for what reads whole tables; stays within the store."""
        return self._db

    def meta(self, key: str) -> str | None:
        """One of the facts about the build as a whole."""
        row = self._db.row("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    @property
    def identity(self) -> Identity:
        """What the index was made with."""
        return Identity(FORMAT, self.meta("space") or "", self.meta("recipe") or "")

    @property
    def generation(self) -> int:
        """How many builds were published, this one included."""
        with as_written():
            return int(self.meta("generation") or 0)

    @property
    def born(self) -> str:
        """When the catalog was made; in one catalog no number is given to two texts."""
        return self.meta("born") or ""

    @property
    def built(self) -> str:
        """When this build was published, and the how-manieth it was; later ones sort behind.

        Tells a state from every other: an older copy that is put back may come to the same number
        again, and a clock that stands still to the same time, but not both to both.
        """
        return built_as(self.meta("built_at") or "", self.generation)

    @property
    def built_at(self) -> datetime:
        """When this build was published, UTC."""
        with as_written():
            return datetime.fromisoformat(self.meta("built_at") or "1970-01-01T00:00:00+00:00")

    def segments(self) -> tuple[Segment, ...]:
        """The live vectors files."""
        rows = self._db.rows("SELECT name, vectors, bytes, sha256 FROM segments ORDER BY name")
        with as_written():
            return tuple(segment_from(row) for row in rows)

    def counts(self) -> Counts:
        """How much the index holds."""
        count = self._db.value
        return Counts(
            notes=count("SELECT count(*) FROM notes"),
            passages=count("SELECT count(*) FROM passages"),
            texts=count("SELECT count(*) FROM texts"),
            links=count("SELECT count(*) FROM links"),
            unresolved_links=count("SELECT count(*) FROM links WHERE target_id IS NULL"),
            ambiguous_links=count("SELECT count(*) FROM links WHERE candidates > 1"),
        )

    def stamps(self, paths: Iterable[str] | None = None) -> dict[str, FileStamp]:
        """The stamp of every note's file, or of those of some notes, by path, sorted."""
        if paths is None:
            rows = self._db.rows(
                "SELECT path, size, modified_ns, changed_ns, sha256 FROM notes ORDER BY path"
            )
        else:  # found one by one: a few of very many are asked for
            rows = self._db.rows(
                "SELECT n.path, n.size, n.modified_ns, n.changed_ns, n.sha256 "
                "FROM json_each(?) q CROSS JOIN notes n ON n.path = q.value ORDER BY n.path",
                (json.dumps(list(paths)),),
            )
        return {path: FileStamp(*stamp) for path, *stamp in rows}

    def paths_by_hash(self, hashes: Iterable[str]) -> dict[str, list[str]]:
        """The notes whose files have these SHA-256, sorted; looks at every note."""
        found: dict[str, list[str]] = {}
        for path, held in self._db.rows(
            "SELECT path, sha256 FROM notes WHERE sha256 IN (SELECT value FROM json_each(?)) "
            "ORDER BY path",
            (json.dumps(list(hashes)),),
        ):
            found.setdefault(held, []).append(path)
        return found

    def stamps_without_hashes(self) -> Mapping[str, tuple[int, int, int, str]]:
        """The same, each equal to the stamp that a listing gives an unchanged file; quick."""
        rows = self._db.rows("SELECT path, size, modified_ns, changed_ns, '' FROM notes")
        return {row[0]: row[1:] for row in rows}

    def skipped(self) -> tuple[Skipped, ...]:
        """The files that are not indexed, and why, as the build gave them."""
        rows = self._db.rows("SELECT path, reason, stamp FROM skipped ORDER BY ordinal")
        with as_written():
            return tuple(skipped_from(row) for row in rows)

    def problems(self) -> tuple[Skipped, ...]:
        """What was not understood in notes that are indexed, by path."""
        rows = self._db.rows(
            "SELECT n.path, p.reason FROM problems p CROSS JOIN notes n ON n.id = p.note_id "
            "ORDER BY n.path, p.ordinal"
        )
        return tuple(Skipped(path, reason) for path, reason in rows)

    def paths(self) -> list[str]:
        """The paths of all notes, sorted."""
        return [path for (path,) in self._db.rows("SELECT path FROM notes ORDER BY path")]

    def paths_with(self, places: Iterable[LinkPlace]) -> list[str]:
        """The paths of the notes with links in one of these places, sorted."""
        rows = self._db.rows(
            "SELECT DISTINCT n.path FROM links l JOIN notes n ON n.id = l.source_id "
            "WHERE l.place IN (SELECT value FROM json_each(?)) ORDER BY n.path",
            (json.dumps(list(places)),),
        )
        return [path for (path,) in rows]

    def cards(self, paths: Iterable[str]) -> dict[str, NoteCard]:
        """The cards of those notes that are in the index, sorted by path."""
        rows = self._db.rows(
            "SELECT path, card FROM notes WHERE path IN (SELECT value FROM json_each(?)) "
            "ORDER BY path",
            (json.dumps(list(paths)),),
        )
        with as_written():
            return {row[0]: card_from(row) for row in rows}

    def card(self, path: str) -> NoteCard | None:
        """What is known of one note, or None if it is not in the index."""
        return self.cards([path]).get(path)

    def passing(self, paths: Iterable[str], filters: Filters) -> list[str]:
        """Those of the notes that pass the filters on notes, sorted."""
        where, parameters = note_conditions(filters)
        rows = self._db.rows(
            "SELECT n.path FROM notes n WHERE n.path IN (SELECT value FROM json_each(?)) "  # noqa: S608
            f"AND {where} ORDER BY n.path",
            (json.dumps(list(paths)), *parameters),
        )
        return [path for (path,) in rows]

    def facets(self) -> dict[str, frozenset[str]]:
        """The facets that each note's passages have, by path; template text counts as well."""
        found: dict[str, set[str]] = {}
        for path, facet in self._db.rows(
            "SELECT DISTINCT n.path, p.facet FROM passages p JOIN notes n ON n.id = p.note_id "
            "ORDER BY n.path"
        ):
            found.setdefault(path, set()).add(facet)
        return {path: frozenset(facets) for path, facets in found.items()}

    def passages_of(self, paths: Iterable[str]) -> dict[str, tuple[StoredPassage, ...]]:
        """The passages of each note that is in the index, in note order; notes by path."""
        found: dict[str, list[StoredPassage]] = {}
        rows = self._db.rows(
            f"SELECT n.path, {_OF_PASSAGE} FROM notes n LEFT JOIN passages p ON p.note_id = n.id "  # noqa: S608
            "LEFT JOIN texts t ON t.id = p.text_id "
            "WHERE n.path IN (SELECT value FROM json_each(?)) ORDER BY n.path, p.ordinal",
            (json.dumps(list(paths)),),
        )
        with as_written():
            for row in rows:
                of_note = found.setdefault(row[0], [])
                if row[1] is not None:  # else the note has none
                    of_note.append(passage_from(row))
        return {path: tuple(passages) for path, passages in found.items()}

    def passages(self, path: str) -> tuple[StoredPassage, ...]:
        """One note's passages, in note order; none if it is not in the index."""
        return self.passages_of([path]).get(path, ())

    def passages_with(
        self, text_ids: Iterable[int], *, filters: Filters = ALL
    ) -> dict[int, tuple[StoredPassage, ...]]:
        """All passages that hold these texts and pass the filters, by path and place.

        Returns:
            One entry for each text, in the order given; empty where no holder passes.
        """
        found: dict[int, list[StoredPassage]] = {int(number): [] for number in text_ids}
        where, parameters = passage_conditions(filters)
        note_where, note_parameters = note_conditions(filters)
        rows = self._db.rows(
            f"{_PASSAGES} WHERE p.text_id IN (SELECT value FROM json_each(?)) "  # noqa: S608
            f"AND {where} AND {note_where} ORDER BY n.path, p.ordinal",
            (json.dumps(list(found)), *parameters, *note_parameters),
        )
        with as_written():
            for row in rows:
                found[row[2]].append(passage_from(row))
        return {number: tuple(passages) for number, passages in found.items()}

    def common_texts(self, text_ids: Iterable[int], max_notes: int) -> set[int]:
        """Those of the texts that more than `max_notes` notes hold."""
        rows = self._db.rows(
            "SELECT id FROM texts WHERE notes > ? AND id IN (SELECT value FROM json_each(?))",
            (max_notes, json.dumps([int(number) for number in text_ids])),
        )
        return {number for (number,) in rows}

    def common_wordings(self, texts: Iterable[str], max_notes: int) -> set[str]:
        """Those of the texts, given word for word, that more than `max_notes` notes hold."""
        found = set()
        for text in texts:
            text_hash = sha256(storable(text).encode())
            row = self._db.row("SELECT notes FROM texts WHERE hash = ?", (text_hash,))
            if row is not None and row[0] > max_notes:
                found.add(text)
        return found

    def text_ids(self, texts: Iterable[str]) -> dict[str, int]:
        """The ids of those texts, given word for word, that the index holds with a vector."""
        found = {}
        for text in texts:
            row = self._db.row(
                "SELECT id FROM texts WHERE hash = ? AND embedded = 1",
                (sha256(storable(text).encode()),),
            )
            if row is not None:
                found[text] = int(row[0])
        return found

    def first_paths(self, text_ids: Iterable[int]) -> dict[int, str]:
        """The alphabetically first note that holds each text."""
        rows = self._db.rows(
            "SELECT p.text_id, min(n.path) FROM passages p JOIN notes n ON n.id = p.note_id "
            "WHERE p.text_id IN (SELECT value FROM json_each(?)) GROUP BY p.text_id",
            (json.dumps([int(number) for number in text_ids]),),
        )
        return dict(rows)

    def last_text_id(self) -> int:
        """The highest number that a text was given; 0 without any."""
        return int(self._db.value("SELECT coalesce(max(id), 0) FROM texts"))

    def text_sample(self, most: int, max_notes_per_text: int) -> list[int]:
        """Texts from all over the vault, the same ones for the same texts."""
        rows = self._db.rows(
            "SELECT id FROM texts WHERE notes BETWEEN 1 AND ? AND embedded = 1 "
            "ORDER BY hash LIMIT ?",  # a hash is as good as chance
            (max_notes_per_text, most),
        )
        return [number for (number,) in rows]


def built_as(moment: str, generation: int) -> str:
    """What `Catalog.built` says of the build of this generation, published at this moment."""
    return f"{moment} {generation:010}"


NEVER_BUILT = built_as("", 0)


def now() -> str:
    """The time as the catalog writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
