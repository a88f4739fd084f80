"""What the ranker's scores are worth: fitted on some vaults, checked on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recall.links.calibration import Logistic, bins, expected_error

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """The first suggestions for all sources of one vault."""

    scores: Array  # (suggestions,)
    candidates: Array  # (suggestions,): how many notes came into question
    source: NDArray[np.int64]  # (suggestions,): whose it is
    is_link: NDArray[np.bool_]  # (suggestions,)
    vault_size: float  # the feature of that name

    def log_odds(self, logistic: Logistic) -> Array:
        """Of a link, of each suggestion."""
        numbers, which = np.unique(self.candidates, return_inverse=True)
        lines = [logistic.line(self.vault_size, number) for number in numbers.tolist()]
        intercepts = np.array([line.intercept for line in lines])
        found: Array = intercepts[which] + logistic.score * self.scores
        return found


def fit(vaults: Sequence[Shown]) -> Logistic:
    """Logistic regression on the score, the vault's size and the share of it (after Platt 1999).

    A score of rank is worth less in a larger vault, which offers more notes that are as near. Every
    vault has the same weight.
    """
    from sklearn.linear_model import LogisticRegression

    size = np.concatenate([np.full(len(v.scores), v.vault_size) for v in vaults])
    share = np.log(np.concatenate([v.candidates for v in vaults])) - size
    columns = np.stack([np.concatenate([v.scores for v in vaults]), size, share], axis=1)
    labels = np.concatenate([v.is_link for v in vaults])
    weights = np.concatenate([np.full(len(v.scores), 1000 / len(v.scores)) for v in vaults])
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    spread[spread < 1e-9] = 1.0  # a column that says nothing
    fitted = LogisticRegression(max_iter=500).fit((columns - mean) / spread, labels, weights)
    slopes = fitted.coef_[0] / spread
    sizes = [v.vault_size for v in vaults]
    return Logistic(
        intercept=float(fitted.intercept_[0] - slopes @ mean),
        score=float(slopes[0]),
        vault_size=float(slopes[1]),
        share=float(slopes[2]),
        smallest=min(sizes),
        largest=max(sizes),
        least=float(columns[:, 2].min()),
        most=float(columns[:, 2].max()),
    )


def left_out(vaults: Mapping[str, Shown], name: str) -> Array:
    """What all other vaults say of one: the log odds of its suggestions."""
    others = fit([other for each, other in vaults.items() if each != name])
    return vaults[name].log_odds(others)


def errors(log_odds: Mapping[str, Array], vaults: Mapping[str, Shown]) -> dict[str, float]:
    """Expected calibration error of each vault."""
    return {
        name: expected_error(probabilities(log_odds[name]), shown.is_link)
        for name, shown in vaults.items()
    }


def reliability(
    log_odds: Mapping[str, Array], vaults: Mapping[str, Shown]
) -> list[dict[str, float]]:
    """Of all vaults together: what was said beside what was so, a bin each."""
    said = np.concatenate([probabilities(log_odds[name]) for name in vaults])
    was = np.concatenate([shown.is_link for shown in vaults.values()])
    at = bins(said)
    return [
        {
            "said": round(float(said[at == b].mean()), 4),
            "was": round(float(was[at == b].mean()), 4),
            "suggestions": int((at == b).sum()),
        }
        for b in np.unique(at)
    ]


def probabilities(log_odds: Array) -> Array:
    """Log odds as probabilities."""
    found: Array = 1 / (1 + np.exp(-log_odds))
    return found
