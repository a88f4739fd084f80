"""Each candidate in numbers: all candidates at once, every number with a name and a meaning.

A feature is a function of a `Comparison` that gives one number a candidate, higher meaning more
related where the docstring does not say otherwise; NaN where it can't tell. Features are computed
on the index as it is, so whoever measures them on hidden links must hide those from the index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet
from recall.links.learned import folder_of
from recall.links.ranker import ranks
from recall.links.whitening import unit
from recall.words import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import Mention
    from recall.links.comparison import Comparison

    Array = NDArray[np.float64]

FEATURES: dict[str, Callable[[Comparison], Array]] = {}

# Their rank and their z-score among the candidates say more than the number itself, which depends
# on the vault and on how special the source is.
RELATIVE = (
    "whitened_cosine", "whitened_best_pair", "best_here", "best_there", "bm25", "bm25_of_names",
    "title_to_text", "text_to_title", "title_weight_here", "votes", "votes_with_words", "adapted",
)  # fmt: skip


def feature(function: Callable[[Comparison], Array]) -> Callable[[Comparison], Array]:
    """Put a function among the features, under its name."""
    FEATURES[function.__name__] = function
    return function


def compute(comparison: Comparison) -> dict[str, Array]:
    """Every feature of every candidate: name → (candidates,) float64."""
    found = {name: function(comparison) for name, function in FEATURES.items()}
    # How far a note stands out is told from all notes where all are known, not from candidates.
    overview = comparison.overview
    everyone = {"whitened_cosine": overview.cosines, "adapted": overview.adapted}
    for name in RELATIVE:
        column = found[name]
        found[f"{name}_rank"] = -np.log(ranks(column).astype(np.float64))
        crowd = everyone.get(name, column)
        spread = float(np.nanstd(crowd)) if np.isfinite(crowd).any() else 0.0
        mean = float(np.nanmean(crowd)) if spread else 0.0
        found[f"{name}_z"] = (column - mean) / spread if spread else np.zeros(len(column))
    return found


@feature
def mean_cosine(c: Comparison) -> Array:
    """Cosine of the two notes' mean vectors: are they about the same, on the whole?"""
    cosines: Array = (c.centroids @ c.overview.source_centroid).astype(np.float64)
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
    found: Array = (c.learned.whitening(c.centroids) @ back).astype(np.float64)
    return found


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
    there = c.title_terms
    rarity = c.rarity(sorted(here.union(*there)))
    return np.array([_weighed_jaccard(here, other, rarity) for other in there])


@feature
def title_share_here(c: Comparison) -> Array:
    """Share of the candidate's title that the source says, weighed by rarity."""
    said, whole = _title_weights(c)
    found: Array = said / np.maximum(whole, 1e-9)
    return found


@feature
def title_weight_here(c: Comparison) -> Array:
    """How much of the candidate's title the source says: the rarity of those terms, summed."""
    return _title_weights(c)[0]


@feature
def title_length(c: Comparison) -> Array:
    """Number of terms of the candidate's title, as a logarithm."""
    return np.array([math.log1p(len(title)) for title in c.title_terms])


@feature
def mention_here(c: Comparison) -> Array:
    """Does the source name the candidate? Length of the name in characters, as a logarithm."""
    return np.array([_length(c.candidates.mentions.get(path)) for path in c.paths])


@feature
def hubness(c: Comparison) -> Array:
    """How near the candidate is to its own nearest notes. High means less telling."""
    return c.hubness


@feature
def csls(c: Comparison) -> Array:
    """Whitened cosine corrected for hubs: 2 cos - r(here) - r(there) (Conneau et al. 2018)."""
    return 2 * whitened_cosine(c) - c.source_hubness - c.hubness


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
    return c.degrees[0] * len(c.overview.paths) / max(c.learned.links, 1)


@feature
def votes(c: Comparison) -> Array:
    """Do the notes nearest to the source link the candidate? Sum of the voters' weights."""
    return _looked_up(c, c.overview.votes.linked)


@feature
def votes_back(c: Comparison) -> Array:
    """Does the candidate link the notes nearest to the source? Sum of the voters' weights."""
    return _looked_up(c, c.overview.votes.linking)


@feature
def votes_with_words(c: Comparison) -> Array:
    """Do the notes nearest by meaning and words link the candidate?"""
    return _looked_up(c, c.overview.votes_with_words.linked)


@feature
def votes_adapted(c: Comparison) -> Array:
    """Is the candidate linked by the notes that this author would link from the source?"""
    return _looked_up(c, c.overview.votes_adapted.linked)


@feature
def common_neighbours(c: Comparison) -> Array:
    """How many notes are linked with both, as a logarithm."""
    shared = c.overview.by_own_links
    return np.array([math.log1p(shared.get(path, (0, 0.0))[0]) for path in c.paths])


@feature
def adamic_adar(c: Comparison) -> Array:
    """Common neighbours, each weighed by 1 / log of its degree (Adamic and Adar 2003)."""
    shared = c.overview.by_own_links
    return np.array([shared.get(path, (0, 0.0))[1] for path in c.paths])


@feature
def near_own_links(c: Comparison) -> Array:
    """Whitened cosine with the mean of the notes that the source is linked with."""
    rows = [c.overview.place[p] for p in sorted(c.source.neighbours) if p in c.overview.place]
    if not rows:
        return np.full(len(c), np.nan)
    whitening = c.learned.whitening
    mean = whitening(c.overview.centroids[rows]).mean(axis=0, keepdims=True)
    found: Array = (whitening(c.centroids) @ unit(mean)[0]).astype(np.float64)
    return found


@feature
def links_back(c: Comparison) -> Array:
    """Does the candidate link the source already?"""
    return np.array([float(path in c.source.neighbours) for path in c.paths])


@feature
def source_links(c: Comparison) -> Array:
    """With how many notes the source is linked, as a logarithm; the same for every candidate."""
    return np.full(len(c), math.log1p(len(c.source.neighbours)))


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
def folder_affinity(c: Comparison) -> Array:
    """How much likelier than by chance notes of the source's folder link the candidate's folder."""
    folders = [folder_of(path) for path in c.paths]
    return c.learned.folders.affinity(folder_of(c.source.card.path), folders)


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


@feature
def vault_size(c: Comparison) -> Array:
    """Number of the vault's notes, as a logarithm; the same for every candidate."""
    return np.full(len(c), math.log(max(len(c.overview.paths), 1)))


@feature
def links_per_note(c: Comparison) -> Array:
    """How many links the vault's notes hold on average, as a logarithm; the same for all."""
    return np.full(len(c), math.log1p(c.learned.links / max(len(c.overview.paths), 1)))


def _looked_up(c: Comparison, weights: Mapping[str, float]) -> Array:
    return np.array([weights.get(path, 0.0) for path in c.paths])


def _title_weights(c: Comparison) -> tuple[Array, Array]:
    """(candidates,) each: rarity of the title's terms that the source says, and of all."""
    titles = [sorted(title) for title in c.title_terms]
    rarity = c.rarity(sorted({term for title in titles for term in title}))
    said = [sum(rarity[t] for t in title if t in c.source.term_counts) for title in titles]
    return np.array(said), np.array([sum(rarity[t] for t in title) for title in titles])


def _length(mention: Mention | None) -> float:
    return math.log1p(len(mention.text)) if mention else 0.0


def _weighed_jaccard(here: set[str], there: frozenset[str], rarity: dict[str, float]) -> float:
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
