"""Links in a row: `Links: [[a]], [[b]]`, or links alone in a paragraph under such a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from recall.edit.bullets import find_leads
from recall.edit.habit import Habit
from recall.edit.insertion import Insertion, Shape, end_of_line
from recall.edit.page import VAGUE, Page
from recall.edit.place import Put
from recall.markdown.leaves import Leaf, LeafKind
from recall.markdown.roles import folded
from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.domain import Link
    from recall.manner import NewLink

_LABEL = regex(
    r"^(?:[ \t]*>)*[ \t]*(?:[-*+][ \t]+)?[*_]{0,3}([^\s:\[\]*_][^\n:\[\]*_]{0,59})[*_]{0,3}[ \t]*"
    r"::?[*_]{0,3}(?=\s|\Z|\[)",
    re.MULTILINE,
)
# Blanks are taken once and for all (`*+`), so that many of them are not tried in every way.
_SEPARATOR = regex(r"[\s>]*+(?:[,;|/·•&+]|-{1,2}|–|—|and|or|\\|<br ?/?>)?[\s>]*+\Z")
_BLANKS = regex(r"\s*")
_TAIL = regex(r"[ \t]*+[.;]?[ \t]*+\Z")


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row of links, or a label that waits for its first."""

    page: Page
    words: str  # of the label, or of the heading above
    start: int  # behind the label
    end: int  # of the last link, or of the label
    row: tuple[Link, ...]
    shape: Shape = field(default=Shape.LINE, init=False)

    @property
    def links(self) -> int:
        """How many links to notes it holds."""
        return len(self.row)

    @property
    def habit(self) -> Habit:
        """A line with this label."""
        return Habit(Shape.LINE, words=self.words)

    def put(self, links: Sequence[NewLink]) -> Put:
        """Add the links behind the last, separated as those before it."""
        syntax = self.page.syntax(self.row)
        written = tuple(link.written(syntax) for link in links)
        if not self.row:
            blank = "" if self.page.text[self.end - 1 : self.end].isspace() else " "
            return Put((Insertion(self.end, blank + ", ".join(written)),), written)
        between = self._separator()
        return Put((Insertion(self.end, "".join(between + link for link in written)),), written)

    def _separator(self) -> str:
        if len(self.row) < 2:
            return ", "
        before, last = self.row[-2:]
        between = self.page.text[before.span.end : last.span.start]
        return between if between.strip(" \t") and not re.search("[a-z]", between) else ", "


def find_rows(page: Page) -> Iterator[RowPlace]:
    """Every row of links to related notes, and every such label without one."""
    for leaf in page.leaves:
        if leaf.kind in {LeafKind.PARAGRAPH, LeafKind.ITEM} and not leaf.is_html:
            yield from filter(_is_editable, _labelled(page, leaf))
    for lead in find_leads(page):
        if lead.leaf.kind not in {LeafKind.HEADING, LeafKind.CALLOUT}:
            continue
        for leaf in lead.under:
            row = tuple(page.links_in(leaf.start, leaf.end))
            if leaf.kind is LeafKind.PARAGRAPH and row and not leaf.is_html:
                place = RowPlace(page, lead.words, leaf.start, row[-1].span.end, row)
                if _is_row(place, leaf.end) and _is_editable(place):
                    yield place


def _labelled(page: Page, leaf: Leaf) -> Iterator[RowPlace]:
    """The lines of a leaf that begin with a label for related notes."""
    for label in _LABEL.finditer(page.cleaned, leaf.line_start, leaf.end):
        if not page.is_related(label.group(1)):
            continue
        stop = min(leaf.end, end_of_line(page.text, label.end()))
        row = tuple(page.links_in(label.end(), stop))
        words = label.group(1).strip()
        if row:
            place = RowPlace(page, words, label.end(), row[-1].span.end, row)
            if _is_row(place, stop):
                yield place
        elif not page.cleaned[label.end() : stop].strip() and folded(words) not in VAGUE:
            is_last = _BLANKS.fullmatch(page.cleaned, stop, leaf.end) is not None
            if is_last and not _announces_a_list(page, leaf):
                yield RowPlace(page, words, label.end(), stop, ())


def _is_row(place: RowPlace, stop: int) -> bool:
    """Whether there is nothing but links to notes, separated alike; no prose, no web address."""
    text = place.page.cleaned
    at = place.start
    for link in place.row:
        if not _SEPARATOR.match(text[at : link.span.start]):
            return False
        at = link.span.end
    return _TAIL.match(text[at:stop]) is not None


def _announces_a_list(page: Page, leaf: Leaf) -> bool:
    """Whether items follow right behind a leaf: then they, and not its line, take links."""
    behind = (other for other in page.leaves_behind(leaf) if other.line_start > leaf.line_start)
    following = next(behind, None)
    return following is not None and following.kind is LeafKind.ITEM


def _is_editable(place: RowPlace) -> bool:
    return place.page.may_change(place.end)
