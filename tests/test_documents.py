"""The documents agree with the program: fields, kinds of errors, commands and options."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from vaults import ORCHARD, index_of, write

from recall import errors
from recall.cli import main
from recall.cli.failures import Internal, NotWritten, Stopped
from recall.domain import Correction
from recall.evaluate import Evaluation, Method, Miss
from recall.evaluate.metrics import Estimate
from recall.index import Index
from recall.prepublish import Selection, check
from recall.render import as_json, diagnosis, dismissals, edits, evaluation, why

ROOT = Path(__file__).parent.parent
JSON = (ROOT / "docs/json.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (
    "index", "search", "suggest-links", "undo", "related", "why", "dismiss", "eval",
    "prepublish", "status",
    "doctor",
)  # fmt: skip
EVIDENCE = "notes[].suggestions[].evidence"

NOTES = ORCHARD | {
    "mentions.md": "# A day outside\n\nGrafting took all morning, then trees. See [[Apples]].\n",
    "broken.md": "---\ntitle: [a\n---\n# Broken\n\nApples and trees [[nowhere]].\n",
    "linked.md": "# Old trees\n\nOld grafted trees need a scion. See [[Apples]] and [[bees]].\n",
    "binary.md": b"\xff\xfe\x00",
}


def documented(schema: str) -> set[str]:
    """The fields that docs/json.md names for an object, as dotted paths."""
    section = next(part for part in JSON.split("\n## ") if schema in part.partition("\n")[0])
    fields: set[str] = set()
    base = ""
    for line in section.splitlines():
        if line.startswith("| Field"):
            base = f"{EVIDENCE}." if "`evidence`" in line else ""
        elif line.startswith("| `"):
            fields |= {base + name for name in re.findall(r"`([^`]+)`", line.split("|")[1])}
    return leaves(fields)


def fields_of(value: object, at: str = "") -> set[str]:
    """The dotted paths of an object's fields."""
    if at in {
        f"{EVIDENCE}.parts",
        "groups",
        "evidence",
        "counts",
    }:  # of names that differ, or told before
        return {at}
    if isinstance(value, dict):
        return set().union(*(fields_of(v, f"{at}.{key}".lstrip(".")) for key, v in value.items()))
    if isinstance(value, list):
        return {f"{at}[]"}.union(*(fields_of(item, f"{at}[]") for item in value))
    return {at}


def leaves(fields: set[str]) -> set[str]:
    """Those paths that don't lead on to another: a null or an empty list names no fields."""
    return {f for f in fields if not any(g.startswith((f"{f}.", f"{f}[")) for g in fields)}


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> dict[str, set[str]]:
    """The fields of every object, over answers in which none of the lists is empty."""
    root = tmp_path_factory.mktemp("vault")
    write(root, NOTES)
    index = index_of(root)
    said = [as_json.status(index.status()), as_json.report(index.refresh())]
    (root / "ledger.md").rename(root / "accounts.md")
    (root / "pears.md").unlink()
    write(root, {"bees.md": "# Bees\n\nA hive of bees.\n", "new.md": "# New\n"})
    said += [as_json.status(index.status()), as_json.report(index.refresh())]
    misspelt = (Correction("graftd", "grafted"),)
    said += [as_json.search(replace(index.search("grafted trees"), corrections=misspelt))]
    found = [index.related(path) for path in ("apples.md", "mentions.md", "linked.md", "new.md")]
    for name in ("suggest-links", "related"):
        said.append(as_json.suggestions(found, schema=f"recall.{name}/1"))
    said.append(diagnosis.as_json(list(index.doctor())))
    said.append(why.as_json(index.why("apples.md", "linked.md"), warnings=[""]))
    said.append(why.as_json(index.why("linked.md", "apples.md"), warnings=[""]))
    done = index.dismiss("apples.md", "bees.md")
    said += [dismissals.as_json(done, done, undone=undone, warnings=[""]) for undone in (0, 1)]
    one = Estimate(0.5, 0.4, 0.6)
    method = Method("recall", 1, one, one, one)
    miss = Miss("a.md", "A", "b.md", "B", 11, None)
    evaluated = Evaluation(2, 1, 2, (method,), one, (miss,), 1, 0.1)
    said.append(evaluation.as_json(evaluated, warnings=[""]))
    said += edits_of(index)
    write(root, {"pub.md": "# Pub\n\nA hive. [[nowhere]] <!-- recall: ignore nothing -->\n"})
    index.refresh()
    said += [as_json.prepublish(check(index, Selection(everything=True)), failed=True)]
    fields: dict[str, set[str]] = {}
    for item in said:
        one = json.loads(as_json.one_line(item))
        fields.setdefault(one.pop("schema"), set()).update(fields_of(one))
    return {schema: leaves(found) for schema, found in fields.items()}


