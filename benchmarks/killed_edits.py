"""An apply or an undo killed (SIGKILL) at a random moment: what do the notes say, and what next?

Whatever the moment, every note holds its old bytes or its new ones; the index can be brought up to
date and tells the links that the notes hold; `undo` gives all old bytes back, a second apply all
new ones; and no file is left that belongs to neither.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kills import in_child
from benchmarks.small_vault import bytes_of, grow, index_of
from recall.errors import NothingToUndo, RecallError
from recall.store.files import LEARNED

if TYPE_CHECKING:
    from recall.edit import Edit

EDITED = 6  # notes that one apply writes
KEPT = {
    "catalog.sqlite", "catalog.sqlite-shm", "catalog.sqlite-wal", "catalog.seal",
    LEARNED, "notes.table", ".gitignore", "applications.jsonl", "applications.lock",
}  # fmt: skip

Notes = Mapping[str, bytes]


def run(kills: int, folder: Path, *, what: str, seed: int = 1) -> dict[str, object]:
    """Kill an `apply` or an `undo` so many times.

    Returns:
        How many notes were written when it died, how often, and what failed: nothing, if all is
        well.
    """
    vault = folder / "vault"
    edits = _planned(vault)
    old = bytes_of(vault)
    new = {**old, **{edit.path: edit.new.encode() for edit in edits}}
    if what == "undo":
        index_of(vault).editor().write(edits)
    good = folder / "good"
    shutil.copytree(vault, good)

    def act() -> None:
        editor = index_of(vault).editor()
        editor.write(edits) if what == "apply" else editor.undo()

    usual = _usual_seconds(act, good, vault)
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    failed: list[str] = []
    for number in range(kills):
        _restore(good, vault)
        delay = chance.uniform(0, 1.1 * usual)
        try:
            was_killed = in_child(act, delay)
            written = _judged(vault, old, new, edits, finishes=number % 2 == 1)
        except (RecallError, AssertionError, OSError) as error:
            failed.append(f"kill {number} after {delay:.4f} s: {type(error).__name__}: {error}")
            continue
        outcome = f"{written} of {len(edits)} notes held the links"
        outcomes[outcome if was_killed else "done before the kill"] += 1
    return {
        "cases": kills,
        "survived": kills - len(failed),
        "outcomes": dict(sorted(outcomes.items())),
        "failed": failed[:20],
    }


def _planned(vault: Path) -> list[Edit]:
    """A vault, its index, and the edits that one apply would make."""
    grow(vault, notes=12)
    index = index_of(vault)
    index.refresh()
    editor = index.editor()
    with index.read() as snapshot:
        paths = snapshot.paths()
    plans = [editor.plan(index.suggest_links(path, k=2)) for path in paths]
    edits = [plan.edit for plan in plans if plan.edit.insertions][:EDITED]
    assert len(edits) == EDITED, "too few notes are missing a link"
    return edits


def _usual_seconds(act: Callable[[], None], good: Path, vault: Path) -> float:
    """How long it takes when nobody kills it: the median of five."""
    times = []
    for _ in range(5):
        _restore(good, vault)
        started = time.perf_counter()
        in_child(act, None)
        times.append(time.perf_counter() - started)
    return sorted(times)[2]


def _restore(good: Path, vault: Path) -> None:
    shutil.rmtree(vault)
    shutil.copytree(good, vault)


def _judged(vault: Path, old: Notes, new: Notes, edits: Sequence[Edit], *, finishes: bool) -> int:
    """See that all is as it should be; how many notes held the new links after the kill."""
    held = bytes_of(vault)
    assert held.keys() == old.keys(), "a note came or went"
    assert all(held[path] in (old[path], new[path]) for path in held), "a note was spoilt"
    written = [edit for edit in edits if held[edit.path] == new[edit.path]]
    _check_index(vault, held, edits)
    editor = index_of(vault).editor()
    try:
        editor.undo()
    except NothingToUndo:
        assert not written, "notes were written, and none is on record"
    assert bytes_of(vault) == old, "undo did not give the old bytes back"
    if finishes:
        assert all(outcome.is_written for outcome in editor.write(edits)), "not applied again"
        assert bytes_of(vault) == new, "a second apply did not write what the first would have"
    _check_index(vault, new if finishes else old, edits)
    _check_leftovers(vault, old)
    return len(written)


def _check_index(vault: Path, held: Notes, edits: Sequence[Edit]) -> None:
    """The next build succeeds, and the index then tells the links that the notes hold."""
    index = index_of(vault)
    index.refresh(learns=False)
    with index.read() as snapshot:
        told = {path: stamp.sha256 for path, stamp in snapshot.stamps().items()}
        assert told == {path: hashlib.sha256(data).hexdigest() for path, data in held.items()}
        for edit in edits:
            links = {link.resolution.path for link in snapshot.links_from(edit.path)}
            wanted = {added.link.path for added in edit.added}
            is_written = held[edit.path] == edit.new.encode()
            assert (wanted <= links) is is_written, "the index tells other links than the note"


def _check_leftovers(vault: Path, notes: Notes) -> None:
    files = {path.relative_to(vault).as_posix() for path in vault.rglob("*") if path.is_file()}
    kept = {f".recall/{name}" for name in KEPT}
    left = {name for name in files - notes.keys() - kept if not name.endswith(".faiss")}
    assert not left, f"left over: {sorted(left)}"
