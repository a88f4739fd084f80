"""The names of the features, and computing all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from recall.links.ranker import ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]

FEATURES: dict[str, Callable[[Comparison], Array]] = {}

# Their rank and their z-score among the candidates say more than the number itself, which depends
# on the vault and on how special the source is.
RELATIVE = (
    "whitened_cosine", "whitened_best_pair", "best_here", "best_there", "bm25", "bm25_weighed",
    "bm25_of_names", "title_to_text", "text_to_title", "title_weight_here", "votes",
    "votes_with_words", "adapted",
)  # fmt: skip


def feature(function: Callable[[Comparison], Array]) -> Callable[[Comparison], Array]:
    """Put a function among the features, under its name."""
    FEATURES[function.__name__] = function
    return function


def compute(comparison: Comparison) -> dict[str, Array]:
    """Every feature of every candidate: name → (candidates,) float64."""
    found = {name: function(comparison) for name, function in FEATURES.items()}
    # How far a note stands out is told from all notes where all are known, not from candidates.
    overview = comparison.overview
    everyone = {"whitened_cosine": overview.cosines, "adapted": overview.adapted}
    places = np.log(ranks(np.stack([found[name] for name in RELATIVE])))
    for name, place in zip(RELATIVE, places, strict=True):
        column = found[name]
        found[f"{name}_rank"] = -place
        crowd = everyone.get(name, column)
        known = crowd[np.isfinite(crowd)].astype(np.float64)
        spread = float(known.std()) if len(known) else 0.0
        mean = float(known.mean()) if spread else 0.0
        found[f"{name}_z"] = (column - mean) / spread if spread else np.zeros(len(column))
    return found
