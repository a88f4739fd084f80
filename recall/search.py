"""Question → `Hit`s: dense and lexical candidates, fused by rank, one row a note.

Dense finds what is meant, lexical finds what is written; a note that both find comes first.
Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009) needs no common scale. A question that is
exactly the name of a note is answered by that note.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recall.domain import Filters, Hit, HitParts, NameKind, Passage, SearchResult
from recall.names import Resolver
from recall.words import content_terms, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.embedding import Embedder
    from recall.store import Snapshot, StoredPassage

RRF_K = 60  # the constant of the paper
POOL = 200  # passages and notes taken from either side before they are fused
WORDS_WORTH = 0.2  # cosine that holding all the asked words is worth when a snippet is chosen
DENSE_FLOOR = 0.25  # below this cosine, with no word in common, a note does not answer

LEXICAL_WEIGHTS: Mapping[str, float] = {
    "title": 3.0,
    "names": 2.0,
    "tags": 1.5,
    "description": 1.5,
    "claim": 1.5,
    "signals": 1.0,
    "take": 1.0,
    "question": 1.0,
    "body": 1.0,
}


@dataclass(slots=True)
class _Candidate:
    """A note on its way to be a hit."""

    dense: float | None = None
    dense_rank: int | None = None
    lexical: float | None = None
    lexical_rank: int | None = None
    name: NameKind | None = None

    def score(self) -> float:
        ranks = (self.dense_rank, self.lexical_rank)
        return sum(1.0 / (RRF_K + rank) for rank in ranks if rank is not None)

    def answers(self) -> bool:
        near = self.dense is not None and self.dense >= DENSE_FLOOR
        return near or self.lexical is not None or self.name is not None

    def parts(self) -> HitParts:
        return HitParts(self.dense, self.lexical, self.dense_rank, self.lexical_rank, self.name)


def search(
    question: str,
    *,
    snapshot: Snapshot,
    embedder: Embedder,
    k: int,
    filters: Filters,
    max_notes_per_text: int,
    is_there: Callable[[str], bool],
) -> SearchResult:
    """The notes that answer a question, best first.

    Args:
        question: Words or a sentence.
        snapshot: The index to search.
        embedder: Embeds the question, in the index's vector space.
        k: How many notes at most.
        filters: Which notes and passages may answer.
        max_notes_per_text: A text that more notes hold answers nothing.
        is_there: Whether a note's file still exists; one that is gone is never served.

    Returns:
        At most `k` hits; none when neither the meaning nor a word is near enough.
    """
    started = time.perf_counter()
    asked = _Question(
        question, content_terms(question), embedder.embed_queries([question]), snapshot, filters
    )
    asked.find_near(max_notes_per_text)
    asked.find_written()
    asked.find_named()
    hits: list[Hit] = []
    for path in asked.in_order():
        if len(hits) == k:
            break
        card = snapshot.card(path)
        passage = asked.best_passage(path)
        if card is None or passage is None or not is_there(path):
            continue
        candidate = asked.found[path]
        hits.append(Hit(len(hits) + 1, candidate.score(), card, passage, candidate.parts()))
    return SearchResult(question, tuple(hits), time.perf_counter() - started, tuple(asked.terms))


@dataclass(slots=True)
class _Question:
    """One question against one snapshot, and the notes found for it so far."""

    text: str
    terms: list[str]
    vector: NDArray[np.float32]  # (1, dim)
    snapshot: Snapshot
    filters: Filters
    found: dict[str, _Candidate] = field(default_factory=dict)

    def find_near(self, max_notes_per_text: int) -> None:
        """Notes with a passage that means what is asked."""
        nearest = self.snapshot.nearest(
            self.vector, POOL, filters=self.filters, max_notes_per_text=max_notes_per_text
        )
        scores = {
            number: score
            for number, score in zip(
                nearest.text_ids[0].tolist(), nearest.scores[0].tolist(), strict=True
            )
            if number >= 0
        }
        holders = self.snapshot.passages_with(list(scores), filters=self.filters)
        best: dict[str, float] = {}
        for number, stored in holders.items():
            for item in stored:
                best[item.path] = max(best.get(item.path, -1.0), scores[number])
        order = sorted(best, key=lambda path: (-best[path], path))
        for rank, path in enumerate(order, start=1):
            candidate = self._candidate(path)
            candidate.dense, candidate.dense_rank = best[path], rank

    def find_written(self) -> None:
        """Notes that hold the words that are asked."""
        written = self.snapshot.lexical(
            self.terms, POOL, filters=self.filters, columns=LEXICAL_WEIGHTS
        )
        for rank, (path, score) in enumerate(written, start=1):
            candidate = self._candidate(path)
            candidate.lexical, candidate.lexical_rank = score, rank

    def find_named(self) -> None:
        """The note that the question is the name of, unless the filters rule it out."""
        meant = Resolver(self.snapshot.lookup).resolve(self.text.strip(), source="")
        for path in meant.candidates:
            if path in self.found:
                self.found[path].name = meant.kind

    def in_order(self) -> list[str]:
        """The paths of the notes that answer, best first."""
        answering = [path for path, candidate in self.found.items() if candidate.answers()]
        return sorted(
            answering,
            key=lambda path: (self.found[path].name is None, -self.found[path].score(), path),
        )

    def best_passage(self, path: str) -> Passage | None:
        """The note's passage that answers best: near in meaning, and holding the words."""
        stored = [item for item in self.snapshot.passages(path) if self._may_show(item)]
        if not stored:
            return None
        wanted = set(self.terms)
        cosines = self.snapshot.vectors([item.text_id for item in stored]) @ self.vector[0]

        def worth(at: int) -> float:
            held = wanted.intersection(terms(stored[at].passage.text))
            return float(cosines[at]) + WORDS_WORTH * len(held) / max(len(wanted), 1)

        return stored[max(range(len(stored)), key=lambda at: (worth(at), -at))].passage

    def _may_show(self, item: StoredPassage) -> bool:
        facets = self.filters.facets
        return item.passage.facet in facets if facets else True

    def _candidate(self, path: str) -> _Candidate:
        return self.found.setdefault(path, _Candidate())
