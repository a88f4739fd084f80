"""What is learned from the vault itself: what all its notes are about, and how its author links.

It is kept in a file beside the index, which may be deleted at any time, and learned again when
the vault has changed: at once in a small vault, in a large one when a fiftieth of it is new. Links
that are taken out of the index are taken out of what is learned.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recall.domain import LearnedFacts
from recall.links.adapter import Adapter, train
from recall.links.calibration import Correction
from recall.links.folders import Folders
from recall.links.measures import Measures, measure
from recall.links.nearest import highest
from recall.links.ranker import TABLE
from recall.links.whitening import Whitening
from recall.records import dataclass, replace
from recall.store import learned as store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.domain import Counts
    from recall.store import Snapshot
    from recall.store.vectors.note_table import NoteTable

# Of the file; another one is not read. Also to be raised when what scores are worth is learned anew
# (`ranker.json`), which corrections are of.
LAYOUT = 6
SAMPLE = 20_000  # passages that the whitening is learned of, evenly over the vault
CROWD = 1000  # notes that hubness is measured against; all of them in a smaller vault
FEWEST_LINKS = 50  # to learn from: fewer teach an adapter nothing that holds elsewhere
HELD_OUT = 5  # one in so many linking notes tells whether what the others teach is true
MOST_HELD_OUT = 2000  # linking notes, evenly over the vault: more would only take longer
DEPTH = 10  # suggestions that nDCG looks at
SMALL = 200  # notes; in a vault up to that size all is learned again after every change
CHANGED_SHARE = 0.02  # of the texts or links of a larger vault


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What one state of a vault teaches."""

    whitening: Whitening
    adapter: Adapter
    crowd: NDArray[np.float32]  # (at most CROWD, dim): whitened mean vectors from all over
    measures: Measures
    folders: Folders
    facts: LearnedFacts

    @property
    def links(self) -> int:
        """How many links it was learned from."""
        return self.facts.links

    @property
    def correction(self) -> Correction:
        """How likely this author's links are, beside what other vaults taught."""
        return Correction(self.facts.shift, self.facts.stretch)

    def measures_of(self, snapshot: Snapshot) -> Measures | None:
        """What was measured of every note, if that was of this very state of the index."""
        is_of = (self.facts.born, self.facts.measured) == (snapshot.born, snapshot.built)
        return self.measures if is_of else None

    def lengths_of(
        self, born: str, text_ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> NDArray[np.floating]:
        """(n,): how long the vectors of texts are, whitened, before they become unit rows.

        Args:
            born: When the catalog was made that numbers the texts.
            text_ids: (n,).
            vectors: (n, dim), for those texts that are not known.
        """
        if not born or born != self.facts.born:
            return self.whitening.lengths(vectors)
        known = self.measures.text_lengths
        found = np.full(len(text_ids), np.nan, dtype=np.float32)
        is_within = text_ids < len(known)
        found[is_within] = known[text_ids[is_within]]
        if (is_new := np.isnan(found)).any():
            found[is_new] = self.whitening.lengths(vectors[is_new])
        return found


def learn(snapshot: Snapshot, *, max_notes_per_text: int) -> Learned:
    """Learn from an index; the same index teaches the same.

    Args:
        snapshot: The index.
        max_notes_per_text: Texts that more notes hold are template text and left out.
    """
    table = snapshot.table(max_notes_per_text=max_notes_per_text)
    paths = [table.paths[note] for note in table.speaking.tolist()]
    whitening = Whitening.learn(
        snapshot.vectors(snapshot.text_sample(SAMPLE, max_notes_per_text)), table.means
    )
    notes = whitening(table.means)
    edges = edges_of(table)
    adapter, plain, adapted = _choose_adapter(notes, edges)
    step = max(1, -(-len(notes) // CROWD))
    return Learned(
        whitening=whitening,
        adapter=adapter,
        crowd=notes[::step],
        measures=measure(snapshot, table, whitening, notes[::step]),
        folders=Folders.count(paths, edges),
        facts=LearnedFacts(
            layout=LAYOUT,
            space=snapshot.identity.space,
            born=snapshot.born,
            max_notes_per_text=max_notes_per_text,
            built=snapshot.built,
            measured=snapshot.built,
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
    ranker: Path = TABLE,
) -> Learned:
    """What was learned from this index: from the file, or anew if that is missing or too old.

    Args:
        snapshot: The index.
        folder: Where the index is. A damaged file there is as good as none.
        max_notes_per_text: Texts that more notes hold are template text and left out.
        keep: Write down what had to be learned. A folder that can't be written to costs time only.
            Without it, probabilities are as other vaults taught them where the file says nothing.
        anew: Learn whatever the file holds.
        older_will_do: In a small vault, too, a file will do until a fiftieth is new.
        ranker: The trees whose probabilities are corrected.
    """
    before = learned = None if anew else _read(folder)
    will_do = partial(_is_fresh, snapshot=snapshot, max_notes_per_text=max_notes_per_text)
    is_old = learned is None or not will_do(learned.facts, small=0 if older_will_do else SMALL)
    if learned is not None and not is_old:
        if not keep or not will_do(learned.facts, small=SMALL):
            return _carried(learned, snapshot, max_notes_per_text)
        measured = learned.facts.measured
        if learned.measures_of(snapshot) is not None or snapshot.is_told_from(
            measured, max_notes_per_text=max_notes_per_text
        ):
            store.mark_as_current(folder)
            return learned
    if keep:  # what is measured is of this state, so has the table to be that later ones follow
        snapshot.keep_table(max_notes_per_text=max_notes_per_text, whole=True)
    if learned is None or is_old:
        learned = learn(snapshot, max_notes_per_text=max_notes_per_text)
        learned = _corrected(learned, before, snapshot, ranker, asks=keep)
    else:
        learned = _measured_anew(learned, snapshot, max_notes_per_text)
    if keep:
        with suppress(OSError):
            store.write(folder, learned.facts, _arrays(learned))
    return learned


def _measured_anew(learned: Learned, snapshot: Snapshot, max_notes_per_text: int) -> Learned:
    """The same of a later state of the index: what it taught stays, its notes are measured."""
    table = snapshot.table(max_notes_per_text=max_notes_per_text)
    return replace(
        learned,
        measures=measure(
            snapshot,
            table,
            learned.whitening,
            learned.crowd,
            before=learned.measures,
            knows_texts=bool(snapshot.born) and snapshot.born == learned.facts.born,
        ),
        facts=replace(learned.facts, born=snapshot.born, measured=snapshot.built),
    )


def _carried(learned: Learned, snapshot: Snapshot, max_notes_per_text: int) -> Learned:
    """The same with what was measured of an earlier state brought along, if that can be told."""
    facts = learned.facts
    if (
        learned.measures_of(snapshot) is not None
        or not snapshot.born
        or facts.born != snapshot.born
    ):
        return learned
    table = snapshot.table(max_notes_per_text=max_notes_per_text)
    carried = snapshot.carried(max_notes_per_text=max_notes_per_text)
    if carried is None or carried.built != facts.measured:
        return learned
    measures = learned.measures.carried(
        carried.places, table.means, learned.whitening, learned.crowd
    )
    return replace(learned, measures=measures, facts=replace(facts, measured=snapshot.built))


def _corrected(
    learned: Learned, before: Learned | None, snapshot: Snapshot, ranker: Path, *, asks: bool
) -> Learned:
    """With what the vault's own links say of the probabilities: as it was known, or asked now."""
    from recall.links import own_links  # late: it loads what suggestions need, and is seldom asked

    if before is not None and own_links.still_holds(before.facts, learned.facts):
        return replace(learned, facts=own_links.taken_over(before.facts, learned.facts))
    if not asks:
        return learned
    edges = edges_of(snapshot.table(max_notes_per_text=learned.facts.max_notes_per_text))
    return replace(learned, facts=own_links.correct(learned, snapshot, edges, ranker=ranker))


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
    sources = np.unique(edges[:, 0])
    for source in sources[:: max(1, -(-len(sources) // MOST_HELD_OUT))].tolist():
        linked = edges[edges[:, 0] == source, 1]
        scores = notes @ adapter.forth(notes[source : source + 1])[0]
        scores[source] = -np.inf
        best = highest(scores, DEPTH)
        gain = (np.isin(best, linked) * discount[: len(best)]).sum()
        found.append(float(gain / discount[: len(linked)].sum()))
    return sum(found) / max(len(found), 1)


def edges_of(table: NoteTable) -> NDArray[np.int64]:
    """(links, 2): the links between notes that have passages, as places among those; sorted."""
    place = np.full(len(table.paths), -1, dtype=np.int64)
    place[table.speaking] = np.arange(len(table.speaking))
    pairs = place[np.column_stack([table.linked.owners(), table.linked.items])]
    found: NDArray[np.int64] = pairs[(pairs >= 0).all(axis=1)]
    return found


def _is_fresh(
    facts: LearnedFacts, *, small: int, snapshot: Snapshot, max_notes_per_text: int
) -> bool:
    """Whether what was learned will do for this index; `small` is a number of notes."""
    known = (facts.layout, facts.space, facts.max_notes_per_text)
    if known != (LAYOUT, snapshot.identity.space, max_notes_per_text):
        return False
    if (facts.born, facts.built) == (snapshot.born, snapshot.built):
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
    if (file := store.read(folder)) is None:
        return None
    facts, held = file
    try:
        folders = tuple(json.loads(held["folders"].tobytes()))
        return Learned(
            Whitening(held["mean"], held["map"]),
            Adapter(held["left"], held["right"]),
            held["crowd"],
            Measures.of_arrays(held),
            Folders(folders, held["notes"], held["folder_links"]),
            facts,
        )
    except (KeyError, ValueError, TypeError):
        return None


def _arrays(learned: Learned) -> dict[str, NDArray[Any]]:
    return {
        "mean": learned.whitening.mean,
        "map": learned.whitening.map,
        "left": learned.adapter.left,
        "right": learned.adapter.right,
        "crowd": learned.crowd,
        "folders": np.frombuffer(json.dumps(learned.folders.names).encode(), np.uint8),
        "notes": learned.folders.notes,
        "folder_links": learned.folders.links,
        **learned.measures.arrays(),
    }
