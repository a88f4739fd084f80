"""A note as an editor sees it: its blocks, its links, and the part of it that may be edited."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from recall.domain import DEFAULT_RULES, HeadingRules, Link, LinkPlace, LinkSyntax, Note
from recall.edit.insertion import end_of_line
from recall.markdown import parse_note
from recall.markdown.blocks import scan_blocks
from recall.markdown.frontmatter import Frontmatter, read_frontmatter
from recall.markdown.leaves import Leaf, LeafKind
from recall.markdown.mask import clean, shield
from recall.markdown.plain import read
from recall.markdown.roles import Roles, folded
from recall.patterns import regex

# Other notes' links, listed by a program: nothing that an author adds to.
GENERATED = frozenset({"backlinks"})
LINKAGE = frozenset({"linkage", "linkage tree"})  # holds more than related notes, but those, too
# Under these many people keep addresses on the web; they count once they hold a link to a note.
VAGUE = frozenset({"links", "further reading"}) | LINKAGE

_KEEP_OFF = regex(
    r"(?:%%|<!--)[^\n]{0,80}?\b(?:do not|don['’]t)\b[^\n]{0,20}?"
    r"\b(?:edit|modify|change|touch|write)\b[^\n]{0,40}?\b(below|under|beneath|after|above|before)\b",
    re.IGNORECASE,
)
_COMMENT_STARTS = {  # by how it ends; but none that ends a part which a program writes
    "%%": regex(r"^%%(?!\W{0,40}end\b)", re.MULTILINE | re.IGNORECASE),
    "-->": regex(r"^<!--(?!\W{0,40}(?:end\b|/))", re.MULTILINE | re.IGNORECASE),
}
_FOOTNOTE = regex(r"\[\^[^\]\s]+\]:")
_MARKER = regex(r"(?:[ \t]*>)*[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]*(?:\[[^\[\]]\][ \t]*)?\Z")


@dataclass(frozen=True)
class Page:
    """One note, parsed for editing. Offsets are into `text`, which every part agrees on."""

    path: str
    text: str
    rules: HeadingRules = DEFAULT_RULES

    @cached_property
    def note(self) -> Note:
        """The note as the index sees it."""
        return parse_note(self.path, self.text, self.rules)

    @cached_property
    def cleaned(self) -> str:
        """The text that scanning works on, of the same length."""
        return clean(self.text)

    @cached_property
    def front(self) -> Frontmatter:
        """The YAML block."""
        return read_frontmatter(self.text)

    @cached_property
    def leaves(self) -> Sequence[Leaf]:
        """Headings, callouts, paragraphs, items, tables, definitions and HTML regions, in order."""
        return scan_blocks(self.cleaned, self.front.body)

    @cached_property
    def roles(self) -> Roles:
        """What headings mean."""
        return Roles(self.rules)

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The part that may be edited: a comment can say that all above or below is off limits."""
        start, end = 0, len(self.text)
        for sign in _KEEP_OFF.finditer(self.cleaned):
            if sign.group(1).lower() in {"above", "before"}:
                start = max(start, end_of_line(self.text, sign.end()))
            else:
                end = min(end, self.cleaned.rfind("\n", 0, sign.start()) + 1)
        return start, end

    def may_change(self, at: int) -> bool:
        """Whether something may be put in at an offset."""
        start, end = self.bounds
        return start <= at <= end

    def is_related(self, words: str) -> bool:
        """Whether a heading, a label or a key announces links to related notes."""
        role, word = self.roles.of(words), folded(words)
        return word in LINKAGE or (role is not None and role.is_related and word not in GENERATED)

    def read(self, leaf: Leaf) -> str:
        """A leaf as a reader sees it."""
        return read(shield(self.cleaned[leaf.start : leaf.end]))

    def has_marker(self, leaf: Leaf) -> bool:
        """Whether a leaf begins with a bullet or number of its own, and is no paragraph inside."""
        return leaf.kind is LeafKind.ITEM and bool(_MARKER.match(self.prefix(leaf)))

    def prefix(self, leaf: Leaf) -> str:
        """What stands before a leaf on its line: quote marks, indentation, bullet, task box."""
        return self.text[leaf.line_start : leaf.start]

    def is_title(self, leaf: Leaf) -> bool:
        """Whether a heading is the note's title, said at its top or once more at its end."""
        is_like_one = leaf.kind is LeafKind.HEADING and leaf.level == 1
        return is_like_one and folded(self.read(leaf)) in self._own_names

    def links_in(self, start: int, end: int) -> list[Link]:
        """The links to notes, embeds left out, within a range of the body."""
        found = self.all_links_in(start, end)
        return [link for link in found if link.place is not LinkPlace.EMBED]

    def all_links_in(self, start: int, end: int) -> Sequence[Link]:
        """The links and embeds within a range."""
        links, starts = self._links_in_order
        return links[bisect_left(starts, start) : bisect_left(starts, end)]

    def leaves_behind(self, leaf: Leaf) -> Iterator[Leaf]:
        """The leaves that follow a leaf, in order."""
        behind = range(self._places[id(leaf)] + 1, len(self.leaves))
        return (self.leaves[place] for place in behind)

    @cached_property
    def _links_in_order(self) -> tuple[Sequence[Link], Sequence[int]]:
        links = sorted(self.note.links, key=lambda link: link.span.start)
        return links, [link.span.start for link in links]

    @cached_property
    def _places(self) -> Mapping[int, int]:
        return {id(leaf): place for place, leaf in enumerate(self.leaves)}

    @cached_property
    def _own_names(self) -> Collection[str]:
        return {folded(self.note.title), folded(self.note.first_heading or "")}

    @cached_property
    def _titles(self) -> Sequence[Leaf]:
        return [leaf for leaf in self.leaves if self.is_title(leaf)]

    @property
    def headings(self) -> Iterator[Leaf]:
        """The headings apart from the title."""
        return (
            leaf
            for leaf in self.leaves
            if leaf.kind is LeafKind.HEADING and not self.is_title(leaf)
        )

    def has_gap_below_headings(self) -> bool | None:
        """Whether blank lines follow most headings; None where no heading tells."""
        said = Counter(self.is_blank_below(leaf.line_end) for leaf in self.headings)
        return said[True] >= said[False] if said else None

    def is_blank_below(self, at: int) -> bool:
        """Whether the line below that of an offset is blank, or there is none."""
        start = self.cleaned.find("\n", at) + 1
        end = self.cleaned.find("\n", start)
        return not start or not self.cleaned[start : end if end >= 0 else None].strip()

    def bullet(self) -> str | None:
        """The bullet of most top-level lists, with the blanks behind it; None without lists."""
        used = Counter(
            prefix
            for leaf in self.leaves
            if leaf.kind is LeafKind.ITEM
            and not leaf.is_html
            and (prefix := self.prefix(leaf))[:1] in {"-", "*", "+"}
            and prefix[1:].isspace()
        )
        return max(used, key=lambda prefix: (used[prefix], prefix == "- ")) if used else None

    def end_of_content(self) -> int:
        """Where the author's last section ends.

        Behind it may follow link definitions, footnotes, comments, what a comment declares off
        limits, and the title once more.
        """
        end = self.bounds[1]
        for leaf in reversed(self.leaves):
            if leaf.line_start >= end:
                continue
            is_footer = (
                leaf.kind is LeafKind.DEFINITION
                or (self.is_title(leaf) and leaf is not self._titles[0])
                or _FOOTNOTE.match(self.cleaned, leaf.start)
            )
            if not is_footer or self.cleaned[leaf.line_end : end].strip():
                break
            end = leaf.line_start
        end = self._without_blanks(end)
        while (start := self._start_of_comment(end)) is not None:
            end = self._without_blanks(start)
        return max(end, min(self.front.body, len(self.text)))

    def _start_of_comment(self, end: int) -> int | None:
        """Where a comment begins that ends here, if it has its lines for itself."""
        text, body = self.cleaned, self.front.body
        for closing, opening in _COMMENT_STARTS.items():
            if not text.endswith(closing, body, end):
                continue
            before = text.rfind(closing, body, end - len(closing))
            if closing == "%%":
                return before if before >= 0 and opening.match(text, before, end) else None
            after = before + len(closing) if before >= 0 else body
            found = opening.search(text, after, end)
            return found.start() if found else None
        return None

    def _without_blanks(self, end: int) -> int:
        while end and self.cleaned[end - 1].isspace():
            end -= 1
        return end

    def syntax(self, links: Sequence[Link] | None = None) -> LinkSyntax | None:
        """The syntax of most of some links, or of all in the note; None without links."""
        links = self.links_in(self.front.body, len(self.text)) if links is None else links
        used = Counter(
            LinkSyntax.WIKI if link.syntax is LinkSyntax.WIKI else LinkSyntax.MARKDOWN
            for link in links
        )
        return (
            max(used, key=lambda syntax: (used[syntax], syntax is LinkSyntax.WIKI))
            if used
            else None
        )
