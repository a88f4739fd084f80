"""One note on the table: what the rules may ask about it, worked out when it is first asked."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from recall.domain import ResolvedLink
from recall.passages import Lines
from recall.publishing import Finding, Rule

if TYPE_CHECKING:
    from recall.domain import Facet, NoteCard, Suggestion
    from recall.index import Index
    from recall.links import Source
    from recall.prepublish.edition import Edition, Manuscript
    from recall.prepublish.habits import Habits
    from recall.prepublish.likely import Likely

# Least probability, of a note without links and of one with two or more: its author has linked what
# came first to mind. The second are what the same scores are worth there (docs/decisions/0022).
LEAST_OF_MENTION = (0.35, 0.07)  # below it a name is mostly used in another sense
LEAST_OF_LINK = (0.55, 0.15)
LEAST_WORDS = 30  # a shorter note is like others by chance
MOST_SUGGESTED = 20


def at_least(unlinked: float, linked: float, *, links: int) -> float:
    """Between two probabilities, by how many links a note has: as the scores are calibrated."""
    from recall.links.calibration import LINKED  # late: not every rule needs vectors

    share = min(links / LINKED, 1.0)
    low, high = (chance / (1 - chance) for chance in (linked, unlinked))
    odds: float = high * (low / high) ** share
    return odds / (1 + odds)


class Vaultwide:
    """What is the same for every note of a run, worked out once."""

    def __init__(self, index: Index, edition: Edition) -> None:
        self.index = index
        self.edition = edition
        self.settings = index.settings
        self.publishing = index.settings.publishing

    @cached_property
    def likely(self) -> Likely:
        """Which name was meant by one that is none."""
        from recall.prepublish.likely import Likely

        edition = self.edition
        names = (
            (key, path)
            for key, path in edition.snapshot.written_names()
            if path not in edition.replaced
        )
        return Likely([*names, *edition.replaced_names()])

    @cached_property
    def habits(self) -> Habits:
        """Which sections the notes of a folder have."""
        from recall.prepublish.habits import Habits

        return Habits(self.edition.snapshot.facets())


class Examination:
    """One note of an edition."""

    def __init__(self, manuscript: Manuscript, vaultwide: Vaultwide) -> None:
        self.manuscript = manuscript
        self.note = manuscript.note
        self.vaultwide = vaultwide
        self.edition = vaultwide.edition
        self.lines = Lines(self.note.text)

    @property
    def is_published(self) -> bool:
        """Whether readers will get this note."""
        return self.edition.is_published(self.note.path)

    @cached_property
    def links(self) -> tuple[ResolvedLink, ...]:
        """The note's links, and what they mean in this edition."""
        path, resolver = self.note.path, self.edition.resolver
        return tuple(
            ResolvedLink(link, path, resolver.resolve_link(link, source=path))
            for link in self.note.links
        )

    @cached_property
    def source(self) -> Source:
        """The note with its vectors: the index's own where it holds this very text."""
        from recall.links import indexed_source

        snapshot, settings = self.edition.snapshot, self.vaultwide.settings
        if self.manuscript.is_indexed:
            return indexed_source(
                self.note.path, snapshot, max_notes_per_text=settings.max_notes_per_text
            )
        return self.vaultwide.index.embedded(self.note, snapshot, resolver=self.edition.resolver)

    @cached_property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """The notes that it could link, best first."""
        return self.vaultwide.index.suggestions_for(
            self.source,
            self.edition.snapshot,
            k=MOST_SUGGESTED,
            min_score=min(self.least_of_mention, self.least_of_link),
            is_there=self.edition.holds,
        )

    @cached_property
    def least_of_mention(self) -> float:
        """The least probability of a note that is named without its link."""
        return at_least(*LEAST_OF_MENTION, links=len(self.source.linked))

    @cached_property
    def least_of_link(self) -> float:
        """The least probability of a missing link."""
        chosen = self.vaultwide.publishing.min_score
        if chosen is not None:
            return chosen
        return at_least(*LEAST_OF_LINK, links=len(self.source.linked))

    @cached_property
    def facets(self) -> frozenset[Facet]:
        """What its sections are for; empty sections count for nothing."""
        return frozenset(
            section.facet for section in self.note.sections if section.facet and section.blocks
        )

    def card(self, path: str) -> NoteCard | None:
        """What is known of another note."""
        return self.edition.card(path)

    def written(self, link: ResolvedLink) -> str:
        """A link as it stands in the note, on one line."""
        span = link.link.span
        return shortened(self.note.text[span.start : span.end])

    def finding(
        self,
        rule: Rule,
        message: str,
        *,
        offset: int | None = None,
        line: int = 1,
        subject: str = "",
        link: str | None = None,
        target: str | None = None,
        score: float | None = None,
    ) -> Finding:
        """A finding about this note, at an offset into its text or at the start of a line."""
        return Finding(
            rule=rule,
            severity=self.vaultwide.publishing.severity_of(rule),
            path=self.note.path,
            line=line if offset is None else self.lines.line_at(offset),
            column=1 if offset is None else self.lines.column_at(offset),
            subject=subject,
            message=message,
            link=link,
            target=target,
            score=score,
        )


def shortened(text: str, most: int = 80) -> str:
    """A text on one line, cut at a word."""
    folded = " ".join(text.split())
    if len(folded) <= most:
        return folded
    return f"{folded[: max(folded.rfind(' ', 0, most), most // 2)]} …"
