"""What tells two notes on one subject from a note that was written twice.

Over the pairs of different notes with the nearest mean vectors (titles aside), the share of words
that both hold; and the same for copies of notes that lost some of their passages.

    python -m benchmarks.duplicates VAULT... (each of them indexed)
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.results_file import keep
from recall.domain import Facet
from recall.index import open_index
from recall.links.duplicates import LEAST_COSINE, LEAST_OVERLAP, overlap

if TYPE_CHECKING:
    from recall.store import Snapshot

KEPT = (0.9, 0.7, 0.5)  # share of the passages that a copy keeps
FEWEST = 5  # passages of a note that is copied
MOST_COPIED = 200

Held = dict[str, tuple[list[str], NDArray[np.float32]]]  # path → texts, (texts, dim) unit rows


def main() -> None:
    """Measure each vault that is named, print, keep."""
    figures = {}
    for folder in map(Path, sys.argv[1:]):
        with open_index(folder).read() as snapshot:
            held = _held(snapshot)
        figures[folder.name] = {"notes": len(held), **_different(held), "copies": _copies(held)}
        print(folder.name, figures[folder.name])
    limits = {"least cosine": LEAST_COSINE, "least overlap": LEAST_OVERLAP}
    print("kept in", keep("duplicates", {**limits, "vaults": figures}).name)


def _held(snapshot: Snapshot) -> Held:
    found = {}
    for path, stored in snapshot.passages_of(snapshot.paths()).items():
        kept = [item for item in stored if item.passage.facet is not Facet.TITLE]
        if kept:
            rows = snapshot.vectors([item.text_id for item in kept])
            found[path] = [item.passage.text for item in kept], rows
    return found


def _different(held: Held) -> dict[str, object]:
    """How much the nearest pairs of different notes share, and which pass for the same."""
    paths = list(held)
    means = np.stack([rows.mean(axis=0) for _, rows in held.values()])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    similar = np.triu(means @ means.T, 1)
    near = np.argwhere(similar >= LEAST_COSINE).tolist()
    shares = [round(overlap(held[paths[i]][0], held[paths[j]][0]), 2) for i, j in near]
    return {
        "pairs as near as copies": len(near),
        "their overlap, quartiles": _quartiles(shares),
        "of them called the same": sum(share >= LEAST_OVERLAP for share in shares),
    }


def _copies(held: Held) -> dict[str, object]:
    """How often a copy with some passages gone is still called the same."""
    long = [path for path, (texts, _) in held.items() if len(texts) >= FEWEST][:MOST_COPIED]
    found: dict[str, object] = {}
    for share in KEPT:
        named = 0
        for path in long:
            texts, rows = held[path]
            count = max(1, round(share * len(texts)))
            kept = sorted(random.Random(f"{path} {share}").sample(range(len(texts)), count))
            mean, other = rows.mean(axis=0), rows[kept].mean(axis=0)
            cosine = mean @ other / (np.linalg.norm(mean) * np.linalg.norm(other))
            same = overlap(texts, [texts[i] for i in kept]) >= LEAST_OVERLAP
            named += bool(same and cosine >= LEAST_COSINE)
        found[f"{share:.0%} kept"] = [named, len(long)]
    return found


def _quartiles(values: Sequence[float]) -> list[float]:
    return [round(float(q), 2) for q in np.quantile(values or [0.0], (0.25, 0.5, 0.75, 1.0))]


if __name__ == "__main__":
    main()
