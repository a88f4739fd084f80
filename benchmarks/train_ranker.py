"""Train the ranker of suggestions on links that authors made, and say how good it is elsewhere.

Each vault is masked as in `benchmarks/links.py` (track new, anchor hidden), its features computed,
and LambdaMART (Burges 2010, by LightGBM) trained to put the hidden links first. Every figure is of
a ranker that never saw the vault it is measured on; the one that is shipped saw all of them.

    pip install -c constraints.txt -e '.[bench]'
    python -m benchmarks.train_ranker --data DIR [--extra DIR] --work DIR [--write]
    python -m benchmarks.probabilities --data DIR [--extra DIR] --work DIR [--write]

The second command says what the scores of these trees are worth; until then a table holds what
those of the trees before were. No package is needed to use the ranker but NumPy: it is a table,
`recall/links/ranker.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import find_vaults, prepare
from benchmarks.masking import Anchor, Track
from benchmarks.results_file import keep
from benchmarks.tables import SEED
from recall.index import open_index
from recall.links.candidates import find_candidates
from recall.links.comparison import Comparison
from recall.links.features import FEATURES, RELATIVE, compute
from recall.links.learned import learned_of
from recall.links.ranker import MISSING, Forest, load_ranker
from recall.links.source import indexed_source

if TYPE_CHECKING:
    import lightgbm

    from recall.links.calibration import Calibration

TRAINED_ON = (
    "handbook", "data-engineering-wiki", "dendron-site", "foam", "jackyzha0", "obsidian-help",
    "ransurf-quartz", "obsidian-mind-garden", "hannesdelbeke-brain", "bmcgarden",
    "petrkudrnovsky-garden", "iturdikulov-notes",
)  # fmt: skip
TREES = 120
# Forests that are averaged: each sees other negatives, sources and features, so that less of what
# is suggested hangs on the draw. On vaults left out three find a little more than one.
FORESTS = 3
NEGATIVES = 50  # candidates of a source that are no link and are trained on; more only slow it down
DEPTH = 10  # suggestions that nDCG and the calibration look at
# Small trees: they remember less of the vaults they were trained on.
PARAMETERS: Mapping[str, object] = {
    "objective": "lambdarank",
    "learning_rate": 0.1,
    "num_leaves": 6,
    "max_depth": 6,
    "max_bin": 63,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "lambdarank_truncation_level": 20,
    "use_missing": False,
    "deterministic": True,
    "verbose": -1,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The candidates of all sources of one vault, one source after the other."""

    features: NDArray[np.float64]  # (candidates, features)
    is_link: NDArray[np.bool_]  # (candidates,)
    sizes: NDArray[np.int64]  # candidates of each source, 0 where there is none
    hidden: NDArray[np.int64]  # links hidden from each source


