"""What an index survives: bytes changed, builds killed, a crowd of processes.

python -m benchmarks.reliability           a short run, as in the tests
python -m benchmarks.reliability --soak    the long one (`make soak`), kept as a results file
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import corruption, crowd, kills
from benchmarks.results_file import keep

Figures = dict[str, object]


def main() -> int:
    """Run all of them, print the figures, and say with the exit code whether all was survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--soak", action="store_true", help="the long run; keeps its figures")
    parser.add_argument("--seed", type=int, default=1, help="another one, other cases")
    parser.add_argument("--only", choices=("corruption", "kills", "crowd"), help="one of them")
    asked = parser.parse_args()
    scale = 1 if asked.soak else 0
    runs: Mapping[str, Callable[[Path], Figures]] = {
        "corruption": lambda folder: corruption.run((30, 1200)[scale], folder, seed=asked.seed),
        "kills": lambda folder: kills.run((8, 600)[scale], folder, seed=asked.seed),
        "crowd": lambda folder: crowd.run(8, 16, (2.0, 60.0)[scale], folder),
    }
    figures: dict[str, Figures] = {}
    for name, run in runs.items():
        if asked.only in (None, name):
            figures[name] = _timed(run)
            _print(name, figures[name])
    if asked.soak:
        print(f"kept in {keep('reliability', {'seed': asked.seed, **figures}).name}")
    return int(any(found["failed"] for found in figures.values()))


def _timed(run: Callable[[Path], Figures]) -> Figures:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder))
    return {**figures, "took_seconds": round(time.perf_counter() - started, 1)}


def _print(name: str, figures: Figures) -> None:
    print(f"{name}: {figures['survived']} of {figures['cases']} survived", end="")
    print(f", {figures['took_seconds']} s")
    for outcome, count in figures["outcomes"].items():
        print(f"  {count:>6}  {outcome}")
    for line in figures["failed"]:
        print(f"  FAILED  {line}")


if __name__ == "__main__":
    raise SystemExit(main())
