"""Notes that say nearly the same in nearly the same words: copies, drafts, notes written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet
from recall.words import terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from recall.domain import Suggestion
    from recall.links.source import Source
    from recall.store import Snapshot

# Measured by `benchmarks/duplicates.py`: different notes on one subject come as near in meaning as
# copies do; what tells them apart is how many of their words are the same.
LEAST_COSINE = 0.8  # of the mean vectors, titles aside
LEAST_OVERLAP = 0.5  # share of the terms of either note that both hold (Jaccard)


def is_near_duplicate(source: Source, suggestion: Suggestion, snapshot: Snapshot) -> bool:
    """Whether a suggested note says nearly what the source says."""
    if suggestion.evidence.parts.get("best_pair", 1.0) < LEAST_COSINE:
        return False  # not even two of their passages are alike
    rows = [i for i, item in enumerate(source.passages) if item.facet is not Facet.TITLE]
    theirs = [
        item
        for item in snapshot.passages(suggestion.card.path)
        if item.passage.facet is not Facet.TITLE
    ]
    if not rows or not theirs:
        return False
    here = [source.passages[i].text for i in rows]
    if overlap(here, [item.passage.text for item in theirs]) < LEAST_OVERLAP:
        return False
    there = snapshot.vectors([item.text_id for item in theirs])
    return _cosine(source.vectors[rows].mean(axis=0), there.mean(axis=0)) >= LEAST_COSINE


def overlap(here: Iterable[str], there: Iterable[str]) -> float:
    """Share of the terms of either text that both hold; 0 where there are none."""
    one, other = ({term for text in texts for term in terms(text)} for texts in (here, there))
    return len(one & other) / len(one | other) if one or other else 0.0


def _cosine(here: NDArray[np.float32], there: NDArray[np.float32]) -> float:
    return float(here @ there / (np.linalg.norm(here) * np.linalg.norm(there)))
