"""What is looked up while a question is embedded: in another thread, never without result."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from standins import WordEmbedder
from vaults import ORCHARD, index_of, write

from recall.errors import RecallError
from recall.index import Index
from recall.processors import processors
from recall.search import evidence
from recall.search.evidence import COLUMN_WEIGHTS, look_up
from recall.search.meanwhile import Doing, Meanwhile
from recall.settings import Settings
from recall.store import Snapshot
from recall.store.database import Database
from recall.store.opening import open_for_reading

SLOW = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"


def begin(meanwhile: Meanwhile, work, break_off=lambda: None) -> AbstractContextManager[Doing]:
    return meanwhile.doing(work, break_off=break_off)


@pytest.fixture
def meanwhile() -> Meanwhile:
    """Give one that was asked once, so that it has a thread from now on."""
    found = Meanwhile()
    with begin(found, threading.get_ident) as done:
        pass
    assert done.result() == threading.get_ident()
    return found


two_processors = pytest.mark.skipif(processors() < 2, reason="takes two processors")


@two_processors
def test_the_second_question_is_looked_up_in_another_thread(meanwhile):
    with begin(meanwhile, threading.get_ident) as done:
        pass
    assert done.result() not in (None, threading.get_ident())


@two_processors
def test_the_work_is_done_beside_the_block(meanwhile):
    begun = threading.Event()

    def work() -> str:
        begun.set()
        return "found"

    with begin(meanwhile, work) as done:
        assert begun.wait(5)
    assert done.result() == "found"


@two_processors
def test_a_block_that_fails_leaves_no_work_running(meanwhile):
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        ended.set()

    def ask() -> None:
        with begin(meanwhile, work):
            assert begun.wait(5)
            raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        ask()
    assert ended.is_set()


@two_processors
def test_what_the_thread_has_no_time_for_is_done_by_who_asks(meanwhile):
    freed = threading.Event()
    with (
        meanwhile.doing(freed.wait, break_off=freed.set),
        begin(meanwhile, threading.get_ident) as done,
    ):
        pass_by = threading.Timer(0.05, freed.set)
        pass_by.start()
    pass_by.join()
    assert done.result() == threading.get_ident()


@two_processors
@pytest.mark.skipif(not hasattr(os, "fork"), reason="takes forked processes")
def test_a_forked_process_has_a_thread_of_its_own(meanwhile):
    with begin(meanwhile, threading.get_ident) as done:
        pass
    assert done.result() != threading.get_ident()
    child = os.fork()
    if not child:
        with begin(meanwhile, threading.get_ident) as done:
            time.sleep(0.2)  # so that the thread comes to it
        os._exit(0 if done.result() not in (None, threading.get_ident()) else 1)
    assert os.waitpid(child, 0)[1] == 0


@two_processors
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="takes a signal after a while")
def test_a_signal_breaks_the_work_off_and_is_not_told_before_it_has_ended(meanwhile):
    stop, ended = threading.Event(), threading.Event()

    def work() -> None:
        assert stop.wait(20)
        time.sleep(0.05)
        ended.set()

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeoutError), begin(meanwhile, work, stop.set):
            pass  # left at once: the signal comes while the work is waited for
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended.is_set()


def test_a_connection_that_is_closed_breaks_off_what_another_thread_reads(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    database = open_for_reading(index.settings.index)
    told: list[BaseException] = []

    def read() -> None:
        try:
            database.rows(SLOW)
        except RecallError as error:
            told.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    time.sleep(0.1)
    with closing(database):
        pass
    reading.join(20)
    assert not reading.is_alive()
    assert "interrupted" in str(told[0])


def test_who_asks_while_the_interpreter_ends_is_answered(tmp_path):
    write(tmp_path, ORCHARD)
    index_of(tmp_path).refresh()
    asking = f"""
import sys, threading, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from vaults import index_of
index = index_of(Path({str(tmp_path)!r}))
for _ in range(2):
    index.search("bees")
def serve():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    time.sleep(0.1)
    print(index.search("bees").hits[0].card.path)
