"""What is indexed and what is stale, told without loading a model or opening a note."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from recall.build import identity_of, why_again
from recall.domain import Status, Verdict
from recall.embedding.lazy import LazyEmbedder
from recall.errors import IndexDamaged
from recall.planning import pending
from recall.records import replace
from recall.store.learned import read_facts

if TYPE_CHECKING:
    from recall.embedding import Embedder
    from recall.feedback import Feedback
    from recall.settings import Settings
    from recall.store import Store
    from recall.vault import Vault


def status_of(
    settings: Settings, vault: Vault, store: Store, feedback: Feedback, embedder: Embedder
) -> Status:
    """What an index holds, beside what is in the folder of notes now."""
    found = Status(
        notes_folder=str(settings.notes),
        index_folder=str(settings.index),
        model=settings.model,
        indexed=store.exists(),
    )
    listing = vault.list()
    if not found.indexed:
        return replace(found, added=tuple(listing.stamps), skipped=listing.skipped)
    reason = None
    # A model that is not prepared here would have to be loaded to be compared.
    if not isinstance(embedder, LazyEmbedder) or embedder.is_prepared:
        reason = why_again(store, identity_of(embedder, settings.rules))
    if reason:
        return replace(found, rebuild=reason, skipped=listing.skipped)
    said: Counter[Verdict] = Counter()
    with suppress(IndexDamaged):  # `recall doctor` says so
        said.update(entry.verdict for entry in feedback.entries())
    with store.read() as snapshot:
        work = pending(snapshot, listing)
        indexed = set(snapshot.stamps(work.examine))
        return replace(
            found,
            counts=snapshot.counts(),
            built_at=snapshot.built_at,
            added=tuple(path for path in work.examine if path not in indexed),
            changed=tuple(path for path in work.examine if path in indexed),
            removed=work.gone,
            skipped=snapshot.skipped(),
            problems=snapshot.problems(),
            learned=read_facts(settings.index),
            accepted=said[Verdict.ACCEPTED],
            dismissed=said[Verdict.DISMISSED],
        )
