"""What a kill, a second writer, a late reader or a damaged file does to an index."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import faiss
import numpy as np
import pytest
from test_store import DIMENSION, IDENTITY, embed, note, publish, vectors

from recall.errors import IndexBusy, IndexDamaged, IndexMissing, IndexOutdated, UsageError
from recall.store import FORMAT, Store
from recall.store.database import Database
from recall.store.vectors import publishing
from recall.store.vectors.pending import FILE as PENDING

BEFORE = [note("a.md", "one", "both", links=("b",)), note("b.md", "two", "both")]
AFTER = [note("a.md", "three", "both", links=("c",)), note("c.md", "four")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


def answers(store: Store) -> dict[str, object]:
    """What an index says, without numbers that only it knows."""
    with store.read() as snapshot:
        nearest = snapshot.nearest(vectors("one", "three"), 5)
        held = snapshot.passages_with(nearest.text_ids.ravel())
        return {
            "generation": snapshot.generation,
            "paths": snapshot.paths(),
            "edges": list(snapshot.edges()),
            "nearest": [
                [held[n][0].passage.text if n >= 0 else None for n in row]
                for row in nearest.text_ids.tolist()
            ],
            "scores": nearest.scores.round(5).tolist(),
            "words": snapshot.lexical(["one", "three"], 5),
            "centroids": snapshot.centroids()[1].round(5).tolist(),
        }


def change(store: Store) -> None:
    with store.write(IDENTITY) as writer:
        writer.remove("b.md")
        for item in AFTER:
            writer.put(item)
        embed(writer)
        writer.publish()


# The functions of the store that a publish runs through.
STEPS = {
    "publish", "publish_vectors", "write_segment", "remove_dead_files", "clear", "close",
    "_tidy", "_seal", "write_seal", "_write",
}  # fmt: skip


def at_every_line_of_a_publish(do: Callable[[int], object], store: Store) -> None:
    """Change a store, and do something before each line of its publish, with the line's number."""
    seen: set[tuple[str, int]] = set()
    is_publishing = False

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal is_publishing
        if frame.f_code.co_name not in STEPS:
            return None
        place = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and is_publishing and place not in seen:
            seen.add(place)
            do(len(seen))
        is_publishing = is_publishing or frame.f_code.co_name == "publish"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        change(store)
    finally:
        sys.settrace(before)


def photographed(root: Path) -> list[Path]:
    """What a kill before each line would leave: the files, as they lie there at that moment."""
    folders = []

    def photograph(line: int) -> None:
        folders.append(root / f"{line:03}")
        # In a process of its own: to close a file here would let go of the locks on it.
        subprocess.run(["cp", "-pR", str(root / "publishing"), str(folders[-1])], check=True)

    shutil.copytree(root / "base", root / "publishing")
    at_every_line_of_a_publish(photograph, Store(root / "publishing"))
    return folders


def killed(root: Path) -> list[Path]:
    """What a kill before each line leaves, of a process for each."""
    folders: list[Path] = []
    status = signal.SIGKILL

    def die(line: int) -> None:
        if line == len(folders):
            os.kill(os.getpid(), signal.SIGKILL)

    while status == signal.SIGKILL:
        folders.append(root / f"{len(folders) + 1:03}")
        shutil.copytree(root / "base", folders[-1])
        child = os.fork()
        if child == 0:
            at_every_line_of_a_publish(die, Store(folders[-1]))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
    assert status == 0
    return folders[:-1]  # the last one lived


