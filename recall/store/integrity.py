"""Whether a catalog agrees with itself and with its vectors: read through, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.digest import sha256
from recall.errors import IndexDamaged
from recall.store.term_counts import TABLE, counted, table_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recall.store.catalog import Catalog
    from recall.store.database import Database


def why_unsound(database: Database) -> str | None:
    """What SQLite, or a text's hash, finds wrong with a catalog; None if nothing is found."""
    return _complaint_of(lambda: _flaw_of_texts(database))


def why_unreadable(catalog: Catalog) -> str | None:
    """The first row that can't be read as what it should be; None if all can."""
    return _complaint_of(lambda: _flaw_of_rows(catalog))


def why_words_unsound(database: Database) -> str | None:
    """What FTS5 finds wrong with the index of words, on a copy that may be written."""
    return _complaint_of(lambda: _flaw_of_words(database))


def why_vectors_unsound(database: Database, directory: Path, catalog: Catalog) -> str | None:
    """How the vectors differ from the texts of the catalog; None if each text has its own."""
    return _complaint_of(lambda: _flaw_of_vectors(database, directory, catalog))


def _complaint_of(look: Callable[[], str | None]) -> str | None:
    try:
        return look()
    except (IndexDamaged, FileNotFoundError, ValueError, TypeError, AttributeError) as error:
        return str(error)


def _flaw_of_texts(database: Database) -> str | None:
    report = database.value("PRAGMA integrity_check(1)")
    if report != "ok":
        return str(report)
    for number, text_hash, text in database.rows("SELECT id, hash, text FROM texts"):
        if sha256(text.encode()) != text_hash:
            return f"text {number} is not the one that was kept"
    return None


def _flaw_of_rows(catalog: Catalog) -> str | None:
    database = catalog.database
    if strays := database.rows("PRAGMA foreign_key_check"):
        return f"a row of {strays[0][0]} belongs to nothing"
    paths = catalog.paths()
    catalog.cards(paths)
    catalog.passages_of(paths)
    for path in paths:
        catalog.links_from(path)
    catalog.stamps()
    catalog.skipped()
    catalog.problems()
    miscounted = database.row(
        "SELECT t.id FROM texts t WHERE t.notes <> "
        "(SELECT count(DISTINCT p.note_id) FROM passages p WHERE p.text_id = t.id)"
    )
    return f"text {miscounted[0]} is in another number of notes" if miscounted else None


def _flaw_of_words(database: Database) -> str | None:
    return _flaw_of_word_index(database) or _flaw_of_counts(database)


def _flaw_of_counts(database: Database) -> str | None:
    if table_of(database) != TABLE:
        return None  # an older version built it, which counts none
    rows = database.rows("SELECT term, doc FROM term_counts")
    return (
        None if dict(rows) == counted(database) else "terms are counted in other numbers of notes"
    )


def _flaw_of_word_index(database: Database) -> str | None:
    copy = database.copy()
    try:
        copy.run("INSERT INTO words (words) VALUES ('integrity-check')")
        notes = copy.value("SELECT count(*) FROM notes")
        held = copy.value("SELECT count(*) FROM words")
        return None if notes == held else f"words of {held} notes are kept for {notes} notes"
    finally:
        copy.close()


def _flaw_of_vectors(database: Database, directory: Path, catalog: Catalog) -> str | None:
    import numpy as np

    from recall.store.vectors.segments import Segments, as_ids, pieces

    vectors = Segments(directory, catalog.segments())
    ids = vectors.ids()
    expected = database.rows(
        "SELECT id FROM texts WHERE embedded = 1 UNION ALL SELECT text_id FROM dead ORDER BY 1"
    )
    if not np.array_equal(ids, as_ids([number for (number,) in expected])):
        return f"{len(ids)} vectors are kept for {len(expected)} texts, or for others"
    for piece in pieces(ids):
        lengths = np.linalg.norm(vectors.rows(piece), axis=1)
        if not np.allclose(lengths, 1, atol=1e-3):
            return f"the vector of text {piece[np.abs(lengths - 1).argmax()]} has not length 1"
    return None
