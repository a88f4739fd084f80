"""What a note should perhaps link: its source, what bars a target, what the vault has taught."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from recall.arguments import check_space
from recall.domain import NoteSuggestions, Verdict
from recall.embedding.alphabet import foreign_share, unread_share
from recall.errors import NoteNotFound, NoteUnreadable
from recall.feedback import tallies, targets_of
from recall.links import (
    Targets,
    indexed_source,
    is_near_duplicate,
    learned_of,
    note_source,
    read_draft,
    suggest,
)
from recall.links.written import vault_manner
from recall.names import Resolver
from recall.naming import file_named, find_note, shown
from recall.passages import Lines
from recall.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recall.domain import Link, Note, NoteCard, Suggestion
    from recall.embedding import Embedder
    from recall.feedback import Entry, Feedback, Tally
    from recall.links import Learned, Source
    from recall.links.why import Explanation
    from recall.manner import Manner
    from recall.settings import Settings
    from recall.store import Snapshot
    from recall.vault import Vault

FOREIGN = 0.05  # share of a note's letters that are not Latin, below which all counts as read

State = tuple[str, str]  # of an index: which catalog, and which of its builds


class Suggester:
    """Suggestions over one vault; keeps what the vault teaches between two questions."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        feedback: Feedback,
        embedder: Embedder,
        ranker: Path | None = None,
        letters: Callable[[], frozenset[str] | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._feedback = feedback
        self._embedder = embedder
        self._ranker = ranker
        self._letters_of = letters  # that the model can read; None: all
        # What the vault teaches, and the state it was asked for; by whether older will do.
        self._taught: dict[bool, tuple[State, Learned]] = {}
        self._spelt: tuple[State, Manner] | None = None  # and how its links are spelled
        # What was said of suggestions, and of each note.
        self._said: tuple[State, tuple[Entry, ...], Mapping[str, Tally]] | None = None

    def suggest(
        self,
        note: str | Path,
        snapshot: Snapshot,
        *,
        k: int,
        min_score: float,
        include_weak: bool,
        include_linked: bool,
        drafts: bool,
    ) -> NoteSuggestions:
        """The notes that a note should perhaps link; arguments as of `Index.suggest_links`."""
        started = time.perf_counter()
        source = self.source(note, snapshot)
        targets = self.targets(source.card, snapshot, drafts=drafts)
        found = self._ranked(
            source,
            snapshot,
            targets,
            k=k,
            min_score=min_score,
            include_weak=include_weak,
            include_linked=include_linked,
            is_there=self._vault.holds,
        )
        marked = tuple(
            replace(
                item,
                weak=item.weak and not include_linked,  # then nearness is asked for, not worth
                dismissed=item.card.path in targets.dismissed,
                near_duplicate=is_near_duplicate(source, item, snapshot),
            )
            for item in found
        )
        return NoteSuggestions(
            source.card.path,
            source.card.title,
            marked,
            time.perf_counter() - started,
            () if source.has_text else ("the note has no text of its own to compare",),
        )

    def suggest_for(
        self,
        source: Source,
        snapshot: Snapshot,
        *,
        k: int,
        min_score: float,
        is_there: Callable[[str], bool],
    ) -> tuple[Suggestion, ...]:
        """The notes that a source should perhaps link; as `Index.suggestions_for`."""
        return self._ranked(
            source,
            snapshot,
            self.targets(source.card, snapshot, drafts=False),
            k=k,
            min_score=min_score,
            include_linked=False,
            is_there=is_there,
            older_will_do=True,
        )

    def explain(
        self,
        note: str | Path,
        target: str,
        snapshot: Snapshot,
        *,
        k: int,
        min_score: float,
        drafts: bool,
    ) -> Explanation:
        """Why a note is suggested for another, or why not.

        Args:
            note: As of `Index.why`.
            target: The path of the other.
            snapshot: The index.
            k: As of `Index.why`.
            min_score: As of `Index.why`.
            drafts: As of `Index.why`.

        Raises:
            NoteNotFound: The index does not hold the target.
        """
        source = self.source(note, snapshot)
        card = snapshot.card(target)
        if card is None:
            raise NoteNotFound(
                f"{shown(target)} is no note of this vault.",
                hint="Only notes of the vault are suggested.",
            )
        from recall.links.why import explain  # late: few ask why

        found = explain(
            source,
            card,
            snapshot,
            self.learned(snapshot),
            targets=self.targets(source.card, snapshot, drafts=drafts),
            k=k,
            min_score=min_score,
            max_notes_per_text=self._settings.max_notes_per_text,
            is_there=self._vault.holds,
            ranker=self._ranker,
            unread=self._unread(source),
        )
        if not found.links:
            return found
        return replace(found, link_lines=self._lines_of(source.card.path, found.links))

    def source(self, note: str | Path, snapshot: Snapshot) -> Source:
        """A note with its vectors: the index's own, or, of a draft that it lacks, new ones.

        Raises:
            NoteNotFound: No note, or several, answer to that name.
            IndexOutdated: As `embedded` does.
        """
        file = file_named(note)
        if file is not None:
            path = self._vault.relative(file)
            if path is None or snapshot.card(path) is None:
                draft, _ = read_draft(file, path, self._vault, self._settings.rules)
                return self.embedded(draft, snapshot, resolver=Resolver(snapshot.lookup))
        else:
            path = find_note(str(note).strip(), snapshot, folder=self._settings.notes)
        return indexed_source(path, snapshot, max_notes_per_text=self._settings.max_notes_per_text)

    def embedded(self, note: Note, snapshot: Snapshot, *, resolver: Resolver) -> Source:
        """A text that the index does not hold, as a source; as `Index.embedded`."""
        check_space(snapshot, self._embedder, self._settings.model)
        return note_source(
            note,
            snapshot,
            self._embedder,
            max_notes_per_text=self._settings.max_notes_per_text,
            resolver=resolver,
        )

    def targets(self, source: NoteCard, snapshot: Snapshot, *, drafts: bool) -> Targets:
        """What may be suggested for a note.

        Args:
            source: The note.
            snapshot: The index.
            drafts: Whether drafts may be, for a published note too.
        """
        entries = self._feedback.entries()
        dismissed = targets_of(source, entries, Verdict.DISMISSED, snapshot)
        state = _state_of(snapshot)
        if self._said is None or self._said[:2] != (state, entries):
            self._said = state, entries, tallies(entries, snapshot)
        excluded = self._settings.suggest.exclude
        return Targets(source, excluded, drafts, dismissed, self._said[2])

    def learned(
        self,
        snapshot: Snapshot,
        *,
        keep: bool = False,
        anew: bool = False,
        older_will_do: bool = False,
    ) -> Learned:
        """What the vault itself teaches; read once for each state of the index.

        Args:
            snapshot: The index.
            keep: Whether what has to be learned is kept beside the index.
            anew: Whether to learn again what is there already.
            older_will_do: As of `Index.refresh`.
        """
        state = _state_of(snapshot)
        taught = self._taught.get(older_will_do)
        if anew or taught is None or taught[0] != state:
            learned = learned_of(
                snapshot,
                self._settings.index,
                max_notes_per_text=self._settings.max_notes_per_text,
                keep=keep,
                anew=anew,
                older_will_do=older_will_do,
                **({"ranker": self._ranker} if self._ranker else {}),
            )
            taught = state, learned
            if learned.measures_of(snapshot) is not None:  # else a question brings them along
                self._taught[older_will_do] = taught
        return taught[1]

    def manner(self, snapshot: Snapshot) -> Manner:
        """How the vault spells its links; looked up once for each state of the index."""
        state = _state_of(snapshot)
        if self._spelt is None or self._spelt[0] != state:
            self._spelt = state, vault_manner(snapshot)
        return self._spelt[1]

    def _ranked(
        self,
        source: Source,
        snapshot: Snapshot,
        targets: Targets,
        *,
        k: int,
        min_score: float,
        include_weak: bool = True,
        include_linked: bool,
        is_there: Callable[[str], bool],
        older_will_do: bool = False,
    ) -> tuple[Suggestion, ...]:
        return suggest(
            source,
            snapshot,
            self.learned(snapshot, older_will_do=older_will_do),
            k=k,
            min_score=min_score,
            include_weak=include_weak,
            include_linked=include_linked,
            max_notes_per_text=self._settings.max_notes_per_text,
            is_there=is_there,
            is_wanted=lambda card: include_linked or targets.bar(card) is None,
            habit=lambda: self.manner(snapshot),
            ranker=self._ranker,
            said=targets.said,
            unread=self._unread(source),
        )

    @cached_property
    def _letters(self) -> frozenset[str] | None:
        return self._letters_of()

    def _unread(self, source: Source) -> float:
        """Share of a note that the model can't read."""
        texts = [passage.text for passage in source.passages]
        # The vocabulary is looked up only for a note that may need it.
        if foreign_share(texts) < FOREIGN or self._letters is None:
            return 0.0
        return unread_share(texts, self._letters)

    def _lines_of(self, path: str, links: Sequence[Link]) -> tuple[int, ...]:
        """The lines of links, for which the note is read again."""
        file = Path(path)
        outside = replace(self._vault, root=file.parent)
        try:
            text, _ = outside.read(file.name) if file.is_absolute() else self._vault.read(path)
        except NoteUnreadable:
            return ()
        lines = Lines(text)
        return tuple(lines.line_at(link.span.start) for link in links)


def _state_of(snapshot: Snapshot) -> State:
    return snapshot.born, snapshot.built
