"""How long `recall prepublish` takes, what it finds in vaults of other people, and a cold start.

    python -m benchmarks.prepublish --data DIR [--vault NAME]... [--list FILE]
    python -m benchmarks.prepublish --data DIR --links-only
    python -m benchmarks.prepublish --cold [--runs N]

The first checks every note of copies of vaults with every rule on, and counts; with
`--links-only` only by the rules that need no vectors, over an index that holds none that mean
anything, which takes seconds where a model takes an hour. With `--list` the
findings are written to a file, drawn evenly from all rules, to be judged by hand; the verdicts
are kept in `results/`. The second edits one note of the sample vault before each run, so that it
has to be read, embedded and judged by a fresh process, and takes turns with the plain
sentence-transformers script of `benchmarks.speed`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.results_file import keep
from benchmarks.speed import BARE_SCRIPT, QUESTION, _model, _offline, _save_vectors, _script
from recall import Index, open_index
from recall.embedding import Space
from recall.prepublish import Selection, check
from recall.publishing import Finding, Rule

SEED = 6
A_RULE = 8  # findings of each rule that are listed to be judged


NEED_NO_VECTORS = frozenset({
    Rule.BROKEN_LINK, Rule.LINK_TO_DRAFT, Rule.AMBIGUOUS_LINK, Rule.ORPHAN, Rule.MISSING_SECTION,
})  # fmt: skip


class NoModel:
    """Stands where a model would: gives every text the same vector."""

    runtime = "none"
    space = Space("none", "0" * 64, "none", True, "", "", 8, 256)  # noqa: FBT003 - see `Space`

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """One vector for all: (len(texts), 8) float32."""
        if on_progress is not None:
            on_progress(len(texts))
        return np.full((len(texts), 8), 8**-0.5, dtype=np.float32)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same."""
        return self.embed_passages(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """About as many as a model would make."""
        return [len(text) // 5 + 2 for text in texts]


def main() -> None:
    """Measure, print and keep."""
    arguments = _arguments()
    if arguments.cold:
        figures, name = _cold(arguments.runs), "prepublish-cold"
    else:
        figures = _counts(arguments)
        name = "prepublish-links" if arguments.links_only else "prepublish"
    print(json.dumps(figures, indent=1))
    print("kept in", keep(name, figures).name)


def _counts(arguments: argparse.Namespace) -> dict[str, object]:
    found: list[tuple[str, Finding]] = []
    rows = {}
    for folder in sorted(path for path in arguments.data.iterdir() if path.is_dir()):
        if arguments.vault and folder.name not in arguments.vault:
            continue
        index = open_index(folder)
        rules = NEED_NO_VECTORS if arguments.links_only else frozenset(Rule)
        publishing = replace(index.settings.publishing, rules=rules, min_score=arguments.min_score)
        chosen = replace(index.settings, publishing=publishing)
        if arguments.links_only:
            chosen = replace(chosen, index=folder / ".recall-links")
        index = Index(chosen, embedder=NoModel() if arguments.links_only else None)
        built = index.refresh()
        started = time.perf_counter()
        report = check(index, Selection(everything=True))
        rows[folder.name] = {
            "notes": built.notes,
            "links": built.links,
            "seconds": round(time.perf_counter() - started, 1),
            "findings": {rule.value: count for rule, count in report.counts().items()},
        }
        print(folder.name, json.dumps(rows[folder.name]), flush=True)
        found += [(folder.name, finding) for finding in report.findings]
    if arguments.list:
        _list(arguments.list, found)
    rules = [rule.value for rule in Rule if not arguments.links_only or rule in NEED_NO_VECTORS]
    return {"rules": rules, "vaults": rows, "load_average": os.getloadavg()[0]}


def _list(file: Path, found: list[tuple[str, Finding]]) -> None:
    """Write a sample of the findings, as many of each rule, drawn by a fixed seed."""
    draw = random.Random(SEED)
    lines = []
    for rule in Rule:
        of_rule = [item for item in found if item[1].rule is rule]
        for vault, item in draw.sample(of_rule, min(A_RULE, len(of_rule))):
            lines.append(
                f"{rule}\t{vault}\t{item.path}:{item.line}\t{item.subject}\t{item.message}"
            )
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cold(runs: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        vault = Path(scratch) / "vault"
        shutil.copytree(Path(__file__).parents[1] / "notes", vault)
        command = [*_script(), "prepublish", "riffusion generates music.md", "--json"]
        command += ["--vault", str(vault)]
        subprocess.run(command, capture_output=True, check=True, env=_offline())
        with open_index(vault).read() as snapshot:
            numbers = [i.text_id for path in snapshot.paths() for i in snapshot.passages(path)]
            _save_vectors(Path(scratch) / "saved.npy", snapshot.vectors(sorted(set(numbers))))
        bare = [sys.executable, "-c", BARE_SCRIPT, str(_model()), f"{scratch}/saved.npy", QUESTION]
        seconds: dict[str, list[float]] = {"bare script": [], "recall prepublish NOTE": []}
        note = vault / "riffusion generates music.md"
        text = note.read_text(encoding="utf-8")
        for turn in range(runs + 1):
            note.write_text(f"{text}\n\nA thought of run {turn}.\n", encoding="utf-8")
            for name, one in (("bare script", bare), ("recall prepublish NOTE", command)):
                started = time.perf_counter()
                subprocess.run(one, capture_output=True, check=True, env=_offline())
                if turn:  # the first turn warms the file cache
                    seconds[name].append(time.perf_counter() - started)
    medians = {name: round(statistics.median(taken), 3) for name, taken in seconds.items()}
    ratio = medians["bare script"] / medians["recall prepublish NOTE"]
    return {
        "runs": runs,
        "load_average": os.getloadavg()[0],
        "cold_seconds": medians,
        "bare_script_over_prepublish": round(ratio, 1),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of vaults; recall writes into them")
    parser.add_argument("--vault", action="append", help="only this one; may be repeated")
    parser.add_argument("--list", type=Path, help="where the findings to judge are written")
    parser.add_argument("--links-only", action="store_true", help="rules that need no vectors")
    parser.add_argument("--min-score", type=float, help="if not as it is chosen")
    parser.add_argument("--cold", action="store_true", help="measure a cold start instead")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    if not arguments.cold and arguments.data is None:
        parser.error("name a folder of vaults with --data, or measure with --cold")
    return arguments


if __name__ == "__main__":
    main()
