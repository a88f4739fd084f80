"""The source laid beside all its candidates at once: the arrays that features are read from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from recall.links.mentions import mention_of
from recall.words import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import Facet, Link, Mention, NoteCard, Passage
    from recall.links.candidates import Candidates
    from recall.links.source import Source
    from recall.store import Snapshot

    Array = NDArray[np.float64]

NEAREST = 10  # neighbours that hubness averages (Conneau et al. 2018, CSLS)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The passages of all candidates, one candidate after the other; template text left out."""

    text_ids: NDArray[np.int64]  # (passages,)
    facets: NDArray[np.str_]  # (passages,): values of `Facet`
    starts: NDArray[np.int64]  # (candidates + 1,): candidate j has rows starts[j]:starts[j + 1]
    vectors: NDArray[np.float32]  # (passages, dim), unit rows


class Comparison:
    """One source and its candidates. Every array has one row a candidate, in `paths` order."""

    def __init__(
        self, source: Source, candidates: Candidates, snapshot: Snapshot, *, max_notes_per_text: int
    ) -> None:
        overview = candidates.overview
        held = snapshot.texts_held(
            [path for path in candidates.bm25 if path in overview.place], max_notes_per_text
        )
        self.source = source
        self.candidates = candidates
        self.snapshot = snapshot
        self.overview = overview
        self.learned = overview.learned
        self.paths = tuple(held)
        self.rows = np.array([overview.place[path] for path in self.paths], dtype=np.int64)
        every = [item for items in held.values() for item in items]
        text_ids = [number for number, _ in every]
        self.block = Block(
            np.array(text_ids, dtype=np.int64),
            np.array([facet for _, facet in every], dtype=np.str_),
            np.cumsum([0, *map(len, held.values())], dtype=np.int64),
            snapshot.vectors(text_ids),
        )
        # (source passages, all candidates' passages)
        self.similarities: NDArray[np.float32] = source.vectors @ self.block.vectors.T

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def cards(self) -> tuple[NoteCard, ...]:
        """The candidates' cards."""
        cards = self.snapshot.cards(self.paths)
        return tuple(cards[path] for path in self.paths)

    def best(self, here: Facet | None = None, there: Facet | None = None) -> Array:
        """Whitened cosine of the nearest pair with these facets; NaN where a note has none."""
        rows = self._rows(here)
        columns = self._columns(there)
        if not len(rows) or not len(columns):
            return np.full(len(self), np.nan)
        best = self.whitened[rows][:, columns].max(axis=0).astype(np.float64)
        found = np.full(len(self), -np.inf)
        np.maximum.at(found, self._candidate_of[columns], best)
        return np.where(np.isneginf(found), np.nan, found)

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
        whitening = self.learned.whitening
        here, there = whitening(self.source.vectors), whitening(self.block.vectors)
        return (here @ there.T).astype(np.float32)

    @cached_property
    def centroids(self) -> NDArray[np.float32]:
        """(candidates, dim): each candidate's mean vector, unit rows."""
        return self.overview.centroids[self.rows]

    @cached_property
    def hubness(self) -> Array:
        """Mean cosine of each candidate to its nearest notes: high for a note about everything."""
        return _nearest_mean(self.learned.whitening(self.centroids) @ self.learned.crowd.T)

    @cached_property
    def source_hubness(self) -> float:
        """The same of the source."""
        here = self.overview.source_whitened[None, :]
        return float(_nearest_mean(here @ self.learned.crowd.T)[0])

    @cached_property
    def degrees(self) -> tuple[Array, Array]:
        """(candidates,) each: how many notes link the candidate, and how many it links."""
        found = self.snapshot.degrees(self.paths)
        both = np.array([found[path] for path in self.paths], dtype=np.float64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    @cached_property
    def title_terms(self) -> tuple[frozenset[str], ...]:
        """The terms of each candidate's title."""
        return tuple(frozenset(terms(card.title)) for card in self.cards)

    def passages(self, row: int) -> list[Passage]:
        """The passages of one candidate, as the block has them."""
        start, stop = self.block.starts[row : row + 2].tolist()
        numbers = set(self.block.text_ids[start:stop].tolist())
        stored = self.snapshot.passages(self.paths[row])
        return [item.passage for item in stored if item.text_id in numbers]

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
        return np.flatnonzero(self.block.facets == facet.value)


def _nearest_mean(similarities: NDArray[np.floating]) -> Array:
    count = min(NEAREST + 1, similarities.shape[1])
    if count < 2:
        return np.zeros(len(similarities))
    top = np.sort(np.partition(similarities, -count, axis=1)[:, -count:], axis=1)
    found: Array = top[:, :-1].mean(axis=1).astype(np.float64)  # the nearest is often itself
    return found
