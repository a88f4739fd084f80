"""Make the index agree with the vault: plan, parse and embed what is new, publish, report.

A file whose size and times are as they were is not opened. One that was touched is read and
compared by hash. Each distinct passage text is embedded once, so a renamed note costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from recall.domain import (
    BuildReport,
    FileStamp,
    HeadingRules,
    Identity,
    Skipped,
)
from recall.errors import IndexDamaged, IndexMissing, IndexOutdated, NoteUnreadable
from recall.passages import recipe
from recall.planning import pending, uncollected, unreadable_of
from recall.records import dataclass, replace
from recall.store import FORMAT
from recall.store.catalog import NEVER_BUILT

if TYPE_CHECKING:
    from recall.embedding import Embedder
    from recall.embedding.ahead import Ahead, Embedded
    from recall.planning import Plan
    from recall.store import Snapshot, Store
    from recall.store.writer import Writer
    from recall.vault import Listing, Vault

EMBEDDED_AT_ONCE = 2048  # texts; what a killed build can lose
NOTES_BETWEEN = 64  # notes that are read before it is asked again what there is to embed

OnProgress = Callable[[str, int, int], None]  # (what is being done, done, of how many)


def build(
    vault: Vault,
    store: Store,
    embedder: Embedder,
    rules: HeadingRules,
    *,
    full: bool = False,
    wait_seconds: float = 5.0,
    on_progress: OnProgress | None = None,
) -> BuildReport:
    """Bring the index up to date with the vault.

    Args:
        vault: Where the notes are.
        store: Where the index is.
        embedder: Embeds the texts that are new; not touched when there are none.
        rules: What headings mean.
        full: Read, cut and embed everything again.
        wait_seconds: How long another writer is waited for.
        on_progress: Called with (stage, done, total).

    Raises:
        IndexBusy: Another process is writing.
        VaultNotFound: The folder of notes is not there.
        ModelMissing: Something is to be embedded and the model is not on this machine.
    """
    started = time.perf_counter()
    with uncollected():
        listing = vault.list()
        identity = identity_of(embedder, rules)
        state = _look(store, identity, full=full)
        work = None
        if state.snapshot is not None:
            with store.asking(state.snapshot) as snapshot:
                work = pending(snapshot, listing)
                if report := _nothing_to_do(snapshot, listing, work, started):
                    return report
    with store.write(identity, wait_seconds=wait_seconds, fresh=state.is_fresh) as writer:
        run = _Build(vault, writer, embedder, rules, on_progress or (lambda *_: None))
        if writer.built != state.built:
            listing, work = vault.list(), None  # another writer was at work since
        run.agree(listing, work or pending(writer, listing), again=full)
        writer.publish()
    return run.report(store, state.reason, started)


def is_up_to_date(vault: Vault, store: Store, embedder: Embedder, rules: HeadingRules) -> bool:
    """Whether a build would find nothing changed; raises as a build does, and builds nothing."""
    with uncollected():
        listing = vault.list()
        state = _look(store, identity_of(embedder, rules), full=False)
        if state.snapshot is None:
            return False
        with store.asking(state.snapshot) as snapshot:
            return _agrees(snapshot.skipped(), listing, pending(snapshot, listing))


@dataclass(frozen=True, slots=True)
class _State:
    """The index as a build finds it."""

    reason: str | None = None  # why it has to be made anew
    snapshot: Snapshot | None = None  # where it can be updated
    built: str = NEVER_BUILT  # when, and the how-manieth it was

    @property
    def is_fresh(self) -> bool:
        return self.snapshot is None


def _look(store: Store, identity: Identity, *, full: bool) -> _State:
    """Open what is there, once, and see whether it can be updated."""
    try:
        snapshot = store.opened()
    except IndexMissing:
        return _State()
    except (IndexOutdated, IndexDamaged) as error:
        return _State(reason="asked for with --full" if full else _why_unusable(error))
    built = NEVER_BUILT
    try:
        built = snapshot.built
        reason = _why_again(snapshot, identity, full=full)
    except IndexDamaged as error:
        reason = _why_unusable(error)
    if reason is None:
        return _State(None, snapshot, built)
    snapshot.close()
    return _State(reason, built=built)


def identity_of(embedder: Embedder, rules: HeadingRules) -> Identity:
    """What an index of this model and these rules is recognised by."""
    space = embedder.space
    return Identity(FORMAT, space.fingerprint, recipe(rules, space.max_tokens))


class _Gone:
    """Notes whose files are gone, by what they said: a new file may say the same."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._paths: dict[str, list[str]] = {}
        for path, sha256 in sorted(hashes.items(), reverse=True):
            self.add(path, sha256)

    def add(self, path: str, sha256: str) -> None:
        self._paths.setdefault(sha256, []).append(path)

    def take(self, sha256: str) -> str | None:
        """A note that said this, which is not gone but moved."""
        paths = self._paths.get(sha256)
        return paths.pop() if paths else None

    def paths(self) -> list[str]:
        return sorted(path for paths in self._paths.values() for path in paths)


