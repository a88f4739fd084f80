"""The vault as readers will get it: the files as they lie there, or what git is about to commit.

Both answer the same questions: what does a name mean, is a note there, what does it say, is it
published. The catalog answers for every note whose text it holds; the rest is read and parsed.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from recall.domain import NameKind
from recall.entries import card_of
from recall.errors import NoteUnreadable
from recall.markdown import parse_note
from recall.markdown.frontmatter import frontmatter_words, says_yes
from recall.names import Resolver, names_of
from recall.prepublish.git import REGULAR_FILES, holds_same
from recall.records import dataclass
from recall.vault import decode, is_inside

if TYPE_CHECKING:
    from recall.domain import FileStamp, Name, Note, NoteCard
    from recall.prepublish.git import Entry, Repository
    from recall.settings import Settings
    from recall.store import Snapshot
    from recall.vault import Vault


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A note as it would be published."""

    note: Note
    is_indexed: bool  # the index holds this very text


class Edition:
    """The files of the vault as they lie there."""

    def __init__(self, snapshot: Snapshot, vault: Vault, settings: Settings) -> None:
        self.snapshot = snapshot
        self.vault = vault
        self.settings = settings
        self.replaced: Mapping[str, Note] = {}  # notes that say something else than the index holds
        self.lookup = cache(self._lookup)
        self.resolver = Resolver(self.lookup)
        self.is_published = cache(self._is_published)

    def holds(self, path: str) -> bool:
        """Whether the edition has this note."""
        return self.vault.holds(path)

    def has_file(self, path: str) -> bool:
        """Whether the edition has a file or a folder, of whatever kind, at this path."""
        if not is_inside(path):
            return False
        try:
            return (self.vault.root / path).exists()
        except (OSError, ValueError):
            return False

    def text(self, path: str) -> str:
        """What a note says.

        Raises:
            NoteUnreadable: It is not there, or no text.
        """
        return self.vault.read(path)[0]

    def manuscript(self, path: str) -> Manuscript:
        """One note, read.

        Raises:
            NoteUnreadable: It is not there, or no text.
        """
        text, stamp = self.vault.read(path)
        known = self.stamps.get(path)
        is_indexed = known is not None and known.sha256 == stamp.sha256
        return Manuscript(self.parse(path, text), is_indexed)

    def parse(self, path: str, text: str) -> Note:
        """Read a text as a note of this vault."""
        return parse_note(path, text, self.settings.rules)

    def card(self, path: str) -> NoteCard | None:
        """What is known of a note of the edition."""
        if path in self.replaced:
            return card_of(self.replaced[path])
        return self.snapshot.card(path) if self.holds(path) else None

    def is_linked(self, path: str) -> bool:
        """Whether another note of the edition links this one."""
        linking = self.snapshot.neighbours([path])[path].linking
        if any(source not in self.replaced and self.holds(source) for source in linking):
            return True
        return any(path in targets for source, targets in self._replaced_links if source != path)

    def replaced_names(self) -> Iterator[tuple[str, str]]:
        """The names, without ids, of the notes that say something else than the index holds."""
        return (
            (key, name.path)
            for note in self.replaced.values()
            for key, name in names_of(card_of(note))
            if name.kind is not NameKind.NOTE_ID
        )

    @cached_property
    def stamps(self) -> Mapping[str, FileStamp]:
        """The stamps of the notes that the index holds."""
        return self.snapshot.stamps()

    @cached_property
    def _replaced_links(self) -> Sequence[tuple[str, Collection[str | None]]]:
        return [
            (path, {self.resolver.resolve_link(link, source=path).path for link in note.links})
            for path, note in self.replaced.items()
        ]

    @cached_property
    def _replaced_names(self) -> Mapping[str, Sequence[Name]]:
        return names_by_key(self.replaced.values())

    def _lookup(self, key: str) -> tuple[Name, ...]:
        names = [
            name
            for name in self.snapshot.lookup(key)
            if name.path not in self.replaced and self.holds(name.path)
        ]
        names += self._replaced_names.get(key, ())
        return tuple(sorted(names, key=lambda name: (name.path, name.kind)))

    def _is_published(self, path: str) -> bool:
        publishing = self.settings.publishing
        card = self.card(path)
        if card is None or card.draft or not publishing.is_public_place(path):
            return False
        if publishing.published_key is None:
            return True
        try:
            return says_yes(frontmatter_words(self.text(path), publishing.published_key))
        except NoteUnreadable:
            return False


