"""Which notes hold a term, and what BM25 says of each: FTS5 is asked once for each term.

What common words say of thousands of notes takes FTS5 most of the time of a question, and such
words are asked again and again. So a snapshot keeps the answers, the last ones first.
"""

from __future__ import annotations

import json
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from recall.store.filters import note_conditions
from recall.store.lexical import column_weights, holders_among, match
from recall.store.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from recall.domain import Filters
    from recall.store.database import Database
    from recall.store.roster import Roster

    Ids = NDArray[np.int64]
    Scores = NDArray[np.float64]

MANY = 300  # equally good notes
KEPT = 1_000_000  # notes of all terms that are kept: 16 MB


class Postings:
    """The terms of one state of the catalog."""

    def __init__(self, database: Database, roster: Callable[[], Roster | None]) -> None:
        self._db = database
        self._roster = roster  # gives all notes, once they are in memory
        self._kept: dict[tuple[str, str], tuple[Ids, Scores]] = {}  # lately asked ones last
        self._ranks: set[str] = set()  # ways to weigh columns that were asked for
        self._size = 0
        self._order: Ids | None = None  # of all notes: their numbers, by path

    def rank(
        self,
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
        for the whole note). FTS5 has no weights for terms, so each term is a query of its own;
        with all weights 1 the sum is what FTS5 gives for the terms joined by OR.
        """
        of_column = column_weights(filters, columns)
        asked = {term: weight for term, weight in weights.items() if weight > 0}
        if not any(weight > 0 for weight in of_column.values()) or not asked or k <= 0:
            return []
        held, totals = self._totals(asked, of_column)
        where, parameters = note_conditions(filters)
        if where != "1":
            passing = self._db.rows(
                "SELECT n.id FROM json_each(?) q CROSS JOIN notes n ON n.id = q.value "  # noqa: S608
                f"WHERE {where} ORDER BY n.id",
                (json.dumps(held.tolist()), *parameters),
            )
            places = np.searchsorted(held, [number for (number,) in passing])
            held, totals = held[places], totals[places]
        out, others = set(exclude), set(also)
        best = self._best(held, totals, k + len(out), also)
        found = [item for item in best if item[0] not in out]
        return found[:k] + [item for item in found[k:] if item[0] in others]

    def frequency(self, terms: Iterable[str], of_column: Mapping[str, float]) -> dict[str, int]:
        """In how many notes each term occurs in one of the columns that have a weight."""
        found = self._parts(dict.fromkeys(terms, 1.0), of_column)
        return {term: len(ids) for term, (_, ids, _) in found.items()}

    def held(self, terms: Iterable[str], numbers: Ids) -> dict[str, NDArray[np.bool_]]:
        """Whether each of some notes holds a term, in any column: of each term (notes,)."""
        found = {}
        for term in terms:
            matched = match([term], COLUMNS)
            keys = self._keys(matched)
            # A word that nearly all notes hold was not asked for.
            holders = self._kept[keys[0]][0] if keys else self._among(numbers, matched)
            places = np.searchsorted(holders, numbers)
            is_held = holders.take(places, mode="clip") == numbers if len(holders) else places < 0
            found[term] = is_held
        return found

    def _keys(self, matched: str) -> list[tuple[str, str]]:
        return [key for rank in self._ranks if (key := (matched, rank)) in self._kept]

    def _among(self, numbers: Ids, matched: str) -> Ids:
        return np.array(holders_among(self._db, matched, numbers.tolist()), dtype=np.int64)

    def _best(
        self, held: Ids, totals: Scores, k: int, also: Collection[str]
    ) -> list[tuple[str, float]]:
        """The best `k` notes, perhaps more of those as good as the last, and others; sorted."""
        best = held
        if len(held) > k:
            least = -np.partition(-totals, k - 1)[k - 1]
            tied, best = held[totals == least], held[totals > least]
            if len(tied) > MANY:  # whose paths are not all read, to find the first few
                tied = self._by_path(tied)[: k - len(best)]
            best = np.concatenate([best, tied])
        named, numbers = self._by_name(best, also)
        places = np.searchsorted(held, numbers)
        is_held = held.take(places, mode="clip") == numbers if len(held) else places < 0
        scores = totals[places[is_held]]
        order = np.argsort(-scores, kind="stable")  # ties stay by path
        paths = list(compress(named, is_held.tolist()))
        ranked = zip(order.tolist(), scores[order].tolist(), strict=True)
        return [(paths[at], score) for at, score in ranked]

    def _by_name(self, numbers: Ids, also: Collection[str]) -> tuple[list[str], Ids]:
        """Notes given by their numbers, and others by their paths: both of all, by path."""
        if (roster := self._roster()) is not None:
            others = roster.numbers_of(also)
            rows_of = np.sort(roster.rows_of(np.concatenate([numbers, others])))
            rows_of = rows_of[np.diff(rows_of, prepend=-1) > 0]
            return roster.at(rows_of)
        rows = self._db.rows(
            "SELECT n.path, n.id FROM json_each(?) q CROSS JOIN notes n ON n.id = q.value UNION "
            "SELECT n.path, n.id FROM json_each(?) q CROSS JOIN notes n ON n.path = q.value "
            "ORDER BY 1",
            (json.dumps(numbers.tolist()), json.dumps(list(also))),
        )
        return [path for path, _ in rows], np.array([number for _, number in rows], dtype=np.int64)

    def _by_path(self, numbers: Ids) -> Ids:
        """Notes in the order of their paths."""
        if self._order is None:
            rows = self._db.rows("SELECT id FROM notes ORDER BY path")
            self._order = np.array([number for (number,) in rows], dtype=np.int64)
        found: Ids = self._order[np.isin(self._order, numbers)]
        return found

    def _totals(
        self, weights: Mapping[str, float], of_column: Mapping[str, float]
    ) -> tuple[Ids, Scores]:
        """The notes that hold one of the terms, ascending, and the score of each."""
        parts = list(self._parts(weights, of_column).values())
        ids = np.concatenate([numbers for _, numbers, _ in parts])
        scores = np.concatenate([weight * values for weight, _, values in parts])
        order = np.argsort(ids, kind="stable")  # quick: each term's ids ascend already
        ids = ids[order]
        firsts = np.flatnonzero(np.diff(ids, prepend=ids[:1] - 1))
        totals = np.add.reduceat(scores[order], firsts) if len(firsts) else scores
        return ids[firsts], totals

    def _parts(
        self, weights: Mapping[str, float], of_column: Mapping[str, float]
    ) -> dict[str, tuple[float, Ids, Scores]]:
        """For each term its weight, the notes it is found in, and the BM25 of each."""
        searched = [name for name, weight in of_column.items() if weight > 0]
        rank = f"bm25(words, {', '.join(repr(float(weight)) for weight in of_column.values())})"
        return {
            term: (weight, *self._of(match([term], searched), rank))
            for term, weight in weights.items()
        }

    def _of(self, matched: str, rank: str) -> tuple[Ids, Scores]:
        """The notes that a term is found in, ascending, and the BM25 of each."""
        if (found := self._kept.pop((matched, rank), None)) is None:
            rows = self._db.rows(
                f"SELECT rowid, -{rank} FROM words WHERE words MATCH ? ORDER BY rowid",  # noqa: S608
                (matched,),
            )
            found = (
                np.array([number for number, _ in rows], dtype=np.int64),
                np.array([score for _, score in rows], dtype=np.float64),
            )
            self._size += len(rows)
            self._ranks.add(rank)
        self._kept[matched, rank] = found
        while self._size > KEPT:
            self._size -= len(self._kept.pop(next(iter(self._kept)))[0])
        return found
