"""Which notes are worth a close look: the best few under each of several cheap signals.

The union is wide on purpose (each signal misses notes that another finds); the ranker decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet, Mention
from recall.links.mentions import mentions_in
from recall.links.nearest import highest_known
from recall.links.overview import Overview
from recall.records import dataclass
from recall.store.vectors.lists import distinct
from recall.store.vectors.note_table import FACETS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from recall.links.learned import Learned
    from recall.links.source import Source
    from recall.store import Snapshot

    Rows = NDArray[np.int64]

# Wide enough for most links of other vaults: with half as many more a ranker that was trained on
# those finds no more of them (docs/ranker.md).
PER_SIGNAL = 60  # notes taken under a signal that looks at meaning or words
PER_HINT = 40  # notes taken under a signal that looks at names or links
MOST_LINKED = 30  # hubs and maps of content
PER_PASSAGE = 30  # nearest texts looked at for each passage of the source, of a large index
RANKED_BY_WORDS = 500  # notes whose BM25 is known
QUERY_TERMS = 40  # the note's terms that make its lexical query
# A term that more than a quarter of the notes hold tells nothing, and FTS5 goes through all of
# them. Of a hundred notes or fewer so many may hold one, though not more than half.
TELLS_IN = 25
# Notes that those terms are read from, all in all: a quarter of a large vault would be too many.
QUERY_POSTINGS = 8_000
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
    bm25_weighed: Mapping[str, float]  # the same, each term weighed by how telling it is
    bm25_of_names: Mapping[str, float]  # BM25 on titles, names and tags alone
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
    lexical = dict(snapshot.lexical(query.keys(), RANKED_BY_WORDS, columns=SAID_COLUMNS))
    weighed = dict(snapshot.lexical(query, RANKED_BY_WORDS, columns=SAID_COLUMNS))
    named = dict(snapshot.lexical(query.keys(), PER_SIGNAL, exclude=exclude, columns=NAME_COLUMNS))
    overview = Overview(
        source, snapshot, learned, lexical, weighed, max_notes_per_text=max_notes_per_text
    )
    room = len(exclude)
    paths = {*list(lexical)[: PER_SIGNAL + room], *list(named)[:PER_HINT], *mentions}
    rows = [
        overview.nearest(overview.cosines, PER_SIGNAL + room),
        overview.nearest(overview.adapted, PER_SIGNAL + room),
        *_by_links(overview, room),
        *_by_passages(source, snapshot, overview, exclude),
    ]
    paths.update(overview.table.paths[row] for row in distinct(np.concatenate(rows)).tolist())
    known = {path: lexical.get(path, 0.0) for path in sorted(paths - set(exclude))}
    return Candidates(known, weighed, named, mentions, overview)


def telling_terms(
    source: Source, snapshot: Snapshot, *, most: int = QUERY_TERMS
) -> dict[str, float]:
    """The terms that tell this note from others, with their tf·idf: highest first, ties by term.

    Those that say least are left out once `QUERY_POSTINGS` are to be read.
    """
    total = snapshot.counts().notes
    frequency = snapshot.document_frequency(list(source.term_counts))
    most_notes = max(total / 4, min(total / 2, TELLS_IN), 1)
    weighed = [
        (math.log1p(count) * math.log((total + 1) / (frequency[term] + 0.5)), term)
        for term, count in source.term_counts.items()
        if 0 < frequency.get(term, 0) <= most_notes
    ]
    weighed.sort(key=lambda item: (-item[0], item[1]))
    telling = weighed[:most]
    read = accumulate(frequency[term] for _, term in telling)
    is_cheap = (sum_ <= QUERY_POSTINGS for sum_ in read)
    return {term: weight for (weight, term), cheap in zip(telling, is_cheap, strict=True) if cheap}


def _by_links(overview: Overview, room: int) -> Iterator[Rows]:
    """What the nearest notes link, what the neighbours of the source link, and what all link."""
    for votes in (overview.votes, overview.votes_with_words, overview.votes_adapted):
        yield highest_known(votes.linked, PER_HINT + room)
        yield highest_known(votes.linking, PER_HINT // 2 + room)
    shared, index = overview.by_own_links
    yield highest_known(np.where(shared > 0, index, np.nan), PER_HINT + room)
    linking = overview.table.linking.lengths().astype(np.float64)
    yield highest_known(np.where(linking > 0, linking, np.nan), MOST_LINKED + room)


def _by_passages(
    source: Source, snapshot: Snapshot, overview: Overview, exclude: Collection[str]
) -> Iterator[Rows]:
    """The notes with the nearest passages, and those with the nearest titles."""
    if not len(source.vectors):
        return
    table = overview.table
    may_answer = np.ones(len(table.paths), dtype=bool)
    may_answer[[row for row in map(overview.row_of.get, exclude) if row is not None]] = False
    is_heard = np.repeat(may_answer, table.texts.lengths())
    is_title = is_heard & (table.facets == FACETS.index(Facet.TITLE.value))
    asked = [table.texts.items[is_asked] for is_asked in (is_heard, is_title)]
    for is_asked, nearness in zip(
        (is_heard, is_title),
        snapshot.highest(source.vectors, PER_PASSAGE, among=asked),
        strict=True,
    ):
        of_passage = np.where(is_asked, nearness[table.texts.items], -np.inf)
        of_note = np.maximum.reduceat(of_passage, table.texts.starts[table.speaking])
        of_note[np.isneginf(of_note)] = np.nan
        yield table.speaking[highest_known(of_note, PER_SIGNAL)]
