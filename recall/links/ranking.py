"""Candidates in order: what the ranker says of each, and which of them are worth showing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from recall.links.features import compute
from recall.links.ranker import TABLE, load_ranker
from recall.links.refused import log_odds_of
from recall.links.worth import is_weak, load_worth
from recall.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.feedback import Tally
    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]

# Score that a standard deviation of BM25 is worth where the model reads nothing; where it reads
# all, the trees know what words are worth. Set on smokeriu-notes, checked on oldwinter-garden, both
# in Chinese (`docs/ranker.md`).
WORDS_INSTEAD = 1.5
NOTHING_SAID: Mapping[str, Tally] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """One row a candidate, in the order of `Comparison.paths`."""

    features: Mapping[str, Array]
    probabilities: Array  # of a link, as they are shown
    worth: Array  # to a careful reader, as it is shown
    weak: NDArray[np.bool_]
    order: list[int]  # the rows, best first; ties by path


def rank(
    compared: Comparison,
    *,
    table: Path = TABLE,
    said: Mapping[str, Tally] = NOTHING_SAID,
    unread: float = 0.0,
) -> Ranking:
    """Compute the features of all candidates, and what they are worth.

    Args:
        compared: The source beside its candidates, of which there is at least one.
        table: The trees.
        said: What the author said of notes as suggestions for others, by path.
        unread: Share of the source that the model can't read.
    """
    features = compute(compared)
    ranker = load_ranker(table)
    scores = ranker.scores(features)
    line = ranker.calibration.line(
        float(features["vault_size"][0]),
        len(scores),
        len(compared.source.linked),
        compared.learned.correction,
    )
    probabilities = line.probabilities(scores)
    worth = load_worth()(features, scores).round(4)
    if unread:
        scores = scores + WORDS_INSTEAD * unread * _standing_out(features["bm25"])
        # The chances stay what they are: whatever comes first now is as likely as what did.
        probabilities[np.argsort(-scores, kind="stable")] = np.sort(probabilities)[::-1]
    if said:
        leaning = log_odds_of(compared.paths, said)
        scores = scores + leaning / line.slope
        odds = probabilities / (1 - probabilities) * np.exp(leaning)
        probabilities = odds / (1 + odds)
    order = np.lexsort((np.arange(len(scores)), -scores))  # paths are sorted
    return Ranking(features, probabilities.round(4), worth, is_weak(worth), order.tolist())


def _standing_out(values: Array) -> Array:
    """How far each value is from the mean, in standard deviations; NaN counts as 0."""
    known = np.nan_to_num(values, nan=0.0)
    spread = float(known.std()) if len(known) else 0.0
    found: Array = (known - known.mean()) / spread if spread > 0 else np.zeros(len(known))
    return found
