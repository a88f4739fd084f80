"""Write edits into notes: each note wholly or not at all, each on record before it is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recall.applying.journal import (
    Journal,
    Record,
    clear_leftovers,
    sha256_of,
    without_oldest,
)
from recall.errors import NoteChanged, NoteUnreadable, RecallError
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.edit import Edit
    from recall.vault import Vault


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one edit."""

    edit: Edit
    is_written: bool = False
    error: RecallError | None = None  # why it was not written; the note is as it was


def new_application() -> str:
    """The name of an application that begins now; no other has it."""
    return f"{_now():%Y%m%dT%H%M%S.%f}-{os.getpid()}"


@dataclass(frozen=True, slots=True)
class _Writing:
    """One application at work; other processes write no notes meanwhile."""

    vault: Vault
    journal: Journal
    name: str
    was_asked: bool

    def write(self, edit: Edit) -> Outcome:
        """Write one note; an edit that changes nothing touches nothing."""
        if not edit.insertions:
            return Outcome(edit)
        record = Record(
            application=self.name,
            at=_now().isoformat(timespec="seconds"),
            path=edit.path,
            old_sha256=sha256_of(edit.old),
            new_sha256=sha256_of(edit.new),
            insertions=edit.insertions,
            links=tuple(added.written for added in edit.added),
            accepted=accepted_in(edit) if self.was_asked else (),
        )
        try:
            self._check(record)
            start = self.journal.append(record)
            try:
                self.vault.replace(edit.path, edit.new, expected_sha256=record.old_sha256)
            except RecallError:
                self.journal.cut(start)  # the note was not touched: there is nothing to undo
                raise
        except RecallError as error:
            return Outcome(edit, error=error)
        return Outcome(edit, is_written=True)

    def _check(self, record: Record) -> None:
        """Refuse early what `replace` would refuse, so that no record is made for nothing."""
        try:
            _, stamp = self.vault.read(record.path)
        except NoteUnreadable as error:
            raise NoteChanged(
                f"{record.path} can't be read any more: {error.message}.",
                hint="Ask for suggestions again.",
            ) from error
        if stamp.sha256 != record.old_sha256:
            raise NoteChanged(
                f"{record.path} was changed by another program meanwhile; nothing was written.",
                hint="Ask for suggestions again.",
            )


def write_all(
    edits: Sequence[Edit],
    vault: Vault,
    journal: Journal,
    *,
    application: str,
    was_asked: bool = False,
) -> list[Outcome]:
    """Write several notes; what fails in one note does not stop the others.

    Args:
        edits: One a note.
        vault: The notes.
        journal: Where each is put on record before it is written.
        application: Its name (`new_application`); several calls may write for one.
        was_asked: Whether the author said yes to each link; the record then says so.

    Returns:
        What became of each edit.

    Raises:
        IndexBusy: Another process is writing notes.
        IndexUnwritable: The record can't be kept, so nothing is written.
        JournalDamaged: The record can't be read, so nothing is written.
    """
    with journal.alone():
        records = journal.records()
        clear_leftovers(records, vault)
        if len(kept := without_oldest(records)) < len(records):
            journal.keep(kept)
        writing = _Writing(vault, journal, application, was_asked)
        return [writing.write(edit) for edit in edits]


def accepted_in(edit: Edit) -> tuple[str, ...]:
    """The notes that an edit links, by path."""
    return tuple(added.link.path for added in edit.added)


def _now() -> datetime:
    return datetime.now(UTC)
