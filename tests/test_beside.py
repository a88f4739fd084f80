"""The second process that looks for changes: what it finds, and that nothing of it is left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vaults import ORCHARD, write

from recall.index import Index
from recall.settings import Settings

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="there is a second process on Linux only, and where it has a processor of its own",
)

# Asks as a command does, which has loaded neither NumPy nor the model before. Tells whether it was
# found that nothing changed, whether the first process did the loading, and what else came up.
ASK = """
import json, os, signal, sys
from pathlib import Path
from recall.cli.beside import finds_nothing_changed
from recall.index import open_index

vault = Path(sys.argv[1])
index = open_index(vault)
first, loading, told = os.getpid(), [], []

def load():
    loading.append(os.getpid())
    {meanwhile}

{before}
try:
    found = finds_nothing_changed(index, load, learns={learns})
except KeyboardInterrupt:
    found = "stopped"
try:
    told.append(f"left: {{os.waitpid(-1, os.WNOHANG)}}")
except ChildProcessError:
    pass
print(json.dumps([found, loading == [first], *told]))
"""


@pytest.fixture
def vault(tmp_path, models_dir, embedder, monkeypatch):
    """The orchard, indexed with the real model."""
    root = tmp_path / "vault"
    write(root, ORCHARD)
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(models_dir, target_is_directory=True)
    monkeypatch.setenv("RECALL_CACHE", str(cache))
    Index(Settings(notes=root, index=root / ".recall"), embedder=embedder).refresh()
    return root


def python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def ask(vault: Path, *, before: str = "", meanwhile: str = "", learns: bool = True) -> list[object]:
    code = ASK.format(before=before, meanwhile=meanwhile, learns=learns)
    found: list[object] = json.loads(python("-c", code, str(vault)))
    return found


def test_an_unchanged_vault_is_found_unchanged_while_the_first_process_loads(vault):
    assert ask(vault) == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: write(root, {"bees.md": "# Bees\n\nHeather honey sets like jelly.\n"}),
        lambda root: write(root, {"new.md": "# New\n\nA note that was not there before.\n"}),
        lambda root: (root / "bees.md").unlink(),
        lambda root: (root / "bees.md").rename(root / "hives.md"),
    ],
    ids=["edited", "added", "deleted", "renamed"],
)
def test_a_change_is_found(vault, change):
    change(vault)
    assert ask(vault) == [False, True]


def test_what_is_learned_for_suggestions_matters_to_them_alone(vault):
    (vault / ".recall" / "notes.table").write_bytes(b"not what was written there")
    assert ask(vault, learns=True) == [False, True]
    assert ask(vault, learns=False) == [True, True]


@pytest.mark.parametrize(
    "before",
    [
        "(vault / '.recall').rename(vault / '.gone')",
        "(vault / '.recall' / 'catalog.sqlite').write_bytes(b'no catalog' * 100)",
        "vault.rename(vault.with_name('elsewhere'))",
        "os.open = None",
    ],
    ids=["no index", "a damaged index", "no vault", "a failure that nobody thought of"],
)
def test_what_can_not_be_found_out_is_left_to_the_refresh_without_a_word(vault, before):
    assert ask(vault, before=before) == [False, True]


def test_a_second_process_that_is_killed_found_nothing(vault):
    before = "fork = os.fork; os.fork = lambda: loading.append(fork()) or loading[-1]"
    meanwhile = "os.kill(loading[0], signal.SIGKILL); del loading[0]"
    assert ask(vault, before=before, meanwhile=meanwhile) == [False, True]


def test_where_the_ends_of_children_are_ignored_nothing_is_found(vault):
    before = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    assert ask(vault, before=before) == [False, True]


def test_who_stops_the_first_process_stops_it_and_leaves_no_second_one(vault):
    assert ask(vault, meanwhile="raise KeyboardInterrupt") == ["stopped", True]


@pytest.mark.parametrize(
    "before",
    [
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])",
        "import numpy",
        "def no_more(): raise BlockingIOError\nos.fork = no_more",
    ],
    ids=["one processor", "a process that is warm", "no more processes"],
)
def test_where_a_second_process_gains_nothing_or_is_not_to_be_had_there_is_none(vault, before):
    assert ask(vault, before=before) == [False, False]


def test_a_command_answers_from_the_notes_as_they_are_at_that_moment(vault):
    question = ["-m", "recall", "search", "heather honey", "--json", "--vault", str(vault)]
    before = json.loads(python(*question))["results"]
    assert "jelly" not in json.dumps(before)
    write(vault, {"bees.md": "# Bees\n\nHeather honey sets like jelly.\n"})
    best = json.loads(python(*question))["results"][0]
    assert (best["path"], best["snippet"]) == ("bees.md", "Heather honey sets like jelly.")
    assert [file.name for file in (vault / ".recall").glob("catalog.sqlite-*")] == []


LOADED = """
import json, sys
from pathlib import Path
from recall.index import open_index
index = open_index(Path(sys.argv[1]))
{do}
print(json.dumps(["onnxruntime" in sys.modules, "numpy" in sys.modules, "torch" in sys.modules]))
"""


@pytest.mark.parametrize(
    ("do", "loaded"),
    [
        ("index.load_to_search('grafted trees')", [True, True, False]),
        ("index.load_to_search('tag:fruit')", [False, False, False]),
        ("index.load_to_suggest()", [False, True, False]),
        ("assert index.is_up_to_date()", [False, False, False]),
    ],
)
def test_what_is_loaded_ahead_is_what_the_answer_needs(vault, do, loaded):
    assert json.loads(python("-c", LOADED.format(do=do), str(vault))) == loaded


def test_a_model_that_is_not_prepared_is_not_prepared_to_see_whether_anything_changed(
    vault, tmp_path, monkeypatch
):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("RECALL_CACHE", str(tmp_path / "empty"))
    do = "assert not index.is_up_to_date()"
    assert json.loads(python("-c", LOADED.format(do=do), str(vault))) == [False, False, False]
    assert list((tmp_path / "empty").iterdir()) == []
