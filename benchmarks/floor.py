"""When does nothing answer a question? The rule's two numbers, fitted with one vault left out.

    python -m benchmarks.floor --vaults DIR,DIR

Asks the questions of `answerable.toml` (and over `notes`, `questions.toml`), and fits a logistic
function of nearness and of the share of the words that a note holds, on the vaults that were
looked at before; each of them is also asked with numbers fitted on the others. Those kept for a
test are asked with the numbers of `recall.search.floor`, and with those it had when it looked at
the nearest passage only.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.answerable import DEPTH, HERE, KEPT
from benchmarks.results_file import keep
from recall import open_index
from recall.domain import HitParts
from recall.search.floor import FLOOR, SHARE_WORTH

RIDGE = 1e-3  # keeps the steps small where a vault's questions can be told apart without an error
ROUNDS = 15  # of fitting and choosing the best note anew

Nearness = Callable[[HitParts], float]
Numbers = tuple[float, float]  # floor, worth of the share


def best_passage(parts: HitParts) -> float:
    """Cosine of the note's nearest passage."""
    return parts.dense or 0.0


def both(parts: HitParts) -> float:
    """Mean of that and of the cosine of the whole note."""
    return ((parts.dense or 0.0) + (parts.whole or 0.0)) / 2


RULES: Mapping[str, Nearness] = {"best passage": best_passage, "passage and note": both}
BEFORE: Numbers = (0.45, 0.15)  # with the best passage
NOW: Numbers = (FLOOR, SHARE_WORTH)  # with both


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what speaks for its best notes."""

    vault: str
    has_answer: bool
    parts: tuple[HitParts, ...]

    @property
    def is_sure(self) -> bool:
        """Whether it is a name, or a note holds all the words: an answer however far."""
        return any(one.name is not None or one.share > 1 - 1e-9 for one in self.parts)

    def best(self, nearness: Nearness, worth: float) -> tuple[float, float]:
        """Nearness and share of the note that comes nearest to being an answer."""
        found = [(nearness(one), one.share) for one in self.parts]
        return max(found, key=lambda pair: pair[0] + worth * pair[1], default=(0.0, 0.0))

    def is_answered(self, nearness: Nearness, numbers: Numbers) -> bool:
        """Whether the rule holds it for answered."""
        near, share = self.best(nearness, numbers[1])
        return self.is_sure or near + numbers[1] * share >= numbers[0]


def main() -> None:
    """Ask, fit with each vault left out, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--vaults", type=lambda text: [Path(part) for part in text.split(",") if part], default=[]
    )
    asked = list(_asked({"notes": HERE.parent} | {f.name: f for f in parser.parse_args().vaults}))
    known = [one for one in asked if one.vault not in KEPT]
    kept = [one for one in asked if one.vault in KEPT]
    figures: dict[str, object] = {}
    for name, nearness in RULES.items():
        left_out: list[bool] = []
        by_vault: dict[str, object] = {}
        for vault in sorted({one.vault for one in known}):
            numbers = fitted([one for one in known if one.vault != vault], nearness)
            of_vault = [one for one in known if one.vault == vault]
            verdicts = [one.is_answered(nearness, numbers) for one in of_vault]
            by_vault[vault] = {"floor and worth": numbers, **_errors(of_vault, verdicts)}
            left_out += verdicts
        ordered = sorted(known, key=lambda one: one.vault)  # stable: as they were left out
        figures[name] = {
            "fitted on all": fitted(known, nearness),
            "each vault with numbers fitted on the others": _errors(ordered, left_out),
            **by_vault,
        }
    rules = {"nearest passage only, 0.45 and 0.15": (best_passage, BEFORE), "now": (both, NOW)}
    for group, questions in {"vaults looked at": known, "vaults kept for a test": kept}.items():
        for name, (nearness, numbers) in rules.items():
            verdicts = [one.is_answered(nearness, numbers) for one in questions]
            figures[f"{group}, {name}"] = _errors(questions, verdicts)
    for name, value in figures.items():
        print(name, value)
    print("kept in", keep("floor", figures).name)


def _asked(folders: Mapping[str, Path]) -> Iterator[Asked]:
    rows = _questions("answerable.toml")
    rows += [row | {"vault": "notes"} for row in _questions("questions.toml")]
    for vault, folder in folders.items():
        index = open_index(folder)
        index.refresh()
        for row in rows:
            if row["vault"] == vault:
                hits = index.search(row["text"], k=DEPTH, include_weak=True).hits
                yield Asked(vault, bool(row["answer"]), tuple(hit.parts for hit in hits))


def _questions(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = tomllib.loads((HERE / name).read_text("utf-8"))["question"]
    return found


def fitted(asked: Sequence[Asked], nearness: Nearness) -> Numbers:
    """Floor and worth of the share, by logistic regression; both kinds of question count alike."""
    unsure = [one for one in asked if not one.is_sure]
    has_answer = np.array([one.has_answer for one in unsure], dtype=np.float64)
    worth, slope, offset = SHARE_WORTH, 1.0, 0.0
    for _ in range(ROUNDS):
        rows = np.array([one.best(nearness, worth) for one in unsure])
        slope, share, offset = _logistic(rows, has_answer)
        worth = share / slope
    return round(-offset / slope, 3), round(worth, 3)


def _logistic(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float, float]:
    """Slopes of both columns and the offset, by Newton's method, on columns made alike."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    columns = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])
    ridge = np.diag([RIDGE, RIDGE, 0.0])
    weight = np.where(wanted > 0, 0.5 / wanted.mean(), 0.5 / (1 - wanted.mean()))
    found = np.zeros(3)
    for _ in range(60):
        likely = 1 / (1 + np.exp(-columns @ found))
        slope = columns.T @ (weight * (likely - wanted)) + ridge @ found
        curve = (columns.T * (weight * likely * (1 - likely))) @ columns + ridge
        found = found - np.linalg.solve(curve, slope)
    near, share = found[:2] / spread
    return float(near), float(share), float(found[2] - near * mean[0] - share * mean[1])


def _errors(asked: Sequence[Asked], answered: Sequence[bool]) -> dict[str, list[int]]:
    """Of how many questions nothing was said, and of how many in all; both kinds."""
    rows = list(zip(asked, answered, strict=True))
    without = [said for one, said in rows if not one.has_answer]
    having = [said for one, said in rows if one.has_answer]
    return {
        "unanswerable, of which nothing was said": [without.count(False), len(without)],
        "answerable, of which nothing was said": [having.count(False), len(having)],
    }


if __name__ == "__main__":
    main()
