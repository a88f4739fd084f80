"""The nouns: frozen dataclasses that every other module speaks in.

Offsets are character offsets (not bytes) into `Note.text`, half-open. Paths are POSIX and
relative to the folder that holds the notes. Scores are higher-is-better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from recall.records import dataclass


class Facet(StrEnum):
    """What a piece of a note is for. A note without marked facets is all `BODY`."""

    TITLE = "title"
    CLAIM = "claim"
    SIGNALS = "signals"
    TAKE = "take"
    QUESTION = "question"
    BODY = "body"


class BlockKind(StrEnum):
    """The shape of a block of prose: it decides how passages may be cut and joined."""

    PARAGRAPH = "paragraph"
    ITEM = "item"
    QUOTE = "quote"
    TABLE = "table"


class LinkPlace(StrEnum):
    """Where in the note a link stands."""

    BODY = "body"
    RELATED = "related"
    FRONTMATTER = "frontmatter"
    EMBED = "embed"


class LinkSyntax(StrEnum):
    """How a link is written: `[[a]]`, `[b](a.md)`, or a definition `[b]: a.md`."""

    WIKI = "wiki"
    MARKDOWN = "markdown"
    DEFINITION = "definition"


# A link to a file of these kinds shows the file; it does not point at a note.
ATTACHMENT_EXTENSIONS = frozenset({
    "3gp", "7z", "aac", "aiff", "avi", "avif", "base", "bmp", "canvas", "csv", "doc", "docx",
    "epub", "flac", "gif", "gz", "heic", "ico", "jpeg", "jpg", "m4a", "m4v", "mkv", "mov", "mp3",
    "mp4", "mpg", "odp", "ods", "odt", "ogg", "ogv", "opus", "otf", "pdf", "png", "ppt", "pptx",
    "rar", "svg", "tar", "tif", "tiff", "tsv", "ttf", "wav", "webm", "webp", "woff", "woff2",
    "xls", "xlsx", "zip",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeadingRules:
    """Which headings and callout titles mean what, compared case-folded and without punctuation.

    A heading or callout belongs to the first facet that lists it. `furniture` sections are shown
    but never embedded; links in `related` sections (furniture too) are of place `RELATED`.
    """

    facets: Mapping[Facet, tuple[str, ...]]
    furniture: tuple[str, ...]
    related: tuple[str, ...]


DEFAULT_RULES = HeadingRules(
    facets={
        Facet.CLAIM: (
            "core claim", "claim", "main claim", "thesis", "core idea", "main idea", "key idea",
            "key point", "tldr", "tl dr", "summary", "in short", "in a nutshell", "abstract",
        ),
        Facet.SIGNALS: (
            "signals", "signal", "evidence", "observations", "data points", "facts", "findings",
            "key points", "highlights", "takeaways", "key takeaways",
        ),
        Facet.TAKE: (
            "my take", "take", "opinion", "my opinion", "commentary", "reflection", "reflections",
            "my thoughts", "thoughts", "analysis", "so what", "implications", "conclusion",
        ),
        Facet.QUESTION: (
            "reflective question", "question", "questions", "open question", "open questions",
        ),
    },
    furniture=(
        "sources", "source", "references", "reference", "bibliography", "footnotes", "linkage",
        "linkage tree", "table of contents", "contents", "toc",
    ),
    related=(
        "related", "related notes", "related pages", "see also", "links", "backlinks",
        "linked notes", "further reading", "related concepts",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of character offsets into `Note.text`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Link:
    """One link as the author wrote it; what it points at is decided by `names`."""

    target: str  # as written, without heading, block, label or URL-encoding
    span: Span  # the whole link, brackets included: `text[span]` is the link
    place: LinkPlace
    syntax: LinkSyntax
    label: str | None = None  # the text that is shown, where it differs from the target
    heading: str | None = None  # the part behind `#`
    block: str | None = None  # the part behind `#^`


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list item, quote or table, as a reader sees it."""

    kind: BlockKind
    span: Span  # where it stands in `Note.text`, markup included
    text: str  # what is read: no markup, `[[a|b]]` as `b`, white space folded


@dataclass(frozen=True, slots=True)
class Section:
    """A run of blocks under one heading or callout, with one facet.

    `facet` is None for furniture (sources, the linkage tree, keyword rows): text that is shown
    but says nothing about what the note means, so it is never embedded.
    """

    heading: str  # plain text of the heading or callout title; "" before the first
    level: int  # 1 to 6 for headings, 0 before the first, 7 for a callout
    facet: Facet | None
    span: Span
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """One Markdown file, read but untouched."""

    path: str
    title: str  # frontmatter, else the first H1, else the file's stem
    text: str  # the file's characters exactly; every span points into it
    note_id: str | None = None
    first_heading: str | None = None  # plain text of the first H1
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()  # without `#`, in order of first use, frontmatter first
    keywords: tuple[str, ...] = ()
    description: str | None = None
    created: date | None = None
    updated: date | None = None
    draft: bool = False
    sections: tuple[Section, ...] = ()
    links: tuple[Link, ...] = ()
    problems: tuple[str, ...] = ()  # what could not be understood, in words for the author


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is embedded and found: one facet, one model window at most."""

    facet: Facet
    heading: str  # of the section it stands in
    text: str  # what is embedded
    span: Span  # where it is shown
    line: int  # 1-based line of `span.start`


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


class FileStamp(NamedTuple):
    """What tells cheaply that a file has not changed, and surely that it has.

    Every answer makes two for each file of the vault, so they have to be light.
    """

    size: int  # bytes
    modified_ns: int
    changed_ns: int  # inode change time: an editor can't set it back
    sha256: str = ""  # of the bytes; empty until they were read


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not indexed, and why."""

    path: str
    reason: str
    stamp: FileStamp | None = None  # of a file that was opened in vain: it need not be again


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
    generation: int  # of the index
    measured: int  # the generation whose notes were measured with it
    last_text: int  # the highest number that a text had
    links: int  # that were learned from: each pair of notes once
    resolved_links: int  # that the index held: to tell how many are new
    uses_links: bool  # whether they change what is suggested
    # nDCG@10 of some of the author's own links, from notes that were kept out: by the cosine alone,
    # and with what the other links taught. None where there were too few links to tell.
    plain: float | None = None
    adapted: float | None = None


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
