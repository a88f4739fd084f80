"""Evidence → one score for each candidate.

Both kinds of evidence are put on scales that need no list to compare with: a cosine as it is, and
BM25 as its share of what a note could reach that is full of all the words (the theoretical
maximum of Bruch, Gai, Ingber 2023). So one hit in a list counts for what it is, where min-max or
ranks would make it the best of one. The sum is convex.

Then notes that are alike lend each other part of their scores (score regularisation, Diaz 2005):
notes that answer the same question resemble each other, those that merely share a word don't.
The longer the question, the more: a long one says what it is about, a single word only names it.

Last, the first three notes are taken for what was meant, and every candidate gains by how far it
lies on their side of what tells them from the others (Fisher's discriminant, 1936; feedback
without a reader, as Rocchio's of 1971, but along what distinguishes these candidates).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.search.evidence import Evidence

# Set on three judged collections and questions over seven vaults (docs/decisions/0006, 0019, 0021);
# the same for every vault.
DENSE = 0.35  # share of meaning in the sum, of one word and of very many; the rest is words
DENSE_OF_FEW = 0.75  # so much more, divided by the number of words
LENT = 0.75  # share of a note's score that notes like it lend, of very many words; of one, none
LENDERS = 8  # so many of them
SHARPNESS = 4  # a lender counts by this power of its cosine: near ones much more than far ones
MEANT = 3  # notes that are taken for what was meant, each by one over its rank
APART = 0.5  # of the spread of the scores, what a note gains that lies farthest on their side
RIDGE = 0.02  # added to the variance in every direction, which is 1 in all of them together
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
    return LENT * _told(words)


def _told(words: int) -> float:
    """How much a question says beyond a name: 0 for a single word, nearly 1 for very many."""
    return 1 - 1 / max(words, 1)


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
    if (told := _told(words)) > 0:
        alike = likeness(evidence.means[first])
        lent = smoothed(scores[first], alike, lent=share_lent(words))
        scores[first] = set_apart(lent, alike, worth=APART * told)
    if len(rest):
        least, highest = scores[first].min(), max(scores[rest].max(), EPSILON)
        scores[rest] -= max(0.0, highest - least) + EPSILON
    return scores


def likeness(means: NDArray[np.float32]) -> NDArray[np.float64]:
    """How alike notes are: (n, n) cosines of their mean vectors, (n, dim) unit rows or zeros."""
    cosines: NDArray[np.float64] = (means @ means.T).astype(np.float64)
    return cosines


def smoothed(
    scores: NDArray[np.float64],
    alike: NDArray[np.float64],
    *,
    lent: float,
    lenders: int = LENDERS,
    sharpness: int = SHARPNESS,
) -> NDArray[np.float64]:
    """Scores to which the most similar candidates have lent a share.

    Args:
        scores: (n,)
        alike: (n, n) cosines, `likeness` of the candidates; a note without a vector has 0 with all.
        lent: The share, from 0 to 1.
        lenders: How many lend to each, at most.
        sharpness: A lender counts by this power of its cosine.
    """
    if not len(scores) or not lent:
        return scores
    weights = alike.clip(min=0.0)
    # A note is most like itself, so of two notes the better one stays the better.
    np.fill_diagonal(weights, 1.0)
    last = min(lenders, len(scores) - 1)
    least = -np.partition(-weights, last, axis=1)[:, last : last + 1]
    weights[weights < least] = 0.0
    near = weights > 0
    weights[near] **= sharpness
    borrowed = weights @ scores / weights.sum(axis=1)
    found: NDArray[np.float64] = (1 - lent) * scores + lent * borrowed
    return found


def set_apart(
    scores: NDArray[np.float64],
    alike: NDArray[np.float64],
    *,
    worth: float,
    meant: int = MEANT,
    ridge: float = RIDGE,
) -> NDArray[np.float64]:
    """Scores of candidates that gain by lying on the side of the first ones.

    The direction is Fisher's: (C + ridge I)⁻¹ (m - c), with c and C the mean and the covariance of
    the candidates' vectors and m the mean of the first ones. Of n candidates it is computed from
    the n × n products of their vectors, however many numbers these have.

    Args:
        scores: (n,)
        alike: (n, n) cosines, `likeness` of the candidates.
        worth: What the one farthest on that side gains, as a share of the spread of the scores.
        meant: How many are first; each counts by one over its rank.
        ridge: Against directions in which the candidates hardly differ.
    """
    if len(scores) < 2 or not worth:
        return scores
    across = alike.mean(axis=0)
    centred = alike - across - across[:, None] + across.mean()
    first = np.argsort(-scores, kind="stable")[:meant]
    weights = 1 / np.arange(1, len(first) + 1)
    wanted = centred[:, first] @ (weights / weights.sum())
    sides = np.linalg.solve(centred / len(scores) + ridge * np.eye(len(scores)), wanted)
    farthest = max(float(np.abs(sides).max()), EPSILON)
    found: NDArray[np.float64] = scores + worth * np.ptp(scores) * sides / farthest
    return found
