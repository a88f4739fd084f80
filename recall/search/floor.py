"""Whether anything was found that answers a question at all."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recall.domain import HitParts
    from recall.store import Snapshot

# A question is answered if its best note is this near: cosine, plus so much for the share of the
# question's words that the note holds (weighed by rarity). Set on benchmarks/questions.toml.
FLOOR = 0.45
SHARE_WORTH = 0.15
TELLING = 1.0  # rarity in all; below it every other note holds the words


Rarity = Mapping[tuple[str, ...], float]  # the terms that stand for a word → how much it says


def rarities(asked: Iterable[tuple[str, ...]], snapshot: Snapshot) -> Rarity:
    """How much each word says: the logarithm of one over the share of notes that hold it."""
    groups = list(asked)
    notes = snapshot.note_count()
    frequency = snapshot.document_frequency({term for group in groups for term in group})
    return {
        group: math.log((notes + 1) / (min(notes, sum(frequency[t] for t in group)) + 0.5))
        for group in groups
    }


def share_held(held: Collection[str], rarity: Rarity) -> float:
    """The share of a question's words that a note holds, weighed by rarity: from 0 to 1."""
    whole = sum(rarity.values())
    found = sum(worth for group, worth in rarity.items() if any(term in held for term in group))
    return found / whole if whole > 0 else 0.0


def is_answer(parts: HitParts, rarity: Rarity) -> bool:
    """Whether a note is near enough to be an answer."""
    if parts.name is not None:
        return True
    if parts.share > 1 - 1e-9 and sum(rarity.values()) > TELLING:
        return True
    return (parts.dense or 0.0) + SHARE_WORTH * parts.share >= FLOOR