@dataclass(slots=True)
class _Build:
    """One run: what it works with, and what it did."""

    vault: Vault
    writer: Writer
    embedder: Embedder
    rules: HeadingRules
    on_progress: OnProgress
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unchanged: int = 0
    embedded: int = 0
    last_text: int = -1  # the highest number of a text that was given to be embedded

    def agree(self, listing: Listing, work: Plan, *, again: bool) -> None:
        """Bring every new or changed note into the index, and take out what is gone.

        While notes are read, the texts of those before are embedded.
        """
        if again:
            self.writer.forget_vectors()
        old = self.writer.stamps([*work.examine, *work.gone])
        unreadable = unreadable_of(self.writer.skipped())
        self.unchanged = len(work.unchanged)
        self.skipped += listing.skipped
        self.skipped += [unreadable[path] for path in work.unreadable]
        gone = _Gone({path: old[path].sha256 for path in work.gone})
        from recall.embedding.ahead import Ahead

        with Ahead(self.embedder.embed_passages) as ahead:
            for done, path in enumerate(work.examine):
                self.on_progress("reading", done, len(work.examine))
                self._examine(path, listing.stamps[path], old.get(path), gone)
                if done % NOTES_BETWEEN == NOTES_BETWEEN - 1:
                    self._embed_new(ahead, at_least=EMBEDDED_AT_ONCE)
                    self._keep(ahead.finished())
            for path in gone.paths():
                self.writer.remove(path)
                self.removed.append(path)
            self.writer.set_skipped(sorted(self.skipped, key=lambda item: item.path))
            self._embed_new(ahead, at_least=1)
            self.writer.resolve_links()  # while the last ones are embedded
            while not ahead.is_done:
                self.on_progress("embedding", ahead.embedded, ahead.asked)
                self._keep(ahead.finished(wait_seconds=0.2))
        self.on_progress("writing", 0, 1)

    def _embed_new(self, ahead: Ahead, *, at_least: int) -> None:
        """Give the texts that came since the last time to be embedded, if they are enough."""
        missing = self.writer.missing_texts(after=self.last_text)
        if len(missing) < at_least:
            return
        for start in range(0, len(missing), EMBEDDED_AT_ONCE):
            ahead.embed(missing[start : start + EMBEDDED_AT_ONCE])
        self.last_text = missing[-1][0]

    def _keep(self, batches: Iterable[Embedded]) -> None:
        for batch in batches:
            self.writer.add_vectors(batch.numbers, batch.vectors)
            self.embedded += len(batch.numbers)

    def _examine(self, path: str, listed: FileStamp, old: FileStamp | None, gone: _Gone) -> None:
        try:
            text, stamp = self.vault.read(path)
        except NoteUnreadable as error:
            self.skipped.append(Skipped(path, error.message, listed))
            if old:
                gone.add(path, old.sha256)
            return
        if old and old.sha256 == stamp.sha256:
            self.writer.touch(path, stamp)
            self.unchanged += 1
            return
        from recall.entries import index_note  # late: most commands find nothing changed
        from recall.markdown import parse_note

        note = index_note(parse_note(path, text, self.rules), stamp, embedder=self.embedder)
        if old:
            self.writer.put(note)
            self.changed.append(path)
        elif (before := gone.take(stamp.sha256)) is not None:
            self.writer.move(before, note)
            self.moved.append((before, path))
        else:
            self.writer.put(note)
            self.added.append(path)

    def report(self, store: Store, reason: str | None, started: float) -> BuildReport:
        """What was done, and what the index holds now."""
        with store.read() as snapshot:
            held = _held(snapshot)
        return replace(
            held,
            added=tuple(self.added),
            changed=tuple(self.changed),
            moved=tuple(self.moved),
            removed=tuple(sorted(self.removed)),
            unchanged=self.unchanged,
            skipped=tuple(sorted(self.skipped, key=lambda item: item.path)),
            embedded=self.embedded,
            seconds=time.perf_counter() - started,
            reason=reason,
        )


def why_again(store: Store, identity: Identity) -> str | None:
    """Why an index that is there must be made from nothing; None if it can be updated."""
    try:
        with store.read() as snapshot:
            return _why_again(snapshot, identity, full=False)
    except (IndexOutdated, IndexDamaged) as error:
        return _why_unusable(error)


def _why_again(snapshot: Snapshot, identity: Identity, *, full: bool) -> str | None:
    if full:
        return "asked for with --full"
    try:
        snapshot.check_files()
        old = snapshot.identity
    except IndexDamaged as error:
        return _why_unusable(error)
    if old.space != identity.space:
        return "the model, or the way it is used, is another"
    if old.recipe != identity.recipe:
        return "notes are cut into passages in another way now"
    return None


def _why_unusable(error: IndexOutdated | IndexDamaged) -> str:
    if isinstance(error, IndexOutdated):
        return "the index has the layout of another version"
    return f"the old index was damaged ({error.message})"


def _nothing_to_do(
    snapshot: Snapshot, listing: Listing, work: Plan, started: float
) -> BuildReport | None:
    """The report of a build that finds nothing changed; opens no note and takes no lock."""
    skipped = snapshot.skipped()
    if not _agrees(skipped, listing, work):
        return None
    return replace(
        _held(snapshot),
        unchanged=len(work.unchanged),
        skipped=skipped,
        seconds=time.perf_counter() - started,
    )


def _agrees(skipped: tuple[Skipped, ...], listing: Listing, work: Plan) -> bool:
    """Whether an index that left these files out holds what is listed, and nothing else."""
    opened_in_vain = {item for item in skipped if item.stamp}
    return (
        not (work.examine or work.gone)
        and set(skipped) - opened_in_vain == set(listing.skipped)
        and {item.path for item in opened_in_vain} == set(work.unreadable)
    )


def _held(snapshot: Snapshot) -> BuildReport:
    """The part of a report that says what the index holds."""
    counts = snapshot.counts()
    return BuildReport(
        problems=snapshot.problems(),
        notes=counts.notes,
        passages=counts.passages,
        links=counts.links,
        unresolved_links=counts.unresolved_links,
        ambiguous_links=counts.ambiguous_links,
    )
