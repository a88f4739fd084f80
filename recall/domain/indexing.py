"""What a build did, what an index holds, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from recall.records import dataclass

if TYPE_CHECKING:
    from recall.domain.answers import NoteCard, Resolution
    from recall.domain.notes import FileStamp, Link, Passage, Skipped


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did, note by note, and how long it took."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()  # (old path, new path)
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[Skipped, ...] = ()  # indexed, but something in the note was not understood
    notes: int = 0  # in the index now
    passages: int = 0  # in the index now
    embedded: int = 0  # texts that needed the model
    links: int = 0
    unresolved_links: int = 0
    ambiguous_links: int = 0
    seconds: float = 0.0
    reason: str | None = None  # why everything was done again, if it was

    @property
    def changes_anything(self) -> bool:
        """Whether the index differs from before."""
        return bool(self.added or self.changed or self.moved or self.removed or self.reason)


@dataclass(frozen=True, slots=True)
class Identity:
    """What an index was made with. Each difference has one consequence (see `build`)."""

    format: int  # layout of the store: rebuild
    space: str  # fingerprint of the vector space: embed again
    recipe: str  # how notes become passages: split again


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds."""

    notes: int = 0
    passages: int = 0
    texts: int = 0  # distinct passage texts, each embedded once
    links: int = 0
    unresolved_links: int = 0
    ambiguous_links: int = 0


@dataclass(frozen=True, slots=True)
class LearnedFacts:
    """What was learned from the vault as a whole, and from which state of it."""

    layout: int  # of the file it is kept in
    space: str
    born: str  # when the catalog was made
    max_notes_per_text: int
    built: str  # when the state of the index was published that this was learned from
    measured: str  # and the state whose notes were measured with it
    last_text: int  # the highest number that a text had
    links: int  # that were learned from: each pair of notes once
    resolved_links: int  # that the index held: to tell how many are new
    uses_links: bool  # whether they change what is suggested
    # nDCG@10 of some of the author's own links, from notes that were kept out: by the cosine alone,
    # and with what the other links taught. None where there were too few links to tell.
    plain: float | None = None
    adapted: float | None = None
    # How many notes were asked for the links they have, to correct the probabilities, and how many
    # links the vault had then; no notes where there are too few.
    asked: int = 0
    asked_links: int = 0
    shift: float = 0.0  # the correction, in log odds; none if it did not help
    stretch: float = 0.0
    # Expected calibration error of the first ten suggestions for those notes: by what other vaults
    # taught, and by what the other notes among them add.
    error_plain: float | None = None
    error_corrected: float | None = None

    @property
    def corrects_scores(self) -> bool:
        """Whether the vault's own links change how likely suggestions are said to be."""
        return bool(self.shift or self.stretch)


@dataclass(frozen=True, slots=True)
class Status:
    """What is indexed, what is stale, and what was skipped."""

    notes_folder: str
    index_folder: str
    model: str
    indexed: bool
    counts: Counts = field(default_factory=Counts)
    built_at: datetime | None = None  # UTC
    added: tuple[str, ...] = ()  # files that the index does not hold yet
    changed: tuple[str, ...] = ()  # files whose size or times differ
    removed: tuple[str, ...] = ()  # notes whose file is gone
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[Skipped, ...] = ()
    learned: LearnedFacts | None = None
    accepted: int = 0  # suggestions of which the author said so
    dismissed: int = 0
    rebuild: str | None = None  # why the next `recall index` starts from nothing

    @property
    def covered(self) -> tuple[int, int]:
        """How many of the files that look like notes the index holds, and how many there are."""
        held = self.counts.notes - len(self.removed)
        return held, held + len(self.added) + len(self.skipped)


class Health(StrEnum):
    """How a part of an index, or what it stands on, was found."""

    GOOD = "good"
    WARNING = "warning"  # answers are right, but somebody should look
    DAMAGED = "damaged"  # answers are wrong or impossible until something is done


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How one part of an index, or what it stands on, was found."""

    part: str  # what was looked at: `catalog`, `vectors`, `notes`, `model`, …
    health: Health
    message: str
    advice: str = ""  # what to run or do; empty where nothing needs doing


@dataclass(frozen=True, slots=True)
class ResolvedLink:
    """A link together with the note it points at, if any."""

    link: Link
    source: str
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class IndexedNote:
    """Everything the store keeps of one note, apart from vectors."""

    card: NoteCard
    stamp: FileStamp
    passages: Sequence[Passage]
    links: Sequence[Link]
    words: Mapping[str, str]  # lexical column → its terms, separated by blanks
    problems: tuple[str, ...] = ()
