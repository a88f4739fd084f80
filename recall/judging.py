"""Which notes are meant when a suggestion is dismissed or accepted, and what is written of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from recall.domain import Judgement, Verdict
from recall.entries import card_of
from recall.errors import NoteNotFound, UsageError
from recall.feedback import (
    Entry,
    Feedback,
    NoteMark,
    Pair,
    followed,
    judgements,
    pair_of,
    recorded,
)
from recall.naming import file_named, find_note, shown

if TYPE_CHECKING:
    from recall.domain import BuildReport, HeadingRules
    from recall.store import Snapshot
    from recall.vault import Vault


def mark_of(note: str | Path, snapshot: Snapshot, *, vault: Vault, rules: HeadingRules) -> NoteMark:
    """What a note is recognised by, whether the index holds it or it is a draft elsewhere.

    Raises:
        NoteNotFound: No note, or several, answer to that name.
        NoteUnreadable: It is a file that can't be read as a note.
    """
    file = file_named(note)
    path = vault.relative(file) if file else None
    if file and (path is None or snapshot.card(path) is None):
        from recall.links import read_draft

        draft, stamp = read_draft(file, path, vault, rules)
        return NoteMark.of(card_of(draft), stamp.sha256)
    path = path or find_note(str(note).strip(), snapshot, folder=vault.root)
    card = snapshot.card(path)
    assert card is not None
    return NoteMark.of(card, snapshot.stamps([path])[path].sha256)


def judge(
    feedback: Feedback,
    snapshot: Snapshot,
    verdict: Verdict | None,
    note: NoteMark,
    targets: Sequence[NoteMark],
    *,
    day: date,
) -> tuple[Judgement, ...]:
    """Write down a verdict on suggestions; None lets what was dismissed be suggested again.

    Returns:
        What was written, or taken back.

    Raises:
        NoteNotFound: A target is no note of the vault.
        UsageError: A note is said to be no link of itself.
        IndexUnwritable: The system does not allow it, or the disk is full.
    """
    for target in targets:
        if snapshot.card(target.path) is None:
            raise NoteNotFound(
                f"{shown(target.path)} is no note of this vault.",
                hint="Only notes of the vault are suggested.",
            )
        if target.path == note.path:
            raise UsageError(
                f"{shown(note.title)} is never suggested for itself.", hint="Name another note."
            )
    if verdict is None:
        return _take_back(feedback, snapshot, {(note.path, target.path) for target in targets})
    new = tuple(Entry(verdict, note, target, day) for target in targets)
    feedback.change(lambda entries: recorded(entries, new, snapshot))
    return judgements(new, snapshot)


def _take_back(
    feedback: Feedback, snapshot: Snapshot, pairs: Collection[Pair]
) -> tuple[Judgement, ...]:
    dropped: tuple[Entry, ...] = ()

    def change(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        nonlocal dropped
        dropped = tuple(
            entry
            for entry in entries
            if entry.verdict is Verdict.DISMISSED and pair_of(entry, snapshot) in pairs
        )
        return tuple(entry for entry in entries if entry not in dropped)

    feedback.change(change)
    return judgements(dropped, snapshot)


def follow(feedback: Feedback, snapshot: Snapshot, report: BuildReport) -> None:
    """Keep up with notes that a build saw move, change or get an id."""
    if feedback.entries():
        feedback.change(lambda entries: followed(entries, report.moved, snapshot))
