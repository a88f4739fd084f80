"""Every rule, over every note that is about to be published."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from recall.errors import NoteUnreadable
from recall.names import Resolver
from recall.prepublish.edition import CommitEdition, names_by_key
from recall.prepublish.examination import Examination, Vaultwide
from recall.prepublish.link_rules import ambiguous_links, broken_link, broken_links, links_to_drafts
from recall.prepublish.note_rules import missing_sections, near_duplicates, orphans
from recall.prepublish.selection import Selected, Selection, select
from recall.prepublish.silence import Silence, read_silence
from recall.prepublish.suggestion_rules import missing_links, unlinked_mentions
from recall.publishing import CheckedNote, CheckReport, Finding, Rule
from recall.records import dataclass, replace

if TYPE_CHECKING:
    from recall.build import OnProgress
    from recall.domain import ResolvedLink
    from recall.index import Index

CHECKS: Mapping[Rule, Callable[[Examination], Iterator[Finding]]] = {
    Rule.BROKEN_LINK: broken_links,
    Rule.LINK_TO_DRAFT: links_to_drafts,
    Rule.AMBIGUOUS_LINK: ambiguous_links,
    Rule.MISSING_LINK: missing_links,
    Rule.UNLINKED_MENTION: unlinked_mentions,
    Rule.NEAR_DUPLICATE: near_duplicates,
    Rule.ORPHAN: orphans,
    Rule.MISSING_SECTION: missing_sections,
}


def check(
    index: Index, selection: Selection, *, on_progress: OnProgress | None = None
) -> CheckReport:
    """Check notes before they are published; `index.refresh()` first.

    Args:
        index: Of the vault.
        selection: Which notes.
        on_progress: Called with (stage, done, total).

    Raises:
        UsageError: Nothing was selected, or several things.
        NoteNotFound: A name is that of no note.
        GitFailed: git was asked for, and can't answer.
        IndexMissing: Nothing was indexed yet.
        IndexOutdated: The index was made with another model.
    """
    selection.check()
    started = time.perf_counter()
    with index.read() as snapshot:
        selected = select(selection, index, snapshot)
        run = _Run(Vaultwide(index, selected.edition))
        for done, path in enumerate(selected.paths):
            if on_progress is not None:
                on_progress("checking", done, len(selected.paths))
            run.examine(path)
        if isinstance(selected.edition, CommitEdition):
            run.follow_removals(selected, selected.edition)
    return CheckReport(
        notes=tuple(sorted(run.notes, key=lambda note: note.path)),
        silenced=run.silenced,
        warnings=tuple(run.warnings),
        seconds=time.perf_counter() - started,
    )


@dataclass(slots=True)
class _Run:
    """What was found so far."""

    vaultwide: Vaultwide
    notes: list[CheckedNote] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    silenced: int = 0

    def examine(self, path: str) -> None:
        """Put one note to every rule that is on."""
        try:
            exam = Examination(self.vaultwide.edition.manuscript(path), self.vaultwide)
        except NoteUnreadable as error:
            self.warnings.append(f"{path} was not checked: {error.message}")
            return
        publishing = self.vaultwide.publishing
        silence = read_silence(exam.note.text)
        quiet = publishing.silent_for(path) | silence.everywhere
        self.warnings += [f"{path}: {problem}" for problem in silence.problems]
        found: list[Finding] = []
        for rule, find in CHECKS.items():
            if rule in publishing.rules:
                found += find(exam)
        self._keep(exam, found, replace(silence, everywhere=quiet))

    def follow_removals(self, selected: Selected, edition: CommitEdition) -> None:
        """Tell of links in other notes that break because this commit takes their note away."""
        if not edition.removed or Rule.BROKEN_LINK not in self.vaultwide.publishing.rules:
            return
        stranded = _stranded(edition)
        for path in sorted(stranded.keys() - set(selected.paths)):
            exam = Examination(edition.manuscript(path), self.vaultwide)
            silence = read_silence(exam.note.text)
            quiet = self.vaultwide.publishing.silent_for(path) | silence.everywhere
            found = [
                broken_link(link, exam, why=f": this commit takes {gone} away")
                for link, gone in stranded[path]
            ]
            self._keep(exam, found, replace(silence, everywhere=quiet))

    def _keep(self, exam: Examination, found: list[Finding], silence: Silence) -> None:
        heard = [finding for finding in found if not silence.covers(finding)]
        self.silenced += len(found) - len(heard)
        heard.sort(
            key=lambda finding: (finding.line, finding.column, list(Rule).index(finding.rule))
        )
        self.notes.append(
            CheckedNote(exam.note.path, exam.note.title, exam.is_published, tuple(heard))
        )


def _stranded(edition: CommitEdition) -> Mapping[str, list[tuple[ResolvedLink, str]]]:
    """The links of notes that stay to notes that go, by the note they stand in."""
    removed = names_by_key(edition.removed.values())
    before = Resolver(lambda key: tuple(removed.get(key, ())))
    links = list(edition.snapshot.unresolved())
    for path in edition.removed:
        links += edition.snapshot.links_to(path)  # the file may still lie there
    found: dict[str, list[tuple[ResolvedLink, str]]] = {}
    for link in links:
        source = link.source
        if not edition.holds(source) or source in edition.replaced:
            continue
        gone = before.resolve_link(link.link, source=source).path
        if gone is None or gone == source:
            continue
        if edition.resolver.resolve_link(link.link, source=source).path is None:
            found.setdefault(source, []).append((link, gone))
    return found
