"""The table of notes: from the process, from its file, or read of the index, whichever is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from recall.store.vectors import note_table_file as file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recall.store.shelf import Shelf
    from recall.store.vectors.note_table import NoteTable
    from recall.store.vectors.note_table_file import State


class Reader(Protocol):
    """Reads the table of the catalog and the vectors."""

    def __call__(self, *, before: NoteTable | None = None) -> NoteTable:
        """`before`: an earlier one of the same texts, of which means may be taken over."""


def table_of(state: State, read: Reader, directory: Path, shelf: Shelf) -> NoteTable:
    """The table of this state; left on the shelf."""
    kept = shelf.table
    if kept is None or kept[0] != state:
        kept = file.load(directory, state)
    if kept is None or kept[0] != state or not state.born:
        kept = state, _read(read, state, kept)
    shelf.table = kept
    return kept[1]


def keep(state: State, read: Reader, directory: Path, shelf: Shelf, *, anew: bool) -> None:
    """Write the table beside the index, unless one of this state is there.

    Args:
        state: What is read.
        read: Reads it.
        directory: Of the index. If it can't be written to, that costs time only.
        shelf: Where the table is left.
        anew: Write it even so, and take nothing over from what is there.
    """
    kept = file.load(directory, state)
    if anew or kept is None or kept[0] != state:
        table = _read(read, state, None if anew else kept)
        file.keep(directory, state, table)
        shelf.table = state, table


def why_unsound(
    state_with: Callable[[int | None], State], reader_of: Callable[[State], Reader], directory: Path
) -> str | None:
    """How the file differs from what the index says; None if it does not, or is not there."""
    if not file.is_there(directory):
        return None
    kept = file.load(directory, whole=True)
    if kept is None:
        return "it is not what was written"
    state, table = kept
    if state != state_with(state.max_notes_per_text):
        return None  # of another state: nobody asks it
    parts = table.differences(reader_of(state)())
    return f"it differs from the index in {', '.join(parts)}" if parts else None


def _read(read: Reader, state: State, before: tuple[State, NoteTable] | None) -> NoteTable:
    if before is None or not state.follows(before[0]):
        return read()
    return read(before=before[1])
