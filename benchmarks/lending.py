"""How much should notes that are alike lend each other, and the first ones set others apart?

Chosen on other collections than are asked.

    python -m benchmarks.lending --data DIR --cache DIR [--collections cranfield,med]

Takes the evidence of every question through recall once, as a search does, and then tries the
numbers of `recall.search.fusion.smoothed` on it, and on what comes of those that recall has, the
numbers of `set_apart`. nDCG@10 by collection. For each collection there
is the figure under the numbers that are best on the others, by the mean of nDCG over the better
half's; halves are ranked among the same candidates.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.results_file import keep
from benchmarks.search import questions_of, vault_of
from recall import open_index
from recall.domain import Filters
from recall.evaluate.metrics import ndcg_at
from recall.search.evidence import Evidence, gather
from recall.search.fusion import (
    APART,
    LENDERS,
    LENT,
    MEANT,
    RIDGE,
    SHARPNESS,
    likeness,
    mixed,
    set_apart,
    share_lent,
    smoothed,
)
from recall.search.spelling import readings
from recall.search.wording import question_wording

DEPTH = 10
GRID = tuple(product((0.6, 0.75, 0.9), (8, 10), (1, 3, 4, 5)))  # lent, lenders, sharpness
TAKEN = (LENT, LENDERS, SHARPNESS)
SIDES = tuple(product((2, 3), (0.02, 0.05), (0.35, 0.5, 0.7)))  # meant, ridge, worth
SIDES_TAKEN = (MEANT, RIDGE, APART)

Numbers = TypeVar("Numbers", bound=tuple[float, ...])
Row = dict[str, float]  # collection → nDCG@10
Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asked:
    """A question, what speaks for its candidates, and which of them answer."""

    evidence: Evidence
    words: int
    answers: frozenset[str]

    @property
    def alike(self) -> Scores:
        """How alike the candidates are; made anew each time, as it is large."""
        return likeness(self.evidence.means)

    @cached_property
    def lent(self) -> Scores:
        """The scores with what is lent now."""
        return _lending(self, *TAKEN)

    def ndcg(self, scores: Scores) -> float:
        """nDCG@10 of the candidates in the order of their scores; equal ones by path."""
        order = np.argsort(-scores, kind="stable")[:DEPTH].tolist()
        return ndcg_at([self.evidence.paths[i] for i in order], self.answers)


def main() -> None:
    """Try every combination, leave each collection out in turn, print and keep the figures."""
    arguments = _arguments()
    names = arguments.collections or sorted(p.name for p in arguments.data.iterdir())
    asked = {name: list(_asked(arguments.data / name, arguments.cache / name)) for name in names}
    rows: dict[str, Row] = {
        "meaning": _row(asked, lambda one: one.evidence.best),
        "words": _row(asked, lambda one: one.evidence.words),
        "nothing lent": _row(asked, lambda one: mixed(one.evidence, words=one.words)),
        "half, ten lenders, whatever is asked": _row(asked, _as_before),
    }
    half = {name: max(rows["meaning"][name], rows["words"][name]) for name in names}
    tried = {numbers: _row(asked, lambda one, n=numbers: _lending(one, *n)) for numbers in GRID}
    rows |= {f"lent {n[0]}, lenders {n[1]}, power {n[2]}": row for n, row in tried.items()}
    rows["chosen on the other collections"] = {
        name: tried[_best(tried, half, [other for other in names if other != name])][name]
        for name in names
    }
    rows["taken"] = tried[TAKEN]
    apart = {numbers: _row(asked, lambda one, n=numbers: _apart(one, *n)) for numbers in SIDES}
    rows |= {f"and {n[0]} meant, ridge {n[1]}, worth {n[2]}": row for n, row in apart.items()}
    rows["set apart, chosen on the other collections"] = {
        name: apart[_best(apart, half, [other for other in names if other != name])][name]
        for name in names
    }
    rows["set apart, taken"] = apart[SIDES_TAKEN]
    ratios = {name: round(sum(row.values()) / sum(half.values()), 4) for name, row in rows.items()}
    for name, row in rows.items():
        print(f"{name:<40}", "  ".join(f"{n} {v:.4f}" for n, v in row.items()), ratios[name])
    kept = keep("lending", {"ndcg@10": rows, "mean over the better halves'": ratios})
    print("kept in", kept.name)


def _asked(collection: Path, folder: Path) -> Iterator[Asked]:
    index = open_index(vault_of(collection, folder))
    index.refresh()
    with index.read() as snapshot:
        for question in questions_of(collection):
            wording = question_wording(question.text, snapshot)
            spelled, *_ = readings(
                question.text,
                unfinished=wording.unfinished,
                snapshot=snapshot,
                embedder=index.embedder,
            )
            wording = question_wording(spelled.text, snapshot)
            evidence = gather(
                snapshot,
                index.embedder.embed_queries([spelled.text]),
                wording.weights,
                k=DEPTH,
                filters=Filters(),
                max_notes_per_text=index.settings.max_notes_per_text,
            )
            yield Asked(evidence, len(wording.asked), question.answers)


def _as_before(one: Asked) -> Scores:
    scores = mixed(one.evidence, words=one.words)
    return smoothed(scores, one.alike, lent=0.5, lenders=10, sharpness=1)


def _lending(one: Asked, most: float, lenders: int, sharpness: int) -> Scores:
    return smoothed(
        mixed(one.evidence, words=one.words),
        one.alike,
        lent=most * share_lent(one.words) / LENT,
        lenders=lenders,
        sharpness=sharpness,
    )


def _apart(one: Asked, meant: int, ridge: float, worth: float) -> Scores:
    told = share_lent(one.words) / LENT
    return set_apart(one.lent, one.alike, worth=worth * told, meant=meant, ridge=ridge)


def _row(asked: Mapping[str, list[Asked]], scores: Callable[[Asked], Scores]) -> Row:
    return {
        name: round(float(np.mean([one.ndcg(scores(one)) for one in each])), 4)
        for name, each in asked.items()
    }


def _best(tried: Mapping[Numbers, Row], half: Mapping[str, float], names: list[str]) -> Numbers:
    return max(tried, key=lambda numbers: sum(tried[numbers][n] / half[n] for n in names))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="collections in BEIR form")
    parser.add_argument("--cache", type=Path, required=True, help="the vaults made of them")
    parser.add_argument("--collections", type=lambda text: text.split(","), default=[])
    return parser.parse_args()


if __name__ == "__main__":
    main()
