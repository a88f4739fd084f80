"""BM25 over the words of notes (FTS5); terms come analysed and are never read as a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recall.store.database import Database, storable
from recall.store.filters import note_conditions
from recall.store.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from recall.domain import Filters


def rank_notes(
    database: Database,
    weights: Mapping[str, float],
    k: int,
    *,
    filters: Filters,
    exclude: Collection[str],
    columns: Mapping[str, float] | None,
    also: Collection[str] = (),
) -> list[tuple[str, float]]:
    """The `k` notes whose words answer best: (path, score), higher is better, ties by path.

    Notes of `also` that hold a term follow, however many are better.

    The score is the sum over terms of weight times BM25 (FTS5: k1 = 1.2, b = 0.75, one length
    for the whole note). FTS5 has no weights for terms, so each term is a query of its own; with
    all weights 1 the sum is what FTS5 gives for the terms joined by OR.
    """
    column_weights = _column_weights(filters, columns)
    searched = [name for name, weight in column_weights.items() if weight > 0]
    matches = [(match([term], searched), weight) for term, weight in weights.items() if weight > 0]
    if not searched or not matches or k <= 0:
        return []
    rank = f"bm25(words, {', '.join(repr(float(w)) for w in column_weights.values())})"
    where, parameters = note_conditions(filters, exclude)
    # Materialised: bm25() is not at home in a query that also groups.
    rows = database.rows(
        "WITH hits AS MATERIALIZED ("  # noqa: S608
        f"SELECT words.rowid AS id, -{rank} * json_extract(q.value, '$[1]') AS score "
        "FROM json_each(?) q CROSS JOIN words WHERE words MATCH json_extract(q.value, '$[0]')), "
        "totals AS MATERIALIZED (SELECT n.path AS path, sum(h.score) AS total "
        f"FROM hits h JOIN notes n ON n.id = h.id WHERE {where} GROUP BY n.id) "
        "SELECT path, total FROM (SELECT * FROM totals ORDER BY total DESC, path LIMIT ?) "
        "UNION SELECT path, total FROM totals WHERE path IN (SELECT value FROM json_each(?)) "
        "ORDER BY total DESC, path",
        (json.dumps(matches), *parameters, k, json.dumps(list(also))),
    )
    return [(path, float(score)) for path, score in rows]


def note_count(database: Database) -> int:
    """How many notes there are."""
    return int(database.value("SELECT count(*) FROM notes"))


def document_frequency(database: Database, terms: Iterable[str]) -> dict[str, int]:
    """In how many notes each term occurs; 0 for a term that no note holds."""
    wanted = {storable(term): term for term in terms}
    rows = database.rows(
        "SELECT q.value, c.doc FROM json_each(?) q CROSS JOIN word_counts c ON c.term = q.value",
        (json.dumps(list(wanted)),),
    )
    return {**dict.fromkeys(wanted.values(), 0), **{wanted[term]: count for term, count in rows}}


def terms_of(database: Database, path: str) -> frozenset[str]:
    """Every term of a note, whichever column it stands in."""
    row = database.row(
        f"SELECT {', '.join(COLUMNS)} FROM words "  # noqa: S608
        "WHERE rowid = (SELECT id FROM notes WHERE path = ?)",
        (path,),
    )
    return frozenset(" ".join(row).split()) if row else frozenset()


def _column_weights(filters: Filters, columns: Mapping[str, float] | None) -> dict[str, float]:
    """The weight of every column, in the table's order; facets asked for leave out the others."""
    given = dict.fromkeys(COLUMNS, 1.0) if columns is None else columns
    facets = {facet.value for facet in filters.facets} or set(COLUMNS)
    return {name: given.get(name, 0.0) if name in facets else 0.0 for name in COLUMNS}


def match(terms: Iterable[str], columns: Iterable[str]) -> str:
    """Terms that follow one another, as FTS5 takes them: one string, whatever is in them."""
    quoted = storable(" ".join(terms)).replace("\0", " ").replace('"', '""')
    return f'{{{" ".join(columns)}}} : "{quoted}"'
