"""Questions with one right note, made from the notes of a vault themselves.

Five kinds, each the way somebody remembers a note:

- `name`: its title, without what case and punctuation say.
- `paraphrase`: the sentence in another note that links it, without the link and its text. The
  linking note is left out of the answers; it holds the sentence.
- `rare word`: one word that this note alone holds.
- `typo`: its title, with one letter dropped, doubled, swapped or replaced in its longest word.
- `rare typo`: the same for the rare word.

Nothing here looks at a ranking. Drawn with a fixed seed.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recall.domain import LinkPlace, Note
from recall.markdown import parse_note, plain_text
from recall.words import STOP_WORDS, fold, terms, words

if TYPE_CHECKING:
    from recall.store import Snapshot

KINDS = ("name", "paraphrase", "rare word", "typo", "rare typo")
MOST = 60  # questions of a kind
LEAST_WORDS = 6  # of a sentence that is to say something without its link
TYPO_LETTERS = 6  # a shorter word with a wrong letter is another word
LEAST_TEXT = 30  # words of a note that somebody would look for

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=\s*[-*+#>|])")


@dataclass(frozen=True, slots=True)
class KnownItem:
    """A question, the note it should find, and a note that may not answer."""

    kind: str
    text: str
    answer: str
    exclude: str | None = None


def known_items(snapshot: Snapshot, folder: Path, *, most: int = MOST) -> list[KnownItem]:
    """At most `most` questions of each kind about the notes of an index.

    Args:
        snapshot: The index.
        folder: The notes it was made from.
        most: Of one kind.
    """
    cards = snapshot.cards(snapshot.paths())
    notes = {path: _read(folder, path) for path in cards}
    titles = Counter(" ".join(terms(card.title)) for card in cards.values())
    full = [path for path, note in notes.items() if len(words(note.text)) >= LEAST_TEXT]
    named = [path for path in full if titles[" ".join(terms(cards[path].title))] == 1]
    found: list[KnownItem] = []
    for path in _drawn(named, most, "name"):
        if text := _spoken(cards[path].title):
            found.append(KnownItem("name", text, path))
            if typed := _mistyped(text):
                found.append(KnownItem("typo", typed, path))
    rare = _rare_words(notes, full)
    for path in _drawn(sorted(rare), most, "rare"):
        word = rare[path]
        found.append(KnownItem("rare word", word, path))
        if typed := _mistyped(word):
            found.append(KnownItem("rare typo", typed, path))
    sentences = sorted(
        set(_paraphrases(snapshot, notes)), key=lambda item: (item.answer, item.text)
    )
    random.Random("sentences").shuffle(sentences)
    once = {item.answer: item for item in sentences}  # one sentence for each note
    found += [once[path] for path in _drawn(sorted(once), most, "paraphrase")]
    return found


def _read(folder: Path, path: str) -> Note:
    return parse_note(path, (folder / path).read_bytes().decode("utf-8", "replace"))


def _drawn(paths: list[str], most: int, seed: str) -> list[str]:
    return sorted(random.Random(seed).sample(paths, min(most, len(paths))))


def _spoken(title: str) -> str:
    """A title as somebody would type it from memory."""
    return " ".join(word for word, _, _ in words(title)).casefold()


def _rare_words(notes: dict[str, Note], full: list[str]) -> dict[str, str]:
    """For each note a word that stands in its prose, and nowhere else in the vault."""
    bearers = Counter[str]()
    for note in notes.values():
        bearers.update({fold(word) for word, _, _ in words(note.text)})
        bearers.update({fold(word) for word, _, _ in words(note.path)})
    found = {}
    for path in full:
        prose = " ".join(block.text for part in notes[path].sections for block in part.blocks)
        own = sorted(
            word
            for word in {fold(word) for word, _, _ in words(prose)}
            if bearers[word] == 1 and word.isalpha() and word.isascii() and 6 <= len(word) <= 16
        )
        if own:
            found[path] = random.Random(path).choice(own)
    return found


def _paraphrases(snapshot: Snapshot, notes: dict[str, Note]) -> Iterator[KnownItem]:
    for path, note in notes.items():
        for link in snapshot.links_from(path):
            target = link.resolution.path
            if link.link.place is not LinkPlace.BODY or target in {None, path}:
                continue
            assert target is not None
            text = _around(note.text, link.link.span.start, link.link.span.end)
            told = [word for word, _, _ in words(text) if fold(word) not in STOP_WORDS]
            if len(told) >= LEAST_WORDS and not _names(text, notes[target]):
                yield KnownItem("paraphrase", text, target, exclude=path)


def _around(text: str, start: int, end: int) -> str:
    """The sentence that holds a link, as it is read, without the link and its text."""
    before = [found.end() for found in _SENTENCE.finditer(text, max(0, start - 600), start)]
    after = _SENTENCE.search(text, end)
    first = before[-1] if before else text.rfind("\n", 0, start) + 1
    last = after.start() if after else len(text)
    return plain_text(f"{text[first:start].lstrip('-*+#> ')} {text[end:last]}")[:600]


def _names(text: str, note: Note) -> bool:
    """Whether the sentence still says the note's title, whole."""
    return f" {' '.join(terms(note.title))} " in f" {' '.join(terms(text))} "


def _mistyped(text: str) -> str | None:
    """One wrong letter in the longest word; None where no word is long enough."""
    longest = max(text.split(), key=len, default="")
    if len(longest) < TYPO_LETTERS or not longest.isascii() or not longest.isalpha():
        return None
    drawn = random.Random(f"typo {text}")
    at = drawn.randrange(1, len(longest) - 1)
    wrong = drawn.choice((
        longest[:at] + longest[at + 1 :],
        longest[:at] + longest[at] + longest[at:],
        longest[:at] + longest[at + 1] + longest[at] + longest[at + 2 :],
        longest[:at] + drawn.choice("aeinorst") + longest[at + 1 :],
    ))  # fmt: skip
    return None if wrong == longest else text.replace(longest, wrong, 1)
