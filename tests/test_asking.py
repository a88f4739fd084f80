"""Questions one after the other in one process: what each pays for, and what it may rely on."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_store import IDENTITY, note, publish
from vaults import ORCHARD, index_of, write

from recall.errors import IndexDamaged
from recall.index import Index
from recall.store import Store

QUESTIONS = ("grafted trees", "honey of bees", "why apples brown", "trees")
MOST_STATEMENTS = 20  # of a question of two words that was not asked before
MOST_OF_SUGGESTIONS = 40  # beside what is asked of each term
LOG = ("catalog.sqlite-wal", "catalog.sqlite-shm")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "index")
    publish(store, note("a.md", "one", "both"), note("b.md", "two", "both"))
    return store


@contextmanager
def told(index: Index) -> Iterator[list[str]]:
    """The statements that the kept connection runs; those that FTS5 runs itself left out."""
    said: list[str] = []

    def tell(statement: str) -> None:
        if not statement.startswith("--"):
            said.append(statement)

    with index._store.asking() as snapshot:
        connection = snapshot.database._connection
    connection.set_trace_callback(tell)
    yield said
    connection.set_trace_callback(None)


def indexed(folder: Path, notes: dict[str, str | bytes]) -> Index:
    write(folder, notes)
    index = index_of(folder)
    index.refresh()
    return index


def crowded(folder: Path, copies: int) -> Index:
    """The orchard, and so many more notes about the same things."""
    more = {
        f"more/{name[:-3]} {at}.md": f"{text}\nNumber {at} of its kind.\n"
        for at in range(copies)
        for name, text in ORCHARD.items()
    }
    return indexed(folder, {**ORCHARD, **more})


def test_a_question_runs_few_statements_however_many_notes_there_are(tmp_path):
    counts = []
    for copies in (0, 30):
        index = crowded(tmp_path / str(copies), copies)
        index.search("apples")
        with told(index) as said:
            index.search("grafted trees")
        counts.append(len(said))
    assert counts[0] <= counts[1] <= counts[0] + 1 <= MOST_STATEMENTS  # ties cost one more


def test_suggestions_run_few_statements_however_many_notes_there_are(tmp_path):
    counts = []
    for copies in (2, 30):
        index = crowded(tmp_path / str(copies), copies)
        index.suggest_links("apples.md", k=5)
        with told(index) as said:
            index.suggest_links("grafting.md", k=5)
        # BM25 is asked once for each telling term; the links of notes that name the source
        counts.append(len([one for one in said if "bm25" not in one and "l.heading" not in one]))
    assert max(counts) <= MOST_OF_SUGGESTIONS


def test_of_many_notes_that_words_speak_for_alike_the_first_by_path_are_given(store):
    notes = [f"{(at * 7) % 601:03d}.md" for at in range(601)]
    publish(store, *(note(path, "same") for path in notes), note("z.md", "same same"))
    with store.read() as snapshot:
        every = snapshot.lexical(["same"], 1000)
        few = snapshot.lexical(["same"], 5, exclude=["001.md"], also=["600.md"])
    assert [path for path, _ in every] == ["z.md", *sorted(notes)]
    assert few == [*[item for item in every if item[0] != "001.md"][:5], every[-1]]


def test_two_questions_open_the_index_once(store):
    with store.asking() as first:
        assert first.paths() == ["a.md", "b.md"]
    with store.asking() as second:
        assert second is first
        assert second.paths() == ["a.md", "b.md"]


def test_questions_asked_at_once_get_a_connection_each(store):
    with store.asking() as first, store.asking() as second:
        assert first is not second
        assert first.paths() == second.paths()


def test_what_is_asked_twice_is_answered_alike(tmp_path):
    index = indexed(tmp_path, ORCHARD)
    fresh = [index_of(tmp_path).search(question).hits for question in QUESTIONS]
    assert [index.search(question).hits for question in QUESTIONS] == fresh
    assert [index.search(question).hits for question in reversed(QUESTIONS)] == fresh[::-1]


def test_the_next_question_sees_what_was_published_meanwhile(store):
    with store.asking() as snapshot:
        assert snapshot.lexical(["two"], 5)
    publish(Store(store.directory), note("b.md", "three"))
    with store.asking() as snapshot:
        assert not snapshot.lexical(["two"], 5)
        assert [path for path, _ in snapshot.lexical(["three"], 5)] == ["b.md"]


def test_the_next_question_sees_what_is_in_the_log_only(store):
    """A build whose log could not be copied into the catalog, as somebody read the state before."""
    with Store(store.directory).read():
        with store.asking() as snapshot:
            assert snapshot.generation == 1
        publish(Store(store.directory), note("c.md", "three"))
        with store.asking() as snapshot:
            assert snapshot.paths() == ["a.md", "b.md", "c.md"]


def test_no_build_waits_for_the_next_question(store):
    with store.asking() as snapshot:
        assert snapshot.generation == 1
    with Store(store.directory).write(IDENTITY, wait_seconds=0.0) as writer:
        writer.remove("a.md")
        writer.publish()
    assert not (store.directory / LOG[0]).stat().st_size  # copied into the catalog, whole
    with store.asking() as snapshot:
        assert snapshot.paths() == ["b.md"]


def test_an_index_that_was_moved_away_is_not_asked(store, tmp_path):
    with store.asking() as snapshot:
        assert snapshot.generation == 1
    store.directory.rename(tmp_path / "before")
    publish(Store(store.directory), note("z.md", "last"))
    with store.asking() as snapshot:
        assert snapshot.paths() == ["z.md"]


@pytest.mark.parametrize("name", ["catalog.sqlite", "vectors-1.faiss"])
def test_a_file_that_is_damaged_between_two_questions_is_noticed(store, name):
    with store.asking() as snapshot:
        snapshot.vectors([1])
    file = store.directory / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(IndexDamaged), store.asking() as snapshot:
        snapshot.vectors([1])


def test_a_question_that_fails_leaves_nothing_open(store):
    with pytest.raises(ZeroDivisionError), store.asking():
        raise ZeroDivisionError
    assert not any((store.directory / name).exists() for name in LOG)


def test_a_store_that_is_dropped_leaves_no_log_behind(store):
    asked = Store(store.directory)
    with asked.asking() as snapshot:
        assert (store.directory / LOG[0]).exists()
    del asked, snapshot
    assert not any((store.directory / name).exists() for name in LOG)


def test_an_index_that_is_dropped_is_gone_at_once_whatever_it_was_asked(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    index.search("grafted trees")
    index.suggest_links("apples.md")
    index.why("apples.md", "bees.md")
    index.dismiss("apples.md", "bees.md")
    index.status()
    dropped = weakref.ref(index)
    gc.disable()  # nothing may wait for it: files would stay open for as long
    try:
        del index
        assert dropped() is None
    finally:
        gc.enable()
    assert not [name for name in LOG if (tmp_path / ".recall" / name).exists()]


def test_a_process_that_asked_leaves_no_log_behind(tmp_path):
    indexed(tmp_path, {"a.md": "# A\n\nOne.\n"})
    code = (
        "import sys; from pathlib import Path; from recall.store import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "with store.asking() as snapshot: print(snapshot.paths())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / ".recall")],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert ran.stdout == "['a.md']\n"
    assert not any((tmp_path / ".recall" / name).exists() for name in LOG)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that share what is open")
def test_a_forked_process_opens_the_index_for_itself(store):
    with store.asking() as mine:
        pass
    child = os.fork()
    if not child:
        with store.asking() as its:
            os._exit(int(its is mine))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists its open files")
def test_a_closed_index_holds_no_file_open_and_answers_the_next_question(tmp_path):
    write(tmp_path, ORCHARD)
    with index_of(tmp_path) as index:
        index.refresh()
        before = index.search("grafted trees").hits
        assert _open_files(index.settings.index)
    assert _open_files(index.settings.index) == []
    assert index.search("grafted trees").hits == before
    index.close()
    assert _open_files(index.settings.index) == []


def _open_files(folder: Path) -> list[str]:
    links = list(Path("/proc/self/fd").iterdir())  # one is of the listing itself, and gone now
    found = [str(link.readlink()) for link in links if link.is_symlink()]
    return [file for file in found if file.startswith(str(folder))]