def edits_of(index: Index) -> Iterator[dict[str, object]]:
    """The objects of applying and undoing, with every list filled and an error among them."""
    editor, found = index.editor(), index.suggest_links("linked.md")
    plan = editor.plan(replace(found, warnings=("a warning",)))
    (outcome,) = editor.write([plan.edit])
    again = editor.plan(found)
    changed = replace(outcome, error=errors.NoteChanged("changed", hint="again"))
    yield edits.applied_json([(plan, outcome), (again, changed)], ())
    yield edits.undone_json(editor.undo())


@pytest.mark.parametrize("command", [*COMMANDS, "apply"])
def test_every_field_of_an_object_is_documented_and_no_other(printed, command):
    schema = f"recall.{command}/1"
    assert printed[schema] == documented(schema)


def test_every_kind_of_error_is_documented_with_its_exit_code():
    kinds = {
        cls.kind: cls.exit_code
        for cls in (*vars(errors).values(), Internal, NotWritten, Stopped)
        if isinstance(cls, type) and issubclass(cls, errors.RecallError)
    }
    del kinds[errors.RecallError.kind]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", JSON, flags=re.MULTILINE)
    assert {kind: int(code) for kind, code in rows} == kinds


def options_of(capsys: pytest.CaptureFixture[str], *command: str) -> set[str]:
    """The options that a help page lists; of a switch the side that changes something."""
    assert main([*command, "--help"]) == 0
    page = capsys.readouterr().out
    found = re.findall(r"^  ((?:-[\w-]+)(?:(?:, | / )-[\w-]+)*)", page, flags=re.MULTILINE)
    return {re.split(", | / ", names)[-1] for names in found} - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_in_the_table_of_the_readme(capsys, command):
    row = next(line for line in README.splitlines() if line.startswith(f"| `recall {command}"))
    everywhere = {"--vault", "--json"}
    answering = {"--no-refresh"} if command not in {"index", "undo", "status", "doctor"} else set()
    written = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", row.split("|")[1]))
    assert options_of(capsys, command) == written | everywhere | answering
    for option in everywhere | answering:
        assert f"`{option}" in README


def test_every_command_and_no_other_is_in_the_table_of_the_readme(capsys):
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2]
    commands = re.findall(r"^  ([a-z-]+)  ", listed, flags=re.MULTILINE)
    assert re.findall(r"^\| `recall ([a-z-]+)", README, flags=re.MULTILINE) == commands
    assert commands == list(COMMANDS)


def shown_runs(text: str = README) -> list[tuple[str, str]]:
    """Each command of a document that is shown with what it prints."""
    blocks = re.findall(r"```console\n\$ (recall [^\n]*)\n([^$].*?)\n```", text, re.DOTALL)
    return [(command, printed) for command, printed in blocks if "\n$ " not in printed]


@pytest.fixture(scope="module")
def sample(tmp_path_factory, models_dir):
    """A copy of the sample vault, indexed with the real model."""
    root = tmp_path_factory.mktemp("sample")
    shutil.copytree(ROOT / "notes", root / "notes")
    shutil.copy(ROOT / "recall.toml", root)
    cache = root / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(models_dir, target_is_directory=True)
    return root, cache


def test_the_readme_shows_runs():
    assert [command.split()[1] for command, _ in shown_runs()] == ["search", "suggest-links"]


@pytest.mark.parametrize(("command", "printed"), shown_runs())
def test_what_the_readme_shows_is_what_is_printed(sample, capsys, monkeypatch, command, printed):
    root, cache = sample
    monkeypatch.setenv("RECALL_CACHE", str(cache))
    monkeypatch.chdir(root)
    assert main(shlex.split(command)[1:]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "\n".join(line.rstrip() for line in lines) == printed


def test_what_the_page_on_writing_links_shows_is_what_is_printed(sample, capsys, monkeypatch):
    root, cache = sample
    monkeypatch.setenv("RECALL_CACHE", str(cache))
    monkeypatch.chdir(root)
    before = {file: file.read_bytes() for file in (root / "notes").iterdir()}
    runs = shown_runs((ROOT / "docs/editing.md").read_text(encoding="utf-8"))
    assert [command.split()[1] for command, _ in runs] == ["suggest-links", "suggest-links", "undo"]
    for command, printed in runs:
        assert main(shlex.split(command)[1:]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert timeless("\n".join(line.rstrip() for line in lines)) == timeless(printed)
    assert {file: file.read_bytes() for file in (root / "notes").iterdir()} == before


def timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "WHEN", text)
