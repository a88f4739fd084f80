"""In how many notes each term occurs, kept as a table that follows from build to build.

FTS5 tells the same (`word_counts`), but by going through all the notes of a term: of the forty
terms that a note is known by, thousands.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from recall.store.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recall.store.database import Database

TABLE = "term_counts"
_COUNTED = "terms_counted"  # key of `meta`: the generation that the table is of
NOTES_AT_ONCE = 4096  # read together when all are counted anew
_WORDS = f"SELECT {', '.join(COLUMNS)} FROM words WHERE rowid BETWEEN ? AND ?"  # noqa: S608


class TermCounts:
    """Counts for one build."""

    def __init__(self, database: Database, *, is_first: bool) -> None:
        """`is_first`: the build is from nothing, so that there is nothing to count before it."""
        self._db = database
        self._is_counted = is_first or table_of(database) == TABLE
        self._more: Counter[str] = Counter()

    def put(self, before: frozenset[str], after: frozenset[str]) -> None:
        """A note that held some terms now holds others."""
        self._more.update(after - before)
        self._more.subtract(before - after)

    def publish(self, generation: int) -> None:
        """Write the table; part of the build's transaction, when all notes are in.

        Args:
            generation: Of the build.
        """
        more = self._more
        if not self._is_counted:
            self._db.run("DELETE FROM term_counts")
            more = counted(self._db)
        self._db.run_many(
            "INSERT INTO term_counts VALUES (?, ?) "
            "ON CONFLICT (term) DO UPDATE SET doc = doc + excluded.doc",
            sorted((term, notes) for term, notes in more.items() if notes),
        )
        self._db.run_many(
            "DELETE FROM term_counts WHERE term = ? AND doc <= 0",
            [(term,) for term, notes in more.items() if notes < 0],
        )
        self._db.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_COUNTED, generation))


def table_of(database: Database) -> str:
    """The table of them; what FTS5 knows if an older version of recall built the index."""
    rows = database.rows("SELECT value FROM meta WHERE key IN ('generation', ?)", (_COUNTED,))
    is_counted = len(rows) == 2 and rows[0] == rows[1]
    return TABLE if is_counted else "word_counts"


def counted(database: Database) -> Counter[str]:
    """In how many notes each term occurs, by reading the words of all of them."""
    found: Counter[str] = Counter()
    for terms in _terms_of_all(database):
        found.update(terms)
    return found


def _terms_of_all(database: Database) -> Iterator[frozenset[str]]:
    last = int(database.value("SELECT coalesce(max(id), 0) FROM notes"))
    for start in range(0, last + 1, NOTES_AT_ONCE):
        rows = database.rows(_WORDS, (start, start + NOTES_AT_ONCE - 1))
        yield from map(terms_in, rows)


def terms_of_note(database: Database, note_id: int) -> frozenset[str]:
    """The terms of one note as it is kept."""
    return terms_in(*database.rows(_WORDS, (note_id, note_id)))


def terms_in(columns: Iterable[str] = ()) -> frozenset[str]:
    """The terms of a note's columns, which stand between blanks there."""
    return frozenset(term for column in columns for term in column.split())
