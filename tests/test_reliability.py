"""Short runs of `benchmarks/reliability.py`, and histories that end where a new build begins."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import reliability, results_file
from benchmarks.corruption import answers
from benchmarks.reliability import PARTS
from benchmarks.small_vault import grow, index_of, note
from recall.embedding import open_embedder
from recall.index import Index
from recall.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="harms what forked processes do")
def test_a_vault_and_its_index_survive_changed_bytes_kills_and_a_crowd():
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counted = re.findall(r"(?m)^(\w+): (\d+) of (\d+) survived", ran.stdout)
    assert [name for name, *_ in counted] == list(PARTS)
    assert all(survived == cases != "0" for _, survived, cases in counted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="harms what forked processes do")
def test_a_soak_in_pieces_counts_every_batch_once(tmp_path, monkeypatch, capsys):
    def run(cases: int, _: Path, seed: int) -> dict[str, object]:
        ran.append(seed)
        bad = [f"seed {seed}"] if seed == 3 else []
        survived = cases - len(bad)
        return {"cases": cases, "survived": survived, "outcomes": {"well": cases}, "failed": bad}

    ran: list[int] = []
    state = tmp_path / "state.json"
    monkeypatch.setattr(reliability, "PARTS", {"corruption": reliability.Part(run, 1, 10, 3)})
    monkeypatch.setattr(results_file, "FOLDER", tmp_path / "results")
    monkeypatch.setattr(sys, "argv", ["", "--soak", "--state", str(state), "--minutes", "1e-9"])
    for _ in range(3):
        code = reliability.main()
    assert ran == [1, 2, 3]
    assert re.findall(r"corruption, (.*) survived", capsys.readouterr().out) == [
        "1 of 3: 10 of 10", "2 of 3: 20 of 20", "3 of 3: 29 of 30",
    ]  # fmt: skip
    (kept,) = (tmp_path / "results").iterdir()
    assert json.loads(kept.read_text())["corruption"] | {"took_seconds": 0} == {
        "cases": 30, "survived": 29, "outcomes": {"well": 30}, "failed": ["seed 3"],
        "seeds": [1, 2, 3], "took_seconds": 0,
    }  # fmt: skip
    assert code == 1


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


@contextmanager
def listed_backwards(folder: os.PathLike[str]) -> Iterator[Iterable[os.DirEntry[str]]]:
    """`os.scandir` of a file system that lists files the other way round."""
    with scandir(folder) as entries:
        yield iter(sorted(entries, key=lambda entry: entry.name, reverse=True))


scandir = os.scandir


def test_two_builds_in_another_order_with_more_threads_suggest_the_same(
    tmp_path, models_dir, monkeypatch
):
    found = []
    for threads, is_backwards in ((1, False), (2, True)):
        vault = tmp_path / str(threads)
        grow(vault, notes=8)
        if is_backwards:
            monkeypatch.setattr(os, "scandir", listed_backwards)
        settings = Settings(notes=vault, index=vault / ".recall")
        index = Index(settings, embedder=open_embedder(models_dir=models_dir, threads=threads))
        index.refresh()
        with index.read() as snapshot:
            paths = snapshot.paths()
        found.append([index.related(path).suggestions for path in paths])
    for one, other in zip(*found, strict=True):
        assert [item.card.path for item in one] == [item.card.path for item in other]
        assert [item.score for item in one] == pytest.approx([i.score for i in other], abs=1e-5)


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
