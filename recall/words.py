"""Text → terms: what the lexical index and the shared words of two notes are made of.

One analysis for notes and questions: words are case-folded, freed of diacritics, split at
punctuation and stemmed (Snowball English, Porter 2001); runs of Chinese, Japanese and Korean
script, which have no blanks between words, become overlapping pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from recall.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Callable

_CJK = (
    ("\u3040", "\u30ff"), ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uac00", "\ud7af"),
    ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"),
)  # fmt: skip
_FIRST_CJK = _CJK[0][0]
_ASCII_WORD = regex("[A-Za-z0-9]+")
_SPACED_WORD = regex(r"(?:[^\W_][\u0300-\u036f]*)+")  # what `_any_word` finds without any CJK
LONGEST_TERM = 64  # characters; longer runs are hashes and encoded data, not words

# Function words of English: they say how a question is put, not what it is about.
STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be because been before being but by can could
    did do does doing for from had has have having he her here hers him his how i if in into is it
    its itself just me more most my no nor not of on one only or other our out over own same she
    should so some such than that the their them then there these they this those through to too
    under until up very was we were what when where which while who whom why will with would you
    your yours
    """.split()
)


def words(text: str) -> list[tuple[str, int, int]]:
    """Each word of a text as it is written, with its offsets: (word, start, end)."""
    found_words = _words_of(text).finditer(text)
    return [(found.group(), found.start(), found.end()) for found in found_words]


def terms(text: str) -> list[str]:
    """The terms of a text, in order, repeats included."""
    return list(chain.from_iterable(map(terms_of_word, _words_of(text).findall(text))))


def distinct_terms(text: str) -> set[str]:
    """The terms of a text, each once."""
    found = set(_words_of(text).findall(text))
    return set(chain.from_iterable(map(terms_of_word, found)))


@lru_cache(maxsize=200_000)
def terms_of_word(word: str) -> tuple[str, ...]:
    """The terms of one word: its stem, or for CJK runs each pair of neighbouring characters."""
    run = word if word.isascii() else unicodedata.normalize("NFKC", word)
    if not run.isascii() and _is_cjk(run[0]):
        return tuple(run[i : i + 2] for i in range(max(1, len(run) - 1)))
    folded = fold(word)
    if not folded or len(folded) > LONGEST_TERM:
        return ()
    # Folding can bring out marks that split the word (a ligature, a fraction).
    return tuple(_stem(part) for part in _words_of(folded).findall(folded))


def is_unspaced(word: str) -> bool:
    """Whether it is of a script that puts no blanks between words, so perhaps many words."""
    return not word.isascii() and _is_cjk(word[0])


def content_terms(text: str) -> list[str]:
    """The terms of a question that carry meaning; all of them when none does."""
    kept: list[str] = []
    for word in _words_of(text).findall(text):
        if fold(word) not in STOP_WORDS:
            kept.extend(terms_of_word(word))
    return kept or terms(text)


def fold(word: str) -> str:
    """A word without case and diacritics: `Éléonore` → `eleonore`."""
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare)  # Korean syllables were taken apart, too


def _words_of(text: str) -> re.Pattern[str]:
    """What finds the words of this text; nearly all texts and questions do with a plain pattern.

    Compiling the last takes a cold question as long as opening the index.
    """
    if text.isascii():
        return _ASCII_WORD
    # Pictures stand behind those scripts, and many notes hold one.
    has_none = max(text) < _FIRST_CJK or not any(map(_is_cjk, set(text)))
    return _SPACED_WORD if has_none else _any_word()


def _is_cjk(char: str) -> bool:
    return any(first <= char <= last for first, last in _CJK)


@cache
def _any_word() -> re.Pattern[str]:
    cjk = "".join(f"{first}-{last}" for first, last in _CJK)
    return re.compile(rf"[{cjk}]+|(?:[^\W_{cjk}][\u0300-\u036f]*)+")


def _stem(word: str) -> str:
    return _stemmer()(word) if word.isascii() and word.isalpha() else word


@cache
def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return stem
