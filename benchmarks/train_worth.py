"""Train what says whether a suggestion is worth showing, and see whether it holds elsewhere.

`verdicts.tsv` holds what readers said of suggestions: the vault, the two notes (16 digits of the
SHA-256 of their paths, for the vaults are other people's), how many readers accepted the link
and how many were asked. Five public vaults teach; the sample vault, read twice by two readers, only
tests.

    python -m benchmarks.train_worth --data DIR [--extra DIR] --work DIR [--write]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import find_vaults, prepare
from benchmarks.masking import Anchor, Track
from benchmarks.results_file import keep
from benchmarks.train_ranker import TRAINED_ON, arguments_of, feature_names, judge_all, train
from recall.index import open_index
from recall.links.candidates import find_candidates
from recall.links.comparison import Comparison
from recall.links.features import compute
from recall.links.learned import learned_of
from recall.links.ranker import Forest, load_ranker
from recall.links.source import indexed_source
from recall.links.worth import INPUTS, TABLE, Worth

if TYPE_CHECKING:
    from recall.settings import Settings
    from recall.store import Snapshot

    Array = NDArray[np.float64]

VERDICTS = Path(__file__).with_name("verdicts.tsv")
TESTED_ON = "notes"  # the sample vault of this repository
REGULARIZATION = 0.1  # C of the logistic regression; twelve weights from some hundred verdicts
LEVELS = (0.4, 0.5, 0.6, 0.7)

Pair = tuple[str, str]  # of hashed paths


@dataclass(frozen=True, slots=True)
class Read:
    """The suggestions of one vault that somebody read."""

    columns: Array  # (pairs, 1 + inputs): the ranker's score, then the inputs
    accepted: Array  # (pairs,): share of the readers who accepted it
    sources: NDArray[np.str_]  # (pairs,)


def main() -> None:
    """Train, test on vaults left out and on the sample vault, print, keep."""
    arguments = arguments_of(__doc__, writes="recall/links/worth.json")
    verdicts = read_verdicts()
    taught = [name for name in verdicts if name != TESTED_ON]
    forests = left_out_forests(taught, arguments)
    folders = dict(find_vaults(arguments.data, arguments.extra, taught))
    read = {}
    for name in taught:
        case = prepare(
            name, folders[name], arguments.work, Track.MISSING, Anchor.HIDDEN, arguments.most
        )
        read[name] = features_of(case.copy, verdicts[name], forests[name])
    sample = Path(__file__).parents[1] / "notes"
    own = features_of(sample, verdicts[TESTED_ON], load_ranker().forest)

    worth = fit(list(read.values()))
    rows = {
        name: row(vault, fit([o for other, o in read.items() if other != name]))
        for name, vault in read.items()
    }
    rows[TESTED_ON] = row(own, worth)
    for name, figures in rows.items():
        print(f"{name:24} {figures}")
    print("kept in", keep("worth", {"vaults": rows, "inputs": ["score", *INPUTS]}).name)
    if arguments.write:
        table = {
            "intercept": round(worth.intercept, 4),
            "weights": [round(float(weight), 4) for weight in worth.weights],
            "typical": [round(float(value), 4) for value in worth.typical],
        }
        TABLE.write_text(json.dumps(table) + "\n", encoding="utf-8")


def read_verdicts() -> dict[str, dict[Pair, float]]:
    """Vault → pair of notes → share of its readers who accepted the link."""
    found: dict[str, dict[Pair, float]] = {}
    with VERDICTS.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file, delimiter="\t"):
            share = int(line["accepted"]) / int(line["judges"])
            found.setdefault(line["vault"], {})[line["source"], line["target"]] = share
    return found


def left_out_forests(names: Sequence[str], arguments: argparse.Namespace) -> dict[str, Forest]:
    """For each vault the ranker that did not see it."""
    judged = judge_all(arguments.data, arguments.extra, arguments.work, arguments.most)
    return {
        name: train(
            [vault for each in judged.values() for other, vault in each.items() if other != name],
            feature_names(),
        )
        if name in TRAINED_ON
        else load_ranker().forest
        for name in names
    }


def features_of(folder: Path, verdicts: Mapping[Pair, float], forest: Forest) -> Read:
    """What goes into the function, for every pair that was read."""
    index = open_index(folder)
    index.refresh()
    columns: list[Array] = []
    accepted: list[float] = []
    sources: list[str] = []
    asked = {source for source, _ in verdicts}
    with index.read() as snapshot:
        for path in sorted(snapshot.paths()):
            if digest(path) not in asked:
                continue
            paths, inputs = _inputs(path, snapshot, index.settings, forest)
            for target, values in zip(paths, inputs, strict=True):
                verdict = verdicts.get((digest(path), digest(target)))
                if verdict is not None:
                    columns.append(values)
                    accepted.append(verdict)
                    sources.append(path)
    if len(accepted) < len(verdicts):
        print(f"{folder.name}: {len(verdicts) - len(accepted)} pairs are no candidates any more")
    return Read(np.stack(columns), np.array(accepted), np.array(sources))


def _inputs(
    path: str, snapshot: Snapshot, settings: Settings, forest: Forest
) -> tuple[tuple[str, ...], Array]:
    common = settings.max_notes_per_text
    source = indexed_source(path, snapshot, max_notes_per_text=common)
    learned = learned_of(snapshot, settings.index, max_notes_per_text=common)
    candidates = find_candidates(
        source,
        snapshot,
        learned,
        exclude={path, *source.linked},
        max_notes_per_text=common,
    )
    compared = Comparison(source, candidates, snapshot)
    features = compute(compared)
    scores = forest.scores(np.stack([features[name] for name in forest.names], axis=1))
    return compared.paths, np.stack([scores, *(features[name] for name in INPUTS)], axis=1)


def fit(vaults: Sequence[Read]) -> Worth:
    """Logistic regression on the verdicts; every verdict has the same weight."""
    from sklearn.linear_model import LogisticRegression

    columns = np.concatenate([vault.columns for vault in vaults])
    labels = np.concatenate([vault.accepted for vault in vaults]) > 0.5
    typical = np.nanmean(columns, axis=0)
    known = np.where(np.isfinite(columns), columns, typical)
    spread = known.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=REGULARIZATION, max_iter=1000).fit(
        (known - typical) / spread, labels
    )
    weights = fitted.coef_[0] / spread
    return Worth(float(fitted.intercept_[0] - weights @ typical), weights, typical)


def row(vault: Read, worth: Worth) -> dict[str, object]:
    """What the function says of a vault that it did not learn from, beside the ranker's score."""
    scores = vault.columns[:, 0]
    features = dict(zip(INPUTS, vault.columns[:, 1:].T, strict=True))
    said = worth(features, scores)
    is_good = vault.accepted > 0.5
    return {
        "pairs": len(said),
        "accepted": round(float(vault.accepted.mean()), 4),
        "AUC of the score": _auc(scores, is_good),
        "AUC of the worth": _auc(said, is_good),
        "accepted at least at": {
            str(level): [
                int((said >= level).sum()),
                round(float(vault.accepted[said >= level].mean()), 4),
            ]
            for level in LEVELS
            if (said >= level).any()
        },
    }


def _auc(values: Array, labels: NDArray[np.bool_]) -> float:
    """Chance that a good pair has the higher value than one that is not (Hanley, McNeil 1982)."""
    above = values[labels][:, None] - values[~labels][None, :]
    return round(float((above > 0).mean() + (above == 0).mean() / 2), 4)


def digest(path: str) -> str:
    """What stands for a note in `verdicts.tsv`."""
    return hashlib.sha256(path.encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
