"""What a note is: its parts, its links, and the file it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
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
