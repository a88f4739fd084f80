"""How near the candidates' vectors are to the source's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet
from recall.links.features.registry import feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]


@feature
def mean_cosine(c: Comparison) -> Array:
    """Cosine of the two notes' mean vectors: are they about the same, on the whole?"""
    cosines: Array = (c.means @ c.overview.source_centroid).astype(np.float64)
    return cosines


@feature
def best_pair(c: Comparison) -> Array:
    """Cosine of the nearest two passages: is there one thought that both hold?"""
    best = c.similarities.max(axis=0)
    return np.maximum.reduceat(best, c.block.starts[:-1]).astype(np.float64)


@feature
def whitened_cosine(c: Comparison) -> Array:
    """Whitened cosine of the mean vectors: about the same, beyond what the vault is about?"""
    return c.overview.cosines[c.rows].astype(np.float64)


@feature
def whitened_best_pair(c: Comparison) -> Array:
    """Whitened cosine of the nearest two passages."""
    return c.best()


@feature
def best_here(c: Comparison) -> Array:
    """How well the source's passages find their like in the candidate, on average (whitened)."""
    found: Array = c.best_for_here.mean(axis=0).astype(np.float64)
    return found


@feature
def best_there(c: Comparison) -> Array:
    """How well the candidate's passages find their like in the source, on average (whitened)."""
    sums = np.add.reduceat(c.whitened.max(axis=0), c.block.starts[:-1])
    found: Array = (sums / np.diff(c.block.starts)).astype(np.float64)
    return found


@feature
def adapted(c: Comparison) -> Array:
    """Would this author link the candidate from such a note, by the links made so far?"""
    return c.overview.adapted[c.rows].astype(np.float64)


@feature
def adapted_back(c: Comparison) -> Array:
    """Would this author link such a note from the candidate, by the links made so far?"""
    back = c.learned.adapter.back(c.overview.source_whitened[None, :])[0]
    return c.whitened_cosines(back)


@feature
def title_to_title(c: Comparison) -> Array:
    """Whitened cosine of the two titles."""
    return c.best(Facet.TITLE, Facet.TITLE)


@feature
def title_to_text(c: Comparison) -> Array:
    """Is a passage of the candidate about the source's title?"""
    return c.best(Facet.TITLE, None)


@feature
def text_to_title(c: Comparison) -> Array:
    """Is a passage of the source about the candidate's title?"""
    return c.best(None, Facet.TITLE)


@feature
def claim_to_claim(c: Comparison) -> Array:
    """Do they claim the same, or the opposite?"""
    return c.best(Facet.CLAIM, Facet.CLAIM)


@feature
def signal_to_signal(c: Comparison) -> Array:
    """Do they observe the same?"""
    return c.best(Facet.SIGNALS, Facet.SIGNALS)


@feature
def take_to_take(c: Comparison) -> Array:
    """Do they conclude the same?"""
    return c.best(Facet.TAKE, Facet.TAKE)


@feature
def signal_to_claim(c: Comparison) -> Array:
    """Is what one observes what the other claims?"""
    return np.fmax(c.best(Facet.SIGNALS, Facet.CLAIM), c.best(Facet.CLAIM, Facet.SIGNALS))


@feature
def hubness(c: Comparison) -> Array:
    """How near the candidate is to its own nearest notes. High means less telling."""
    return c.hubness


@feature
def csls(c: Comparison) -> Array:
    """Whitened cosine corrected for hubs: 2 cos - r(here) - r(there) (Conneau et al. 2018)."""
    return 2 * whitened_cosine(c) - c.source_hubness - c.hubness
