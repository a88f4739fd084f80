"""One question against one snapshot."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from itertools import compress, islice
from typing import TYPE_CHECKING

from recall.domain import (
    Filters,
    Hit,
    HitParts,
    NameKind,
    SearchResult,
)
from recall.names import Resolver
from recall.records import dataclass, replace
from recall.search.floor import Rarity, is_answer, rarities, share_held
from recall.search.listing import listed
from recall.search.narrowing import why_none_passes
from recall.search.question import Question, read_question
from recall.search.showing import best_passages, similar_to
from recall.search.spelling import Spelled, likeliest, readings
from recall.search.verbatim import holders_among, phrase_holders, titled_so
from recall.search.wording import Wording, question_wording, text_wording

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from recall.embedding import Embedder
    from recall.search.evidence import Evidence
    from recall.search.meanwhile import Doing, Meanwhile
    from recall.store import Nearest, Snapshot, StoredPassage

# Chosen by hand; what they gain is in docs/decisions/0006.
AS_TYPED = 0.15  # score that a note gains by holding the only word asked as it was typed
LOOKED_THROUGH = 30  # notes that are read for it
JUDGED = 10  # notes that may be the answer, however many are asked for


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is put to, and what may answer it."""

    snapshot: Snapshot
    embedder: Embedder
    k: int
    max_notes_per_text: int
    is_there: Callable[[str], bool]
    meanwhile: Meanwhile


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
        asked = _for_text(question, passages, filters, scope)
    else:
        read = read_question(question, filters)
        if read.only_filters:
            return _listed(read, scope, started)
        asked = _for_question(read, scope)
    best = asked.best_first(max(k, JUDGED))
    answered = asked.is_answered_by(best[:JUDGED])
    shown = best[:k] if answered or include_weak else []
    why_none = () if best else why_none_passes(asked.question.filters, snapshot)
    return SearchResult(
        question,
        asked.hits(shown),
        time.perf_counter() - started,
        tuple(asked.read.wording.weights),
        corrections=asked.read.spelled.corrections,
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


def _for_question(question: Question, scope: Scope) -> _Asked:
    typed = Spelled(question.words)

    def look_up() -> _Read:
        return _read(typed, question.filters, scope)

    vectors: NDArray[np.float32] | None = None
    nearest: Nearest | None = None
    with _beside(look_up, scope) as looked_up:
        if looked_up.is_begun:  # embedded as it was typed, before it is known what was meant
            vectors = scope.embedder.embed_queries([typed.text])
            if looked_up.goes_on and not question.phrases:
                nearest = _nearest(vectors, question.filters, scope)
    read = looked_up.result()
    found = [typed] if read.names or question.phrases else _readings(read, scope)
    if vectors is None or found != [typed]:
        vectors = scope.embedder.embed_queries([spelled.text for spelled in found])
        nearest = None
    if len(found) > 1:
        most = scope.max_notes_per_text
        at = likeliest(found, vectors, scope.snapshot, max_notes_per_text=most)
        found, vectors = [found[at]], vectors[at : at + 1]
    if found[0].corrections:
        read = _read(found[0], question.filters, scope)
    return _Asked(question, scope, read, vectors, nearest)


def _beside(look_up: Callable[[], _Read], scope: Scope) -> AbstractContextManager[Doing[_Read]]:
    """Look up the words beside a block, which may ask for what is nearest."""
    scope.snapshot.open_vectors()  # that could move it on to a later state under who reads it
    return scope.meanwhile.doing(look_up, break_off=scope.snapshot.interrupt)


def _nearest(vectors: NDArray[np.float32], filters: Filters, scope: Scope) -> Nearest:
    from recall.search.evidence import nearest_texts

    return nearest_texts(
        scope.snapshot,
        vectors,
        k=scope.k,
        filters=filters,
        max_notes_per_text=scope.max_notes_per_text,
    )


def _readings(read: _Read, scope: Scope) -> list[Spelled]:
    """What may have been meant by a question; asks the embedder, so not beside it."""
    return readings(
        read.spelled.text,
        unfinished=read.wording.unfinished,
        snapshot=scope.snapshot,
        embedder=scope.embedder,
    )


def _read(spelled: Spelled, filters: Filters, scope: Scope) -> _Read:
    names = _names(spelled.text, scope.snapshot)
    wording = question_wording(spelled.text, scope.snapshot)
    _look_up_words(wording, filters, scope)
    return _Read(spelled, names, wording)


def _look_up_words(wording: Wording, filters: Filters, scope: Scope) -> None:
    from recall.search.evidence import look_up

    look_up(scope.snapshot, wording.weights, k=scope.k, filters=filters)


def _names(text: str, snapshot: Snapshot) -> dict[str, NameKind]:
    """The notes that a text is a name of, and which kind of name it is."""
    named = Resolver(snapshot.lookup).resolve(text.strip(), source="")
    found = {path: named.kind for path in named.candidates if named.kind is not None}
    return found or dict.fromkeys(titled_so(text, snapshot), NameKind.TITLE)


def _for_text(text: str, passages: Sequence[str], filters: Filters, scope: Scope) -> _Asked:
    def look_up() -> _Read:
        wording = text_wording(text, scope.snapshot)
        _look_up_words(wording, filters, scope)
        return _Read(Spelled(text), {}, wording)

    with _beside(look_up, scope) as looked_up:
        vectors = scope.embedder.embed_passages(passages)
        nearest = _nearest(vectors, filters, scope)
    return _Asked(Question(text, text, filters), scope, looked_up.result(), vectors, nearest)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """How a question is read."""

    spelled: Spelled
    names: Mapping[str, NameKind]  # of the notes that it is a name of
    wording: Wording


@dataclass(slots=True)
class _Asked:
    """A question that is being answered."""

    question: Question
    scope: Scope
    read: _Read
    vectors: NDArray[np.float32]  # (m, dim)
    nearest: Nearest | None = None  # if that was asked already
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
            self.vectors,
            self.read.wording.weights,
            k=scope.k,
            filters=filters,
            max_notes_per_text=scope.max_notes_per_text,
            only=holders,
            nearest=self.nearest,
        )
        self.rarity = rarities(self.read.wording.asked, scope.snapshot)
        fusion = fused(evidence, words=len(self.read.wording.asked))
        self.scores = dict(zip(evidence.paths, fusion.tolist(), strict=True))
        self.evidence = evidence
        self.ranks = _ranks(evidence.best), _ranks(evidence.words)
        self._prefer_as_typed(list(compress(evidence.paths, evidence.is_first.tolist())))
        # Neither near nor written, a note still bears its name; but only a passage has a section.
        if self.read.names and holders is None and not filters.facets:
            for path in scope.snapshot.passing(self.read.names, filters):
                self.scores.setdefault(path, 0.0)
        order = self._best_of(self.scores)
        if self.read.names:
            order.sort(key=self.read.names.__contains__, reverse=True)
        return list(islice(filter(scope.is_there, order), most))

    def _best_of(self, candidates: Iterable[str]) -> list[str]:
        """Candidates by their scores, highest first, ties by path."""
        return sorted(sorted(candidates), key=self.scores.__getitem__, reverse=True)

    def _prefer_as_typed(self, candidates: Sequence[str]) -> None:
        """Lift the notes that hold the only word there is as it was typed, not inflected."""
        if self.read.wording.alone is None:
            return
        best = self._best_of(candidates)[:LOOKED_THROUGH]
        facets = self.question.filters.facets
        for path in holders_among(best, [self.read.wording.alone], self.scope.snapshot, facets):
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
            vectors=self.vectors,
            wanted=self.read.wording.weights,
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
            self.parts[path] = replace(parts, name=self.read.names.get(path), share=share)
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
