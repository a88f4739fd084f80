"""What a process keeps of an index between two looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recall.store.vectors.note_table import NoteTable
    from recall.store.vectors.note_table_file import State


class Shelf:
    """The latest table of notes; whoever takes it down sees first that it is of what he reads."""

    def __init__(self) -> None:
        self.table: tuple[State, NoteTable] | None = None
