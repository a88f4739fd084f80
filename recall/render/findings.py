"""What was found in notes → lines for the terminal, GitHub annotations, Markdown for a comment.

Titles and texts of notes are data: each format takes from them whatever it would act on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from recall.patterns import regex
from recall.publishing import RULES, CheckReport, Finding, Severity
from recall.render.as_text import Style, visible

if TYPE_CHECKING:
    from recall.publishing import CheckedNote

Place = Callable[[str], str]  # a note's path → as it is shown

_GITHUB_COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}
# All that Markdown, HTML or GitHub (`@name`, `#12`) would act on.
_MARKDOWN = regex(r"[\\`*_{}\[\]<>()#+!|~$&@:^=]")
_MARKER = "<!-- recall prepublish -->"  # by which a bot finds its comment again


def text(report: CheckReport, style: Style, place: Place) -> str:
    """One line a finding, `PATH:LINE` first, and what it comes to."""
    lines = [_text_line(finding, style, place) for finding in report.findings]
    return "\n".join([*lines, _summary(report)])


def _text_line(finding: Finding, style: Style, place: Place) -> str:
    where = visible(f"{place(finding.path)}:{finding.line}")
    return f"{style.bold(where)}: {finding.severity}: {visible(finding.message)} " + style.dim(
        f"[{finding.rule}]"
    )


def _summary(report: CheckReport) -> str:
    found, checked = len(report.findings), len(report.notes)
    if not checked:
        return "No notes to check."
    with_findings = sum(bool(note.findings) for note in report.notes)
    checked_text = _count(checked, "note") + " checked"
    hidden = [
        f"{count:,} {word}"
        for count, word in ((report.known, "in the baseline"), (report.silenced, "silenced"))
        if count
    ]
    aside = f" ({', '.join(hidden)})" if hidden else ""
    if not found:
        return f"{checked_text}: nothing found{aside}."
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    parts = [_count(errors, "error")] if errors else []
    parts += [_count(found - errors, "suggestion")] if found - errors else []
    return f"{checked_text}: {', '.join(parts)} in {_count(with_findings, 'note')}{aside}."


def github(report: CheckReport, place: Place) -> str:
    """One workflow command a finding, as GitHub Actions shows beside the lines of a file."""
    return "\n".join(_github_line(finding, place) for finding in report.findings)


def _github_line(finding: Finding, place: Place) -> str:
    about = {
        "file": place(finding.path),
        "line": str(finding.line),
        "col": str(finding.column),
        "title": f"recall {finding.rule}",
    }
    said = ",".join(f"{key}={_github_property(value)}" for key, value in about.items())
    return f"::{_GITHUB_COMMANDS[finding.severity]} {said}::{_github_data(finding.message)}"


def _github_data(value: str) -> str:
    """Escape a message as the runner reads it back (actions/toolkit, `command.ts`)."""
    escaped = value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(escaped)


def _github_property(value: str) -> str:
    return _github_data(value).replace(":", "%3A").replace(",", "%2C")


def markdown(report: CheckReport, place: Place) -> str:
    """A comment for a pull request: one table a note."""
    blocks = [f"{_MARKER}\n### Before publishing\n\n{_summary(report)}"]
    blocks += [_markdown_note(note, place) for note in report.notes if note.findings]
    rules = [rule for rule in RULES if rule in report.counts()]
    if rules:
        said = "\n".join(
            f"- `{rule}`: {RULES[rule].summary} {RULES[rule].remedy}" for rule in rules
        )
        blocks.append(f"<details><summary>What the rules mean</summary>\n\n{said}\n\n</details>")
    return "\n\n".join(blocks)


def _markdown_note(note: CheckedNote, place: Place) -> str:
    rows = [
        f"| {finding.line} | {finding.severity} | {_plain(finding.message)} | `{finding.rule}` |"
        for finding in note.findings
    ]
    head = f"**{_plain(note.title)}** {_plain(place(note.path))}"
    return "\n".join([head, "", "| Line | | | Rule |", "|--:|---|---|---|", *rows])


def _plain(value: str) -> str:
    """A text that Markdown shows as it is: every sign that could mean something as an entity."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found.group())};", visible(value))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
