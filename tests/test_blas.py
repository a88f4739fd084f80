"""How many threads NumPy's BLAS has: one while a question is answered, then as many as before."""

import threading

import pytest
from standins import WordEmbedder
from threadpoolctl import ThreadpoolController
from vaults import ORCHARD, write

from recall.blas import VARIABLES, one_thread
from recall.index import Index
from recall.settings import Settings

OPENBLAS = ThreadpoolController().select(internal_api="openblas")

pytestmark = pytest.mark.skipif(not OPENBLAS.info(), reason="NumPy of this system has another BLAS")


def threads() -> int:
    (blas, *_) = OPENBLAS.info()
    return blas["num_threads"]


@pytest.fixture(autouse=True)
def _three(monkeypatch):
    """Have three to begin with, and nothing said by the environment."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with OPENBLAS.limit(limits=3):
        yield


def test_a_block_has_one_thread_and_gives_the_others_back():
    with one_thread():
        assert threads() == 1
    assert threads() == 3


def test_a_block_that_fails_gives_them_back():
    with pytest.raises(ZeroDivisionError), one_thread():
        1 / 0  # noqa: B018
    assert threads() == 3


def test_blocks_may_stand_in_one_another():
    with one_thread():
        with one_thread():
            assert threads() == 1
        assert threads() == 1
    assert threads() == 3


@pytest.mark.parametrize("leaves_first", [True, False])
def test_however_blocks_of_two_threads_overlap_none_is_kept_behind_them(leaves_first):
    is_inside, may_leave = threading.Event(), threading.Event()

    def stay() -> None:
        with one_thread():
            is_inside.set()
            may_leave.wait(5)

    other = threading.Thread(target=stay)
    with one_thread():
        other.start()
        assert is_inside.wait(5)
        assert threads() == 1
        if not leaves_first:
            may_leave.set()
            other.join()
            assert threads() == 1
    may_leave.set()
    other.join()
    assert threads() == 3
    with one_thread():
        assert threads() == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OPENBLAS_NUM_THREADS": "1"}, 3),
        ({"OMP_NUM_THREADS": "1"}, 3),
        ({"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"}, 1),
        ({"OPENBLAS_NUM_THREADS": "2"}, 1),
    ],
)
def test_what_the_environment_set_to_one_is_left_alone(variables, expected, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with one_thread():
        assert threads() == expected


class Counting(WordEmbedder):
    """Notes how many threads there are when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.had: list[int] = []

    def embed_passages(self, texts, *, on_progress=None):
        self.had.append(threads())
        return super().embed_passages(texts, on_progress=on_progress)

    def embed_queries(self, texts):
        self.had.append(threads())
        return super().embed_queries(texts)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda index, _: index.search("apples in winter"), id="search"),
        pytest.param(lambda index, _: index.search_by_text("Apples. Pears."), id="text"),
        pytest.param(lambda index, draft: index.suggest_links(draft), id="suggestions"),
    ],
)
def test_a_question_is_answered_on_one_thread(ask, tmp_path):
    write(tmp_path / "vault", ORCHARD)
    draft = tmp_path / "draft.md"
    draft.write_text("# Cellar\n\nApples keep in a cold cellar over winter.\n")
    embedder = Counting()
    settings = Settings(notes=tmp_path / "vault", index=tmp_path / "index")
    with Index(settings, embedder=embedder) as index:
        index.refresh()
        embedder.had.clear()
        ask(index, draft)
    assert set(embedder.had) == {1}
    assert threads() == 3
