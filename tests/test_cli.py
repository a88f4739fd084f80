"""The command line: transcripts, JSON, exit codes."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from vaults import ORCHARD, settle, write

from recall.cli import main

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.fixture
def vault(tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The orchard, as the working directory, with the real model prepared."""
    root = tmp_path / "orchard"
    write(root, ORCHARD)
    (root / ".obsidian").mkdir()
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(models_dir, target_is_directory=True)
    monkeypatch.setenv("RECALL_CACHE", str(cache))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(root)
    return root


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments, "--vault", "."])
    out, err = capsys.readouterr()
    return code, out, err


def ran_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code, out, _ = ran(capsys, *arguments, "--json")
    assert out.count("\n") == 1
    return code, json.loads(out)


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: file.stem)
def test_transcript(file, vault, capsys):
    expected = file.read_text(encoding="utf-8")
    said = []
    for line in expected.splitlines():
        if line.startswith("$ "):
            said.append(line)
            said.append(perform(line.removeprefix("$ "), vault, capsys))
    assert "\n".join(filter(None, said)) == expected.rstrip("\n")


def perform(command: str, vault: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Do one line of a transcript and give back what it prints, times and places made general."""
    words = shlex.split(command)
    if words[0] == "recall":
        code = main(words[1:])
        out, err = capsys.readouterr()
        lines = (err + out).rstrip("\n").splitlines()
        lines += [f"[exit {code}]"] if code else []
        text = "\n".join(line.rstrip() for line in lines)
        text = text.replace(str(vault), "VAULT")
        text = re.sub(r"\d+\.\d s(, [\d,]+ notes/s)?(, [\d,]+ passages/s)?\.", "SECONDS.", text)
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "WHEN", text)
    if words[0] == "rm":
        (vault / words[1]).unlink()
    elif words[0] == "mv":
        (vault / words[1]).rename(vault / words[2])
    elif words[0] == "echo":
        with (vault / words[3]).open("a", encoding="utf-8") as stream:
            stream.write(words[1] + "\n")
    else:
        raise AssertionError(f"unknown command in a transcript: {command}")
    settle(vault)
    return ""


def test_search_prints_the_contracted_object(vault, capsys):
    code, answer = ran_json(capsys, "search", "grafted trees", "-k", "2")
    assert code == 0
    assert answer["schema"] == "recall.search/1"
    first = answer["results"][0]
    assert set(first) >= {"rank", "score", "path", "title", "section", "line", "snippet", "parts"}
    assert (first["rank"], first["path"]) == (1, "apples.md")
    assert set(first["parts"]) >= {"dense", "lexical", "dense_rank", "lexical_rank"}


def test_suggest_links_prints_the_contracted_object(vault, capsys):
    code, answer = ran_json(capsys, "suggest-links", "apples.md")
    assert (code, answer["schema"]) == (0, "recall.suggest-links/1")
    first = answer["notes"][0]["suggestions"][0]
    assert (first["path"], first["link"]) == ("grafting.md", "[[grafting]]")
    assert set(first["evidence"]) == {
        "here", "there", "shared_words", "mention", "common_neighbours", "parts",
    }  # fmt: skip
    assert set(first["evidence"]["here"]) == {"section", "line", "text"}


def test_index_and_status_print_objects(vault, capsys):
    assert ran_json(capsys, "index")[1]["added"] == sorted(ORCHARD)
    status = ran_json(capsys, "status")[1]
    assert (status["schema"], status["notes"], status["added"]) == ("recall.status/1", 5, [])


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["suggest-links", "nobody"], 1, "note-not-found"),
        (["search", ""], 2, "usage"),
        (["search", "x", "--section", "nowhere"], 2, "usage"),
        (["search", "x", "--since", "yesterday"], 2, "usage"),
        (["search", "x", "-k", "0"], 2, "usage"),
        (["search"], 2, "usage"),
        (["serch", "x"], 2, "usage"),
        (["index", "--vault", "nowhere"], 1, "vault-not-found"),
    ],
)
def test_a_failure_is_one_json_object_with_its_exit_code(vault, capsys, arguments, code, kind):
    exit_code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (exit_code, answer["schema"]) == (code, "recall.error/1")
    assert answer["error"]["kind"] == kind
    assert answer["error"]["message"]
    assert answer["error"]["hint"]
    assert f"recall: {answer['error']['message']}" in err


def test_an_empty_answer_is_an_answer(vault, capsys):
    code, answer = ran_json(capsys, "search", "submarine telegraph cable")
    assert (code, answer["results"]) == (0, [])


def test_the_index_is_built_at_first_use_and_that_is_said(vault, capsys):
    code, _, err = ran(capsys, "search", "bees")
    assert (code, err.splitlines()[0]) == (0, "Nothing is indexed yet: building the index first.")


def test_no_refresh_answers_from_the_index_as_it_is(vault, capsys):
    ran(capsys, "index")
    write(vault, {"new.md": "# Heather honey\n\nDark and strong.\n"})
    _, stale = ran_json(capsys, "search", "heather honey", "--no-refresh")
    _, fresh = ran_json(capsys, "search", "heather honey")
    assert [hit["path"] for hit in stale["results"]][:1] != ["new.md"]
    assert fresh["results"][0]["path"] == "new.md"


def test_a_search_writes_no_note(vault, capsys):
    before = {file: file.read_bytes() for file in vault.glob("*.md")}
    for command in (["index"], ["search", "bees"], ["suggest-links", "apples"], ["status"]):
        ran(capsys, *command)
    assert {file: file.read_bytes() for file in vault.glob("*.md")} == before


def test_a_hostile_title_does_not_reach_the_terminal(vault, capsys):
    write(vault, {"evil.md": '---\ntitle: "\\e[2J\\e]0;owned\\a quiet"\n---\nHeather honey.\n'})
    for command in (["search", "heather honey"], ["suggest-links", "evil.md"], ["status"]):
        _, out, err = ran(capsys, *command)
        assert "\x1b" not in out + err
        assert "\a" not in out + err


def test_help_teaches_every_command(vault, capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    for command in ("index", "search", "suggest-links", "related", "status"):
        assert command in overview
        assert main([command, "--help"]) == 0
        assert "Example:" in capsys.readouterr().out


def test_version_is_that_of_the_package(vault, capsys):
    from recall import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"recall {__version__}\n"


def test_a_reader_that_goes_away_is_no_error(vault):
    import subprocess
    import sys

    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m recall search trees --vault . | head -n 1",
        shell=True, capture_output=True, text=True, cwd=vault, env=dict(os.environ),
    )  # fmt: skip
    assert "Traceback" not in done.stderr
