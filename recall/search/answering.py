"""One question against one snapshot."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from itertools import compress, islice
from typing import TYPE_CHECKING

from recall.domain import Filters, Hit, HitParts, SearchResult
from recall.records import dataclass, replace
from recall.search.floor import Rarity, is_answer, rarities, share_held
from recall.search.listing import listed
from recall.search.narrowing import why_none_passes
from recall.search.question import Question, read_question
from recall.search.reading import Read, Scope, read_text, read_words
from recall.search.showing import best_passages, similar_to
from recall.search.verbatim import holders_among, phrase_holders

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.embedding import Embedder
    from recall.search.evidence import Evidence
    from recall.search.meanwhile import Meanwhile
    from recall.store import Snapshot, StoredPassage

# Chosen by hand; what they gain is in docs/decisions/0006.
AS_TYPED = 0.15  # score that a note gains by holding the only word asked as it was typed
LOOKED_THROUGH = 30  # notes that are read for it
JUDGED = 10  # notes that may be the answer, however many are asked for


def search(
    question: str,
    *,
    snapshot: Snapshot,
    embedder: Embedder,
    k: int,
    filters: Filters,
    max_notes_per_text: int,
    is_there: Callable[[str], bool],
    meanwhile: Meanwhile,
    passages: Sequence[str] = (),
    include_weak: bool = False,
) -> SearchResult:
    """The notes that answer a question, best first.

    Args:
        question: Words or a sentence, with operators (`recall.search.question`); or a longer text.
            Without any word the notes that pass the filters answer, the latest first.
        snapshot: The index to search.
        embedder: Embeds the question, in the index's vector space.
        k: How many notes at most.
        filters: Which notes and passages may answer.
        max_notes_per_text: A text that more notes hold is neither near nor shown.
        is_there: Whether a note's file still exists; one that is gone is never served.
        meanwhile: Looks up the words while the model is busy.
        passages: Of a longer text, which is then no question and has no operators.
        include_weak: Give the nearest notes even if none of them is an answer.

    Returns:
        At most `k` hits; none, unless asked for, when neither the meaning nor a word is near
        enough.
    """
    started = time.perf_counter()
    scope = Scope(snapshot, embedder, k, max_notes_per_text, is_there, meanwhile)
    if passages:
        put = Question(question, question, filters)
        asked = _Asked(put, scope, read_text(put, passages, scope))
    else:
        put = read_question(question, filters)
        if put.only_filters:
            return _listed(put, scope, started)
        asked = _Asked(put, scope, read_words(put, scope))
    best = asked.best_first(max(k, JUDGED))
    answered = asked.is_answered_by(best[:JUDGED])
    shown = best[:k] if answered or include_weak else []
    why_none = () if best else why_none_passes(asked.question.filters, snapshot)
    return SearchResult(
        question,
        asked.hits(shown),
        time.perf_counter() - started,
        tuple(asked.read.words.wording.weights),
        corrections=asked.read.words.spelled.corrections,
        answered=answered,
        held_back=len(best[:k]) - len(shown),
        filters=asked.question.filters,
        warnings=(*asked.question.warnings, *why_none),
    )


def _listed(question: Question, scope: Scope, started: float) -> SearchResult:
    """The answer to a question that only says which notes may answer: all of these do."""
    found = listed(question.filters, scope.snapshot, k=scope.k, is_there=scope.is_there)
    why_none = () if found else why_none_passes(question.filters, scope.snapshot)
    return SearchResult(
        question.text,
        found,
        time.perf_counter() - started,
        answered=bool(found),
        filters=question.filters,
        warnings=(*question.warnings, *why_none),
    )


@dataclass(slots=True)
class _Asked:
    """A question that is being answered."""

    question: Question
    scope: Scope
    read: Read
    rarity: Rarity = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    evidence: Evidence | None = None
    ranks: tuple[Sequence[int], Sequence[int]] = ((), ())  # of the candidates: in meaning, in words
    parts: dict[str, HitParts] = field(default_factory=dict)  # of those that were looked at

    def best_first(self, most: int) -> list[str]:
        """The paths of the best notes, at most so many."""
        from recall.search.evidence import gather
        from recall.search.fusion import fused

        scope, filters = self.scope, self.question.filters
        holders = phrase_holders(self.question.phrases, scope.snapshot, filters)
        evidence = gather(
            scope.snapshot,
            self.read.vectors,
            self.read.words.wording.weights,
            k=scope.k,
            filters=filters,
            max_notes_per_text=scope.max_notes_per_text,
            only=holders,
            nearest=self.read.nearest,
        )
        self.rarity = rarities(self.read.words.wording.asked, scope.snapshot)
        fusion = fused(evidence, words=len(self.read.words.wording.asked))
        self.scores = dict(zip(evidence.paths, fusion.tolist(), strict=True))
        self.evidence = evidence
        self.ranks = _ranks(evidence.best), _ranks(evidence.words)
        self._prefer_as_typed(list(compress(evidence.paths, evidence.is_first.tolist())))
        # Neither near nor written, a note still bears its name; but only a passage has a section.
        if self.read.words.names and holders is None and not filters.facets:
            for path in scope.snapshot.passing(self.read.words.names, filters):
                self.scores.setdefault(path, 0.0)
        order = self._best_of(self.scores)
        if self.read.words.names:
            order.sort(key=self.read.words.names.__contains__, reverse=True)
        return list(islice(filter(scope.is_there, order), most))

    def _best_of(self, candidates: Iterable[str]) -> list[str]:
        """Candidates by their scores, highest first, ties by path."""
        return sorted(sorted(candidates), key=self.scores.__getitem__, reverse=True)

    def _prefer_as_typed(self, candidates: Sequence[str]) -> None:
        """Lift the notes that hold the only word there is as it was typed, not inflected."""
        alone = self.read.words.wording.alone
        if alone is None:
            return
        best = self._best_of(candidates)[:LOOKED_THROUGH]
        facets = self.question.filters.facets
        for path in holders_among(best, [alone], self.scope.snapshot, facets):
            self.scores[path] += AS_TYPED

    def is_answered_by(self, paths: Sequence[str]) -> bool:
        """Whether one of the notes is near enough to be an answer at all."""
        if self.question.phrases:  # a note that holds them word for word is what was asked for
            return bool(paths)
        return any(is_answer(parts, self.rarity) for parts in self._parts(paths))

    def hits(self, paths: Sequence[str]) -> tuple[Hit, ...]:
        """The notes as they are shown."""
        cards = self.scope.snapshot.cards(paths)
        spoken = self._may_be_shown(paths)
        shown = best_passages(
            [cards[path] for path in paths],
            stored=[spoken[path] for path in paths],
            snapshot=self.scope.snapshot,
            vectors=self.read.vectors,
            wanted=self.read.words.wording.weights,
            phrases=self.question.phrases,
        )
        return tuple(
            Hit(rank, self.scores[path], cards[path], item.passage, parts, alike)
            for rank, (path, item, parts, alike) in enumerate(
                zip(paths, shown, self._parts(paths), similar_to(shown), strict=True), start=1
            )
        )

    def _may_be_shown(self, paths: Sequence[str]) -> dict[str, list[StoredPassage]]:
        """The passages of each note that are no template text and pass the filters."""
        snapshot, facets = self.scope.snapshot, self.question.filters.facets
        stored = snapshot.passages_of(paths)
        ids = [item.text_id for items in stored.values() for item in items]
        common = snapshot.common_texts(ids, self.scope.max_notes_per_text)
        return {
            path: [
                item
                for item in items
                if item.text_id not in common and (not facets or item.passage.facet in facets)
            ]
            for path, items in stored.items()
        }

    def _parts(self, paths: Sequence[str]) -> list[HitParts]:
        """The parts of the scores of some notes."""
        new = [path for path in paths if path not in self.parts]
        asked = {term for group in self.rarity for term in group}
        held = self.scope.snapshot.terms_held(asked, new) if new else {}
        for path in new:
            share = share_held(held.get(path, frozenset()), self.rarity)
            parts = self._of_candidate(path)
            self.parts[path] = replace(parts, name=self.read.words.names.get(path), share=share)
        return [self.parts[path] for path in paths]

    def _of_candidate(self, path: str) -> HitParts:
        evidence = self.evidence
        at = -1 if evidence is None else bisect_left(evidence.paths, path)
        if evidence is None or evidence.paths[at : at + 1] != [path]:
            return HitParts()
        by_meaning, by_words = self.ranks
        words_of_it = float(evidence.words[at])
        return HitParts(
            dense=float(evidence.best[at]),
            lexical=words_of_it or None,
            dense_rank=by_meaning[at],
            lexical_rank=by_words[at] if words_of_it else None,
            whole=float(evidence.whole[at]),
        )


def _ranks(values: NDArray[np.float64]) -> Sequence[int]:
    """The rank of each value, 1 for the highest; of equal ones the first goes first."""
    order = (-values).argsort(kind="stable")
    ranks: Sequence[int] = (order.argsort(kind="stable") + 1).tolist()
    return ranks
