"""Small vaults that tests write, and an index over them that needs no model."""

from __future__ import annotations

import time
from pathlib import Path

from standins import WordEmbedder

from recall.index import Index
from recall.settings import Settings


def write(root: Path, notes: dict[str, str | bytes]) -> None:
    """Write notes, old enough that their times can be trusted."""
    for path, content in notes.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    settle(root)


def settle(root: Path) -> None:
    """Wait until no file of the folder was changed a moment ago."""
    newest = max((file.stat().st_ctime_ns for file in root.rglob("*.md")), default=0)
    while time.time_ns() - newest < 60_000_000:
        time.sleep(0.01)


def index_of(root: Path, *, known: frozenset[str] | None = None, **options: object) -> Index:
    """Open an index over a folder, with the words stand-in for a model."""
    settings = Settings(notes=root, index=root / ".recall", **options)  # type: ignore[arg-type]
    return Index(settings, embedder=WordEmbedder(known=known))


def embedded(index: Index) -> list[str]:
    """What the stand-in was asked to embed as passages, in order."""
    embedder = index.embedder
    assert isinstance(embedder, WordEmbedder)
    return embedder.passages_embedded


# Enough words to be compared with other notes, and none that another note holds.
LONG = (
    "Ladders lean on walls, lanterns hang in sheds, each evening somebody counts baskets, mends "
    "gloves, sweeps floors, oils hinges, sharpens knives, feeds hens, shuts gates, writes letters, "
    "drinks cider, and listens to radio until midnight."
)

ORCHARD: dict[str, str | bytes] = {
    "apples.md": (
        "---\ntags: [fruit]\nnote_id: 200101OR01\ncreated: 2020-01-01\n---\n# Apples\n\n"
        "> [!note] Core claim\n> Grafted trees bear sweeter fruit than seedlings.\n\n"
        "## signals\n- Old orchards kept grafted trees alive for centuries.\n\n"
        "## linkage\n- [[Pears]]\n"
    ),
    "pears.md": (
        "---\ntags: [fruit/soft]\ndraft: true\ncreated: 2022-06-01\n---\n# Pears\n\n"
        "Pears ripen in the cellar, from the core outwards.\n"
    ),
    "grafting.md": (
        "---\naliases: [scion wood]\ncreated: 2021-03-01\n---\n# Grafting\n\n"
        "A scion of a grafted tree keeps the fruit of its mother. Orchards depend on it.\n"
    ),
    "bees.md": "# Bees\n\nA hive at the edge of the meadow pollinates clover and lime.\n",
    "ledger.md": "# Ledger\n\nDebit stands left and credit right; the sums agree.\n",
}
