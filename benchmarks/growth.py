"""How costs grow with the vault: a build, no change, one change, warm answers, memory.

Vaults are made up: notes of five paragraphs, of one of several hundred topics each. Their vectors
are made up, too, with the structure that real ones have: topics are directions, a note lies about
its topic, its passages about the note, so that every note has near neighbours and far ones. So
100,000 notes need no hour of embedding; what a question costs to embed is paid with the real
model. Each size is a process of its own.

    python -m benchmarks.growth [--sizes 1000,10000,100000] [--questions N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.results_file import keep
from recall.embedding import Space, open_embedder
from recall.index import Index
from recall.settings import Settings

DIMENSION = 384
TOPICS = 400
PASSAGES = 5
SPREAD_OF_NOTES = 0.9  # length of a note's own direction beside its topic's
SPREAD_OF_PASSAGES = 0.8
WORDS = 3000  # of which a topic uses forty


def main() -> None:
    """Measure each size, print and keep."""
    arguments = _arguments()
    if arguments.size:
        print(json.dumps(_measure(arguments.size, arguments.questions)))
        return
    rows = []
    for size in arguments.sizes:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", "--size", str(size),
             "--questions", str(arguments.questions)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows.append(json.loads(done.stdout))
        print(rows[-1], file=sys.stderr)
    for name in rows[0]:
        print(f"{name:<16}" + "".join(f"{row[name]:>12g}" for row in rows))
    figures = {"sizes": rows, "exponents": _exponents(rows)}
    print(figures["exponents"])
    print("kept in", keep("growth", figures).name)


class SyntheticEmbedder:
    """Vectors by topic; a question pays for the real model and is then placed like a passage."""

    def __init__(self) -> None:
        self._real = open_embedder()
        self.space = Space("synthetic", "0" * 64, "none", True, "", "", DIMENSION, 256)  # noqa: FBT003
        self._topics = _unit(np.random.default_rng(1).standard_normal((TOPICS, DIMENSION)))

    def embed_passages(self, texts, *, on_progress=None):  # noqa: ANN001, ANN201, ARG002
        """(len(texts), DIMENSION) float32, unit rows."""
        return np.array([self._place(text) for text in texts], np.float32).reshape(-1, DIMENSION)

    def embed_queries(self, texts):  # noqa: ANN001, ANN201
        """The same, after the time that the real model takes."""
        self._real.embed_queries(texts)
        return self.embed_passages(texts)

    def count_tokens(self, texts):  # noqa: ANN001, ANN201
        """Roughly."""
        return [len(text.split()) + 2 for text in texts]

    def _place(self, text: str) -> np.ndarray:
        """Topic and note stand in the text's first words."""
        head = text.split()[:3]
        topic = int(head[1]) if len(head) > 1 and head[0] == "topic" and head[1].isdigit() else 0
        note = _unit(self._topics[topic] + SPREAD_OF_NOTES * _own(" ".join(head)))
        return _unit(note + SPREAD_OF_PASSAGES * _own(text))


def _own(text: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return _unit(np.random.default_rng(seed).standard_normal(DIMENSION))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _text(note: int, paragraph: int) -> str:
    """Forty words of the note's topic, led by what the stand-in places it by."""
    topic = note % TOPICS
    chance = np.random.default_rng([note, paragraph])
    words = (topic * 7 + chance.integers(0, 40, 40)) % WORDS
    return f"topic {topic} n{note} p{paragraph} " + " ".join(f"word{word}" for word in words)


def _write(vault: Path, size: int) -> None:
    for note in range(size):
        folder = vault / f"{note // 500:04d}"
        folder.mkdir(exist_ok=True)
        link = f"[[note {(note + TOPICS) % size}]]"
        paragraphs = "\n\n".join(_text(note, paragraph) for paragraph in range(PASSAGES))
        (folder / f"note {note}.md").write_text(f"# note {note}\n\n{paragraphs}\n\n{link}\n")


def _measure(size: int, questions: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        vault = Path(scratch)
        _write(vault, size)
        time.sleep(0.1)  # until the times of the files can be trusted
        index = Index(Settings(notes=vault, index=vault / ".recall"), embedder=SyntheticEmbedder())
        found = {"notes": size, "build_s": _seconds(index.refresh)}
        found["build_peak_mb"] = _peak_mb()
        found["unchanged_s"] = min(_seconds(index.refresh) for _ in range(3))
        found["one_changed_s"] = min(_after_a_change(vault, index, turn) for turn in range(3))
        chance = np.random.default_rng(5)
        asked = [_text(int(note), 9)[:80] for note in chance.integers(0, size, questions)]
        searched = [_seconds(lambda q=question: index.search(q)) for question in asked[3:]]
        sources = [f"note {int(note)}" for note in chance.integers(0, size, questions)]
        suggested = [_seconds(lambda n=note: index.suggest_links(n)) for note in sources[3:]]
        for name, taken in (("search", searched), ("suggest", suggested)):
            found[f"{name}_p50_ms"] = round(1000 * float(np.percentile(taken, 50)), 1)
            found[f"{name}_p95_ms"] = round(1000 * float(np.percentile(taken, 95)), 1)
        found["all_peak_mb"] = _peak_mb()
        return {name: round(value, 3) for name, value in found.items()}


def _after_a_change(vault: Path, index: Index, turn: int) -> float:
    (vault / "0000" / f"note {turn}.md").write_text(f"# note {turn}\n\n{_text(turn, 20 + turn)}\n")
    time.sleep(0.1)
    return _seconds(index.refresh)


def _seconds(act) -> float:  # noqa: ANN001
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _peak_mb() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _exponents(rows: list[dict[str, float]]) -> dict[str, float]:
    """Slope of log cost over log notes, between the smallest and the largest size."""
    if len(rows) < 2:
        return {}
    first, last = rows[0], rows[-1]
    span = math.log(last["notes"] / first["notes"])
    costs = [name for name in first if name != "notes" and first[name] > 0]
    return {name: round(math.log(last[name] / first[name]) / span, 2) for name in costs}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=lambda text: [int(size) for size in text.split(",")],
        default=[1_000, 10_000, 100_000],
    )  # fmt: skip
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
