"""How well the links that authors made are found again, by recall and by plain baselines.

Each vault is copied without those links (`benchmarks/masking.py` says how), the copy is indexed
through the public interface, and every method is asked for suggestions for the same notes. Notes
that are linked already, and the note itself, don't count as suggestions.

    python benchmarks/links.py --data DIR [--vaults handbook,foam] [--track new,missing]
        [--anchor hidden,mention] [--methods recall,bm25] [--most 150] [--controls] [--cli]
        [--rankers DIR]

DIR holds the vaults of `vaults.toml` as `owner+name`, or a folder `vaults` with them. Without
`--vaults`, those that the ranker learned nothing from are measured (`use = "test"`). Of others the
figures mean little but with `--rankers`: a folder with a table `NAME.json` for each vault, learned
without it, as `train_ranker` writes them into `left-out` of its work folder.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from benchmarks.answers import RECALL, Lists, ask
from benchmarks.baselines import BASELINES
from benchmarks.cases import Case, find_vaults, left_out_ranker, prepare
from benchmarks.controls import add_templates
from benchmarks.masking import Anchor, MaskedSource, Track, shuffle
from benchmarks.results_file import keep
from benchmarks.tables import MAIN_MEASURE, SEED, YARDSTICKS, Values, print_table, summary
from recall.evaluate.metrics import MEASURES
from recall.index import open_index


def main() -> None:
    """Run what the command line asks for."""
    arguments = _arguments()
    vaults = dict(find_vaults(arguments.data, arguments.extra, arguments.vaults))
    if not vaults:
        raise SystemExit(f"none of the vaults is in {arguments.data}")
    for track in arguments.track:
        for anchor in arguments.anchor:
            measure_all(vaults, track, anchor, arguments)


def measure_all(
    vaults: Mapping[str, Path], track: Track, anchor: Anchor, arguments: argparse.Namespace
) -> None:
    """Measure every vault under one track and anchor, print the tables, keep the figures."""
    found: dict[str, Values] = {}
    figures: dict[str, dict[str, object]] = {}
    has_controls = arguments.controls and (track, anchor) == (Track.NEW, Anchor.HIDDEN)
    with _opened(arguments.dump) as dump:
        for name, folder in vaults.items():
            started = time.perf_counter()
            case = prepare(name, folder, arguments.work, track, anchor, arguments.most)
            if not case.sources:
                print(f"\n{name}: no note qualifies as a source")
                continue
            ranker = left_out_ranker(name, arguments.rankers)
            lists, facts = ask(case, arguments.methods, cli=arguments.cli, ranker=ranker)
            found[name] = judge(case, lists)
            _dump(dump, case, track, anchor, lists)
            learned = "without this vault" if ranker else "as shipped"
            figures[name] = {"ranker": learned, **facts, "methods": summary(found[name])}
            print(f"\n{name}: {facts}, {time.perf_counter() - started:.0f} s")
            print_table(found[name])
            if has_controls:
                figures[name]["controls"] = controls(case, folder, arguments)
    if not found:
        return
    means = mean_over_vaults(found)
    if len(found) > 1:
        print(f"\nmean over {len(found)} vaults, track {track.value}, anchor {anchor.value}")
        print_table(means)
    protocol = {"track": track.value, "anchor": anchor.value, "most": arguments.most, "seed": SEED}
    whole = {
        **protocol,
        "vaults": figures,
        "mean over vaults": summary(means),
        f"below the better of {' and '.join(YARDSTICKS)}": below(found),
    }
    kinds = {
        "-cli": arguments.cli,
        "-controls": has_controls,
        "-left-out": arguments.rankers is not None,
    }
    kind = "".join(kind for kind, is_so in kinds.items() if is_so)
    print("kept in", keep(f"links-{track.value}-{anchor.value}{kind}", whole).name)


def judge(case: Case, lists: Lists) -> Values:
    """Score every list against what was hidden."""
    return {
        method: {
            name: [measure(by_source[source.path], source.hidden) for source in case.sources]
            for name, measure in MEASURES.items()
        }
        for method, by_source in lists.items()
    }


def mean_over_vaults(found: Mapping[str, Values]) -> Values:
    """Each vault's mean as one value, for the methods that all vaults were asked by."""
    first = next(iter(found.values()))
    return {
        method: {
            name: [sum(each[method][name]) / len(each[method][name]) for each in found.values()]
            for name in MEASURES
        }
        for method in first
    }


