"""What is asked of an index, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from recall.records import dataclass

if TYPE_CHECKING:
    from recall.domain.notes import Facet, Passage


class NameKind(StrEnum):
    """What a name of a note is, in the order in which names win."""

    NOTE_ID = "note_id"
    PATH = "path"
    PATH_TAIL = "path_tail"
    STEM = "stem"
    TITLE = "title"
    ALIAS = "alias"
    HEADING = "heading"


@dataclass(frozen=True, slots=True)
class Name:
    """One name under which a note can be linked."""

    kind: NameKind
    path: str  # of the note that bears it


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a link target means: the best note, and every note it could have meant."""

    path: str | None = None
    kind: NameKind | None = None  # the kind of name that matched
    candidates: tuple[str, ...] = ()  # equally named notes, best first; two or more: ambiguous

    @property
    def is_ambiguous(self) -> bool:
        """Whether the target names several notes equally well."""
        return len(self.candidates) > 1


@dataclass(frozen=True, slots=True)
class Filters:
    """Which notes and passages may answer. Empty means all."""

    facets: frozenset[Facet] = frozenset()
    tags: tuple[str, ...] = ()  # all of them; `ai` matches `ai/audio` too
    since: date | None = None  # by `updated`, else `created`
    until: date | None = None  # by `created`, else `updated`
    folder: str | None = None
    drafts: bool = True
    only_drafts: bool = False


@dataclass(frozen=True, slots=True)
class NoteCard:
    """What the index knows of a note besides its passages."""

    path: str
    title: str
    note_id: str | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    description: str | None = None
    first_heading: str | None = None
    created: date | None = None
    updated: date | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class HitParts:
    """What a hit's score was made of; None where a list did not hold the note."""

    dense: float | None = None  # cosine of the best passage
    lexical: float | None = None  # BM25
    whole: float | None = None  # cosine of the mean of the note's passages
    share: float = 0.0  # of the question's words that the note holds, weighed by rarity
    dense_rank: int | None = None
    lexical_rank: int | None = None
    name: NameKind | None = None  # the question is exactly this name of the note


@dataclass(frozen=True, slots=True)
class Hit:
    """A note that answers a question, with the passage that answers best."""

    rank: int
    score: float
    card: NoteCard
    passage: Passage
    parts: HitParts = field(default_factory=HitParts)
    similar_to: int | None = None  # rank of a better hit whose passage says almost the same


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the question that no note holds, and the word that was searched instead."""

    asked: str
    searched: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits for one question, best first, and how it went."""

    query: str
    hits: tuple[Hit, ...]
    seconds: float
    terms: tuple[str, ...] = ()  # the question's words as the index knows them
    corrections: tuple[Correction, ...] = ()
    answered: bool = True  # whether the best hit is near enough to be an answer at all
    held_back: int = 0  # weak matches that are not among the hits, since none of them answers
    filters: Filters = field(default_factory=Filters)  # those of the question among them
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a note is named without being linked."""

    text: str
    line: int
    where: str  # "here": the source names the target; "there": the target names the source


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why two notes belong together. All of it can be looked up in the notes."""

    here: Passage  # in the source note
    there: Passage  # in the target note
    shared_words: tuple[str, ...] = ()  # rarest first, as written in the source
    mention: Mention | None = None
    common_neighbours: tuple[str, ...] = ()  # titles of notes that both are linked with
    parts: Mapping[str, float] = field(default_factory=dict)  # signal name → value


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A note that the source should perhaps link."""

    rank: int
    score: float  # an estimate of the probability that the author would link it
    card: NoteCard
    link: str  # a wikilink that means just this note, `[[…]]`
    evidence: Evidence
    worth: float = 1.0  # an estimate of the probability that a careful reader finds it worth a link
    weak: bool = False  # it more likely is not: shown to people only if they ask for all
    linked: bool = False  # already linked; only `related` shows those
    dismissed: bool = False  # by the author, for this source; only `related` shows those
    near_duplicate: bool = False  # the two say nearly the same: one to merge rather than to link
    written_as: str = ""  # the link as `--apply` would write it: `[Title](../note.md)`, say


@dataclass(frozen=True, slots=True)
class NoteSuggestions:
    """The suggestions for one note, best first."""

    path: str
    title: str
    suggestions: tuple[Suggestion, ...]
    seconds: float
    warnings: tuple[str, ...] = ()


class Verdict(StrEnum):
    """What the author said of a suggestion."""

    DISMISSED = "dismissed"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on one note as a suggestion for another, by the names that they have now."""

    verdict: Verdict
    path: str  # of the note that got the suggestion; of a file outside the vault, the whole path
    title: str
    target_path: str  # of the note that was suggested
    target_title: str
    day: date
    is_gone: bool = False  # one of the two is in the index no more
