"""Question → `Hit`s: dense and lexical candidates, fused by rank, one row a note.

Dense finds what is meant, lexical finds what is written; a note that both find comes first.
Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009) needs no common scale. A question that is
exactly the name of a note is answered by that note.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from recall.domain import (
    Facet,
    Filters,
    Hit,
    HitParts,
    NameKind,
    NoteCard,
    Passage,
    SearchResult,
    Span,
)
from recall.names import Resolver
from recall.words import content_terms, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.embedding import Embedder
    from recall.store import Snapshot

RRF_K = 60  # the constant of the paper
POOL = 200  # passages and notes taken from either side before they are fused, or more if asked for
PASSAGES_A_NOTE = 5  # so many texts are looked at for each note that is asked for
WORDS_WORTH = 0.2  # cosine that all the asked words are worth for a snippet; chosen by hand
# A question is answered if its best note is this near: cosine, plus so much for the share of the
# question's words that the note holds (weighed by rarity). Set on benchmarks/questions.toml.
FLOOR = 0.45
SHARE_WORTH = 0.25
JUDGED = 10  # notes that may be that best one, however many are asked for

# Chosen by hand, not tuned: a word in the title says more than one in the text.
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
    "rest": 0.3,
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
        max_notes_per_text: A text that more notes hold is neither near nor shown.
        is_there: Whether a note's file still exists; one that is gone is never served.

    Returns:
        At most `k` hits; none when neither the meaning nor a word is near enough.
    """
    started = time.perf_counter()
    asked = _Question(
        question,
        content_terms(question),
        embedder.embed_queries([question]),
        snapshot,
        filters,
        max_notes_per_text,
        k,
    )
    asked.find_near()
    asked.find_written()
    asked.find_named()
    best = list(islice(filter(is_there, asked.in_order()), max(k, JUDGED)))
    hits = asked.hits(best[:k]) if asked.is_answered_by(best[:JUDGED]) else ()
    return SearchResult(question, hits, time.perf_counter() - started, tuple(asked.terms))


@dataclass(slots=True)
class _Question:
    """One question against one snapshot, and the notes found for it so far."""

    text: str
    terms: list[str]
    vector: NDArray[np.float32]  # (1, dim)
    snapshot: Snapshot
    filters: Filters
    max_notes_per_text: int
    k: int
    found: dict[str, _Candidate] = field(default_factory=dict)

    def find_near(self) -> None:
        """Notes with a passage that means what is asked."""
        nearest = self.snapshot.nearest(
            self.vector,
            max(POOL, PASSAGES_A_NOTE * self.k),
            filters=self.filters,
            max_notes_per_text=self.max_notes_per_text,
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
            self.terms, max(POOL, self.k), filters=self.filters, columns=LEXICAL_WEIGHTS
        )
        for rank, (path, score) in enumerate(written, start=1):
            candidate = self._candidate(path)
            candidate.lexical, candidate.lexical_rank = score, rank

    def find_named(self) -> None:
        """The note that the question is the name of, unless the filters rule it out."""
        meant = Resolver(self.snapshot.lookup).resolve(self.text.strip(), source="")
        # Neither near nor written, a note still bears its name; but only a passage has a section.
        pool = self.found if self.filters.facets else meant.candidates
        for path in self.snapshot.passing(meant.candidates, self.filters):
            if path in pool:
                self._candidate(path).name = meant.kind

    def in_order(self) -> list[str]:
        """The paths of the notes found, best first."""
        found = self.found
        return sorted(
            found, key=lambda path: (found[path].name is None, -found[path].score(), path)
        )

    def is_answered_by(self, paths: Sequence[str]) -> bool:
        """Whether one of the notes is near enough to be an answer at all."""
        total = self.snapshot.counts().notes
        frequency = self.snapshot.document_frequency(self.terms)
        rarity = {term: math.log((total + 1) / (frequency[term] + 0.5)) for term in self.terms}
        whole = sum(rarity.values()) or 1.0
        is_telling = whole > 1.0  # not words alone that every other note holds
        for path in paths:
            candidate = self.found[path]
            share = sum(rarity[term] for term in self._terms_of(path)) / whole
            near = (candidate.dense or 0.0) + SHARE_WORTH * share
            if candidate.name or near >= FLOOR or (is_telling and share > 1 - 1e-9):
                return True
        return False

    def hits(self, paths: Sequence[str]) -> tuple[Hit, ...]:
        """The notes as they are shown."""
        cards = self.snapshot.cards(paths)
        return tuple(
            Hit(
                rank=rank,
                score=self.found[path].score(),
                card=cards[path],
                passage=self._best_passage(cards[path]),
                parts=self.found[path].parts(),
            )
            for rank, path in enumerate(paths, start=1)
        )

    def _terms_of(self, path: str) -> set[str]:
        """The question's terms that the note holds."""
        held = self.snapshot.terms_of(path)
        return {term for term in self.terms if term in held}

    def _best_passage(self, card: NoteCard) -> Passage:
        """The note's passage that answers best: near in meaning, and holding the words."""
        facets = self.filters.facets
        stored = self.snapshot.passages(card.path)
        common = self.snapshot.common_texts(
            [item.text_id for item in stored], self.max_notes_per_text
        )
        may_speak = [
            item
            for item in stored
            if item.text_id not in common and (not facets or item.passage.facet in facets)
        ]
        # The title is shown anyway: let the note itself speak if it can.
        spoken = [item for item in may_speak if item.passage.text != card.title] or may_speak
        if not spoken:
            return Passage(Facet.TITLE, "", card.title, Span(0, 0), 1)
        wanted = set(self.terms)
        cosines = self.snapshot.vectors([item.text_id for item in spoken]) @ self.vector[0]

        def worth(at: int) -> float:
            held = wanted.intersection(terms(spoken[at].passage.text))
            return float(cosines[at]) + WORDS_WORTH * len(held) / max(len(wanted), 1)

        return spoken[max(range(len(spoken)), key=lambda at: (worth(at), -at))].passage

    def _candidate(self, path: str) -> _Candidate:
        return self.found.setdefault(path, _Candidate())
