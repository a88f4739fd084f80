"""The seal: what was written is told from what a disk, or another program, made of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from test_store import IDENTITY, note, publish, vectors
from test_store_publishing import AFTER, BEFORE, answers, change

from recall.errors import IndexDamaged
from recall.store import Store
from recall.store.seal import BLOCK, SEAL, blocks_in_log, read_seal, verify, write_seal

CATALOG = "catalog.sqlite"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "index")
    publish(store, *BEFORE)
    time.sleep(0.02)  # so that what is changed now has another time
    return store


def replace_bytes(file: Path, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


def vectors_file(store: Store) -> Path:
    (file,) = store.directory.glob("*.faiss")
    return file


def seals(store: Store) -> bool:
    """Whether the seal vouches for every file, so that a search reads none of them through."""
    seal = read_seal(store.directory)
    files = (store.directory / CATALOG, *store.directory.glob("*.faiss"))
    return seal is not None and all(seal.vouches_for(file) for file in files)


def test_a_word_changed_on_disk_is_noticed_though_sqlite_finds_nothing_wrong(store):
    expected = answers(store)["nearest"]
    replace_bytes(store.directory / CATALOG, b"one", b"ono")
    with closing(sqlite3.connect(f"file:{store.directory / CATALOG}?immutable=1", uri=True)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with pytest.raises(IndexDamaged, match="is not what was written"):
        answers(store)
    with pytest.raises(IndexDamaged, match="is not what was written"):
        store.write(IDENTITY)
    publish(store, *BEFORE, fresh=True)
    assert answers(store)["nearest"] == expected


def test_damage_that_sqlite_can_not_even_put_into_words_is_damage(store):
    replace_bytes(store.directory / CATALOG, b"tablenotesnotes", b"tablen\xfftesn\xfftes")
    replace_bytes(store.directory / CATALOG, b"CREATE TABLE notes", b"CREATE TABXE notes")
    with pytest.raises(IndexDamaged):
        store.read()
    publish(store, *BEFORE, fresh=True)
    assert answers(store)["paths"] == ["a.md", "b.md"]


def test_a_bit_flipped_in_a_vector_is_noticed_by_the_next_search(store):
    content = bytearray(vectors_file(store).read_bytes())
    content[-60] ^= 1
    vectors_file(store).write_bytes(content)
    with store.read() as snapshot, pytest.raises(IndexDamaged, match="is not what was written"):
        snapshot.nearest(vectors("one"), 1)
    with store.read() as snapshot, pytest.raises(IndexDamaged, match="is not what was written"):
        snapshot.check_files()


def test_an_index_that_nobody_touched_is_vouched_for_however_often_it_is_read(store):
    assert seals(store)
    for _ in range(3):
        answers(store)
    assert seals(store)
    change(store)
    answers(store)
    assert seals(store)


def test_a_copied_index_is_compared_once_and_answers(store, tmp_path):
    expected = answers(store)
    copy = Store(tmp_path / "copy")
    shutil.copytree(store.directory, copy.directory)
    assert not seals(copy)
    assert answers(copy) == expected
    assert seals(copy)


@pytest.mark.parametrize("harm", ["gone", "garbled head", "garbled sums", "cut short", "empty"])
def test_without_a_sound_seal_a_sound_index_answers_and_is_sealed_again(store, harm):
    expected = answers(store)
    file = store.directory / SEAL
    content = bytearray(file.read_bytes())
    content[5 if harm == "garbled head" else -2] ^= 0xFF
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes({"cut short": content[:-7], "empty": b""}.get(harm, content))
    (store.directory / CATALOG).touch()
    assert answers(store) == expected
    assert answers(store) == expected
    assert seals(store)


def test_without_a_seal_a_text_that_is_not_its_own_is_still_noticed(store):
    (store.directory / SEAL).unlink()
    replace_bytes(store.directory / CATALOG, b"one", b"ono")
    with pytest.raises(IndexDamaged):
        answers(store)


def test_small_builds_seal_as_a_reading_of_the_whole_catalog_would(store):
    for number in range(12):
        publish(store, note(f"{number}.md", *(f"{number} {i}" for i in range(40))))
    small = (store.directory / SEAL).read_bytes()
    with store.read() as snapshot:
        names = [segment.name for segment in snapshot.segments()]
        write_seal(store.directory, snapshot.generation, names, changed=None)
    assert (store.directory / SEAL).read_bytes() == small
    assert (store.directory / CATALOG).stat().st_size > 10 * BLOCK


def test_a_build_that_was_not_sealed_answers_and_the_next_one_seals(store):
    with store.read():
        change(store)  # not sealed: somebody reads the state before
        assert answers(store)["paths"] == ["a.md", "c.md"]
        assert read_seal(store.directory).generation == 1
        assert blocks_in_log(store.directory)
    assert answers(store)["paths"] == ["a.md", "c.md"]
    publish(store, AFTER[0])
    assert read_seal(store.directory).generation == 3
    assert seals(store)


def test_a_log_that_is_emptied_while_it_is_read_is_read_as_far_as_it_goes(
    store, tmp_path, monkeypatch
):
    with store.read():  # so that the log stays
        change(store)
        shutil.copy(store.directory / f"{CATALOG}-wal", tmp_path)
    log = tmp_path / f"{CATALOG}-wal"
    every, before = blocks_in_log(tmp_path), log.stat()
    assert len(every) > 2
    monkeypatch.setattr(os, "fstat", lambda _: before)  # it is cut after it was looked at
    os.truncate(log, 32 + 2 * (24 + BLOCK) + 10)  # two frames, and a piece of the third
    assert len(blocks_in_log(tmp_path)) == 2


def test_a_vectors_file_that_is_vouched_for_is_read_when_everything_is_to_be(store):
    with store.read() as snapshot:
        segments = snapshot.segments()
    verify(store.directory, segments, whole=True)
    replace_bytes(store.directory / SEAL, b"vectors-1.faiss", b"vectors-9.faiss")
    verify(store.directory, segments)  # a seal of no use: compared whole


# One process holds a connection and reads the catalog's bytes; then another closes its own last
# connection. Had the first lost its lock, the second would take the log away.
READS_BESIDE = """
import sys
from pathlib import Path
from recall.store import Store
store = Store(Path(sys.argv[1]))
store.read().close()
"""


@pytest.mark.skipif(os.name != "posix", reason="what POSIX makes of locks")
def test_reading_the_bytes_of_a_catalog_costs_no_connection_its_locks(store):
    with store.read() as snapshot, store.read() as other:
        os.utime(store.directory / CATALOG)
        store.read().close()  # compares the catalog, block by block
        log = (store.directory / f"{CATALOG}-wal").stat().st_ino
        subprocess.run(
            [sys.executable, "-c", READS_BESIDE, str(store.directory)],
            check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        assert (store.directory / f"{CATALOG}-wal").stat().st_ino == log
        assert snapshot.paths() == other.paths() == ["a.md", "b.md"]
    assert not (store.directory / f"{CATALOG}-wal").exists()


@pytest.mark.skipif(os.name != "posix", reason="what POSIX makes of locks")
def test_asking_whether_there_is_an_index_costs_no_connection_its_locks(store):
    with store.read() as snapshot:
        assert store.exists()
        log = (store.directory / f"{CATALOG}-wal").stat().st_ino
        subprocess.run(
            [sys.executable, "-c", READS_BESIDE, str(store.directory)],
            check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        assert (store.directory / f"{CATALOG}-wal").stat().st_ino == log
        assert snapshot.paths() == ["a.md", "b.md"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors")
def test_no_descriptor_is_left_open(store):
    def open_files() -> set[str]:
        links = Path("/proc/self/fd").iterdir()
        return {str(link.readlink()) for link in links if link.is_symlink()}

    for _ in range(3):
        os.utime(store.directory / CATALOG)
        answers(store)
        change(store)
        publish(store, *BEFORE)
    assert not [name for name in open_files() if str(store.directory) in name]
