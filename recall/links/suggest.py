"""The whole way from a source note to ranked suggestions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from recall.domain import Suggestion
from recall.links.candidates import find_candidates
from recall.links.comparison import Comparison
from recall.links.evidence import gather
from recall.links.ranker import TABLE
from recall.links.ranking import NOTHING_SAID, Ranking, rank
from recall.links.worth import CONSIDERED
from recall.links.written import Writer, vault_manner
from recall.names import Resolver, spelling

if TYPE_CHECKING:
    from pathlib import Path

    from recall.domain import NoteCard
    from recall.feedback import Tally
    from recall.links.learned import Learned
    from recall.links.source import Source
    from recall.manner import Manner
    from recall.store import Snapshot


def suggest(
    source: Source,
    snapshot: Snapshot,
    learned: Learned,
    *,
    k: int,
    min_score: float = 0.0,
    include_weak: bool = True,
    include_linked: bool = False,
    max_notes_per_text: int,
    is_there: Callable[[str], bool],
    is_wanted: Callable[[NoteCard], bool] = lambda _: True,
    habit: Callable[[], Manner] | None = None,
    ranker: Path | None = None,
    said: Mapping[str, Tally] = NOTHING_SAID,
    unread: float = 0.0,
) -> tuple[Suggestion, ...]:
    """The notes that the source should perhaps link, best first.

    Args:
        source: The note to find links for.
        snapshot: The index.
        learned: What the vault itself teaches.
        k: How many at most.
        min_score: Suggestions below this probability are left out.
        include_weak: Whether suggestions that a reader would rather not accept are given, too.
            Without them, what comes after moves up, from among the first `CONSIDERED`.
        include_linked: Also give the notes that are linked already, marked as such.
        max_notes_per_text: Texts that more notes hold are template text: they count for nothing.
        is_there: Whether a note's file still exists; one that is gone is never suggested.
        is_wanted: Whether a note may be suggested. One that may not is ranked with the others all
            the same, so that what it takes away changes no other's score.
        habit: Gives how the vault spells its links, if that is known already.
        ranker: A table of trees other than the one that comes with the package.
        said: What the author said of notes as suggestions for others, by path.
        unread: Share of the source that the model can't read; words count the more for it.

    Returns:
        At most `k` suggestions; none for a note without text of its own.
    """
    if not source.has_text:
        return ()
    exclude = {source.card.path} | (set() if include_linked else source.linked)
    candidates = find_candidates(
        source, snapshot, learned, exclude=exclude, max_notes_per_text=max_notes_per_text
    )
    if not candidates.bm25:
        return ()
    compared = Comparison(source, candidates, snapshot)
    if not compared.paths:
        return ()
    ranking = rank(compared, table=ranker or TABLE, said=said, unread=unread)
    resolver = Resolver(snapshot.lookup)
    spells = habit or partial(vault_manner, snapshot)
    writer = Writer(source.card.path, snapshot.links_from(source.card.path), resolver, spells)
    chosen: list[tuple[int, NoteCard]] = []
    considered = 0
    for row, card in _in_order(ranking, compared):
        if len(chosen) == k or ranking.probabilities[row] < min_score:
            break
        if not include_weak and considered == CONSIDERED:
            break
        if card is None or not is_wanted(card) or not is_there(card.path):
            continue
        considered += 1
        if include_weak or not ranking.weak[row]:
            chosen.append((row, card))
    compared.read_passages([row for row, _ in chosen])
    return tuple(
        Suggestion(
            rank=place,
            score=float(ranking.probabilities[row]),
            worth=float(ranking.worth[row]),
            weak=bool(ranking.weak[row]),
            card=card,
            link=f"[[{spelling(card, resolver, source=source.card.path)}]]",
            evidence=gather(compared, ranking.features, row, card),
            linked=card.path in source.linked,
            written_as=writer.written(card),
        )
        for place, (row, card) in enumerate(chosen, start=1)
    )


def _in_order(ranking: Ranking, compared: Comparison) -> Iterator[tuple[int, NoteCard | None]]:
    """The candidates, best first, with their cards, of which a few are read at once."""
    for start in range(0, len(ranking.order), CONSIDERED):
        rows = ranking.order[start : start + CONSIDERED]
        cards = compared.snapshot.cards([compared.paths[row] for row in rows])
        for row in rows:
            yield row, cards.get(compared.paths[row])
