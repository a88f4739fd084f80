"""The notes that filters leave, where a question holds no words to choose among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from recall.domain import Hit, NoteCard, Passage
from recall.search.showing import itself

if TYPE_CHECKING:
    from recall.domain import Filters
    from recall.store import Snapshot


def listed(
    filters: Filters, snapshot: Snapshot, *, k: int, is_there: Callable[[str], bool]
) -> tuple[Hit, ...]:
    """The notes that pass, the latest first, then by path; no model is asked.

    Args:
        filters: Which notes pass; with sections, those that have one of them.
        snapshot: The index.
        k: How many at most.
        is_there: Whether a note's file still exists.
    """
    found = islice(_passing(filters, snapshot, is_there), k)
    return tuple(Hit(rank, 0.0, card, said) for rank, (card, said) in enumerate(found, start=1))


def _passing(
    filters: Filters, snapshot: Snapshot, is_there: Callable[[str], bool]
) -> Iterator[tuple[NoteCard, Passage]]:
    cards = snapshot.cards(snapshot.passing(snapshot.paths(), filters))
    for path in sorted(cards, key=lambda path: (-_day(cards[path]), path)):
        spoken = [
            item.passage
            for item in snapshot.passages(path)
            if not filters.facets or item.passage.facet in filters.facets
        ]
        if (spoken or not filters.facets) and is_there(path):
            yield (
                cards[path],
                next(
                    (said for said in spoken if said.text != cards[path].title),
                    spoken[0] if spoken else itself(cards[path]),
                ),
            )


def _day(card: NoteCard) -> int:
    return (card.updated or card.created or date.min).toordinal()
