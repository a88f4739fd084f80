"""What a command loads before it answers: read from `sys.modules` of a real process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vaults import ORCHARD, write

from recall.cli.commands import app

HEAVY = {"numpy", "faiss", "onnxruntime", "tokenizers", "torch"}
PARSER = {"typer", "click", "pydantic", "rich"}
TORCH = {"torch", "transformers", "sentence_transformers"}
# Each takes as long to load as comparing a question with thousands of notes.
NEEDLESS = {
    "difflib", "hashlib", "numpy.ma", "platformdirs", "random", "shutil", "tempfile", "zipfile",
}  # fmt: skip

PROBE = """
import json, sys
from recall.cli import main
code = main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


WATCH = """
import json, os, sys
told = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # by two processes
def note(event, arguments):
    if event in ("open", "sqlite3.connect"):
        line = json.dumps([os.getpid() == first, event, str(arguments[0])])
        os.write(told, (line + "\\n").encode())
first = os.getpid()
from recall.cli import main
sys.addaudithook(note)
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> tuple[Path, Path]:
    """An indexed vault, and the cache with the prepared model."""
    root = tmp_path_factory.mktemp("vault")
    write(root, ORCHARD)
    cache = models_dir.parent / "cache"
    cache.mkdir(exist_ok=True)
    if not (cache / "models").exists():
        (cache / "models").symlink_to(models_dir, target_is_directory=True)
    loaded(root, cache, "index")
    return root, cache


def loaded(root: Path, cache: Path, *arguments: str) -> set[str]:
    """The modules that a command has loaded when it is done."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments, "--vault", str(root)]
        if not arguments[0].startswith("--")
        else [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "RECALL_CACHE": str(cache)},
        check=True,
    )
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


def watched(root: Path, cache: Path, *arguments: str) -> list[tuple[bool, str, str]]:
    """What a command opens in and below the vault: (by its first process, audit event, path)."""
    told = cache / "told"
    told.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-c", WATCH, str(told), *arguments, "--vault", str(root)],
        capture_output=True,
        env={**os.environ, "RECALL_CACHE": str(cache)},
        check=True,
    )
    seen = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    return [(by_first, event, path) for by_first, event, path in seen if str(root) in path]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["status"]])
def test_help_version_and_status_load_nothing_heavy(vault, arguments):
    assert loaded(*vault, *arguments) & HEAVY == set()


def test_help_loads_neither_the_store_nor_the_parser_of_notes(vault):
    found = loaded(*vault, "--help")
    assert found & {"yaml", "frontmatter", "sqlite3"} == set()
    assert found & {"recall.domain", "recall.names", "recall.render"} == set()


def test_an_index_without_changes_loads_nothing_heavy(vault):
    assert loaded(*vault, "index") & (HEAVY | PARSER) == set()


def test_a_search_loads_the_light_runtime_and_nothing_else_that_is_slow(vault):
    found = loaded(*vault, "search", "grafted trees")
    assert found & (TORCH | PARSER | NEEDLESS | {"faiss", "yaml", "onnx"}) == set()
    assert "onnxruntime" in found


def test_a_search_without_a_look_at_the_files_loads_no_part_that_writes_or_suggests(vault):
    found = loaded(*vault, "search", "grafted trees", "--no-refresh")
    assert found & NEEDLESS == set()
    ours = {name for name in found if name.startswith("recall.")}
    assert ours & {"recall.links", "recall.markdown", "recall.edit", "recall.applying"} == set()


def test_suggestions_read_the_table_that_is_kept_in_a_process_of_their_own(vault):
    root, cache = vault
    loaded(root, cache, "index")
    seen = watched(root, cache, "suggest-links", "apples.md")
    assert [path for _, event, path in seen if event == "open" and path.endswith("/notes.table")]


def test_suggestions_for_an_indexed_note_load_no_model(vault):
    found = loaded(*vault, "suggest-links", "apples.md")
    assert found & (TORCH | PARSER | {"onnxruntime", "tokenizers", "faiss", "yaml"}) == set()
    assert found & NEEDLESS == set()


def test_a_check_of_an_indexed_note_loads_no_model_and_no_process(vault):
    found = loaded(*vault, "prepublish", "apples.md")
    slow = {"onnxruntime", "tokenizers", "faiss", "subprocess"}
    assert found & (TORCH | PARSER | slow) == set()


def test_an_answer_from_an_unchanged_vault_opens_no_note_and_lists_the_folder_once(vault):
    root, cache = vault
    seen = watched(root, cache, "search", "grafted trees", "--json")
    assert [path for _, event, path in seen if event == "open" and path.endswith(".md")] == []
    assert [path for _, _, path in seen].count(str(root)) == 1  # it has no other folder


def test_the_first_process_of_an_answer_opens_the_catalog_once_and_so_does_the_second(vault):
    seen = watched(*vault, "search", "grafted trees", "--json")
    opened = [by_first for by_first, event, _ in seen if event == "sqlite3.connect"]
    has_second = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    assert (opened.count(True), opened.count(False)) == (1, int(has_second))


def test_suggestions_look_for_changes_in_a_second_process_too(vault):
    seen = watched(*vault, "suggest-links", "apples.md", "--json")
    has_second = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    assert any(not by_first for by_first, _, _ in seen) == has_second


def test_an_edited_note_is_embedded_without_torch(vault):
    root, cache = vault
    write(root, {"bees.md": "# Bees\n\nA new sentence on heather honey.\n"})
    assert loaded(root, cache, "index") & (TORCH | {"numpy.ma"}) == set()


@pytest.mark.parametrize("arguments", [["search", "grafted trees"], ["suggest-links", "apples.md"]])
def test_a_command_that_has_answered_ends_at_once_and_leaves_nothing_open(vault, arguments):
    root, cache = vault
    loaded(root, cache, "index")
    code = "import atexit; from recall.cli import main; atexit.register(print, 'later'); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--vault", str(root), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "RECALL_CACHE": str(cache)},
        check=True,
    )
    assert json.loads(done.stdout)["schema"] == f"recall.{arguments[0]}/1"  # and no word after it
    assert [file.name for file in (root / ".recall").glob("catalog.sqlite-*")] == []


def test_a_command_that_a_profiler_watches_ends_as_python_does(vault):
    root, cache = vault
    watch = "import atexit, sys; from recall.cli import main; sys.setprofile(lambda *_: None)"
    done = subprocess.run(
        [sys.executable, "-c", f"{watch}; atexit.register(print, 'later'); main()",
         "search", "grafted trees", "--vault", str(root), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "RECALL_CACHE": str(cache)},
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "later"


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, recall, recall.domain; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & (HEAVY | {"typer", "yaml"}) == set()


def test_no_command_has_annotations_that_would_be_compiled_before_help_is_printed():
    commands = {item.callback.__name__: item.callback for item in app.registered_commands}
    strings = {
        name
        for name, function in commands.items()
        if any(isinstance(kind, str) for kind in function.__annotations__.values())
    }
    assert "search_command" in commands
    assert strings == set()
