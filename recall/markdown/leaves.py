"""The leaves of the block structure, and what is open while lines are read."""

from __future__ import annotations

import re
from dataclasses import field
from enum import IntEnum, auto
from typing import NamedTuple

from recall.records import dataclass


class LeafKind(IntEnum):
    """What a leaf of the block structure is."""

    HEADING = auto()
    CALLOUT = auto()
    PARAGRAPH = auto()
    ITEM = auto()
    TABLE = auto()
    DEFINITION = auto()
    REGION = auto()  # HTML that is recognised by its class: keyword row, linkage tree


@dataclass(slots=True)
class Leaf:
    """A piece of inline text. Offsets are into the whole text; `gaps` are quote marks within."""

    kind: LeafKind
    start: int  # of the content
    end: int
    line_start: int
    line_end: int
    level: int = 0  # of a heading; of an item, how deep it is nested
    quotes: int = 0  # quotes around it that are no callouts
    callouts: int = 0  # callouts around it, its own included
    word: str = ""  # a callout's type, a region's class
    is_html: bool = False
    gaps: list[tuple[int, int]] = field(default_factory=list)
    before_last: tuple[int, int, int] = (0, 0, 0)  # end, line end, next start: before its last line


@dataclass(slots=True)
class Quote:
    """An open quote, or the ground level: how far its list items' content is indented."""

    items: list[int] = field(default_factory=list)
    is_callout: bool = False


class Rest(NamedTuple):
    """What is left of a line behind its quote marks and blanks; never blank."""

    body: str
    at: int
    indent: int  # columns


def columns(blanks: str) -> int:
    """How far blanks indent; a tab goes to the next multiple of four."""
    return len(blanks.expandtabs(4)) if "\t" in blanks else len(blanks)


class OpenLeaves:
    """The leaves found so far, and the quotes, list items and leaf that a line may continue."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.leaves: list[Leaf] = []
        self.leaf: Leaf | None = None  # the one that the next line may continue
        self.quotes = [Quote()]
        self.depth = 0  # quote marks on this line
        self.line = (start, start)
        self.skip_to = 0  # the end of an opaque part
        self._paused: Leaf | None = None  # an item that may go on behind a blank line
        self._endless: set[str] = set()

    def add(self, kind: LeafKind, start: int, *, level: int = 0) -> Leaf:
        """Start a leaf on this line; it stays open."""
        line_start, line_end = self.line
        leaf = Leaf(kind, start, line_end, line_start, line_end, level)
        if len(self.quotes) > 1:
            leaf.callouts = sum(quote.is_callout for quote in self.quotes)
            leaf.quotes = len(self.quotes) - 1 - leaf.callouts
        self.leaves.append(leaf)
        self.leaf = leaf
        return leaf

    def pause(self) -> None:
        """End the open leaf and the deeper quotes at a blank line; an item may go on later."""
        leaf = self.leaf
        if leaf is not None:
            self._paused = leaf if leaf.kind is LeafKind.ITEM and not leaf.is_html else None
        self.leaf = None
        del self.quotes[self.depth + 1 :]

    def settle(self, indent: int) -> None:
        """End the open leaf, and the quotes and items that this line does not stand in."""
        self.leaf = self._paused = None
        del self.quotes[self.depth + 1 :]
        items = self.quotes[-1].items
        while items and indent < items[-1]:
            items.pop()

    def is_indented_code(self, indent: int) -> bool:
        """Whether a line this far in is code: not in a list, not right after a paragraph."""
        if indent < 4 or self.leaf is not None:
            return False
        return not self.quotes[min(self.depth, len(self.quotes) - 1)].items

    def take_text(self, at: int, indent: int) -> None:
        """Continue the open leaf, as a lazy line does even outside of its quote, or start one."""
        leaf = self.leaf
        if leaf is None:
            if self.is_indented_code(indent):
                self.settle(0)
                return
            paused = self._paused
            self.settle(indent)
            items = self.quotes[-1].items
            if paused is None or not items or paused.level != len(items):
                self.add(LeafKind.ITEM if items else LeafKind.PARAGRAPH, at, level=len(items))
                return
            leaf = self.leaf = paused
        if self.depth:
            leaf.gaps.append((leaf.line_end, at))
        leaf.before_last = (leaf.end, leaf.line_end, at)
        leaf.end = leaf.line_end = self.line[1]

    def skip(self, end: int) -> bool:
        """Leave out everything up to an offset; what follows on its line is text."""
        self.settle(0)
        self.skip_to = end
        if end <= self.line[1]:
            self.take_rest(end)
        return True

    def skip_if_closed(self, closer: str, at: int) -> bool:
        """Leave out everything through a closer, if there is one."""
        end = -1 if closer in self._endless else self.text.find(closer, at)
        if end < 0:
            self._endless.add(closer)  # looked for once, not again at every opener
            return False
        return self.skip(end + len(closer))

    def skip_through(self, closer: re.Pattern[str], at: int) -> bool:
        """Leave out everything through a closer, or to the end of the file."""
        found = closer.search(self.text, at)
        return self.skip(found.end() if found else len(self.text) + 1)

    def take_rest(self, at: int) -> None:
        """Read what stands behind something opaque on this line."""
        self.line = (at, self.line[1])
        rest = self.text[at : self.line[1]]
        body = rest.lstrip(" \t")
        if body and not body.isspace():
            self.take_text(at + len(rest) - len(body), 0)
