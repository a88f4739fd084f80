"""What builds changed: so that what is kept beside the catalog can follow without reading it all.

The catalog holds a row for each build, and with the last build that touched it: each note of which
the table of notes may say something else, each term that other notes may hold now, and each text
that more or fewer notes hold. It may name too much, never too little. A build that changes a large
part of the vault begins the record anew; so does one from nothing. What the table of notes, as it
is kept, says already is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recall.store.database import Database

FEWEST = 100  # notes that a record is always kept of
SHARE = 10  # of the notes, as one in so many: where more changed, all are as soon read
MOST_BUILDS = 2000
_TABLES = ("changed_notes", "changed_terms", "changed_texts")


@dataclass(frozen=True, slots=True)
class Changes:
    """What the builds behind one state of the catalog changed."""

    paths: frozenset[str]  # of notes that are there now or were
    terms: frozenset[str]  # that other notes may hold
    builds: int  # how many


class Recorder:
    """Writes down what one build changes."""

    def __init__(self, database: Database, *, is_idle: bool) -> None:
        """`is_idle`: the build is from nothing, so that there is nothing to follow."""
        self._db = database
        self._paths: set[str] = set()
        self._terms: set[str] = set()
        self._texts: dict[int, tuple[int, int]] = {}
        self._most = 0 if is_idle else max(FEWEST, _count(database, "notes") // SHARE)
        self._is_idle = is_idle

    def put(self, path: str, terms: frozenset[str]) -> None:
        """A note is put in, replaced or taken out, and other notes may now hold these terms."""
        if self._is_idle:
            return
        self._paths.add(path)
        self._terms |= terms
        self._stop_at_many()

    def linked_anew(self, paths: Iterable[str]) -> None:
        """Links of these notes may point elsewhere."""
        if not self._is_idle:
            self._paths.update(paths)
            self._stop_at_many()

    def held_by(self, before: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Texts may be in another number of notes: text id → notes, of those that are in any."""
        for number, notes in after.items():
            was = before.get(number, 0)  # one that nobody held is held by changed notes alone
            if was not in (0, notes):
                self._texts[number] = min(was, notes), max(was, notes)

    def publish(self, generation: int, built: str, *, base: str | None) -> None:
        """Keep the record in the catalog; part of the build's transaction.

        Args:
            generation: Of the build.
            built: What the catalog will say of when it was built.
            base: The same of the state that the table of notes is told from: what was changed up
                to there is forgotten.
        """
        begins = self._is_idle or _count(self._db, "changed_notes") > self._most
        if begins:
            for table in _TABLES:
                self._db.run(f"DELETE FROM {table}")  # noqa: S608
        else:
            self._write(generation)
        self._db.run("DELETE FROM builds WHERE generation <= ?", (generation - MOST_BUILDS,))
        self._db.run("INSERT OR REPLACE INTO builds VALUES (?, ?, ?)", (generation, built, begins))
        first = self._db.row("SELECT generation FROM builds WHERE built = ?", (base or "",))
        if first is not None:
            self._forget(int(first[0]))

    def _stop_at_many(self) -> None:
        if len(self._paths) > self._most:
            self._is_idle = True
            self._paths.clear()
            self._terms.clear()

    def _write(self, generation: int) -> None:
        for table, found in (("changed_notes", self._paths), ("changed_terms", self._terms)):
            self._db.run_many(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",  # noqa: S608
                [(item, generation) for item in sorted(found)],
            )
        self._db.run_many(
            "INSERT INTO changed_texts VALUES (?, ?, ?, ?) ON CONFLICT (text_id) DO UPDATE SET "
            "generation = excluded.generation, fewest = min(fewest, excluded.fewest), "
            "most = max(most, excluded.most)",
            [(number, generation, *span) for number, span in sorted(self._texts.items())],
        )

    def _forget(self, generation: int) -> None:
        """Drop what was changed up to a build; that it was there is kept."""
        if self._db.row("SELECT 1 FROM builds WHERE generation < ?", (generation,)) is None:
            return
        self._db.run("DELETE FROM builds WHERE generation < ?", (generation,))
        for table in _TABLES:
            self._db.run(f"DELETE FROM {table} WHERE generation <= ?", (generation,))  # noqa: S608


def changes_since(
    database: Database, since: str, until: str, max_notes_per_text: int | None
) -> Changes | None:
    """What changed between two builds; None if the record does not reach back so far.

    Args:
        database: The catalog.
        since: What it said of when it was built, in the earlier state.
        until: The same of the state that is read.
        max_notes_per_text: A note counts as changed, too, if a text that it holds came to be
            held by more notes than this, or no more is.
    """
    first, last = generation_of(since), generation_of(until)
    if not _has_record(database):
        return None
    builds = database.rows(
        "SELECT generation, built, begins FROM builds WHERE generation >= ? ORDER BY generation",
        (first,),
    )
    # An older version of recall leaves a gap; another copy of the index built at another time.
    is_whole = [number for number, *_ in builds] == list(range(first, last + 1))
    if not builds or not is_whole or (builds[0][1], builds[-1][1]) != (since, until):
        return None
    if any(begins for *_, begins in builds[1:]):
        return None
    changed = "SELECT {} FROM {} WHERE generation > ?".format
    paths = [path for (path,) in database.rows(changed("path", "changed_notes"), (first,))]
    terms = [term for (term,) in database.rows(changed("term", "changed_terms"), (first,))]
    if max_notes_per_text is not None:
        rows = database.rows(
            "SELECT DISTINCT n.path FROM changed_texts c CROSS JOIN passages p "
            "ON p.text_id = c.text_id CROSS JOIN notes n ON n.id = p.note_id "
            "WHERE c.generation > ? AND c.fewest <= ? AND c.most > ?",
            (first, max_notes_per_text, max_notes_per_text),
        )
        paths += [path for (path,) in rows]
    return Changes(frozenset(paths), frozenset(terms), len(builds) - 1)


def comes_of(database: Database, built: str) -> bool:
    """Whether the catalog once was in the state of which it said that it was built then.

    Another copy of it may have gone other ways, and given the same numbers to other texts.
    """
    found = "SELECT 1 FROM builds WHERE built = ?"
    return _has_record(database) and database.row(found, (built,)) is not None


def generation_of(built: str) -> int:
    """The how-manieth build `Catalog.built` speaks of."""
    return int(built.rpartition(" ")[2] or 0)


def _has_record(database: Database) -> bool:
    """False in a catalog that an older version made."""
    return database.row("SELECT 1 FROM sqlite_schema WHERE name = 'builds'") is not None


def _count(database: Database, table: str) -> int:
    return int(database.value(f"SELECT count(*) FROM {table}"))  # noqa: S608