@pytest.mark.skipif(os.name != "posix", reason="forks, and copies with cp")
@pytest.mark.parametrize("left", [photographed, pytest.param(killed, marks=pytest.mark.slow)])
def test_a_build_killed_at_any_line_of_its_publish_leaves_all_of_the_old_or_all_of_the_new(
    tmp_path, left
):
    base = Store(tmp_path / "base")
    publish(base, *BEFORE)
    old = answers(base)
    shutil.copytree(tmp_path / "base", tmp_path / "whole")
    change(Store(tmp_path / "whole"))
    new = answers(Store(tmp_path / "whole"))
    assert new["paths"] == ["a.md", "c.md"]
    known: dict[tuple[tuple[str, bytes], ...], bool] = {}
    states = []
    for folder in left(tmp_path):
        files = tuple(sorted((file.name, file.read_bytes()) for file in folder.iterdir()))
        if files not in known:
            known[files] = is_new(Store(folder), old, new)
        states.append(known[files])
    assert states == sorted(states), "old up to the commit, new from there"
    assert 20 < states.count(False) < len(states)


def is_new(store: Store, old: dict[str, object], new: dict[str, object]) -> bool:
    """Whether all of the new build answers; all of the old one else, and the next one is new."""
    found = answers(store)
    assert found in (old, new)
    if found == old:
        with store.write(IDENTITY) as writer:
            for item in AFTER:
                writer.put(item)
            assert writer.missing_texts() == [], "what was embedded before the kill is kept"
            writer.remove("b.md")
            writer.publish()
        assert answers(store) == new
        assert len(list(store.directory.glob("vectors-*"))) == 1
    return found == new


def test_a_build_that_fails_changes_nothing(store):
    publish(store, *BEFORE)
    before = answers(store)

    def fail():
        with store.write(IDENTITY) as writer:
            writer.put(AFTER[0])
            embed(writer)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert answers(store) == before


def test_a_second_writer_is_told_that_the_index_is_busy(store):
    with store.write(IDENTITY) as writer:
        with pytest.raises(IndexBusy, match="another process"):
            store.write(IDENTITY, wait_seconds=0.05)
        writer.put(note("a.md", "one"))
        embed(writer)
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.paths() == ["a.md"]


def test_a_second_writer_waits_for_the_first_and_builds_on_it(store):
    publish(store, note("a.md", "one"))
    first = store.write(IDENTITY)
    first.put(note("b.md", "two"))
    embed(first)
    found: list[str] = []

    def second():
        with store.write(IDENTITY, wait_seconds=20) as writer:
            found.extend(writer.paths())

    thread = threading.Thread(target=second)
    thread.start()
    first.publish()
    thread.join()
    assert found == ["a.md", "b.md"]


def test_a_reader_keeps_its_state_while_builds_are_published(store):
    publish(store, *BEFORE)
    with store.read() as snapshot:
        before = snapshot.nearest(vectors("one"), 3)
        change(store)
        assert snapshot.paths() == ["a.md", "b.md"]
        after = snapshot.nearest(vectors("one"), 3)
        assert after.text_ids.tolist() == before.text_ids.tolist()
        assert snapshot.vectors(before.text_ids[0].tolist()).shape == (3, DIMENSION)
    with store.read() as snapshot:
        assert snapshot.paths() == ["a.md", "c.md"]


def test_a_reader_that_comes_too_late_for_its_vectors_moves_on(store):
    publish(store, *BEFORE)
    with store.read() as snapshot:
        assert snapshot.paths() == ["a.md", "b.md"]
        kept = snapshot.passages("a.md")[1].text_id
        change(store)
        nearest = snapshot.nearest(vectors("both"), 1)
        assert snapshot.paths() == ["a.md", "c.md"]
        assert nearest.text_ids[0, 0] == kept


def test_what_a_killed_build_embedded_is_not_embedded_again(store):
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", "one", "two"))
        writer.add_vectors([writer.missing_texts()[0][0]], vectors("one"))
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", "one", "two"))
        assert embed(writer) == ["two"]
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.nearest(vectors("one"), 1).scores[0, 0] == pytest.approx(1)
    assert not (store.directory / PENDING).exists()


def test_pending_vectors_of_another_space_are_not_used(store):
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", "one"))
        embed(writer)
    with store.write(replace(IDENTITY, space="another")) as writer:
        writer.put(note("a.md", "one"))
        assert [text for _, text in writer.missing_texts()] == ["one"]


