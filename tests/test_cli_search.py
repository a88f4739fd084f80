"""`recall search`: what is shown, and how it goes on from there."""

import io
import json
import sys
from pathlib import Path

import pytest
from vaults import ORCHARD

from recall.cli import main
from recall.cli.asking import _shows_hyperlinks
from recall.cli.editor import command_for, editor_of
from recall.domain import Correction, Facet, Hit, HitParts, NoteCard, Passage, SearchResult, Span
from recall.errors import UsageError
from recall.render import hits
from recall.render.as_text import Style

TWIN = str(ORCHARD["bees.md"]).replace("# Bees", "# Bees again")


@pytest.fixture
def vault(settle) -> Path:
    """The orchard and a copy of one note, as the working directory, with the real model."""
    return settle("orchard", {**ORCHARD, "old notes/-twin.md": TWIN})


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["search", *arguments, "--vault", "."]) == 0
    return capsys.readouterr().out


def test_a_search_goes_on_in_pipes_in_the_editor_and_in_json(vault, capsys, monkeypatch):
    # One test, since each command reads the vault anew.
    question = "where does a hive stand near clover"
    shown = ran(capsys, question, "-k", "2")
    assert "Bees" in shown
    assert "much the same: " in shown
    assert len(ran(capsys, question, "-k", "2", "--all").split("much the same")) == 1

    listed = ran(capsys, question, "-k", "2", "--paths").splitlines()
    assert sorted(listed) == ["bees.md", "old notes/-twin.md"]
    assert ran(capsys, question, "-k", "2", "-0").split("\0")[:-1] == listed
    monkeypatch.chdir(vault / "old notes")
    capsys.readouterr()
    assert main(["search", question, "-k", "2", "--paths", "--vault", ".."]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == ["./-twin.md", str(vault / "bees.md")]
    monkeypatch.chdir(vault)

    answer = json.loads(ran(capsys, question, "-k", "2", "--json"))
    assert answer["answered"] is True
    assert [result["similar_to"] for result in answer["results"]] == [None, 1]
    first = answer["results"][0]
    marked = {first["snippet"][start:end] for start, end in first["matches"]}
    assert marked >= {"hive", "clover"}

    told = vault / "told"
    monkeypatch.setenv("VISUAL", "")
    script = f"import sys, json; json.dump(sys.argv[1:], open({str(told)!r}, 'w'))"
    monkeypatch.setenv("EDITOR", f'"{sys.executable}" -c "{script}" +')
    assert ran(capsys, question, "--in", "old notes", "--open") == ""
    assert json.loads(told.read_text()) == ["+", str(vault / "old notes/-twin.md")]

    assert "why: score 0." in ran(capsys, question, "-k", "1", "--explain")


def test_weak_matches_are_shown_when_they_are_asked_for(vault, capsys):
    asked = ("submarine telegraph cable", "-k", "2")
    assert ran(capsys, *asked).endswith("--all shows weak matches.\n")
    shown = ran(capsys, *asked, "--all").splitlines()
    assert shown[0].endswith("The nearest are:")
    assert len(shown) == 1 + 2 * 3
    weak = json.loads(ran(capsys, *asked, "--all", "--json"))
    assert (weak["answered"], len(weak["results"])) == (False, 2)
    assert json.loads(ran(capsys, *asked, "--json"))["results"] == []


def test_a_longer_text_is_read_from_standard_input(vault, capsys, monkeypatch):
    text = "# A draft\n\nWe put a hive beside the clover.\n\nThe ledger shows debit and credit.\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    found = ran(capsys, "-", "-k", "3", "--paths").splitlines()
    assert "ledger.md" in found
    assert "bees.md" in found


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "The text says nothing."), (b"\xff\xfe", "Standard input: not UTF-8")]
)
def test_standard_input_that_is_no_text_is_refused(vault, capsys, monkeypatch, data, said):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["search", "-", "--vault", "."]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim", ["vim", "+7", "/v/-a b.md"]),
        ("/usr/bin/nano -w", ["/usr/bin/nano", "-w", "+7", "/v/-a b.md"]),
        ("code -w", ["code", "-w", "--goto", "/v/-a b.md:7"]),
        ("hx", ["hx", "/v/-a b.md:7"]),
        ("'/my tools/ed'", ["/my tools/ed", "/v/-a b.md"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_way(editor, command):
    found = command_for(editor_of({"EDITOR": editor}), Path("/v/-a b.md"), 7)
    assert found == command


def test_visual_goes_before_editor_and_none_is_an_error_that_says_what_to_do():
    assert editor_of({"VISUAL": "hx", "EDITOR": "vi"}) == ["hx"]
    if sys.platform != "win32":
        with pytest.raises(UsageError) as caught:
            editor_of({"EDITOR": " "})
        assert "export EDITOR" in caught.value.hint
    with pytest.raises(UsageError, match="No closing quotation"):
        editor_of({"EDITOR": 'vi "'})


@pytest.mark.parametrize(
    ("environ", "shows"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"VTE_VERSION": "6003"}, True),
        ({"VTE_VERSION": "4205"}, False),
        ({"KITTY_WINDOW_ID": "1", "TERM": "dumb"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"FORCE_HYPERLINK": "1"}, True),
        ({"FORCE_HYPERLINK": "0", "WT_SESSION": "x"}, False),
    ],
)
def test_links_are_made_only_where_the_terminal_is_known_to_make_them(environ, shows):
    assert _shows_hyperlinks(environ) is shows


def hit(rank: int, path: str, text: str, **more: object) -> Hit:
    passage = Passage(Facet.BODY, "", text, Span(0, 0), 3)
    return Hit(rank, 0.5, NoteCard(path, path), passage, HitParts(), **more)  # type: ignore[arg-type]


def test_a_path_is_a_link_that_no_name_can_break_out_of():
    evil = "a\x1b]8;;http://x\x07 ü%.md"
    result = SearchResult("q", (hit(1, evil, "text"),), 0.1)
    shown = hits.search(result, Style(hyperlinks=True), folder=Path("/v"))
    assert f"\x1b]8;;{(Path('/v') / evil).as_uri()}\x1b\\" in shown
    assert "\x07" not in shown
    assert shown.count("\x1b") == 4


def test_the_answer_says_what_was_searched_instead():
    result = SearchResult(
        "rifusion", (hit(1, "a.md", "Riffusion plays"),), 0.1, ("riffus",),
        corrections=(Correction("rifusion", "riffusion"),),
    )  # fmt: skip
    shown = hits.search(result, Style(colour=True), folder=Path("/v"))
    assert "Searched for 'riffusion' instead of 'rifusion'." in shown
    assert "\x1b[1;33mRiffusion\x1b[0m plays" in shown


def test_of_many_similar_notes_three_are_named():
    found = tuple(hit(rank, f"{rank}.md", "x", similar_to=1 if rank > 1 else None)
                  for rank in range(1, 7))  # fmt: skip
    shown = hits.search(SearchResult("q", found, 0.1), Style(), folder=Path("/v"))
    assert shown.endswith("much the same: 2.md, 3.md, 4.md and 2 more")
    assert shown.count("\n") == 3
