"""The command line: transcripts, JSON, exit codes."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vaults import ORCHARD, settle, write

from recall.arguments import MOST
from recall.cli import main
from recall.index import Index

ROOT = Path(__file__).parent.parent
RECALL = f"{shlex.quote(sys.executable)} -m recall"
TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.fixture
def vault(settle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The orchard, as the working directory, with the real model prepared."""
    monkeypatch.setenv("COLUMNS", "100")
    return settle("orchard", ORCHARD)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Path:
    """The orchard and a note whose title not every terminal can show, for processes that ask."""
    root = tmp_path_factory.mktemp("indexed") / "orchard"
    write(root, {**ORCHARD, "heather.md": "# Bruyère ☘\n\nHeather honey is dark.\n"})
    (root / ".obsidian").mkdir()
    (root.parent / "cache").mkdir()
    (root.parent / "cache/models").symlink_to(models_dir, target_is_directory=True)
    assert shell("recall index", root).returncode == 0
    return root


@pytest.fixture
def asked(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as the working directory, for commands that write nothing."""
    monkeypatch.setenv("RECALL_CACHE", str(indexed.parent / "cache"))
    monkeypatch.chdir(indexed)
    return indexed


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
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "WHEN", text)
        return re.sub(r"(?m)^  \d{4}-\d\d-\d\d  ", "  DAY  ", text)
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


def test_search_prints_the_contracted_object(asked, capsys):
    code, answer = ran_json(capsys, "search", "trees kept alive for centuries", "-k", "2")
    assert code == 0
    assert answer["schema"] == "recall.search/1"
    first = answer["results"][0]
    assert set(first) >= {"rank", "score", "path", "title", "section", "line", "snippet", "parts"}
    assert (first["rank"], first["path"]) == (1, "apples.md")
    assert set(first["parts"]) >= {"dense", "lexical", "dense_rank", "lexical_rank"}


def test_suggest_links_prints_the_contracted_object(asked, capsys):
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


def test_an_empty_answer_is_an_answer(asked, capsys):
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
    for command in ("index", "search", "suggest-links", "undo", "related", "status"):
        assert command in overview
        assert main([command, "--help"]) == 0
        assert "Example:" in capsys.readouterr().out


def test_version_is_that_of_the_package(vault, capsys):
    from recall import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"recall {__version__}\n"


def shell(command: str, vault: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash, in which `recall` is ours, and give back its output as bytes."""
    cache = {"RECALL_CACHE": str(vault.parent / "cache")}
    return subprocess.run(
        ["bash", "-c", f'recall() {{ {RECALL} "$@"; }}; {command}'],
        capture_output=True, cwd=vault, env={**os.environ, **cache, **environ}, timeout=120,
    )  # fmt: skip


# ---- Wrong usage: the hint is the way out

DASHES = (
    "Put -- before words that begin with a dash, and options before both: "
    'recall search -- "-5 degrees".'
)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["search", "-5 degrees"], "No such option: -5", DASHES),
        (["search", "a", "b"], "Got unexpected extra argument(s) (b)",
         'Put quotes around words that belong together: recall search "two words".'),
        (["related", "a", "b"], "Got unexpected extra argument(s) (b)",
         'Put quotes around words that belong together: recall related "two words".'),
        (["index", "b"], "Got unexpected extra argument(s) (b)", "See recall index --help."),
        (["status", "-5"], "No such option: -5", "See recall status --help."),
        (["search", "a", "--tag"], "Option '--tag' requires an argument.",
         "See recall search --help."),
        (["search"], "The question is empty.", 'Try recall search "audio models".'),
        (["serch"], "No such command 'serch'. Did you mean 'search'?", "See recall --help."),
        (["suggest-links", "a", "--min-score", "nan"],
         "The least score is nan.", "Give a number from 0 to 1."),
        (["search", "a", "--since", ""], "'' is not a date.",
         "A date is written 2024, 2024-05 or 2024-05-31."),
        (["search", "a", "--before", "2023-02-30"], "'2023-02-30' is not a date.",
         "No calendar has that date."),
        (["search", "a", "--only-drafts", "--no-drafts"],
         "Nothing is left with --no-drafts and --only-drafts.", "Give one of the two."),
        (["search", "a", "--tag", "#"], "'#' is not a tag.",
         "Write it as --tag ai, or --tag ai/audio."),
        (["search", "a", "--section", "claims"], "There is no section 'claims'.",
         "Sections: body, claim, question, signals, take, title."),
        (["status", "--vault", ""], "The name of the vault is empty.",
         "Name a folder, or leave it out."),
    ],
)  # fmt: skip
def test_wrong_usage_comes_with_the_way_out(vault, capsys, arguments, message, hint):
    code = main([arguments[0], "--json", *arguments[1:]])
    out, err = capsys.readouterr()
    assert code == 2
    assert json.loads(out)["error"] == {"kind": "usage", "message": message, "hint": hint}
    assert err == f"recall: {message}\n{hint}\n"


