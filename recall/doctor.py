"""Examines what answers stand on: the notes, the index, the model, what the author said.

Everything is read through, whatever times and sizes say: it takes as long as reading the vault and
the index does. Nothing is repaired; each diagnosis says what to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from recall.build import why_again
from recall.domain import Diagnosis, Health
from recall.errors import NoteUnreadable, RecallError
from recall.planning import pending

if TYPE_CHECKING:
    from recall.domain import Identity
    from recall.embedding import Embedder
    from recall.feedback import Feedback
    from recall.store import Snapshot, Store
    from recall.vault import Listing, Vault

INDEX = "recall index"
REBUILD = "recall index --full"
EMBEDDED_AGAIN = 3  # texts: enough to tell another model, or a broken one
LEAST_COSINE = 0.999  # between runtimes and machines; another model gives 0.1


def examine(
    vault: Vault,
    store: Store,
    embedder: Embedder,
    identity: Identity,
    feedback: Feedback,
    why_model_altered: Callable[[], str | None],
) -> Iterator[Diagnosis]:
    """Look at every part and say what was found.

    Args:
        vault: The notes.
        store: The index.
        embedder: Makes vectors as the index should hold them.
        identity: What an index made now would be recognised by.
        feedback: What the author said of suggestions.
        why_model_altered: Compares the model's files with their hashes.
    """
    listing = vault.list()
    yield _notes_diagnosis(listing)
    damaged = False
    for diagnosis in store.examine():
        damaged = damaged or diagnosis.health is Health.DAMAGED
        yield diagnosis
    if not damaged and store.exists():
        yield from _agreement(vault, store, identity, listing)
        yield from _model(store, embedder, identity, why_model_altered)
    yield from _feedback(feedback)


def _notes_diagnosis(listing: Listing) -> Diagnosis:
    found = f"{len(listing.stamps):,} notes"
    if listing.skipped:
        first = listing.skipped[0]
        more = f", and {len(listing.skipped) - 1:,} more" if len(listing.skipped) > 1 else ""
        message = f"{found}; not indexed: {first.path} ({first.reason}){more}"
        return Diagnosis("notes", Health.WARNING, message, "recall status")
    return Diagnosis("notes", Health.GOOD, f"{found}, none of them skipped")


def _agreement(
    vault: Vault, store: Store, identity: Identity, listing: Listing
) -> Iterator[Diagnosis]:
    """The index against the notes, by what they say and not by their times."""
    if reason := why_again(store, identity):
        yield Diagnosis("index", Health.WARNING, f"it would be built anew: {reason}", INDEX)
        return
    with store.read() as snapshot:
        work = pending(snapshot, listing)
        if work.examine or work.gone:
            message = f"{len(work.examine):,} notes to look at, {len(work.gone):,} are gone"
            yield Diagnosis("index", Health.WARNING, message, INDEX)
        stamps = snapshot.stamps()
    differing = [
        path for path in work.unchanged if _said(vault, path) not in (None, stamps[path].sha256)
    ]
    if differing:
        named = ", ".join(differing[:3])
        message = f"{len(differing):,} notes say something else, with size and times kept: {named}"
        yield Diagnosis("index", Health.DAMAGED, message, REBUILD)
    elif not work.examine and not work.gone:
        yield Diagnosis("index", Health.GOOD, "it says what the notes say, byte for byte")


def _said(vault: Vault, path: str) -> str | None:
    try:
        return vault.read(path)[1].sha256
    except NoteUnreadable:
        return None  # changed this moment: the next command sees it


def _model(
    store: Store, embedder: Embedder, identity: Identity, why_altered: Callable[[], str | None]
) -> Iterator[Diagnosis]:
    """The model against its hashes, and against vectors that it made before."""
    try:
        if reason := why_altered():
            yield Diagnosis("model", Health.DAMAGED, reason, "install the model again")
            return
        with store.read() as snapshot:
            if snapshot.identity.space == identity.space and (off := _drift(snapshot, embedder)):
                yield Diagnosis("model", Health.DAMAGED, off, REBUILD)
                return
    except RecallError as error:
        yield Diagnosis("model", Health.DAMAGED, error.message, error.hint)
        return
    name = embedder.space.model
    yield Diagnosis("model", Health.GOOD, f"{name} has its hashes and gives the vectors it gave")


def _drift(snapshot: Snapshot, embedder: Embedder) -> str | None:
    """Whether texts of the index get other vectors now than the index holds."""
    paths = snapshot.paths()
    chosen = [paths[at * len(paths) // EMBEDDED_AGAIN] for at in range(EMBEDDED_AGAIN) if paths]
    texts = {}
    for path in chosen:
        for passage in snapshot.passages(path)[:1]:
            texts[passage.text_id] = passage.passage.text
    if not texts:
        return None
    cosines = (embedder.embed_passages([*texts.values()]) * snapshot.vectors([*texts])).sum(axis=1)
    if cosines.min() >= LEAST_COSINE:
        return None
    return f"a text gets another vector than it had: cosine {cosines.min():.3f}"


def _feedback(feedback: Feedback) -> Iterator[Diagnosis]:
    try:
        strange = feedback.count_strange()
    except RecallError as error:
        yield Diagnosis("feedback", Health.DAMAGED, error.message, error.hint)
        return
    if strange:
        message = f"{strange} lines of {feedback.file.name} are not understood"
        yield Diagnosis("feedback", Health.WARNING, message, f"look into {feedback.file}")