def main() -> None:
    """Train, measure on vaults left out, print, keep, and write the table if asked to."""
    arguments = arguments_of(__doc__, writes="recall/links/ranker.json")
    judged = judge_all(arguments.data, arguments.extra, arguments.work, arguments.most)
    names = feature_names()
    left_out = {
        name: train([o for each in judged.values() for v, o in each.items() if v != name], names)
        for name in TRAINED_ON
    }
    scores = {
        track: {name: left_out[name].scores(each[name].features) for name in TRAINED_ON}
        for track, each in judged.items()
    }
    rows = {track: measure(each, scores[track], names) for track, each in judged.items()}
    for track, by_vault in rows.items():
        print(f"track {track.value}")
        for name, row in by_vault.items():
            print(f"{name:24} {row}")
    whole = _fit([vault for each in judged.values() for vault in each.values()])
    print("kept in", keep("ranker", {
        "tracks": {track.value: by_vault for track, by_vault in rows.items()},
        "trees": TREES * FORESTS,
        "gain": gains(whole, names),
    }).name)  # fmt: skip
    write_left_out(arguments.work / "left-out", left_out)
    if arguments.write:
        file = Path(__file__).parents[1] / "recall" / "links" / "ranker.json"
        write_table(file, forest_of(whole, names), load_ranker().calibration)
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def write_left_out(folder: Path, forests: Mapping[str, Forest]) -> None:
    """Write a table for each vault that knows nothing of it, for `links --rankers`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, forest in forests.items():
        write_table(folder / f"{name}.json", forest, load_ranker().calibration)


def write_table(file: Path, forest: Forest, worth: Calibration) -> None:
    """Write what `load_ranker` reads."""
    file.write_text(json.dumps(table_of(forest, worth)) + "\n", encoding="utf-8")


def feature_names() -> list[str]:
    """The columns of `Judged.features`."""
    return [*FEATURES, *(f"{name}_{kind}" for name in RELATIVE for kind in ("rank", "z"))]


def judge_all(
    data: Path, extra: Sequence[Path], work: Path, most: int
) -> dict[Track, dict[str, Judged]]:
    """Both tracks of all vaults that are trained on."""
    vaults = dict(find_vaults(data, extra, TRAINED_ON))
    return {
        track: {name: judge(name, folder, work, most, track) for name, folder in vaults.items()}
        for track in Track
    }


def judge(name: str, folder: Path, work: Path, most: int, track: Track) -> Judged:
    """Mask a vault and compute the features of all candidates; kept in the work folder."""
    kept = work / f"{name}-{track.value}-features.npz"
    if kept.exists():
        with suppress(ValueError):  # it holds other features
            return load_judged(kept)
    case = prepare(name, folder, work, track, Anchor.HIDDEN, most)
    index = open_index(case.copy)
    common = index.settings.max_notes_per_text
    rows: list[NDArray[np.float64]] = []
    labels: list[NDArray[np.bool_]] = []
    sizes: list[int] = []
    with index.read() as snapshot:
        learned = learned_of(snapshot, index.settings.index, max_notes_per_text=common)
        for masked in case.sources:
            source = indexed_source(masked.path, snapshot, max_notes_per_text=common)
            if not source.has_text:
                sizes.append(0)
                continue
            exclude = {source.card.path, *source.linked}
            candidates = find_candidates(
                source, snapshot, learned, exclude=exclude, max_notes_per_text=common
            )
            comparison = Comparison(source, candidates, snapshot)
            rows.append(np.stack(list(compute(comparison).values()), axis=1))
            labels.append(np.array([path in masked.hidden for path in comparison.paths]))
            sizes.append(len(comparison))
    found = Judged(
        np.concatenate(rows),
        np.concatenate(labels),
        np.array(sizes),
        np.array([len(masked.hidden) for masked in case.sources]),
    )
    save_judged(kept, found)
    return found


def load_judged(file: Path) -> Judged:
    """What was computed before.

    Raises:
        ValueError: It holds other features.
    """
    loaded = np.load(file, allow_pickle=False)
    if loaded["names"].tolist() != feature_names():
        raise ValueError(f"{file} holds other features")
    return Judged(*(loaded[field] for field in ("features", "is_link", "sizes", "hidden")))


def save_judged(file: Path, judged: Judged) -> None:
    """Keep what was computed."""
    np.savez(
        file,
        features=judged.features, is_link=judged.is_link, sizes=judged.sizes, hidden=judged.hidden,
        names=np.array(feature_names()),
    )  # fmt: skip


def train(vaults: Sequence[Judged], names: Sequence[str], *, forests: int = FORESTS) -> Forest:
    """Fit the trees; every vault has the same weight, however many notes it has."""
    return forest_of(_fit(vaults, forests=forests), names)


def forest_of(models: Sequence[lightgbm.Booster], names: Sequence[str]) -> Forest:
    """The trees of some models, as recall reads them; a score is the mean of theirs."""
    trees = [
        _flatten(tree["tree_structure"], share=1 / len(models))
        for model in models
        for tree in model.dump_model()["tree_info"]
    ]
    return Forest.from_nodes(trees, names)


def gains(models: Sequence[lightgbm.Booster], names: Sequence[str]) -> dict[str, float]:
    """What share of the trees' gain each feature brings, the greatest first."""
    gain = np.sum([model.feature_importance("gain") for model in models], axis=0)
    order = np.argsort(-gain, kind="stable")
    return {names[i]: round(float(gain[i] / gain.sum()), 4) for i in order}


def _fit(vaults: Sequence[Judged], *, forests: int = FORESTS) -> list[lightgbm.Booster]:
    return [_fit_one(vaults, SEED + draw) for draw in range(forests)]


def _fit_one(vaults: Sequence[Judged], seed: int) -> lightgbm.Booster:
    import lightgbm

    rng = np.random.default_rng(seed)
    parts = [_thinned(vault, rng) for vault in vaults]
    weights = [np.full(len(y), 1000.0 / max(len(sizes), 1)) for _, y, sizes in parts]
    data = lightgbm.Dataset(
        np.concatenate([x for x, _, _ in parts]),
        np.concatenate([y for _, y, _ in parts]).astype(int),
        group=np.concatenate([sizes for _, _, sizes in parts]),
        weight=np.concatenate(weights),
    )
    return lightgbm.train({**PARAMETERS, "seed": seed}, data, num_boost_round=TREES)


