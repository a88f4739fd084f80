"""What an edit is: text put in between what stands there. Nothing is ever taken out or replaced.

So an edit can be taken back exactly, and can lose nothing: without its insertions the new text is
the old one, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.manner import NewLink

_END_OF_LINE = regex(r"\r\n|\r|\n")


class Shape(StrEnum):
    """How authors keep the links to related notes."""

    TREE = "tree"  # the `related` list in an HTML linkage tree
    LIST = "list"  # a Markdown list under a heading, a callout or a line such as `See also:`
    LINE = "line"  # `Links: [[a]], [[b]]`, or links alone in a paragraph under such a heading
    PROPERTY = "property"  # a `related:` list in the frontmatter
    MENTION = "mention"  # the words of the prose that are the other note's name


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text that is put in at an offset of the old text."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Added:
    """One link that an edit adds: which, as what, and where."""

    link: NewLink
    written: str
    shape: Shape
    line: int  # 1-based, in the new text


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one note's text; without insertions it changes nothing."""

    path: str
    old: str
    insertions: tuple[Insertion, ...] = ()  # by offset; two of one offset in this order
    added: tuple[Added, ...] = ()

    @property
    def new(self) -> str:
        """The text with everything put in."""
        return put_in(self.old, self.insertions)


def put_in(old: str, insertions: Iterable[Insertion]) -> str:
    """Put text in at offsets of the old text."""
    pieces: list[str] = []
    done = 0
    for insertion in insertions:
        pieces += (old[done : insertion.at], insertion.text)
        done = insertion.at
    return "".join((*pieces, old[done:]))


def take_out(new: str, insertions: Iterable[Insertion]) -> str | None:
    """Undo `put_in`; None if the text does not hold what was put in, where it was."""
    pieces: list[str] = []
    done = moved = 0
    for insertion in insertions:
        start = insertion.at + moved
        if start < done or not new.startswith(insertion.text, start):
            return None
        pieces.append(new[done:start])
        moved += len(insertion.text)
        done = start + len(insertion.text)
    return "".join((*pieces, new[done:]))


def joined(insertions: Iterable[Insertion]) -> tuple[Insertion, ...]:
    """Insertions in order, those of one offset made one."""
    ordered = sorted(insertions, key=lambda insertion: insertion.at)  # stable
    return tuple(
        Insertion(at, "".join(item.text for item in group))
        for at, group in groupby(ordered, key=lambda insertion: insertion.at)
    )


def line_of(text: str, at: int) -> int:
    """The 1-based number of the line in which an offset lies."""
    return 1 + sum(1 for _ in _END_OF_LINE.finditer(text, 0, at))


def end_of_line(text: str, at: int) -> int:
    """Where the line of an offset ends, before what ends it."""
    if at and text[at - 1 : at + 1] == "\r\n":
        return at - 1
    found = _END_OF_LINE.search(text, at)
    return found.start() if found else len(text)


def line_ending(text: str, at: int) -> str:
    """What ends the line of an offset; for the last line what ended the one before, else a LF."""
    found = _END_OF_LINE.search(text, end_of_line(text, at))
    if found is None:
        before = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at))
        found = _END_OF_LINE.search(text, max(0, before - 1)) if before >= 0 else None
    return found.group() if found else "\n"


def added_lines(edit: Edit, written: Sequence[str]) -> list[int]:
    """The line of the new text in which each of the written links begins."""
    new, moved, places = edit.new, 0, []
    for insertion in edit.insertions:
        start = insertion.at + moved
        moved += len(insertion.text)
        places.append((start, start + len(insertion.text)))
    lines = []
    for text in written:
        spots = (
            new.find(text, max(0, start - len(text)), end + len(text)) for start, end in places
        )
        at = next((spot for spot in spots if spot >= 0), places[0][0] if places else 0)
        lines.append(line_of(new, at))
    return lines
