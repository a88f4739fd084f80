"""Each candidate in numbers: all candidates at once, every number with a name and a meaning.

A feature is a function of a `Comparison` that gives one number a candidate, higher meaning more
related where the docstring does not say otherwise; NaN where it can't tell. Features are computed
on the index as it is, so whoever measures them on hidden links must hide those from the index.
"""

from recall.links.features import linkage, meaning, setting, wording
from recall.links.features.registry import FEATURES, RELATIVE, compute

__all__ = ["FEATURES", "RELATIVE", "compute", "linkage", "meaning", "setting", "wording"]
