"""What is checked before a note is published: the rules, what they find, what a vault chose.

The nouns of `recall prepublish`, and its table of `recall.toml`. What the rules look at is in
`recall.prepublish`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from recall.errors import SettingsError
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.toml_file import Table

BASELINE = "recall-baseline.json"  # beside `recall.toml`, unless a setting names another file


class Rule(StrEnum):
    """What can be found, by the id that settings, comments and outputs use."""

    BROKEN_LINK = "broken-link"
    LINK_TO_DRAFT = "link-to-draft"
    AMBIGUOUS_LINK = "ambiguous-link"
    MISSING_LINK = "missing-link"
    UNLINKED_MENTION = "unlinked-mention"
    NEAR_DUPLICATE = "near-duplicate"
    ORPHAN = "orphan"
    MISSING_SECTION = "missing-section"


class Severity(StrEnum):
    """How bad a finding is; the words are SARIF's levels. An error is what `broken` means."""

    ERROR = "error"  # readers meet a dead end
    WARNING = "warning"  # the author should look
    NOTE = "note"  # the author may look


class FailOn(StrEnum):
    """Which findings make the command fail."""

    NONE = "none"
    BROKEN = "broken"  # errors
    SUGGESTIONS = "suggestions"  # any finding


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What is said of a rule, and how it stands unless a vault chooses otherwise."""

    severity: Severity
    summary: str
    remedy: str
    is_on: bool = True  # off where fewer than 80 % of its findings were judged right


RULES: Mapping[Rule, RuleInfo] = {
    Rule.BROKEN_LINK: RuleInfo(
        Severity.ERROR, "A link names no note.",
        "Correct the name, write the note, or take the link away.",
    ),
    Rule.LINK_TO_DRAFT: RuleInfo(
        Severity.ERROR, "A published note links a draft.",
        "Publish the draft too, or take the link away.",
    ),
    Rule.AMBIGUOUS_LINK: RuleInfo(
        Severity.WARNING, "A link names several notes.",
        "Write the link so that it names one note.",
    ),
    Rule.MISSING_LINK: RuleInfo(
        Severity.WARNING, "A note that belongs with this one is not linked.",
        "Link it, or pass over it.",
    ),
    Rule.UNLINKED_MENTION: RuleInfo(
        Severity.NOTE, "A note is named without its link.",
        "Turn the name into a link, or pass over it.", is_on=False,
    ),
    Rule.NEAR_DUPLICATE: RuleInfo(
        Severity.WARNING, "Another note says almost the same.",
        "Merge the two, or link them and say how they differ.", is_on=False,
    ),
    Rule.ORPHAN: RuleInfo(
        Severity.NOTE, "No note links this one, and it links none.",
        "Link it from a note that a reader would come from.", is_on=False,
    ),
    Rule.MISSING_SECTION: RuleInfo(
        Severity.NOTE, "A section that the other notes have is missing.",
        "Write it, or leave it out on purpose.", is_on=False,
    ),
}  # fmt: skip

DEFAULT_RULES_ON = frozenset(rule for rule, info in RULES.items() if info.is_on)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a note lacks, and where."""

    rule: Rule
    severity: Severity
    path: str
    line: int  # 1-based
    column: int  # 1-based, in characters
    subject: str  # tells it from other findings of the rule in the note, wherever the line goes
    message: str  # one sentence for the author; what comes from notes is not yet safe to print
    link: str | None = None  # a link to write, `[[…]]`
    target: str | None = None  # path of the note it speaks of
    score: float | None = None  # of a missing link: how likely the author would accept it


@dataclass(frozen=True, slots=True)
class CheckedNote:
    """A note that was looked at, with what was found, by line."""

    path: str
    title: str
    published: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a run of the rules found."""

    notes: tuple[CheckedNote, ...]  # sorted by path
    known: int = 0  # findings that the baseline holds, left out above
    silenced: int = 0  # findings that a comment or a setting silences, left out above
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, by note and line."""
        return tuple(finding for note in self.notes for finding in note.findings)

    def counts(self) -> dict[Rule, int]:
        """How many findings each rule has; rules without any are left out."""
        counted = Counter(finding.rule for finding in self.findings)
        return {rule: counted[rule] for rule in Rule if counted[rule]}

    def fails(self, fail_on: FailOn) -> bool:
        """Whether anything was found that the command is to fail on."""
        if fail_on is FailOn.NONE:
            return False
        return any(
            fail_on is FailOn.SUGGESTIONS or finding.severity is Severity.ERROR
            for finding in self.findings
        )