@pytest.mark.parametrize("option", ["--version=3", "--nosuch", "-5", "--help=x"])
def test_a_wrong_option_before_the_command_points_at_the_help_for_all(capsys, option):
    assert main([option]) == 2
    assert capsys.readouterr().err.splitlines()[1] == "See recall --help."


def test_a_number_that_is_none_is_wrong_usage(vault, capsys):
    code, answer = ran_json(capsys, "search", "a", "-k", "x")
    assert (code, answer["error"]["hint"]) == (2, "See recall search --help.")
    assert answer["error"]["message"].startswith("Invalid value for '-k'")


def test_words_behind_two_dashes_are_a_question(asked, capsys):
    assert main(["search", "--", "-5 degrees and --json"]) == 0
    assert not capsys.readouterr().out.startswith("{")


@pytest.mark.parametrize("k", ["0", str(MOST + 1), "9" * 20])
@pytest.mark.parametrize("command", ["search", "suggest-links", "related"])
def test_k_is_bounded_and_the_bounds_are_said(vault, capsys, command, k):
    code, answer = ran_json(capsys, command, "bees", "-k", k)
    assert (code, answer["error"]["message"]) == (2, f"k is {k}.")
    assert answer["error"]["hint"] == "Give a whole number from 1 to 10,000."


def test_a_section_may_be_written_in_capitals(asked, capsys):
    plain = ran_json(capsys, "search", "sweeter fruit", "--section", "claim")[1]
    assert [hit["path"] for hit in plain["results"]] == ["apples.md"]
    for written in ("Claim", "CLAIM "):
        answer = ran_json(capsys, "search", "sweeter fruit", "--section", written)[1]
        assert answer["results"] == plain["results"]


def test_a_tag_that_no_note_bears_is_a_warning(asked, capsys):
    asked = ("search", "trees", "--tag", "nosuch")
    assert ran_json(capsys, *asked)[1]["warnings"] == ["no note has the tag nosuch"]
    code, out, err = ran(capsys, *asked)
    assert (code, err) == (0, "recall: no note has the tag nosuch\n")
    assert out == "Nothing in these notes answers 'trees'.\n"


@pytest.mark.parametrize("name", ["", " ", "x" * 300, "a\0b", "[[]]"])
def test_a_name_that_is_no_name_is_an_error_in_plain_words(asked, capsys, name):
    code, answer = ran_json(capsys, "suggest-links", name)
    assert (code, answer["error"]["kind"]) in {(2, "usage"), (1, "note-not-found")}


@pytest.mark.parametrize(
    "arguments",
    [["search", "a\0b"], ["search", "trees", "--tag", "a\0b"],
     ["search", "trees", "--tag", "\udcff"], ["search", "\udcff trees"],
     ["search", "\u2028\x85 trees"]],
)  # fmt: skip
def test_odd_characters_in_an_argument_are_only_characters(asked, capsys, arguments):
    code, answer = ran_json(capsys, *arguments)
    assert (code, answer["schema"]) == (0, "recall.search/1")


def test_a_pasted_wikilink_names_its_note(asked, capsys):
    for name in ("[[bees]]", "[[bees|the hive]]", "bees.md#meadow"):
        assert ran_json(capsys, "suggest-links", name)[1]["notes"][0]["path"] == "bees.md"


# ---- Help


def test_recall_alone_prints_its_help(vault, capsys):
    assert main([]) == 0
    alone = capsys.readouterr()
    main(["--help"])
    assert alone == capsys.readouterr()
    assert alone.out.startswith("Usage: recall")
    assert len(alone.out.splitlines()) > 10


# ---- What nobody foresaw


