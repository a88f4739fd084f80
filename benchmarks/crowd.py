"""Writers and readers of one index at once, each in a process of its own.

A writer edits its note, builds, and must find its edit. A reader must never see an edit undone,
half a build, or an exception. A writer that waits too long must be told that somebody writes.
"""

from __future__ import annotations

import json
import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.small_vault import grow, index_of
from recall.errors import IndexBusy

WAIT_SECONDS = 20.0
_COUNT = re.compile(r"writer (\d+) counted (\d+) (\w+) and again (\d+)")

Work = Callable[[Path, int, float], dict[str, int]]


def run(writers: int, readers: int, seconds: float, folder: Path) -> dict[str, object]:
    """Let them loose on one vault.

    Returns:
        How much each side did, and what failed: nothing, if all is well.
    """
    vault = folder / "vault"
    grow(vault, notes=8)
    for number in range(writers):
        _write(vault, number, 0)
    index_of(vault).refresh()
    until = time.monotonic() + seconds
    jobs: list[tuple[Work, int]] = [(_writer, number) for number in range(writers)]
    jobs += [(_reader, number) for number in range(readers)]
    pipes = [_start(work, vault, number, until) for work, number in jobs]
    done: Counter[str] = Counter()
    failed = []
    for child, reading in pipes:
        with os.fdopen(reading) as heard:
            told = heard.read()
        status = os.waitpid(child, 0)[1]
        if status or not told.startswith("{"):
            failed.append(told or f"a process died with status {status}")
        else:
            done.update(json.loads(told))
    with index_of(vault).read() as snapshot:
        for number in range(writers):
            last = int(_COUNT.search((vault / _name(number)).read_text(encoding="utf-8"))[2])
            if _count_in(snapshot, number) != last:
                failed.append(f"the last edit of writer {number} is not in the index")
    return {
        "writers": writers,
        "readers": readers,
        "seconds": seconds,
        "cases": done["builds"] + done["reads"],
        "survived": done["builds"] + done["reads"] - len(failed),
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
            told.write(json.dumps(work(vault, number, until)))
        except BaseException:  # noqa: BLE001 - whatever it is, it is the finding
            told.write(f"{work.__name__} {number}: {traceback.format_exc()}")
    os._exit(0)


def _writer(vault: Path, number: int, until: float) -> dict[str, int]:
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


def _reader(vault: Path, number: int, until: float) -> dict[str, int]:
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
        reads += 1
    return {"reads": reads}


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
    aside = vault / f".{number}.aside"
    aside.write_text(text, encoding="utf-8")
    aside.replace(vault / _name(number))


def _name(number: int) -> str:
    return f"writer {number}.md"


def _word(count: int) -> str:
    return f"w{count * 7919 % 10007}"
