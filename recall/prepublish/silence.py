"""Comments and frontmatter of a note that silence a rule.

`<!-- recall: ignore RULE -->` at the end of a line silences the rule in that line, alone on a
line in the next one that says something; `ignore-note` silences it in the whole note, and so does
`recall-ignore:` in the frontmatter. Obsidian's `%% … %%` is understood as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from recall.markdown.frontmatter import frontmatter_words
from recall.patterns import regex
from recall.publishing import Finding, Rule, rules_named
from recall.records import dataclass

KEY = "recall-ignore"
_COMMENT = regex(
    # So few characters hold any list of rules, and a line of openings costs as much as it is long.
    r"(?:<!--|%%)[ \t]{0,9}recall:[ \t]{0,9}(ignore(?:-note)?)\b([^\n]{0,400}?)(?:-->|%%)",
    re.IGNORECASE,
)
_FENCE = regex(r"[ \t>]*(?:[-*+][ \t]+)?(`{3,}|~{3,})")
_NAMES = regex(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Silence:
    """Which rules say nothing, where."""

    everywhere: frozenset[Rule] = frozenset()
    lines: Mapping[int, frozenset[Rule]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()  # in words for the author

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is silenced."""
        return finding.rule in self.everywhere | self.lines.get(finding.line, frozenset())


def read_silence(text: str) -> Silence:
    """Read what a note silences; a comment in a code block is an example, and silences nothing."""
    if "recall" not in text and "RECALL" not in text:
        return Silence()
    everywhere, unknown = rules_named(frontmatter_words(text, KEY))
    problems = [f"{KEY}: there is no rule {name!r}" for name in unknown]
    lines: dict[int, frozenset[Rule]] = {}
    for number, line, following in _prose_lines(text):
        comments = list(_COMMENT.finditer(line))
        is_alone = bool(comments) and not _COMMENT.sub("", line).strip(" \t>-*+")
        for found in comments:
            rules, unknown = rules_named(tuple(_NAMES.findall(found.group(2))) or ("all",))
            problems += [f"line {number}: there is no rule {name!r} to ignore" for name in unknown]
            if found.group(1).lower() == "ignore-note":
                everywhere |= rules
                continue
            at = following if is_alone else number
            lines[at] = lines.get(at, frozenset()) | rules
    return Silence(everywhere, lines, tuple(problems))


def _prose_lines(text: str) -> list[tuple[int, str, int]]:
    """Each line outside of code blocks: its number, itself, the number of the next with text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    following = _next_with_text(lines)
    fence = ""
    kept: list[tuple[int, str, int]] = []
    for number, line in enumerate(lines, start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence) and not line[mark.end() :].strip("`~ \t"):
                fence = ""
        elif mark:
            fence = mark.group(1)
        elif "recall" in line.lower():
            kept.append((number, line, following[number]))
    return kept


def _next_with_text(lines: list[str]) -> list[int]:
    """By the number of a line, that of the next one that says something; itself if none does."""
    found = [*range(len(lines) + 1)]
    later = None
    for number in range(len(lines), 0, -1):
        found[number] = later or number
        if _COMMENT.sub("", lines[number - 1]).strip():
            later = number
    return found
