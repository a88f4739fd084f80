"""Bytes of an index flipped, overwritten, cut off, added: is it noticed, and healed?

Each case harms one file of a copy of a good index, so that together they reach every region of
every file. Then the index must answer as before or say that it is damaged, and the next build
must give back the answers of before. Cases run in forked processes: a crash is seen, too.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.small_vault import grow, index_of, settle
from recall.domain import Filters
from recall.errors import RecallError

if TYPE_CHECKING:
    from recall.index import Index

CASES_A_CHILD = 50
SLOWEST_SECONDS = 120  # for one case, on a busy machine
# Of all cases.
SHARE = {"catalog.sqlite": 0.6, "vectors": 0.25, "catalog.seal": 0.1, "learned": 0.05}

Harm = Callable[[bytearray, int, random.Random], None]


def _flip(content: bytearray, at: int, chance: random.Random) -> None:
    content[at] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, at: int, chance: random.Random) -> None:
    stop = min(len(content), at + chance.randint(1, 600))
    content[at:stop] = chance.randbytes(stop - at)


def _zero(content: bytearray, at: int, chance: random.Random) -> None:
    start = at // 512 * 512
    stop = min(len(content), start + 512 * chance.randint(1, 9))
    content[start:stop] = bytes(stop - start)


def _cut(content: bytearray, at: int, _: random.Random) -> None:
    del content[at:]


def _drop(content: bytearray, at: int, chance: random.Random) -> None:
    del content[at : at + chance.randint(1, 5000)]


def _lengthen(content: bytearray, at: int, chance: random.Random) -> None:
    content += chance.randbytes(at % 5000 + 1)


def _swap(content: bytearray, at: int, chance: random.Random) -> None:
    size = 4096
    here, there = at // size * size, chance.randrange(len(content)) // size * size
    one, other = content[here : here + size], content[there : there + size]
    if len(one) == len(other):
        content[here : here + size], content[there : there + size] = other, one


HARMS: dict[str, Harm] = {
    "flip": _flip, "overwrite": _overwrite, "zero": _zero, "cut": _cut, "drop": _drop,
    "lengthen": _lengthen, "swap": _swap,
}  # fmt: skip
OFTEN = ("flip", "flip", "flip", *HARMS)  # the hardest to notice


def run(cases: int, folder: Path, *, seed: int = 1) -> dict[str, object]:
    """Harm an index so many times.

    Returns:
        How many cases there were by file and outcome, and what failed: nothing, if all is well.
    """
    vault = folder / "vault"
    grow(vault, notes=10)
    settle()
    index = index_of(vault)
    index.refresh()
    expected = answers(index)
    good = folder / "good"
    shutil.copytree(vault / ".recall", good)
    outcomes: Counter[str] = Counter()
    failed: list[str] = []
    planned = _planned(cases, good, random.Random(seed))
    for start in range(0, cases, CASES_A_CHILD):
        batch = planned[start : start + CASES_A_CHILD]
        for case, outcome in zip(batch, _in_children(batch, vault, good, expected), strict=True):
            outcomes[f"{_kind(case[0])}: {outcome.partition(':')[0]}"] += 1
            if outcome not in OUTCOMES:
                failed.append(f"{case}: {outcome}")
    return {
        "cases": cases,
        "survived": cases - len(failed),
        "outcomes": dict(sorted(outcomes.items())),
        "failed": failed[:20],
    }


OUTCOMES = ("found and rebuilt", "answered as before")
Case = tuple[str, str, int, int]  # file, harm, place, seed


def _planned(cases: int, good: Path, chance: random.Random) -> list[Case]:
    """Cases whose places are spread evenly over each file, so that no region is left out."""
    planned: list[Case] = []
    for file in sorted(good.iterdir()):
        share = SHARE.get(_kind(file.name), 0.0)
        count = round(cases * share)
        size = file.stat().st_size
        for number in range(count):
            low, high = number * size // count, (number + 1) * size // count
            place = chance.randrange(low, max(high, low + 1))
            planned.append((file.name, chance.choice(OFTEN), place, chance.getrandbits(32)))
    while len(planned) < cases:
        planned.append(planned[chance.randrange(len(planned))])
    chance.shuffle(planned)
    return planned[:cases]


def _in_children(
    batch: list[Case], vault: Path, good: Path, expected: dict[str, object]
) -> list[str]:
    """The outcome of each case; a child that dies is replaced for the cases behind."""
    outcomes: list[str] = []
    while len(outcomes) < len(batch):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with os.fdopen(writing, "w") as told:
                for case in batch[len(outcomes) :]:
                    signal.alarm(SLOWEST_SECONDS)
                    told.write(json.dumps(_outcome(case, vault, good, expected)) + "\n")
                    told.flush()
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as heard:
            outcomes += [json.loads(line) for line in heard]
        _, status = os.waitpid(child, 0)
        if status:
            outcomes.append(f"the process died with status {status}")
    return outcomes


def _outcome(case: Case, vault: Path, good: Path, expected: dict[str, object]) -> str:
    name, harm, place, seed = case
    folder = vault / ".recall"
    shutil.rmtree(folder)
    shutil.copytree(good, folder)  # copies the times too
    content = bytearray((folder / name).read_bytes())
    before = bytes(content)
    HARMS[harm](content, min(place, len(content) - 1), random.Random(seed))
    (folder / name).write_bytes(content)
    if bytes(content) == before:
        return OUTCOMES[1]
    try:
        found = answers(index_of(vault))
        if found != expected:
            return "answered wrongly, in silence"
        noticed = False
    except RecallError:
        noticed = True
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return f"raised {type(error).__name__}: {error}"
    try:
        index = index_of(vault)
        index.refresh()
        if answers(index) != expected:
            return "rebuilt wrongly"
        with index.read() as snapshot:
            snapshot.verify()
    except Exception as error:  # noqa: BLE001 - the same
        return f"was not rebuilt: {type(error).__name__}: {error}"
    return OUTCOMES[0] if noticed else OUTCOMES[1]


def answers(index: Index) -> dict[str, object]:
    """All that an index says, without the numbers that only it knows."""
    with index.read() as snapshot:
        paths = snapshot.paths()
        cards = snapshot.cards(paths)
        passages = snapshot.passages_of(paths)
        words = sorted(set().union(*snapshot.terms_of(paths).values()))
        queries = np.eye(index.embedder.space.dimension, dtype=np.float32)[:8]
        nearest = snapshot.nearest(queries, 20, filters=Filters(drafts=False))
        holders = snapshot.passages_with(nearest.text_ids[nearest.text_ids >= 0])
        first = {number: held[0].passage.text for number, held in holders.items() if held}
        told: dict[str, object] = {
            "cards": [repr(cards[path]) for path in paths],
            "stamps": repr(snapshot.stamps()),
            "passages": [[(p.ordinal, repr(p.passage)) for p in passages[path]] for path in paths],
            "links": [repr(snapshot.links_from(path)) for path in paths],
            "edges": list(snapshot.edges()),
            "neighbours": repr([(k, sorted(v.linked), sorted(v.linking))
                                for k, v in snapshot.neighbours(paths).items()]),
            "words": snapshot.lexical(words[::7], 50),
            "frequencies": snapshot.document_frequency(words),
            "vectors": [
                snapshot.vectors([p.text_id for p in passages[path]]).tobytes().hex()
                for path in paths
            ],
            "nearest": [[first.get(number) for number in row] for row in nearest.text_ids.tolist()],
            "scores": nearest.scores.tolist(),
            "counts": repr(snapshot.counts()),
            "skipped": repr(snapshot.skipped()),
        }  # fmt: skip
    told["hits"] = repr([
        [(hit.card.path, hit.score, hit.passage) for hit in index.search(question).hits]
        for question in ("old orchards", "bees", "ledger of fruit")
    ])  # fmt: skip
    told["suggestions"] = repr(index.suggest_links(paths[0]).suggestions)
    return json.loads(json.dumps(told))


def _kind(name: str) -> str:
    """What a file is, without the number in its name."""
    return next((kind for kind in ("vectors", "learned") if name.startswith(f"{kind}-")), name)
