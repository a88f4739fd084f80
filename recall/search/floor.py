"""Whether anything was found that answers a question at all."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recall.domain import HitParts
    from recall.store import Snapshot

# A question is answered if one of its best notes is this near: the mean of two cosines, plus so
# much for the share of the question's words that the note holds (weighed by rarity). Fitted on
# questions over seven vaults (`benchmarks/floor.py`), tested on two others (docs/decisions/0004).
FLOOR = 0.5
SHARE_WORTH = 0.47
UNKNOWN_WORTH = 2.0  # a word that no note holds counts so many times in that share
TELLING = 1.0  # rarity in all; words of less say nothing alone, since every other note holds them


Rarity = Mapping[tuple[str, ...], float]  # the terms that stand for a word → how much it says


def rarities(asked: Iterable[tuple[str, ...]], snapshot: Snapshot) -> Rarity:
    """How much each word says: the logarithm of one over the share of notes that hold it.

    Twice as much if none does: a name that the vault never mentions is what was asked for.
    """
    groups = list(asked)
    notes = snapshot.note_count()
    frequency = snapshot.document_frequency({term for group in groups for term in group})
    found: dict[tuple[str, ...], float] = {}
    for group in groups:
        held = min(notes, sum(frequency[term] for term in group))
        says = math.log((notes + 1) / (held + 0.5))
        found[group] = says if held else UNKNOWN_WORTH * says
    return found


def share_held(held: Collection[str], rarity: Rarity) -> float:
    """The share of a question's words that a note holds, weighed by rarity: from 0 to 1."""
    whole = sum(rarity.values())
    found = sum(worth for group, worth in rarity.items() if any(term in held for term in group))
    return found / whole if whole > 0 else 0.0


def is_answer(parts: HitParts, rarity: Rarity) -> bool:
    """Whether a note is near enough to be an answer."""
    if parts.name is not None:
        return True
    told = sum(rarity.values())
    if parts.share > 1 - 1e-9 and told > TELLING:
        return True
    meaning = ((parts.dense or 0.0) + (parts.whole or 0.0)) / 2
    return meaning + SHARE_WORTH * parts.share * min(1.0, told / TELLING) >= FLOOR
