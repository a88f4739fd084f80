"""The source beside every note of the vault: how near each is, and what the nearest ones link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recall.links.whitening import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.links.learned import Learned
    from recall.links.source import Source
    from recall.store import Neighbours, Snapshot

    Array = NDArray[np.float64]

VOTERS = 20  # nearest notes whose links vote
MIXED_VOTERS = 30  # the same where words count as well
WORDS_WEIGHT = 0.5  # of the best BM25 beside a cosine of 1


@dataclass(frozen=True, slots=True)
class Votes:
    """What notes near the source are linked with: path → sum of the voters' weights."""

    linked: Mapping[str, float]  # by the voters
    linking: Mapping[str, float]  # the voters


class Overview:
    """Arrays over all notes that have passages, in `paths` order (sorted)."""

    def __init__(
        self,
        source: Source,
        snapshot: Snapshot,
        learned: Learned,
        bm25: Mapping[str, float],
        *,
        max_notes_per_text: int,
    ) -> None:
        self.source = source
        self.snapshot = snapshot
        self.learned = learned
        self.bm25 = bm25
        self.paths, self.centroids = snapshot.centroids(max_notes_per_text=max_notes_per_text)
        self.place = {path: row for row, path in enumerate(self.paths)}

    @cached_property
    def source_centroid(self) -> NDArray[np.float32]:
        """(dim,): the source's mean vector, of length one."""
        found: NDArray[np.float32] = unit(self.source.vectors.mean(axis=0, keepdims=True))[0]
        return found

    @cached_property
    def source_whitened(self) -> NDArray[np.float32]:
        """(dim,): the same, whitened."""
        found: NDArray[np.float32] = self.learned.whitening(self.source_centroid[None, :])[0]
        return found

    @cached_property
    def cosines(self) -> NDArray[np.float32]:
        """(notes,): whitened cosine with the source."""
        return self._against_all(self.source_whitened)

    @cached_property
    def adapted(self) -> NDArray[np.float32]:
        """(notes,): how well the source links each note, by what the author's links taught."""
        if self.learned.adapter.is_idle:
            return self.cosines
        return self._against_all(self.learned.adapter.forth(self.source_whitened[None, :])[0])

    @cached_property
    def votes(self) -> Votes:
        """Of the notes that are nearest by cosine."""
        return self._votes(self.cosines, VOTERS)

    @cached_property
    def votes_with_words(self) -> Votes:
        """Of the notes that are nearest by cosine and rare words."""
        nearness = self.cosines.astype(np.float64)
        best = max(self.bm25.values(), default=0.0) or 1.0
        for path, score in self.bm25.items():
            if path in self.place:
                nearness[self.place[path]] += WORDS_WEIGHT * score / best
        return self._votes(nearness, MIXED_VOTERS)

    @cached_property
    def votes_adapted(self) -> Votes:
        """Of the notes that the source should link by what the author's links taught."""
        return self._votes(self.adapted, VOTERS)

    @cached_property
    def by_own_links(self) -> Mapping[str, tuple[int, float]]:
        """What is linked with the source's neighbours: path → how many, Adamic–Adar index."""
        found: dict[str, tuple[int, float]] = {}
        around = self.snapshot.neighbours(sorted(self.source.neighbours))
        for neighbours in around.values():
            every = neighbours.linked | neighbours.linking
            weight = 1 / np.log(max(len(every), 2))
            for path in every:
                count, index = found.get(path, (0, 0.0))
                found[path] = count + 1, index + float(weight)
        return found

    def nearest(self, nearness: NDArray[np.float32], most: int) -> list[str]:
        """The paths that are nearest, ties by path."""
        order = np.lexsort((np.arange(len(nearness)), -nearness))[:most]
        return [self.paths[row] for row in order.tolist()]

    def _against_all(self, whitened: NDArray[np.float32]) -> NDArray[np.float32]:
        # (C - mean) · map · w, for which the map need not be laid on every note.
        whitening = self.learned.whitening
        through = whitening.map @ whitened
        scores = self.centroids @ through - whitening.mean @ through
        found: NDArray[np.float32] = (scores / np.maximum(self._lengths, 1e-12)).astype(np.float32)
        return found

    @cached_property
    def _lengths(self) -> NDArray[np.float32]:
        learned = self.learned
        if learned.facts.generation == self.snapshot.generation:
            return learned.lengths
        whitened = (self.centroids - learned.whitening.mean) @ learned.whitening.map
        found: NDArray[np.float32] = np.linalg.norm(whitened, axis=1)
        return found

    def _votes(self, nearness: NDArray[np.floating], most: int) -> Votes:
        near = self.nearest(nearness, most + 1)
        weights = {
            path: max(float(nearness[self.place[path]]), 0.0) ** 2
            for path in [path for path in near if path != self.source.card.path][:most]
        }
        whole = sum(weights.values()) or 1.0
        linked: dict[str, float] = {}
        linking: dict[str, float] = {}
        for path, neighbours in self._neighbours_of(weights).items():
            for other in neighbours.linked:
                linked[other] = linked.get(other, 0.0) + weights[path] / whole
            for other in neighbours.linking:
                linking[other] = linking.get(other, 0.0) + weights[path] / whole
        return Votes(linked, linking)

    def _neighbours_of(self, paths: Mapping[str, float]) -> Mapping[str, Neighbours]:
        return self.snapshot.neighbours(sorted(paths))
