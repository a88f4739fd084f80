"""What each group of features is worth: the ranker trained without it, on vaults left out.

    python -m benchmarks.ranker_ablation --data DIR [--extra DIR] --work DIR

Three vaults are left out at a time and one forest is trained where the ranker has several, so that
each figure takes four trainings; compare the rows of one run with one another, not with those of
`train_ranker`, which leaves out one vault at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.results_file import keep
from benchmarks.train_ranker import (
    TRAINED_ON,
    Judged,
    arguments_of,
    feature_names,
    judge_all,
    ndcg,
    train,
)
from recall.links.why import GROUPS, group_of

if TYPE_CHECKING:
    from benchmarks.masking import Track

LEFT_OUT = 3  # vaults at a time
# What `recall.links.learned` takes from the links of the vault itself, beyond counting them.
LEARNED_FROM_LINKS = ("adapted", "votes_adapted", "folder_affinity")


def main() -> None:
    """Train without each group, print, keep."""
    arguments = arguments_of(__doc__)
    judged = judge_all(arguments.data, arguments.extra, arguments.work, arguments.most)
    rows = {}
    for name, columns in selections().items():
        rows[name] = measure_on(judged, columns)
        print(f"{name:40}", {track: row["mean"] for track, row in rows[name].items()}, flush=True)
    print("kept in", keep("ranker-ablation", {"left out at a time": LEFT_OUT, "rows": rows}).name)


def selections() -> dict[str, list[int]]:
    """The columns that each trial keeps."""
    names = feature_names()
    kept = {"all features": list(range(len(names)))}
    for group in GROUPS:
        kept[f"without {group}"] = [i for i, name in enumerate(names) if group_of(name) != group]
    kept["without what is learned from links"] = [
        i for i, name in enumerate(names) if not name.startswith(LEARNED_FROM_LINKS)
    ]
    kept["meaning alone"] = [i for i, name in enumerate(names) if group_of(name) == "meaning"]
    return kept


def measure_on(
    judged: Mapping[Track, Mapping[str, Judged]], columns: Sequence[int]
) -> dict[str, dict[str, float]]:
    """nDCG@10 of each vault and their mean, by trees that saw these features and other vaults."""
    narrowed = {
        track: {name: replace(v, features=v.features[:, columns]) for name, v in each.items()}
        for track, each in judged.items()
    }
    names = [feature_names()[i] for i in columns]
    found: dict[str, dict[str, float]] = {track.value: {} for track in judged}
    for fold in np.array_split(np.array(TRAINED_ON), len(TRAINED_ON) // LEFT_OUT):
        others = [v for each in narrowed.values() for n, v in each.items() if n not in fold]
        forest = train(others, names, forests=1)
        for track, each in narrowed.items():
            for name in fold.tolist():
                found[track.value][name] = ndcg(each[name], forest.scores(each[name].features))
    for row in found.values():
        row["mean"] = round(float(np.mean(list(row.values()))), 4)
    return found


if __name__ == "__main__":
    main()
