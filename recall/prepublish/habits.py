"""Which sections the notes of a vault have, so that one without them stands out."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from recall.domain import Facet
from recall.records import dataclass

WATCHED = (Facet.CLAIM, Facet.SIGNALS, Facet.TAKE)
LEAST_NOTES = 10  # fewer make no habit
LEAST_SHARE = 0.8  # of the notes have it


@dataclass(frozen=True, slots=True)
class Habit:
    """A section that most notes of a folder, or of the vault, have."""

    facet: Facet
    share: float  # of the notes
    folder: str | None  # None: of the whole vault


class Habits:
    """The sections of every note, by folder."""

    def __init__(self, facets: Mapping[str, frozenset[str]]) -> None:
        """Count them; `facets` has the facets of each note by path."""
        self._known: dict[str | None, tuple[Habit, ...]] = {None: _habits(facets, None)}
        folders: dict[str, dict[str, frozenset[str]]] = {}
        for path, found in facets.items():
            folders.setdefault(posixpath.dirname(path), {})[path] = found
        for folder, held in folders.items():
            if len(held) >= LEAST_NOTES:
                self._known[folder] = _habits(held, folder)

    def at(self, path: str) -> tuple[Habit, ...]:
        """What a note at this path is expected to have."""
        folder = posixpath.dirname(path)
        return self._known[folder if folder in self._known else None]


def _habits(held: Mapping[str, frozenset[str]], folder: str | None) -> tuple[Habit, ...]:
    if len(held) < LEAST_NOTES:
        return ()
    shares = {
        facet: sum(facet.value in found for found in held.values()) / len(held) for facet in WATCHED
    }
    return tuple(
        Habit(facet, share, folder) for facet, share in shares.items() if share >= LEAST_SHARE
    )
