"""Hide some of the links of a vault, ask for them, and count what comes back.

The notes are copied, without those links, to a folder that is gone when the figures are there.
That copy gets an index of its own, made from nothing: whatever an index remembers or learns of
links, it can only know from what was left of them. Vectors are taken over from the vault's index
by the hash of the text, so a text has the same vector in both, and a masked one none but its own.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recall.errors import UsageError
from recall.evaluate.masking import Anchor, MaskedSource, Track, VaultTexts, masked
from recall.evaluate.metrics import (
    Estimate,
    bootstrap,
    bootstrap_ratio,
    ndcg_at,
    recall_at,
    reciprocal_rank,
)
from recall.evaluate.reuse import ReusingEmbedder
from recall.index import Index
from recall.records import dataclass, replace
from recall.settings import SuggestSettings

if TYPE_CHECKING:
    from recall.build import OnProgress
    from recall.domain import NoteCard
    from recall.store import Snapshot

DEFAULT_SOURCES = 150
MOST_SOURCES = 2000
DEPTH = 50  # how far down a list is looked for a hidden link
TOP = 10
MISSES = 10  # hidden links that were not found, to look at
SEED = 0
RECALL, COSINE = "recall", "cosine"

Lists = Mapping[str, Sequence[str]]  # source → suggested paths, best first


@dataclass(frozen=True, slots=True)
class Method:
    """How well one way to suggest links did; means over the sources, with their intervals."""

    name: str
    found: int  # hidden links among the first ten suggestions
    recall: Estimate  # of the links of a source, the share among its first ten
    ndcg: Estimate
    reciprocal_rank: Estimate


@dataclass(frozen=True, slots=True)
class Miss:
    """A hidden link that recall does not give among its first ten."""

    path: str
    title: str
    target_path: str
    target_title: str
    rank: int | None  # that it has all the same; None: not among the first fifty
    cosine_rank: int | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was hidden, and who found it again."""

    notes: int
    sources: int  # notes whose links were hidden
    hidden: int  # links that were hidden
    methods: tuple[Method, ...]  # recall first; none without sources
    ratio: Estimate | None  # nDCG of recall over that of cosine
    misses: tuple[Miss, ...]
    embedded: int  # texts that hiding links made anew
    seconds: float


def evaluate(
    index: Index, *, sources: int = DEFAULT_SOURCES, on_progress: OnProgress | None = None
) -> Evaluation:
    """Measure suggestions on the links that the author of a vault made.

    Args:
        index: Of the vault, up to date.
        sources: How many notes are asked about at most, drawn at random but always the same.
        on_progress: Called with (stage, done, total).

    Raises:
        UsageError: `sources` is not from 1 to 2,000.
        IndexMissing: Nothing was indexed yet; call `refresh` first.
        IndexOutdated: It was made with another model; call `refresh` first.
    """
    is_number = isinstance(sources, int) and not isinstance(sources, bool)
    if not is_number or not 1 <= sources <= MOST_SOURCES:
        raise UsageError(
            f"The number of sources is {sources!r}.",
            hint=f"Give a whole number from 1 to {MOST_SOURCES:,}.",
        )
    started = time.perf_counter()
    tell = on_progress or (lambda *_: None)
    tell("hiding links", 0, 1)
    vault = VaultTexts.read(index.vault, index.settings.rules)
    chosen, without = masked(vault, track=Track.NEW, anchor=Anchor.HIDDEN, seed=SEED, most=sources)
    hidden = sum(len(source.hidden) for source in chosen)
    nothing = Evaluation(len(vault.notes), len(chosen), hidden, (), None, (), 0, 0.0)
    if not chosen:
        return replace(nothing, seconds=time.perf_counter() - started)
    with index.read() as known, _copy_of(without, index, known, tell) as (copy, embedder):
        lists: dict[str, dict[str, list[str]]] = {RECALL: {}, COSINE: {}}
        with copy.read() as snapshot:
            cosine = _Cosine(snapshot)
            for done, source in enumerate(chosen):
                tell("asking", done, len(chosen))
                found = copy.suggest_links(
                    copy.settings.notes / source.path, k=DEPTH, drafts=True
                ).suggestions
                lists[RECALL][source.path] = [item.card.path for item in found]
                lists[COSINE][source.path] = cosine.nearest(source.path)
            cards = snapshot.cards(snapshot.paths())
        return replace(
            nothing,
            methods=tuple(_judged(name, by_source, chosen) for name, by_source in lists.items()),
            ratio=_ratio(lists, chosen),
            misses=_misses(lists, chosen, cards),
            embedded=embedder.computed,
            seconds=time.perf_counter() - started,
        )


