"""What accepting and dismissing suggestions for some notes does for the others of a vault.

Each vault is masked (track new, anchor hidden). An author is played who asks for suggestions for
half of the sources and is shown five a note, weak ones left out, as `recall suggest-links` does;
accepts what was a link, which then stands in the note, and dismisses the rest. The other half is
asked for before that, with the accepted links in their notes, and with the dismissals as well.
Then the halves change parts. Nobody dismisses all of that in life: this is an upper bound.

    python -m benchmarks.feedback --data DIR [--extra DIR] --work DIR [--vaults a,b]
"""

from __future__ import annotations

import argparse
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.cases import Case, find_vaults, prepare
from benchmarks.masking import Anchor, MaskedSource, Track, mask
from benchmarks.results_file import keep
from benchmarks.tables import SEED
from recall.evaluate.metrics import CONFIDENCE, RESAMPLES, ndcg_at
from recall.index import Index, open_index

SHOWN = 5  # suggestions a note
DEPTH = 10
NOTHING, LINKS, BOTH = "nothing said", "accepted links", "accepted links and dismissals"

Verdicts = dict[str, tuple[list[str], list[str]]]  # source → accepted, dismissed
Figures = dict[str, list[float]]  # what was said → nDCG@10 of each source


def main() -> None:
    """Play the author on each vault, print and keep what it gained."""
    arguments = _arguments()
    found: dict[str, Figures] = {}
    counts: dict[str, dict[str, int]] = {}
    for name, folder in find_vaults(arguments.data, arguments.extra, arguments.vaults):
        case = prepare(name, folder, arguments.work, Track.NEW, Anchor.HIDDEN, arguments.most)
        order = list(case.sources)
        random.Random(f"halves {SEED} {name}").shuffle(order)
        halves = order[::2], order[1::2]
        found[name] = {NOTHING: [], LINKS: [], BOTH: []}
        counts[name] = {"accepted": 0, "dismissed": 0}
        for asked, others in (halves, halves[::-1]):
            verdicts = play(case, asked)
            counts[name]["accepted"] += sum(len(good) for good, _ in verdicts.values())
            counts[name]["dismissed"] += sum(len(bad) for _, bad in verdicts.values())
            for said, values in measure(case, folder, arguments.work, verdicts, others).items():
                found[name][said] += values
        print(f"{name:28} {counts[name]}", means({name: found[name]}), flush=True)
    print("mean over vaults", means(found))
    print("kept in", keep("feedback", {
        "shown": SHOWN,
        "seed": SEED,
        "vaults": {
            name: {**counts[name], "sources": len(each[BOTH]), **means({name: each})}
            for name, each in found.items()
        },
        "mean over vaults": means(found),
    }).name)  # fmt: skip


def play(case: Case, sources: Sequence[MaskedSource]) -> Verdicts:
    """What an author who wants just the hidden links says of what is shown."""
    index = open_index(case.copy)
    verdicts: Verdicts = {}
    for source in sources:
        shown = _suggested(index, source, k=SHOWN, include_weak=False)
        good = [path for path in shown if path in source.hidden]
        verdicts[source.path] = good, [path for path in shown if path not in good]
    return verdicts


def measure(
    case: Case, folder: Path, work: Path, verdicts: Verdicts, sources: Sequence[MaskedSource]
) -> Figures:
    """nDCG@10 of sources that nothing was said of, before and after the others were judged."""
    before = _figures(open_index(case.copy), sources)
    accepted = {(path, target) for path, (good, _) in verdicts.items() for target in good}
    copy = work / f"{case.vault}-answered"
    if copy.exists():
        (copy / ".recall" / "feedback.jsonl").unlink(missing_ok=True)
    mask(folder, copy, seed=SEED, most=len(case.sources), spare=accepted)
    if not (copy / ".recall").exists():
        shutil.copytree(case.copy / ".recall", copy / ".recall")
    index = open_index(copy)
    index.refresh()
    links = _figures(index, sources)
    for path, (good, bad) in verdicts.items():
        if good:
            index.accept(copy / path, *(copy / target for target in good))
        if bad:
            index.dismiss(copy / path, *(copy / target for target in bad))
    return {NOTHING: before, LINKS: links, BOTH: _figures(index, sources)}


def means(found: Mapping[str, Figures]) -> dict[str, list[float]]:
    """The mean over vaults of what each way finds, and of what each gains over the one before it.

    With an interval: sources drawn anew within each vault, in pairs.
    """
    values = {
        said: [np.array(each[said]) for each in found.values()] for said in (NOTHING, LINKS, BOTH)
    }
    figures = {said: [round(_mean(each), 4)] for said, each in values.items()}
    for said, base in ((LINKS, NOTHING), (BOTH, LINKS)):
        gains = [new - old for new, old in zip(values[said], values[base], strict=True)]
        rng = np.random.default_rng(SEED)
        drawn = [
            _mean([gain[rng.integers(len(gain), size=len(gain))] for gain in gains])
            for _ in range(RESAMPLES)
        ]
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(drawn, (tail, 1 - tail))
        figures[f"{said} over {base}"] = [round(v, 4) for v in (_mean(gains), low, high)]
    return figures


def _mean(of_vaults: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> float:
    return float(np.mean([each.mean() for each in of_vaults]))


def _figures(index: Index, sources: Sequence[MaskedSource]) -> list[float]:
    return [ndcg_at(_suggested(index, source, k=DEPTH), source.hidden, DEPTH) for source in sources]


def _suggested(
    index: Index, source: MaskedSource, *, k: int, include_weak: bool = True
) -> list[str]:
    found = index.suggest_links(
        index.settings.notes / source.path, k=k, include_weak=include_weak, drafts=True
    )
    return [item.card.path for item in found.suggestions]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the vaults are")
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="and where more are"
    )
    parser.add_argument("--work", type=Path, required=True, help="where copies are kept")
    parser.add_argument("--vaults", type=lambda text: text.split(","), default=[])
    parser.add_argument("--most", type=int, default=150, help="sources a vault")
    return parser.parse_args()


if __name__ == "__main__":
    main()
