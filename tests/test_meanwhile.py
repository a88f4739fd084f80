"""What is looked up while a question is embedded: in another thread, never without result."""

import os
import threading
import time

import pytest
from vaults import ORCHARD, index_of, write

from recall.search.meanwhile import Meanwhile, processors


@pytest.fixture
def meanwhile() -> Meanwhile:
    """Give one that was asked once, so that it has a thread from now on."""
    found = Meanwhile()
    with found.doing(threading.get_ident) as done:
        pass
    assert done() == threading.get_ident()
    return found


two_processors = pytest.mark.skipif(processors() < 2, reason="takes two processors")


@two_processors
def test_the_second_question_is_looked_up_in_another_thread(meanwhile):
    with meanwhile.doing(threading.get_ident) as done:
        pass
    assert done() not in (None, threading.get_ident())


@two_processors
def test_the_work_is_done_beside_the_block(meanwhile):
    begun = threading.Event()

    def work() -> str:
        begun.set()
        return "found"

    with meanwhile.doing(work) as done:
        assert begun.wait(5)
    assert done() == "found"


@two_processors
def test_a_block_that_fails_leaves_no_work_running(meanwhile):
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        ended.set()

    def ask() -> None:
        with meanwhile.doing(work):
            assert begun.wait(5)
            raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        ask()
    assert ended.is_set()


@two_processors
def test_what_the_thread_has_no_time_for_is_done_by_who_asks(meanwhile):
    freed = threading.Event()
    with meanwhile.doing(freed.wait), meanwhile.doing(threading.get_ident) as done:
        pass_by = threading.Timer(0.05, freed.set)
        pass_by.start()
    pass_by.join()
    assert done() == threading.get_ident()


@two_processors
@pytest.mark.skipif(not hasattr(os, "fork"), reason="takes forked processes")
def test_a_forked_process_does_the_work_itself(meanwhile):
    with meanwhile.doing(lambda: "begun") as done:
        pass
    assert done() == "begun"
    child = os.fork()
    if not child:
        with meanwhile.doing(lambda: "found") as done:
            pass
        os._exit(0 if done() == "found" else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_error_is_raised_where_the_result_is_asked_for(meanwhile):
    with meanwhile.doing(lambda: 1 // 0) as done:
        pass
    with pytest.raises(ZeroDivisionError):
        done()


@pytest.mark.parametrize("question", ["grafted trees", "Bees", '"the cellar"', "grafetd trees"])
def test_it_makes_no_difference_to_an_answer_who_looks_up_the_words(tmp_path, question):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path, known=frozenset())  # to the model every word is new
    index.refresh()
    alone, beside, again = (index.search(question) for _ in range(3))
    assert alone.hits
    assert alone.hits == beside.hits == again.hits
    assert alone.corrections == beside.corrections
