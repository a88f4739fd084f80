"""What is learned from the vault itself: what all its notes are about, and how its author links.

It is kept in a file beside the index, which may be deleted at any time, and learned again when
the vault has changed: at once in a small vault, in a large one when a fiftieth of it is new. Links
that are taken out of the index are taken out of what is learned.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recall.domain import LearnedFacts
from recall.links.adapter import Adapter, train
from recall.links.whitening import Whitening
from recall.store import learned as store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recall.domain import Counts
    from recall.store import Snapshot

LAYOUT = 2  # of the file; another one is not read
SAMPLE = 20_000  # passages that the whitening is learned of, evenly over the vault
CROWD = 1000  # notes that hubness is measured against; all of them in a smaller vault
FEWEST_LINKS = 50  # to learn from: fewer teach an adapter nothing that holds elsewhere
HELD_OUT = 5  # one in so many linking notes tells whether what the others teach is true
AFFINITY_PRIOR = 5.0  # links that chance counts for
DEPTH = 10  # suggestions that nDCG looks at
SMALL = 1000  # notes; in a vault up to that size all is learned again after every change
CHANGED_SHARE = 0.02  # of the texts or links of a larger vault


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What one state of a vault teaches."""

    whitening: Whitening
    adapter: Adapter
    crowd: NDArray[np.float32]  # (at most CROWD, dim): whitened mean vectors from all over
    lengths: NDArray[np.float32]  # (notes,): of the mean vectors before they became unit rows
    folders: Folders
    facts: LearnedFacts

    @property
    def links(self) -> int:
        """How many links it was learned from."""
        return self.facts.links


@dataclass(frozen=True, slots=True, eq=False)
class Folders:
    """How often notes of one folder link notes of another."""

    names: tuple[str, ...]  # sorted
    notes: NDArray[np.int64]  # (folders,): how many notes each holds
    links: NDArray[np.int64]  # (pairs, 3): linking folder, linked folder, links

    @classmethod
    def count(cls, paths: Sequence[str], edges: NDArray[np.int64]) -> Folders:
        """Count over all notes and links."""
        names = sorted({folder_of(path) for path in paths})
        place = {name: row for row, name in enumerate(names)}
        of_note = np.array([place[folder_of(path)] for path in paths], dtype=np.int64)
        pairs, counts = np.unique(of_note[edges], axis=0, return_counts=True)
        notes = np.bincount(of_note, minlength=len(names))
        return cls(tuple(names), notes, np.column_stack([pairs.reshape(-1, 2), counts]))

    def affinity(self, source: str, targets: Sequence[str]) -> NDArray[np.float64]:
        """How much likelier than by chance notes of this folder link those: ln of the ratio."""
        if source not in self.names or not len(self.links):
            return np.zeros(len(targets))
        rows = self.links[self.links[:, 0] == self.names.index(source)]
        found = np.zeros(len(self.names))
        found[rows[:, 1]] = rows[:, 2]
        expected = self.notes / self.notes.sum()
        ratio = (found + AFFINITY_PRIOR * expected) / (found.sum() + AFFINITY_PRIOR) / expected
        known = dict(zip(self.names, np.log(ratio).tolist(), strict=True))
        return np.array([known.get(name, 0.0) for name in targets])


def folder_of(path: str) -> str:
    """The folder of a note, empty at the top."""
    return path.rpartition("/")[0]


