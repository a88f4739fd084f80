"""What an index that a stranger prepared, or a system that says no, can do: an error, no more."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import faiss
import numpy as np
import pytest
from test_store import DIMENSION, IDENTITY, embed, note, publish, vectors
from test_store_publishing import AFTER, BEFORE, answers
from vaults import ORCHARD, index_of, write

from recall.errors import IndexDamaged, IndexUnwritable, NoteUnreadable
from recall.store import Store
from recall.store.seal import SEAL
from recall.store.vectors.pending import FILE as PENDING

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and modes of POSIX")

CATALOG = "catalog.sqlite"
WRITTEN = (
    CATALOG, f"{CATALOG}-wal", f"{CATALOG}-shm", f"{CATALOG}-journal", f"{CATALOG}.damaged",
    PENDING, SEAL, "vectors-1.faiss", "vectors-1.faiss.part", "vectors-2.faiss",
    "vectors-2.faiss.part",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


@contextmanager
def at_once() -> Iterator[None]:
    """Fail, rather than hang, when something is waited for."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "path", ["../x.md", "a/../../x.md", "/etc/x.md", "\0/../../x.md", b"../x.md"]
)
def test_a_catalog_that_names_a_note_outside_of_the_vault_is_refused(store, path):
    publish(store, *BEFORE)
    with closing(sqlite3.connect(store.directory / CATALOG)) as catalog, catalog:
        catalog.execute("UPDATE notes SET path = ? WHERE path = 'a.md'", (path,))
    (store.directory / SEAL).unlink()  # a stranger's index may have one that is right
    with pytest.raises(IndexDamaged, match="outside of the vault"):
        Store(store.directory).read()


def in_its_place(file: Path) -> Path:
    file.unlink(missing_ok=True)
    return file