def _thinned(
    vault: Judged, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """All links and some of the others of each source that has both."""
    kept: list[NDArray[np.int64]] = []
    for rows in rows_of_sources(vault):
        links = rows[vault.is_link[rows]]
        others = rows[~vault.is_link[rows]]
        if len(links) and len(others):
            some = rng.choice(others, min(NEGATIVES, len(others)), replace=False)
            kept.append(np.sort(np.concatenate([links, some])))
    chosen = np.concatenate(kept)
    features = np.nan_to_num(vault.features[chosen], nan=MISSING)
    return features, vault.is_link[chosen], np.array([len(rows) for rows in kept])


def table_of(forest: Forest, worth: Calibration) -> dict[str, object]:
    """What `load_ranker` reads, as plain lists."""
    digits = {"threshold": 6, "leaves": 5}  # of the numbers that are not whole
    return {
        "features": list(forest.names),
        **{part: _short(values, digits.get(part)) for part, values in forest.parts().items()},
        "calibration": {
            kind: {name: round(value, 4) for name, value in logistic.items()}
            for kind, logistic in asdict(worth).items()
        },
    }


def _short(values: NDArray[Any], digits: int | None) -> list[list[float]]:
    rows: list[list[float]] = values.tolist()
    return rows if digits is None else [[float(f"{v:.{digits}g}") for v in row] for row in rows]


def _flatten(tree: Mapping[str, Any], *, share: float) -> list[list[float]]:
    nodes: list[list[float]] = []

    def add(node: Mapping[str, Any]) -> int:
        place = len(nodes)
        nodes.append([0, 0.0, place, place, 0.0])
        if "leaf_value" in node:
            nodes[place][4] = float(node["leaf_value"]) * share
        else:
            nodes[place][:2] = [int(node["split_feature"]), float(node["threshold"])]
            nodes[place][2] = add(node["left_child"])
            nodes[place][3] = add(node["right_child"])
        return place

    add(tree)
    return nodes


def measure(
    judged: Mapping[str, Judged], scores: Mapping[str, NDArray[np.float64]], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """nDCG@10 of mean cosine, of its rank fusion with BM25, and of the ranker that was left out."""
    cosine, lexical = names.index("mean_cosine"), names.index("bm25")
    figures: dict[str, dict[str, float]] = {}
    for name, vault in judged.items():
        fused = np.zeros(len(vault.is_link))
        for rows in rows_of_sources(vault):
            for column in (cosine, lexical):
                values = np.nan_to_num(vault.features[rows, column], nan=-np.inf)
                order = np.argsort(-values, kind="stable")
                fused[rows[order]] += 1 / (60 + np.arange(1, len(rows) + 1))
        figures[name] = {
            "mean cosine": ndcg(vault, vault.features[:, cosine]),
            "whitened cosine": ndcg(vault, vault.features[:, names.index("whitened_cosine")]),
            "adapted cosine": ndcg(vault, vault.features[:, names.index("adapted")]),
            "rank fusion": ndcg(vault, fused),
            "ranker": ndcg(vault, scores[name]),
        }
    figures["mean"] = {
        method: round(float(np.mean([row[method] for row in figures.values()])), 4)
        for method in next(iter(figures.values()))
    }
    return figures


def ndcg(vault: Judged, scores: NDArray[np.float64]) -> float:
    """nDCG@10 of an order of the candidates, mean over the sources."""
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))
    found = []
    rows_of_each = iter(rows_of_sources(vault))
    for size, hidden in zip(vault.sizes, vault.hidden, strict=True):
        if not size:
            found.append(0.0)
            continue
        rows = next(rows_of_each)
        top = rows[np.argsort(-scores[rows], kind="stable")[:DEPTH]]
        gain = float((vault.is_link[top] * discount[: len(top)]).sum())
        found.append(gain / float(discount[: min(int(hidden), DEPTH)].sum()))
    return round(float(np.mean(found)), 4)


def rows_of_sources(vault: Judged) -> list[NDArray[np.int64]]:
    """The candidates of each source that has any."""
    ends = np.cumsum(vault.sizes)
    return [np.arange(end - size, end) for size, end in zip(vault.sizes, ends, strict=True) if size]


def arguments_of(
    description: str | None, *, writes: str | None = None, unseen: bool = False
) -> argparse.Namespace:
    """The command line that all trainings share; with `--write` for those that ship a table."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the vaults are")
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="and where more are"
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="where copies and features are kept"
    )
    parser.add_argument("--most", type=int, default=150, help="sources a vault")
    if unseen:
        parser.add_argument("--unseen", type=Path, help="where features of other vaults are")
    if writes:
        parser.add_argument("--write", action="store_true", help=f"write {writes}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
