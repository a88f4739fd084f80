"""Why one note is suggested for another, or why not: for any pair.

The pair goes the same way as in `suggest`: the same candidates, features and ranker. A note that is
no candidate, or is linked already, is put among them for the question alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet
from recall.links.candidates import SAID_COLUMNS, find_candidates, telling_terms
from recall.links.comparison import Comparison
from recall.links.evidence import gather
from recall.links.features import RELATIVE
from recall.links.ranker import TABLE, load_ranker, ranks
from recall.links.ranking import rank
from recall.links.targets import Bar
from recall.links.worth import CONSIDERED
from recall.names import Resolver
from recall.records import dataclass, replace

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.domain import Evidence, Link, NoteCard
    from recall.feedback import Tally
    from recall.links.learned import Learned
    from recall.links.source import Source
    from recall.links.targets import Targets
    from recall.store import Snapshot

    Array = NDArray[np.float64]

# What the features of a group have in common, in the order in which they are shown.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "meaning": (
        "mean_cosine", "best_", "whitened_", "title_to_", "text_to_title", "claim_to", "signal_to",
        "take_to", "csls", "hubness",
    ),
    "words": ("bm25", "shared_title_terms", "title_share", "title_weight"),
    "names": ("mention_",),
    "links": (
        "adapted", "in_degree", "out_degree", "popularity", "votes", "common_neighbours",
        "adamic_adar", "near_own_links", "links_back",
    ),
    "place and time": ("shared_tags", "same_folder", "folder_affinity", "days_apart"),
    "size": (
        "length", "source_length", "title_length", "source_links", "vault_size", "links_per_note",
    ),
}  # fmt: skip
OTHER = "other"


class Obstacle(StrEnum):
    """What keeps a note from being suggested."""

    ITSELF = "itself"
    LINKED = "linked"
    DISMISSED = "dismissed"
    EXCLUDED = "excluded"
    DRAFT = "draft"
    GONE = "gone"  # its file is not there any more
    NO_TEXT_HERE = "no-text-here"
    NO_TEXT_THERE = "no-text-there"
    TEMPLATE_HERE = "template-here"
    TEMPLATE_THERE = "template-there"
    NO_CANDIDATE = "no-candidate"
    WEAK = "weak"  # a reader would rather not accept it; --all shows it
    BELOW_THRESHOLD = "below-threshold"
    BEYOND_LIST = "beyond-list"


@dataclass(frozen=True, slots=True)
class Signal:
    """How near the note is under one signal, among the candidates."""

    name: str
    value: float
    rank: int  # 1 for the nearest


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of one pair."""

    source: NoteCard
    target: NoteCard
    obstacles: tuple[Obstacle, ...]  # none: it is suggested
    links: tuple[Link, ...] = ()  # from the one to the other, in note order
    link_lines: tuple[int, ...] = ()  # where they stand; none if the file can't be read any more
    rank: int | None = None  # among what may be suggested; None where nothing could be compared
    score: float | None = None  # the probability
    worth: float | None = None  # of a link to a careful reader, as a probability
    said: Tally | None = None  # by the author, of this note as a suggestion; part of the score
    candidates: int = 0
    cosine_rank: int | None = None  # among all notes of the vault, by mean vectors
    words_rank: int | None = None  # among all notes, by BM25; None: no telling word is shared
    signals: tuple[Signal, ...] = ()
    groups: Mapping[str, float] | None = None  # what the ranker's score owes to each group
    evidence: Evidence | None = None
    unread: float = 0.0  # share of the source that the model can't read: words count the more
    k: int = 0  # how many suggestions were asked for
    min_score: float = 0.0

    @property
    def is_suggested(self) -> bool:
        """Whether `suggest-links` shows it."""
        return not self.obstacles


def explain(
    source: Source,
    target: NoteCard,
    snapshot: Snapshot,
    learned: Learned,
    *,
    targets: Targets,
    k: int,
    min_score: float,
    max_notes_per_text: int,
    is_there: Callable[[str], bool],
    ranker: Path | None = None,
    unread: float = 0.0,
) -> Explanation:
    """Say whether a note is suggested for another, with all that speaks for and against it.

    Args:
        source: The note that suggestions are for.
        target: The other note.
        snapshot: The index.
        learned: What the vault itself teaches.
        targets: What may be suggested.
        k: How many suggestions are asked for.
        min_score: The least probability of a suggestion.
        max_notes_per_text: Texts that more notes hold are template text.
        is_there: Whether a note's file still exists.
        ranker: As of `suggest`.
        unread: As of `suggest`.
    """
    found = Explanation(source.card, target, (), k=k, min_score=min_score, unread=unread)
    if target.path == source.card.path:
        return replace(found, obstacles=(Obstacle.ITSELF,))
    obstacles = []
    if links := _links_to(target, source, snapshot):
        obstacles.append(Obstacle.LINKED)
    if (bar := targets.bar(target)) is not None:
        obstacles.append(_BARS[bar])
    if not is_there(target.path):
        obstacles.append(Obstacle.GONE)
    texts = _without_text(source, target, snapshot, max_notes_per_text)
    found = replace(found, links=links, obstacles=(*obstacles, *texts))
    if not texts:
        found = _compared(
            found, source, snapshot, learned, targets, max_notes_per_text, is_there, ranker or TABLE
        )
    return found


_BARS = {
    Bar.DISMISSED: Obstacle.DISMISSED,
    Bar.EXCLUDED: Obstacle.EXCLUDED,
    Bar.DRAFT: Obstacle.DRAFT,
}


