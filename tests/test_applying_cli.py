"""`suggest-links --apply` and `undo` on the command line, on a terminal and without one."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vaults import ORCHARD, settle, write

from recall.cli import main

APPLES = str(ORCHARD["apples.md"])


@pytest.fixture
def vault(settle) -> Path:
    """The orchard, as the working directory, with the real model prepared."""
    return settle("orchard", ORCHARD)


def ran_json(capsys, *arguments: str) -> tuple[int, dict]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_diff_is_what_apply_then_writes_and_undo_takes_back(vault, capsys):
    asked = ("suggest-links", "apples.md", "--min-score", "0.2")
    code, shown = ran_json(capsys, *asked, "--diff")
    (note,) = shown["notes"]
    assert (code, shown["written"], note["written"]) == (0, False, False)
    assert (vault / "apples.md").read_text() == APPLES
    code, done = ran_json(capsys, *asked, "--apply", "--yes")
    assert (code, done["written"], done["notes"][0]["diff"]) == (0, True, note["diff"])
    assert done["notes"][0]["added"][0]["link"] == "[[grafting]]"
    assert (vault / "apples.md").read_text() == APPLES + "- [[grafting]]\n"
    code, undone = ran_json(capsys, "undo")
    assert (code, undone["notes"][0]["state"]) == (0, "restored")
    assert (vault / "apples.md").read_text() == APPLES


def test_a_diff_that_is_no_terminals_is_taken_by_git(vault, capsysbinary):
    (vault / "apples.md").write_bytes(APPLES.replace("\n", "\r\n").encode())
    settle(vault)
    assert main(["suggest-links", "apples.md", "--diff", "-k", "1"]) == 0
    diff = capsysbinary.readouterr().out
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=diff, check=True)
    expected = f"{APPLES}- [[grafting]]\n".replace("\n", "\r\n").encode()
    assert (vault / "apples.md").read_bytes() == expected


def test_a_note_that_can_not_be_written_is_said_and_the_others_are(vault, capsys):
    (vault / "bees.md").chmod(0o444)
    code, done = ran_json(
        capsys,
        "suggest-links",
        "apples",
        "bees",
        "apples.md",
        "--apply",
        "--yes",
        "--min-score",
        "0",
    )
    assert code == 1
    assert [(note["path"], note["written"]) for note in done["notes"]] == [
        ("apples.md", True),
        ("bees.md", False),
    ]
    assert done["notes"][1]["error"]["kind"] == "note-unwritable"
    assert (vault / "bees.md").read_text() == ORCHARD["bees.md"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--apply"], "--apply asks about each link, and there is no terminal to ask on."),
        (["--apply", "--yes"], "--yes writes without a question, so it needs a least score."),
        (["--yes"], "--yes goes with --apply."),
        (["--mentions"], "--mentions goes with --apply."),
    ],
)
def test_flags_that_leave_something_open_are_refused(vault, capsys, flags, message):
    assert main(["suggest-links", "apples.md", *flags]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"recall: {message}"
    assert (vault / "apples.md").read_text() == APPLES


def test_questions_and_json_do_not_go_together(vault, capsys):
    code, answer = ran_json(capsys, "suggest-links", "apples.md", "--apply")
    assert (code, answer["error"]["kind"]) == (2, "usage")


# ---- On a terminal


def on_terminal(vault: Path, *arguments: str, keys: str) -> tuple[int, str]:
    """Run recall on a terminal of its own and press keys, each once it is asked for one."""
    main_end, its_end = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "recall", *arguments],
        stdin=its_end, stdout=its_end, stderr=its_end, cwd=vault, close_fds=True,
        env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"}, start_new_session=True,
    )  # fmt: skip
    os.close(its_end)
    said, waiting, asked = "", list(keys), 0
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if select.select([main_end], [], [], 0.05)[0]:
            try:
                data = os.read(main_end, 65_536)
            except OSError:  # what a terminal gives whose other end is closed
                break
            said += data.decode()
        if waiting and said.count("[q]uit") > asked:
            asked += 1
            time.sleep(0.2)  # a key that comes before the terminal is raw would be echoed
            os.write(main_end, waiting.pop(0).encode())
    os.close(main_end)
    return running.wait(timeout=60), said.replace("\r\n", "\n")


def test_on_a_terminal_each_suggestion_is_asked_about(vault, capsys):
    assert main(["index"]) == 0
    code, said = on_terminal(
        vault, "suggest-links", "apples.md", "bees.md", "--apply", "-k", "2", keys="xeydq"
    )
    assert code == 0, said
    assert said.count("write this link?  [y]es  [n]o  [d]ismiss for good  [e]xplain  [q]uit") == 5
    assert re.search(r"here   line 9, claim: +Grafted trees bear sweeter fruit", said)
    assert said.count("parts") == 1
    assert "\n+- [[grafting]]\n" in said
    assert said.endswith("1 link written into 1 note. recall undo takes it back.\n")
    assert (vault / "apples.md").read_text() == APPLES + "- [[grafting]]\n"
    assert (vault / "bees.md").read_text() == ORCHARD["bees.md"]
    capsys.readouterr()
    assert len(ran_json(capsys, "dismiss", "--list")[1]["dismissed"]) == 1
    assert '"accepted"' in (vault / ".recall/feedback.jsonl").read_text()
    assert ran_json(capsys, "undo")[1]["notes"][0]["withdrawn"] == ["grafting.md"]
    assert '"accepted"' not in (vault / ".recall/feedback.jsonl").read_text()


@pytest.mark.parametrize(("key", "code", "end"), [
    ("\x04", 0, "Nothing was written."),
    ("\x03", 130, "recall: stopped; of this note nothing was written."),
])  # fmt: skip
def test_the_end_of_input_quits_and_ctrl_c_stops(vault, capsys, key, code, end):
    assert main(["index"]) == 0
    done, said = on_terminal(vault, "suggest-links", "apples.md", "--apply", keys=f"y{key}")
    assert done == code
    if key == "\x03":
        assert said.rstrip().endswith(end)
        assert (vault / "apples.md").read_text() == APPLES
    else:
        assert (vault / "apples.md").read_text() == APPLES + "- [[grafting]]\n"


def test_a_hostile_note_can_not_steer_the_terminal(vault, capsys):
    write(vault, {"evil.md": "# Evil\n\nGrafted \x1b[2Jtrees bear fruit.\n"})
    assert main(["index"]) == 0
    _, said = on_terminal(vault, "suggest-links", "evil.md", "--diff", "-k", "1", keys="")
    assert "\x1b" not in said
    assert "+- [[" in said
