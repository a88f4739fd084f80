"""The table of notes: from the process, from its files, or read of the index, whichever is right.

A file holds the table of some state, another what changed since. Once that is much, both become
one file again, so that a change costs what it changes, and now and then a copy of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.records import dataclass, replace
from recall.store.changes import changes_since, comes_of
from recall.store.lexical import note_count
from recall.store.vectors.note_patch import Carried, Patch, carried, patched
from recall.store.vectors.note_table_file import changes_file, table_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recall.store.changes import Changes
    from recall.store.database import Database
    from recall.store.shelf import Shelf
    from recall.store.vectors.note_table import NoteTable
    from recall.store.vectors.note_table_file import State
    from recall.store.vectors.segments import Segments

FEW = 64  # changed notes, of which a file of their own is kept in any vault
SHARE = 100  # of the notes, as one in so many: of more, the whole table is written
MOST_BUILDS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """The table of one state."""

    state: State
    table: NoteTable
    carried: Carried | None = None  # from the table that is kept, where that is of an earlier state


class KeptTable:
    """The table of the state that is read."""

    def __init__(
        self, state: State, database: Database, segments: Segments, directory: Path, shelf: Shelf
    ) -> None:
        self._state = state
        self._db = database
        self._segments = segments
        self._shelf = shelf
        self._file = table_file(directory)
        self._changes = changes_file(directory)

    def open(self) -> Opened:
        """The table; left on the shelf."""
        opened = self._shelf.table
        if opened is None or opened.state != self._state or not self._state.born:
            opened = self._of_files() or Opened(self._state, self._read())
        self._shelf.table = opened
        return opened

    def keep(self, *, anew: bool, whole: bool) -> None:
        """Write down what is not kept yet. A folder that can't be written to costs time only.

        Args:
            anew: Write all of it, and take nothing over from what is there.
            whole: Write it as one file, however little changed.
        """
        head = None if anew else self._file.head()
        kept = head[0] if head is not None and self._is_sound() else None
        if kept is None or not self._state.follows(kept):
            self._keep_whole(self._read())
        elif kept != self._state:
            patch = self._patch_since(kept)
            many = max(FEW, note_count(self._db) // SHARE)
            builds = self._state.generation - kept.generation
            if patch is None or whole or len(patch) > many or builds > MOST_BUILDS:
                self._keep_whole(self._laid_over(patch))
            else:
                if self._changes.head() != (self._state, kept.built):
                    self._changes.keep(self._state, patch, since=kept.built)
                self._vouch_for(kept)
        else:
            self._changes.remove()  # of an earlier one
            self._vouch_for(kept)

    def is_told_from(self, built: str) -> bool:
        """Whether what is kept is the table of an earlier state and what changed since.

        Args:
            built: When the index was built in that state.
        """
        head = self._file.head()
        is_earlier = head is not None and head[0].built == built and self._state.follows(head[0])
        return is_earlier and self._changes.head() == (self._state, built)

    def why_unsound(self) -> str | None:
        """How the files differ from what the index says; None if they do not, or are not there."""
        if not self._file.is_there():
            return None
        whole, changes = self._file.load(whole=True), None
        if self._changes.is_there():
            changes = self._changes.load(whole=True)
            if changes is None:
                return "what changed of it is not what was written"
        if whole is None:
            return "it is not what was written"
        state, _, table = whole
        if changes is not None and changes[:2] == (self._state, state.built):
            state, (table, _) = changes[0], patched(table, changes[2])
        if state != self._state:
            return None  # of another state: nobody asks it
        parts = table.differences(self._read())
        return f"it differs from the index in {', '.join(parts)}" if parts else None

    def _is_sound(self) -> bool:
        return self._file.is_vouched() or self._file.load() is not None

    def _vouch_for(self, kept: State) -> None:
        """Spare the next one comparing a file that was found right, and is of use."""
        if not self._file.is_vouched() and (kept == self._state or self.is_told_from(kept.built)):
            self._file.vouch()

    def _of_files(self) -> Opened | None:
        kept = self._file.load()
        if kept is None or not self._state.follows(kept[0]):
            return None
        state, _, base = kept
        self._vouch_for(state)
        if state == self._state:
            base.means.flags.writeable = False
            return Opened(state, base)
        patch = self._patch_since(state)
        if patch is None:
            return Opened(self._state, self._read(kept))
        table, rows = patched(base, patch)
        return Opened(self._state, table, carried(base, table, rows, state.built))

    def _laid_over(self, patch: Patch | None) -> NoteTable:
        """The table that is kept with a patch; read anew where either is missing."""
        kept = self._file.load()
        if kept is None or patch is None:
            return self._read(kept)
        return patched(kept[2], patch)[0]

    def _keep_whole(self, table: NoteTable) -> None:
        self._file.keep(self._state, table)
        self._changes.remove()
        self._shelf.table = Opened(self._state, table)

    def _patch_since(self, kept: State) -> Patch | None:
        """What changed since the state that a table is kept of; None if nobody wrote that down."""
        earlier = self._changes.load()
        if earlier is None or earlier[1] != kept.built or not self._state.follows(earlier[0]):
            earlier = None
        elif earlier[0] == self._state:
            return earlier[2]
        from recall.store.vectors.note_reading import read_patch  # late: mostly there is no need

        limit = self._state.max_notes_per_text
        changes = changes_since(self._db, kept.built, self._state.built, limit)
        if changes is None:
            return None
        counted: Mapping[str, int] = {}
        if earlier is not None and (later := self._changed_since(earlier[0])) is not None:
            # What was counted then still holds, but for these.
            counted, changes = earlier[2].frequency, replace(changes, terms=later.terms)
        return read_patch(self._db, self._segments, limit, changes, counted=counted)

    def _changed_since(self, state: State) -> Changes | None:
        return changes_since(self._db, state.built, self._state.built, None)

    def _read(self, kept: tuple[State, str | None, NoteTable] | None = None) -> NoteTable:
        """Read it of the index; what an earlier one of the same catalog says is taken over."""
        from recall.store.vectors.note_reading import read_table  # late: mostly there is no need

        limit = self._state.max_notes_per_text
        is_known = kept is not None and comes_of(self._db, kept[0].built)
        before = kept[2] if kept is not None and is_known else None
        return read_table(self._db, self._segments, limit, before=before)
