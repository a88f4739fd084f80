"""What changed of a table of notes: the rows of some notes, laid over those of an earlier state.

A table for each state would be written as a whole after each change. So an earlier one is kept
(`kept_table`), and what changed since, which is small. Laid over it, that gives exactly what would
be read of the index.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recall.records import dataclass
from recall.store.vectors.lists import Lists
from recall.store.vectors.note_table import NoteTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The notes of a state of the index that may differ from an earlier one.

    What a `NoteTable` has, too, is the same here, of these notes alone.
    """

    paths: tuple[str, ...]  # sorted
    gone: tuple[str, ...]  # notes that are not there any more, sorted; some never were
    texts: Lists
    facets: NDArray[np.uint8]
    speaking: Numbers
    means: NDArray[np.float32]
    linked: Lists  # places in `others`
    others: tuple[str, ...]  # the notes that these link, sorted
    title_terms: Lists
    terms: tuple[str, ...]
    counted: tuple[str, ...]  # terms that other notes hold now, and `terms`; sorted
    counts: Numbers  # (counted,): in how many notes each occurs
    tags: Lists
    tag_names: tuple[str, ...]
    created: Numbers
    cards: Numbers

    def __len__(self) -> int:
        return len(self.paths) + len(self.gone)

    @property
    def frequency(self) -> dict[str, int]:
        """In how many notes each counted term occurs."""
        return dict(zip(self.counted, self.counts.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """Which notes of a table say what they said in an earlier one."""

    built: str  # when the index was built that the earlier table is of
    places: Numbers  # (speaking,): the place among the speaking notes there; -1: it has changed


def patched(base: NoteTable, patch: Patch) -> tuple[NoteTable, Numbers]:
    """The table of the later state, and for each of its notes the row in the earlier one.

    Notes that changed have the row -1. Arrays are copied, no note is looked at; the mean vectors
    are changed in place, where they may be and no note came or went.
    """
    order = _Order(base, patch)
    linked = Lists(base.linked.starts, order.row_of_base[base.linked.items])
    others = np.array([bisect_left(order.paths, path) for path in patch.others], dtype=np.int64)
    new_links = Lists(patch.linked.starts, others[patch.linked.items])
    title_terms = order.words(base.title_terms, base.terms, patch.title_terms, patch.terms)
    tags = order.words(base.tags, base.tag_names, patch.tags, patch.tag_names)
    texts = order.lists(base.texts, patch.texts)
    facets = _end_to_end(base.texts, patch.texts).places(order.source).items
    speaking = np.flatnonzero(texts.lengths())
    table = NoteTable(
        paths=order.paths,
        texts=texts,
        facets=np.concatenate([base.facets, patch.facets])[facets],
        speaking=speaking,
        means=_means(base, patch, order.source[speaking]),
        linked=order.lists(linked, new_links),
        linking=order.linking(base.linking, new_links),
        title_terms=title_terms.lists,
        terms=title_terms.every,
        frequency=_frequency(base, patch, title_terms),
        tags=tags.lists,
        tag_names=tags.every,
        created=np.concatenate([base.created, patch.created])[order.source],
        cards=np.concatenate([base.cards, patch.cards])[order.source],
    )
    return table, order.before


def carried(base: NoteTable, table: NoteTable, rows: Numbers, built: str) -> Carried:
    """What the rows that `patched` gives say of notes with passages; `built` is of the base."""
    return Carried(built, _speaker(base, len(base.paths) + 1)[rows[table.speaking]])


class _Words(NamedTuple):
    """The words of the notes of the later table."""

    every: tuple[str, ...]  # sorted
    lists: Lists  # of each note, as places there
    places: Numbers  # (words of the base,): the place of each there; -1: no note has it any more


class _Order:
    """Where the notes of both are in the later table."""

    def __init__(self, base: NoteTable, patch: Patch) -> None:
        notes = len(base.paths)
        at, is_there = _find(patch.paths, base.paths)
        gone, was_there = _find(patch.gone, base.paths)
        is_kept = np.ones(notes, dtype=bool)
        is_kept[at[is_there]] = is_kept[gone[was_there]] = False
        self._is_kept = is_kept
        self.row_of_base, self._rows_of_new = _merged(is_kept, at)
        self.source = np.empty(int(is_kept.sum()) + len(at), dtype=np.int64)
        self.source[self.row_of_base[is_kept]] = np.flatnonzero(is_kept)
        self.source[self._rows_of_new] = notes + np.arange(len(at))  # in both tables, end to end
        self.before = np.where(self.source < notes, self.source, -1)
        self.row_of_base[at[is_there]] = self._rows_of_new[is_there]
        self.paths = base.paths
        if was_there.any() or not is_there.all():
            self.paths = tuple(sorted([*compress(base.paths, is_kept.tolist()), *patch.paths]))

    def lists(self, of_base: Lists, of_new: Lists) -> Lists:
        """The list of each note."""
        return _end_to_end(of_base, of_new).take(self.source)

    def linking(self, of_base: Lists, new_links: Lists) -> Lists:
        """The notes that link each note, from those that did and the links of the new ones."""
        notes = len(self.source)
        is_kept = self._is_kept[of_base.items]
        linked = self.row_of_base[of_base.owners()[is_kept]]
        pairs = linked * notes + self.row_of_base[of_base.items[is_kept]]
        pairs = pairs[linked >= 0]  # ascending, as notes are in the same order as before
        new = np.sort(new_links.items * notes + self._rows_of_new[new_links.owners()])
        pairs = np.insert(pairs, np.searchsorted(pairs, new), new)
        return Lists.of_pairs(np.column_stack(np.divmod(pairs, max(notes, 1))), notes)

    def words(
        self, of_base: Lists, words: tuple[str, ...], of_new: Lists, new_words: tuple[str, ...]
    ) -> _Words:
        """The words that some note has, and the lists of those of each note."""
        at, is_known = _find(new_words, words)
        is_used = np.zeros(len(words), dtype=bool)
        is_used[of_base.take(np.flatnonzero(self._is_kept)).items] = True
        is_used[at[is_known]] = True
        places, of_added = _merged(is_used, at[~is_known])
        new_places = places.take(at, mode="clip") if len(words) else at
        new_places[~is_known] = of_added
        every = words
        if len(of_added) or not is_used.all():
            added = compress(new_words, (~is_known).tolist())
            every = tuple(sorted([*compress(words, is_used.tolist()), *added]))
        known = Lists(of_base.starts, places[of_base.items])
        return _Words(
            every, self.lists(known, Lists(of_new.starts, new_places[of_new.items])), places
        )


def _find(wanted: Sequence[str], known: Sequence[str]) -> tuple[Numbers, NDArray[np.bool_]]:
    """Where each is among sorted words, or would be; and whether it is one of them."""
    at = [bisect_left(known, word) for word in wanted]
    is_there = [place < len(known) and known[place] == word
                for place, word in zip(at, wanted, strict=True)]  # fmt: skip
    return np.array(at, dtype=np.int64), np.array(is_there, dtype=bool)


def _merged(is_kept: NDArray[np.bool_], at: Numbers) -> tuple[Numbers, Numbers]:
    """Where things are when some of a sorted row are kept and others come in.

    Args:
        is_kept: (n,): which of the row.
        at: (m,): before which of it each new one belongs, ascending.

    Returns:
        (n,) the new places of the row, -1 for what is not kept, and (m,) those of the new ones.
    """
    kept_before = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_kept)])
    new = kept_before[at] + np.arange(len(at))
    is_old = np.ones(int(kept_before[-1]) + len(at), dtype=bool)
    is_old[new] = False
    old = np.full(len(is_kept), -1, dtype=np.int64)
    old[is_kept] = np.flatnonzero(is_old)
    return old, new


