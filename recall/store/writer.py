"""The one writer: a build in one transaction, seen by nobody until it is published."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from recall.digest import sha256
from recall.errors import IndexBusy, NoteUnreadable, UsageError
from recall.names import link_keys, names_of
from recall.store.catalog import Catalog, built_as, now
from recall.store.changes import Recorder
from recall.store.database import storable
from recall.store.files import writing
from recall.store.filters import tag_form
from recall.store.linking import settle_links
from recall.store.opening import begin, forget_vectors, published
from recall.store.rows import card_to_json
from recall.store.schema import COLUMNS
from recall.store.seal import blocks_in_log, write_seal
from recall.store.term_counts import TermCounts, terms_in, terms_of_note
from recall.vault import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from recall.domain import FileStamp, Identity, IndexedNote, Link, NoteCard, Passage, Skipped
    from recall.store.database import Row
    from recall.store.vectors.pending import Pending

_CHILDREN = ("note_tags", "problems", "passages", "names")


class Writer(Catalog):
    """Changes the index; what it reads is its own, unpublished state.

    Links are resolved, and texts that no passage holds are dropped, when it publishes.
    """

    def __init__(
        self, directory: Path, identity: Identity, *, wait_seconds: float, fresh: bool
    ) -> None:
        super().__init__(begin(directory, identity, wait_seconds=wait_seconds, fresh=fresh))
        self._directory = directory
        self._space = identity.space
        self._pending: Pending | None = None
        self._changed_keys: set[str] = set()
        is_first = fresh or self.generation == 0
        self._record = Recorder(self._db, is_idle=is_first)
        self._term_counts = TermCounts(self._db, is_first=is_first)
        self._db.run("CREATE TEMP TABLE touched (text_id INTEGER PRIMARY KEY)")
        self._next_link = int(self._db.value("SELECT coalesce(max(id), 0) + 1 FROM links"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the build; what was not published is rolled back."""
        self._db.close()

    def put(self, note: IndexedNote) -> None:
        """Insert a note, or replace the one with its path.

        Raises:
            NoteUnreadable: Its path can't be written as UTF-8, or leads out of the vault.
            UsageError: Its words name a column that is not there.
        """
        card = note.card
        if storable(card.path) != card.path:
            raise NoteUnreadable(f"{card.path!r} has a name that is not valid Unicode")
        if not is_inside(card.path):
            raise NoteUnreadable(f"{card.path!r} is not a place in the vault")
        if unknown := sorted(set(note.words) - set(COLUMNS)):
            raise UsageError(f"there is no column {unknown[0]!r} for words")
        new_names = {(key, name.kind.value) for key, name in names_of(card)}
        row = self._db.row("SELECT id FROM notes WHERE path = ?", (card.path,))
        words = [storable(note.words.get(column, "")) for column in COLUMNS]
        self._terms_change(card.path, row, terms_in(words))
        if row is None:
            note_id = self._db.run(
                "INSERT INTO notes (path, card, day, draft, size, modified_ns, changed_ns, sha256) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (card.path, *_columns(card), *_stamp(note.stamp)),
            )
            old_names = set()
        else:
            note_id = int(row[0])
            old_names = self._clear(note_id)
            self._db.run(
                "UPDATE notes SET card = ?, day = ?, draft = ?, size = ?, modified_ns = ?, "
                "changed_ns = ?, sha256 = ? WHERE id = ?",
                (*_columns(card), *_stamp(note.stamp), note_id),
            )
        self._changed_keys.update(key for key, _ in old_names ^ new_names)
        self._put_names(note_id, note, new_names)
        self._put_passages(note_id, note.passages)
        self._put_links(note_id, note.links)
        self._db.run(
            f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) "  # noqa: S608
            f"VALUES (?{', ?' * len(COLUMNS)})",
            (note_id, *words),
        )

    def remove(self, path: str) -> None:
        """Take a note out; nothing happens if it is not in."""
        row = self._db.row("SELECT id FROM notes WHERE path = ?", (path,))
        if row is not None:
            self._terms_change(path, row, frozenset())
            self._changed_keys.update(key for key, _ in self._clear(int(row[0])))
            self._db.run("DELETE FROM notes WHERE id = ?", row)

    def move(self, old: str, note: IndexedNote) -> None:
        """Take a note out and put it back under its new path; its vectors are kept."""
        self.remove(old)
        self.put(note)

    def touch(self, path: str, stamp: FileStamp) -> None:
        """Note that a file was looked at and says what it said before."""
        self._db.run(
            "UPDATE notes SET size = ?, modified_ns = ?, changed_ns = ?, sha256 = ? WHERE path = ?",
            (*_stamp(stamp), path),
        )

    def set_skipped(self, skipped: Sequence[Skipped]) -> None:
        """Say which files are not indexed, instead of what was said before."""
        self._db.run("DELETE FROM skipped")
        self._db.run_many(
            "INSERT INTO skipped (path, reason, stamp) VALUES (?, ?, ?)",
            [
                (item.path, item.reason, json.dumps(_stamp(item.stamp)) if item.stamp else None)
                for item in skipped
            ],
        )

    def missing_texts(self, *, after: int = -1) -> list[tuple[int, str]]:
        """The texts that some passage holds and that have no vector yet: (id, text), by id.

        Args:
            after: Only texts with a higher id.
        """
        rows = self._db.rows(
            "SELECT id, hash, text FROM texts WHERE embedded = 0 AND id > ? "
            "AND EXISTS (SELECT 1 FROM passages WHERE text_id = texts.id) ORDER BY id",
            (after,),
        )
        if not rows:
            return []
        pending = self._opened_pending()
        return [(number, text) for number, text_hash, text in rows if text_hash not in pending]

    def add_vectors(self, text_ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Give texts their vectors; what was given survives a kill of this process.

        Args:
            text_ids: From `missing_texts`.
            vectors: (len(text_ids), dimension) float32, unit rows.
        """
        import numpy as np

        if not len(text_ids):
            return
        rows = np.asarray(vectors, dtype=np.float32)
        pending = self._opened_pending()
        dimension = pending.dimension
        if rows.ndim != 2 or rows.shape != (len(text_ids), dimension or rows.shape[1]):
            raise UsageError(f"vectors of shape {rows.shape} for {len(text_ids)} texts")
        if not np.isfinite(rows).all():
            raise UsageError("a vector holds something that is not a number")
        hash_of: dict[int, bytes] = dict(
            self._db.rows(
                "SELECT id, hash FROM texts WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps([int(number) for number in text_ids]),),
            )
        )
        unknown = [number for number in text_ids if number not in hash_of]
        if unknown:
            raise UsageError(f"the index has no text {unknown[0]}")
        with writing(self._directory):
            pending.append([hash_of[number] for number in text_ids], rows)

    def forget_vectors(self) -> None:
        """Make `missing_texts` give every text, those included that have a vector."""
        forget_vectors(self._db)
        with writing(self._directory):
            self._opened_pending().clear()

    def resolve_links(self) -> None:
        """Decide anew what links point at, where names have come or gone."""
        self._record.linked_anew(settle_links(self._db, self._changed_keys))
        self._changed_keys.clear()

    def publish(self) -> int:
        """Make the build the one that is read, in one step, and end it.

        Returns:
            Its generation.

        Raises:
            UsageError: A text has no vector.
            IndexUnwritable: The system does not allow it, or the disk is full.
        """
        from recall.store.vectors.note_table_file import table_file  # late: a start needs neither
        from recall.store.vectors.publishing import publish_vectors

        self.resolve_links()
        self._drop_texts()
        if missing := self.missing_texts():
            raise UsageError(f"{len(missing)} texts have no vector yet")
        generation, moment = self.generation + 1, now()
        pending = self._opened_pending()
        with writing(self._directory):
            publish_vectors(self._db, self._directory, generation, pending)
        table = table_file(self._directory).head()
        self._record.publish(
            generation, built_as(moment, generation), base=table and table[0].built
        )
        self._term_counts.publish(generation)
        self._db.run_many(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [
                ("generation", generation),
                ("built_at", moment),
                ("counts", json.dumps(asdict(self.counts()))),
            ],
        )
        self._db.run("COMMIT")
        # Published. Readers are not waited for, and a build that has begun by now does the rest.
        self._db.run("PRAGMA busy_timeout = 0")
        with contextlib.suppress(IndexBusy):
            self._tidy(generation, pending)
        with contextlib.suppress(IndexBusy):
            self._seal(generation)
        published(self._directory)
        self.close()
        return generation

    def _tidy(self, generation: int, pending: Pending) -> None:
        """Remove the files that nobody needs any more.

        Raises:
            IndexBusy: Another build has begun; the files may be what it is writing.
        """
        from recall.store.vectors.publishing import remove_dead_files

        self._db.run("BEGIN IMMEDIATE")
        with contextlib.suppress(OSError):  # the next build tries again
            remove_dead_files(self._db, self._directory)
            if self.generation == generation:
                pending.clear()
        self._db.run("ROLLBACK")

    def _seal(self, generation: int) -> None:
        """Copy SQLite's log into the catalog, seal that, and empty the log, in this order.

        Raises:
            IndexBusy: Another build has begun, and will seal.
        """
        changed = blocks_in_log(self._directory)
        _, in_log, copied = self._db.rows("PRAGMA wal_checkpoint(PASSIVE)")[0]
        if in_log != copied:
            return  # somebody still reads the state before
        self._db.run("BEGIN IMMEDIATE")
        if self.generation == generation:
            names = [segment.name for segment in self.segments()]
            write_seal(self._directory, generation, names, changed=changed)
        self._db.run("ROLLBACK")
        self._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _terms_change(self, path: str, row: Row | None, after: frozenset[str]) -> None:
        """A note, of which the catalog has this row, if any, will hold these terms."""
        before = frozenset() if row is None else terms_of_note(self._db, int(row[0]))
        self._record.put(path, before ^ after)
        self._term_counts.put(before, after)

    def _clear(self, note_id: int) -> set[tuple[str, str]]:
        """Take out all that hangs on a note; give back its names."""
        names = set(self._db.rows("SELECT key, kind FROM names WHERE note_id = ?", (note_id,)))
        self._db.run(
            "INSERT OR IGNORE INTO touched SELECT text_id FROM passages WHERE note_id = ?",
            (note_id,),
        )
        for table in _CHILDREN:
            self._db.run(f"DELETE FROM {table} WHERE note_id = ?", (note_id,))  # noqa: S608
        self._db.run("DELETE FROM links WHERE source_id = ?", (note_id,))
        self._db.run("DELETE FROM words WHERE rowid = ?", (note_id,))
        return names

    def _put_names(self, note_id: int, note: IndexedNote, names: set[tuple[str, str]]) -> None:
        self._db.run_many(
            "INSERT INTO names VALUES (?, ?, ?)",
            [(key, kind, note_id) for key, kind in sorted(names)],
        )
        tags = {tag_form(storable(tag)) for tag in note.card.tags}
        self._db.run_many(
            "INSERT INTO note_tags VALUES (?, ?)", [(tag, note_id) for tag in sorted(tags)]
        )
        self._db.run_many(
            "INSERT INTO problems VALUES (?, ?, ?)",
            [(note_id, ordinal, reason) for ordinal, reason in enumerate(note.problems)],
        )

    def _put_passages(self, note_id: int, passages: Sequence[Passage]) -> None:
        text_ids = [self._text_id(storable(passage.text)) for passage in passages]
        self._db.run_many("INSERT OR IGNORE INTO touched VALUES (?)", [(n,) for n in text_ids])
        self._db.run_many(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (note_id, ordinal, text_id, passage.facet.value, passage.heading,
                 passage.span.start, passage.span.end, passage.line)
                for ordinal, (text_id, passage) in enumerate(zip(text_ids, passages, strict=True))
            ],
        )  # fmt: skip

    def _text_id(self, text: str) -> int:
        """The number of a text, new or known; a dropped one gets its old number and vector."""
        text_hash = sha256(text.encode())
        known = self._db.row("SELECT id FROM texts WHERE hash = ?", (text_hash,))
        if known is not None:
            return int(known[0])
        dropped = self._db.row("SELECT text_id FROM dead WHERE hash = ?", (text_hash,))
        if dropped is not None:
            self._db.run("DELETE FROM dead WHERE text_id = ?", dropped)
            return self._db.run(
                "INSERT INTO texts (id, hash, text, embedded) VALUES (?, ?, ?, 1)",
                (*dropped, text_hash, text),
            )
        return self._db.run("INSERT INTO texts (hash, text) VALUES (?, ?)", (text_hash, text))

    def _put_links(self, note_id: int, links: Sequence[Link]) -> None:
        numbered = list(enumerate(links, start=self._next_link))
        self._next_link += len(numbered)
        self._db.run_many(
            "INSERT INTO links (id, source_id, ordinal, target, start, stop, place, syntax, "
            "label, heading, block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (number, note_id, ordinal, link.target, link.span.start, link.span.end,
                 link.place.value, link.syntax.value, link.label, link.heading, link.block)
                for ordinal, (number, link) in enumerate(numbered)
            ],
        )  # fmt: skip
        self._db.run_many(
            "INSERT OR IGNORE INTO link_keys VALUES (?, ?)",
            ((key, number) for number, link in numbered for key in link_keys(link)),
        )

    def _drop_texts(self) -> None:
        """Count anew in how many notes the texts of changed notes are; drop those in none."""
        held = (
            "SELECT t.id, t.notes FROM touched o CROSS JOIN texts t ON t.id = o.text_id "
            "WHERE t.notes > 0"
        )
        before: dict[int, int] = dict(self._db.rows(held))
        self._db.run(
            "UPDATE texts SET notes = (SELECT count(DISTINCT note_id) FROM passages "
            "WHERE text_id = texts.id) WHERE id IN (SELECT text_id FROM touched)"
        )
        self._record.held_by(before, dict(self._db.rows(held)))
        self._db.run("INSERT INTO dead SELECT id, hash FROM texts WHERE notes = 0 AND embedded = 1")
        self._db.run("DELETE FROM texts WHERE notes = 0")
        self._db.run("DELETE FROM touched")

    def _opened_pending(self) -> Pending:
        if self._pending is None:
            from recall.store.vectors.pending import Pending

            with writing(self._directory):
                self._pending = Pending(self._directory, self._space)
        return self._pending


def _columns(card: NoteCard) -> Iterable[object]:
    day = card.updated or card.created
    return card_to_json(card), day.isoformat()[:10] if day else None, int(card.draft)


def _stamp(stamp: FileStamp) -> tuple[object, ...]:
    return stamp.size, stamp.modified_ns, stamp.changed_ns, stamp.sha256