def _links_to(target: NoteCard, source: Source, snapshot: Snapshot) -> tuple[Link, ...]:
    if target.path not in source.linked:
        return ()
    resolver = Resolver(snapshot.lookup)
    own = source.card.path
    return tuple(
        link for link in source.links if resolver.resolve_link(link, source=own).path == target.path
    )


def _without_text(
    source: Source, target: NoteCard, snapshot: Snapshot, max_notes_per_text: int
) -> tuple[Obstacle, ...]:
    """Which of the two notes have nothing of their own to compare, and what they have instead."""
    obstacles = []
    if not source.has_text:
        stored = snapshot.passages(source.card.path)
        has_prose = any(item.passage.facet is not Facet.TITLE for item in stored)
        obstacles.append(Obstacle.TEMPLATE_HERE if has_prose else Obstacle.NO_TEXT_HERE)
    theirs = snapshot.passages(target.path)
    common = snapshot.common_texts([item.text_id for item in theirs], max_notes_per_text)
    if all(item.text_id in common for item in theirs):
        obstacles.append(Obstacle.TEMPLATE_THERE if theirs else Obstacle.NO_TEXT_THERE)
    return tuple(obstacles)


def _compared(
    found: Explanation,
    source: Source,
    snapshot: Snapshot,
    learned: Learned,
    targets: Targets,
    max_notes_per_text: int,
    is_there: Callable[[str], bool],
    table: Path,
) -> Explanation:
    path = found.target.path
    candidates = find_candidates(
        source,
        snapshot,
        learned,
        exclude={source.card.path} | (source.linked - {path}),
        max_notes_per_text=max_notes_per_text,
    )
    obstacles = list(found.obstacles)
    if path not in candidates.bm25:
        obstacles.append(Obstacle.NO_CANDIDATE)
        everyone = dict(sorted({**candidates.bm25, path: 0.0}.items()))
        candidates = replace(candidates, bm25=everyone)
    compared = Comparison(source, candidates, snapshot)
    ranking = rank(compared, table=table, said=targets.said, unread=found.unread)
    row = compared.paths.index(path)
    before = ranking.order[: ranking.order.index(row)]
    cards = snapshot.cards([compared.paths[other] for other in before])
    ahead = [
        other
        for other in before
        if targets.bar(cards[compared.paths[other]]) is None and is_there(compared.paths[other])
    ]
    shown = sum(not ranking.weak[other] for other in ahead)
    if ranking.weak[row]:
        obstacles.append(Obstacle.WEAK)
    if ranking.probabilities[row] < found.min_score:
        obstacles.append(Obstacle.BELOW_THRESHOLD)
    elif shown >= found.k or len(ahead) >= CONSIDERED:
        obstacles.append(Obstacle.BEYOND_LIST)
    return replace(
        found,
        obstacles=tuple(obstacles),
        said=targets.said.get(path),
        rank=1 + len(ahead),
        score=float(ranking.probabilities[row]),
        worth=float(ranking.worth[row]),
        candidates=len(compared.paths),
        cosine_rank=_cosine_rank(source, path, snapshot, max_notes_per_text),
        words_rank=_words_rank(source, path, snapshot),
        signals=_signals(ranking.features, row),
        groups=_groups(ranking.features, row, table),
        evidence=gather(compared, ranking.features, row, found.target),
    )


def _signals(features: Mapping[str, Array], row: int) -> tuple[Signal, ...]:
    return tuple(
        Signal(name, round(float(features[name][row]), 4), int(ranks(features[name])[row]))
        for name in RELATIVE
        if np.isfinite(features[name][row])
    )


def _groups(features: Mapping[str, Array], row: int, table: Path) -> dict[str, float]:
    """How much the score would lose with each group of features as the middle candidate has it.

    Features work together, so the parts need not add up to the score.
    """
    of_group: dict[str, list[str]] = {name: [] for name in (*GROUPS, OTHER)}
    for name in features:
        of_group[group_of(name)].append(name)
    groups = [group for group, names in of_group.items() if names]
    asked = {}
    for name, column in features.items():
        asked[name] = np.full(len(groups) + 1, column[row])
        known = column[np.isfinite(column)]
        place = groups.index(group_of(name)) + 1
        asked[name][place] = float(np.median(known)) if len(known) else np.nan
    scores = load_ranker(table).scores(asked)
    return {
        group: round(float(scores[0] - scores[place]), 4)
        for place, group in enumerate(groups, start=1)
    }


def group_of(name: str) -> str:
    """The group that a feature belongs to."""
    return next((group for group, starts in GROUPS.items() if name.startswith(starts)), OTHER)


def _cosine_rank(
    source: Source, path: str, snapshot: Snapshot, max_notes_per_text: int
) -> int | None:
    paths, rows = snapshot.centroids(max_notes_per_text=max_notes_per_text)
    if path not in paths:
        return None
    similar = rows @ source.vectors.mean(axis=0)
    own = similar[paths.index(path)]
    nearer: Sequence[int] = np.flatnonzero(similar > own).tolist()
    return 1 + sum(paths[place] != source.card.path for place in nearer)


def _words_rank(source: Source, path: str, snapshot: Snapshot) -> int | None:
    terms = telling_terms(source, snapshot).keys()
    notes = snapshot.counts().notes
    own = {source.card.path}
    found = [
        other for other, _ in snapshot.lexical(terms, notes, exclude=own, columns=SAID_COLUMNS)
    ]
    return found.index(path) + 1 if path in found else None
