"""How the folder of an index is opened: to read one state, or to begin the one write."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from recall.errors import (
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    IndexUnreadable,
    IndexUnwritable,
    RecallError,
    UsageError,
)
from recall.store.catalog import Catalog, now
from recall.store.database import Database
from recall.store.files import (
    CATALOG,
    OWNER,
    REBUILD,
    create,
    has_catalog,
    set_catalog_aside,
    size_of,
    writing,
)
from recall.store.integrity import why_unsound
from recall.store.schema import (
    FORMAT,
    KEPT_TABLES,
    check_header,
    create_added,
    create_tables,
    drop_tables,
    is_empty,
    missing,
)
from recall.store.seal import check_catalog, stamp_of, verify
from recall.vault import is_inside

if TYPE_CHECKING:
    from pathlib import Path

    from recall.domain import Identity
    from recall.store.seal import Stamp


# Pages of a build that don't fit are written out and read again, over and over: with SQLite's
# own 2 MB a build of 100,000 notes mostly does that.
WRITE_CACHE_KIB = 131_072

# How catalogs looked whose paths were all found to lie in the vault, by their file. A command opens
# its own several times, and every path would be looked at each time.
_found_inside: dict[Path, Stamp] = {}

READ_WAIT_SECONDS = 5.0  # for another process that holds the catalog alone, a moment as a rule


def open_for_reading(directory: Path) -> Database:
    """Open a published catalog and hold its present state until it is closed.

    Raises:
        IndexMissing: Nothing was published here yet.
        IndexOutdated: Another layout.
        IndexDamaged: Not our file, or not readable.
        IndexUnreadable: The system does not allow it.
        IndexBusy: Another process held it for all of `READ_WAIT_SECONDS`.
    """
    if not has_catalog(directory):
        raise missing(directory)
    try:
        return _open_for_reading(directory, wait_seconds=0.0)
    except IndexBusy:  # really so: a file system without locks looks busy, too, but always will
        return _open_for_reading(directory, wait_seconds=READ_WAIT_SECONDS)


def _open_for_reading(directory: Path, *, wait_seconds: float) -> Database:
    file = directory / CATALOG
    error: RecallError | None = None
    # A folder that may not be written has no place for the log's index: then as a still file.
    for mode in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
        is_moving = isinstance(error, IndexBusy) or _log_size(directory)
        if "immutable" in mode and is_moving:
            break
        look = stamp_of(file)
        database = Database.connect(file, mode=mode, wait_seconds=wait_seconds)
        try:
            database.run("BEGIN")
            database.rows("SELECT 1 FROM sqlite_schema LIMIT 1")
            check_header(database, file)
            _check_paths(database, file, look)
            _check_seal(database, directory)
            database.run("PRAGMA query_only = ON")
        except (IndexMissing, IndexOutdated, IndexUnreadable):
            database.close()
            raise
        except RecallError as refused:
            error = error or refused
            database.close()
        else:
            return database
    assert error is not None
    raise error


def begin(directory: Path, identity: Identity, *, wait_seconds: float, fresh: bool) -> Database:
    """Begin the one write transaction, on tables that are there and of this vector space.

    Raises:
        IndexBusy: Another writer held it longer than `wait_seconds`.
        IndexOutdated: Another layout, and not `fresh`.
        IndexDamaged: It can't be read, and not `fresh`.
        IndexUnwritable: The system does not allow it.
    """
    if identity.format != FORMAT:
        raise UsageError(f"this version writes layout {FORMAT}, not {identity.format}")
    with writing(directory):
        _make_folder(directory)
        try:
            return _begin(directory, identity, wait_seconds=wait_seconds, fresh=fresh)
        except IndexDamaged:
            if not fresh:
                raise
        set_catalog_aside(directory)
        return _begin(directory, identity, wait_seconds=wait_seconds, fresh=True)


def forget_vectors(database: Database) -> None:
    """Make every text one without a vector; part of the caller's transaction."""
    database.run("DELETE FROM builds")  # no table of notes can be followed from there
    database.run("DELETE FROM segments")
    database.run("DELETE FROM dead")
    database.run("UPDATE texts SET embedded = 0 WHERE embedded = 1")