class CommitEdition(Edition):
    """What git is about to commit: its index, in which staged texts differ from the files."""

    def __init__(
        self, snapshot: Snapshot, vault: Vault, settings: Settings, repository: Repository
    ) -> None:
        super().__init__(snapshot, vault, settings)
        self.repository = repository
        self.entries = repository.index_entries()
        head = repository.head()
        self.before: Mapping[str, Entry] = repository.tree_entries(head) if head else {}
        self.notes: Mapping[str, Entry] = self._notes_of(self.entries)
        self.unreadable: dict[str, str] = {}  # path → why what git holds is no note
        self._texts: dict[str, str] = {}
        self.replaced = self._read_replaced()

    @cached_property
    def staged(self) -> tuple[str, ...]:
        """The notes that this commit adds or changes, sorted."""
        return tuple(
            sorted(
                path
                for path, entry in self.notes.items()
                if path not in self.before or self.before[path].blob != entry.blob
            )
        )

    @cached_property
    def removed(self) -> Mapping[str, Note]:
        """The notes that this commit takes away, or moves, as they were."""
        gone = {
            path: entry.blob
            for path, entry in self._notes_of(self.before).items()
            if path not in self.notes
        }
        contents = self._contents(gone.values())
        found: dict[str, Note] = {}
        for path, blob in sorted(gone.items()):
            try:
                found[path] = self.parse(path, decode(contents.get(blob, b"")))
            except NoteUnreadable:
                found[path] = self.parse(path, "")
        return found

    def holds(self, path: str) -> bool:
        """Whether the commit has this note."""
        return path in self.notes

    def has_file(self, path: str) -> bool:
        """Whether the commit has a file or a folder, of whatever kind, at this path."""
        return path in self.entries or path in self._folders

    def text(self, path: str) -> str:
        """What the commit makes a note say; see `Edition.text`."""
        if path in self.unreadable:
            raise NoteUnreadable(self.unreadable[path])
        if path in self._texts:
            return self._texts[path]
        return super().text(path)

    def manuscript(self, path: str) -> Manuscript:
        """One note as the commit holds it; see `Edition.manuscript`."""
        if path in self.replaced or path in self.unreadable:
            return Manuscript(self.parse(path, self.text(path)), is_indexed=False)
        return super().manuscript(path)

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self.entries:
            folder = posixpath.dirname(path)
            while folder and folder not in found:
                found.add(folder)
                folder = posixpath.dirname(folder)
        return frozenset(found)

    def _notes_of(self, entries: Mapping[str, Entry]) -> Mapping[str, Entry]:
        return {
            path: entry
            for path, entry in entries.items()
            if entry.mode in REGULAR_FILES and self.vault.may_hold(path)
        }

    def _read_replaced(self) -> Mapping[str, Note]:
        """The notes whose staged text is not the file's, parsed."""
        other = {
            path: entry.blob for path, entry in self.notes.items() if not self._is_as_filed(path)
        }
        contents = self._contents(other.values())
        found: dict[str, Note] = {}
        for path, blob in sorted(other.items()):
            if blob not in contents:
                self.unreadable[path] = "git does not hold it here, or it is too large"
                continue
            try:
                self._texts[path] = decode(contents[blob])
            except NoteUnreadable as error:
                self.unreadable[path] = error.message
            else:
                found[path] = self.parse(path, self._texts[path])
        return found

    def _contents(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        return self.repository.contents(blobs, limit=self.vault.max_note_bytes)

    def _is_as_filed(self, path: str) -> bool:
        """Whether the file, the index and the commit say the same."""
        known = self.stamps.get(path)
        if known is None:
            return False
        try:
            data = self.vault.read_bytes(path)
        except NoteUnreadable:
            return False
        return (
            holds_same(data, self.notes[path].blob)
            and hashlib.sha256(data).hexdigest() == known.sha256
        )


def names_by_key(notes: Iterable[Note]) -> Mapping[str, Sequence[Name]]:
    """The names that these notes bear, by their normal form."""
    found: dict[str, list[Name]] = {}
    for note in notes:
        for key, name in names_of(card_of(note)):
            found.setdefault(key, []).append(name)
    return found