def below(found: Mapping[str, Values]) -> list[str] | None:
    """The vaults where recall finds less than a yardstick does; None if one was not asked."""
    if any({RECALL, *YARDSTICKS} - values.keys() for values in found.values()):
        return None

    def mean(values: Values, method: str) -> float:
        each = values[method][MAIN_MEASURE]
        return sum(each) / len(each)

    return [
        name
        for name, values in found.items()
        if mean(values, RECALL) < max(mean(values, method) for method in YARDSTICKS)
    ]


def controls(case: Case, folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """What the methods find where there is nothing to find."""
    shuffled = arguments.work / f"{case.vault}-shuffled"
    shuffle(folder, shuffled, seed=SEED)
    name = f"{case.vault}-shuffled"
    track, anchor, most = Track.NEW, Anchor.HIDDEN, arguments.most
    fooled = prepare(name, shuffled, arguments.work, track, anchor, most)
    found: dict[str, object] = {"template-only notes": templates(case, arguments)}
    if fooled.sources:
        ranker = left_out_ranker(case.vault, arguments.rankers)
        lists, facts = ask(fooled, arguments.methods, ranker=ranker)
        values = judge(fooled, lists)
        print(f"\n{name}: {facts}")
        print_table(values)
        found["shuffled links"] = {**facts, "methods": summary(values)}
    return found


def templates(case: Case, arguments: argparse.Namespace) -> dict[str, object]:
    """How many suggestions notes get that hold only a template, and how often they are made."""
    copy = arguments.work / f"{case.vault}-templates"
    added = add_templates(case.copy, copy)
    open_index(copy).refresh()
    asked = Case(case.vault, copy, tuple(MaskedSource(path, ("",)) for path in added))
    for_templates, _ = ask(asked, arguments.methods)
    for_sources, _ = ask(Case(case.vault, copy, case.sources), arguments.methods)
    found: dict[str, object] = {}
    print(f"\n{case.vault}: template-only notes that get suggestions; their share of top tens")
    for method, by_source in for_sources.items():
        tops = [path for each in by_source.values() for path in each[:10]]
        share = len([path for path in tops if path in added]) / max(len(tops), 1)
        answered = len([path for path in added if for_templates[method][path]]) / len(added)
        found[method] = {"get suggestions": answered, "share of top tens": round(share, 4)}
        print(f"{method:<20} {answered:>6.0%} {share:>7.1%}")
    return found


def _opened(file: Path | None) -> TextIO:
    return (file or Path(os.devnull)).open("a", encoding="utf-8")


def _dump(file: TextIO, case: Case, track: Track, anchor: Anchor, lists: Lists) -> None:
    """One line a source and method, for the analysis of errors."""
    for method, by_source in lists.items():
        for source in case.sources:
            found = by_source[source.path]
            line = {
                "vault": case.vault,
                "track": track,
                "anchor": anchor,
                "method": method,
                "source": source.path,
                "hidden": source.hidden,
                "ranked": found,
                **{name: measure(found, source.hidden) for name, measure in MEASURES.items()},
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _arguments() -> argparse.Namespace:
    def listed(text: str) -> list[str]:
        return [part.strip() for part in text.split(",") if part.strip()]

    methods = [*BASELINES, RECALL]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the vaults are")
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="and where more are"
    )
    parser.add_argument(
        "--vaults",
        type=listed,
        default=[],
        help="names, or any folders of notes; else those of use test",
    )
    parser.add_argument(
        "--track", type=lambda text: [Track(t) for t in listed(text)], default=[Track.NEW]
    )
    parser.add_argument(
        "--anchor", type=lambda text: [Anchor(t) for t in listed(text)], default=[Anchor.HIDDEN]
    )
    parser.add_argument("--methods", type=listed, default=methods, help=", ".join(methods))
    parser.add_argument("--most", type=int, default=150, help="sources a vault")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()) / "recall-links",
        help="where copies are kept",
    )
    parser.add_argument("--controls", action="store_true", help="also where nothing can be found")
    parser.add_argument("--cli", action="store_true", help="also through the command line")
    parser.add_argument("--rankers", type=Path, help="where tables learned without a vault are")
    parser.add_argument("--dump", type=Path, help="a file to add every list to, as JSON lines")
    arguments = parser.parse_args()
    if unknown := set(arguments.methods) - set(methods):
        parser.error(f"no method {', '.join(sorted(unknown))}; there are {', '.join(methods)}")
    if arguments.cli and arguments.rankers:
        parser.error("--cli asks with the ranker as shipped; leave --rankers out")
    return arguments


if __name__ == "__main__":
    main()
