"""Take the last application back: every note it wrote says again what it said before."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from recall.applying.journal import (
    Journal,
    Record,
    clear_leftovers,
    last_application,
    sha256_of,
)
from recall.errors import NoteChanged, NoteUnreadable, NothingToUndo, RecallError
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.vault import Vault

LISTED = 5  # notes named in an error before the rest is only counted


class State(StrEnum):
    """What undo finds of one note, or makes of it."""

    RESTORED = "restored"  # it says again what it said before
    AS_BEFORE = "as-before"  # it did already
    CHANGED = "changed"  # it was edited since, so it was left alone
    GONE = "gone"  # it was deleted or moved since
    FAILED = "failed"  # it could not be written; `reason` tells


@dataclass(frozen=True, slots=True)
class Restored:
    """One note of the application that is taken back."""

    path: str
    state: State
    links: tuple[str, ...] = ()  # what is taken out, as written
    new: str = ""  # the text that the application had written, where the note still holds it
    old: str = ""  # the text before it
    reason: str = ""
    accepted: tuple[str, ...] = ()  # the notes linked that the author had said yes to, by path

    @property
    def withdrawn(self) -> tuple[str, ...]:
        """The notes of which it is no longer remembered that they were accepted for this one."""
        return self.accepted if self.state in {State.RESTORED, State.AS_BEFORE} else ()


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, or would be."""

    application: str
    at: str  # when it was applied: ISO 8601, UTC
    notes: tuple[Restored, ...]
    is_written: bool = True


def undo(
    vault: Vault, journal: Journal, *, only_unchanged: bool = False, is_rehearsal: bool = False
) -> Undone:
    """Take the last application back.

    Args:
        vault: Whose notes were written.
        journal: The applications on record.
        only_unchanged: Leave notes that were edited since as they are, instead of refusing.
        is_rehearsal: Say what would be done, and write nothing.

    Raises:
        NothingToUndo: No application is on record.
        NoteChanged: A note of it was edited, moved or deleted since; then none is written.
        IndexBusy: Another process is writing notes.
        JournalDamaged: The record can't be read.
    """
    if not journal.exists:
        raise _nothing()  # and no folder is made for an index that is not there
    with journal.alone():
        records = journal.records()
        clear_leftovers(records, vault)
        last = last_application(records)
        if not last:
            raise _nothing()
        found = [(record, _look(record, vault)) for record in last]
        lost = [note for _, note in found if note.state in {State.CHANGED, State.GONE}]
        if lost and not only_unchanged:
            raise _refusal(lost, len(last))
        if is_rehearsal:
            return Undone(
                last[0].application, last[0].at, tuple(n for _, n in found), is_written=False
            )
        done = [(record, _restore(record, note, vault)) for record, note in found]
        failed = {record.path for record, note in done if note.state is State.FAILED}
        name = last[0].application
        journal.keep([r for r in records if r.application != name or r.path in failed])
    return Undone(name, last[0].at, tuple(note for _, note in done))


def _look(record: Record, vault: Vault) -> Restored:
    try:
        text, _ = vault.read(record.path)
    except NoteUnreadable as error:
        return Restored(record.path, State.GONE, record.links, reason=error.message)
    if sha256_of(text) == record.old_sha256:
        return Restored(record.path, State.AS_BEFORE, record.links, accepted=record.accepted)
    old = record.old_text(text)
    if old is None:
        return Restored(record.path, State.CHANGED, record.links, reason="edited since")
    return Restored(
        record.path, State.RESTORED, record.links, new=text, old=old, accepted=record.accepted
    )


def _restore(record: Record, note: Restored, vault: Vault) -> Restored:
    if note.state is not State.RESTORED:
        return note
    try:
        vault.replace(record.path, note.old, expected_sha256=record.new_sha256)
    except RecallError as error:
        return Restored(record.path, State.FAILED, record.links, reason=error.message)
    return note


def _nothing() -> NothingToUndo:
    return NothingToUndo(
        "There is nothing to take back: no application is on record.",
        hint="recall undo takes back what suggest-links --apply wrote.",
    )


def _refusal(lost: list[Restored], total: int) -> NoteChanged:
    if total == 1:
        what = "edited" if lost[0].state is State.CHANGED else "moved or deleted"
        return NoteChanged(
            f"The last application is not taken back: {lost[0].path} was {what} since.",
            hint="Take its links out by hand. recall undo --unchanged then goes past it.",
        )
    named = ", ".join(note.path for note in lost[:LISTED])
    if len(lost) > LISTED:
        named += f" and {len(lost) - LISTED:,} more"
    return NoteChanged(
        f"The last application is not taken back: of its {total:,} notes, these were edited, "
        f"moved or deleted since: {named}.",
        hint="recall undo --unchanged takes back the others.",
    )
