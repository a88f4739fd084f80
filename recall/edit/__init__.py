"""Accepted links → the note's text with them in it, and nothing else changed.

The way through: `page` parses the note; `tree`, `bullets`, `lines` and `properties` find the places
where the author keeps such links, `fresh` makes one by the `habit` of the vault, `mentions` finds
names in the prose; `add` takes the first way that `check` finds sound.
"""

from __future__ import annotations

from recall.edit.add import Unplaced, add_links, habit_of
from recall.edit.difference import unified
from recall.edit.habit import DEFAULT, Habit, common_habit
from recall.edit.insertion import Added, Edit, Insertion, Shape, put_in, take_out
from recall.manner import NewLink

__all__ = [
    "DEFAULT",
    "Added",
    "Edit",
    "Habit",
    "Insertion",
    "NewLink",
    "Shape",
    "Unplaced",
    "add_links",
    "common_habit",
    "habit_of",
    "put_in",
    "take_out",
    "unified",
]
