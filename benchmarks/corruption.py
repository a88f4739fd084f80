"""Bytes of an index flipped, overwritten, cut off, added, files replaced: noticed, and healed?

Each case harms one file of a copy of a good index, so that together they reach every region of
every file that lies there. A file may also be gone, or be that of another vault or of an earlier
build. Then the index must answer as before or say that it is damaged, and the next build must give
back the answers of before and leave every file sound. What the author said of suggestions and the
record of what was written into notes are no part of the index and can't be built again: of those,
lines may be lost, but no answer may change that does not hang on them, and `undo` gives a note its
old bytes or leaves it as it is. Cases run in forked processes: a crash is seen, too.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.harms import HARMS, OFTEN
from benchmarks.small_vault import bytes_of, grow, index_of, note, settle
from recall.domain import Filters
from recall.errors import RecallError
from recall.store import learned
from recall.store.vectors import signs
from recall.store.vectors.pending import Pending

if TYPE_CHECKING:
    from recall.index import Index

CASES_A_CHILD = 50
SLOWEST_SECONDS = 120  # for one case, on a busy machine
# Of all cases; `.gitignore` and `applications.lock` hold nothing that is read.
SHARE = {
    "catalog.sqlite": 0.43, "vectors": 0.16, "catalog.seal": 0.08, "notes.table": 0.12,
    "learned": 0.09, "pending.vectors": 0.03, "feedback.jsonl": 0.03, "applications.jsonl": 0.06,
}  # fmt: skip
UNREAD = (".gitignore", "applications.lock")
AUTHORS = ("feedback.jsonl", "applications.jsonl")  # kept, not built

REPLACED = ("missing", "another vault's", "earlier")  # each once a file, whatever its share


def run(cases: int, folder: Path, *, seed: int = 1) -> dict[str, object]:
    """Harm an index so many times.

    Returns:
        How many cases there were by file and outcome, and what failed: nothing, if all is well.
    """
    # Half of the runs on a vectors file with signs behind it, as only large ones have.
    before, signs.SIGNED_FROM = signs.SIGNED_FROM, 1 if seed % 2 == 0 else signs.SIGNED_FROM
    try:
        return _run(cases, folder, seed)
    finally:
        signs.SIGNED_FROM = before


def _run(cases: int, folder: Path, seed: int) -> dict[str, object]:
    place = _prepared(folder)
    expected = answers(index_of(place.vault))
    outcomes: Counter[str] = Counter()
    failed: list[str] = []
    planned = _planned(cases, place.good, random.Random(seed))
    for start in range(0, cases, CASES_A_CHILD):
        batch = planned[start : start + CASES_A_CHILD]
        for case, outcome in zip(batch, _in_children(batch, place, expected), strict=True):
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


@dataclass(frozen=True, slots=True)
class _Place:
    """A vault, and copies of index folders whose files are put into its own."""

    vault: Path
    good: Path
    replacing: Mapping[str, Path]  # by the harm: where the file that takes the place is
    before: Mapping[str, bytes]  # what notes said before links were written into them
    after: Mapping[str, bytes]


def _prepared(folder: Path) -> _Place:
    """An index of each kind of file: built twice, with links written and one dismissed."""
    vault = folder / "vault"
    grow(vault, notes=10)
    index = index_of(vault)
    index.refresh()
    earlier = folder / "earlier"
    shutil.copytree(vault / ".recall", earlier)
    (vault / "added.md").write_text(note(77, 10, random.Random(7)), encoding="utf-8")
    index.refresh()
    before = bytes_of(vault)
    with index.read() as snapshot:
        paths = snapshot.paths()
    index.dismiss(paths[0], index.suggest_links(paths[0], k=1).suggestions[0].card.path)
    editor = index.editor()
    plans = [editor.plan(index.suggest_links(path, k=1)) for path in paths[:3]]
    written = editor.write([plan.edit for plan in plans])
    assert all(outcome.is_written for outcome in written)
    settle()
    index.refresh()
    _leave_pending(vault / ".recall", index)
    good = folder / "good"
    shutil.copytree(vault / ".recall", good)
    other = folder / "other"
    grow(other, notes=11, seed=2)
    index_of(other).refresh()
    for name in AUTHORS:
        shutil.copy(good / name, other / ".recall" / name)
    replacing = {"another vault's": other / ".recall", "earlier": earlier}
    return _Place(vault, good, replacing, before, bytes_of(vault))


def _leave_pending(directory: Path, index: Index) -> None:
    """A vector, as a killed build leaves it."""
    pending = Pending(directory, index.embedder.space.fingerprint)
    vector = np.ones((1, index.embedder.space.dimension), dtype=np.float32)
    pending.append([bytes(32)], vector)


Case = tuple[str, str, int, int]  # file, harm, place, seed


def _planned(cases: int, good: Path, chance: random.Random) -> list[Case]:
    """Cases whose places are spread evenly over each file, so that no region is left out."""
    planned: list[Case] = []
    held = {_kind(file.name) for file in good.iterdir()} - {"catalog.sqlite-wal", *UNREAD}
    assert held - {"catalog.sqlite-shm"} == set(SHARE), "a file that no case harms"
    for file in sorted(good.iterdir()):
        if _kind(file.name) in SHARE:
            planned += [(file.name, harm, 0, 0) for harm in REPLACED]
        share = SHARE.get(_kind(file.name), 0.0)
        count = round(cases * share) - len(REPLACED) if share else 0
        size = file.stat().st_size
        for number in range(count):
            low, high = number * size // count, (number + 1) * size // count
            place = chance.randrange(low, max(high, low + 1))
            planned.append((file.name, chance.choice(OFTEN), place, chance.getrandbits(32)))
    while len(planned) < cases:
        planned.append(planned[chance.randrange(len(planned))])
    chance.shuffle(planned)
    return planned[:cases]


def _in_children(batch: list[Case], place: _Place, expected: dict[str, object]) -> list[str]:
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
                    told.write(json.dumps(_outcome(case, place, expected)) + "\n")
                    told.flush()
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as heard:
            outcomes += [json.loads(line) for line in heard]
        _, status = os.waitpid(child, 0)
        if status:
            outcomes.append(f"the process died with status {status}")
    return outcomes


def _outcome(case: Case, place: _Place, expected: dict[str, object]) -> str:
    name, harm, at, seed = case
    folder = place.vault / ".recall"
    shutil.rmtree(folder)
    shutil.copytree(place.good, folder)  # copies the times too
    if not _harm(folder / name, harm, at, random.Random(seed), place.replacing):
        return OUTCOMES[1]
    if name in AUTHORS:
        return _outcome_for_author(name, place, expected)
    try:
        found = answers(index_of(place.vault))
        if found != expected:
            return "answered wrongly, in silence"
        noticed = False
    except RecallError:
        noticed = True
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return f"raised {type(error).__name__}: {error}"
    try:
        index = index_of(place.vault)
        index.refresh()
        if answers(index) != expected:
            return "rebuilt wrongly"
        with index.read() as snapshot:
            snapshot.verify()
            if reason := snapshot.why_table_unsound():
                return f"the table of notes was not healed: {reason}"
        if learned.read(folder) is None:
            return "what was learned was not healed"
    except Exception as error:  # noqa: BLE001 - the same
        return f"was not rebuilt: {type(error).__name__}: {error}"
    return OUTCOMES[0] if noticed else OUTCOMES[1]


def _harm(
    file: Path, harm: str, at: int, chance: random.Random, replacing: Mapping[str, Path]
) -> bool:
    """Harm a file; whether that changed it."""
    before = file.read_bytes()
    if harm == "missing":
        file.unlink()
        return True
    if harm in replacing:
        found = sorted(replacing[harm].glob(f"{_kind(file.name)}*"))
        if not found:
            return False
        content = bytearray(found[0].read_bytes())
    else:
        content = bytearray(before)
        HARMS[harm](content, min(at, len(content) - 1), chance)
    file.write_bytes(content)
    return bytes(content) != before


def _outcome_for_author(name: str, place: _Place, expected: dict[str, object]) -> str:
    """What is kept for the author is damaged: the notes stay, and the index tells what it told."""
    noticed = False
    index = index_of(place.vault)
    try:
        found = index_only(index)
        if found != {part: expected[part] for part in found}:
            return "answered wrongly, in silence"
        index.suggest_links("added.md")
        index.dismissed()
    except RecallError:
        noticed = True
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return f"raised {type(error).__name__}: {error}"
    if name != "applications.jsonl":
        return OUTCOMES[0] if noticed else OUTCOMES[1]
    copy = place.vault.with_name("copy")  # the notes of the vault keep their times
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.vault, copy)
    try:
        index_of(copy).editor().undo(only_unchanged=True)
    except RecallError:
        noticed = True
    except Exception as error:  # noqa: BLE001 - the same
        return f"undo raised {type(error).__name__}: {error}"
    held = bytes_of(copy)
    if any(held[path] not in (place.before[path], place.after[path]) for path in held):
        return "undo spoilt a note"
    return OUTCOMES[0] if noticed else OUTCOMES[1]


def answers(index: Index) -> dict[str, object]:
    """All that an index says, without the numbers that only it knows."""
    told = index_only(index)
    with index.read() as snapshot:
        paths = snapshot.paths()
    told["suggestions"] = repr([index.suggest_links(path).suggestions for path in paths[:2]])
    return json.loads(json.dumps(told))


def index_only(index: Index) -> dict[str, object]:
    """The same without suggestions, which also hang on what the author said of them."""
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
    return json.loads(json.dumps(told))


def _kind(name: str) -> str:
    """What a file is, without the number in its name."""
    return next((kind for kind in ("vectors", "learned") if name.startswith(f"{kind}-")), name)
