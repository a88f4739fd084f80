"""Plan edits for the notes of one vault: spelled and placed as its authors do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from recall.applying.apply import Outcome, accepted_in, new_application, write_all
from recall.applying.journal import Journal
from recall.applying.undo import Undone, undo
from recall.domain import (
    HeadingRules,
    Link,
    LinkPlace,
    NoteSuggestions,
    Suggestion,
    Verdict,
)
from recall.edit import Edit, Habit, NewLink, Unplaced, add_links, common_habit, habit_of
from recall.errors import NoteUnreadable, RecallError, UsageError
from recall.feedback import Entry, Feedback, NoteMark, recorded, withdrawn
from recall.manner import Manner, manner_of, new_link
from recall.names import Resolver
from recall.records import dataclass, replace

if TYPE_CHECKING:
    from recall.store import Snapshot
    from recall.vault import Vault

SAMPLED_PLACES = 60  # notes that are read to learn where the vault keeps such links


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be written into one note, and what could not be."""

    note: NoteSuggestions  # with the suggestions that were accepted
    edit: Edit
    unplaced: tuple[Unplaced, ...] = ()


class Editor:
    """Writes accepted links into the notes of a vault, and takes that back."""

    def __init__(
        self,
        vault: Vault,
        folder: Path,
        rules: HeadingRules,
        read: Callable[[], AbstractContextManager[Snapshot]],
    ) -> None:
        """Make an editor.

        Args:
            vault: The notes.
            folder: Of the index, where the journal is kept, and what the author said.
            rules: What headings mean.
            read: Opens the index.
        """
        self._vault = vault
        self._rules = rules
        self._read = read
        self._feedback = Feedback(folder)
        self.journal = Journal(folder)

    def plan(self, note: NoteSuggestions, *, mentions: bool = False) -> Plan:
        """What a note becomes with these links in it; writes nothing.

        Args:
            note: A note of this vault, and the suggestions to write, in this order.
            mentions: Whether a mention of the other note in the prose becomes the link.

        Raises:
            UsageError: The note lies outside of the vault.
            NoteUnreadable: It can't be read.
        """
        path = note.path
        if not self._vault.may_hold(path):
            raise UsageError(
                f"{path} is no note of this vault; recall writes to no other.",
                hint="Move it into the vault, or paste the links by hand.",
            )
        try:
            text, _ = self._vault.read(path)
        except NoteUnreadable as error:
            raise NoteUnreadable(f"{path}: {error.message}.", hint="Name another note.") from error
        with self._read() as snapshot:
            resolver = Resolver(snapshot.lookup)
            manner = manner_of(snapshot.links_from(path), self._manner)
            links = [_wanted(item, resolver, path, manner) for item in note.suggestions]

            def resolve(link: Link) -> str | None:
                return resolver.resolve_link(link, source=path).path

            edit, unplaced = add_links(
                path,
                text,
                links,
                resolve,
                habit=lambda: self._habit,
                rules=self._rules,
                mentions=mentions,
            )
        return Plan(note, edit, unplaced)

    def write(
        self,
        edits: Sequence[Edit],
        *,
        application: str | None = None,
        was_asked: bool = False,
    ) -> list[Outcome]:
        """Write edits, as one application that `undo` takes back; see `write_all`.

        Args:
            edits: One a note.
            application: Its name; several calls may write for one.
            was_asked: Whether the author said yes to each link. That is remembered then, until
                `undo` takes the link back.
        """
        name = application or new_application()
        if was_asked:
            self._feedback.entries()  # if they can't be remembered, say so before a note changes
        outcomes = write_all(
            edits, self._vault, self.journal, application=name, was_asked=was_asked
        )
        if was_asked:
            self._remember([outcome.edit for outcome in outcomes if outcome.is_written])
        return outcomes

    def undo(self, *, only_unchanged: bool = False, is_rehearsal: bool = False) -> Undone:
        """Take the last application back; see `undo`. That its links were accepted is forgotten."""
        done = undo(
            self._vault, self.journal, only_unchanged=only_unchanged, is_rehearsal=is_rehearsal
        )
        if done.is_written:
            self._forget(done)
        return done

    def _remember(self, edits: Sequence[Edit]) -> None:
        today = datetime.now().astimezone().date()
        with self._read() as snapshot:
            stamps = snapshot.stamps()

            def mark(path: str) -> NoteMark | None:
                card = snapshot.card(path)
                return NoteMark.of(card, stamps[path].sha256) if card else None

            new = [
                Entry(Verdict.ACCEPTED, note, target, today)
                for edit in edits
                if (note := mark(edit.path))
                for path in accepted_in(edit)
                if (target := mark(path))
            ]
            self._feedback.change(lambda entries: recorded(entries, new, snapshot))

    def _forget(self, done: Undone) -> None:
        pairs = {(note.path, path) for note in done.notes for path in note.withdrawn}
        if not pairs:
            return
        with ExitStack() as stack:
            try:
                snapshot = stack.enter_context(self._read())
            except RecallError:  # an index of another version: then the names on record are right
                snapshot = None
            self._feedback.change(lambda entries: withdrawn(entries, pairs, snapshot))

    @cached_property
    def _manner(self) -> Manner:
        from recall.links.written import vault_manner  # late: `recall undo` suggests nothing

        with self._read() as snapshot:
            return vault_manner(snapshot)

    @cached_property
    def _habit(self) -> Habit:
        from recall.links.written import sampled

        with self._read() as snapshot:
            paths = snapshot.paths_with((LinkPlace.RELATED, LinkPlace.FRONTMATTER))
        return common_habit(self._habits(sampled(paths, SAMPLED_PLACES)))

    def _habits(self, paths: Sequence[str]) -> Iterator[Habit]:
        for path in paths:
            try:
                text, _ = self._vault.read(path)
            except NoteUnreadable:
                continue
            habit = habit_of(path, text, self._rules)
            if habit is not None:
                yield habit


def _wanted(item: Suggestion, resolver: Resolver, source: str, manner: Manner) -> NewLink:
    link = new_link(item.card, resolver, source=source, manner=manner)
    mention = item.evidence.mention
    is_here = mention is not None and mention.where == "here"
    return replace(link, names=(mention.text,) if mention and is_here else ())
