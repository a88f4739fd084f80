"""The words of a question → the terms that are looked for, with weights."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from recall.records import dataclass
from recall.search.spelling import ENDING
from recall.words import STOP_WORDS, content_terms, fold, terms_of_word, words

if TYPE_CHECKING:
    from recall.store import Snapshot

SHORTEST_BEGINNING = 3  # letters; fewer begin too many words
COMPLETIONS = 8  # words that one beginning stands for
TELLING = 40  # terms of a longer text that are looked for


@dataclass(frozen=True, slots=True)
class Wording:
    """The words that are looked for."""

    weights: Mapping[str, float]  # term → how much it counts
    asked: tuple[tuple[str, ...], ...]  # for each word asked, the terms any of which stands for it
    unfinished: str | None = None  # the last word, as it is written, if it is only a beginning
    alone: str | None = None  # the word, folded, if it is the only one that is asked


def question_wording(text: str, snapshot: Snapshot) -> Wording:
    """The terms of a question, each of weight 1.

    If its last word stands in no note, the words that begin with it stand for it: it may not be
    typed to its end.
    """
    found = list(dict.fromkeys(content_terms(text)))
    last, stem = _last_word(text)
    if stem in found and not snapshot.document_frequency([stem])[stem]:
        whole = tuple(completions(fold(last), snapshot))
        if whole:
            asked = tuple((term,) for term in found if term != stem)
            kept = [term for (term,) in asked]
            return Wording(dict.fromkeys((*kept, *whole), 1.0), (*asked, whole), last)
    telling = [word for word, _, _ in words(text) if fold(word) not in STOP_WORDS]
    alone = fold(telling[0]) if len(found) == len(telling) == 1 else None
    return Wording(dict.fromkeys(found, 1.0), tuple((term,) for term in found), alone=alone)


def _last_word(text: str) -> tuple[str, str]:
    """The word that a text ends with and its term; empty if none can be a beginning."""
    found = words(text)[-1:]
    if not found or text[found[0][2] :].strip(" *"):
        return "", ""
    word = found[0][0]
    stems = terms_of_word(word)
    is_one = len(stems) == 1 and len(word) >= SHORTEST_BEGINNING and word.isalnum()
    return (word, stems[0]) if is_one else ("", "")


def completions(word: str, snapshot: Snapshot) -> list[str]:
    """The terms of words that begin with a folded word, those that most notes hold first."""
    found = []
    for term, notes in snapshot.vocabulary([word[:SHORTEST_BEGINNING]], 1, len(word) + 20):
        # A stem can be shorter than what was typed of its word: `organ` of `organiza…`.
        is_stem = word.startswith(term) and len(word) - len(term) <= ENDING
        if term.startswith(word) or (
            is_stem and any(spelled.startswith(word) for spelled in snapshot.spellings(term))
        ):
            found.append((-notes, term))
    return [term for _, term in sorted(found)[:COMPLETIONS]]


def text_wording(text: str, snapshot: Snapshot) -> Wording:
    """The most telling terms of a longer text, weighed by how often it says them.

    Telling is what is said often here and in few notes: log(1 + count) × rarity.
    """
    counts = Counter(content_terms(text))
    notes = snapshot.note_count()
    frequency = snapshot.document_frequency(counts)
    worth = {
        term: math.log1p(count) * math.log((notes + 1) / (frequency[term] + 0.5))
        for term, count in counts.items()
        if frequency[term]
    }
    telling = sorted(worth, key=lambda term: (-worth[term], term))[:TELLING]
    weights = {term: math.log1p(counts[term]) for term in telling}
    unheld = sorted(counts.keys() - worth.keys(), key=lambda term: (-counts[term], term))
    asked = (*telling, *unheld[:TELLING])  # what no note holds was asked, too
    return Wording(weights, tuple((term,) for term in asked))
