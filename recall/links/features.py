"""Each candidate in numbers: all candidates at once, every number with a name and a meaning.

A feature is a function of a `Comparison` that gives one number a candidate, higher meaning more
related where the docstring does not say otherwise; NaN where it can't tell. Features are computed
on the index as it is, so whoever measures them on hidden links must hide those from the index.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet
from recall.links.ranker import ranks
from recall.words import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import Mention
    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]

FEATURES: dict[str, Callable[[Comparison], Array]] = {}

# Their rank and their z-score among the candidates say more than the number itself, which depends
# on the vault and on how special the source is.
RELATIVE = ("mean_cosine", "best_pair", "mean_best_pair", "bm25", "titles", "votes")


def feature(function: Callable[[Comparison], Array]) -> Callable[[Comparison], Array]:
    """Put a function among the features, under its name."""
    FEATURES[function.__name__] = function
    return function


def compute(comparison: Comparison) -> dict[str, Array]:
    """Every feature of every candidate: name → (candidates,) float64."""
    found = {name: function(comparison) for name, function in FEATURES.items()}
    for name in RELATIVE:
        column = found[name]
        found[f"{name}_rank"] = -np.log(ranks(column).astype(np.float64))
        spread = float(np.nanstd(column)) if np.isfinite(column).any() else 0.0
        mean = float(np.nanmean(column)) if spread else 0.0
        found[f"{name}_z"] = (column - mean) / spread if spread else np.zeros(len(column))
    return found


@feature
def mean_cosine(c: Comparison) -> Array:
    """Cosine of the two notes' mean vectors: are they about the same, on the whole?"""
    cosines: Array = (c.centroids @ c.source_centroid).astype(np.float64)
    return cosines


@feature
def best_pair(c: Comparison) -> Array:
    """Cosine of the nearest two passages: is there one thought that both hold?"""
    return c.best()


@feature
def mean_best_pair(c: Comparison) -> Array:
    """How well each passage finds its like in the other note, averaged both ways."""
    return (mean_best_here(c) + mean_best_there(c)) / 2


@feature
def mean_best_here(c: Comparison) -> Array:
    """How well the source's passages find their like in the candidate, on average."""
    found: Array = c.best_for_here.mean(axis=0).astype(np.float64)
    return found


@feature
def mean_best_there(c: Comparison) -> Array:
    """How well the candidate's passages find their like in the source, on average."""
    best = c.similarities.max(axis=0)
    sums = np.add.reduceat(best, c.block.starts[:-1])
    found: Array = (sums / np.diff(c.block.starts)).astype(np.float64)
    return found


@feature
def title_to_title(c: Comparison) -> Array:
    """Cosine of the two titles."""
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
def titles(c: Comparison) -> Array:
    """Is one note's title what a passage of the other is about?"""
    return np.fmax(title_to_text(c), text_to_title(c))


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
def bm25(c: Comparison) -> Array:
    """Do they use the same rare words? BM25 with the source's most telling terms as the query."""
    return np.array([c.candidates.bm25[path] or np.nan for path in c.paths])


@feature
def bm25_of_names(c: Comparison) -> Array:
    """Are the source's terms in the candidate's title, names or tags? BM25 on those alone."""
    return np.array([c.candidates.bm25_of_names.get(path, np.nan) for path in c.paths])


@feature
def shared_title_terms(c: Comparison) -> Array:
    """Share of the titles' terms that both titles hold, weighed by rarity (Jaccard)."""
    here = set(terms(c.source.card.title))
    there = [set(terms(card.title)) for card in c.cards]
    rarity = c.rarity(sorted(here.union(*there)))
    return np.array([_weighed_jaccard(here, other, rarity) for other in there])


@feature
def mention_here(c: Comparison) -> Array:
    """Does the source name the candidate? Length of the name in characters, as a logarithm."""
    return np.array([_length(c.candidates.mentions.get(path)) for path in c.paths])


@feature
def mention_there(c: Comparison) -> Array:
    """Does the candidate name the source? Length of the name in characters, as a logarithm."""
    return np.array([_length(mention) for mention in c.mentions_there])


@feature
def hubness(c: Comparison) -> Array:
    """How near the candidate is to its own nearest notes. High means less telling."""
    return c.hubness


