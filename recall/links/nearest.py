"""Where the highest of many numbers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating]
    Rows = NDArray[np.int64]


def highest(values: NDArray[np.floating], most: int) -> Rows:
    """Where the `most` highest values are, highest first, ties in order of position."""
    if most >= len(values):
        return np.argsort(-values, kind="stable")
    least = np.partition(values, len(values) - most)[len(values) - most]
    reach = np.flatnonzero(values >= least)
    found: Rows = reach[np.argsort(-values[reach], kind="stable")[:most]]
    return found


def highest_known(values: Array, most: int) -> Rows:
    """The same among the values that are not NaN."""
    known = np.flatnonzero(~np.isnan(values))
    found: Rows = known[highest(values[known], most)]
    return found
