"""Notes that a text names without linking them.

Every run of up to eight words is looked up among the names of notes, so the cost depends on the
length of the text and not on the size of the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
    places: dict[str, tuple[Passage, str]] = {}
    for passage in passages:
        if passage.facet is not Facet.TITLE:
            for key, text in _runs(passage.text):
                places.setdefault(key, (passage, text))
    found: dict[str, Mention] = {}
    for key, names in snapshot.lookup_all(list(places)).items():
        passage, text = places[key]
        for name in names:
            known = found.get(name.path)
            if name.kind in NAMING and (known is None or len(text) > len(known.text)):
                found[name.path] = Mention(text, passage.line, "here")
    return found


def mention_of(card: NoteCard, passages: Iterable[Passage]) -> Mention | None:
    """Where the passages name one note, whichever of its names they use."""
    names = {key for name in (card.title, *card.aliases) for key, _ in _runs(name, whole=True)}
    for passage in passages:
        if passage.facet is Facet.TITLE:
            continue
        folded = passage.text.casefold()
        if any(name in folded for name in names):
            for key, text in _runs(passage.text):
                if key in names:
                    return Mention(text, passage.line, "there")
    return None


def _runs(text: str, *, whole: bool = False) -> Iterator[tuple[str, str]]:
    """Each run of words that could be a name: in normal form, and as it is written.

    A run is no name if it holds function words alone, or is a single short word.
    """
    folded = normal_form(text)
    written = text if len(text) == len(folded) else folded
    found = words(folded)
    small = [fold(word) in STOP_WORDS for word, _, _ in found]
    for first, (word, start, end) in enumerate(found):
        telling = False
        for last in range(first, min(first + LONGEST_NAME, len(found))):
            telling = telling or not small[last]
            if not telling or (whole and (first, last) != (0, len(found) - 1)):
                continue
            if last > first or len(word) >= SHORTEST_WORD or not word.isascii():
                stop = found[last][2] if last > first else end
                yield folded[start:stop], written[start:stop]
