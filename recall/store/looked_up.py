"""What is looked up of one state of the catalog again and again, and kept while it lasts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from recall.domain import Counts
from recall.store import lexical, texts, vocabulary
from recall.store.catalog import ALL, Catalog
from recall.store.rows import as_written
from recall.store.shelf import MOST_KEPT, Known
from recall.store.term_counts import table_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.domain import Filters, Name
    from recall.store.database import Database
    from recall.store.postings import Postings
    from recall.store.roster import Roster

LOOKUPS_BEFORE = 12  # of notes in the catalog, of which a question needs four: then all are read
TOLD_BY = 2  # terms: few titles hold the two rarest, and more take longer to compare


class LookedUp(Catalog):
    """Reads one state of the catalog, and its words."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._known = Known()

    def meta(self, key: str) -> str | None:
        """One of the facts about the build as a whole."""
        if key not in self._known.meta:
            self._known.meta[key] = super().meta(key)
        return self._known.meta[key]

    def lookup(self, key: str) -> tuple[Name, ...]:
        """Who bears a name, given in normal form; sorted by path."""
        known = self._known.bearers
        if key not in known:
            if len(known) >= MOST_KEPT:
                known.clear()
            known[key] = super().lookup(key)
        return known[key]

    def counts(self) -> Counts:
        """How much the index holds, as its build counted it."""
        if self._known.counts is None:
            kept = self.meta("counts")
            with as_written():
                self._known.counts = _counts_from(kept) if kept else super().counts()
        return self._known.counts

    def lexical(
        self,
        weights: Mapping[str, float] | Iterable[str],
        k: int,
        *,
        filters: Filters = ALL,
        exclude: Collection[str] = (),
        columns: Mapping[str, float] | None = None,
        also: Collection[str] = (),
    ) -> list[tuple[str, float]]:
        """The notes whose words answer best: (path, score), higher is better, ties by path.

        Args:
            weights: Terms as `recall.words` makes them, with the weight of each; without, 1.
            k: How many notes.
            filters: Which notes may answer; facets name the columns that are searched.
            exclude: Paths of notes that don't answer.
            columns: Weight of each column; one that is not named is not searched. None: all, 1.
            also: Paths of notes that are scored even if they are not among the best.
        """
        weighted = weights if isinstance(weights, Mapping) else dict.fromkeys(weights, 1.0)
        return self._postings().rank(
            weighted, k, filters=filters, exclude=exclude, columns=columns, also=also
        )

    def frequency_in_columns(
        self, terms: Iterable[str], *, filters: Filters, columns: Mapping[str, float]
    ) -> dict[str, int]:
        """In how many notes each term occurs where `lexical` looks for it; it finds that kept."""
        return self._postings().frequency(terms, lexical.column_weights(filters, columns))

    def _postings(self) -> Postings:
        if self._known.postings is None:
            from recall.store.postings import Postings

            self._known.postings = Postings(self._db, self._roster)
        return self._known.postings

    def terms_of(self, paths: Iterable[str]) -> dict[str, frozenset[str]]:
        """Every term of each of those notes that are in the index."""
        return lexical.terms_of(self._db, paths)

    def terms_held(self, terms: Collection[str], paths: Sequence[str]) -> dict[str, frozenset[str]]:
        """Those of the terms that each of the notes holds, of those notes that are in the index."""
        roster, postings = self._known.roster, self._known.postings
        if roster is None or postings is None:
            return {path: held.intersection(terms) for path, held in self.terms_of(paths).items()}
        there, numbers = roster.found(paths)
        frequency, notes = self.document_frequency(terms), self.note_count()
        everywhere = frozenset(term for term in terms if frequency[term] == notes)
        # A note's terms stand between blanks, so it holds none with a blank in it; FTS5 trims them.
        others = [term for term in terms if term not in everywhere and term.split() == [term]]
        held_by = postings.held(others, numbers)
        return {
            path: everywhere.union(term for term, is_held in held_by.items() if is_held[at])
            for at, path in enumerate(there)
        }

    def note_count(self) -> int:
        """How many notes the index holds."""
        if self._known.notes is None:
            self._known.notes = lexical.note_count(self._db)
        return self._known.notes

    def document_frequency(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many notes each term occurs; 0 for a term that no note holds."""
        wanted = list(terms)
        known = self._known.frequency
        missing = [term for term in wanted if term not in known]
        if missing:
            if len(known) + len(missing) > MOST_KEPT:
                known.clear()
                missing = wanted
            counts = self._counts_of_terms
            known.update(lexical.document_frequency(self._db, missing, counts=counts))
        return {term: known[term] for term in wanted}

    @property
    def _counts_of_terms(self) -> str:
        if self._known.counts_of_terms is None:
            self._known.counts_of_terms = table_of(self._db)
        return self._known.counts_of_terms

    def texts_of(
        self, paths: Sequence[str], *, filters: Filters = ALL, max_notes_per_text: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each passage of some notes that may speak, in note order.

        Returns:
            (passages,) each, ascending and not: the place of its note in `paths`, and its text id.
        """
        roster = None if filters.facets else self._roster()
        if roster is not None:
            return roster.texts_of(paths, max_notes_per_text)
        return texts.texts_of(self._db, paths, filters, max_notes_per_text)

    def holders_of(self, text_ids: Collection[int], *, filters: Filters = ALL) -> list[str]:
        """The notes that hold one of these texts and pass the filters, sorted."""
        roster = self._roster() if filters == ALL else None
        if roster is not None:
            return roster.holders_of(text_ids)
        return texts.holders_of(self._db, text_ids, filters)

    def _roster(self) -> Roster | None:
        """All notes in memory, for who looked some of them up many times already."""
        known = self._known
        if known.roster is None:
            known.lookups += 1
            if known.lookups <= LOOKUPS_BEFORE:
                return None
            from recall.store.roster import Roster

            known.roster = Roster(self._db)
        return known.roster

    def vocabulary(
        self, beginnings: Iterable[str], shortest: int, longest: int
    ) -> list[tuple[str, int]]:
        """The terms of so many characters that begin so, and in how many notes each occurs."""
        counts = self._counts_of_terms
        return vocabulary.vocabulary(self._db, beginnings, shortest, longest, counts=counts)

    def spellings(self, term: str) -> list[str]:
        """The words, folded, that some notes have for a term."""
        return vocabulary.spellings(self._db, term)

    def holders(self, phrase: Iterable[str], *, filters: Filters = ALL) -> list[str]:
        """The notes in whose prose these terms follow one another, sorted."""
        return vocabulary.holders(self._db, phrase, filters)

    def titled(self, title: Sequence[str]) -> list[str]:
        """The notes whose whole title is these terms, at least one, sorted."""
        frequency = self.document_frequency(set(title))
        rarest = sorted(frequency, key=lambda term: (frequency[term], term))
        return vocabulary.titled(self._db, title, rarest[:TOLD_BY])


def _counts_from(line: str) -> Counts:
    return Counts(**{name: int(number) for name, number in json.loads(line).items()})
