"""Is what is said of a suggestion so? Calibration on vaults left out, and by a vault's own links.

Takes the features that `train_ranker` kept in its work folder and the trees that it wrote for each
vault left out. Of the first ten suggestions for a source, it compares how many were said to be
links with how many were (expected calibration error; reliability), by what the other vaults teach:

- as it was before: one function of the score and the vault's size, learned on notes without links;
- by functions of the share of notes that came into question as well, one for notes without links
  and one for others;
- with the correction that some notes of the vault itself ask for, on its other notes.

Vaults that nothing was trained on can be measured as well, by features in another folder.

    python -m benchmarks.probabilities --data DIR [--extra DIR] --work DIR [--unseen DIR] [--write]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration import Shown, errors, fit, left_out, probabilities, reliability
from benchmarks.cases import find_vaults
from benchmarks.masking import Track, VaultTexts
from benchmarks.own_answers import OwnAnswers, own_answers
from benchmarks.plot import reliability_diagram
from benchmarks.results_file import keep
from benchmarks.tables import SEED
from benchmarks.train_ranker import (
    DEPTH,
    TRAINED_ON,
    Judged,
    arguments_of,
    feature_names,
    judge_all,
    load_judged,
    rows_of_sources,
    write_table,
)  # fmt: skip
from recall.evaluate.masking import choose
from recall.links import own_links
from recall.links.calibration import Calibration, Logistic, expected_error
from recall.links.ranker import TABLE, Forest, load_ranker
from recall.vault import Vault

Array = NDArray[np.float64]
Vaults = Mapping[str, Shown]
Figures = dict[str, Any]

DRAWS = 20  # of the notes that are asked
ASKED = (10, 20, 30)  # notes
WITHOUT, ALWAYS, IF_BETTER = "without", "always corrected", "only if better on its other folds"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The first suggestions of every vault, by the trees that never saw it."""

    new: dict[str, Shown]
    missing: dict[str, Shown]
    own: dict[str, Shown]  # of notes that were asked for the links they have

    def calibration(self, without: str | None = None) -> Calibration:
        """What the vaults teach, all but one."""
        return Calibration(*(
            fit([shown for name, shown in each.items() if name != without])
            for each in (self.new, self.missing, self.own)
        ))  # fmt: skip


def main() -> None:
    """Measure, print and keep; write what is shipped if asked to."""
    arguments = arguments_of(__doc__, writes="what a score is worth", unseen=True)
    folders = dict(find_vaults(arguments.data, arguments.extra, TRAINED_ON))
    left_out_tables = {name: arguments.work / "left-out" / f"{name}.json" for name in folders}
    forests = {name: load_ranker(file).forest for name, file in left_out_tables.items()}
    answers = {name: own_answers(name, folders[name], arguments.work) for name in folders}
    judged = judge_all(arguments.data, arguments.extra, arguments.work, arguments.most)
    evidence = Evidence(*(
        {name: first_suggestions(vault, forests[name]) for name, vault in each.items()}
        for each in (
            judged[Track.NEW],
            judged[Track.MISSING],
            {name: each.judged for name, each in answers.items()},
        )
    ))  # fmt: skip
    found: Figures = {"first suggestions": DEPTH, "seed": SEED}
    for track, vaults in ((Track.NEW, evidence.new), (Track.MISSING, evidence.missing)):
        paths = {name: _sources(folders[name], track, arguments.most) for name in folders}
        found[track.value] = {
            "before": _judged(old(evidence.new, vaults), vaults),
            "now": _judged({name: left_out(vaults, name) for name in vaults}, vaults),
            "corrected by the vault's own links": {
                f"{asked} notes asked": corrected(vaults, evidence.own, answers, paths, asked)
                for asked in ASKED
            },
        }
    if arguments.unseen:
        found["vaults that nothing was trained on"] = unseen(
            arguments.unseen, evidence.calibration(), two_terms(evidence.new)
        )
    _print(found)
    kept = keep("probabilities", found)
    kept.with_suffix(".svg").write_text(_drawn(found), encoding="utf-8")
    print("kept in", kept.name)
    if arguments.write:
        write_table(TABLE, load_ranker().forest, evidence.calibration())
        for name, file in left_out_tables.items():
            write_table(file, forests[name], evidence.calibration(without=name))


def first_suggestions(vault: Judged, forest: Forest) -> Shown:
    """What would be shown of one vault, `DEPTH` for each source."""
    scores = forest.scores(vault.features)
    sources = np.flatnonzero(vault.sizes)
    tops = [
        rows[np.argsort(-scores[rows], kind="stable")[:DEPTH]] for rows in rows_of_sources(vault)
    ]
    lengths = [len(rows) for rows in tops]
    rows = np.concatenate(tops)
    return Shown(
        scores[rows],
        np.repeat(vault.sizes[sources], lengths).astype(float),
        np.repeat(sources, lengths),
        vault.is_link[rows],
        float(vault.features[0, feature_names().index("vault_size")]),
    )


