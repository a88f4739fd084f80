"""Why a suggestion is made, in terms that the author can check in the two notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Evidence, Facet, NoteCard, Passage
from recall.words import STOP_WORDS, fold, terms, terms_of_word, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from recall.links.comparison import Comparison
    from recall.links.source import Source
    from recall.store import Snapshot

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
        shared_words=_shared_words(source, there, comparison.snapshot),
        mention=comparison.candidates.mentions.get(card.path) or comparison.mention_there(row),
        common_neighbours=_common_neighbours(source, card.path, comparison.snapshot),
        parts={
            name: round(float(column[row]), 4)
            for name, column in features.items()
            if np.isfinite(column[row])
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


def _shared_words(source: Source, there: Iterable[Passage], snapshot: Snapshot) -> tuple[str, ...]:
    """The rarest words that both notes hold, as the source writes them."""
    theirs = {term for passage in there for term in terms(passage.text)}
    written: dict[str, str] = {}
    for passage in source.passages:
        for word, _, _ in words(passage.text):
            if len(word) < 3 or fold(word) in STOP_WORDS:
                continue
            for term in terms_of_word(word):
                if term in theirs:
                    written.setdefault(term, word)
    if not written:
        return ()
    frequency = snapshot.document_frequency(list(written))
    common = max(3, snapshot.counts().notes // 10)  # a word in every tenth note says little
    rare = [term for term in written if frequency.get(term, 1) <= common]
    rare.sort(key=lambda term: (frequency.get(term, 1), term))
    return tuple(written[term] for term in rare[:SHARED_WORDS_SHOWN])


def _common_neighbours(source: Source, path: str, snapshot: Snapshot) -> tuple[str, ...]:
    """Titles of notes that both are linked with."""
    found = snapshot.neighbours([path])[path]
    theirs = found.linked | found.linking
    shared = sorted((theirs & source.neighbours) - {path, source.card.path})[:NEIGHBOURS_SHOWN]
    cards: Mapping[str, NoteCard] = snapshot.cards(shared)
    return tuple(cards[neighbour].title for neighbour in shared)
