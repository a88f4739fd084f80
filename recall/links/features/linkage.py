"""What the candidates are linked with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from recall.links.features.registry import feature
from recall.links.whitening import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]


@feature
def in_degree(c: Comparison) -> Array:
    """How many notes link the candidate, as a logarithm."""
    return np.log1p(c.degrees[0])


@feature
def out_degree(c: Comparison) -> Array:
    """How many notes the candidate links, as a logarithm."""
    return np.log1p(c.degrees[1])


@feature
def popularity(c: Comparison) -> Array:
    """How many notes link the candidate, for each that links a note on average."""
    found: Array = c.degrees[0] * len(c.overview.table.speaking) / max(c.learned.links, 1)
    return found


@feature
def votes(c: Comparison) -> Array:
    """Do the notes nearest to the source link the candidate? Sum of the voters' weights."""
    return _voted(c, c.overview.votes.linked)


@feature
def votes_back(c: Comparison) -> Array:
    """Does the candidate link the notes nearest to the source? Sum of the voters' weights."""
    return _voted(c, c.overview.votes.linking)


@feature
def votes_with_words(c: Comparison) -> Array:
    """Do the notes nearest by meaning and words link the candidate?"""
    return _voted(c, c.overview.votes_with_words.linked)


@feature
def votes_by_words(c: Comparison) -> Array:
    """Do the notes that use the source's most telling words link the candidate?"""
    return _voted(c, c.overview.votes_by_words.linked)


@feature
def votes_adapted(c: Comparison) -> Array:
    """Is the candidate linked by the notes that this author would link from the source?"""
    return _voted(c, c.overview.votes_adapted.linked)


@feature
def common_neighbours(c: Comparison) -> Array:
    """How many notes are linked with both, as a logarithm."""
    return np.log1p(c.overview.by_own_links[0][c.notes].astype(np.float64))


@feature
def adamic_adar(c: Comparison) -> Array:
    """Common neighbours, each weighed by 1 / log of its degree (Adamic and Adar 2003)."""
    return c.overview.by_own_links[1][c.notes]


@feature
def near_own_links(c: Comparison) -> Array:
    """Whitened cosine with the mean of the notes that the source is linked with."""
    places = c.overview.speaker[c.overview.neighbours]
    if not (places >= 0).any():
        return np.full(len(c), np.nan)
    near = c.learned.whitening(c.overview.table.means[places[places >= 0]])
    mean = near.mean(axis=0, keepdims=True)
    return c.whitened_cosines(unit(mean)[0])


@feature
def links_back(c: Comparison) -> Array:
    """Does the candidate link the source already?"""
    return np.isin(c.notes, c.overview.neighbours).astype(np.float64)


@feature
def source_links(c: Comparison) -> Array:
    """With how many notes the source is linked, as a logarithm; the same for every candidate."""
    return np.full(len(c), math.log1p(len(c.source.neighbours)))


def _voted(c: Comparison, weights: Array) -> Array:
    return np.nan_to_num(weights[c.notes], nan=0.0)
