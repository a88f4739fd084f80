"""Which notes are worth a close look: the best few under each of several cheap signals.

The union is wide on purpose (each signal misses notes that another finds); the ranker decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recall.domain import Facet, Filters, Mention
from recall.links.mentions import mentions_in
from recall.links.overview import Overview

if TYPE_CHECKING:
    from collections.abc import Collection

    from recall.links.learned import Learned
    from recall.links.source import Source
    from recall.store import Snapshot

# Wide enough that most links of other vaults are among them; chosen by hand, not tuned.
PER_SIGNAL = 100  # notes taken under a signal that looks at meaning or words
PER_HINT = 60  # notes taken under a signal that looks at names or links
MOST_LINKED = 40  # hubs and maps of content
PER_PASSAGE = 40  # nearest texts looked at for each passage of the source
RANKED_BY_WORDS = 500  # notes whose BM25 is known
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
    overview: Overview


def find_candidates(
    source: Source,
    snapshot: Snapshot,
    learned: Learned,
    *,
    exclude: Collection[str],
    max_notes_per_text: int,
) -> Candidates:
    """The union of the best few notes under each signal."""
    mentioned = mentions_in(source.passages, source.links, snapshot)
    mentions = {path: found for path, found in mentioned.items() if path not in exclude}
    query = telling_terms(source, snapshot)
    lexical = dict(snapshot.lexical(query, RANKED_BY_WORDS, columns=SAID_COLUMNS))
    named = dict(snapshot.lexical(query, PER_SIGNAL, exclude=exclude, columns=NAME_COLUMNS))
    overview = Overview(source, snapshot, learned, lexical, max_notes_per_text=max_notes_per_text)
    room = len(exclude)
    paths = {*list(lexical)[: PER_SIGNAL + room], *list(named)[:PER_HINT], *mentions}
    paths.update(overview.nearest(overview.cosines, PER_SIGNAL + room))
    paths.update(overview.nearest(overview.adapted, PER_SIGNAL + room))
    for votes in (overview.votes, overview.votes_with_words, overview.votes_adapted):
        paths.update(_highest(votes.linked, PER_HINT + room))
        paths.update(_highest(votes.linking, PER_HINT // 2 + room))
    shared = {path: index for path, (_, index) in overview.by_own_links.items()}
    paths.update(_highest(shared, PER_HINT + room))
    paths.update(snapshot.most_linked(MOST_LINKED + room))
    titles = Filters(facets=frozenset({Facet.TITLE}))
    for filters in (Filters(), titles):
        paths |= _nearest_passages(source, snapshot, filters, exclude, max_notes_per_text)
    known = {path: lexical.get(path, 0.0) for path in sorted(paths - set(exclude))}
    return Candidates(known, named, mentions, overview)


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


def _highest(weights: Mapping[str, float], most: int) -> list[str]:
    return sorted(weights, key=lambda path: (-weights[path], path))[:most]


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
    notes: dict[str, float] = {}
    for number, paths in snapshot.notes_with(list(best), filters=filters).items():
        for path in paths:
            if path not in exclude:
                notes[path] = max(notes.get(path, -1.0), best[number])
    return set(_highest(notes, PER_SIGNAL))