def two_terms(vaults: Vaults) -> Logistic:
    """The function of the score and the vault's size that there was before."""
    every = [
        replace(shown, candidates=np.full(len(shown.scores), np.exp(shown.vault_size)))
        for shown in vaults.values()
    ]
    return fit(every)  # of shares that are all the same


def old(new: Vaults, vaults: Vaults) -> dict[str, Array]:
    """What that function says, learned on new notes of all other vaults."""
    return {
        name: shown.log_odds(two_terms({o: each for o, each in new.items() if o != name}))
        for name, shown in vaults.items()
    }


def corrected(
    vaults: Vaults,
    own: Vaults,
    answers: Mapping[str, OwnAnswers],
    paths: Mapping[str, list[str]],
    asked: int,
) -> Figures:
    """Calibration error on the notes of each vault that were not asked, mean over the draws.

    At most half of the notes that can be asked are: the rest has to be measured.
    """
    rows: dict[str, dict[str, float]] = {}
    for name, shown in vaults.items():
        log_odds, said = left_out(vaults, name), left_out(own, name)
        path_of = answers[name].paths
        drawn: list[list[float]] = []
        for draw in range(DRAWS):
            rng = np.random.default_rng([SEED, draw])
            chosen = rng.permutation(len(path_of))[: min(asked, len(path_of) // 2)]
            is_asked = np.isin(own[name].source, chosen)
            evidence = said[is_asked], own[name].is_link[is_asked]
            known = {path_of[note] for note in chosen.tolist()}
            others = [at for at, path in enumerate(paths[name]) if path not in known]
            is_other = np.isin(shown.source, others)
            better = own_links.fit(*evidence).of(log_odds)
            plain, by_itself = own_links.errors(*evidence, own[name].source[is_asked])
            figures = [
                expected_error(probabilities(each[is_other]), shown.is_link[is_other])
                for each in (log_odds, better)
            ]
            drawn.append([*figures, figures[by_itself < plain]])
        means = np.mean(drawn, axis=0)
        rows[name] = dict(zip((WITHOUT, ALWAYS, IF_BETTER), means.round(4).tolist(), strict=True))
    return {"vaults": rows, "mean": _means(rows)}


def unseen(work: Path, whole: Calibration, before: Logistic) -> Figures:
    """The same of vaults by the ranker that is shipped; what features there are."""
    forest = load_ranker().forest
    found: Figures = {}
    for track, now in ((Track.NEW, whole.fresh), (Track.MISSING, whole.linked)):
        ending = f"-{track.value}-features.npz"
        vaults = {
            file.name.removesuffix(ending): first_suggestions(load_judged(file), forest)
            for file in sorted(work.glob(f"*{ending}"))
        }
        if vaults:
            found[track.value] = {
                said: _judged({name: each.log_odds(by) for name, each in vaults.items()}, vaults)
                for said, by in (("before", before), ("now", now))
            }
    return found


def _judged(log_odds: Mapping[str, Array], vaults: Vaults) -> Figures:
    rows = errors(log_odds, vaults)
    return {
        "calibration error": rows,
        "mean": round(float(np.mean(list(rows.values()))), 4),
        "reliability": reliability(log_odds, vaults),
    }


def _drawn(found: Figures) -> str:
    """Both tracks of the vaults left out, before and now."""
    lines = {
        f"{track.value}, {said}": [
            (each["said"], each["was"], each["suggestions"])
            for each in found[track.value][said]["reliability"]
        ]
        for track in Track
        for said in ("before", "now")
    }
    return reliability_diagram("Share of links among suggestions, by what was said of them", lines)


def _sources(folder: Path, track: Track, most: int) -> list[str]:
    """The paths of the sources, in the order of the features."""
    texts = VaultTexts.read(Vault(folder))
    return [source.path for source in choose(texts, track=track, seed=SEED, most=most)]


def _means(rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        column: round(float(np.mean([row[column] for row in rows.values()])), 4)
        for column in next(iter(rows.values()))
    }


def _print(found: Mapping[str, object], indent: str = "") -> None:
    for name, value in found.items():
        if isinstance(value, dict) and any(
            isinstance(each, (dict, list)) for each in value.values()
        ):
            print(f"{indent}{name}")
            _print(value, indent + "  ")
        else:
            print(f"{indent}{name}: {value}")


if __name__ == "__main__":
    main()