class Whoops(Index):
    """An index with a fault in it."""

    def status(self):
        raise ValueError("seven is not eight")


@pytest.fixture
def fault(monkeypatch):
    monkeypatch.setattr("recall.index.Index", Whoops)


def test_an_unforeseen_fault_is_an_error_of_its_own_kind(vault, capsys, fault):
    code = main(["status", "--json"])
    out, err = capsys.readouterr()
    message = "recall met something it did not expect: ValueError: seven is not eight"
    assert (code, json.loads(out)["error"]) == (
        1,
        {
            "kind": "internal",
            "message": message,
            "hint": "Run it again with RECALL_TRACEBACK=1 and report what it prints.",
        },
    )
    assert f"recall: {message}" in err
    assert "Traceback" not in out + err


def test_the_traceback_of_a_fault_is_shown_when_asked_for(vault, capsys, fault, monkeypatch):
    monkeypatch.setenv("RECALL_TRACEBACK", "1")
    code, answer = ran_json(capsys, "status")
    assert (code, answer["error"]["kind"]) == (1, "internal")
    main(["status"])
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback (most recent call last)" in err
    assert 'raise ValueError("seven is not eight")' in err


# ---- Streams


@pytest.mark.parametrize("command", ["status", "status --json", "--help", "search trees", "nosuch"])
def test_a_closed_stdout_is_said(vault, command):
    done = shell(f"recall {command} >&-", vault)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "recall: standard output is closed, so there is nowhere to print an answer.",
        "Send it to a file, or to /dev/null.",
    ]


def test_a_closed_stderr_costs_no_answer(vault):
    done = shell("recall search trees --json 2>&- <&-", vault)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["results"]
    assert shell("recall serch 2>&-", vault).returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize(
    "command", ["status", "status --json", "--help", "--version", "search trees"]
)
def test_a_full_disk_is_said(indexed, command):
    done = shell(f"recall {command} >/dev/full", indexed)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-2:] == [
        "recall: can't write: No space left on device.",
        "Make room, or print elsewhere.",
    ]
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [("--help", 0), ("search trees", 0), ("search trees --json", 0), ("serch --json", 2)],
)
def test_a_reader_that_goes_away_is_no_error(indexed, command, code):
    # The reader is gone before anything is printed.
    done = shell(f"(sleep 0.5; recall {command}) | true; exit ${{PIPESTATUS[0]}}", indexed)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def test_a_reader_that_has_read_enough_is_no_error(indexed):
    done = shell("recall search trees | head -n 1; exit ${PIPESTATUS[0]}", indexed)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)


@pytest.mark.parametrize("encoding", ["", "ascii", "latin-1", "utf-16"])
def test_json_is_utf_8_whatever_the_terminal_takes(indexed, encoding):
    done = shell(
        "recall search $'heather honey \\xff \\xc2\\x9b' --json", indexed, PYTHONIOENCODING=encoding
    )
    answer = json.loads(done.stdout.decode("utf-8"))
    assert answer["query"] == "heather honey \udcff \x9b"
    assert answer["results"][0]["title"] == "Bruyère ☘"
    assert b"\xc2\x9b" not in done.stdout
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    ("environ", "title"),
    [({"PYTHONIOENCODING": "ascii"}, b"Bruy\\xe8re \\u2618"),
     ({"PYTHONIOENCODING": "latin-1"}, b"Bruy\xe8re \\u2618"),
     ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, b"Bruy\\xe8re \\u2618"),
     ({"LC_ALL": "C"}, "Bruyère ☘".encode())],
)  # fmt: skip
def test_text_that_a_terminal_can_not_show_is_escaped(indexed, environ, title):
    done = shell("recall search 'heather honey' && recall search $'\\xff'", indexed, **environ)
    assert (done.returncode, done.stdout.split(b"\n")[0]) == (0, b" 1  " + title)
    assert shell("recall search --nosuch-☘", indexed, **environ).returncode == 2


# ---- Ctrl-C