def craft(store: Store, *statements: str) -> None:
    with closing(sqlite3.connect(store.directory / CATALOG)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def all_of(store: Store) -> object:
    with store.read() as snapshot:
        return snapshot.cards(snapshot.paths()), answers(store)


@pytest.mark.parametrize("there", [True, False], ids=["existing", "dangling"])
@pytest.mark.parametrize("name", WRITTEN)
def test_a_link_in_the_place_of_a_file_is_never_written_through(store, tmp_path, name, there):
    outside = tmp_path / "outside"
    outside.mkdir()
    if there:
        (outside / "precious.txt").write_text("precious" * 1000)
    store.directory.mkdir()
    (store.directory / name).symlink_to(outside / "precious.txt")
    for item in (BEFORE, AFTER):
        publish(store, *item, fresh=True)
    assert answers(store)["paths"] == ["a.md", "c.md"]
    assert [file.read_text() for file in outside.iterdir()] == ["precious" * 1000] * there


@pytest.mark.parametrize("name", [CATALOG, f"{CATALOG}-wal", f"{CATALOG}-shm"])
def test_a_catalog_that_is_a_link_is_damaged_until_it_is_built_from_nothing(store, tmp_path, name):
    publish(store, *BEFORE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    if name == CATALOG:
        (store.directory / name).replace(elsewhere)
    (store.directory / name).unlink(missing_ok=True)
    (store.directory / name).symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    for opened in (store.read, lambda: store.write(IDENTITY)):
        with pytest.raises(IndexDamaged, match="not a regular file"):
            opened()
    publish(store, *AFTER, fresh=True)
    assert answers(store)["paths"] == ["a.md", "c.md"]
    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize("name", [CATALOG, f"{CATALOG}-wal", PENDING, "vectors-1.faiss"])
def test_a_pipe_in_the_place_of_a_file_is_never_waited_for(store, name):
    publish(store, *BEFORE)
    os.mkfifo(in_its_place(store.directory / name))
    with at_once():
        if name == PENDING:
            publish(store, *BEFORE)
        else:
            with pytest.raises(IndexDamaged, match="not a regular file"):
                answers(store)
        publish(store, *AFTER, fresh=True)
        assert answers(store)["paths"] == ["a.md", "c.md"]


def test_a_journal_cannot_have_another_file_deleted(store, tmp_path):
    publish(store, *BEFORE)
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    craft(store, "PRAGMA journal_mode = DELETE")
    content = (store.directory / CATALOG).read_bytes()
    size = struct.unpack(">H", content[16:18])[0]
    page, salt, magic = content[:size], 7, bytes.fromhex("d9d505f920a163d7")
    checksum = (salt + sum(page[place] for place in range(size - 200, 0, -200))) & 0xFFFFFFFF
    header = magic + struct.pack(">IIIII", 1, salt, len(content) // size, 512, size)
    name = os.fsencode(precious)
    (store.directory / f"{CATALOG}-journal").write_bytes(
        header.ljust(512, b"\0") + struct.pack(">I", 1) + page + struct.pack(">I", checksum)
        + struct.pack(">I", 0x40000000 // size + 1) + name
        + struct.pack(">II", len(name), sum(name) & 0xFFFFFFFF) + magic
    )  # fmt: skip
    with pytest.raises(IndexDamaged, match="names a file outside"):
        store.read()
    publish(store, *AFTER, fresh=True)
    assert answers(store)["paths"] == ["a.md", "c.md"]
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notes SET path = '../outside/a.md' WHERE path = 'a.md'",
        "UPDATE notes SET path = 'sub/../../a.md' WHERE path = 'a.md'",
        "UPDATE notes SET path = '/etc/passwd' WHERE path = 'a.md'",
        "UPDATE notes SET path = CAST('/etc/passwd' AS BLOB) WHERE path = 'a.md'",
        "CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM texts; END",
        "CREATE VIEW v AS SELECT 1",
    ],
)
def test_a_crafted_catalog_is_damaged_until_it_is_built_from_nothing(store, statement):
    publish(store, *BEFORE)
    craft(store, statement)
    for opened in (store.read, lambda: store.write(IDENTITY)):
        with pytest.raises(IndexDamaged) as caught:
            opened()
        assert "recall index --full" in caught.value.hint
    publish(store, *AFTER, fresh=True)
    assert answers(store)["paths"] == ["a.md", "c.md"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notes SET card = replace(card, '\"a.md\"', '\"../a.md\"')",
        "UPDATE notes SET card = '{}'",
        "UPDATE notes SET card = 'no JSON'",
        "UPDATE passages SET facet = 'none'",
        "UPDATE segments SET name = '../outside/vectors-1.faiss'",
        "UPDATE segments SET name = 'vectors-1.faiss.part'",
        "UPDATE segments SET bytes = 'many'",
        "UPDATE meta SET value = 'x' WHERE key = 'generation'",
        "UPDATE texts SET text = CAST(x'ff' AS TEXT)",
    ],
)
def test_rows_that_no_build_writes_are_damage_wherever_they_are_met(store, tmp_path, statement):
    publish(store, *BEFORE)
    shutil.copytree(store.directory, tmp_path / "outside")
    craft(store, statement)
    with pytest.raises(IndexDamaged):
        all_of(store)


def test_a_note_outside_of_the_vault_is_not_taken_in(store):
    with store.write(IDENTITY) as writer:
        for path in ("../a.md", "/etc/passwd", "a//b.md"):
            with pytest.raises(NoteUnreadable, match="not a place in the vault"):
                writer.put(note(path, "one"))


@pytest.mark.parametrize("harm", ["gone", "empty", "cut short", "a folder", "a link"])
def test_harm_to_a_vectors_file_is_seen_without_opening_it(store, tmp_path, harm):
    publish(store, *BEFORE)
    with store.read() as snapshot:
        snapshot.check_files()
    file = store.directory / "vectors-1.faiss"
    content = file.read_bytes()
    file.unlink()
    if harm == "empty":
        file.touch()
    elif harm == "cut short":
        file.write_bytes(content[:-1])
    elif harm == "a folder":
        file.mkdir()
    elif harm == "a link":
        (tmp_path / "copy").write_bytes(content)
        file.symlink_to(tmp_path / "copy")
    with store.read() as snapshot:
        with pytest.raises(IndexDamaged) as caught:
            snapshot.check_files()
        assert "recall index --full" in caught.value.hint
        with pytest.raises(IndexDamaged):
            snapshot.nearest(vectors("one"), 1)
    publish(store, *AFTER, fresh=True)
    assert answers(store)["paths"] == ["a.md", "c.md"]


def test_a_reader_whose_vectors_a_later_build_removed_sees_no_harm(store):
    publish(store, *BEFORE)
    with store.read() as snapshot:
        publish(store, *AFTER)
        snapshot.check_files()


@pytest.mark.parametrize("harm", ["gone", "empty"])
def test_an_unchanged_vault_with_a_damaged_index_is_indexed_again(tmp_path, harm):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    expected = [hit.card.path for hit in index.search("grafted trees").hits]
    (file,) = (tmp_path / ".recall").glob("vectors-*")
    file.unlink()
    if harm == "empty":
        file.touch()
    reason = index.status().rebuild
    assert reason is not None
    assert reason.startswith("the old index was damaged")
    assert index.refresh().reason == reason
    assert index.status().rebuild is None
    assert [hit.card.path for hit in index.search("grafted trees").hits] == expected


def _other_kind(file: Path, dimension: int) -> None:
    index = faiss.IndexIDMap(faiss.IndexFlatL2(dimension))
    index.add_with_ids(vectors("one", "two", "both"), np.arange(1, 4))
    faiss.write_index(index, str(file))


def _huge_id(file: Path, dimension: int) -> None:
    index = faiss.IndexIDMap(faiss.IndexFlatIP(dimension))
    index.add_with_ids(vectors("one", "two", "both"), np.array([1, 2, 1 << 61]))
    faiss.write_index(index, str(file))


def _more_rows_than_it_holds(file: Path, dimension: int) -> None:
    content = bytearray(file.read_bytes())
    content[-8 * 4 : -8 * 3] = struct.pack("=Q", 1 << 40)
    file.write_bytes(content)


def _garbled_header(file: Path, dimension: int) -> None:
    content = bytearray(file.read_bytes())
    content[4] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize("harm", [_other_kind, _huge_id, _more_rows_than_it_holds, _garbled_header])
def test_a_vectors_file_that_no_build_writes_is_not_loaded(store, harm):
    publish(store, *BEFORE)
    file = store.directory / "vectors-1.faiss"
    size = file.stat().st_size
    harm(file, DIMENSION)
    assert file.stat().st_size == size
    with store.read() as snapshot, pytest.raises(IndexDamaged) as caught:
        snapshot.nearest(vectors("one"), 1)
    assert "recall index --full" in caught.value.hint


def test_a_folder_in_the_place_of_a_file_is_named(store):
    for name in (PENDING, "vectors-1.faiss.part", "vectors-1.faiss"):
        (store.directory / name).mkdir(parents=True)
        with pytest.raises(IndexUnwritable, match=name):
            publish(store, *BEFORE)
        (store.directory / name).rmdir()
    publish(store, *BEFORE)


def test_only_files_that_a_build_can_have_written_are_ever_removed(store):
    publish(store, *BEFORE)
    mine = {"vectors-mine.faiss", "vectors-01.faiss", "vectors-1.faiss.bak", "vectors-3.faissx"}
    for name in mine:
        (store.directory / name).touch()
    (store.directory / "vectors-77.faiss.part").touch()
    (store.directory / f"{SEAL}.77.part").touch()
    publish(store, *AFTER)
    found = {file.name for file in store.directory.iterdir()}
    assert found == mine | {CATALOG, SEAL, "vectors-2.faiss", ".gitignore"}


AS_ANOTHER = """
import os, sys
from pathlib import Path
import faiss, mmap, numpy
from recall.domain import Identity
from recall.errors import RecallError
from recall.store import FORMAT, Store
from recall.store.vectors import nearest, pending, publishing, segments
if os.geteuid() == 0:  # root may do anything
    os.setgid(65534)
    os.setuid(65534)
store = Store(Path(sys.argv[1]))
def tried(do):
    try:
        with do():
            return "done"
    except RecallError as error:
        assert error.hint
        return error.kind
print(
    store.exists(),
    tried(store.read),
    tried(lambda: store.write(Identity(FORMAT, "s", "r"), wait_seconds=0)),
    tried(lambda: store.write(Identity(FORMAT, "s", "r"), wait_seconds=0, fresh=True)),
)
"""


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "expected"),
    [
        (0o000, 0o444, "True index-unreadable index-unreadable index-unreadable"),
        (0o555, 0o000, "True index-unreadable index-unwritable index-unwritable"),
        (0o555, 0o444, "True done index-unwritable index-unwritable"),
    ],
)
def test_an_index_that_may_not_be_read_or_written_is_told_in_words(
    folder_mode, file_mode, expected
):
    folder = Path(tempfile.mkdtemp())
    store = Store(folder / "index")
    try:
        publish(store, *BEFORE)
        folder.chmod(0o755)
        for file in store.directory.iterdir():
            file.chmod(file_mode)
        store.directory.chmod(folder_mode)
        ran = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER, str(store.directory)],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        assert ran.stdout.strip() == expected, ran.stderr
    finally:
        store.directory.chmod(0o755)
        shutil.rmtree(folder)


def test_vectors_that_may_not_be_kept_are_told_in_words(store):
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", "one"))
        (store.directory / PENDING).mkdir()
        with pytest.raises(IndexUnwritable, match=PENDING):
            embed(writer)
