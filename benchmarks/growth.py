"""How costs grow with the vault: a build, no change, one change, warm answers, memory.

Vaults are made up: notes of five paragraphs, of one of several hundred topics each. Their vectors
are made up, too, with the structure that real ones have: topics are directions, a note lies about
its topic, its passages about the note, so that every note has near neighbours and far ones. So
100,000 notes need no hour of embedding; what a question costs to embed is paid with the real
model. Each size is a process of its own, and so is what answers, so that each has a peak of its
own. Processor time is kept beside the clock: a busy machine changes it less.

A question (`search`) is six words, as people type them: one stands in every note, one in every
third, four in one of some hundred. The model is given as many plain words; made-up ones it breaks
into three or four pieces each. A long one (`long search`) is 80 characters of a paragraph, pieces
and all: some 30 tokens.

    python -m benchmarks.growth [--sizes 1000,10000,100000] [--questions N] [--no-suggest]

With `--made DIR` the vaults are DIR/1000 and so on, as an earlier run made them (`--make DIR`), and
only what it costs to bring their indexes up to date is measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.plot import curves
from benchmarks.results_file import keep
from recall.embedding import Space, open_embedder
from recall.index import Index
from recall.planning import pending, uncollected
from recall.settings import Settings

if TYPE_CHECKING:
    from recall.store import Snapshot

DIMENSION = 384
TOPICS = 400
PASSAGES = 5
SPREAD_OF_NOTES = 0.9  # length of a note's own direction beside its topic's
SPREAD_OF_PASSAGES = 0.8
WORDS = 3000  # of which a topic uses forty
COMMON = 3  # words of which every note holds one
PLAIN = ("music", "model", "sound", "learn", "train", "note")  # one token each


def main() -> None:
    """Measure each size, print and keep."""
    arguments = _arguments()
    if arguments.answer_from:
        print(json.dumps(_answers(Path(arguments.answer_from), arguments)))
        return
    if arguments.size:
        print(json.dumps(_measure(arguments)))
        return
    rows = []
    for size in arguments.sizes:
        rows.append(_alone(arguments, "--size", str(size)))
        print(rows[-1], file=sys.stderr, flush=True)
    for name in rows[0]:
        print(f"{name:<24}" + "".join(f"{row[name]:>12g}" for row in rows))
    figures = {"sizes": rows, "exponents": _exponents(rows)}
    if len(rows) > 1:
        figures["one_changed_ratio"] = _ratio(rows)
    print(figures["exponents"])
    file = keep("growth", figures)
    print("kept in", file.name)
    if len(rows) > 1:
        file.with_suffix(".svg").write_text(_plot(rows), encoding="utf-8")


def _alone(arguments: argparse.Namespace, *more: str) -> dict[str, float]:
    """Figures from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", "--questions", str(arguments.questions)]
    command += [] if arguments.suggest else ["--no-suggest"]
    for name in ("made", "make"):
        if folder := getattr(arguments, name):
            command += [f"--{name}", str(folder)]
    done = subprocess.run([*command, *more], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _plot(rows: list[dict[str, float]]) -> str:
    names = [name for name in rows[0] if name.endswith("_cpu_ms")]
    lines = {name.removesuffix("_cpu_ms").replace("_", " "): [row[name] for row in rows]
             for name in names}  # fmt: skip
    notes = [row["notes"] for row in rows]
    return curves("Cost as a vault grows", "milliseconds of processor time", notes, lines)


class SyntheticEmbedder:
    """Vectors by topic; a question pays for the real model and is then placed like a passage."""

    def __init__(self) -> None:
        self._real = open_embedder()
        self._places: dict[str, np.ndarray] = {}  # of questions that are going to be asked
        self.is_plain = False  # whether the model is given plain words in place of made-up ones
        self.space = Space("synthetic", "0" * 64, "none", True, "", "", DIMENSION, 256)  # noqa: FBT003
        self._topics = _unit(np.random.default_rng(1).standard_normal((TOPICS, DIMENSION)))

    def embed_passages(self, texts, *, on_progress=None):  # noqa: ANN001, ANN201, ARG002
        """(len(texts), DIMENSION) float32, unit rows."""
        return np.array([self._place(text) for text in texts], np.float32).reshape(-1, DIMENSION)

    def place_ahead(self, questions):  # noqa: ANN001, ANN201
        """Make their vectors up now, which then takes no time of the answer."""
        self._places = {question: self._place(question) for question in questions}

    def embed_queries(self, texts):  # noqa: ANN001, ANN201
        """The same, after the time that the real model takes."""
        plain = [" ".join(PLAIN[: len(text.split())]) for text in texts]
        self._real.embed_queries(plain if self.is_plain else texts)
        return self.embed_passages(texts)

    def count_tokens(self, texts):  # noqa: ANN001, ANN201
        """Roughly."""
        return [len(text.split()) + 2 for text in texts]

    def _place(self, text: str) -> np.ndarray:
        """Topic and note stand in the text's first words."""
        if (known := self._places.get(text)) is not None:
            return known
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
    """Sixty words about the note's topic, too long to share a passage, led by its place."""
    topic = note % TOPICS
    chance = np.random.default_rng([note, paragraph])
    words = (topic * 7 + chance.integers(0, 40, 60)) % WORDS
    named = " ".join(f"word{word}" for word in words)
    return f"topic {topic} n{note} p{paragraph} {named} common{note % COMMON}"


def _question(note: int) -> str:
    """Six words that a note of this topic answers."""
    topic = note % TOPICS
    chance = np.random.default_rng([note, 99])
    words = (topic * 7 + chance.choice(40, 3, replace=False)) % WORDS
    named = " ".join(f"word{word}" for word in words)
    return f"topic {topic} {named} common{note % COMMON}"


def _write(vault: Path, size: int) -> None:
    for note in range(size):
        folder = vault / f"{note // 500:04d}"
        folder.mkdir(exist_ok=True)
        link = f"[[note {(note + TOPICS) % size}]]"
        paragraphs = "\n\n".join(_text(note, paragraph) for paragraph in range(PASSAGES))
        (folder / f"note {note}.md").write_text(f"# note {note}\n\n{paragraphs}\n\n{link}\n")


def _measure(arguments: argparse.Namespace) -> dict[str, float]:
    if arguments.made:
        return _rounded(_refreshing(arguments.made / str(arguments.size), arguments))
    with tempfile.TemporaryDirectory() as scratch:
        vault = Path(scratch)
        _write(vault, arguments.size)
        time.sleep(0.1)  # until the times of the files can be trusted
        index = _index(vault)
        built = _Taken.by(lambda: index.refresh(learns=arguments.suggest))
        found = {"notes": arguments.size} | _cost("build", [built])
        found["build_peak_mb"] = _peak_mb()
        if arguments.make:
            shutil.copytree(vault, arguments.make / str(arguments.size))
        found |= _refreshing(vault, arguments)
        found |= _alone(arguments, "--size", str(arguments.size), "--answer-from", scratch)
        return _rounded(found)


def _refreshing(vault: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """What nothing new costs, and a change to one note; the notes are as before then."""
    index = _index(vault)

    def refresh() -> None:
        index.refresh(learns=arguments.suggest)

    def write(turn: int, text: str) -> str:
        file = vault / "0000" / f"note {turn}.md"
        before = file.read_text()
        file.write_text(text)
        time.sleep(0.1)
        return before

    refresh()
    found = {"notes": arguments.size} | _cost("unchanged", [_Taken.by(refresh) for _ in range(3)])
    before, looked, changed = [], [], []
    for turn in range(5):
        before.append(write(turn, f"# note {turn}\n\n{_text(turn, 20 + turn)}\n"))
        with index.read() as snapshot:
            looked.append(_Taken.by(lambda: _look(index, snapshot)))
        changed.append(_Taken.by(refresh))
    found |= _cost("one changed", changed)
    found |= _cost("listing and comparing", looked)
    beside = [_Taken(*(whole - look for whole, look in zip(*both, strict=True)))
              for both in zip(changed, looked, strict=True)]  # fmt: skip
    found |= _cost("one changed beside that", beside)
    found |= _cost("listing", [_Taken.by(index.vault.list) for _ in range(3)])
    for turn, text in enumerate(before):
        write(turn, text)
    refresh()
    return found


def _look(index: Index, snapshot: Snapshot) -> None:
    """What a build does to see which files changed."""
    with uncollected():
        pending(snapshot, index.vault.list())


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in found.items()}


def _answers(vault: Path, arguments: argparse.Namespace) -> dict[str, float]:
    index = _index(vault)
    chance = np.random.default_rng(5)
    notes = chance.integers(0, arguments.size, arguments.questions)
    short = [_question(int(note)) for note in notes]
    long = [_text(int(note), 9)[:80] for note in notes]
    index.embedder.place_ahead(short + long)
    index.embedder.is_plain = True
    taken = [_Taken.by(lambda q=question: index.search(q)) for question in short]
    found = _cost("search", taken[3:]) | {"search_peak_mb": _peak_mb()}
    index.embedder.is_plain = False
    taken = [_Taken.by(lambda q=question: index.search(q)) for question in long]
    found |= _cost("long search", taken[3:])
    if arguments.suggest:
        taken = [_Taken.by(lambda n=note: index.suggest_links(f"note {n}")) for note in notes]
        found |= _cost("suggest", taken[3:]) | {"suggest_peak_mb": _peak_mb()}
    return found


def _index(vault: Path) -> Index:
    return Index(Settings(notes=vault, index=vault / ".recall"), embedder=SyntheticEmbedder())


class _Taken(NamedTuple):
    """What one act took."""

    seconds: float
    cpu_seconds: float  # of all threads

    @classmethod
    def by(cls, act: Callable[[], object]) -> _Taken:
        started, used = time.perf_counter(), time.process_time()
        act()
        return cls(time.perf_counter() - started, time.process_time() - used)


def _cost(name: str, taken: list[_Taken]) -> dict[str, float]:
    """Milliseconds: the median by the clock and by the processor; of many also what 95 % keep."""
    name = name.replace(" ", "_")
    clock = [1000 * item.seconds for item in taken]
    cpu = [1000 * item.cpu_seconds for item in taken]
    found = {f"{name}_ms": float(np.median(clock)), f"{name}_cpu_ms": float(np.median(cpu))}
    if len(taken) > 10:
        found[f"{name}_p95_ms"] = float(np.percentile(clock, 95))
        found[f"{name}_p95_of_cpu_ms"] = float(np.percentile(cpu, 95))
    return found


def _peak_mb() -> float:
    """Of this process. Linux counts in `getrusage` what the one that started it had, too."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
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


def _ratio(rows: list[dict[str, float]]) -> dict[str, float]:
    """Processor time of one change, in the largest vault by that in the smallest."""
    names = ("one_changed", "one_changed_beside_that")
    return {
        name: round(rows[-1][f"{name}_cpu_ms"] / rows[0][f"{name}_cpu_ms"], 2) for name in names
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=lambda text: [int(size) for size in text.split(",")],
        default=[1_000, 10_000, 100_000],
    )  # fmt: skip
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--no-suggest", dest="suggest", action="store_false")
    parser.add_argument("--made", type=Path)
    parser.add_argument("--make", type=Path)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--answer-from", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