@contextmanager
def _copy_of(
    vault: VaultTexts, index: Index, known: Snapshot, tell: OnProgress
) -> Iterator[tuple[Index, ReusingEmbedder]]:
    """An index over notes that are written for as long as the block lasts, however it ends."""
    index.check_space(known)
    with tempfile.TemporaryDirectory(prefix="recall-eval-") as folder:
        notes = Path(folder).resolve() / "notes"
        for path, note in vault.notes.items():
            file = notes / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(note.text.encode())
        settings = replace(
            index.settings,
            notes=notes,
            index=notes.with_name("index"),
            suggest=SuggestSettings(exclude=()),  # every link counts, whatever it points at
        )
        embedder = ReusingEmbedder(index.embedder, known)
        copy = Index(settings, embedder=embedder)
        copy.refresh(on_progress=tell)
        yield copy, embedder


class _Cosine:
    """What most tools do: the notes whose mean vectors are nearest."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._paths, self._rows = snapshot.centroids()
        self._place = {path: place for place, path in enumerate(self._paths)}

    def nearest(self, path: str) -> list[str]:
        """The first `DEPTH` notes, ties by path; none for a note without text."""
        own = self._place.get(path)
        if own is None:
            return []
        similar = self._rows @ self._rows[own]
        order = np.argsort(-similar, kind="stable")[: DEPTH + 1]  # paths are sorted
        return [self._paths[place] for place in order.tolist() if place != own][:DEPTH]


def _judged(name: str, lists: Lists, sources: Sequence[MaskedSource]) -> Method:
    def mean(measure: Callable[[Sequence[str], Sequence[str]], float]) -> Estimate:
        return bootstrap([measure(lists[s.path], s.hidden) for s in sources], seed=SEED)

    return Method(
        name,
        sum(len({*lists[source.path][:TOP]}.intersection(source.hidden)) for source in sources),
        mean(recall_at),
        mean(ndcg_at),
        mean(reciprocal_rank),
    )


def _ratio(lists: Mapping[str, Lists], sources: Sequence[MaskedSource]) -> Estimate | None:
    ours, base = (
        [ndcg_at(lists[name][source.path], source.hidden) for source in sources]
        for name in (RECALL, COSINE)
    )
    return bootstrap_ratio(ours, base, seed=SEED) if any(base) else None


def _misses(
    lists: Mapping[str, Lists], sources: Sequence[MaskedSource], cards: Mapping[str, NoteCard]
) -> tuple[Miss, ...]:
    """Some of the links that were not found, drawn from all over the vault."""
    missed = [
        (source.path, target)
        for source in sources
        for target in source.hidden
        if target not in lists[RECALL][source.path][:TOP]
    ]
    drawn = random.Random(f"misses {SEED}").sample(missed, min(MISSES, len(missed)))
    return tuple(
        Miss(
            path,
            cards[path].title,
            target,
            cards[target].title,
            _rank(lists[RECALL][path], target),
            _rank(lists[COSINE][path], target),
        )
        for path, target in sorted(drawn)
    )


def _rank(ranked: Sequence[str], path: str) -> int | None:
    return ranked.index(path) + 1 if path in ranked else None
