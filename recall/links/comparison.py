"""The source laid beside all its candidates at once: the arrays that features are read from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from recall.links.folders import folder_of
from recall.links.measures import hubness_of
from recall.links.mentions import mention_of
from recall.records import dataclass
from recall.store.vectors.note_table import FACETS
from recall.words import STOP_WORDS, fold, is_unspaced, terms_of_word, words

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from recall.domain import Facet, Link, Mention, Passage
    from recall.links.candidates import Candidates
    from recall.links.source import Source
    from recall.store import Snapshot
    from recall.store.vectors.lists import Lists
    from recall.store.vectors.note_table import NoteTable

    Array = NDArray[np.float64]


SHORTEST_SHOWN = 3  # characters of a word that is shown as shared; two where words are that short


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The passages of all candidates, one candidate after the other; template text left out."""

    text_ids: NDArray[np.int64]  # (passages,)
    facets: NDArray[np.uint8]  # (passages,): places in FACETS
    starts: NDArray[np.int64]  # (candidates + 1,): candidate j has rows starts[j]:starts[j + 1]
    vectors: NDArray[np.float32]  # (passages, dim), unit rows


class Titles:
    """The terms of the candidates' titles."""

    def __init__(self, table: NoteTable, notes: NDArray[np.int64]) -> None:
        """Of these notes, given as rows of the table."""
        self.terms: Lists = table.title_terms.take(notes)  # places in `table.terms`
        rarity = np.log((len(table.paths) + 1) / (table.frequency[self.terms.items] + 0.5))
        self._rarity: Array = rarity.clip(min=0.0)  # (all,)
        self._table = table

    @cached_property
    def weights(self) -> Array:
        """(candidates,): the rarity of each title's terms, summed."""
        return self.terms.sums(self._rarity)

    def weights_among(self, terms: Collection[str]) -> Array:
        """(candidates,): the same of those that are among these terms."""
        known, of_item = self._distinct
        is_among = np.array([term in terms for term in known], dtype=bool)
        return self.terms.sums(np.where(is_among[of_item], self._rarity, 0.0))

    @cached_property
    def _distinct(self) -> tuple[list[str], NDArray[np.int64]]:
        """The terms, each once, and which of them stands at each place."""
        known, of_item = np.unique(self.terms.items, return_inverse=True)
        return [self._table.terms[at] for at in known.tolist()], of_item


