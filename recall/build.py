"""Make the index agree with the vault: plan, parse and embed what is new, publish, report.

A file whose size and times are as they were is not opened. One that was touched is read and
compared by hash. Each distinct passage text is embedded once, so a renamed note costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from recall.domain import (
    BuildReport,
    FileStamp,
    HeadingRules,
    Identity,
    Skipped,
)
from recall.entries import index_note
from recall.errors import IndexDamaged, IndexOutdated, NoteUnreadable
from recall.passages import recipe
from recall.store import FORMAT
from recall.vault import is_unchanged

if TYPE_CHECKING:
    from recall.embedding import Embedder
    from recall.store import Snapshot, Store, Writer
    from recall.vault import Listing, Vault

EMBEDDED_AT_ONCE = 2048  # texts; what a killed build can lose

OnProgress = Callable[[str, int, int], None]  # (what is being done, done, of how many)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which files need a look, judged by their stamps alone."""

    unchanged: tuple[str, ...]
    unreadable: tuple[str, ...]  # could not be read last time, and have not changed since
    examine: tuple[str, ...]
    gone: tuple[str, ...]


def plan(
    old: Mapping[str, FileStamp],
    new: Mapping[str, FileStamp],
    unreadable: Mapping[str, Skipped] | None = None,
) -> Plan:
    """Compare what is indexed, and what could not be, with what is there."""
    tried = {path: item.stamp for path, item in (unreadable or {}).items() if item.stamp}
    same = {path for path, stamp in new.items() if path in old and is_unchanged(old[path], stamp)}
    vain = {p for p, stamp in new.items() if p in tried and is_unchanged(tried[p], stamp)} - same
    return Plan(
        unchanged=tuple(sorted(same)),
        unreadable=tuple(sorted(vain)),
        examine=tuple(sorted(new.keys() - same - vain)),
        gone=tuple(sorted(old.keys() - new.keys())),
    )


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
    listing = vault.list()
    identity = identity_of(embedder, rules)
    is_first = not store.exists()
    reason = None if is_first else why_again(store, identity, full=full)
    fresh = is_first or reason is not None
    if not fresh and (report := _nothing_to_do(store, listing, started)):
        return report
    with store.write(identity, wait_seconds=wait_seconds, fresh=fresh) as writer:
        # Listed anew: another writer may have been at work while this one waited.
        run = _Build(vault, writer, embedder, rules, on_progress or (lambda *_: None))
        run.agree(vault.list())
        run.embed(again=full)
        writer.publish()
    return run.report(store, reason, started)


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

    def agree(self, listing: Listing) -> None:
        """Put every new or changed note into the catalog, and take out what is gone."""
        old = self.writer.stamps()
        work = plan(old, listing.stamps, unreadable := _unreadable(self.writer.skipped()))
        self.unchanged = len(work.unchanged)
        self.skipped += listing.skipped
        self.skipped += [unreadable[path] for path in work.unreadable]
        gone = _Gone({path: old[path].sha256 for path in work.gone})
        for done, path in enumerate(work.examine):
            self.on_progress("reading", done, len(work.examine))
            self._examine(path, listing.stamps[path], old.get(path), gone)
        for path in gone.paths():
            self.writer.remove(path)
            self.removed.append(path)
        self.writer.set_skipped(sorted(self.skipped, key=lambda item: item.path))

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
        from recall.markdown import parse_note  # late: most commands find nothing changed

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

    def embed(self, *, again: bool) -> None:
        """Give every text its vector."""
        if again:
            self.writer.forget_vectors()
        missing = self.writer.missing_texts()
        for start in range(0, len(missing), EMBEDDED_AT_ONCE):
            batch = missing[start : start + EMBEDDED_AT_ONCE]
            tell = partial(self._embedding, start, len(missing))
            vectors = self.embedder.embed_passages([text for _, text in batch], on_progress=tell)
            self.writer.add_vectors([number for number, _ in batch], vectors)
        self.embedded = len(missing)
        self.on_progress("writing", 0, 1)

    def _embedding(self, before: int, total: int, done: int) -> None:
        self.on_progress("embedding", before + done, total)

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


def why_again(store: Store, identity: Identity, *, full: bool = False) -> str | None:
    """Why an index that is there must be made from nothing; None if it can be updated."""
    if full:
        return "asked for with --full"
    try:
        with store.read() as snapshot:
            snapshot.check_files()
            old = snapshot.identity
    except IndexOutdated:
        return "the index has the layout of another version"
    except IndexDamaged as error:
        return f"the old index was damaged ({error.message})"
    if old.space != identity.space:
        return "the model, or the way it is used, is another"
    if old.recipe != identity.recipe:
        return "notes are cut into passages in another way now"
    return None


def pending(snapshot: Snapshot, listing: Listing) -> Plan:
    """What a build would have to look at now."""
    return plan(snapshot.stamps(), listing.stamps, _unreadable(snapshot.skipped()))


def _nothing_to_do(store: Store, listing: Listing, started: float) -> BuildReport | None:
    """The report of a build that finds nothing changed; opens no note and takes no lock."""
    with store.read() as snapshot:
        skipped = snapshot.skipped()
        work = pending(snapshot, listing)
        opened_in_vain = {item for item in skipped if item.stamp}
        if work.examine or work.gone or set(skipped) - opened_in_vain != set(listing.skipped):
            return None
        if {item.path for item in opened_in_vain} != set(work.unreadable):
            return None
        return replace(
            _held(snapshot),
            unchanged=len(work.unchanged),
            skipped=skipped,
            seconds=time.perf_counter() - started,
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


def _unreadable(skipped: Iterable[Skipped]) -> dict[str, Skipped]:
    return {item.path: item for item in skipped if item.stamp}
