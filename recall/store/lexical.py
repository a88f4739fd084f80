"""The words of notes (FTS5); terms come analysed and are never read as a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recall.store.database import Database, storable
from recall.store.schema import COLUMNS
from recall.store.term_counts import table_of, terms_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recall.domain import Filters


def note_count(database: Database) -> int:
    """How many notes there are."""
    return int(database.value("SELECT count(*) FROM notes"))


def document_frequency(
    database: Database, terms: Iterable[str], *, counts: str | None = None
) -> dict[str, int]:
    """In how many notes each term occurs; 0 for a term that no note holds.

    Args:
        database: The catalog.
        terms: The terms.
        counts: The table that tells, `term_counts.table_of`; None: it is looked up.
    """
    wanted = {storable(term): term for term in terms}
    rows = database.rows(
        "SELECT q.value, c.doc FROM json_each(?) q "  # noqa: S608 - a constant
        f"CROSS JOIN {counts or table_of(database)} c ON c.term = q.value",
        (json.dumps(list(wanted)),),
    )
    return {**dict.fromkeys(wanted.values(), 0), **{wanted[term]: count for term, count in rows}}


def terms_of(database: Database, paths: Iterable[str]) -> dict[str, frozenset[str]]:
    """Every term of each of some notes, whichever column it stands in."""
    rows = database.rows(
        f"SELECT n.path, {', '.join(f'w.{name}' for name in COLUMNS)} FROM json_each(?) q "  # noqa: S608
        "CROSS JOIN notes n ON n.path = q.value CROSS JOIN words w ON w.rowid = n.id",
        (json.dumps(list(paths)),),
    )
    return {path: terms_in(columns) for path, *columns in rows}


def holders_among(database: Database, matched: str, numbers: Iterable[int]) -> list[int]:
    """Those of some notes, given by their numbers, that a `match` finds; ascending."""
    rows = database.rows(
        "SELECT w.rowid FROM json_each(?) q CROSS JOIN words w ON w.rowid = q.value "
        "WHERE w.words MATCH ? ORDER BY w.rowid",
        (json.dumps(list(numbers)), matched),
    )
    return [number for (number,) in rows]


def column_weights(filters: Filters, columns: Mapping[str, float] | None) -> dict[str, float]:
    """The weight of every column, in the table's order; facets asked for leave out the others."""
    given = dict.fromkeys(COLUMNS, 1.0) if columns is None else columns
    facets = {facet.value for facet in filters.facets} or set(COLUMNS)
    return {name: given.get(name, 0.0) if name in facets else 0.0 for name in COLUMNS}


def match(terms: Iterable[str], columns: Iterable[str]) -> str:
    """Terms that follow one another, as FTS5 takes them: one string, whatever is in them."""
    quoted = storable(" ".join(terms)).replace("\0", " ").replace('"', '""')
    return f'{{{" ".join(columns)}}} : "{quoted}"'
