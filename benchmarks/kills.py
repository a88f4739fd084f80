"""A build killed (SIGKILL) at a random moment: what answers, and what does the next build make?"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.corruption import answers
from benchmarks.small_vault import bytes_of, grow, index_of, note
from recall.errors import RecallError
from recall.store.files import LEARNED

FRESH = ("hits", "suggestions")  # leave out notes whose files are gone
LEFT = {  # and one vectors file
    "catalog.sqlite", "catalog.seal", LEARNED, "notes.table", ".gitignore",
}  # fmt: skip


def run(kills: int, folder: Path, *, seed: int = 1) -> dict[str, object]:
    """Kill a build so many times.

    Returns:
        How many died before and after the build was published, and what failed: nothing, if all
        is well.
    """
    vault = folder / "vault"
    grow(vault, notes=12)
    index_of(vault).refresh()
    old = _held(vault)
    good = folder / "good"
    shutil.copytree(vault / ".recall", good)
    _change(vault)

    def build() -> None:
        index_of(vault).refresh()

    started = time.perf_counter()
    in_child(build, None)
    usual = time.perf_counter() - started
    new = _held(vault)
    notes = bytes_of(vault)
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    failed: list[str] = []
    for number in range(kills):
        shutil.rmtree(vault / ".recall")
        shutil.copytree(good, vault / ".recall")
        delay = chance.uniform(0, 1.1 * usual)
        try:
            was_killed = in_child(build, delay)
            outcome = _judged(vault, old, new, notes)
        except (RecallError, AssertionError, OSError) as error:
            failed.append(f"kill {number} after {delay:.4f} s: {type(error).__name__}: {error}")
            continue
        outcomes[outcome if was_killed else "done before the kill"] += 1
    return {
        "cases": kills,
        "survived": kills - len(failed),
        "outcomes": dict(sorted(outcomes.items())),
        "failed": failed[:20],
    }


def _change(vault: Path) -> None:
    """Edit two notes, remove one, rename one and add two."""
    chance = random.Random(99)
    paths = sorted(vault.glob("*.md"))
    for path in paths[:2]:
        path.write_text(path.read_text(encoding="utf-8") + "\nA new line on lamps.\n", "utf-8")
    paths[2].unlink()
    paths[3].rename(vault / "renamed.md")
    for number in (70, 71):
        (vault / f"added {number}.md").write_text(note(number, 12, chance), encoding="utf-8")


def in_child(act: Callable[[], object], delay: float | None) -> bool:
    """Do it in a process of its own; whether that was killed before it was done.

    Args:
        act: What to do.
        delay: Seconds until the kill; None kills nothing.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), "it failed by itself"
    return status != 0


def _judged(
    vault: Path, old: dict[str, object], new: dict[str, object], notes: dict[str, bytes]
) -> str:
    found = _held(vault)
    assert found in (old, new), "neither the old nor the new index answers"
    index_of(vault).refresh()
    assert _held(vault) == new, "the next build made something else"
    index = index_of(vault)
    index.refresh(full=True)
    assert _held(vault) == new, "a whole build made something else"
    left = {file.name for file in (vault / ".recall").iterdir()}
    vectors = {name for name in left if name.startswith("vectors-") and name.endswith(".faiss")}
    assert left - vectors == LEFT, f"left over: {sorted(left - vectors - LEFT)}"
    assert len(vectors) == 1, f"left over: {sorted(vectors)}"
    assert bytes_of(vault) == notes, "a note was changed"
    return "the old index answered" if found == old else "the new index answered"


def _held(vault: Path) -> dict[str, object]:
    """All that the index holds; not what depends on which notes are there at this moment."""
    told = answers(index_of(vault))
    return {name: said for name, said in told.items() if name not in {"stamps", *FRESH}}
