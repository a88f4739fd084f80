"""Which passage of a note is shown, and which notes say much the same."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from recall.domain import Facet, NoteCard, Passage, Span
from recall.records import dataclass
from recall.search.verbatim import holds_phrase, phrase_key
from recall.words import distinct_terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.store import Snapshot, StoredPassage

WORDS_WORTH = 0.2  # cosine that all the asked words are worth for a snippet; chosen by hand
PHRASE_WORTH = 2.0  # more than all else: a passage that holds a quoted phrase goes first
MUCH_THE_SAME = 0.97  # cosine of two passages of which a reader needs one; chosen by hand


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A passage as it is shown; `vector` is None for a note without any."""

    passage: Passage
    vector: NDArray[np.float32] | None = None  # (dim,)


def best_passages(
    cards: Sequence[NoteCard],
    *,
    stored: Sequence[Sequence[StoredPassage]],
    snapshot: Snapshot,
    vectors: NDArray[np.float32],
    wanted: Collection[str],
    phrases: Sequence[str],
) -> list[Shown]:
    """Of each note the passage that answers best: near in meaning, and holding the words.

    Args:
        cards: The notes.
        stored: Those passages of each that may be shown.
        snapshot: The index.
        vectors: (m, dim) the question, or the passages of a longer one.
        wanted: Its terms.
        phrases: A passage that holds them goes before all others.
    """
    # The title is shown anyway: let the note itself speak if it can.
    spoken = [
        [item for item in items if item.passage.text != card.title] or list(items)
        for card, items in zip(cards, stored, strict=True)
    ]
    rows = snapshot.vectors([item.text_id for items in spoken for item in items])
    cosines = iter((rows @ vectors.T).max(axis=1).tolist() if len(rows) else ())
    terms, keys = frozenset(wanted), [phrase_key(phrase) for phrase in phrases]
    shown: list[Shown] = []
    start = 0
    for card, items in zip(cards, spoken, strict=True):
        best = _best(
            [item.passage.text for item in items], [*islice(cosines, len(items))], terms, keys
        )
        if best is None:
            shown.append(Shown(itself(card)))
        else:
            shown.append(Shown(items[best].passage, rows[start + best]))
        start += len(items)
    return shown


def _best(
    texts: Sequence[str], cosines: Sequence[float], wanted: frozenset[str], keys: Sequence[str]
) -> int | None:
    """The place of the best text, the first of equals; None if there is none."""
    best, highest = None, -math.inf
    most = WORDS_WORTH + PHRASE_WORTH * len(keys)
    # The nearest first: those behind are read only as far as words could lift them above it.
    for place in sorted(range(len(texts)), key=lambda place: -cosines[place]):
        if cosines[place] + most < highest:
            break
        worth = cosines[place] + _worth(texts[place], wanted, keys)
        if worth > highest or (worth == highest and best is not None and place < best):
            best, highest = place, worth
    return best


def _worth(text: str, wanted: frozenset[str], keys: Sequence[str]) -> float:
    """What a passage gains by the words it holds."""
    held = len(wanted & distinct_terms(text)) / max(len(wanted), 1)
    return WORDS_WORTH * held + PHRASE_WORTH * sum(holds_phrase(text, key) for key in keys)


def itself(card: NoteCard) -> Passage:
    """What stands for a note that has no passage: its title, at its beginning."""
    return Passage(Facet.TITLE, "", card.title, Span(0, 0), 1)


def similar_to(shown: Sequence[Shown]) -> list[int | None]:
    """For each of the hits the rank of the first better one whose passage says much the same."""
    found: list[int | None] = []
    for at, one in enumerate(shown):
        alike = (
            rank
            for rank, other in enumerate(shown[:at], start=1)
            if found[rank - 1] is None and _are_alike(one, other)
        )
        found.append(next(alike, None))
    return found


def _are_alike(one: Shown, other: Shown) -> bool:
    if one.vector is None or other.vector is None:
        return False
    return float(one.vector @ other.vector) >= MUCH_THE_SAME
