"""The tables of the catalog: how they are made, dropped, and told from other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.errors import IndexDamaged, IndexMissing, IndexOutdated
from recall.store.files import REBUILD

if TYPE_CHECKING:
    from pathlib import Path

    from recall.store.database import Database

FORMAT = 2  # the layout below and of the files beside; a change is a new number, never a migration
APPLICATION_ID = 0x7265636C  # "recl": tells our catalogs from other SQLite files
_MARK = slice(68, 72)  # where SQLite keeps that number in a file's header

COLUMNS = (
    "title", "names", "tags", "description", "claim", "signals", "take", "question", "body", "rest",
)  # fmt: skip

# `segments` and `dead` speak of vectors and outlive a build from nothing: a text that comes back
# finds its vector again by hash.
KEPT_TABLES = ("segments", "dead", "texts", "meta")

# What builds changed (`changes`), and how many notes hold each term (`term_counts`). Made by the
# next build in a catalog that has none: an index is as good without.
ADDED = """
CREATE TABLE IF NOT EXISTS term_counts (term TEXT PRIMARY KEY, doc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS builds (
    generation INTEGER PRIMARY KEY, built TEXT NOT NULL UNIQUE, begins INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS changed_notes (
    path TEXT PRIMARY KEY, generation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changed_terms (
    term TEXT PRIMARY KEY, generation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changed_texts (
    text_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL,
    fewest INTEGER NOT NULL, most INTEGER NOT NULL
);
"""
TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY, vectors INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead (text_id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL,
    notes INTEGER NOT NULL DEFAULT 0, embedded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS texts_by_notes ON texts (notes);
CREATE INDEX IF NOT EXISTS texts_without_vector ON texts (id) WHERE embedded = 0;
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, card TEXT NOT NULL,
    day TEXT, draft INTEGER NOT NULL,
    size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE note_tags (
    tag TEXT NOT NULL, note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    PRIMARY KEY (tag, note_id)
) WITHOUT ROWID;
CREATE INDEX note_tags_by_note ON note_tags (note_id);
CREATE TABLE problems (
    note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    ordinal INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (note_id, ordinal)
) WITHOUT ROWID;
CREATE TABLE skipped (
    ordinal INTEGER PRIMARY KEY, path TEXT NOT NULL, reason TEXT NOT NULL, stamp TEXT
);
CREATE TABLE passages (
    note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    text_id INTEGER NOT NULL REFERENCES texts, facet TEXT NOT NULL, heading TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL, line INTEGER NOT NULL,
    PRIMARY KEY (note_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX passages_by_text ON passages (text_id, note_id, facet);
CREATE TABLE names (
    key TEXT NOT NULL, kind TEXT NOT NULL,
    note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    PRIMARY KEY (key, kind, note_id)
) WITHOUT ROWID;
CREATE INDEX names_by_note ON names (note_id);
CREATE TABLE links (
    id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    ordinal INTEGER NOT NULL, target TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    place TEXT NOT NULL, syntax TEXT NOT NULL, label TEXT, heading TEXT, block TEXT,
    target_id INTEGER REFERENCES notes ON DELETE SET NULL, kind TEXT,
    candidates INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX links_by_source ON links (source_id, ordinal);
CREATE INDEX links_by_target ON links (target_id);
CREATE INDEX links_ambiguous ON links (id) WHERE candidates > 1;
CREATE INDEX links_unsettled ON links (id) WHERE settled = 0;
CREATE TABLE link_keys (
    key TEXT NOT NULL, link_id INTEGER NOT NULL REFERENCES links ON DELETE CASCADE,
    PRIMARY KEY (key, link_id)
) WITHOUT ROWID;
CREATE INDEX link_keys_by_link ON link_keys (link_id);
CREATE VIRTUAL TABLE words USING fts5(
    {", ".join(COLUMNS)},
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Cf Cn Co'"
);
CREATE VIRTUAL TABLE word_counts USING fts5vocab(words, row);
"""


def bears_our_mark(head: bytes) -> bool:
    """Whether a file that begins so is a catalog of ours; a first build has not marked it yet."""
    return head[_MARK] == APPLICATION_ID.to_bytes(4, "big")


def check_header(database: Database, file: Path) -> None:
    """Tell our catalogs of this layout from all other files."""
    application = database.value("PRAGMA application_id")
    version = database.value("PRAGMA user_version")
    if application == 0 and version == 0 and is_empty(database):
        raise missing(file.parent)
    foreign = database.row("SELECT 1 FROM sqlite_schema WHERE type IN ('trigger', 'view')")
    if application != APPLICATION_ID or foreign:
        raise IndexDamaged(f"{file} is not an index of recall", hint=REBUILD)
    if version != FORMAT:
        raise IndexOutdated(
            f"the index in {file.parent} has layout {version}, this version reads {FORMAT}",
            hint="run `recall index`",
        )


def is_empty(database: Database) -> bool:
    """Whether a catalog has no tables yet."""
    return database.row("SELECT 1 FROM sqlite_schema LIMIT 1") is None


def create_tables(database: Database) -> None:
    """Make all tables that are not there; part of the caller's transaction."""
    _run_each(database, TABLES)
    create_added(database)
    database.run(f"PRAGMA application_id = {APPLICATION_ID}")
    database.run(f"PRAGMA user_version = {FORMAT}")


def create_added(database: Database) -> None:
    """Make the tables that an older version did not, if they are not there."""
    _run_each(database, ADDED)


def _run_each(database: Database, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            database.run(statement)


def drop_tables(database: Database, *, keep: tuple[str, ...] = ()) -> None:
    """Drop all tables but some; part of the caller's transaction."""
    # Newest first: children are made after their parents, and no foreign key is left in the air.
    found = database.rows(
        "SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema "
        "WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid DESC"
    )
    virtual = [name for name, is_virtual in found if is_virtual]
    shadows = {name for name, _ in found for owner in virtual if name.startswith(f"{owner}_")}
    plain = [name for name, is_virtual in found if not is_virtual and name not in shadows]
    for name in (*virtual, *plain):
        if name not in keep:
            quoted = name.replace('"', '""')
            database.run(f'DROP TABLE IF EXISTS "{quoted}"')


def missing(directory: Path) -> IndexMissing:
    """Make the error for a folder without an index."""
    return IndexMissing(f"nothing is indexed in {directory} yet", hint="run `recall index`")