@pytest.mark.parametrize("harm", ["cut short", "garbled", "no header"])
def test_a_damaged_pending_file_costs_only_what_is_damaged(store, harm):
    texts = ("one", "two", "three")
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", *texts))
        embed(writer)
    file = store.directory / PENDING
    content = bytearray(file.read_bytes())
    if harm == "cut short":
        content = content[:-7]
    else:
        content[-20 if harm == "garbled" else 3] ^= 0xFF
    file.write_bytes(content)
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", *texts))
        assert embed(writer) == (list(texts) if harm == "no header" else ["three"])
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.nearest(vectors(*texts), 1).scores == pytest.approx(np.ones((3, 1)))


def sizes(store):
    """How many vectors each live file holds, the largest first."""
    with store.read() as snapshot:
        return sorted((segment.vectors for segment in snapshot.segments()), reverse=True)


def test_a_file_is_merged_into_a_new_one_that_is_not_much_smaller(store, monkeypatch):
    monkeypatch.setattr(publishing, "SMALL", 0)
    held = []
    for i in range(5):
        publish(store, note(f"{i}.md", *(f"{i} {j}" for j in range(10))))
        held.append(sizes(store))
    assert held == [[10], [20], [30], [40], [40, 10]]


def test_the_smallest_files_are_merged_when_there_are_too_many(store, monkeypatch):
    monkeypatch.setattr(publishing, "SMALL", 0)
    monkeypatch.setattr(publishing, "GROWTH", 0)
    monkeypatch.setattr(publishing, "MOST_SEGMENTS", 3)
    for i in range(4):
        publish(store, note(f"{i}.md", *(f"{i} {j}" for j in range(10 + i))))
    assert sizes(store) == [23, 12, 11]
    with store.read() as snapshot:
        for i in range(4):
            assert snapshot.nearest(vectors(f"{i} 3"), 1).scores == pytest.approx(1.0)


def test_all_files_are_merged_when_too_much_in_them_is_dead(store, monkeypatch):
    monkeypatch.setattr(publishing, "SMALL", 0)
    for i in range(5):
        publish(store, note(f"{i}.md", *(f"{i} {j}" for j in range(10))))
    with store.write(IDENTITY) as writer:
        for i in range(2):
            writer.remove(f"{i}.md")
        writer.publish()
    assert sizes(store) == [30]
    assert [file.name for file in store.directory.glob("*.faiss")] == ["vectors-6.faiss"]


def test_a_vectors_file_is_a_faiss_index_that_knows_the_texts(store):
    publish(store, *BEFORE)
    index = faiss.read_index(str(store.directory / "vectors-1.faiss"))
    with store.read() as snapshot:
        text_id = snapshot.passages("b.md")[0].text_id
    scores, ids = index.search(vectors("two"), 1)
    assert ids.tolist() == [[text_id]]
    assert scores[0, 0] == pytest.approx(1)


def test_only_the_owner_can_read_an_index_and_git_ignores_it(store):
    publish(store, *BEFORE)
    with store.write(IDENTITY) as writer:
        writer.put(AFTER[0])
        embed(writer)
        files = [file for file in store.directory.iterdir() if file.name != ".gitignore"]
        assert PENDING in {file.name for file in files}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert (store.directory / ".gitignore").read_text() == "*\n"


def test_a_folder_that_is_there_gets_no_gitignore(store):
    store.directory.mkdir()
    publish(store)
    assert not (store.directory / ".gitignore").exists()


def test_a_missing_index_is_told_from_a_damaged_one(store):
    assert not store.exists()
    with pytest.raises(IndexMissing):
        store.read()
    with store.write(IDENTITY):
        pass
    assert not store.exists()
    with pytest.raises(IndexMissing):
        store.read()


def _overwrite(file: Path) -> None:
    file.write_bytes(b"not a database, whatever it is called" * 300)


def _garble_pages(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)


