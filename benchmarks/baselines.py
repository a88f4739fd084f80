"""Plain ways to suggest links, to be compared with: each a function of a note to scores.

A baseline gives one score for every note of the index, higher is better; `NEVER` for a note that
it has no reason to suggest. `ranked` makes a list of that.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recall.domain import Facet
from recall.words import terms

if TYPE_CHECKING:
    from recall.embedding import Embedder
    from recall.store import Snapshot

BM25_K1, BM25_B = 1.2, 0.75  # Robertson, Zaragoza 2009
RRF_K = 60  # Cormack, Clarke, Büttcher 2009
NEVER = -math.inf

Scores = NDArray[np.float64]  # (notes,)
Name = tuple[str, ...]  # the terms of a name


class Corpus:
    """What the baselines look at, computed once for an index.

    Args:
        snapshot: The index; it must stay open.
        folder: Its notes, for the text of whole notes.
        embedder: Of the index.
        cache: A file where the vectors of whole notes are kept, of other copies of the vault too.
    """

    def __init__(
        self, snapshot: Snapshot, folder: Path, embedder: Embedder, cache: Path | None = None
    ) -> None:
        self.snapshot = snapshot
        self.folder = folder
        self.embedder = embedder
        self.cache = cache
        self.paths = snapshot.paths()
        self.place = {path: i for i, path in enumerate(self.paths)}
        self._stored = snapshot.passages_of(self.paths)

    @cached_property
    def whole(self) -> NDArray[np.float32]:
        """The vector of each note's whole text, cut off at the model's window: (notes, dim)."""
        texts = [(self.folder / path).read_bytes().decode("utf-8") for path in self.paths]
        space = self.embedder.space
        keys = [
            hashlib.sha256(f"{space.fingerprint}\0{text}".encode()).hexdigest() for text in texts
        ]
        known: dict[str, NDArray[np.float32]] = {}
        if self.cache and self.cache.is_file():
            with np.load(self.cache, allow_pickle=False) as kept:
                known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            vectors = self.embedder.embed_passages(list(new.values()))
            known |= zip(new, vectors, strict=True)
            if self.cache:
                every = np.stack(list(known.values()))
                np.savez(self.cache, keys=np.array(list(known)), vectors=every)
        return np.stack([known[key] for key in keys])

    @cached_property
    def means(self) -> NDArray[np.float32]:
        """The mean of each note's passage vectors: (notes, dim) unit rows, or zeros."""
        paths, rows = self.snapshot.centroids()
        means = np.zeros((len(self.paths), rows.shape[1]), dtype=np.float32)
        means[[self.place[path] for path in paths]] = rows
        return means

    @cached_property
    def holders(self) -> NDArray[np.int64]:
        """The places of the notes that have passages."""
        return np.array([i for i, path in enumerate(self.paths) if self._stored[path]])

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each holder's rows of `vectors` begin, and where the last one's end."""
        sizes = [len(self._stored[self.paths[i]]) for i in self.holders.tolist()]
        return np.cumsum([0, *sizes])

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors of all passages, note by note."""
        ids = [item.text_id for path in self.paths for item in self._stored[path]]
        return self.snapshot.vectors(ids)

    @cached_property
    def words(self) -> list[list[str]]:
        """The terms of each note, its title first."""
        return [terms(self.text(path)) for path in self.paths]

    def text(self, path: str, *, title: bool = True) -> str:
        """The prose of a note."""
        kept = [item.passage for item in self._stored[path]]
        return "\n".join(one.text for one in kept if title or one.facet is not Facet.TITLE)

    @cached_property
    def postings(self) -> dict[str, tuple[NDArray[np.int64], Scores]]:
        """For each term the notes that hold it, and its BM25 weight in each."""
        counts = [Counter(found) for found in self.words]
        lengths = np.array([len(found) for found in self.words], dtype=np.float64)
        norms = BM25_K1 * (1 - BM25_B + BM25_B * lengths / max(lengths.mean(), 1.0))
        places: dict[str, list[int]] = {}
        for i, found in enumerate(counts):
            for term in found:
                places.setdefault(term, []).append(i)
        postings = {}
        for term, held in places.items():
            notes = np.array(held)
            count = np.array([counts[i][term] for i in held], dtype=np.float64)
            idf = math.log1p((len(counts) - len(held) + 0.5) / (len(held) + 0.5))
            postings[term] = notes, idf * count * (BM25_K1 + 1) / (count + norms[notes])
        return postings

    @cached_property
    def neighbours(self) -> list[frozenset[int]]:
        """For each note the notes that it links or that link it."""
        found: list[set[int]] = [set() for _ in self.paths]
        for source, target in self.snapshot.edges():
            found[self.place[source]].add(self.place[target])
            found[self.place[target]].add(self.place[source])
        return [frozenset(places) for places in found]

    @cached_property
    def in_degrees(self) -> Scores:
        """How many notes link each note."""
        targets = [self.place[target] for _, target in self.snapshot.edges()]
        return np.bincount(np.array(targets, dtype=int), minlength=len(self.paths)).astype(float)

    @cached_property
    def mentions(self) -> list[dict[int, float]]:
        """For each note, those it names in its text: the terms of the longest name, and a bit."""
        bearers: dict[Name, list[int]] = {}
        for i, card in enumerate(self.snapshot.cards(self.paths).values()):
            for name in {card.title, PurePosixPath(card.path).stem, *card.aliases}:
                if key := tuple(terms(name)):
                    bearers.setdefault(key, []).append(i)
        longest = Counter[str]()
        for key in bearers:
            longest[key[0]] = max(longest[key[0]], len(key))
        return [
            _named(terms(self.text(path, title=False)), bearers, longest) for path in self.paths
        ]


