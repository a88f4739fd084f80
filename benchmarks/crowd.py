"""Writers, linkers and readers of one vault at once, each in a process of its own.

A writer edits its note, builds, and must find its edit. A linker writes suggested links into notes
that all linkers share, and takes back what was written last, whoever wrote it. A reader must never
see an edit undone, half a build, half a note, or an exception. Who waits too long must be told that
somebody writes. In the end each shared note holds the links that linkers were told are written and
that nobody took back: no update is lost.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.small_vault import grow, index_of
from recall.applying import State
from recall.errors import IndexBusy, NoteChanged, NothingToUndo

if TYPE_CHECKING:
    from recall.index import Index

WAIT_SECONDS = 20.0
SHARED = ("shared orchard.md", "shared bees.md", "shared ledger.md")
UNDONE = 0.3  # of the turns of a linker: so there is always a link to write
_COUNT = re.compile(r"writer (\d+) counted (\d+) (\w+) and again (\d+)")
_SHARED = re.compile(
    r"# [^\n]+\n\nThe orchard feeds the bees[^\n]+\n\n## Related\n(?:- \[\[[^\]\n]+\]\]\n)+"
)

Links = Counter[tuple[str, str]]  # (note, note that it links) → how often written less taken back
Work = Callable[[Path, int, float, Links], Counter[str]]


def run(
    writers: int, linkers: int, readers: int, seconds: float, folder: Path
) -> dict[str, object]:
    """Let them loose on one vault.

    Returns:
        How much each side did, and what failed: nothing, if all is well.
    """
    vault = folder / "vault"
    grow(vault, notes=8)
    for number in range(writers):
        _write(vault, number, 0)
    for path in SHARED:
        _put(vault / path, _shared(path))
    index_of(vault).refresh()
    links = _held_links(vault)
    until = time.monotonic() + seconds
    jobs: list[tuple[Work, int]] = [(_writer, number) for number in range(writers)]
    jobs += [(_linker, number) for number in range(linkers)]
    jobs += [(_reader, number) for number in range(readers)]
    pipes = [_start(work, vault, number, until) for work, number in jobs]
    done: Counter[str] = Counter()
    failed = []
    for child, reading in pipes:
        with os.fdopen(reading) as heard:
            told = heard.read()
        status = os.waitpid(child, 0)[1]
        if status or not told.startswith("["):
            failed.append(told or f"a process died with status {status}")
        else:
            counts, wrote = json.loads(told)
            done.update(counts)
            for path, target, change in wrote:
                links[path, target] += change
    index_of(vault).refresh(wait_seconds=WAIT_SECONDS)
    told_of = {pair: count for pair, count in links.items() if count}
    if _held_links(vault) != told_of:
        failed.append(f"links were lost, or came from nowhere: {_held_links(vault)}, {told_of}")
    with index_of(vault).read() as snapshot:
        for number in range(writers):
            last = int(_COUNT.search((vault / _name(number)).read_text(encoding="utf-8"))[2])
            if _count_in(snapshot, number) != last:
                failed.append(f"the last edit of writer {number} is not in the index")
    cases = sum(done[what] for what in ("builds", "reads", "applies", "undos"))
    return {
        "writers": writers,
        "linkers": linkers,
        "readers": readers,
        "seconds": seconds,
        "cases": cases,
        "survived": cases - len(failed),
        "outcomes": dict(sorted(done.items())),
        "failed": failed[:10],
    }


def _start(work: Work, vault: Path, number: int, until: float) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    with os.fdopen(writing, "w") as told:
        try:
            links: Links = Counter()
            counts = work(vault, number, until, links)
            told.write(json.dumps([counts, [[*pair, n] for pair, n in links.items()]]))
        except BaseException:  # noqa: BLE001 - whatever it is, it is the finding
            told.write(f"{work.__name__} {number}: {traceback.format_exc()}")
    os._exit(0)


def _writer(vault: Path, number: int, until: float, _: Links) -> Counter[str]:
    done = Counter(builds=0, busy=0)
    count = 0
    while time.monotonic() < until:
        count += 1
        _write(vault, number, count)
        while True:  # the last edit has to get in, too
            try:
                index_of(vault).refresh(wait_seconds=WAIT_SECONDS)
                break
            except IndexBusy:
                done["busy"] += 1
        with index_of(vault).read() as snapshot:
            assert _count_in(snapshot, number) == count, "a writer does not find its edit"
        done["builds"] += 1
    return done


def _linker(vault: Path, number: int, until: float, links: Links) -> Counter[str]:
    done = Counter(applies=0, undos=0, refused=0)
    chance = random.Random(number)
    while time.monotonic() < until:
        index = index_of(vault)
        try:
            if chance.random() < UNDONE:
                done["undos"] += _undo(index, links)
            else:
                done["applies"] += _apply(index, chance, links)
        except (IndexBusy, NoteChanged):  # said, and nothing was written
            done["refused"] += 1
    return done


def _apply(index: Index, chance: random.Random, links: Links) -> int:
    """Write one suggested link into a shared note; how many were written."""
    found = index.suggest_links(chance.choice(SHARED), k=8)
    if not found.suggestions:
        return 0
    wanted = replace(found, suggestions=(chance.choice(found.suggestions),))
    editor = index.editor()
    edit = editor.plan(wanted).edit
    (outcome,) = editor.write([edit])
    if outcome.error is not None:
        raise outcome.error
    for added in edit.added if outcome.is_written else ():
        links[edit.path, added.link.path] += 1
    return int(outcome.is_written)


def _undo(index: Index, links: Links) -> int:
    """Take the last application back, whoever it was; how many notes it gave back."""
    try:
        undone = index.editor().undo()
    except NothingToUndo:
        return 0
    assert {note.state for note in undone.notes} <= {State.RESTORED}, undone
    names = {Path(path).stem: path for path in index.vault.list().stamps}
    for note in undone.notes:
        for written in note.links:
            links[note.path, names[written.strip("[]")]] -= 1
    return len(undone.notes)


def _reader(vault: Path, number: int, until: float, _: Links) -> Counter[str]:
    seen: Counter[int] = Counter()
    reads = 0
    query = np.eye(64, dtype=np.float32)[number % 64 : number % 64 + 1]
    while time.monotonic() < until:
        index = index_of(vault)
        with index.read() as snapshot:
            for path in [path for path in snapshot.paths() if path.startswith("writer")]:
                writer = int(path.split()[1].removesuffix(".md"))
                count = _count_in(snapshot, writer)
                assert count >= seen[writer], "an edit was undone"
                seen[writer] = count
            ids = snapshot.nearest(query, 20).text_ids[0]
            held = snapshot.passages_with(ids[ids >= 0])
            assert len(held) == 20, "not as many neighbours as there are texts"
        assert index.search("what a writer counted again", k=3).hits, "nothing answers"
        for path in SHARED:
            assert _SHARED.fullmatch((vault / path).read_text(encoding="utf-8")), "half of a note"
        reads += 1
    return Counter(reads=reads)


def _count_in(snapshot: object, writer: int) -> int:
    """What a writer's note says in the index: all of it from one edit."""
    texts = [item.passage.text for item in snapshot.passages(_name(writer))]
    found = [_COUNT.search(text) for text in texts]
    counts = {match.groups() for match in found if match}
    assert len(counts) == 1, f"half of an edit: {texts}"
    _, first, word, again = counts.pop()
    assert first == again, f"half of an edit: {texts}"
    assert word == _word(int(first)), f"half of an edit: {texts}"
    return int(first)


def _write(vault: Path, number: int, count: int) -> None:
    text = (
        f"# Writer {number}\n\nwriter {number} counted {count} {_word(count)} and again {count}.\n"
    )
    _put(vault / _name(number), text)


def _put(file: Path, text: str) -> None:
    """Write a note in one step, as a careful editor does."""
    aside = file.with_name(f".{file.name}.aside")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def _shared(path: str) -> str:
    title = path.removesuffix(".md").capitalize()
    return f"# {title}\n\nThe orchard feeds the bees by the kiln.\n\n## Related\n- [[orchard 0]]\n"


def _held_links(vault: Path) -> Links:
    """What the shared notes link, as the index tells it; each pair once."""
    with index_of(vault).read() as snapshot:
        return Counter(
            (path, str(link.resolution.path))
            for path in SHARED
            for link in snapshot.links_from(path)
        )


def _name(number: int) -> str:
    return f"writer {number}.md"


def _word(count: int) -> str:
    return f"w{count * 7919 % 10007}"