@feature
def csls(c: Comparison) -> Array:
    """Cosine corrected for hubs: 2 cos - r(source) - r(candidate) (Conneau et al. 2018)."""
    return 2 * mean_cosine(c) - c.source_hubness - c.hubness


@feature
def in_degree(c: Comparison) -> Array:
    """How many notes link the candidate, as a logarithm."""
    return np.array([math.log1p(len(found.linking)) for found in c.neighbours])


@feature
def out_degree(c: Comparison) -> Array:
    """How many notes the candidate links, as a logarithm."""
    return np.array([math.log1p(len(found.linked)) for found in c.neighbours])


@feature
def votes(c: Comparison) -> Array:
    """Do the notes nearest to the source link the candidate? Sum of the voters' weights."""
    weight = c.voters
    return np.array([sum(weight.get(p, 0.0) for p in found.linking) for found in c.neighbours])


@feature
def votes_back(c: Comparison) -> Array:
    """Does the candidate link the notes nearest to the source? Sum of the voters' weights."""
    weight = c.voters
    return np.array([sum(weight.get(p, 0.0) for p in found.linked) for found in c.neighbours])


@feature
def common_neighbours(c: Comparison) -> Array:
    """How many notes are linked with both, as a logarithm."""
    own = c.source.neighbours
    return np.array([math.log1p(len(own & (n.linked | n.linking))) for n in c.neighbours])


@feature
def adamic_adar(c: Comparison) -> Array:
    """Common neighbours, each weighed by 1 / log of its degree (Adamic and Adar 2003)."""
    shared = [c.source.neighbours & (n.linked | n.linking) for n in c.neighbours]
    degrees = {
        path: len(found.linked | found.linking)
        for path, found in c.snapshot.neighbours(sorted(set().union(*shared))).items()
    }
    return np.array(
        [sum(1 / math.log(max(degrees[p], 2)) for p in sorted(paths)) for paths in shared]
    )


@feature
def links_back(c: Comparison) -> Array:
    """Does the candidate link the source already?"""
    path = c.source.card.path
    return np.array([float(path in found.linked) for found in c.neighbours])


@feature
def shared_tags(c: Comparison) -> Array:
    """Share of tags and keywords that both notes bear (Jaccard)."""
    here = _tags(c.source.card.tags, c.source.card.keywords)
    there = [_tags(card.tags, card.keywords) for card in c.cards]
    return np.array([len(here & o) / len(here | o) if here | o else np.nan for o in there])


@feature
def same_folder(c: Comparison) -> Array:
    """Share of the folders on the way to the two notes that is the same."""
    here = PurePosixPath(c.source.card.path).parts[:-1]
    return np.array([_shared_folders(here, PurePosixPath(path).parts[:-1]) for path in c.paths])


@feature
def days_apart(c: Comparison) -> Array:
    """Days between the two notes' creation, as a logarithm; low means near."""
    here = c.source.card.created
    return np.array(
        [
            math.log1p(abs((card.created - here).days)) if here and card.created else np.nan
            for card in c.cards
        ]
    )


@feature
def length(c: Comparison) -> Array:
    """Number of the candidate's passages, as a logarithm: a long note is near everything."""
    return np.log(np.diff(c.block.starts).astype(np.float64))


@feature
def source_length(c: Comparison) -> Array:
    """Number of the source's passages, as a logarithm; the same for every candidate."""
    return np.full(len(c), math.log(max(len(c.source.passages), 1)))


def _length(mention: Mention | None) -> float:
    return math.log1p(len(mention.text)) if mention else 0.0


def _weighed_jaccard(here: set[str], there: set[str], rarity: dict[str, float]) -> float:
    whole = sum(rarity[term] for term in here | there)
    return sum(rarity[term] for term in here & there) / whole if whole else 0.0


def _tags(tags: tuple[str, ...], keywords: tuple[str, ...]) -> frozenset[str]:
    return frozenset(tag.casefold() for tag in (*tags, *keywords))


def _shared_folders(here: tuple[str, ...], there: tuple[str, ...]) -> float:
    same = 0
    for one, other in zip(here, there, strict=False):
        if one != other:
            break
        same += 1
    return (same + 1) / (max(len(here), len(there)) + 1)