def _named(
    found: Sequence[str], bearers: Mapping[Name, list[int]], longest: Mapping[str, int]
) -> dict[int, float]:
    times = Counter[tuple[int, int]]()
    for start, term in enumerate(found):
        for size in range(1, longest.get(term, 0) + 1):
            for place in bearers.get(tuple(found[start : start + size]), ()):
                times[place, size] += 1
    scores: dict[int, float] = {}
    for (place, size), count in times.items():
        scores[place] = max(scores.get(place, 0.0), size + count / (count + 1))
    return scores


def whole_note(corpus: Corpus, source: str) -> Scores:
    """Cosine of one vector a note: the script of twenty lines."""
    return _cosines(corpus.whole, corpus.place[source])


def mean_cosine(corpus: Corpus, source: str) -> Scores:
    """Cosine of the means of passages: what most tools do."""
    return _cosines(corpus.means, corpus.place[source])


def _cosines(rows: NDArray[np.float32], own: int) -> Scores:
    found: Scores = (rows @ rows[own]).astype(np.float64)
    return found


def best_pairs(corpus: Corpus, source: str) -> Scores:
    """How well each passage finds its like in the other note, on average, both ways."""
    scores = np.full(len(corpus.paths), NEVER)
    mine = np.searchsorted(corpus.holders, corpus.place[source])
    if mine == len(corpus.holders) or corpus.holders[mine] != corpus.place[source]:
        return scores
    own = corpus.vectors[corpus.starts[mine] : corpus.starts[mine + 1]]
    similarities = own @ corpus.vectors.T
    begins = corpus.starts[:-1]
    here = np.maximum.reduceat(similarities, begins, axis=1).mean(axis=0)
    there = np.add.reduceat(similarities.max(axis=0), begins) / np.diff(corpus.starts)
    scores[corpus.holders] = (here + there) / 2
    return scores


def bm25(corpus: Corpus, source: str) -> Scores:
    """BM25 with the whole note as the query, each term as often as it occurs."""
    scores = np.zeros(len(corpus.paths))
    for term, count in Counter(corpus.words[corpus.place[source]]).items():
        notes, weights = corpus.postings[term]
        scores[notes] += count * weights
    return np.where(scores > 0, scores, NEVER)


def fusion(corpus: Corpus, source: str) -> Scores:
    """Reciprocal rank fusion of mean cosine and BM25."""
    own = {source}
    found = np.zeros(len(corpus.paths))
    for method in (mean_cosine, bm25):
        for rank, path in enumerate(ranked(corpus, method(corpus, source), exclude=own), start=1):
            found[corpus.place[path]] += 1 / (RRF_K + rank)
    return np.where(found > 0, found, NEVER)


def title_mentions(corpus: Corpus, source: str) -> Scores:
    """Notes that are named in the text of this one, or name it: the longest name first."""
    scores = np.full(len(corpus.paths), NEVER)
    own = corpus.place[source]
    for place, score in corpus.mentions[own].items():
        scores[place] = score
    for place, named in enumerate(corpus.mentions):
        if own in named:
            scores[place] = max(scores[place], named[own])
    return scores


def shared_neighbours(corpus: Corpus, source: str) -> Scores:
    """How many notes both are linked with (Newman 2001)."""
    return _over_neighbours(corpus, source, lambda _: 1.0)


def adamic_adar(corpus: Corpus, source: str) -> Scores:
    """The same, each weighed by how few others it is linked with (Adamic, Adar 2003)."""
    return _over_neighbours(corpus, source, lambda degree: 1 / math.log(max(degree, 2)))


def _over_neighbours(corpus: Corpus, source: str, weigh: Callable[[int], float]) -> Scores:
    scores = np.zeros(len(corpus.paths))
    for between in sorted(corpus.neighbours[corpus.place[source]]):
        others = corpus.neighbours[between]
        scores[sorted(others)] += weigh(len(others))
    return np.where(scores > 0, scores, NEVER)


def popularity(corpus: Corpus, source: str) -> Scores:  # noqa: ARG001
    """The notes that most others link."""
    return corpus.in_degrees


def same_folder(corpus: Corpus, source: str) -> Scores:
    """Notes of the same folder, then those with the longest way in common."""
    own = PurePosixPath(source).parent.parts
    scores = np.full(len(corpus.paths), NEVER)
    for i, path in enumerate(corpus.paths):
        parts = PurePosixPath(path).parent.parts
        shared = len(
            list(takewhile(lambda pair: pair[0] == pair[1], zip(own, parts, strict=False)))
        )
        scores[i] = shared + 0.5 if parts == own else shared or NEVER
    return scores


def chance(corpus: Corpus, source: str) -> Scores:
    """Any order."""
    drawn = random.Random(f"chance {source}")
    return np.array([drawn.random() for _ in corpus.paths])


Baseline = Callable[[Corpus, str], Scores]
BASELINES: Mapping[str, Baseline] = {
    "whole-note cosine": whole_note,
    "mean cosine": mean_cosine,
    "best pairs": best_pairs,
    "bm25": bm25,
    "rank fusion": fusion,
    "title mentions": title_mentions,
    "shared neighbours": shared_neighbours,
    "adamic-adar": adamic_adar,
    "popularity": popularity,
    "same folder": same_folder,
    "random": chance,
}


def ranked(
    corpus: Corpus, scores: Scores, *, exclude: Collection[str], k: int | None = None
) -> list[str]:
    """The notes that a baseline suggests, best first, ties by path."""
    order: Iterable[int] = np.argsort(-scores, kind="stable").tolist()  # paths are sorted
    found = (corpus.paths[i] for i in order if scores[i] > NEVER)
    kept = [path for path in found if path not in exclude]
    return kept if k is None else kept[:k]