def _end_to_end(one: Lists, other: Lists) -> Lists:
    starts = np.concatenate([one.starts, other.starts[1:] + one.starts[-1]])
    return Lists(starts, np.concatenate([one.items, other.items]))


def _speaker(table: NoteTable | Patch, notes: int) -> Numbers:
    """(notes,): the place of each among those that have passages; -1 if it is none of them."""
    found = np.full(notes, -1, dtype=np.int64)
    found[table.speaking] = np.arange(len(table.speaking))
    return found


def _means(base: NoteTable, patch: Patch, source: Numbers) -> NDArray[np.float32]:
    """(len(source), dim): the mean vectors of notes; `source` is the row in both, end to end."""
    notes = len(base.paths)
    of_base = np.flatnonzero(source < notes)
    places = _speaker(base, notes)[source[of_base]]
    of_new = np.flatnonzero(source >= notes)
    if (
        base.means.flags.writeable
        and base.means.shape == (len(source), patch.means.shape[1])
        and np.array_equal(of_base, places)
    ):
        means = base.means
    else:
        means = np.empty((len(source), patch.means.shape[1]), dtype=np.float32)
        if len(of_base):  # where nobody speaks any more, nothing says how many numbers a mean has
            means[of_base] = base.means[places]
    means[of_new] = patch.means[_speaker(patch, len(patch.paths))[source[of_new] - notes]]
    means.flags.writeable = False
    return means


def _frequency(base: NoteTable, patch: Patch, words: _Words) -> Numbers:
    """(words,): in how many notes each occurs: as before, or as it was counted since."""
    is_kept = words.places >= 0
    found = np.zeros(len(words.every), dtype=np.int64)
    found[words.places[is_kept]] = base.frequency[is_kept]
    at, is_there = _find(patch.counted, words.every)
    found[at[is_there]] = patch.counts[is_there]
    return found