class Comparison:
    """One source and its candidates. Every array has one row a candidate, in `paths` order."""

    def __init__(self, source: Source, candidates: Candidates, snapshot: Snapshot) -> None:
        overview = candidates.overview
        table = overview.table
        rows = [row for row in map(overview.row_of.get, candidates.bm25) if row is not None]
        notes = np.array(rows, dtype=np.int64)
        self.source = source
        self.candidates = candidates
        self.snapshot = snapshot
        self.overview = overview
        self.learned = overview.learned
        self.notes: NDArray[np.int64] = notes[overview.speaker[notes] >= 0]  # rows of the table
        self.rows: NDArray[np.int64] = overview.speaker[self.notes]  # among the speaking ones
        self.paths = tuple(table.paths[note] for note in self.notes.tolist())
        places = table.texts.places(self.notes)
        text_ids = table.texts.items[places.items]
        vectors = snapshot.vectors(text_ids)
        self.block = Block(text_ids, table.facets[places.items], places.starts, vectors)
        self._passages: dict[int, list[Passage]] = {}
        # (source passages, all candidates' passages)
        self.similarities: NDArray[np.float32] = source.vectors @ self.block.vectors.T

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The folder of each candidate."""
        return tuple(folder_of(path) for path in self.paths)

    def best(self, here: Facet | None = None, there: Facet | None = None) -> Array:
        """Whitened cosine of the nearest pair with these facets; NaN where a note has none."""
        rows = self._rows(here)
        columns = self._columns(there)
        if not len(rows) or not len(columns):
            return np.full(len(self), np.nan)
        whitened = self.whitened if here is None else self.whitened[rows]
        best = whitened.max(axis=0).astype(np.float64)[columns]
        owners = self._candidate_of[columns]
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        found = np.full(len(self), np.nan)
        found[owners[firsts]] = np.maximum.reduceat(best, firsts)
        return found

    @cached_property
    def best_for_here(self) -> NDArray[np.float32]:
        """(source passages, candidates): how near each source passage comes to each candidate."""
        best: NDArray[np.float32] = np.maximum.reduceat(
            self.whitened, self.block.starts[:-1], axis=1
        )
        return best

    @cached_property
    def whitened(self) -> NDArray[np.float32]:
        """(source passages, all candidates' passages): whitened cosines."""
        # here · ((T - mean) · map) / lengths, for which the map need not be laid on every passage.
        whitening, block = self.learned.whitening, self.block
        through = whitening(self.source.vectors) @ whitening.map
        scores = through @ block.vectors.T - (through @ whitening.mean)[:, None]
        lengths = self.learned.lengths_of(self.snapshot.born, block.text_ids, block.vectors)
        found: NDArray[np.float32] = (scores / np.maximum(lengths, 1e-12)).astype(np.float32)
        return found

    @cached_property
    def means(self) -> NDArray[np.float32]:
        """(candidates, dim): each candidate's mean vector, unit rows."""
        return self.overview.table.means[self.rows]

    @cached_property
    def whitened_means(self) -> NDArray[np.float32]:
        """(candidates, dim): the same, whitened."""
        found: NDArray[np.float32] = self.learned.whitening(self.means)
        return found

    def whitened_cosines(self, whitened: NDArray[np.float32]) -> Array:
        """(candidates,): of each candidate's mean with a vector that is whitened, a unit row."""
        return self.overview.against(self.rows, whitened).astype(np.float64)

    @cached_property
    def hubness(self) -> Array:
        """Mean cosine of each candidate to its nearest notes: high for a note about everything."""
        if (measures := self.learned.measures_of(self.snapshot)) is not None:
            return measures.hubness[self.rows].astype(np.float64)
        return hubness_of(self.whitened_means, self.learned.crowd)

    @cached_property
    def source_hubness(self) -> float:
        """The same of the source."""
        return float(hubness_of(self.overview.source_whitened[None, :], self.learned.crowd)[0])

    @cached_property
    def degrees(self) -> tuple[Array, Array]:
        """(candidates,) each: how many notes link the candidate, and how many it links."""
        table = self.overview.table
        linking, linked = (lists.lengths()[self.notes] for lists in (table.linking, table.linked))
        return linking.astype(np.float64), linked.astype(np.float64)

    @cached_property
    def titles(self) -> Titles:
        """The terms of the candidates' titles."""
        return Titles(self.overview.table, self.notes)

    @cached_property
    def title_weight_here(self) -> Array:
        """(candidates,): the rarity of those terms of each title that the source says, summed."""
        return self.titles.weights_among(self.source.term_counts)

    @cached_property
    def written(self) -> dict[str, str]:
        """The terms of the source's words of three letters and more, as it first writes each."""
        found: dict[str, str] = {}
        for passage in self.source.passages:
            for word, _, _ in words(passage.text):
                if _may_be_shown(word) and fold(word) not in STOP_WORDS:
                    for term in terms_of_word(word):
                        found.setdefault(term, word)
        return found

    def passages(self, row: int) -> list[Passage]:
        """The passages of one candidate, as the block has them."""
        if row not in self._passages:
            self.read_passages([row])
        return self._passages[row]

    def read_passages(self, rows: Sequence[int]) -> None:
        """Read the passages of some candidates at once."""
        stored = self.snapshot.passages_of([self.paths[row] for row in rows])
        for row in rows:
            start, stop = self.block.starts[row : row + 2].tolist()
            numbers = set(self.block.text_ids[start:stop].tolist())
            every = stored.get(self.paths[row], ())
            self._passages[row] = [item.passage for item in every if item.text_id in numbers]

    def mention_there(self, row: int) -> Mention | None:
        """Where one candidate names the source."""
        path = self.paths[row]
        return mention_of(self.source.card, self.passages(row), partial(self._links_of, path))

    def _links_of(self, path: str) -> tuple[Link, ...]:
        return tuple(link.link for link in self.snapshot.links_from(path))

    def rarity(self, terms: Sequence[str]) -> dict[str, float]:
        """Inverse document frequency of terms, at least 0."""
        total = self.snapshot.counts().notes
        frequency = self.snapshot.document_frequency(terms)
        return {t: max(0.0, math.log((total + 1) / (frequency[t] + 0.5))) for t in terms}

    @cached_property
    def _candidate_of(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self)), np.diff(self.block.starts))

    def _rows(self, facet: Facet | None) -> list[int]:
        held = self.source.passages
        return [i for i, item in enumerate(held) if facet is None or item.facet is facet]

    def _columns(self, facet: Facet | None) -> NDArray[np.int64]:
        if facet is None:
            return np.arange(len(self.block.facets))
        return np.flatnonzero(self.block.facets == FACETS.index(facet.value))


def _may_be_shown(word: str) -> bool:
    return len(word) >= SHORTEST_SHOWN or (len(word) > 1 and is_unspaced(word))