def _replace_by_foreign(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as foreign:
        foreign.execute("CREATE TABLE recipes (name)")
    foreign.close()


@pytest.mark.parametrize("harm", [_overwrite, _garble_pages, _replace_by_foreign])
def test_a_catalog_that_is_not_ours_is_damaged_until_it_is_built_from_nothing(store, harm):
    publish(store, *BEFORE)
    expected = answers(store)
    harm(store.directory / "catalog.sqlite")
    assert store.exists()
    with pytest.raises(IndexDamaged) as caught:
        answers(store)
    assert "recall index --full" in caught.value.hint
    publish(store, *BEFORE, fresh=True)
    assert answers(store) == expected


@pytest.mark.parametrize("harm", ["gone", "cut short", "flipped"])
def test_damaged_vectors_are_noticed_and_healed_by_a_build_from_nothing(store, harm):
    publish(store, *BEFORE)
    expected = {**answers(store), "generation": 2}
    (file,) = store.directory.glob("*.faiss")
    content = bytearray(file.read_bytes())
    content[-9] ^= 0x40
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-1] if harm == "cut short" else content)
    with store.read() as snapshot, pytest.raises(IndexDamaged) as caught:
        snapshot.verify()
    assert "recall index --full" in caught.value.hint
    with store.read() as snapshot, pytest.raises(IndexDamaged):
        snapshot.nearest(vectors("one"), 1)
    with pytest.raises(IndexDamaged):
        publish(store, note("new.md", "new"))
    publish(store, *BEFORE, fresh=True)
    assert answers(store) == expected


def test_an_index_of_another_layout_is_outdated_until_it_is_built_from_nothing(store):
    publish(store, *BEFORE)
    with sqlite3.connect(store.directory / "catalog.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(IndexOutdated):
        store.read()
    with pytest.raises(IndexOutdated):
        store.write(IDENTITY)
    publish(store, *BEFORE, fresh=True)
    assert answers(store)["paths"] == ["a.md", "b.md"]


def test_a_build_that_begins_the_moment_another_is_published_keeps_its_files(store, monkeypatch):
    """The first tidies up while the second has written its vectors, and has not published them."""
    publish(store, *BEFORE)
    written, tidied = threading.Event(), threading.Event()
    second = threading.Thread(target=publish, args=(store, note("c.md", "three")))
    run = Database.run

    def run_in_turns(database, sql, parameters=()):
        if sql == "COMMIT" and threading.current_thread() is second:
            written.set()
            assert tidied.wait(60)
        found = run(database, sql, parameters)
        if sql == "COMMIT" and threading.current_thread() is not second:
            second.start()
            assert written.wait(60)
        return found

    monkeypatch.setattr(Database, "run", run_in_turns)
    publish(store, note("b.md", "four", "both"))
    tidied.set()
    second.join()
    assert answers(store)["paths"] == ["a.md", "b.md", "c.md"]
    assert "three" in answers(store)["nearest"][1]
    with store.write(IDENTITY) as writer:
        assert writer.missing_texts() == []


def test_an_index_is_written_in_the_layout_of_this_version_only(store):
    with pytest.raises(UsageError, match="layout"):
        store.write(replace(IDENTITY, format=FORMAT + 1))


READ = """
import os, sys
from pathlib import Path
import faiss, hashlib, mmap  # what is loaded late must be loaded before nothing may be read
from recall.store import Store
from recall.store.vectors import nearest, segments
if os.geteuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
with Store(Path(sys.argv[1])).read() as snapshot:
    print(snapshot.paths(), len(snapshot.vectors([snapshot.passages("a.md")[0].text_id])))
"""


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
def test_an_index_in_a_folder_that_may_not_be_written_can_be_read():
    folder = Path(tempfile.mkdtemp())
    store = Store(folder / "index")
    try:
        publish(store, *BEFORE)
        folder.chmod(0o755)
        for file in store.directory.iterdir():
            file.chmod(0o444)
        store.directory.chmod(0o555)
        ran = subprocess.run(
            [sys.executable, "-c", READ, str(store.directory)],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        assert ran.stdout == "['a.md', 'b.md'] 1\n", ran.stderr
    finally:
        store.directory.chmod(0o755)
        shutil.rmtree(folder)
