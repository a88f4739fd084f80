"""The source laid beside all its candidates at once: the arrays that features are read from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from recall.links.mentions import mention_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import Facet, Link, Mention, NoteCard
    from recall.links.candidates import Candidates
    from recall.links.source import Source
    from recall.store import Neighbours, Snapshot, StoredPassage

    Array = NDArray[np.float64]

HUB_SAMPLE = 2000  # notes that hubness is measured against; all of them in a smaller vault
NEAREST = 10  # neighbours that hubness averages (Conneau et al. 2018, CSLS)
VOTERS = 20  # nearest notes whose links vote


@dataclass(frozen=True, slots=True)
class Block:
    """The passages of all candidates, one candidate after the other."""

    passages: tuple[tuple[StoredPassage, ...], ...]  # of each candidate, at least one
    starts: NDArray[np.int64]  # (candidates + 1,): candidate j has rows starts[j]:starts[j + 1]
    vectors: NDArray[np.float32]  # (all passages, dim), unit rows


class Comparison:
    """One source and its candidates. Every array has one row a candidate, in `paths` order."""

    def __init__(
        self, source: Source, candidates: Candidates, snapshot: Snapshot, *, max_notes_per_text: int
    ) -> None:
        held = snapshot.passages_of(candidates.bm25)
        texts = [item.text_id for stored in held.values() for item in stored]
        common = snapshot.common_texts(texts, max_notes_per_text)
        kept = {
            path: tuple(item for item in held.get(path, ()) if item.text_id not in common)
            for path in candidates.bm25
        }
        self.source = source
        self.candidates = candidates
        self.snapshot = snapshot
        self.max_notes_per_text = max_notes_per_text
        self.paths = tuple(path for path in candidates.bm25 if kept[path])
        passages = tuple(kept[path] for path in self.paths)
        self.block = Block(
            passages,
            np.cumsum([0, *map(len, passages)], dtype=np.int64),
            snapshot.vectors([item.text_id for stored in passages for item in stored]),
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
        """The nearest pair of passages with these facets; NaN where a note has none."""
        rows = self._rows(here)
        columns = self._columns(there)
        if not len(rows) or not len(columns):
            return np.full(len(self), np.nan)
        best = self.similarities[rows][:, columns].max(axis=0).astype(np.float64)
        found = np.full(len(self), -np.inf)
        np.maximum.at(found, self._candidate_of[columns], best)
        return np.where(np.isneginf(found), np.nan, found)

    @cached_property
    def best_for_here(self) -> NDArray[np.float32]:
        """(source passages, candidates): how near each source passage comes to each candidate."""
        best: NDArray[np.float32] = np.maximum.reduceat(
            self.similarities, self.block.starts[:-1], axis=1
        )
        return best

    @cached_property
    def centroids(self) -> NDArray[np.float32]:
        """(candidates, dim): each candidate's mean vector, unit rows."""
        return _unit(np.add.reduceat(self.block.vectors, self.block.starts[:-1], axis=0))

    @cached_property
    def source_centroid(self) -> NDArray[np.float32]:
        """(dim,): the source's mean vector, of length one."""
        mean: NDArray[np.float32] = self.source.vectors.mean(axis=0, keepdims=True)
        centroid: NDArray[np.float32] = _unit(mean)[0]
        return centroid

    @cached_property
    def crowd(self) -> NDArray[np.float32]:
        """(at most HUB_SAMPLE, dim): mean vectors of notes from all over the vault."""
        _, every = self.snapshot.centroids(max_notes_per_text=self.max_notes_per_text)
        step = max(1, math.ceil(len(every) / HUB_SAMPLE))
        return every[::step]

    @cached_property
    def hubness(self) -> Array:
        """Mean cosine of each candidate to its nearest notes: high for a note about everything."""
        return _nearest_mean(self.centroids @ self.crowd.T)

    @cached_property
    def source_hubness(self) -> float:
        """The same of the source."""
        return float(_nearest_mean(self.source_centroid[None, :] @ self.crowd.T)[0])

    @cached_property
    def neighbours(self) -> tuple[Neighbours, ...]:
        """What each candidate is linked with."""
        found = self.snapshot.neighbours(self.paths)
        return tuple(found[path] for path in self.paths)

    @cached_property
    def voters(self) -> Mapping[str, float]:
        """The notes nearest to the source (mean vectors), with weights that sum to one."""
        paths, every = self.snapshot.centroids(max_notes_per_text=self.max_notes_per_text)
        cosines = every @ self.source_centroid
        order = np.lexsort((np.arange(len(paths)), -cosines))[: VOTERS + 1]
        near = {paths[i]: float(cosines[i]) for i in order if paths[i] != self.source.card.path}
        weights = {path: max(cosine, 0.0) ** 2 for path, cosine in list(near.items())[:VOTERS]}
        whole = sum(weights.values()) or 1.0
        return {path: weight / whole for path, weight in weights.items()}

    @cached_property
    def mentions_there(self) -> tuple[Mention | None, ...]:
        """Where each candidate names the source."""
        return tuple(
            mention_of(
                self.source.card, [item.passage for item in stored], partial(self._links_of, path)
            )
            for path, stored in zip(self.paths, self.block.passages, strict=True)
        )

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
        every = (item.passage.facet for stored in self.block.passages for item in stored)
        return np.array([i for i, found in enumerate(every) if facet in (None, found)], dtype=int)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: NDArray[np.float32] = rows / np.maximum(lengths, 1e-12)
    return found


def _nearest_mean(similarities: NDArray[np.float32]) -> Array:
    count = min(NEAREST + 1, similarities.shape[1])
    if count < 2:
        return np.zeros(len(similarities))
    top = np.sort(np.partition(similarities, -count, axis=1)[:, -count:], axis=1)
    found: Array = top[:, :-1].mean(axis=1).astype(np.float64)  # the nearest is often itself
    return found
