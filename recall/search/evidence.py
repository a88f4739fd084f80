"""What speaks for the notes that may answer: nearness in meaning, and words, of all of them.

Candidates come from two lists, the nearest texts and the best by words. Each is then scored under
both, so no note is held to say nothing merely because one list was too short for it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Filters
from recall.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.store import Nearest, Snapshot

POOL = 120  # texts and notes taken from either side, or more if more notes are asked for
TEXTS_A_NOTE = 5  # so many texts are looked at for each note that is asked for
COMMON_FROM = 8_000  # notes that hold a term; of fewer, BM25 is told in 20 milliseconds
LONG_RUN = 16  # rows; longer runs are rare, and are added one by one
SATURATION = 2.2  # what BM25 makes of a term that a note is full of, times its rarity: k1 + 1

# Chosen by hand, not tuned: a word in the title says more than one in the text.
COLUMN_WEIGHTS: Mapping[str, float] = {
    "title": 3.0,
    "names": 2.0,
    "tags": 1.5,
    "description": 1.5,
    "claim": 1.5,
    "signals": 1.0,
    "take": 1.0,
    "question": 1.0,
    "body": 1.0,
    "rest": 0.3,
}


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The candidates for one question, by path, and what speaks for each; n of them."""

    paths: list[str]
    best: NDArray[np.float64]  # (n,) cosine of the nearest passage; the mean over several questions
    whole: NDArray[np.float64]  # (n,) cosine of the mean of the passages
    words: NDArray[np.float64]  # (n,) BM25; 0 where the note holds no word
    ceiling: float  # what `words` can't exceed
    means: NDArray[np.float32]  # (n, dim) unit rows, or zeros for a note without passages
    is_first: NDArray[np.bool_]  # (n,) a candidate however few notes are asked for


def look_up(snapshot: Snapshot, terms: Mapping[str, float], *, k: int, filters: Filters) -> None:
    """Read what `gather` will need of the words; the snapshot keeps it. Needs no vector."""
    telling = _telling(snapshot, terms, k, filters)
    snapshot.frequency_in_columns(telling, filters=filters, columns=COLUMN_WEIGHTS)


def nearest_texts(
    snapshot: Snapshot,
    vectors: NDArray[np.float32],
    *,
    k: int,
    filters: Filters,
    max_notes_per_text: int,
) -> Nearest:
    """The texts whose notes `gather` looks at; needs no word."""
    most = max(_few(vectors), TEXTS_A_NOTE * k)
    return snapshot.nearest(vectors, most, filters=filters, max_notes_per_text=max_notes_per_text)


