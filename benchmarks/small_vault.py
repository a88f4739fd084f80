"""A vault of invented notes, and an index over it that needs no model."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from recall.index import Index
from recall.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from standins import WordEmbedder

THINGS = (
    "orchard", "bee", "ledger", "pear", "cellar", "graft", "meadow", "harbour", "lamp", "bridge",
    "river", "kiln", "loom", "compass", "granary", "violin", "glacier", "canal", "beacon", "quarry",
)  # fmt: skip
DOINGS = ("keeps", "feeds", "outlives", "counts", "shelters", "remembers", "divides", "carries")


def grow(folder: Path, *, notes: int, seed: int = 1) -> None:
    """Write so many notes, the same for the same seed."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(notes):
        text = note(number, notes, chance)
        (folder / f"{THINGS[number % len(THINGS)]} {number}.md").write_text(text, encoding="utf-8")


def note(number: int, notes: int, chance: random.Random) -> str:
    """One note of such a vault: frontmatter, a claim, signals and links to others."""
    sentences = [_sentence(chance) for _ in range(5)]
    others = [chance.randrange(notes) for _ in range(3)]
    links = "\n".join(f"- [[{THINGS[other % len(THINGS)]} {other}]]" for other in others)
    return (
        f"---\nnote_id: N{number:05}\ncreated: 2021-0{number % 9 + 1}-11\n"
        f"tags: [{chance.choice(THINGS)}]\n---\n# {THINGS[number % len(THINGS)]} {number}\n\n"
        f"> [!note] Core claim\n> {sentences[0]}\n\n## Signals\n- {sentences[1]}\n"
        f"- {sentences[2]}\n\n## Take\n{sentences[3]} {sentences[4]}\n\n## Related\n{links}\n"
    )


def index_of(folder: Path) -> Index:
    """Open an index that embeds by words."""
    settings = Settings(notes=folder, index=folder / ".recall")
    return Index(settings, embedder=WordEmbedder())


def bytes_of(vault: Path) -> dict[str, bytes]:
    """What every note of a folder holds."""
    return {path.name: path.read_bytes() for path in sorted(vault.glob("*.md"))}


def settle() -> None:
    """Wait until a file written now has another time than one written before."""
    time.sleep(0.06)


def _sentence(chance: random.Random) -> str:
    one, other, third = chance.sample(THINGS, 3)
    return (
        f"The {one} {chance.choice(DOINGS)} the {other} by the {third} of {chance.randrange(99)}."
    )
