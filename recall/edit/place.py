"""A place in a note where its author keeps links to related notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from recall.records import dataclass

if TYPE_CHECKING:
    from recall.edit.habit import Habit
    from recall.edit.insertion import Insertion, Shape
    from recall.manner import NewLink


@dataclass(frozen=True, slots=True)
class Put:
    """What is put in for some links, and each link as it is written there."""

    insertions: tuple[Insertion, ...]
    written: tuple[str, ...]


class Place(Protocol):
    """One list, line or property of one note."""

    @property
    def shape(self) -> Shape:
        """What kind of place it is."""

    @property
    def links(self) -> int:
        """How many links to notes it holds."""

    @property
    def habit(self) -> Habit:
        """How another note would be given such a place."""

    def put(self, links: Sequence[NewLink]) -> Put:
        """Add links at its end, in the manner of those that are there."""
