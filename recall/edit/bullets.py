"""The Markdown list of related notes: under a heading, a callout, or a line that announces it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from recall.edit.habit import Habit
from recall.edit.insertion import Insertion, Shape, end_of_line, line_ending
from recall.edit.page import VAGUE, Page
from recall.edit.place import Put
from recall.markdown.leaves import Leaf, LeafKind, columns
from recall.markdown.roles import folded
from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.manner import NewLink

_NUMBER = regex(r"(\d{1,9})(?=[.)])")
_TASK = regex(r"\[[^\[\]]\](?=[ \t]+\Z)")
_LEAD_LINE = regex(r"[ \t>*_+-]*([^\n:\[\]*_]{1,60})[*_ \t]*:?[*_ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Lead:
    """What announces links to related notes, and the leaves that stand under it."""

    leaf: Leaf
    words: str
    under: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class ListPlace:
    """The list under a lead, or the room for one."""

    page: Page
    lead: Lead
    items: tuple[Leaf, ...]  # of the list's top level, with a marker each; empty: no list yet
    links: int
    shape: Shape = Shape.LIST

    @property
    def habit(self) -> Habit:
        """A heading of these words with such a list; what stands under less becomes one, too."""
        is_heading = self.lead.leaf.kind is LeafKind.HEADING
        return Habit(
            Shape.LIST,
            words=self.lead.words if is_heading else self.lead.words.strip(" :"),
            level=self.lead.leaf.level if is_heading else None,
            bullet=self.page.bullet() or "- ",
            has_gap=self.page.has_gap_below_headings() is not False,
        )

    def put(self, links: Sequence[NewLink]) -> Put:
        """Add an item a link behind the last one, indented and marked like it."""
        page = self.page
        if not self.items:
            return self._first(links)
        last = self.items[-1]
        syntax = page.syntax(page.links_in(self.items[0].line_start, _end_of_item(page, last)))
        written = tuple(link.written(syntax) for link in links)
        rest = list(written)
        insertions = []
        prefix = page.prefix(last)
        if len(self.items) == 1 and not page.cleaned[last.start : last.end].strip():
            blank = "" if prefix[-1:].isspace() else " "
            insertions.append(Insertion(len(page.text[: last.start]), blank + rest.pop(0)))
            prefix += blank
        at = end_of_line(page.text, _end_of_item(page, last))
        between = line_ending(page.text, at) * (2 if self._is_loose() else 1)
        for text in rest:
            prefix = self._next(prefix)
            insertions.append(Insertion(at, between + prefix + text))
        return Put(tuple(insertions), written)

    def _next(self, prefix: str) -> str:
        """The marker that follows: the next number where numbers grow, an open task box."""
        prefix = _TASK.sub("[ ]", prefix)
        numbers = [_NUMBER.search(self.page.prefix(item)) for item in self.items]
        counted = [int(number.group()) for number in numbers if number]
        if len(counted) > 1 and counted[-1] == counted[-2]:
            return prefix
        return _NUMBER.sub(lambda number: str(int(number.group()) + 1), prefix, count=1)

    def _is_loose(self) -> bool:
        """Whether a blank line stands between the last two items."""
        if len(self.items) < 2:
            return False
        before, last = self.items[-2:]
        return not self.page.cleaned[before.line_end : last.line_start].strip() and (
            self.page.cleaned.count("\n", before.line_end, last.line_start) > 1
        )

    def _first(self, links: Sequence[NewLink]) -> Put:
        """Begin a list: right below the lead, or behind what else its section says."""
        page, lead = self.page, self.lead.leaf
        written = tuple(link.written() for link in links)
        last = max((leaf.line_end for leaf in self.lead.under), default=lead.line_end)
        at = end_of_line(page.text, last)
        newline = line_ending(page.text, at)
        bullet = page.bullet() or "- "
        prefix = bullet
        has_gap = bool(self.lead.under)
        if lead.kind is LeafKind.CALLOUT:
            marks = re.match(r"(?:[ \t]*>)+[ \t]?", page.text[lead.line_start :])
            prefix = (marks.group() if marks else "> ") + bullet
            has_gap = False
        elif lead.kind is LeafKind.ITEM:
            own = page.prefix(lead)
            indent = own[: len(own) - len(own.lstrip(" \t"))]
            step = (
                "\t" if "\t" in page.text[: lead.start] else " " * (columns(own) - columns(indent))
            )
            prefix = indent + step + own.lstrip(" \t")
            has_gap = False
        elif lead.kind is LeafKind.HEADING and not self.lead.under:
            has_gap = page.has_gap_below_headings() is not False
        text = "".join(newline + prefix + link for link in written)
        text = (newline if has_gap else "") + text
        if lead.kind is LeafKind.HEADING and not page.is_blank_below(at):
            text += newline
        return Put((Insertion(at, text),), written)


def find_lists(page: Page) -> Iterator[ListPlace]:
    """Every list of related notes, and every empty section that waits for one."""
    for lead in find_leads(page):
        places = [place for place in _lists_under(page, lead) if _is_editable(page, place)]
        if places:
            yield max(places, key=lambda place: place.links)
        elif lead.leaf.kind is not LeafKind.PARAGRAPH and folded(lead.words) not in VAGUE:
            room = ListPlace(page, lead, (), 0)
            if _is_editable(page, room) and not _holds_a_list(lead):
                yield room


def find_leads(page: Page) -> Iterator[Lead]:
    """What announces links to related notes, with the leaves under it."""
    for leaf in page.leaves:
        if leaf.kind is LeafKind.HEADING and not page.is_title(leaf):
            words = page.read(leaf)
            under = _until(page, leaf, lambda other: other.kind is LeafKind.HEADING)
        elif leaf.kind is LeafKind.CALLOUT:
            words = page.read(leaf) or leaf.word
            under = _in_callout(page, leaf)
        elif leaf.kind in {LeafKind.PARAGRAPH, LeafKind.ITEM} and not leaf.is_html:
            line = page.cleaned.rfind("\n", 0, leaf.end) + 1
            found = _LEAD_LINE.match(page.cleaned, line, leaf.end)
            words = found.group(1).strip() if found else ""
            under = _below(page, leaf)
            is_announced = page.cleaned[line : leaf.end].rstrip("* _\t").endswith(":")
            if not under and (leaf.kind is LeafKind.PARAGRAPH or not is_announced):
                continue  # a line of its own, or only an item of some list
        else:
            continue
        if words and page.is_related(words):
            yield Lead(leaf, words, tuple(under))


def _in_callout(page: Page, lead: Leaf) -> list[Leaf]:
    depth = lead.callouts
    return _until(
        page,
        lead,
        lambda other: (
            other.callouts < depth or (other.kind is LeafKind.CALLOUT and other.callouts == depth)
        ),
    )


def _below(page: Page, lead: Leaf) -> list[Leaf]:
    """The items right behind a paragraph, or nested in an item."""
    level = lead.level if lead.kind is LeafKind.ITEM else 0
    around = (lead.quotes, lead.callouts)
    return _until(
        page,
        lead,
        lambda other: (
            other.kind is not LeafKind.ITEM
            or other.is_html
            or (other.quotes, other.callouts) != around
            or other.level <= level
        ),
    )


def _until(page: Page, lead: Leaf, is_end: Callable[[Leaf], bool]) -> list[Leaf]:
    return list(takewhile(lambda leaf: not is_end(leaf), page.leaves_behind(lead)))


def _lists_under(page: Page, lead: Lead) -> Iterator[ListPlace]:
    """Each run of items under a lead that holds a link to a note, or is a bullet to be filled."""
    run: list[Leaf] = []
    for leaf in (*lead.under, None):
        if leaf is not None and leaf.kind is LeafKind.ITEM and not leaf.is_html:
            run.append(leaf)
            continue
        if run:
            marked = [item for item in run if page.has_marker(item)]
            top = min((item.level for item in marked), default=0)
            items = tuple(item for item in marked if item.level == top)
            links = len(page.links_in(run[0].line_start, run[-1].line_end))
            is_blank = len(run) == 1 and not page.cleaned[run[0].start : run[0].end].strip()
            if items and (links or is_blank):
                yield ListPlace(page, lead, items, links)
        run = []


def _holds_a_list(lead: Lead) -> bool:
    return any(leaf.kind in {LeafKind.ITEM, LeafKind.TABLE} for leaf in lead.under)


def _is_editable(page: Page, place: ListPlace) -> bool:
    last = place.items[-1] if place.items else place.lead.leaf
    return page.may_change(last.start) and page.may_change(_end_of_item(page, last))


def _end_of_item(page: Page, item: Leaf) -> int:
    """Where an item ends, with what is nested in it: items, paragraphs, code."""
    if item.kind is not LeafKind.ITEM:
        return item.line_end
    end = max([item.line_end, *(leaf.line_end for leaf in _nested(page, item))])
    if item.quotes or item.callouts:
        return end
    # What is opaque (code, comments) is no leaf; it belongs to the item if it is indented so.
    prefix = page.prefix(item)
    depth = columns(prefix[: len(prefix) - len(prefix.lstrip(" \t"))])
    reach = end
    while reach < len(page.cleaned):
        start = reach + 1
        stop = page.cleaned.find("\n", start)
        reach = stop if stop >= 0 else len(page.cleaned)
        line = page.cleaned[start:reach]
        body = line.lstrip(" \t")
        if body and columns(line[: len(line) - len(body)]) < depth + 2:
            break
        if body:
            end = reach
    return min(end, len(page.text))


def _nested(page: Page, item: Leaf) -> Iterator[Leaf]:
    """The leaves behind an item that lie in it: deeper items, and paragraphs of its own."""
    for leaf in page.leaves_behind(item):
        is_next = leaf.level <= item.level and page.has_marker(leaf)
        if leaf.kind is not LeafKind.ITEM or leaf.is_html or is_next:
            return
        if leaf.level < item.level:
            return
        yield leaf