def _begin(directory: Path, identity: Identity, *, wait_seconds: float, fresh: bool) -> Database:
    file = directory / CATALOG
    _make_catalog(directory)
    database = Database.connect(file, mode="mode=rw", wait_seconds=0.0)
    try:
        with contextlib.suppress(IndexBusy):  # that there are no locks is said without a wait
            database.rows("SELECT 1 FROM sqlite_schema LIMIT 1")
        database.run(f"PRAGMA busy_timeout = {round(wait_seconds * 1000)}")
        # Looked at before anything is changed: it may be somebody else's file.
        with contextlib.suppress(IndexMissing, IndexOutdated):
            check_header(database, file)
        _use_log(database, wait_seconds)
        database.run("PRAGMA synchronous = FULL")
        database.run("PRAGMA foreign_keys = ON")
        database.run("PRAGMA temp_store = MEMORY")
        database.run(f"PRAGMA cache_size = -{WRITE_CACHE_KIB}")
        database.run("BEGIN IMMEDIATE")
        if is_empty(database):
            create_tables(database)
        elif fresh:
            _start_anew(database, directory)
        else:
            check_header(database, file)
            _check_paths(database, file, stamp_of(file))
            _check_seal(database, directory)
            create_added(database)
        _adopt(database, identity, directory)
    except BaseException:
        database.close()
        raise
    return database


def _use_log(database: Database, wait_seconds: float) -> None:
    """Switch to the write-ahead log; SQLite itself does not wait for others to let it."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            database.rows("PRAGMA journal_mode = WAL")
        except IndexBusy:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _start_anew(database: Database, directory: Path) -> None:
    """Take out every note; keep what vectors there are, known by the hashes of their texts."""
    try:
        check_header(database, directory / CATALOG)
    except IndexOutdated:
        drop_tables(database)
        create_tables(database)
        return
    _check_seal(database, directory)
    database.run("INSERT OR IGNORE INTO dead SELECT id, hash FROM texts WHERE embedded = 1")
    drop_tables(database, keep=KEPT_TABLES)
    database.run("DELETE FROM texts")
    create_tables(database)
    if not _has_sound_vectors(database, directory):
        forget_vectors(database)


def _has_sound_vectors(database: Database, directory: Path) -> bool:
    segments = Catalog(database).segments()
    try:
        verify(directory, segments)
    except (IndexDamaged, IndexUnreadable):
        return False
    return True


def _adopt(database: Database, identity: Identity, directory: Path) -> None:
    row = database.row("SELECT value FROM meta WHERE key = 'space'")
    if row is not None and row[0] != identity.space:
        forget_vectors(database)
    database.run_many(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
        [("space", identity.space), ("recipe", identity.recipe)],
    )
    # The numbers of texts are never given twice in one catalog, but again in the next; and in an
    # older copy that was put back, which the files beside it tell.
    if _is_older_copy(Catalog(database), directory):
        database.run("DELETE FROM meta WHERE key = 'born'")
    database.run("INSERT OR IGNORE INTO meta VALUES ('born', ?)", (now(),))


def _is_older_copy(catalog: Catalog, directory: Path) -> bool:
    """Whether a file beside the catalog is of a later state of it than the catalog holds."""
    from recall.store.learned import read_facts  # late: reading needs neither
    from recall.store.vectors.note_table_file import states

    found = [item for item in (read_facts(directory), *states(directory)) if item is not None]
    return any(item.born == catalog.born and item.built > catalog.built for item in found)


def _make_folder(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with create(directory / ".gitignore") as file:
            file.write(b"*\n")


def _make_catalog(directory: Path) -> None:
    file = directory / CATALOG
    if not has_catalog(directory) and size_of(file) is None:
        with contextlib.suppress(FileExistsError):  # another first build was quicker
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    # SQLite would say no more than that it can't open it.
    if not os.access(file, os.W_OK) or not os.access(directory, os.W_OK | os.X_OK):
        raise IndexUnwritable(f"the index in {directory} may not be written", hint=OWNER)


def _check_seal(database: Database, directory: Path) -> None:
    """See that the catalog is what the build wrote.

    Raises:
        IndexDamaged: It is not.
    """
    check_catalog(
        directory, Catalog(database).generation, is_sound=lambda: why_unsound(database) is None
    )


def published(directory: Path) -> None:
    """Note that the catalog was written here, by a build that looked at every path."""
    if (look := stamp_of(directory / CATALOG)) is not None and not _log_size(directory):
        _found_inside[directory / CATALOG] = look


def _check_paths(database: Database, file: Path, look: Stamp | None) -> None:
    """Refuse a catalog that names a note outside of the vault: no build writes such a path.

    `look` is how the file looked before it was opened.
    """
    is_in_file = look is not None and not _log_size(file.parent)
    if is_in_file and _found_inside.get(file) == look:
        return
    rows = database.rows(
        # GLOB reads no further than to the first NUL.
        "SELECT path FROM notes WHERE path GLOB '*..*' OR path GLOB '/*' "
        "OR instr(path, char(0)) OR typeof(path) <> 'text'"
    )
    if any(not isinstance(path, str) or not is_inside(path) for (path,) in rows):
        raise IndexDamaged(f"{file} names notes outside of the vault", hint=REBUILD)
    if look is not None and is_in_file:
        _found_inside[file] = look


def _log_size(directory: Path) -> int | None:
    return size_of(directory / f"{CATALOG}-wal")
