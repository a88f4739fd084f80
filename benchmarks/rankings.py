"""Plain ways to answer a question, to be compared with: each gives paths, best first.

All of them read the same index, so that what is compared is the ranking.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recall.search.evidence import COLUMN_WEIGHTS
from recall.words import content_terms, fold, terms, words

if TYPE_CHECKING:
    from recall.embedding import Embedder
    from recall.store import Snapshot

BM25_K1, BM25_B = 1.2, 0.75  # Robertson, Zaragoza 2009
RRF_K = 60  # Cormack, Clarke, Büttcher 2009
DEPTH = 100  # notes in a list, as far down as MRR looks

Ranking = Callable[[str, NDArray[np.float32]], list[str]]  # question, its vector (dim,) → paths


class Baselines:
    """The baselines over one index.

    Args:
        snapshot: The index; it must stay open.
        folder: Its notes, for the text of whole files.
        embedder: Of the index.
    """

    def __init__(self, snapshot: Snapshot, folder: Path, embedder: Embedder) -> None:
        self.snapshot = snapshot
        self.embedder = embedder
        self.paths = snapshot.paths()
        place = {path: i for i, path in enumerate(self.paths)}
        rows = [
            (place[path], item.text_id)
            for path, stored in snapshot.passages_of(self.paths).items()
            for item in stored
        ]
        self._owners = np.array([owner for owner, _ in rows])
        self._vectors = snapshot.vectors([number for _, number in rows])
        self._files = [
            (folder / path).read_bytes().decode("utf-8", "replace") for path in self.paths
        ]
        self._lines = [
            fold(f"{path}\n{text}") for path, text in zip(self.paths, self._files, strict=True)
        ]
        self._postings, self._norms = self._inverted()

    def rankings(self) -> Mapping[str, Ranking]:
        """Every baseline by its name."""
        return {
            "dense": self.dense,
            "BM25, FTS5": self.fts5,
            "BM25, reference": self.bm25,
            "rank fusion": self.rank_fusion,
            "word match": self.word_match,
        }

    def dense(self, question: str, vector: NDArray[np.float32]) -> list[str]:  # noqa: ARG002
        """Cosine of the best passage."""
        scores = np.full(len(self.paths), -np.inf)
        np.maximum.at(scores, self._owners, (self._vectors @ vector).astype(np.float64))
        return self._best(scores)

    def fts5(self, question: str, vector: NDArray[np.float32]) -> list[str]:  # noqa: ARG002
        """BM25 as SQLite computes it, over recall's columns and terms."""
        found = self.snapshot.lexical(content_terms(question), DEPTH, columns=COLUMN_WEIGHTS)
        return [path for path, _ in found]

    def bm25(self, question: str, vector: NDArray[np.float32]) -> list[str]:  # noqa: ARG002
        """BM25 over the whole file as one field, as textbooks give it."""
        scores = np.zeros(len(self.paths))
        for term in dict.fromkeys(content_terms(question)):
            if term in self._postings:
                notes, counts = self._postings[term]
                rarity = math.log1p((len(self.paths) - len(notes) + 0.5) / (len(notes) + 0.5))
                scores[notes] += rarity * counts * (BM25_K1 + 1) / (counts + self._norms[notes])
        return self._best(np.where(scores > 0, scores, -np.inf))

    def rank_fusion(self, question: str, vector: NDArray[np.float32]) -> list[str]:
        """Reciprocal rank fusion of `dense` and `fts5`."""
        found = Counter[str]()
        for method in (self.dense, self.fts5):
            for rank, path in enumerate(method(question, vector), start=1):
                found[path] += 1 / (RRF_K + rank)  # type: ignore[assignment]
        return sorted(found, key=lambda path: (-found[path], path))

    def word_match(self, question: str, vector: NDArray[np.float32]) -> list[str]:  # noqa: ARG002
        """What somebody with ripgrep finds: files that hold most of the words, as written."""
        asked = list(dict.fromkeys(fold(word) for word, _, _ in words(question)))
        scores = np.full(len(self.paths), -np.inf)
        for i, text in enumerate(self._lines):
            counts = [text.count(word) for word in asked]
            if held := sum(count > 0 for count in counts):
                scores[i] = held + sum(counts) / (1 + sum(counts))
        return self._best(scores)

    def _best(self, scores: NDArray[np.float64]) -> list[str]:
        order = np.argsort(-scores, kind="stable")[:DEPTH]
        return [self.paths[i] for i in order.tolist() if scores[i] > -np.inf]

    def _inverted(
        self,
    ) -> tuple[dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]], NDArray[np.float64]]:
        held: dict[str, list[tuple[int, int]]] = {}
        lengths = np.zeros(len(self.paths))
        for i, text in enumerate(self._files):
            found = terms(text)
            lengths[i] = len(found)
            for term, count in Counter(found).items():
                held.setdefault(term, []).append((i, count))
        norms = BM25_K1 * (1 - BM25_B + BM25_B * lengths / max(lengths.mean(), 1.0))
        postings = {
            term: (np.array([i for i, _ in rows]), np.array([float(n) for _, n in rows]))
            for term, rows in held.items()
        }
        return postings, norms


def without(ranked: Sequence[str], excluded: str | None) -> list[str]:
    """A list without a note that may not answer."""
    return [path for path in ranked if path != excluded]
