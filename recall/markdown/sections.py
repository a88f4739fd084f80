"""Leaves → sections with facets, blocks as a reader sees them, links and tags."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import field

from recall.domain import Block, BlockKind, Facet, Link, LinkPlace, Section, Span
from recall.markdown.leaves import Leaf, LeafKind
from recall.markdown.links import find_definition, find_links
from recall.markdown.mask import blank, shield
from recall.markdown.plain import read, read_table
from recall.markdown.roles import BODY, Role, Roles, folded
from recall.patterns import regex
from recall.records import dataclass
from recall.records import replace as replaced

_CALLOUT_LEVEL = 7
_TAG = regex(
    r"""(?<!\S)\#([^\u2000-\u206f\u2e00-\u2e7f'!"\#$%&()*+,.:;<=>?@^`{|}~\[\]\\\s\ufdd0-\ufdef]+)"""
)
# Where none of these stands, a block is read as it is written and holds no link.
_MARKUP = regex(r"[`\\$<>%*_~=&\[\]{}|^#\ufdd0-\ufdef]|://")
_RELATED_LINE = regex(r"^[ \t>*_+-]*([^\n:\[\]*_]{1,60})[*_ \t]*:[^\n]*", re.MULTILINE)
_SOURCE_CALLOUTS = frozenset({"ref", "reference", "source", "cite", "quote-source"})
_KINDS = {
    LeafKind.PARAGRAPH: BlockKind.PARAGRAPH,
    LeafKind.ITEM: BlockKind.ITEM,
    LeafKind.TABLE: BlockKind.TABLE,
}


