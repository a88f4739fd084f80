"""Why a suggestion is made, in terms that the author can check in the two notes."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Evidence, Facet, NoteCard, Passage
from recall.words import distinct_terms, is_unspaced, terms_of_word

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from recall.links.comparison import Comparison

SHARED_WORDS_SHOWN = 5
NEIGHBOURS_SHOWN = 3


def gather(
    comparison: Comparison, features: Mapping[str, NDArray[np.float64]], row: int, card: NoteCard
) -> Evidence:
    """The evidence for one candidate.

    Args:
        comparison: The source beside its candidates.
        features: What was computed of it.
        row: Which candidate.
        card: Of that candidate.
    """
    source, block = comparison.source, comparison.block
    there = comparison.passages(row)
    columns = slice(block.starts[row], block.starts[row + 1])
    here_best, there_best = _best_pair(source.passages, there, comparison.similarities[:, columns])
    return Evidence(
        here=here_best,
        there=there_best,
        shared_words=_shared_words(comparison, there),
        mention=comparison.candidates.mentions.get(card.path) or comparison.mention_there(row),
        common_neighbours=_common_neighbours(comparison, row),
        parts={
            name: round(value, 4)
            for name, column in features.items()
            if isfinite(value := float(column[row]))
        },
    )


def _best_pair(
    here: Sequence[Passage], there: Sequence[Passage], similarities: NDArray[np.float32]
) -> tuple[Passage, Passage]:
    """The nearest two passages; titles only where a note has nothing else."""
    shown = similarities.copy()
    for axis, passages in enumerate((here, there)):
        titles = [i for i, passage in enumerate(passages) if passage.facet is Facet.TITLE]
        if len(titles) < len(passages):
            shown[(titles, slice(None)) if axis == 0 else (slice(None), titles)] = -2.0
    i, j = np.unravel_index(int(shown.argmax()), shown.shape)
    return here[int(i)], there[int(j)]


def _shared_words(comparison: Comparison, there: Sequence[Passage]) -> tuple[str, ...]:
    """The rarest words that both notes hold, as the source writes them."""
    theirs = {term for passage in there for term in distinct_terms(passage.text)}
    written = {term: word for term, word in comparison.written.items() if term in theirs}
    if not written:
        return ()
    snapshot = comparison.snapshot
    frequency = snapshot.document_frequency(list(written))
    common = max(3, snapshot.counts().notes // 10)  # a word in every tenth note says little
    rare = [term for term in written if frequency.get(term, 1) <= common]
    rare.sort(key=lambda term: (frequency.get(term, 1), term))
    shown: dict[str, None] = {}  # in order, each once
    for term in rare:
        if len(shown) == SHARED_WORDS_SHOWN:
            break
        shown[_as_both_say(term, written[term], theirs, there)] = None
    return tuple(shown)


def _as_both_say(term: str, word: str, theirs: Collection[str], there: Iterable[Passage]) -> str:
    """The word; of a run without blanks, as much around the term as the other note says, too."""
    if not is_unspaced(word):
        return word
    pairs = terms_of_word(word)
    start = stop = pairs.index(term)
    while start > 0 and pairs[start - 1] in theirs:
        start -= 1
    while stop + 1 < len(pairs) and pairs[stop + 1] in theirs:
        stop += 1
    stretch = "".join(pair[0] for pair in pairs[start:stop]) + pairs[stop]
    return stretch if any(stretch in passage.text for passage in there) else term


def _common_neighbours(comparison: Comparison, row: int) -> tuple[str, ...]:
    """Titles of notes that both are linked with."""
    source, table, note = comparison.source, comparison.overview.table, comparison.notes[row]
    theirs = {table.paths[at] for lists in (table.linked, table.linking) for at in lists[note]}
    own = {comparison.paths[row], source.card.path}
    shared = sorted((theirs & source.neighbours) - own)[:NEIGHBOURS_SHOWN]
    cards = comparison.snapshot.cards(shared) if shared else {}
    return tuple(cards[neighbour].title for neighbour in shared)