threading.Thread(target=serve).start()
"""
    ran = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("bees.md\n", "")


class Watched(WordEmbedder):
    """Says which thread asked it, and for what."""

    def __init__(self, known: frozenset[str]) -> None:
        super().__init__(known=known)
        self.asked: list[tuple[int, str]] = []

    def embed_queries(self, texts):
        self.asked.append((threading.get_ident(), "embed"))
        return super().embed_queries(texts)

    def count_tokens(self, texts):
        self.asked.append((threading.get_ident(), "count"))
        return super().count_tokens(texts)


@two_processors
def test_words_are_looked_up_in_a_thread_and_the_embedder_is_asked_in_none(tmp_path):
    write(tmp_path, ORCHARD)
    embedder = Watched(frozenset())
    index = Index(Settings(notes=tmp_path, index=tmp_path / ".recall"), embedder=embedder)
    index.refresh()
    embedder.asked.clear()
    threads: list[set[threading.Thread]] = []
    for _ in range(2):
        index.search("grafetd trees")
        threads.append(set(threading.enumerate()))
    (new,) = threads[1] - threads[0]
    assert new.name.startswith("meanwhile")
    here = threading.get_ident()
    first, second = ["count", "embed"], ["embed", "count", "embed"]
    assert embedder.asked == [(here, what) for what in (*first, *second)]


def test_what_was_looked_up_ahead_is_not_read_again(tmp_path, monkeypatch):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    with index.read() as snapshot:
        terms, columns = {"graft": 1.0, "bee": 1.0}, {"title": 1.0, "body": 1.0}
        filters = index.search("bees").filters
        look_up(snapshot, terms, k=3, filters=filters)
        read: list[str] = []
        rows = snapshot.database.rows
        monkeypatch.setattr(
            snapshot.database, "rows", lambda sql, *rest: read.append(sql) or rows(sql, *rest)
        )
        assert snapshot.lexical(terms, 3, filters=filters, columns=COLUMN_WEIGHTS)
        assert not [sql for sql in read if "MATCH" in sql]
        assert snapshot.lexical(terms, 3, columns=columns)  # weighed in another way, it is
        assert [sql for sql in read if "MATCH" in sql]


def test_an_error_is_raised_where_the_result_is_asked_for(meanwhile):
    with begin(meanwhile, lambda: 1 // 0) as done:
        pass
    with pytest.raises(ZeroDivisionError):
        done.result()


@pytest.mark.parametrize("question", ["grafted trees", "Bees", '"the cellar"', "grafetd trees"])
def test_it_makes_no_difference_to_an_answer_who_looks_up_the_words(tmp_path, question):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path, known=frozenset())  # to the model every word is new
    index.refresh()
    alone, beside, again = (index.search(question) for _ in range(3))
    assert alone.hits
    assert alone.hits == beside.hits == again.hits
    assert alone.corrections == beside.corrections


@two_processors
@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("grafted trees", ["nearest", "words"]),
        # What may have been meant is told apart by what is nearest, and then looked for.
        ("grafetd trees", ["nearest", "words", "nearest", "words", "nearest"]),
        ('"the cellar"', ["words"]),  # only the notes that hold it may answer
    ],
)
def test_what_is_nearest_is_looked_for_beside_words_that_take_longer_than_the_model(
    tmp_path, monkeypatch, question, order
):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path, known=frozenset())
    index.refresh()
    alone = index.search(question)
    done: list[str] = []
    rows, nearest, words = Database.rows, Snapshot.nearest, evidence.look_up

    def slow(self, *arguments):
        if threading.current_thread().name.startswith("meanwhile"):
            time.sleep(0.05)
        return rows(self, *arguments)

    def spied(name, act):
        def spy(*arguments, **named):
            found = act(*arguments, **named)
            done.append(name)
            return found

        return spy

    monkeypatch.setattr(Database, "rows", slow)
    monkeypatch.setattr(Snapshot, "nearest", spied("nearest", nearest))
    monkeypatch.setattr(evidence, "look_up", spied("words", words))
    beside = index.search(question)
    assert done == order
    assert beside.hits == alone.hits
    assert beside.hits
