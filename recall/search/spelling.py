"""A word that no note holds → the word of the vault that was probably meant.

Candidates come from the index's own vocabulary, so a name that only this vault knows is found,
and no word list of any language is needed. Only words that the model does not know as a whole
either are looked at: `clapper` is a word, and a vault without it is not one with `clipper`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product
from typing import TYPE_CHECKING

from recall.domain import Correction
from recall.records import dataclass
from recall.words import STOP_WORDS, content_terms, fold, terms_of_word, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.embedding import Embedder
    from recall.store import Snapshot

SHORTEST = 5  # letters; a shorter word has too many neighbours
TWO_FROM = 8  # letters from which two may be wrong
MANGLED = 3  # pieces; the model takes `reusable` for `re` and `usable`, and `kuberentes` for more
ENDING = 6  # letters that stemming can have cut off
NEARER = 0.05  # cosine by which some text must be nearer to a word that may be right, replaced
BROKEN = 3  # pairs of neighbours that one wrong letter can break
MEANT = 3  # equally near words that the others of a question decide between
READINGS = 8  # of a question with several misspelt words
LOOKED_UP = 12  # stems whose words are looked at in the notes


@dataclass(frozen=True, slots=True)
class Spelled:
    """A question as it is searched, and what was replaced in it."""

    text: str
    corrections: tuple[Correction, ...] = ()
    keeps: bool = False  # a word as it was typed that could have been replaced


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A word that nobody knows, and those of the vault that may have been meant."""

    word: str
    start: int
    end: int
    meant: tuple[str, ...]


def readings(
    text: str, *, unfinished: str | None, snapshot: Snapshot, embedder: Embedder
) -> list[Spelled]:
    """The question with the words that nobody knows replaced by the nearest of the vault.

    Args:
        text: The words that are looked for.
        unfinished: A word that is not misspelt, only not typed to its end.
        snapshot: The index; its vocabulary is the dictionary.
        embedder: Tells whether the model knows a word as a whole.

    Returns:
        One reading, or several that the other words must decide between (`likeliest`).
    """
    are_others = len(content_terms(text)) > 1
    unknown: list[_Unknown] = []
    for word, start, end, pieces in _unknown(text, snapshot, embedder):
        is_mangled = pieces >= MANGLED
        most = 2 if is_mangled and len(word) >= TWO_FROM else 1
        meant = [] if word == unfinished else nearest_words(fold(word), snapshot, most)
        if not meant:
            continue
        choices = meant[: MEANT if are_others else 1]
        if are_others and not (is_mangled and distance_between(fold(word), meant[0], 1) == 1):
            choices.append(word)  # it may be right
        unknown.append(_Unknown(word, start, end, tuple(choices)))
    chosen = islice(product(*(item.meant for item in unknown)), READINGS)
    return [_read(text, unknown, choice) for choice in chosen]


def _read(text: str, unknown: Sequence[_Unknown], choice: Sequence[str]) -> Spelled:
    parts: list[str] = []
    done = 0
    for item, meant in zip(unknown, choice, strict=True):
        parts += (text[done : item.start], meant)
        done = item.end
    pairs = [(item.word, meant) for item, meant in zip(unknown, choice, strict=True)]
    made = tuple(Correction(word, meant) for word, meant in pairs if meant != word)
    return Spelled("".join((*parts, text[done:])), made, len(made) < len(pairs))


def likeliest(
    found: Sequence[Spelled],
    vectors: NDArray[np.float32],
    snapshot: Snapshot,
    *,
    max_notes_per_text: int,
) -> int:
    """Which reading of a question comes nearest to some text of the vault; the first of equals.

    Args:
        found: The readings.
        vectors: (len(found), dim) of each.
        snapshot: The index.
        max_notes_per_text: Texts that more notes hold don't count.
    """
    nearest = snapshot.nearest(vectors, 1, max_notes_per_text=max_notes_per_text).scores
    typed = [NEARER if spelled.keeps else 0.0 for spelled in found]
    return int((nearest[:, 0] + typed).argmax())


def _unknown(text: str, snapshot: Snapshot, embedder: Embedder) -> list[tuple[str, int, int, int]]:
    """The words that nobody knows, where they stand, and in how many pieces the model has them."""
    found = [
        (word, start, end)
        for word, start, end in words(text)
        if len(word) >= SHORTEST and word.isalpha() and fold(word) not in STOP_WORDS
    ]
    stems = {word: terms_of_word(word) for word, _, _ in found}
    held = snapshot.document_frequency({term for each in stems.values() for term in each})
    found = [item for item in found if len(stems[item[0]]) == 1 and not held[stems[item[0]][0]]]
    if not found:
        return []  # the usual case costs one look at the vocabulary
    empty, *counts = embedder.count_tokens(["", *(fold(word) for word, _, _ in found)])
    pieces = [count - empty for count in counts]
    return [(*item, count) for item, count in zip(found, pieces, strict=True) if count > 1]


def nearest_words(word: str, snapshot: Snapshot, most: int) -> list[str]:
    """The words of the vault that differ least from a folded word, in at most so many letters.

    Of equally near words the one that more notes hold comes first, then the alphabetically first.
    """
    near = []
    letters, pairs = set(word), _pairs(word)
    lengths = (len(word) - ENDING, len(word) + most)
    for stem, notes in snapshot.vocabulary(_first_letters(word), *lengths):
        # Two bounds that are quickly computed leave few stems to compare letter by letter.
        if len(set(stem) - letters) <= most and len(_pairs(stem) - pairs) <= BROKEN * most:
            distance = _distance_to_beginning(stem, word, most)
            if distance <= most:
                near.append((distance, abs(len(word) - len(stem)), -notes, stem))
    found: list[tuple[int, int, str]] = []
    for _, _, notes, stem in sorted(near)[:LOOKED_UP]:
        for spelled in snapshot.spellings(stem):
            distance = distance_between(fold(spelled), word, most)
            if distance <= most:
                found.append((distance, notes, spelled))
    found.sort()
    return list(dict.fromkeys(spelled for distance, _, spelled in found if distance == found[0][0]))


def _pairs(word: str) -> set[str]:
    return {word[i : i + 2] for i in range(len(word) - 1)}


def _first_letters(word: str) -> tuple[str, ...]:
    """What the word that was meant can begin with: the first letter, or the second if it is wrong.

    People rarely miss the first letter (Pollock, Zamora 1984), and this keeps the look-up to a
    small part of the vocabulary.
    """
    return tuple(dict.fromkeys((word[0], word[1])))


def _distance_to_beginning(stem: str, word: str, most: int) -> int:
    """The least distance of the stem to a beginning of the word that is about as long."""
    lengths = range(max(1, len(stem) - most), min(len(word), len(stem) + most) + 1)
    return min(
        (distance_between(stem, word[:length], most) for length in lengths), default=most + 1
    )


def distance_between(one: str, other: str, most: int) -> int:
    """Letters to drop, add, replace or swap with their neighbour; `most` + 1 if it is more.

    Optimal string alignment (Damerau 1964).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: Sequence[int] = ()
    row: list[int] = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        above, row = row, [i]
        for j, against in enumerate(other, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(above) >= most:  # a swap looks two rows back
            return most + 1
        before = above
    return min(row[-1], most + 1)