def learn(snapshot: Snapshot, *, max_notes_per_text: int) -> Learned:
    """Learn from an index; the same index teaches the same.

    Args:
        snapshot: The index.
        max_notes_per_text: Texts that more notes hold are template text and left out.
    """
    paths, centroids = snapshot.centroids(max_notes_per_text=max_notes_per_text)
    whitening = Whitening.learn(
        snapshot.vectors(snapshot.text_sample(SAMPLE, max_notes_per_text)), centroids
    )
    notes = whitening(centroids)
    lengths = np.linalg.norm((centroids - whitening.mean) @ whitening.map, axis=1)
    edges = _edges(snapshot, paths)
    adapter, plain, adapted = _choose_adapter(notes, edges)
    step = max(1, -(-len(notes) // CROWD))
    return Learned(
        whitening=whitening,
        adapter=adapter,
        crowd=notes[::step],
        lengths=lengths.astype(np.float32),
        folders=Folders.count(paths, edges),
        facts=LearnedFacts(
            layout=LAYOUT,
            space=snapshot.identity.space,
            max_notes_per_text=max_notes_per_text,
            generation=snapshot.generation,
            last_text=snapshot.last_text_id(),
            links=len(edges),
            resolved_links=_resolved_links(snapshot.counts()),
            uses_links=not adapter.is_idle,
            plain=plain,
            adapted=adapted,
        ),
    )


def learned_of(
    snapshot: Snapshot,
    folder: Path,
    *,
    max_notes_per_text: int,
    keep: bool = False,
    anew: bool = False,
    older_will_do: bool = False,
) -> Learned:
    """What was learned from this index: from the file, or anew if that is missing or too old.

    Args:
        snapshot: The index.
        folder: Where the index is. A damaged file there is as good as none.
        max_notes_per_text: Texts that more notes hold are template text and left out.
        keep: Write down what had to be learned. A folder that can't be written to costs time only.
        anew: Learn whatever the file holds.
        older_will_do: In a small vault, too, a file will do until a fiftieth is new.
    """
    facts = None if anew else store.read_facts(folder)
    small = 0 if older_will_do else SMALL
    if _is_fresh(facts, snapshot, max_notes_per_text, small=small):
        found = _read(folder)
        if found is not None:
            if keep and _is_fresh(facts, snapshot, max_notes_per_text, small=SMALL):
                store.mark_as_current(folder)
            return found
    learned = learn(snapshot, max_notes_per_text=max_notes_per_text)
    if keep:
        with suppress(OSError):
            store.write(folder, learned.facts, _arrays(learned))
    return learned


def _choose_adapter(
    notes: NDArray[np.float32], edges: NDArray[np.int64]
) -> tuple[Adapter, float | None, float | None]:
    """The adapter if it finds links that it was not taught, else one that changes nothing."""
    idle = Adapter.idle(notes.shape[1])
    if len(edges) < FEWEST_LINKS:
        return idle, None, None
    is_held_out = edges[:, 0] % HELD_OUT == 0
    plain = _ndcg(notes, edges[is_held_out], idle)
    adapted = _ndcg(notes, edges[is_held_out], train(notes, edges[~is_held_out]))
    return (train(notes, edges) if adapted > plain else idle), plain, adapted


def _ndcg(notes: NDArray[np.float32], edges: NDArray[np.int64], adapter: Adapter) -> float:
    """Mean nDCG@10 over the linking notes, binary."""
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))
    found = []
    for source in np.unique(edges[:, 0]).tolist():
        linked = edges[edges[:, 0] == source, 1]
        scores = notes @ adapter.forth(notes[source : source + 1])[0]
        scores[source] = -np.inf
        best = np.lexsort((np.arange(len(scores)), -scores))[:DEPTH]
        gain = (np.isin(best, linked) * discount[: len(best)]).sum()
        found.append(float(gain / discount[: len(linked)].sum()))
    return sum(found) / max(len(found), 1)


def _edges(snapshot: Snapshot, paths: Sequence[str]) -> NDArray[np.int64]:
    place = {path: row for row, path in enumerate(paths)}
    pairs = [
        (place[source], place[target])
        for source, target in snapshot.edges()
        if source in place and target in place
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _is_fresh(
    facts: LearnedFacts | None, snapshot: Snapshot, max_notes_per_text: int, *, small: int
) -> bool:
    """Whether what was learned will do for this index; `small` is a number of notes."""
    if facts is None:
        return False
    known = (facts.layout, facts.space, facts.max_notes_per_text)
    if known != (LAYOUT, snapshot.identity.space, max_notes_per_text):
        return False
    if facts.generation == snapshot.generation:
        return True
    counts = snapshot.counts()
    if counts.notes <= small:
        return False
    texts = abs(snapshot.last_text_id() - facts.last_text) / max(facts.last_text, 1)
    links = abs(_resolved_links(counts) - facts.resolved_links) / max(facts.resolved_links, 1)
    return max(texts, links) < CHANGED_SHARE


def _resolved_links(counts: Counts) -> int:
    return counts.links - counts.unresolved_links


def _read(folder: Path) -> Learned | None:
    facts, held = store.read_facts(folder), store.read_arrays(folder)
    if facts is None or held is None:
        return None
    try:
        return Learned(
            Whitening(held["mean"], held["map"]),
            Adapter(held["left"], held["right"]),
            held["crowd"],
            held["lengths"],
            Folders(tuple(held["folders"].tolist()), held["notes"], held["folder_links"]),
            facts,
        )
    except KeyError:
        return None


def _arrays(learned: Learned) -> dict[str, NDArray[Any]]:
    return {
        "mean": learned.whitening.mean,
        "map": learned.whitening.map,
        "left": learned.adapter.left,
        "right": learned.adapter.right,
        "crowd": learned.crowd,
        "lengths": learned.lengths,
        "folders": np.array(learned.folders.names or ("",)),
        "notes": learned.folders.notes,
        "folder_links": learned.folders.links,
    }
