"""Plan edits for the notes of one vault: spelled and placed as its authors do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from recall.applying.apply import Outcome, new_application, write_all
from recall.applying.journal import Journal
from recall.applying.undo import Undone, undo
from recall.domain import HeadingRules, Link, LinkPlace, NoteSuggestions, ResolvedLink, Suggestion
from recall.edit import Edit, Habit, NewLink, Unplaced, add_links, common_habit, habit_of
from recall.edit.spelling import Manner, manner_of, new_link
from recall.errors import NoteUnreadable, UsageError
from recall.names import Resolver

if TYPE_CHECKING:
    from recall.store import Snapshot
    from recall.vault import Vault

SAMPLED_NOTES = 200  # whose links tell how the vault spells
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
            folder: Of the index, where the journal is kept.
            rules: What headings mean.
            read: Opens the index.
        """
        self._vault = vault
        self._rules = rules
        self._read = read
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

    def write(self, edits: Sequence[Edit], *, application: str | None = None) -> list[Outcome]:
        """Write edits, as one application that `undo` takes back; see `write_all`."""
        name = application or new_application()
        return write_all(edits, self._vault, self.journal, application=name)

    def undo(self, *, only_unchanged: bool = False, is_rehearsal: bool = False) -> Undone:
        """Take the last application back; see `undo`."""
        return undo(
            self._vault, self.journal, only_unchanged=only_unchanged, is_rehearsal=is_rehearsal
        )

    @cached_property
    def _manner(self) -> Manner:
        with self._read() as snapshot:
            return manner_of(_sampled_links(snapshot))

    @cached_property
    def _habit(self) -> Habit:
        with self._read() as snapshot:
            paths = snapshot.paths_with((LinkPlace.RELATED, LinkPlace.FRONTMATTER))
        return common_habit(self._habits(_sampled(paths, SAMPLED_PLACES)))

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


def _sampled_links(snapshot: Snapshot) -> Iterator[ResolvedLink]:
    for path in _sampled(snapshot.paths_with(tuple(LinkPlace)), SAMPLED_NOTES):
        yield from snapshot.links_from(path)


def _sampled(paths: Sequence[str], most: int) -> list[str]:
    """At most so many of the paths, evenly spread: the same ones every time."""
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])
