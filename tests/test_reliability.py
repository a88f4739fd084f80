"""Short runs of `benchmarks/reliability.py`, and histories that end where a new build begins."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from benchmarks.corruption import answers
from benchmarks.small_vault import grow, index_of, note

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="harms what forked processes do")
@pytest.mark.parametrize("what", ["corruption", "kills", "crowd"])
def test_an_index_survives(what):
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability", "--only", what],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counted = re.match(rf"{what}: (\d+) of (\d+) survived", ran.stdout)
    assert counted[1] == counted[2] != "0"


@pytest.mark.parametrize("edits", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_a_history_of_random_edits_ends_where_a_build_from_nothing_begins(tmp_path, edits):
    chance = random.Random(edits)
    vault, other = tmp_path / "vault", tmp_path / "other"
    grow(vault, notes=10)
    index = index_of(vault)
    for number in range(edits):
        _edit(vault, number, chance)
        index.refresh()
    shutil.copytree(vault, other, ignore=shutil.ignore_patterns(".recall"))
    fresh = index_of(other)
    fresh.refresh()
    assert _settled(index) == _settled(fresh)


def test_notes_that_come_and_go_while_they_are_read_stop_no_build(tmp_path):
    grow(tmp_path, notes=10)
    index = index_of(tmp_path)
    stop = threading.Event()

    def stir() -> None:
        chance = random.Random(3)
        number = 0
        while not stop.is_set():
            _edit(tmp_path, number, chance)
            number += 1

    stirring = threading.Thread(target=stir)
    stirring.start()
    try:
        for _ in range(12):
            index.refresh()
    finally:
        stop.set()
        stirring.join()
    index.refresh()
    for path, stamp in index.vault.list().stamps.items():
        with index.read() as snapshot:
            assert snapshot.stamps()[path].size == stamp.size
    before = _settled(index)
    index.refresh(full=True)
    assert _settled(index) == before


def _edit(vault: Path, number: int, chance: random.Random) -> None:
    """Write, change, move, touch or remove a note."""
    notes = sorted(vault.glob("*.md"))
    chosen = chance.choice(notes) if notes else vault / "none.md"
    what = chance.choice(("write", "change", "change", "move", "touch", "remove", "swap"))
    if what == "write" or len(notes) < 3:
        (vault / f"new {number}.md").write_text(note(number, 10, chance), encoding="utf-8")
    elif what == "change":
        text = chosen.read_text(encoding="utf-8")
        chosen.write_text(text.replace("The", chance.choice(("A", "The", "No"))), encoding="utf-8")
    elif what == "move":
        chosen.rename(vault / f"moved {number}.md")
    elif what == "touch":
        chosen.touch()
    elif what == "remove":
        chosen.unlink()
    else:
        other = chance.choice(notes)
        one, two = chosen.read_bytes(), other.read_bytes()
        chosen.write_bytes(two)
        other.write_bytes(one)


def _settled(index) -> dict[str, object]:
    """What an index says, without the times of files."""
    return {name: said for name, said in answers(index).items() if name != "stamps"}
