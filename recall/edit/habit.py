"""How the notes of a vault keep their links to related notes, for a note that has no place yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from recall.edit.insertion import Shape
from recall.records import dataclass, replace

_T = TypeVar("_T")
LEAST_NOTES = 3  # that must do it alike; fewer are no habit


@dataclass(frozen=True, slots=True)
class Habit:
    """One manner of keeping links to related notes, with the author's own words for it."""

    shape: Shape = Shape.LIST
    words: str = "Related"  # the heading, the label of the line, or the key of the property
    level: int | None = None  # of the heading; None: that of the note's other headings
    bullet: str = "- "
    has_gap: bool = True  # whether a blank line follows headings


DEFAULT = Habit()


def common_habit(habits: Iterable[Habit]) -> Habit:
    """What most notes do: the commonest shape, and in it the commonest words, level and bullet."""
    every = list(habits)
    counted = Counter(habit.shape for habit in every)
    shape = max(counted, key=lambda shape: (counted[shape], shape), default=None)
    if shape is None or counted[shape] < LEAST_NOTES:
        return DEFAULT
    alike = [habit for habit in every if habit.shape is shape]
    words, level = _commonest((habit.words, habit.level) for habit in alike)
    return replace(
        DEFAULT,
        shape=shape,
        words=words,
        level=level,
        bullet=_commonest(habit.bullet for habit in alike),
        has_gap=_commonest(habit.has_gap for habit in alike),
    )


def _commonest(values: Iterable[_T]) -> _T:
    counted = Counter(values)
    return max(counted, key=lambda value: (counted[value], str(value)))
