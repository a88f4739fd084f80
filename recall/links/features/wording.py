"""What the source and the candidates say alike, and whether they name one another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from recall.links.features.registry import feature
from recall.words import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import Mention
    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]


@feature
def bm25(c: Comparison) -> Array:
    """Do they use the same rare words? BM25 with the source's most telling terms as the query."""
    return np.array([c.candidates.bm25[path] or np.nan for path in c.paths])


@feature
def bm25_weighed(c: Comparison) -> Array:
    """The same, but what is most telling of the source counts most (weights: its tf·idf)."""
    return np.array([c.candidates.bm25_weighed.get(path, np.nan) for path in c.paths])


@feature
def bm25_of_names(c: Comparison) -> Array:
    """Are the source's terms in the candidate's title, names or tags? BM25 on those alone."""
    return np.array([c.candidates.bm25_of_names.get(path, np.nan) for path in c.paths])


@feature
def shared_title_terms(c: Comparison) -> Array:
    """Share of the titles' terms that both titles hold, weighed by rarity (Jaccard)."""
    here = set(terms(c.source.card.title))
    rarity = c.rarity(sorted(here))
    both = c.titles.weights_among(here)
    whole = sum(rarity[term] for term in sorted(here)) + c.titles.weights - both
    return np.where(whole > 0, both / np.where(whole > 0, whole, 1.0), 0.0)


@feature
def title_share_here(c: Comparison) -> Array:
    """Share of the candidate's title that the source says, weighed by rarity."""
    found: Array = c.title_weight_here / np.maximum(c.titles.weights, 1e-9)
    return found


@feature
def title_weight_here(c: Comparison) -> Array:
    """How much of the candidate's title the source says: the rarity of those terms, summed."""
    return c.title_weight_here


@feature
def title_length(c: Comparison) -> Array:
    """Number of terms of the candidate's title, as a logarithm."""
    return np.log1p(c.titles.terms.lengths().astype(np.float64))


@feature
def mention_here(c: Comparison) -> Array:
    """Does the source name the candidate? Length of the name in characters, as a logarithm."""
    return np.array([_length(c.candidates.mentions.get(path)) for path in c.paths])


def _length(mention: Mention | None) -> float:
    return math.log1p(len(mention.text)) if mention else 0.0