@dataclass(frozen=True, slots=True)
class Publishing:
    """What a vault chose: which rules, how severe, and which of its notes are published."""

    rules: frozenset[Rule] = DEFAULT_RULES_ON
    severities: Mapping[Rule, Severity] = field(default_factory=dict)  # where not the rule's own
    ignored: tuple[tuple[str, frozenset[Rule]], ...] = ()  # glob of paths → rules that are silent
    fail_on: FailOn = FailOn.NONE
    min_score: float | None = None  # least probability of a missing link; None: by the note's links
    max_links: int = 3  # missing links told for one note, and names without their link
    baseline: Path | None = None  # absolute; None: there is none
    published_key: str | None = None  # a note is published only if this key of it says yes
    published_folders: tuple[str, ...] = ()  # and only in these folders; empty: in all
    draft_folders: tuple[str, ...] = ()  # and in none of these

    def severity_of(self, rule: Rule) -> Severity:
        """How severe the vault takes a rule."""
        return self.severities.get(rule, RULES[rule].severity)

    def silent_for(self, path: str) -> frozenset[Rule]:
        """The rules that say nothing of this note."""
        return frozenset().union(*(rules for glob, rules in self.ignored if _matches(path, glob)))

    def is_public_place(self, path: str) -> bool:
        """Whether notes in this folder are published at all."""
        return (
            not self.published_folders or any(_within(path, at) for at in self.published_folders)
        ) and not any(_within(path, at) for at in self.draft_folders)


NOTHING_CHOSEN = Publishing()


def read_publishing(table: Table) -> Publishing:
    """Read the table `[prepublish]`; the baseline's path is left as it is written.

    Raises:
        SettingsError: A setting is unknown, of the wrong type or not allowed.
    """
    on = _rules(table, "on")
    off = _rules(table, "off")
    severities = table.table("severity")
    ignored = table.table("ignore")
    chosen = Publishing(
        rules=(DEFAULT_RULES_ON | on) - off,
        severities={
            _one(table, Rule, key): _one(severities, Severity, severities.text(key, ""))
            for key in severities.values
        },
        ignored=tuple((glob, _rules(ignored, glob)) for glob in ignored.values),
        fail_on=_one(table, FailOn, table.text("fail_on", FailOn.NONE.value)),
        min_score=table.probability_or_none("min_score"),
        max_links=table.number("max_links", NOTHING_CHOSEN.max_links),
        baseline=Path(table.text("baseline", BASELINE)),
        published_key=table.text_or_none("published_key"),
        published_folders=table.texts("published_folders", ()),
        draft_folders=table.texts("draft_folders", ()),
    )
    table.refuse_unknown()
    return chosen


def rules_named(names: tuple[str, ...]) -> tuple[frozenset[Rule], tuple[str, ...]]:
    """The rules of these names (`all` is every rule), and the names that are none."""
    known = {rule.value: rule for rule in Rule}
    wanted = [name.strip().casefold() for name in names]
    unknown = tuple(name for name in wanted if name not in known and name != "all")
    if "all" in wanted:
        return frozenset(Rule), unknown
    return frozenset(known[name] for name in wanted if name in known), unknown


_Choice = TypeVar("_Choice", bound=StrEnum)


def _rules(table: Table, key: str) -> frozenset[Rule]:
    rules, unknown = rules_named(table.texts(key, ()))
    if unknown:
        raise SettingsError(
            f"{table.file}: {table.full(key)} names a rule {unknown[0]!r}.",
            hint=f"Rules: {', '.join(Rule)}.",
        )
    return rules


def _one(table: Table, kind: type[_Choice], value: str) -> _Choice:
    try:
        return kind(value)
    except ValueError as error:
        raise SettingsError(
            f"{table.file}: [{table.name}] does not know {value!r}.",
            hint=f"Use one of: {', '.join(kind)}.",
        ) from error


def _within(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.strip('/')}/")


def _matches(path: str, glob: str) -> bool:
    """Whether a path falls under a glob; one that ends in `/` names a folder."""
    return _within(path, glob) if glob.endswith("/") else fnmatchcase(path, glob)
