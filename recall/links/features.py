"""Each candidate in numbers: all candidates at once, every number with a name.

Cosines are between unit vectors, so they lie in [-1, 1]; higher always means nearer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet, Mention

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recall.links.candidates import Candidates
    from recall.links.source import Source
    from recall.store import Snapshot, StoredPassage


@dataclass(frozen=True, slots=True)
class Compared:
    """The source laid beside every candidate.

    Row i of the similarities is the source's i-th passage; the columns of candidate j are
    `starts[j]:starts[j + 1]`, one for each of its passages.
    """

    paths: tuple[str, ...]
    passages: tuple[tuple[StoredPassage, ...], ...]  # of each candidate
    starts: NDArray[np.int64]  # (len(paths) + 1,)
    similarities: NDArray[np.float32]  # (source passages, all candidates' passages)
    values: Mapping[str, NDArray[np.float64]]  # signal → (len(paths),); NaN: it is silent
    mentions: Mapping[str, Mention]  # path → where the source names that note


def compare(
    source: Source,
    candidates: Candidates,
    snapshot: Snapshot,
    *,
    max_notes_per_text: int,
) -> Compared:
    """Compute every signal for every candidate.

    Args:
        source: The note that suggestions are wanted for; it has at least one passage.
        candidates: What to compare it with.
        snapshot: The index.
        max_notes_per_text: Texts that more notes hold are left out of the comparison.
    """
    held = snapshot.passages_of(list(candidates.bm25))
    every = [item.text_id for stored in held.values() for item in stored]
    common = snapshot.common_texts(every, max_notes_per_text)
    passages = {
        path: tuple(item for item in held.get(path, ()) if item.text_id not in common)
        for path in candidates.bm25
    }
    paths = tuple(path for path in candidates.bm25 if passages[path])
    kept = tuple(passages[path] for path in paths)
    starts = np.cumsum([0, *(len(stored) for stored in kept)], dtype=np.int64)
    vectors = snapshot.vectors([item.text_id for stored in kept for item in stored])
    similarities = source.vectors @ vectors.T
    values = {
        # Do they use the same rare words? BM25 with the source's most telling terms as the query.
        "bm25": np.array([candidates.bm25[path] or np.nan for path in paths]),
        # Does the source name the candidate, in so many characters?
        "mention": np.array([_length(candidates.mentions.get(path)) for path in paths]),
        **_dense(source, kept, starts, vectors, similarities),
    }
    return Compared(paths, kept, starts, similarities, values, candidates.mentions)


def _length(mention: Mention | None) -> float:
    return float(len(mention.text)) if mention else np.nan


def _dense(
    source: Source,
    passages: Sequence[Sequence[StoredPassage]],
    starts: NDArray[np.int64],
    vectors: NDArray[np.float32],
    similarities: NDArray[np.float32],
) -> dict[str, NDArray[np.float64]]:
    if not len(passages):
        return dict.fromkeys(("mean_cosine", "best_pair", "mean_best_pair", "titles"), np.zeros(0))
    begins = starts[:-1]
    best_for_source = np.maximum.reduceat(similarities, begins, axis=1)  # (passages, candidates)
    best_for_target = np.add.reduceat(similarities.max(axis=0), begins) / np.diff(starts)
    centroids = np.add.reduceat(vectors, begins, axis=0)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True).clip(min=1e-12)
    mean = source.vectors.mean(axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return {
        # Cosine of the two notes' mean vectors: are they about the same, on the whole?
        "mean_cosine": (centroids @ mean).astype(np.float64),
        # The nearest pair of passages: is there one thought that both hold?
        "best_pair": best_for_source.max(axis=0).astype(np.float64),
        # How well each passage finds its like in the other note, averaged both ways.
        "mean_best_pair": ((best_for_source.mean(axis=0) + best_for_target) / 2).astype(np.float64),
        # Is one note's title what a passage of the other is about?
        "titles": _titles(source, passages, starts, similarities),
    }


def _titles(
    source: Source,
    passages: Sequence[Sequence[StoredPassage]],
    starts: NDArray[np.int64],
    similarities: NDArray[np.float32],
) -> NDArray[np.float64]:
    own = [i for i, passage in enumerate(source.passages) if passage.facet is Facet.TITLE][:1]
    found = np.full(len(passages), -1.0)
    for j, stored in enumerate(passages):
        block = similarities[:, starts[j] : starts[j + 1]]
        if own:
            found[j] = max(found[j], float(block[own[0]].max()))
        titles = [i for i, item in enumerate(stored) if item.passage.facet is Facet.TITLE][:1]
        if titles:
            found[j] = max(found[j], float(block[:, titles[0]].max()))
    return found
