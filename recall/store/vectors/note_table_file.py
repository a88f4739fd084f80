"""The files beside the index that hold the table of notes; they may be deleted.

`notes.table` is the table of one state of the index, `notes.changes` what changed of it since. A
file that is damaged, or of another state, is as good as none: all is then read of the catalog.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from recall.records import dataclass, names_of, values_of
from recall.store.array_file import (
    DAMAGE,
    is_vouched,
    load_arrays,
    read_head,
    vouch,
    write_arrays,
)
from recall.store.changes import generation_of
from recall.store.files import TABLE, TABLE_CHANGES, open_to_read
from recall.store.vectors.lists import Lists
from recall.store.vectors.note_patch import Patch
from recall.store.vectors.note_table import NoteTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LAYOUT = 2
# As JSON: any `str` survives.
_WORDS = ("paths", "terms", "tag_names", "gone", "others", "counted")

Held = TypeVar("Held", NoteTable, Patch)


@dataclass(frozen=True, slots=True)
class State:
    """What a table is of."""

    born: str  # when the catalog was made: the numbers of texts mean something else in another
    built: str  # when this state of it was published, and the how-manieth it was
    space: str
    max_notes_per_text: int | None

    @property
    def generation(self) -> int:
        """The how-manieth build it is of."""
        return generation_of(self.built)

    def follows(self, other: State) -> bool:
        """Whether texts that have the same number in both are the same, with the same vector."""
        mine = (self.born, self.space, self.max_notes_per_text)
        return bool(self.born) and mine == (other.born, other.space, other.max_notes_per_text)


class TableFile(Generic[Held]):
    """One of the two files."""

    def __init__(self, directory: Path, name: str, kind: type[Held]) -> None:
        self._directory = directory
        self._file = directory / name
        self._kind: type[Held] = kind

    def is_there(self) -> bool:
        """Whether something stands in the file's place."""
        return os.path.lexists(self._file)

    def head(self) -> tuple[State, str | None] | None:
        """What it is of, and since when; None if there is none, or its head is damaged."""
        try:
            with open_to_read(self._file) as file:
                return _of(read_head(file).of)
        except DAMAGE:
            return None

    def is_vouched(self) -> bool:
        """Whether the file looks as it did when its content was known to be right."""
        return is_vouched(self._directory, self._file.name)

    def load(self, *, whole: bool = False) -> tuple[State, str | None, Held] | None:
        """What it is of, since when, and what it holds; None if there is none, or it is damaged.

        Args:
            whole: Compare it even where the seal vouches for it.
        """
        try:
            head, arrays = load_arrays(self._directory, self._file.name, whole=whole)
            state, since = _of(head)
            return state, since, _held(self._kind, arrays)
        except DAMAGE:
            return None

    def keep(self, state: State, held: Held, *, since: str | None = None) -> None:
        """Put a file in place of the one before, whole or not at all; readable by its owner.

        A folder that can't be written to costs time only.
        """
        of = {"layout": LAYOUT, "of": values_of(state), "since": since}
        with suppress(OSError):
            write_arrays(self._directory, self._file.name, of, _arrays(held))
            self.vouch()

    def remove(self) -> None:
        """Take it away, if the system lets us."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
        self.vouch()  # somebody else may have taken it away

    def vouch(self) -> None:
        """Have the seal say that the file is what was written, or is gone."""
        vouch(self._directory, self._file.name)


def table_file(directory: Path) -> TableFile[NoteTable]:
    """The table of some state."""
    return TableFile(directory, TABLE, NoteTable)


def changes_file(directory: Path) -> TableFile[Patch]:
    """What changed of it since."""
    return TableFile(directory, TABLE_CHANGES, Patch)


def states(directory: Path) -> Iterator[State]:
    """What is kept is of these."""
    for file in (table_file(directory), changes_file(directory)):
        if (head := file.head()) is not None:
            yield head[0]


def _of(head: Mapping[str, Any]) -> tuple[State, str | None]:
    if head["layout"] != LAYOUT:
        raise ValueError("another layout")
    return State(**head["of"]), head.get("since")


def _held(kind: type[Held], arrays: Mapping[str, NDArray[Any]]) -> Held:
    parts: dict[str, Any] = {}
    for name in names_of(kind):
        if name in _WORDS:
            parts[name] = tuple(json.loads(arrays[name].tobytes()))
        elif f"{name}.starts" in arrays:
            parts[name] = Lists(arrays[f"{name}.starts"], arrays[f"{name}.items"])
        else:
            parts[name] = arrays[name]
    return kind(**parts)


def _arrays(held: NoteTable | Patch) -> dict[str, NDArray[Any]]:
    """Every part as arrays of numbers."""
    found: dict[str, NDArray[Any]] = {}
    for name, part in values_of(held).items():
        if isinstance(part, Lists):
            found[f"{name}.starts"] = part.starts
            found[f"{name}.items"] = part.items
        elif isinstance(part, tuple):
            found[name] = np.frombuffer(json.dumps(part).encode(), np.uint8)
        else:
            found[name] = part
    return found
