"""What the author refused for some notes counts against it for others, a little.

A note that was refused for many is more often a hub, a log or a list than the one they all lack.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.feedback import Tally

    Array = NDArray[np.float64]

# Acceptances that every note is taken to have: ten refusals and no acceptance halve the odds.
# Measured on vaults that the ranker never saw (docs/decisions/0017).
PRIOR = 10


def log_odds(tally: Tally) -> float:
    """What verdicts on a note add to the log odds of its next suggestion; 0 at most."""
    kept = tally.accepted + PRIOR
    return math.log(kept / (kept + tally.dismissed))


def log_odds_of(paths: Sequence[str], tallies: Mapping[str, Tally]) -> Array:
    """The same of many notes: (paths,), 0 for those of which nothing was said."""
    found: Array = np.zeros(len(paths))
    for row, path in enumerate(paths) if tallies else ():
        if path in tallies:
            found[row] = log_odds(tallies[path])
    return found