def _few(vectors: NDArray[np.float32]) -> int:
    """How many texts each vector finds that are looked at however few notes are asked for."""
    return max(1, POOL // len(vectors))


def gather(
    snapshot: Snapshot,
    vectors: NDArray[np.float32],
    terms: Mapping[str, float],
    *,
    k: int,
    filters: Filters,
    max_notes_per_text: int,
    only: Collection[str] | None = None,
    nearest: Nearest | None = None,
) -> Evidence:
    """The notes that may answer, and what speaks for each.

    Args:
        snapshot: The index.
        vectors: (m, dim) float32 unit rows: the question, or the passages of a longer one.
        terms: The terms of the question, with the weight of each.
        k: How many notes are asked for.
        filters: Which notes and passages may answer.
        max_notes_per_text: A text that more notes hold says nothing.
        only: The notes that may answer; all of them are candidates then. None: any.
        nearest: What `nearest_texts` gave, if that was asked already.
    """
    if only is not None:
        near, first_near = set(only), set(only)
    else:
        nearest = nearest or nearest_texts(
            snapshot, vectors, k=k, filters=filters, max_notes_per_text=max_notes_per_text
        )
        near, first_near = _holders(snapshot, nearest, _few(vectors), filters)
    telling = _telling(snapshot, terms, k, filters)
    written = snapshot.lexical(
        telling, max(POOL, k), filters=filters, columns=COLUMN_WEIGHTS, also=near
    )
    words_of = dict(written)
    first = first_near.union(path for path, _ in written[:POOL])
    paths = sorted(near | words_of.keys() if only is None else near)
    owners, texts = snapshot.texts_of(paths, filters=filters, max_notes_per_text=max_notes_per_text)
    held = snapshot.vectors(texts)
    best, whole, means = _nearness(held, owners, vectors, len(paths))
    return Evidence(
        paths,
        best,
        whole,
        words=np.array([words_of.get(path, 0.0) for path in paths], dtype=np.float64),
        ceiling=_ceiling(snapshot, terms, filters),
        means=means,
        is_first=np.array([path in first for path in paths], dtype=bool),
    )


def _telling(
    snapshot: Snapshot, terms: Mapping[str, float], k: int, filters: Filters
) -> Mapping[str, float]:
    """The terms without those that decide nothing, where the others fill the list of the best.

    BM25 gives a term that more than half of the notes hold a millionth of what others get, so it
    only decides between notes that are otherwise equal, and takes the longest to do so. Questions
    of Cranfield and MED have the same ten answers without any such term.
    """
    if filters != Filters():
        return terms
    notes, frequency = snapshot.note_count(), snapshot.document_frequency(terms)
    if not any(max(POOL, k) <= count <= notes / 2 for count in frequency.values()):
        return terms
    most = max(notes / 2, COMMON_FROM)
    return {term: weight for term, weight in terms.items() if frequency[term] <= most}


def _holders(
    snapshot: Snapshot, nearest: Nearest, few: int, filters: Filters
) -> tuple[set[str], set[str]]:
    """The notes that hold one of the nearest texts, and those of the first `few`."""
    ids = nearest.text_ids
    first = set(snapshot.holders_of(_found(ids[:, :few]), filters=filters))
    if ids.shape[1] == few:
        return first, first
    return set(snapshot.holders_of(_found(ids), filters=filters)), first


def _found(text_ids: NDArray[np.int64]) -> list[int]:
    return sorted(set(text_ids[text_ids >= 0].tolist()))


def _nearness(
    held: NDArray[np.float32],
    owners: NDArray[np.int64],
    vectors: NDArray[np.float32],
    notes: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Cosines of best passages and of means, and the means; `owners` ascend."""
    best = np.zeros(notes)
    means = np.zeros((notes, vectors.shape[1]), dtype=np.float32)
    if not len(owners):
        return best, np.zeros(notes), means
    # Not `np.unique`, which loads masked arrays to tell that these are none.
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    here = owners[starts]
    cosines = held.astype(np.float64) @ vectors.T.astype(np.float64)
    # One row a question lies in one piece, over which reduceat is ten times faster.
    highest = [np.maximum.reduceat(row, starts) for row in np.ascontiguousarray(cosines.T)]
    best[here] = np.mean(highest, axis=0)
    means[here] = _sums(held, starts)
    means /= np.linalg.norm(means, axis=1, keepdims=True).clip(min=1e-12)
    asked = vectors.mean(axis=0, dtype=np.float64)
    asked /= max(float(np.linalg.norm(asked)), 1e-12)
    return best, means.astype(np.float64) @ asked, means


def _sums(rows: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """The sum of each run of rows: the first rows of all runs, then the second ones, and so on."""
    lengths = np.diff(starts, append=len(rows))
    sums = rows[starts]
    for place in range(1, min(int(lengths.max()), LONG_RUN)):
        longer = np.flatnonzero(lengths > place)
        sums[longer] += rows[starts[longer] + place]
    for run in np.flatnonzero(lengths > LONG_RUN).tolist():
        first = int(starts[run])
        sums[run] = rows[first : first + int(lengths[run])].sum(axis=0)
    return sums


def _ceiling(snapshot: Snapshot, terms: Mapping[str, float], filters: Filters) -> float:
    """The BM25 of a note that is full of all the words."""
    notes = snapshot.note_count()
    # A word is as rare as it is where it is looked for: common in notes, it can be rare in claims.
    frequency = (
        snapshot.frequency_in_columns(terms, filters=filters, columns=COLUMN_WEIGHTS)
        if filters.facets
        else snapshot.document_frequency(terms)
    )
    # The rarity FTS5 uses, with its lower bound for words that most notes hold.
    return (
        sum(
            weight * max(math.log((notes - frequency[term] + 0.5) / (frequency[term] + 0.5)), 1e-6)
            for term, weight in terms.items()
        )
        * SATURATION
    )
