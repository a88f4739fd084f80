"""A question as it is understood: its words, the notes it names, its vectors.

The words are looked up while the model embeds the question (`meanwhile`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from recall.domain import NameKind
from recall.names import Resolver
from recall.records import dataclass
from recall.search.spelling import Spelled, likeliest, readings
from recall.search.verbatim import titled_so
from recall.search.wording import Wording, question_wording, text_wording

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from recall.domain import Filters
    from recall.embedding import Embedder
    from recall.search.meanwhile import Doing, Meanwhile
    from recall.search.question import Question
    from recall.store import Nearest, Snapshot


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is put to, and what may answer it."""

    snapshot: Snapshot
    embedder: Embedder
    k: int
    max_notes_per_text: int
    is_there: Callable[[str], bool]
    meanwhile: Meanwhile


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """How a question is read."""

    words: Words
    vectors: NDArray[np.float32]  # (m, dim) the question, or the passages of a longer text
    nearest: Nearest | None = None  # to these, if that was asked already


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """What is looked up of the words; it takes no vector."""

    spelled: Spelled
    names: Mapping[str, NameKind]  # of the notes that the question is a name of
    wording: Wording


def read_words(question: Question, scope: Scope) -> Read:
    """Read a question that has words."""
    typed = Spelled(question.words)
    vectors: NDArray[np.float32] | None = None
    nearest: Nearest | None = None
    with _beside(lambda: _looked_up(typed, question.filters, scope), scope) as looked_up:
        if looked_up.is_begun:  # embedded as it was typed, before it is known what was meant
            vectors = scope.embedder.embed_queries([typed.text])
            if looked_up.goes_on and not question.phrases:
                nearest = _nearest(vectors, question.filters, scope)
    words = looked_up.result()
    found = [typed] if words.names or question.phrases else _readings(words, scope)
    if vectors is None or found != [typed]:
        vectors = scope.embedder.embed_queries([spelled.text for spelled in found])
        nearest = None
    if len(found) > 1:
        most = scope.max_notes_per_text
        at = likeliest(found, vectors, scope.snapshot, max_notes_per_text=most)
        found, vectors = [found[at]], vectors[at : at + 1]
    if found[0].corrections:
        words = _looked_up(found[0], question.filters, scope)
    return Read(words, vectors, nearest)


def read_text(text: Question, passages: Sequence[str], scope: Scope) -> Read:
    """Read a longer text, which has no operators and is no name."""

    def look_up() -> Words:
        wording = text_wording(text.text, scope.snapshot)
        _look_up_notes(wording, text.filters, scope)
        return Words(Spelled(text.text), {}, wording)

    with _beside(look_up, scope) as looked_up:
        vectors = scope.embedder.embed_passages(passages)
        nearest = _nearest(vectors, text.filters, scope)
    return Read(looked_up.result(), vectors, nearest)


def _beside(look_up: Callable[[], Words], scope: Scope) -> AbstractContextManager[Doing[Words]]:
    """Look up the words beside a block, which may ask for what is nearest."""
    scope.snapshot.open_vectors()  # that could move it on to a later state under who reads it
    return scope.meanwhile.doing(look_up, break_off=scope.snapshot.interrupt)


def _looked_up(spelled: Spelled, filters: Filters, scope: Scope) -> Words:
    names = _names(spelled.text, scope.snapshot)
    wording = question_wording(spelled.text, scope.snapshot)
    _look_up_notes(wording, filters, scope)
    return Words(spelled, names, wording)


def _look_up_notes(wording: Wording, filters: Filters, scope: Scope) -> None:
    from recall.search.evidence import look_up

    look_up(scope.snapshot, wording.weights, k=scope.k, filters=filters)


def _nearest(vectors: NDArray[np.float32], filters: Filters, scope: Scope) -> Nearest:
    from recall.search.evidence import nearest_texts

    return nearest_texts(
        scope.snapshot,
        vectors,
        k=scope.k,
        filters=filters,
        max_notes_per_text=scope.max_notes_per_text,
    )


def _readings(words: Words, scope: Scope) -> list[Spelled]:
    """What may have been meant by a question; asks the embedder, so not beside it."""
    return readings(
        words.spelled.text,
        unfinished=words.wording.unfinished,
        snapshot=scope.snapshot,
        embedder=scope.embedder,
    )


def _names(text: str, snapshot: Snapshot) -> dict[str, NameKind]:
    """The notes that a text is a name of, and which kind of name it is."""
    named = Resolver(snapshot.lookup).resolve(text.strip(), source="")
    found = {path: named.kind for path in named.candidates if named.kind is not None}
    return found or dict.fromkeys(titled_so(text, snapshot), NameKind.TITLE)
