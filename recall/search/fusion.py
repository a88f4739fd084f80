"""Evidence → one score for each candidate.

Both kinds of evidence are put on scales that need no list to compare with: a cosine as it is, and
BM25 as its share of what a note could reach that is full of all the words (the theoretical
maximum of Bruch, Gai, Ingber 2023). So one hit in a list counts for what it is, where min-max or
ranks would make it the best of one. The sum is convex.

Then notes that are alike lend each other part of their scores (score regularisation, Diaz 2005):
notes that answer the same question resemble each other, those that merely share a word don't.
The longer the question, the more: a long one says what it is about, a single word only names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.search.evidence import Evidence

# Set on three judged collections and questions over seven vaults (docs/decisions/0006 and 0019);
# the same for every vault.
DENSE = 0.35  # share of meaning in the sum, of one word and of very many; the rest is words
DENSE_OF_FEW = 0.75  # so much more, divided by the number of words
LENT = 0.75  # share of a note's score that notes like it lend, of very many words; of one, none
LENDERS = 8  # so many of them
SHARPNESS = 4  # a lender counts by this power of its cosine: near ones much more than far ones
MOST_SMOOTHED = 600  # candidates that are compared with one another
EPSILON = 1e-9


def share_of_meaning(words: int) -> float:
    """How much of a score is meaning: the more, the fewer words were asked.

    A note that holds two of three words may do so by accident, one that holds ten of fifteen does
    not. A single word is meant as a word.
    """
    return DENSE + DENSE_OF_FEW / words if words > 1 else DENSE


def share_lent(words: int) -> float:
    """How much of a score comes from the notes that are most alike: the more, the more words.

    Who types a single word wants the notes that hold it, not others that are like them.
    """
    return LENT * (1 - 1 / max(words, 1))


def mixed(evidence: Evidence, *, words: int) -> NDArray[np.float64]:
    """Meaning and words of each candidate in one sum: (n,), higher is better."""
    meaning = (evidence.best + evidence.whole) / 2
    wording = evidence.words / max(evidence.ceiling, EPSILON)
    dense = share_of_meaning(words)
    scores: NDArray[np.float64] = dense * meaning + (1 - dense) * wording
    return scores


def fused(evidence: Evidence, *, words: int) -> NDArray[np.float64]:
    """The score of each candidate, higher is better: (n,).

    Args:
        evidence: The candidates.
        words: How many words were asked that carry meaning.

    Only candidates that are there for every `k` lend and borrow, and the others follow them: how
    many notes are asked for does not change the order of those that come first.
    """
    scores = mixed(evidence, words=words)
    first = np.flatnonzero(evidence.is_first)
    first = first[np.argsort(-scores[first], kind="stable")[:MOST_SMOOTHED]]
    if not len(first):
        return scores
    is_rest = np.ones(len(scores), dtype=bool)
    is_rest[first] = False
    rest = np.flatnonzero(is_rest)
    scores[first] = smoothed(scores[first], evidence.means[first], lent=share_lent(words))
    if len(rest):
        least, highest = scores[first].min(), max(scores[rest].max(), EPSILON)
        scores[rest] -= max(0.0, highest - least) + EPSILON
    return scores


def smoothed(
    scores: NDArray[np.float64],
    means: NDArray[np.float32],
    *,
    lent: float,
    lenders: int = LENDERS,
    sharpness: int = SHARPNESS,
) -> NDArray[np.float64]:
    """Scores to which the most similar candidates have lent a share.

    Args:
        scores: (n,)
        means: (n, dim) the candidates' mean vectors, unit rows; a zero row has no neighbours.
        lent: The share, from 0 to 1.
        lenders: How many lend to each, at most.
        sharpness: A lender counts by this power of its cosine.
    """
    if not len(scores) or not lent:
        return scores
    alike = (means @ means.T).astype(np.float64).clip(min=0.0)
    # A note is most like itself, so of two notes the better one stays the better.
    np.fill_diagonal(alike, 1.0)
    last = min(lenders, len(scores) - 1)
    least = -np.partition(-alike, last, axis=1)[:, last : last + 1]
    alike[alike < least] = 0.0
    near = alike > 0
    alike[near] **= sharpness
    borrowed = alike @ scores / alike.sum(axis=1)
    found: NDArray[np.float64] = (1 - lent) * scores + lent * borrowed
    return found
