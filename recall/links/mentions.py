"""Notes that a text names without linking them.

Every run of up to eight words is looked up among the names of notes, so the cost depends on the
length of the text and not on the size of the vault. Chinese and Japanese put no blanks between
words: there a run is one of up to eight characters, wherever it begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from recall.domain import Facet, Link, Mention, NameKind, Passage
from recall.names import normal_form
from recall.words import STOP_WORDS, fold, is_unspaced, words

if TYPE_CHECKING:
    from recall.domain import NoteCard
    from recall.store import Snapshot

GAP = "\ue000"  # stands where a link was; no name reaches over it
LONGEST_NAME = 8  # words, or characters of a script without blanks
SHORTEST_WORD = 4  # characters of a name that is a single word; shorter ones name by chance
MOST_BEARERS = 3  # a name of more notes ("Weekly") means none of them
NAMING = frozenset({NameKind.STEM, NameKind.TITLE, NameKind.ALIAS, NameKind.HEADING})


def mentions_in(
    passages: Sequence[Passage], links: Sequence[Link], snapshot: Snapshot
) -> dict[str, Mention]:
    """Which notes the passages name: path → the longest mention, the first of equals.

    Args:
        passages: Of one note.
        links: That note's links; what they show is no mention.
        snapshot: The index that knows the names.
    """
    places: dict[str, tuple[Passage, str]] = {}
    for passage in passages:
        if passage.facet is not Facet.TITLE:
            for key, text in _runs(without_links(passage, links)):
                places.setdefault(key, (passage, text))
    found: dict[str, Mention] = {}
    for key, every in snapshot.lookup_all(list(places)).items():
        names = [name for name in every if name.kind in NAMING]
        passage, text = places[key]
        if len({name.path for name in names}) > MOST_BEARERS:
            continue
        for name in names:
            known = found.get(name.path)
            if known is None or len(text) > len(known.text):
                found[name.path] = Mention(text, passage.line, "here")
    return found


def mention_of(
    card: NoteCard, passages: Iterable[Passage], links: Callable[[], Sequence[Link]]
) -> Mention | None:
    """Where the passages name one note, whichever of its names they use.

    Args:
        card: Of the note that may be named.
        passages: Of another note.
        links: Gives that other note's links, whose text is no mention; asked only if needed.
    """
    names = {key for name in (card.title, *card.aliases) if (key := _name_key(name))}
    for passage in passages:
        if passage.facet is Facet.TITLE:
            continue
        # A run is a piece of the passage in normal form: most passages hold no such piece.
        folded = normal_form(passage.text)
        if any(name in folded for name in names):
            for key, text in _runs(without_links(passage, links())):
                if key in names:
                    return Mention(text, passage.line, "there")
    return None


def without_links(passage: Passage, links: Iterable[Link]) -> str:
    """The passage's text with a gap for the words that each of its links shows."""
    text = passage.text
    for link in links:
        shown = link.label or link.target
        if not shown or shown not in text:  # `[[#Heading]]` shows no name of a note
            continue  # compiling what finds it takes longer than all else here
        if passage.span.start <= link.span.start < passage.span.end or shown in passage.heading:
            before = "" if is_unspaced(shown) else r"(?<!\w)"
            after = "" if is_unspaced(shown[-1]) else r"(?!\w)"
            whole = before + re.escape(shown) + after
            text = re.sub(whole, GAP * len(shown), text, count=1)
    return text


def _name_key(name: str) -> str:
    """A name as runs give it; empty if no run could be it."""
    folded = normal_form(name)
    found = _pieces(folded)
    is_short = len(found) == 1 and not _is_long(found[0][0])
    is_telling = any(fold(word) not in STOP_WORDS for word, _, _ in found)
    if is_short or not is_telling or len(found) > LONGEST_NAME:
        return ""
    return folded[found[0][1] : found[-1][2]]


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Each run of words that could be a name: in normal form, and as it is written.

    A run is no name if it holds function words alone, or is a single short word.
    """
    folded = normal_form(text)
    written = text if len(text) == len(folded) else folded
    found = _pieces(folded)
    telling, ends = _ahead(found, folded)
    for first, (word, start, stop) in enumerate(found):
        if telling[first] == first and _is_long(word):
            yield folded[start:stop], written[start:stop]
        end = min(first + LONGEST_NAME, ends[first])
        for _, _, last in found[max(telling[first], first + 1) : end]:
            yield folded[start:last], written[start:last]


def _pieces(text: str) -> list[tuple[str, int, int]]:
    """The words of a text with their offsets; of a script without blanks, each character."""
    found = words(text)
    if text.isascii():
        return found
    pieces: list[tuple[str, int, int]] = []
    for word, start, stop in found:
        if is_unspaced(word):
            pieces.extend((text[at], at, at + 1) for at in range(start, stop))
        else:
            pieces.append((word, start, stop))
    return pieces


def _is_long(word: str) -> bool:
    """Whether a name may be this piece alone."""
    return len(word) >= SHORTEST_WORD or not (word.isascii() or is_unspaced(word))


def _ahead(found: Sequence[tuple[str, int, int]], folded: str) -> tuple[list[int], list[int]]:
    """For each word the first telling one from there on, and where its stretch without gap ends."""
    telling, ends = [len(found)] * len(found), [len(found)] * len(found)
    has_gaps = GAP in folded
    for at in range(len(found) - 1, -1, -1):
        is_last = at + 1 == len(found)
        if fold(found[at][0]) not in STOP_WORDS:
            telling[at] = at
        elif not is_last:
            telling[at] = telling[at + 1]
        if has_gaps and not is_last:
            is_gap = GAP in folded[found[at][2] : found[at + 1][1]]
            ends[at] = at + 1 if is_gap else ends[at + 1]
    return telling, ends
