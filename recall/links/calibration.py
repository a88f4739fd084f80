"""A ranker's score → how likely the author would link the two.

Three logistic functions, each of the score, of the vault's size and of the share of it that came
into question, learned by `benchmarks/probabilities.py` from other vaults (Platt 1999): of a note
that links nothing yet, of one whose author has made links already and may have left one out, and of
one whose links are looked away from, which is how a vault is asked about its own. What that says of
the vault moves the first two a little (`own_links`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass
from recall.store.vectors.lists import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BINS = 10  # of the calibration error, of equal width
# Links of a note from which on it is one that has been linked: the fewest in what that was learned
# from. A note with one lies between the two, for nothing was measured of it.
LINKED = 2
MIDDLE = -1.3  # log odds of what comes up on average, about which a correction turns


@dataclass(frozen=True, slots=True)
class Line:
    """Score → log odds, for the candidates of one note."""

    intercept: float
    slope: float  # above 0: the better score is the likelier one

    def log_odds(self, scores: Array) -> Array:
        """Of a link: (rows,) for (rows,) scores."""
        found: Array = self.intercept + self.slope * scores
        return found

    def probabilities(self, scores: Array) -> Array:
        """Of a link: (rows,) for (rows,) scores."""
        found: Array = 1 / (1 + np.exp(-self.log_odds(scores)))
        return found

    def towards(self, other: Line, share: float) -> Line:
        """Between this line, at a share of 0, and another, at 1."""
        return Line(
            self.intercept + share * (other.intercept - self.intercept),
            self.slope + share * (other.slope - self.slope),
        )


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic function of a score, for vaults of any size."""

    intercept: float
    score: float  # log odds a unit of the score, above 0
    vault_size: float  # log odds a unit of the feature `vault_size`
    share: float  # log odds a unit of the logarithm of the share of notes that came into question
    smallest: float  # `vault_size` of the vaults this was learned from: no others are guessed at
    largest: float
    least: float  # and those logarithms
    most: float

    def line(self, vault_size: float, candidates: float) -> Line:
        """What it says of one note's candidates."""
        size = min(max(vault_size, self.smallest), self.largest)
        share = float(np.log(max(candidates, 1))) - vault_size
        shift = self.vault_size * size + self.share * min(max(share, self.least), self.most)
        return Line(self.intercept + shift, self.score)


@dataclass(frozen=True, slots=True)
class Correction:
    """How a vault's own links differ from what other vaults taught, in log odds."""

    shift: float = 0.0
    stretch: float = 0.0  # for each unit that the log odds are above the middle; above -1

    def of(self, log_odds: Array) -> Array:
        """Log odds, corrected."""
        found: Array = log_odds + self.shift + self.stretch * (log_odds - MIDDLE)
        return found

    def of_line(self, line: Line) -> Line:
        """The line that gives them."""
        return Line(
            line.intercept + self.shift + self.stretch * (line.intercept - MIDDLE),
            line.slope * (1 + self.stretch),
        )


NO_CORRECTION = Correction()


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a score is worth, by what is known of the note."""

    fresh: Logistic  # it links nothing yet
    linked: Logistic  # it has links
    looked_away: Logistic  # it has links that are looked away from, in words they show as well

    def line(
        self, vault_size: float, candidates: int, links: int, correction: Correction = NO_CORRECTION
    ) -> Line:
        """What it says of the candidates of one note.

        Args:
            vault_size: The feature of that name.
            candidates: How many notes came into question.
            links: How many notes the note links already.
            correction: What the vault's own links say.
        """
        fresh, linked = (
            logistic.line(vault_size, candidates) for logistic in (self.fresh, self.linked)
        )
        return correction.of_line(fresh.towards(linked, min(links / LINKED, 1.0)))

    @classmethod
    def of_table(cls, table: Mapping[str, Mapping[str, float]]) -> Calibration:
        """Read it of what the ranker's table holds."""
        return cls(**{name: Logistic(**numbers) for name, numbers in table.items()})


def expected_error(probability: Array, is_link: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten equal-width bins (Naeini et al. 2015)."""
    at = bins(probability)
    gaps = [
        (at == b).mean() * abs(probability[at == b].mean() - is_link[at == b].mean())
        for b in distinct(at).tolist()
    ]
    return round(float(sum(gaps)), 4)


def bins(probability: Array) -> NDArray[np.int64]:
    """(rows,): the bin that each is in."""
    found: NDArray[np.int64] = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    return found
