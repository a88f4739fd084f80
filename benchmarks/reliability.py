"""What a vault and its index survive: bytes changed, processes killed, a crowd of processes.

python -m benchmarks.reliability           a short run, as in the tests
python -m benchmarks.reliability --soak    the long one (`make soak`), kept as a results file
python -m benchmarks.reliability --soak --state FILE --minutes 4    so much of it; again to go on
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import corruption, crowd, killed_edits, kills
from benchmarks.results_file import keep

Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of harm, done in batches: each with a seed and a vault of its own."""

    run: Callable[[int, Path, int], Figures]  # (cases, folder, seed)
    short: int  # cases, or seconds of the crowd
    batch: int
    batches: int


PARTS = {
    "corruption": Part(lambda n, at, seed: corruption.run(n, at, seed=seed), 10, 100, 12),
    "builds": Part(lambda n, at, seed: kills.run(n, at, seed=seed), 2, 50, 12),
    "applies": Part(lambda n, at, s: killed_edits.run(n, at, what="apply", seed=s), 2, 50, 4),
    "undos": Part(lambda n, at, s: killed_edits.run(n, at, what="undo", seed=s), 2, 50, 4),
    "crowd": Part(lambda n, at, _: crowd.run(8, 4, 16, float(n), at), 1, 60, 1),
}


def main() -> int:
    """Run all of them, print the figures, and say with the exit code whether all was survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--soak", action="store_true", help="the long run; keeps its figures")
    parser.add_argument("--seed", type=int, default=1, help="another one, other cases")
    parser.add_argument("--only", choices=PARTS, help="one of them")
    parser.add_argument("--state", type=Path, help="where a soak in pieces keeps what it has")
    parser.add_argument("--minutes", type=float, help="begin no batch after so long")
    asked = parser.parse_args()
    names = [asked.only] if asked.only else list(PARTS)
    figures = _read(asked.state) if asked.soak else {}
    until = time.monotonic() + 60 * asked.minutes if asked.minutes else float("inf")
    is_paused = False
    for name, cases, seed in _batches(names, asked.seed, is_soak=asked.soak):
        if seed in figures.get(name, {}).get("seeds", ()):
            continue
        if is_paused:
            print(f"paused before {name}, seed {seed}")
            return int(any(found["failed"] for found in figures.values()))
        figures[name] = _merged(figures.get(name), _timed(name, cases, seed))
        if asked.soak:
            _print_progress(name, figures[name])
        if asked.soak and asked.state:
            asked.state.write_text(json.dumps(figures), encoding="utf-8")
        is_paused = time.monotonic() > until
    for name in names:
        _print(name, figures[name])
    if asked.soak:
        print(f"kept in {keep('reliability', figures).name}")
    return int(any(found["failed"] for found in figures.values()))


def _batches(names: list[str], seed: int, *, is_soak: bool) -> Iterator[tuple[str, int, int]]:
    for name in names:
        part = PARTS[name]
        for number in range(part.batches if is_soak else 1):
            yield name, part.batch if is_soak else part.short, seed + number


def _timed(name: str, cases: int, seed: int) -> Figures:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figures = PARTS[name].run(cases, Path(folder), seed)
    took = round(time.perf_counter() - started, 1)
    return {**figures, "took_seconds": took, "seeds": [seed]}


def _merged(before: Figures | None, batch: Figures) -> Figures:
    """The figures of two runs as those of one."""
    if before is None:
        return batch
    counts = Counter(before["outcomes"]) + Counter(batch["outcomes"])
    sums = {name: before[name] + batch[name] for name in ("cases", "survived", "failed", "seeds")}
    took = round(before["took_seconds"] + batch["took_seconds"], 1)
    return {**batch, **sums, "outcomes": dict(sorted(counts.items())), "took_seconds": took}


def _read(state: Path | None) -> dict[str, Figures]:
    return json.loads(state.read_text(encoding="utf-8")) if state and state.exists() else {}


def _print_progress(name: str, figures: Figures) -> None:
    batches = f"{len(figures['seeds'])} of {PARTS[name].batches}"
    survived = f"{figures['survived']} of {figures['cases']} survived"
    print(f"{name}, {batches}: {survived}, {figures['took_seconds']} s", flush=True)


def _print(name: str, figures: Figures) -> None:
    print(f"{name}: {figures['survived']} of {figures['cases']} survived", end="")
    print(f", {figures['took_seconds']} s")
    for outcome, count in figures["outcomes"].items():
        print(f"  {count:>6}  {outcome}")
    for line in figures["failed"]:
        print(f"  FAILED  {line}")


if __name__ == "__main__":
    raise SystemExit(main())
