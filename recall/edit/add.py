"""Add links to a note: in prose that names their targets, in its own list, or in a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from recall.domain import DEFAULT_RULES, HeadingRules
from recall.edit.bullets import find_lists
from recall.edit.check import Resolve, is_sound
from recall.edit.fresh import begin
from recall.edit.habit import DEFAULT, Habit
from recall.edit.insertion import (
    Added,
    Edit,
    Insertion,
    Shape,
    added_lines,
    joined,
    put_in,
)
from recall.edit.lines import find_rows
from recall.edit.mentions import link_mention
from recall.edit.page import Page
from recall.edit.properties import find_properties
from recall.edit.tree import find_trees
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.edit.place import Place, Put
    from recall.manner import NewLink

MOST_PLACES = 10  # that are tried: each takes a reading of the whole note


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A link that could not be added, and why, in words for the author."""

    link: NewLink
    reason: str


def add_links(
    path: str,
    text: str,
    links: Sequence[NewLink],
    resolve: Resolve,
    *,
    habit: Callable[[], Habit] = lambda: DEFAULT,
    rules: HeadingRules = DEFAULT_RULES,
    mentions: bool = False,
) -> tuple[Edit, tuple[Unplaced, ...]]:
    """Put links into the text of a note.

    Args:
        path: Of the note, as its links are seen from.
        text: Its characters exactly.
        links: What is wanted, in the order of the list; one that is there already is left out.
        resolve: Tells which note a link of this note means.
        habit: Gives how the vault's notes keep such links; asked only for a note without a place.
        rules: What headings mean.
        mentions: Whether a mention in the prose becomes the link, where there is one.

    Returns:
        The edit, and the links it does not hold, each with the reason.
    """
    page = Page(path, text, rules)
    there = {resolve(link) for link in page.note.links}
    missing: list[Unplaced] = [
        Unplaced(link, "linked already") for link in links if link.path in there
    ]
    wanted = list({link.path: link for link in links if link.path not in there}.values())
    if reason := _hands_off(page):
        missing += [Unplaced(link, reason) for link in wanted]
        return Edit(path, text), tuple(missing)
    puts: list[tuple[Put, Shape, Sequence[NewLink]]] = []
    if mentions:
        for link in tuple(wanted):
            found = _first_sound(page, [link], resolve, link_mention(page, link), puts)
            if found:
                puts.append((*found, [link]))
                wanted.remove(link)
    if wanted:
        found = _first_sound(page, wanted, resolve, _ways(page, wanted, habit), puts)
        if found:
            puts.append((*found, wanted))
        else:
            reason = "no place was found where the note would read it as a link"
            missing += [Unplaced(link, reason) for link in wanted]
    return _edit(page, puts), tuple(missing)


def habit_of(path: str, text: str, rules: HeadingRules = DEFAULT_RULES) -> Habit | None:
    """How one note keeps its links to related notes; None if it has no place with any."""
    places = [place for place in _places(Page(path, text, rules)) if place.links]
    return places[0].habit if places else None


def _places(page: Page) -> list[Place]:
    """The places that the author made, the one with most links first."""
    found: list[Place] = [
        *find_trees(page),
        *find_lists(page),
        *find_rows(page),
        *find_properties(page),
    ]
    return sorted(found, key=lambda place: -place.links)[:MOST_PLACES]  # stable


def _ways(
    page: Page, links: Sequence[NewLink], habit: Callable[[], Habit]
) -> Iterator[tuple[Put, Shape]]:
    """Every way to add the links, the best first."""
    for place in _places(page):
        yield place.put(links), place.shape
    for manner in dict.fromkeys((habit(), DEFAULT)):
        for is_last in (False, True):
            put = begin(page, links, manner, is_last=is_last)
            if put is not None:
                yield put, manner.shape


def _first_sound(
    page: Page,
    links: Sequence[NewLink],
    resolve: Resolve,
    ways: Iterator[tuple[Put, Shape]],
    before: Sequence[tuple[Put, Shape, Sequence[NewLink]]],
) -> tuple[Put, Shape] | None:
    """The first way that does what is wanted, alone and together with what is put in already."""
    for put, shape in ways:
        alone = put_in(page.text, joined(put.insertions))
        if not is_sound(page, Page(page.path, alone, page.rules), links, shape, resolve):
            continue
        if not before:
            return put, shape
        if _is_free(put, before):
            return put, shape
    return None


def _is_free(put: Put, before: Sequence[tuple[Put, Shape, Sequence[NewLink]]]) -> bool:
    """Whether a change touches no mention that another change made a link."""
    for other, shape, _ in before:
        if shape is not Shape.MENTION:
            continue
        start, end = other.insertions[0].at, other.insertions[-1].at
        if any(start <= insertion.at <= end for insertion in put.insertions):
            return False
    return True


def _edit(page: Page, puts: Sequence[tuple[Put, Shape, Sequence[NewLink]]]) -> Edit:
    insertions: tuple[Insertion, ...] = joined(
        insertion for put, _, _ in puts for insertion in put.insertions
    )
    edit = Edit(page.path, page.text, insertions)
    written = [text for put, _, _ in puts for text in put.written]
    placed = [(link, shape) for _, shape, links in puts for link in links]
    lines = added_lines(edit, written)
    added = tuple(
        Added(link, text, shape, line)
        for (link, shape), text, line in zip(placed, written, lines, strict=True)
    )
    return Edit(page.path, page.text, insertions, added)


def _hands_off(page: Page) -> str:
    """Why a note is not to be edited at all; empty if it may be."""
    front = page.cleaned[page.front.start : page.front.end]
    for key, kind in (("kanban-plugin", "a kanban board"), ("excalidraw-plugin", "a drawing")):
        if f"{key}:" in front:
            return f"the note is {kind}, which a program keeps in a form of its own"
    return ""
