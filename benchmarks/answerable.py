"""Is nothing said when nothing fits, and something when something does: seven vaults, by kind.

    python -m benchmarks.answerable --vaults DIR,DIR [--show]

The vaults are those of `answerable.toml`: `notes`, which is here, and six that are named by folders
called as there. Figures are of every other question and of the rest, so that a limit can be set on
one half and tested on the other; and of the four vaults that nothing was ever set on.
"""

from __future__ import annotations

import argparse
import tomllib
from collections import defaultdict
from pathlib import Path, PurePosixPath

from benchmarks.results_file import keep
from recall import open_index

HERE = Path(__file__).parent
Answered = dict[tuple[str, str, str], list[bool]]  # half, vault, kind → one a question

HALVES = ("first half", "second half")
DEPTH = 10
SET_ON = frozenset({"notes"})  # whose questions the limit was set on
LOOKED_AT = SET_ON | {"handbook", "data-engineering-wiki"}  # at what was tried on them


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
        for at, question in enumerate(q for q in asked if q["vault"] == vault):
            result = index.search(question["text"], k=DEPTH, include_weak=True)
            answered[HALVES[at % 2], vault, question["kind"]].append(result.answered)
            stems = [PurePosixPath(hit.card.path).stem for hit in result.hits]
            if question["answer"]:
                found = question["answer"] in stems
                ranks[vault].append(stems.index(question["answer"]) + 1 if found else 0)
            if arguments.show and result.answered != bool(question["answer"]):
                print(f"  {vault}, {question['kind']}: {question['text']} → {stems[:2]}")
    figures: dict[str, object] = {half: _figures(answered, half) for half in HALVES}
    figures["both halves"] = _in_all(answered, set(folders))
    figures["vaults that the limit was not set on"] = _in_all(answered, set(folders) - SET_ON)
    figures["vaults that were kept for a test"] = _in_all(answered, set(folders) - LOOKED_AT)
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


def _figures(answered: Answered, half: str) -> dict[str, object]:
    of_half = {key: found for key, found in answered.items() if key[0] == half}
    rows: dict[str, object] = {
        f"{vault}, {kind}": {"questions": len(found), "answered": sum(found)}
        for (_, vault, kind), found in of_half.items()
    }
    return {**rows, **_in_all(of_half, {vault for _, vault, _ in of_half})}


def _in_all(answered: Answered, vaults: set[str]) -> dict[str, object]:
    without: list[bool] = []
    having: list[bool] = []
    for (_, vault, kind), found in answered.items():
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
