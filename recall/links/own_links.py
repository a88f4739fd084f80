"""What a vault's own links say of how likely its author is to link.

Some notes are asked as if they linked nothing, and what comes up first is compared with what they
do link. Other vaults were asked in the same way, so the difference is the author's: one links
everything that is near, another only the best. It is taken as a correction of two numbers, drawn
towards none, for twenty notes are few, and left out if notes that had no say in it gain nothing.

A note that is asked is looked at without its links: they are taken out of the table of notes, of
what folders link and of what the adapter learns; its words are read without those that links show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from recall.links.adapter import train
from recall.links.calibration import MIDDLE, NO_CORRECTION, Correction, expected_error
from recall.links.candidates import find_candidates
from recall.links.comparison import Comparison
from recall.links.features import compute
from recall.links.folders import Folders
from recall.links.ranker import TABLE, load_ranker
from recall.links.source import indexed_source, without_its_links
from recall.records import dataclass, replace
from recall.store.vectors.lists import distinct

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.domain import LearnedFacts
    from recall.links.learned import Learned
    from recall.store import Snapshot

    Array = NDArray[np.float64]
    Edges = NDArray[np.int64]

MOST_ASKED = 20  # notes; thirty were no better (docs/decisions/0022)
FEWEST_ASKED = 10
FEWEST_LINKS, MOST_LINKS = 2, 30  # of a note that is asked, as in the benchmark
FEWEST_WORDS = 30
DEPTH = 10  # suggestions for a note that are looked at
# How far vaults lie from one another, as standard deviations of the correction's two numbers.
SHIFT, STRETCH = 0.3, 0.2
SAY = 0.5  # of each suggestion: those for one note are right or wrong together
LEAST_STRETCH = -0.5  # a better score stays clearly the likelier one
FOLDS = 5
STEPS = 20  # of Newton's method at most; it needs five
ENOUGH = 1e-9  # a step that changes nothing any more
CHANGED_SHARE = 0.1  # of a vault's links, from which on it is asked again
# The fields of `LearnedFacts` that asking fills in.
OF_ASKING = ("asked", "asked_links", "shift", "stretch", "error_plain", "error_corrected")


@dataclass(frozen=True, slots=True)
class Asked:
    """The candidates of one note that was asked."""

    path: str
    links: int  # that it has
    features: Mapping[str, Array]
    is_link: NDArray[np.bool_]  # (candidates,)


def ask(
    learned: Learned, snapshot: Snapshot, edges: Edges, *, most: int = MOST_ASKED
) -> Iterator[Asked]:
    """Ask notes from all over the vault for the links they have.

    Args:
        learned: What the vault taught, all links included.
        snapshot: The index.
        edges: The links that this was learned from.
        most: How many notes at most.
    """
    common = learned.facts.max_notes_per_text
    table = snapshot.table(max_notes_per_text=common)
    paths = [table.paths[note] for note in table.speaking.tolist()]
    links = np.bincount(edges[:, 0], minlength=len(paths))
    linking = np.flatnonzero((links >= FEWEST_LINKS) & (links <= MOST_LINKS))
    number = min(most, len(linking))
    chosen = linking[np.arange(number) * len(linking) // max(number, 1)]
    if number and not learned.adapter.is_idle:
        others = edges[~np.isin(edges, chosen).any(axis=1)]
        learned = replace(learned, adapter=train(learned.whitening(table.means), others))
    for place in chosen.tolist():
        others = edges[(edges != place).all(axis=1)]
        known = replace(
            learned,
            folders=Folders.count(paths, others),
            facts=replace(learned.facts, links=len(others)),
        )
        compared = _compared(paths[place], known, snapshot)
        if compared is not None:
            linked = {paths[other] for other in edges[edges[:, 0] == place, 1].tolist()}
            is_link = np.array([path in linked for path in compared.paths])
            yield Asked(paths[place], len(linked), compute(compared), is_link)


def _compared(path: str, learned: Learned, snapshot: Snapshot) -> Comparison | None:
    """A note, as if it linked nothing, beside its candidates; None if it says too little."""
    common = learned.facts.max_notes_per_text
    source = without_its_links(indexed_source(path, snapshot, max_notes_per_text=common))
    if not source.has_text or source.term_counts.total() < FEWEST_WORDS:
        return None
    found = find_candidates(source, snapshot, learned, exclude={path}, max_notes_per_text=common)
    compared = Comparison(source, found, snapshot)
    return compared if compared.paths else None


def correct(
    learned: Learned, snapshot: Snapshot, edges: Edges, *, ranker: Path = TABLE
) -> LearnedFacts:
    """What was learned, with the correction that the vault's own links ask for.

    There is none if it was no better for notes that were kept out of it.

    Args:
        learned: What the vault taught, all links included.
        snapshot: The index.
        edges: The links that this was learned from.
        ranker: The trees whose probabilities are corrected.
    """
    trees = load_ranker(ranker)
    said: list[Array] = []
    was: list[NDArray[np.bool_]] = []
    for asked in ask(learned, snapshot, edges):
        scores = trees.scores(asked.features)
        first = np.argsort(-scores, kind="stable")[:DEPTH]
        line = trees.calibration.looked_away.line(
            float(asked.features["vault_size"][0]), len(scores)
        )
        said.append(line.log_odds(scores[first]))
        was.append(asked.is_link[first])
    if len(said) < FEWEST_ASKED:
        return learned.facts
    every = np.concatenate(said), np.concatenate(was)
    note = np.repeat(np.arange(len(said)), [len(each) for each in said])
    correction, plain, corrected = choose(*every, note)
    return replace(
        learned.facts,
        asked=len(said),
        asked_links=learned.links,
        shift=round(correction.shift, 4),
        stretch=round(correction.stretch, 4),
        error_plain=plain,
        error_corrected=corrected,
    )


def choose(
    log_odds: Array, is_link: NDArray[np.bool_], note: NDArray[np.int64]
) -> tuple[Correction, float, float]:
    """The correction, if it helps notes that were kept out of it, else none; and both errors.

    Arguments are as of `errors`.
    """
    plain, corrected = errors(log_odds, is_link, note)
    correction = fit(log_odds, is_link) if corrected < plain else NO_CORRECTION
    return correction, plain, corrected


def fit(log_odds: Array, is_link: NDArray[np.bool_]) -> Correction:
    """The likeliest correction, if vaults lie about no correction as those that were measured do.

    Logistic regression with a normal prior, by Newton's method (Bishop 2006, section 4.5).

    Args:
        log_odds: (suggestions,) of a link, by what other vaults taught.
        is_link: (suggestions,) what was so.
    """
    inputs = np.stack([np.ones(len(log_odds)), log_odds - MIDDLE], axis=1)
    prior = np.array([SHIFT, STRETCH]) ** -2.0
    found = np.zeros(2)
    for _ in range(STEPS):
        said = 1 / (1 + np.exp(-(log_odds + inputs @ found)))
        gradient = SAY * inputs.T @ (is_link - said) - prior * found
        bend = (SAY * inputs * (said * (1 - said))[:, None]).T @ inputs + np.diag(prior)
        step = np.linalg.solve(bend, gradient)
        found = found + step
        if np.abs(step).max() < ENOUGH:
            break
    return Correction(float(found[0]), max(float(found[1]), LEAST_STRETCH))


def still_holds(before: LearnedFacts, now: LearnedFacts) -> bool:
    """Whether what was asked of an earlier state of the vault will do for this one."""
    if not before.asked or before.space != now.space:
        return False
    return abs(now.links - before.asked_links) < CHANGED_SHARE * before.asked_links


def taken_over(before: LearnedFacts, now: LearnedFacts) -> LearnedFacts:
    """What was learned now, with the correction of before."""
    return replace(now, **{name: getattr(before, name) for name in OF_ASKING})


def errors(
    log_odds: Array, is_link: NDArray[np.bool_], note: NDArray[np.int64]
) -> tuple[float, float]:
    """Calibration error without a correction, and with one that the other notes ask for.

    Args:
        log_odds: (suggestions,) of a link, by what other vaults taught.
        is_link: (suggestions,) what was so.
        note: (suggestions,) for which note; a fifth of the notes at a time is kept out.
    """
    fold = np.searchsorted(distinct(note), note) % FOLDS
    corrected = log_odds.copy()
    for number in range(FOLDS):
        is_in = fold == number
        correction = fit(log_odds[~is_in], is_link[~is_in])
        corrected[is_in] = correction.of(log_odds[is_in])
    plain, better = (
        expected_error(1 / (1 + np.exp(-each)), is_link) for each in (log_odds, corrected)
    )
    return plain, better