def interrupted(vault: Path, *arguments: str, after: str) -> tuple[int, str, str]:
    """Run recall as a process of its own and press Ctrl-C once a file named `after` is there."""
    running = subprocess.Popen(
        [sys.executable, "-m", "recall", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=vault,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until = time.monotonic() + 60
    while not list(vault.glob(after)):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def many_notes(vault: Path) -> None:
    """Notes enough to be at work for seconds."""
    write(vault, {
        f"many/{number}.md": f"# Note {number}\n\n" + "".join(
            f"Paragraph {number}-{part} on {'honey and clover ' * 20}.\n\n" for part in range(10)
        )
        for number in range(150)
    })  # fmt: skip


def test_a_stopped_build_says_so_and_leaves_the_index_as_it_was(vault, capsys):
    ran(capsys, "index")
    before = ran_json(capsys, "search", "trees", "--no-refresh")[1]["results"]
    many_notes(vault)
    code, out, err = interrupted(vault, "index", after=".recall/catalog.sqlite-*")
    assert (code, out) == (130, "")
    assert err == "recall: stopped; the index is as it was.\n"
    assert ran_json(capsys, "search", "trees", "--no-refresh")[1]["results"] == before


def test_a_stopped_build_is_one_json_object(vault):
    many_notes(vault)
    code, out, err = interrupted(vault, "index", "--json", after=".recall/*")
    message = "stopped; the index is as it was."
    assert code == 130
    assert json.loads(out) == {
        "schema": "recall.error/1",
        "error": {"kind": "stopped", "message": message, "hint": ""},
    }
    assert err == f"recall: {message}\n"


# ---- An index that can't be brought up to date still answers


@pytest.fixture
def busy(vault: Path, capsys):
    """The vault with one note more than its index, which another process is writing."""
    ran(capsys, "index")
    write(vault, {"heather.md": "# Heather\n\nHeather honey is dark.\n"})
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(vault / ".recall")], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    yield vault
    holder.communicate("done\n")


HOLD = """
import sys
from pathlib import Path
from recall.store import Store
store = Store(Path(sys.argv[1]))
with store.read() as snapshot:
    identity = snapshot.identity
with store.write(identity):
    print("held", flush=True)
    sys.stdin.readline()
"""


def check_that_the_old_index_answers(capsys, refusal: str) -> None:
    warning = f"{refusal}. Answering from the index as it was."
    code, out, err = ran(capsys, "search", "grafted trees", "--json")
    assert (code, err) == (0, f"recall: {warning}\n")
    assert json.loads(out)["warnings"] == [warning]
    assert "apples.md" in {hit["path"] for hit in json.loads(out)["results"]}
    note = ran_json(capsys, "suggest-links", "apples.md")[1]["notes"][0]
    assert note["warnings"] == [warning]
    assert note["suggestions"]
    code, out, err = ran(capsys, "related", "apples.md")
    assert (code, err) == (0, f"recall: {warning}\n")
    assert "as it was" not in out


def test_while_another_process_writes_the_old_index_answers(busy, capsys):
    refusal = f"another process is writing the index in {busy / '.recall'}"
    check_that_the_old_index_answers(capsys, refusal)


def test_an_index_that_may_not_be_written_answers(vault, capsys):
    ran(capsys, "index")
    write(vault, {"heather.md": "# Heather\n\nHeather honey is dark.\n"})
    files = [vault / ".recall", *(vault / ".recall").iterdir()]
    for file in files:
        file.chmod(0o500 if file.is_dir() else 0o400)
    try:
        if os.access(vault / ".recall", os.W_OK):
            pytest.skip("root may write everywhere")
        main(["index"])
        refusal = capsys.readouterr().err.splitlines()[0].removeprefix("recall: ").rstrip(".")
        check_that_the_old_index_answers(capsys, refusal)
    finally:
        for file in files:
            file.chmod(0o700)


# ---- What a build reports


def test_a_full_build_reads_its_notes_again_and_adds_none(vault, capsys):
    assert "5 notes indexed: 5 added." in ran(capsys, "index")[1]
    write(vault, {"heather.md": "# Heather\n\nHeather honey is dark.\n"})
    lines = ran(capsys, "index", "--full")[1].splitlines()
    assert lines[:2] == [
        "Everything was done again: asked for with --full.",
        "6 notes indexed, all read again.",
    ]


def test_problems_of_notes_are_told_once_and_then_by_status(vault, capsys):
    write(vault, {"broken.md": "---\ntitle: [a\n---\n# Broken\n\nHeather honey.\n"})
    told = "Indexed, but not all was understood"
    assert told in ran(capsys, "index")[1]
    assert told not in ran(capsys, "index")[1]
    assert told in ran(capsys, "status")[1]
