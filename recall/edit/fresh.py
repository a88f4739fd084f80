"""A new place for related notes, at the end of a note that has none, in the vault's manner."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recall.domain import LinkSyntax
from recall.edit.insertion import Insertion, Shape, line_ending
from recall.edit.place import Put
from recall.edit.tree import new_tree
from recall.markdown.roles import folded
from recall.patterns import regex

if TYPE_CHECKING:
    from recall.edit.habit import Habit
    from recall.edit.page import Page
    from recall.manner import NewLink

_KEY = regex(r"^([A-Za-z0-9_-]+)[ \t]*:", re.MULTILINE)


def begin(
    page: Page, links: Sequence[NewLink], habit: Habit, *, is_last: bool = False
) -> Put | None:
    """What a new place is made of; None where this habit can't be followed.

    It stands before what ends the note (`Page.end_of_content`), or else last of all: links in
    footnotes must not come to stand under its heading.
    """
    if habit.shape is Shape.PROPERTY:
        return _property(page, links, habit)
    syntax = None if habit.shape is not Shape.TREE else LinkSyntax.WIKI
    written = tuple(link.written(syntax) for link in links)
    last = max(len(page.cleaned[: page.bounds[1]].rstrip()), page.front.body)
    at = last if is_last else page.end_of_content()
    if not page.may_change(at):
        return None
    newline = line_ending(page.text, at)
    if habit.shape is Shape.LINE:
        return _paragraph(page, at, newline, (f"{habit.words}: {', '.join(written)}",), written)
    heading = next((leaf for leaf in page.headings if _is_for(page.read(leaf), habit)), None)
    gap = page.has_gap_below_headings()
    has_gap = habit.has_gap if gap is None else gap
    lines = [f"{'#' * _level(page, habit)} {habit.words}", *([""] if has_gap else [])]
    if habit.shape is Shape.TREE:
        body = new_tree(written, newline).split(newline)
    else:
        body = [f"{page.bullet() or habit.bullet}{link}" for link in written]
    if heading is not None and habit.shape is Shape.TREE:
        return _below(page, heading.line_end, newline, body, written)
    return _paragraph(page, at, newline, (*lines, *body), written)


def _property(page: Page, links: Sequence[NewLink], habit: Habit) -> Put | None:
    """Add the property to the YAML block, or begin the file with one."""
    front, text = page.front, page.text
    written = tuple(f"[[{link.wiki}]]" for link in links)
    if any('"' in link or "\\" in link for link in written):
        return None
    if front.start == front.end and front.body == 0:
        at = 1 if text.startswith("\ufeff") else 0
        newline = line_ending(text, at)
        items = "".join(f'  - "{link}"{newline}' for link in written)
        block = f"---{newline}{habit.words}:{newline}{items}---{newline}"
        return Put((Insertion(at, block),), written) if page.may_change(at) else None
    keys = {folded(key) for key in _KEY.findall(page.cleaned[front.start : front.end])}
    if front.problems or folded(habit.words) in keys or not page.may_change(front.end):
        return None
    newline = line_ending(text, front.start - 1)
    items = "".join(f'  - "{link}"{newline}' for link in written)
    return Put((Insertion(front.end, f"{habit.words}:{newline}{items}"),), written)


def _below(page: Page, end: int, newline: str, body: Sequence[str], written: Sequence[str]) -> Put:
    """Put lines right below a heading."""
    at = end - (page.text[end - 1 : end + 1] == "\r\n")
    text = "".join(newline + line for line in body)
    if not page.is_blank_below(at):
        text += newline
    return Put((Insertion(at, text),), tuple(written))


def _paragraph(
    page: Page, at: int, newline: str, lines: Sequence[str], written: Sequence[str]
) -> Put:
    """Put lines behind the content, apart from what stands before and behind them."""
    block = newline.join(lines)
    if not page.cleaned[page.front.body : at].strip():  # no content at all
        is_line_start = at == 0 or page.text[at - 1] in "\r\n"
        before = "" if is_line_start else newline
        return Put((Insertion(at, f"{before}{block}{newline}"),), tuple(written))
    behind = "" if page.is_blank_below(at) else newline
    return Put((Insertion(at, newline * 2 + block + behind),), tuple(written))


def _is_for(words: str, habit: Habit) -> bool:
    return bool(folded(habit.words)) and folded(words) == folded(habit.words)


def _level(page: Page, habit: Habit) -> int:
    """The level of a new heading: the habit's, else the highest that the note's others have."""
    own = [leaf.level for leaf in page.headings if page.may_change(leaf.start)]
    return habit.level or min(own, default=2)
