"""Which notes are about to be published, and the edition of the vault that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from recall.errors import GitFailed, NoteNotFound, NoteUnreadable, UsageError
from recall.naming import file_named, find_note
from recall.prepublish.edition import CommitEdition, Edition
from recall.prepublish.git import Repository, holds_same
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.index import Index
    from recall.store import Snapshot


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for: notes by name, or one of the other four."""

    notes: tuple[str, ...] = ()  # files, or paths, ids, titles, aliases
    staged: bool = False  # what git is about to commit
    since: str | None = None  # what differs from where HEAD left this commit
    drafts: bool = False  # every note that is not published yet
    everything: bool = False

    def check(self) -> None:
        """See that exactly one thing is asked for.

        Raises:
            UsageError: It is not.
        """
        asked = (self.notes, self.staged, self.since is not None, self.drafts, self.everything)
        ways = "notes, --staged, --since REF, --drafts or --all"
        if not any(asked):
            raise UsageError("Which notes are to be checked?", hint=f"Name {ways}.")
        if sum(map(bool, asked)) > 1:
            raise UsageError("Several ways to choose notes were given.", hint=f"Use one of {ways}.")


@dataclass(frozen=True, slots=True)
class Selected:
    """The notes to check, and where."""

    edition: Edition
    paths: tuple[str, ...]  # sorted


def select(selection: Selection, index: Index, snapshot: Snapshot) -> Selected:
    """Find the notes that were asked for.

    Raises:
        NoteNotFound: A name is that of no note, or of a file outside of the vault.
        GitFailed: git was asked for, and can't answer.
    """
    if selection.staged:
        repository = Repository(index.vault.root)
        commit = CommitEdition(snapshot, index.vault, index.settings, repository)
        return Selected(commit, commit.staged)
    edition = Edition(snapshot, index.vault, index.settings)
    paths: Iterable[str]
    if selection.since is not None:
        paths = _changed_since(selection.since, edition)
    elif selection.everything:
        paths = snapshot.paths()
    elif selection.drafts:
        paths = [path for path in snapshot.paths() if not edition.is_published(path)]
    else:
        paths = [_named(name, index, snapshot) for name in selection.notes]
    held = {path for path in paths if edition.holds(path)}
    return Selected(edition, tuple(sorted(held)))


def _changed_since(ref: str, edition: Edition) -> Iterator[str]:
    """The notes whose file says something else than at the commit where HEAD and `ref` parted."""
    repository = Repository(edition.vault.root)
    if ref.startswith("-"):
        raise GitFailed(f"There is no commit {ref!r}.", hint="Name a branch, a tag or a commit.")
    before = repository.tree_entries(repository.base(ref))
    for path in edition.snapshot.paths():
        try:
            if path not in before or not holds_same(
                edition.vault.read_bytes(path), before[path].blob
            ):
                yield path
        except NoteUnreadable:
            continue  # gone since the index was brought up to date


def _named(name: str, index: Index, snapshot: Snapshot) -> str:
    file = file_named(name)
    path = index.vault.relative(file) if file is not None else None
    if path is not None and snapshot.card(path) is not None:
        return path
    try:
        return find_note(path or name.strip(), snapshot, folder=index.vault.root)
    except NoteNotFound as error:
        if file is None or path is not None:
            raise
        raise NoteNotFound(
            f"{name} lies outside of the vault {index.vault.root}.",
            hint="Only notes of the vault are published from it; name its vault with --vault DIR.",
        ) from error