@dataclass(slots=True)
class Body:
    """What stands below the frontmatter."""

    first_heading: str | None = None
    sections: list[Section] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A heading or callout that may still take blocks."""

    heading: str
    level: int
    role: Role


@dataclass(slots=True)
class _Draft:
    """A section being filled."""

    of: _Open
    start: int
    facet: Facet | None
    is_continued: bool = False  # no heading of its own, so nothing without blocks
    blocks: list[Block] = field(default_factory=list)


def build_body(text: str, start: int, leaves: list[Leaf], roles: Roles, title: str | None) -> Body:
    """Build sections and links from leaves.

    `title` is the frontmatter's, if it has one; else the first H1 is the title.
    """
    builder = _Builder(text, start, roles)
    builder.find_title(leaves, title)
    for leaf in leaves:
        builder.take(leaf)
    builder.finish()
    builder.body.links.sort(key=lambda link: (link.span.start, -link.span.end))
    return builder.body


class _Builder:
    def __init__(self, text: str, start: int, roles: Roles) -> None:
        self.body = Body()
        self._text = text
        self._roles = roles
        ground = _Open("", 0, BODY)
        self._headings = [ground]
        self._callouts: list[_Open] = []
        self._draft = _Draft(ground, start, Facet.BODY, is_continued=True)
        self._title_key: str | None = None
        self._title_leaf: Leaf | None = None

    def find_title(self, leaves: list[Leaf], title: str | None) -> None:
        """Know the H1 that is the note's title: it never makes the whole note furniture."""
        tops = [leaf for leaf in leaves if leaf.kind is LeafKind.HEADING and leaf.level == 1]
        if not tops:
            return
        texts = [read(shield(self._text[top.start : top.end])) for top in tops]
        self.body.first_heading = texts[0] or None
        self._title_key = folded(title or texts[0])
        is_alone = len({folded(text) for text in texts}) == 1
        if folded(texts[0]) == self._title_key and (title or is_alone):
            self._title_leaf = tops[0]

    def take(self, leaf: Leaf) -> None:
        """Add one leaf."""
        raw = self._raw(leaf)
        if leaf.kind in _KINDS and not _MARKUP.search(raw):
            self._add_block(leaf, " ".join(raw.split()))
            return
        shielded = shield(raw)
        if leaf.kind is LeafKind.HEADING:
            self._open_heading(leaf, read(shielded))
        elif leaf.kind is LeafKind.CALLOUT:
            self._open_callout(leaf, read(shielded))
        elif leaf.kind is LeafKind.REGION:
            self._take_region(leaf)
        else:
            self._take_block(leaf, shielded)
        self._take_links(leaf, shielded, raw)

    def finish(self) -> None:
        """Close the last section."""
        self._close(len(self._text))

    def _raw(self, leaf: Leaf) -> str:
        """The leaf's own characters, quote marks within blanked; same offsets."""
        if not leaf.gaps:
            return self._text[leaf.start : leaf.end]
        pieces: list[str] = []
        at = leaf.start
        for gap_start, gap_end in leaf.gaps:
            pieces += (self._text[at:gap_start], blank(self._text[gap_start:gap_end]))
            at = gap_end
        return "".join((*pieces, self._text[at : leaf.end]))

    # -- sections

    @property
    def _here(self) -> _Open:
        return self._callouts[-1] if self._callouts else self._headings[-1]

    def _open_heading(self, leaf: Leaf, heading: str) -> None:
        self._callouts.clear()
        while self._headings[-1].level >= leaf.level:
            self._headings.pop()
        inherited = self._headings[-1].role
        role = None if leaf is self._title_leaf else self._roles.of(heading)
        opened = _Open(heading, leaf.level, role or inherited)
        self._headings.append(opened)
        self._start(opened, leaf.line_start, opened.role.facet)

    def _open_callout(self, leaf: Leaf, title: str) -> None:
        del self._callouts[leaf.callouts - 1 :]
        enclosing = self._here.role
        if enclosing.facet is None and leaf.word.casefold() in _SOURCE_CALLOUTS:
            role = enclosing
        else:
            role = self._roles.of(title) or self._roles.of(leaf.word) or enclosing
            if role is enclosing and leaf.word.casefold() == "question":
                role = Role(Facet.QUESTION)
        opened = _Open(title or leaf.word, _CALLOUT_LEVEL, role)
        self._callouts.append(opened)
        self._start(opened, leaf.line_start, role.facet)

    def _start(
        self, opened: _Open, start: int, facet: Facet | None, *, is_continued: bool = False
    ) -> None:
        self._close(start)
        self._draft = _Draft(opened, start, facet, is_continued)

    def _close(self, end: int) -> None:
        draft = self._draft
        # The start of the file, and the title said again at its end, are no sections of their own.
        is_repeat = (
            draft.of.level == 1
            and folded(draft.of.heading) == self._title_key
            and any(section.level == 1 for section in self.body.sections)
        )
        if draft.blocks or not (is_repeat or draft.is_continued):
            self.body.sections.append(
                Section(
                    heading=draft.of.heading,
                    level=draft.of.level,
                    facet=draft.facet,
                    span=Span(draft.start, end),
                    blocks=tuple(draft.blocks),
                )
            )

    def _go_on(self, leaf: Leaf) -> None:
        """Leave the callouts that this leaf stands behind; what encloses them goes on."""
        del self._callouts[leaf.callouts :]
        here = self._here
        if self._draft.of is not here or self._draft.facet is not here.role.facet:
            self._start(here, leaf.line_start, here.role.facet, is_continued=True)

    # -- leaves

    def _take_region(self, leaf: Leaf) -> None:
        self._go_on(leaf)
        here = self._here
        self._start(here, leaf.line_start, None)
        self._close(leaf.line_end)
        self._draft = _Draft(here, leaf.line_end, here.role.facet, is_continued=True)

    def _take_block(self, leaf: Leaf, shielded: str) -> None:
        if leaf.kind is LeafKind.DEFINITION:
            return
        self._add_block(
            leaf, read_table(shielded) if leaf.kind is LeafKind.TABLE else read(shielded)
        )
        if "#" in shielded:
            self._take_tags(shielded)

    def _add_block(self, leaf: Leaf, text: str) -> None:
        self._go_on(leaf)
        if text:
            is_quote = leaf.quotes > 0 and leaf.kind is LeafKind.PARAGRAPH
            kind = BlockKind.QUOTE if is_quote else _KINDS[leaf.kind]
            self._draft.blocks.append(Block(kind, Span(leaf.line_start, leaf.line_end), text))

    def _take_tags(self, shielded: str) -> None:
        for found in _TAG.finditer(shielded):
            tag = found.group(1).strip("/")
            if tag and not tag.isdigit():
                self.body.tags.append(tag)

    def _take_links(self, leaf: Leaf, shielded: str, raw: str) -> None:
        if leaf.kind is LeafKind.DEFINITION:
            self.body.links += find_definition(shielded, leaf.start, self._place(leaf))
            return
        links = find_links(shielded, raw, leaf.start, self._place(leaf))
        if links and ":" in shielded and self._place(leaf) is LinkPlace.BODY:
            links = self._with_related_lines(links, shielded, leaf.start)
        self.body.links += links

    def _place(self, leaf: Leaf) -> LinkPlace:
        is_tree = leaf.kind is LeafKind.REGION and leaf.word == "linkage-tree"
        return LinkPlace.RELATED if is_tree or self._here.role.is_related else LinkPlace.BODY

    def _with_related_lines(self, links: list[Link], shielded: str, base: int) -> list[Link]:
        """Set the place of links on lines that start with `Related:` or the like."""
        lines = [
            (base + line.start(), base + line.end())
            for line in _RELATED_LINE.finditer(shielded)
            if (role := self._roles.of(line.group(1))) and role.is_related
        ]
        if not lines:
            return links
        starts = [start for start, _ in lines]

        def is_in_one(link: Link) -> bool:
            before = bisect_right(starts, link.span.start)
            return before > 0 and link.span.start < lines[before - 1][1]

        return [
            replaced(link, place=LinkPlace.RELATED)
            if link.place is LinkPlace.BODY and is_in_one(link)
            else link
            for link in links
        ]
