"""The `related` list in an HTML linkage tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from recall.edit.habit import Habit
from recall.edit.insertion import Insertion, Shape, line_ending
from recall.edit.place import Put
from recall.markdown.leaves import Leaf, LeafKind
from recall.markdown.mask import shield
from recall.markdown.plain import read
from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.edit.page import Page
    from recall.manner import NewLink

_TAG = regex(r"<(/?)(ul|ol|li)\b[^<>]*>", re.IGNORECASE)
_LINE_START = regex(r"[^\S\n]*\Z")
WIDTH = 2  # blanks a level, where nothing tells


@dataclass(slots=True)
class _Element:
    """A list or an item of the tree, with what is in it."""

    name: str
    start: int  # of its start tag
    inner: int  # behind the start tag
    parent: _Element | None
    stop: int = -1  # of its end tag
    end: int = -1  # behind the end tag
    children: list[_Element] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TreePlace:
    """The related branch of a linkage tree, or the tree that lacks one."""

    page: Page
    region: Leaf
    item: _Element | None  # the item that says `related`
    list: _Element  # its list; without the item, the tree's outer list; may be the item itself
    links: int
    shape: Shape = field(default=Shape.TREE, init=False)

    @property
    def habit(self) -> Habit:
        """A section that holds a linkage tree."""
        page = self.page
        above = [leaf for leaf in page.headings if leaf.start < self.region.start]
        return Habit(
            Shape.TREE,
            words=page.read(above[-1]) if above else "linkage",
            level=above[-1].level if above else 2,
            has_gap=page.has_gap_below_headings() is not False,
        )

    def put(self, links: Sequence[NewLink]) -> Put:
        """Add an `<li>` a link behind the last one, on a line of its own if that one has one."""
        # Markdown links are not read inside HTML.
        written = tuple(f"[[{link.wiki}]]" for link in links)
        if self.item is None:
            return Put((self._branch(written),), written)
        if self.list is self.item:
            return Put((self._list_in_item(written),), written)
        items = [child for child in self.list.children if child.name == "li"]
        if items:
            last = items[-1]
            lead = self._lead(last.start)
            return Put((Insertion(last.end, _items(lead, written)),), written)
        lead = self._lead(self.list.start)
        lead = lead + self._step() if lead else lead
        return Put((Insertion(self.list.inner, _items(lead, written)),), written)

    def _list_in_item(self, written: Sequence[str]) -> Insertion:
        """Give the item that says `related` its list."""
        lead, step = self._lead(self.list.start), self._step()
        if not lead:
            return Insertion(self.list.stop, f"<ul>{_items('', written)}</ul>")
        text = f"{lead}{step}<ul>{_items(lead + step * 2, written)}{lead}{step}</ul>{lead}"
        at = self.list.inner + len(self.page.text[self.list.inner : self.list.stop].rstrip())
        has_line = "\n" in self.page.text[at : self.list.stop]
        return Insertion(at, text[: -len(lead)] if has_line else text)

    def _branch(self, written: Sequence[str]) -> Insertion:
        """Give a tree without related notes the branch for them."""
        items = [child for child in self.list.children if child.name == "li"]
        at = items[-1].end if items else self.list.inner
        step = self._step()
        lead = self._lead(items[-1].start) if items else self._lead(self.list.start)
        if not lead:
            return Insertion(at, f"<li>related<ul>{_items('', written)}</ul></li>")
        lead = lead if items else lead + step
        inner = f"{lead}{step}<ul>{_items(lead + step * 2, written)}{lead}{step}</ul>{lead}"
        return Insertion(at, f"{lead}<li>related{inner}</li>")

    def _lead(self, start: int) -> str:
        """What stands before a tag that has a line of its own: the line ending, the indentation."""
        text = self.page.text
        blanks = _LINE_START.search(text, text.rfind("\n", 0, start) + 1, start)
        if blanks is None or text[blanks.start() - 1 : blanks.start()] not in {"\n", "\r"}:
            return ""
        if text.rfind("\n", 0, start) + 1 != blanks.start():
            return ""
        return line_ending(text, start) + blanks.group()

    def _step(self) -> str:
        """What one level is indented by: how much an item stands behind its list."""
        for element in _walk(self.list if self.list.name != "li" else self.list.parent):
            if element.name == "li" and element.parent is not None:
                own, outer = self._lead(element.start), self._lead(element.parent.start)
                if own and outer and len(own) > len(outer) and own.startswith(outer):
                    return own[len(outer) :]
        return "\t" if "\t<" in self.page.text[self.region.start : self.region.end] else " " * WIDTH


def find_trees(page: Page) -> Iterator[TreePlace]:
    """Every linkage tree, with its related branch if it has one."""
    for leaf in page.leaves:
        if leaf.kind is not LeafKind.REGION or leaf.word != "linkage-tree":
            continue
        place = _place_in(page, leaf)
        if place and page.may_change(leaf.start) and page.may_change(leaf.end):
            yield place


def new_tree(links: Sequence[str], newline: str) -> str:
    """A linkage tree with nothing but related notes; ends without a line ending."""
    return newline.join((
        '<div class="linkage-tree">',
        '  <div class="linkage-tree-title">linkage tree</div>',
        "  <ul>",
        "    <li>related",
        "      <ul>",
        *(f"        <li>{link}</li>" for link in links),
        "      </ul>",
        "    </li>",
        "  </ul>",
        "</div>",
    ))  # fmt: skip


def _items(lead: str, written: Sequence[str]) -> str:
    return "".join(f"{lead}<li>{link}</li>" for link in written)


def _place_in(page: Page, region: Leaf) -> TreePlace | None:
    roots = _parse(shield(page.cleaned[region.start : region.end]), region.start)
    outer = next((root for root in roots if root.name != "li"), None)
    if outer is None:
        return None
    for item in _walk(outer):
        if item.name != "li":
            continue
        inner = next((child for child in item.children if child.name != "li"), None)
        words = read(shield(page.cleaned[item.inner : inner.start if inner else item.stop]))
        if words and page.is_related(words):
            target = inner or item
            links = len(page.links_in(target.inner, target.stop))
            return TreePlace(page, region, item, target, links)
    return TreePlace(page, region, None, outer, 0)


def _parse(text: str, base: int) -> list[_Element]:
    """The lists and items that are closed, as a forest; an end tag closes what is open inside."""
    roots: list[_Element] = []
    opened: list[_Element] = []
    for tag in _TAG.finditer(text):
        name = tag.group(2).lower()
        if not tag.group(1):
            parent = opened[-1] if opened else None
            element = _Element(name, base + tag.start(), base + tag.end(), parent)
            (parent.children if parent else roots).append(element)
            opened.append(element)
            continue
        if not any(element.name == name for element in opened):
            continue
        while opened:
            element = opened.pop()
            element.stop = base + tag.start()
            element.end = base + tag.end() if element.name == name else element.stop
            if element.name == name:
                break
    return [root for root in roots if root.end >= 0]


def _walk(element: _Element | None) -> Iterator[_Element]:
    waiting = [element] if element is not None else []
    while waiting:
        found = waiting.pop()
        if found.end >= 0:
            yield found
        waiting += reversed(found.children)
