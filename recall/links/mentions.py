"""Notes that a text names without linking them.

Every run of up to eight words is looked up among the names of notes, so the cost depends on the
length of the text and not on the size of the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from recall.domain import Facet, Mention, NameKind, Passage
from recall.names import normal_form
from recall.words import STOP_WORDS, fold, words

if TYPE_CHECKING:
    from recall.domain import NoteCard
    from recall.store import Snapshot

LONGEST_NAME = 8  # words
SHORTEST_WORD = 4  # characters of a name that is a single word; shorter ones name by chance
NAMING = frozenset({NameKind.STEM, NameKind.TITLE, NameKind.ALIAS, NameKind.HEADING})


def mentions_in(passages: Sequence[Passage], snapshot: Snapshot) -> dict[str, Mention]:
    """Which notes the passages name: path → the longest mention, the first of equals."""
    places: dict[str, list[tuple[Passage, str]]] = {}
    for passage in passages:
        if passage.facet is not Facet.TITLE:
            for text in _runs(passage.text):
                places.setdefault(normal_form(text), []).append((passage, text))
    found: dict[str, Mention] = {}
    for key, names in snapshot.lookup_all(list(places)).items():
        passage, text = places[key][0]
        for name in names:
            known = found.get(name.path)
            if name.kind in NAMING and (known is None or len(text) > len(known.text)):
                found[name.path] = Mention(text, passage.line, "here")
    return found


def mention_of(card: NoteCard, passages: Iterable[Passage]) -> Mention | None:
    """Where the passages name one note, whichever of its names they use."""
    names = {normal_form(name) for name in (card.title, *card.aliases)}
    names = {name for name in names if _is_telling(name)}
    if not names:
        return None
    for passage in passages:
        text = normal_form(passage.text)
        if passage.facet is not Facet.TITLE and any(name in text for name in names):
            for run in _runs(passage.text):
                if normal_form(run) in names:
                    return Mention(run, passage.line, "there")
    return None


def _runs(text: str) -> Iterable[str]:
    found = words(text)
    for first in range(len(found)):
        for last in range(first, min(first + LONGEST_NAME, len(found))):
            run = text[found[first][1] : found[last][2]]
            if _is_telling(run):
                yield run


def _is_telling(name: str) -> bool:
    """Whether a text that holds these words is likely to mean something by that name."""
    parts = [word for word, _, _ in words(name)]
    if not parts or all(fold(word) in STOP_WORDS for word in parts):
        return False
    return len(parts) > 1 or len(parts[0]) >= SHORTEST_WORD or not parts[0].isascii()
