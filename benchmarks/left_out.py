"""What the trained-on vaults' own links say of rankers that never saw them, with intervals.

Scores the features that `train_ranker` kept in its work folder with the tables that it wrote for
each vault left out, beside mean cosine, BM25 and the rank fusion of the two over the same
candidates. Nothing is trained or masked again.

    python -m benchmarks.left_out --data DIR [--extra DIR] --work DIR
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.answers import RECALL
from benchmarks.baselines import RRF_K
from benchmarks.links import below
from benchmarks.results_file import keep
from benchmarks.tables import SEED, YARDSTICKS, Values, print_table, summary
from benchmarks.train_ranker import Judged, arguments_of, feature_names, judge_all
from recall.evaluate.metrics import MEASURES
from recall.links.ranker import load_ranker

Array = NDArray[np.float64]
DEPTH = 50  # how far down a list is looked, for MRR


def main() -> None:
    """Measure both tracks, print and keep."""
    arguments = arguments_of(__doc__)
    judged = judge_all(arguments.data, arguments.extra, arguments.work, arguments.most)
    figures: dict[str, object] = {"anchor": "hidden", "most": arguments.most, "seed": SEED}
    for track, vaults in judged.items():
        found = {
            name: values_of(vault, arguments.work / "left-out" / f"{name}.json")
            for name, vault in vaults.items()
        }
        means: Values = {
            method: {
                measure: [float(np.mean(each[method][measure])) for each in found.values()]
                for measure in MEASURES
            }
            for method in next(iter(found.values()))
        }
        for name, values in found.items():
            print(f"\n{name}, track {track.value}")
            print_table(values)
        print(f"\nmean over {len(found)} vaults, track {track.value}")
        print_table(means)
        figures[track.value] = {
            "vaults": {name: {"methods": summary(values)} for name, values in found.items()},
            "mean over vaults": summary(means),
            f"below the better of {' and '.join(YARDSTICKS)}": below(found),
        }
    print("kept in", keep("links-left-out", figures).name)


def values_of(vault: Judged, table: Path) -> Values:
    """Each method's measures, one value a source."""
    names = feature_names()
    cosine, lexical = (vault.features[:, names.index(name)] for name in ("mean_cosine", "bm25"))
    scores = load_ranker(table).forest.scores(vault.features)
    values: Values = {
        method: {name: [] for name in MEASURES}
        for method in ("mean cosine", "bm25", "rank fusion", RECALL)
    }
    start = 0
    for size, hidden in zip(vault.sizes.tolist(), vault.hidden.tolist(), strict=True):
        rows = slice(start, start + size)
        start += size
        links = np.flatnonzero(vault.is_link[rows]).tolist()
        # Links that are no candidates can't be found; they count all the same.
        wanted = [str(link) for link in links] + [f"lost {i}" for i in range(hidden - len(links))]
        orders = [_order(cosine[rows]), _order(lexical[rows])]
        fused = np.zeros(size)
        for order in orders:
            fused[order] += 1 / (RRF_K + np.arange(1, size + 1))
        orders += [_order(fused), _order(scores[rows])]
        for by_measure, order in zip(values.values(), orders, strict=True):
            ranked = [str(place) for place in order[:DEPTH].tolist()]
            for name, measure in MEASURES.items():
                by_measure[name].append(measure(ranked, wanted))
    return values


def _order(scores: Array) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    return found


if __name__ == "__main__":
    main()
