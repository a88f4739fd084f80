"""Which notes are worth a close look: the best few under each of several cheap signals.

The union is wide on purpose (each signal misses notes that another finds); the ranker decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet, Filters, Mention
from recall.links.mentions import mentions_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from recall.links.source import Source
    from recall.store import Snapshot

# Wide enough that most links of other vaults are among them; chosen by hand, not tuned.
PER_SIGNAL = 100  # notes taken under a signal; twice that of passages, half of names
PER_PASSAGE = 60  # nearest texts looked at for each passage of the source
QUERY_TERMS = 40  # the note's terms that make its lexical query
NAME_COLUMNS = {"title": 1.0, "names": 1.0, "tags": 0.5}
# All that notes say, not what they merely hold: code, addresses, the names in their link lists.
SAID_COLUMNS = {
    **NAME_COLUMNS,
    **dict.fromkeys(("description", "claim", "signals", "take", "question", "body"), 1.0),
    "tags": 1.0,
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Notes that may be related, sorted by path."""

    bm25: Mapping[str, float]  # path → BM25 with the source's terms; 0.0 where none is shared
    bm25_of_names: Mapping[str, float]  # the same, on titles, names and tags alone
    mentions: Mapping[str, Mention]  # path → where the source names it


def find_candidates(
    source: Source, snapshot: Snapshot, *, exclude: Collection[str], max_notes_per_text: int
) -> Candidates:
    """The union of the best few notes under each signal."""
    mentioned = mentions_in(source.passages, source.links, snapshot)
    mentions = {path: found for path, found in mentioned.items() if path not in exclude}
    query = telling_terms(source, snapshot)
    lexical = dict(snapshot.lexical(query, PER_SIGNAL * 5, exclude=exclude, columns=SAID_COLUMNS))
    named = dict(snapshot.lexical(query, PER_SIGNAL, exclude=exclude, columns=NAME_COLUMNS))
    paths = {*list(lexical)[:PER_SIGNAL], *list(named)[: PER_SIGNAL // 2]}
    paths |= _nearest_passages(source, snapshot, Filters(), exclude, max_notes_per_text)
    titles = Filters(facets=frozenset({Facet.TITLE}))
    paths |= _nearest_passages(source, snapshot, titles, exclude, max_notes_per_text)
    paths |= _nearest_centroids(source, snapshot, exclude, max_notes_per_text)
    paths |= mentions.keys()
    return Candidates({path: lexical.get(path, 0.0) for path in sorted(paths)}, named, mentions)


def telling_terms(source: Source, snapshot: Snapshot, *, most: int = QUERY_TERMS) -> list[str]:
    """The terms that tell this note from others: highest tf·idf first, ties by term."""
    total = snapshot.counts().notes
    frequency = snapshot.document_frequency(list(source.term_counts))
    weighed = [
        (math.log1p(count) * math.log((total + 1) / (frequency[term] + 0.5)), term)
        for term, count in source.term_counts.items()
        if 0 < frequency.get(term, 0) <= max(total / 2, 1)
    ]
    weighed.sort(key=lambda item: (-item[0], item[1]))
    return [term for _, term in weighed[:most]]


def _nearest_passages(
    source: Source,
    snapshot: Snapshot,
    filters: Filters,
    exclude: Collection[str],
    max_notes_per_text: int,
) -> set[str]:
    if not len(source.vectors):
        return set()
    nearest = snapshot.nearest(
        source.vectors,
        PER_PASSAGE,
        filters=filters,
        exclude=exclude,
        max_notes_per_text=max_notes_per_text,
    )
    best: dict[int, float] = {}
    for number, score in zip(
        nearest.text_ids.ravel().tolist(), nearest.scores.ravel().tolist(), strict=True
    ):
        if number >= 0:
            best[number] = max(best.get(number, -1.0), score)
    holders = snapshot.passages_with(list(best), filters=filters)
    notes: dict[str, float] = {}
    for number, stored in holders.items():
        for item in stored:
            notes[item.path] = max(notes.get(item.path, -1.0), best[number])
    order = sorted(notes, key=lambda path: (-notes[path], path))
    return {path for path in order if path not in exclude} & set(order[: PER_SIGNAL * 2])


def _nearest_centroids(
    source: Source, snapshot: Snapshot, exclude: Collection[str], max_notes_per_text: int
) -> set[str]:
    paths, centroids = snapshot.centroids(max_notes_per_text=max_notes_per_text)
    if not paths or not len(source.vectors):
        return set()
    similar = centroids @ source.vectors.mean(axis=0)
    order = np.lexsort((np.arange(len(paths)), -similar))
    found = (paths[i] for i in order[: PER_SIGNAL + len(exclude)])
    return {path for path in found if path not in exclude}
