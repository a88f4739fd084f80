"""The list of related notes in the YAML block: `related:` and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

import yaml

from recall.edit.habit import Habit
from recall.edit.insertion import Insertion, Shape, end_of_line, line_ending
from recall.edit.page import VAGUE, Page
from recall.edit.place import Put
from recall.markdown.roles import folded
from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.manner import NewLink

_WIKILINK = regex(r"!?\[\[[^\[\]\n]*\]\]")
_ITEM = regex(r"^([ \t]*)-([ \t]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PropertyPlace:
    """A property that lists related notes; `node` is its value as YAML has it."""

    page: Page
    key: str
    node: yaml.Node
    links: int
    shape: Shape = field(default=Shape.PROPERTY, init=False)

    @property
    def habit(self) -> Habit:
        """A property of this name."""
        return Habit(Shape.PROPERTY, words=self.key)

    def put(self, links: Sequence[NewLink]) -> Put:
        """Add items in the list's own style, quoted as its last item is."""
        # The index reads no other links in the frontmatter.
        written = tuple(f"[[{link.wiki}]]" for link in links)
        base = self.page.front.start
        start, end = base + self.node.start_mark.index, base + self.node.end_mark.index
        text = self.page.text
        if not isinstance(self.node, yaml.SequenceNode):
            return Put(self._beside_a_scalar(written, start, end), written)
        if not self.node.flow_style:
            return Put((self._block_items(written, base),), written)
        items = self.node.value
        mark = _quote_mark(text[base + items[-1].start_mark.index]) if items else '"'
        quoted = [_quoted(link, mark) for link in written]
        if items:
            at = base + items[-1].end_mark.index
            return Put((Insertion(at, "".join(f", {link}" for link in quoted)),), written)
        return Put((Insertion(start + 1, ", ".join(quoted)),), written)

    def _beside_a_scalar(
        self, written: Sequence[str], start: int, end: int
    ) -> tuple[Insertion, ...]:
        """Begin a list where nothing stands, or make one of the single link that does."""
        text = self.page.text
        if not text[start:end].strip():
            at = end_of_line(text, start)
            indent, gap = _style_of_items(self.page)
            newline = line_ending(text, at)
            items = (newline + indent + "-" + gap + _quoted(link, '"') for link in written)
            return (Insertion(at, "".join(items)),)
        quoted = (f", {_quoted(link, _quote_mark(text[start]))}" for link in written)
        return (Insertion(start, "["), Insertion(end, "".join(quoted) + "]"))

    def _block_items(self, written: Sequence[str], base: int) -> Insertion:
        text = self.page.text
        last = self.node.value[-1]
        start = base + last.start_mark.index
        line = text.rfind("\n", 0, start) + 1
        at = end_of_line(text, base + last.end_mark.index)
        newline = line_ending(text, at)
        mark = _quote_mark(text[start])
        return Insertion(
            at, "".join(newline + text[line:start] + _quoted(link, mark) for link in written)
        )


def find_properties(page: Page) -> Iterator[PropertyPlace]:
    """Every property that lists links to related notes, and every empty one that could."""
    front = page.front
    if front.start == front.end or any("frontmatter" in said for said in front.problems):
        return
    if not page.may_change(front.start):
        return
    try:
        root = yaml.compose(page.cleaned[front.start : front.end], Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        return
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return
    for key, node in root.value:
        if isinstance(key, yaml.ScalarNode) and page.is_related(key.value):
            links = _links_of(page, node)
            if links or (links == 0 and folded(key.value) not in VAGUE):
                yield PropertyPlace(page, key.value, node, links)


def _links_of(page: Page, node: yaml.Node) -> int | None:
    """How many links a value holds; None if it is anything but a list of links to notes."""
    base = page.front.start
    raw = page.text[base + node.start_mark.index : base + node.end_mark.index]
    if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
        written = [
            page.text[base + item.start_mark.index : base + item.end_mark.index]
            for item in node.value
        ]
        is_links = all(_WIKILINK.fullmatch(item.strip("\"'")) for item in written)
        is_one_line = all("\n" not in item for item in written)
        return len(written) if is_links and is_one_line else None
    if isinstance(node, yaml.ScalarNode):
        if not raw.strip() and raw[:1] not in {'"', "'"}:
            return 0
        is_quoted = raw[:1] in {'"', "'"} and raw[-1:] == raw[:1]
        return 1 if is_quoted and _WIKILINK.fullmatch(raw[1:-1]) else None
    return None


def _quote_mark(first: str) -> str:
    return first if first in {'"', "'"} else '"'


def _quoted(link: str, mark: str) -> str:
    """The link between quotes that it does not hold itself: nothing in it is then escaped."""
    if mark in link or (mark == '"' and "\\" in link):
        mark = "'" if mark == '"' else '"'
    return f"{mark}{link}{mark}"


def _style_of_items(page: Page) -> tuple[str, str]:
    """How other lists of the block are indented, and how far their items stand from the dash."""
    found = _ITEM.search(page.text, page.front.start, page.front.end)
    return (found.group(1), found.group(2)) if found else ("  ", " ")
