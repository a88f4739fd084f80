"""Is nothing said when nothing fits, and something when something does: nine vaults, by kind.

    python -m benchmarks.answerable --vaults DIR,DIR [--show]

The vaults are those of `answerable.toml`: `notes`, which is here, and eight that are named by
folders called as there. The limit was set on seven of them (`benchmarks.floor`), and two were kept
for a test.
"""

from __future__ import annotations

import argparse
import tomllib
from collections import defaultdict
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath

from benchmarks.results_file import keep
from recall import open_index

HERE = Path(__file__).parent
Answered = dict[tuple[str, str], list[bool]]  # vault, kind → one a question

DEPTH = 10
FIRST = frozenset({"notes", "handbook", "data-engineering-wiki"})  # whose questions are the oldest
KEPT = frozenset({"madison-zettelkasten", "alternef-garden"})  # to test the limit, not to set it


def main() -> None:
    """Ask every question, print and keep the figures."""
    arguments = _arguments()
    folders = {"notes": HERE.parent} | {folder.name: folder for folder in arguments.vaults}
    asked = tomllib.loads((HERE / "answerable.toml").read_text(encoding="utf-8"))["question"]
    answered: Answered = defaultdict(list)
    ranks: dict[str, list[int]] = defaultdict(list)  # 0: not among the first ten
    for vault in [name for name in folders if any(q["vault"] == name for q in asked)]:
        index = open_index(folders[vault])
        index.refresh()
        for question in (q for q in asked if q["vault"] == vault):
            result = index.search(question["text"], k=DEPTH, include_weak=True)
            answered[vault, question["kind"]].append(result.answered)
            stems = [PurePosixPath(hit.card.path).stem for hit in result.hits]
            if question["answer"]:
                found = question["answer"] in stems
                ranks[vault].append(stems.index(question["answer"]) + 1 if found else 0)
            if arguments.show and result.answered != bool(question["answer"]):
                print(f"  {vault}, {question['kind']}: {question['text']} → {stems[:2]}")
    figures: dict[str, object] = {
        f"{vault}, {kind}": {"questions": len(found), "answered": sum(found)}
        for (vault, kind), found in answered.items()
    }
    figures["the first three vaults"] = _in_all(answered, FIRST)
    figures["vaults that the limit was set on"] = _in_all(answered, set(folders) - KEPT)
    figures["vaults that were kept for a test"] = _in_all(answered, KEPT)
    figures["all vaults"] = _in_all(answered, set(folders))
    figures["answerable, found"] = {
        vault: {
            "questions": len(found),
            "first": sum(rank == 1 for rank in found),
            "among_first_three": sum(1 <= rank <= 3 for rank in found),
        }
        for vault, found in ranks.items()
    }
    for name, value in figures.items():
        print(name, value)
    print("kept in", keep("answerable", figures).name)


def _in_all(answered: Answered, vaults: AbstractSet[str]) -> dict[str, object]:
    without: list[bool] = []
    having: list[bool] = []
    for (vault, kind), found in answered.items():
        if vault in vaults:
            (having if kind == "answerable" else without).extend(found)
    return {
        "unanswerable, of which nothing was said": _share(without, wanted=False),
        "answerable, of which nothing was said": _share(having, wanted=False),
    }


def _share(found: list[bool], *, wanted: bool) -> list[float]:
    """How many, of how many, and the share."""
    count = sum(one is wanted for one in found)
    return [count, len(found), round(count / max(len(found), 1), 3)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--vaults", type=lambda text: [Path(part) for part in text.split(",") if part], default=[]
    )
    parser.add_argument("--show", action="store_true", help="print every question that failed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
