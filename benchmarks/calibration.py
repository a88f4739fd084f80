"""What the ranker's scores are worth: fitted on some vaults, checked on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recall.links.ranker import Calibration

BINS = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """The first suggestions for all sources of one vault."""

    scores: NDArray[np.float64]  # (suggestions,)
    vault_size: float  # the feature of that name
    is_link: NDArray[np.bool_]  # (suggestions,)


def fit(vaults: Sequence[Shown]) -> Calibration:
    """Logistic regression on the score and the vault's size (Platt 1999, with a second term).

    A score of rank is worth less in a larger vault, which offers more notes that are as near. Every
    vault has the same weight.
    """
    from sklearn.linear_model import LogisticRegression

    columns = np.concatenate([
        np.stack([v.scores, np.full(len(v.scores), v.vault_size)], axis=1) for v in vaults
    ])  # fmt: skip
    labels = np.concatenate([v.is_link for v in vaults])
    weights = np.concatenate([np.full(len(v.scores), 1000 / len(v.scores)) for v in vaults])
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    fitted = LogisticRegression(max_iter=500).fit((columns - mean) / spread, labels, weights)
    slopes = fitted.coef_[0] / spread
    sizes = [v.vault_size for v in vaults]
    return Calibration(
        intercept=float(fitted.intercept_[0] - slopes @ mean),
        score=float(slopes[0]),
        vault_size=float(slopes[1]),
        smallest=min(sizes),
        largest=max(sizes),
    )


def errors(vaults: dict[str, Shown]) -> dict[str, float]:
    """Expected calibration error of each vault, by what all others taught."""
    return {
        name: expected_error(_left_out(vaults, name), shown.is_link)
        for name, shown in vaults.items()
    }


def reliability(vaults: dict[str, Shown]) -> list[dict[str, float]]:
    """Of all vaults, each judged by the others: what was said beside what was so, a bin each."""
    said = np.concatenate([_left_out(vaults, name) for name in vaults])
    was = np.concatenate([shown.is_link for shown in vaults.values()])
    at = _bins(said)
    return [
        {
            "said": round(float(said[at == b].mean()), 4),
            "was": round(float(was[at == b].mean()), 4),
            "suggestions": int((at == b).sum()),
        }
        for b in np.unique(at)
    ]


def expected_error(probability: NDArray[np.float64], is_link: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten equal-width bins (Naeini et al. 2015)."""
    at = _bins(probability)
    gaps = [
        (at == b).mean() * abs(probability[at == b].mean() - is_link[at == b].mean())
        for b in np.unique(at)
    ]
    return round(float(sum(gaps)), 4)


def _left_out(vaults: dict[str, Shown], name: str) -> NDArray[np.float64]:
    shown = vaults[name]
    others = fit([other for each, other in vaults.items() if each != name])
    return others.probabilities(shown.scores, shown.vault_size)


def _bins(probability: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
