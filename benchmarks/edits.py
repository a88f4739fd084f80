"""Whether writing links keeps its promises on every note of real vaults.

For each note two other notes of its vault are chosen, by chance that is seeded with its path, and
linked as `suggest-links --apply` would. Then, with nothing of recall's own check:

- an independent reading (benchmarks/resolve.py: markdown-it, regular expressions) finds the old
  links and the two new ones, and no other;
- without what was put in, the bytes are the old ones; `undo`'s record gives them back, too;
- linking again changes nothing.

With --write the edits are written into copies of the notes as one application, read back, and
undone.

    python -m benchmarks.edits VAULT... [--write] [--show N]
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.resolve import File, read_file
from benchmarks.results_file import keep
from recall.applying.apply import new_application, write_all
from recall.applying.journal import Journal, Record, sha256_of
from recall.applying.undo import State, undo
from recall.domain import Link, LinkPlace, Name, Note, ResolvedLink
from recall.edit import Edit, NewLink, add_links, common_habit, habit_of, unified
from recall.entries import card_of
from recall.errors import NoteUnreadable
from recall.manner import manner_of, new_link
from recall.markdown import parse_note
from recall.names import Resolver, names_of
from recall.vault import Vault

LINKS_A_NOTE = 2
SAMPLED_NOTES, SAMPLED_PLACES = 200, 60  # as recall.applying.editor samples


@dataclass(slots=True)
class Tally:
    """What was found in one vault."""

    notes: int = 0
    edited: int = 0
    links: int = 0
    places: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lines_changed: Counter[str] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


class Names:
    """The notes of a vault and what their names mean, held in memory."""

    def __init__(self, vault: Vault) -> None:
        self.notes: dict[str, Note] = {}
        for path in vault.list().stamps:
            try:
                text, _ = vault.read(path)
            except NoteUnreadable:
                continue
            self.notes[path] = parse_note(path, text)
        self.cards = {path: card_of(note) for path, note in self.notes.items()}
        bearers: dict[str, list[Name]] = defaultdict(list)
        for card in self.cards.values():
            for key, name in names_of(card):
                bearers[key].append(name)
        self.resolver = Resolver(lambda key: bearers.get(key, ()))
        linking = [path for path, note in self.notes.items() if note.links]
        self.manner = manner_of(
            link for path in _sampled(linking, SAMPLED_NOTES) for link in self.links_of(path)
        )
        kept = {LinkPlace.RELATED, LinkPlace.FRONTMATTER}
        placed = [p for p, n in self.notes.items() if kept & {link.place for link in n.links}]
        habits = (habit_of(p, self.notes[p].text) for p in _sampled(placed, SAMPLED_PLACES))
        self.habit = common_habit(habit for habit in habits if habit)

    def links_of(self, path: str) -> list[ResolvedLink]:
        """The links of one note, resolved."""
        resolve = self.resolver.resolve_link
        links = self.notes[path].links
        return [ResolvedLink(link, path, resolve(link, source=path)) for link in links]


def main() -> None:
    """Edit every note of the vaults that the command line names."""
    parser = argparse.ArgumentParser(description="Check edits on every note of real vaults.")
    parser.add_argument("vaults", nargs="+", type=Path, metavar="VAULT")
    parser.add_argument("--write", action="store_true", help="write copies, and undo")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="diffs of each vault")
    arguments = parser.parse_args()
    results: dict[str, object] = {}
    print(f"{'vault':36} notes  edited   links  broken  one place each  ms a note")
    for folder in arguments.vaults:
        names = Names(Vault(folder))
        tally = Tally()
        for path in names.notes:
            _edit(path, names, tally, show=arguments.show)
        written = _write(folder, tally) if arguments.write else None
        results[folder.resolve().name] = _counts(tally, written)
        _print(folder.resolve().name, tally, written)
        kept = keep("edits", {"links_a_note": LINKS_A_NOTE, "vaults": results})
    print("kept in", kept.name)


def _edit(path: str, names: Names, tally: Tally, *, show: int) -> None:
    tally.notes += 1
    note = names.notes[path]

    def resolve(link: Link) -> str | None:
        return names.resolver.resolve_link(link, source=path).path

    linked = {resolve(link) for link in note.links} | {path}
    others = [other for other in names.notes if other not in linked]
    seed = hashlib.sha256(path.encode()).digest()
    chosen = random.Random(seed).sample(others, min(LINKS_A_NOTE, len(others)))
    manner = manner_of(names.links_of(path), names.manner)
    links = [
        new_link(names.cards[other], names.resolver, source=path, manner=manner) for other in chosen
    ]
    started = time.perf_counter()
    edit, unplaced = add_links(path, note.text, links, resolve, habit=lambda: names.habit)
    tally.ms.append((time.perf_counter() - started) * 1000)
    for item in unplaced:
        tally.left_out[item.reason] += 1
    if not edit.insertions:
        return
    tally.edited += 1
    tally.links += len(edit.added)
    tally.places.update({added.shape.value for added in edit.added})
    tally.edits.append(edit)
    diff = unified(path, edit.old, edit.new)
    removed = sum(line.startswith("-") for line in diff.split("\n")[2:])
    tally.lines_changed[f"{removed} lines changed"] += 1
    if len(tally.shown) < show and random.Random(seed).random() < 0.1:
        tally.shown.append(diff)
    for promise in _broken(edit, links, names, resolve):
        tally.broken[promise].append(path)


def _broken(edit: Edit, links: Sequence[NewLink], names: Names, resolve: object) -> list[str]:
    """The promises that an edit does not keep."""
    broken = []
    written = Counter(added.written for added in edit.added)
    if _texts(edit.new) - _texts(edit.old) != written or _texts(edit.old) - _texts(edit.new):
        broken.append("an independent reading finds the old links and the new")
    record = Record(
        "", "", edit.path, sha256_of(edit.old), sha256_of(edit.new), edit.insertions, ()
    )
    old = record.old_text(edit.new)
    if old is None or old.encode() != edit.old.encode():
        broken.append("the record gives the old bytes back")
    again, _ = add_links(edit.path, edit.new, links, resolve, habit=lambda: names.habit)  # type: ignore[arg-type]
    if again.insertions:
        broken.append("linking again changes nothing")
    return broken


def _texts(text: str) -> Counter[str]:
    """The links of a note as an independent reading sees them, as they are written."""
    file: File = read_file(text)
    return Counter(text[link.start : link.end] for link in file.links)


def _write(folder: Path, tally: Tally) -> dict[str, object]:
    """Write all edits into a copy of the vault, and undo them."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "vault"
        for edit in tally.edits:
            (root / edit.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / edit.path, root / edit.path)
        vault, journal = Vault(root), Journal(root / ".recall")
        started = time.perf_counter()
        outcomes = write_all(tally.edits, vault, journal, application=new_application())
        seconds = time.perf_counter() - started
        new = sum((root / e.path).read_bytes() == e.new.encode() for e in tally.edits)
        states = Counter(note.state for note in undo(vault, journal).notes)
        old = sum(
            (root / e.path).read_bytes() == (folder / e.path).read_bytes() for e in tally.edits
        )
    return {
        "written": sum(outcome.is_written for outcome in outcomes),
        "hold_the_new_bytes": new,
        "restored": states[State.RESTORED],
        "hold_the_old_bytes_after_undo": old,
        "ms_a_note": round(1000 * seconds / max(1, len(outcomes)), 1),
    }


def _counts(tally: Tally, written: dict[str, object] | None) -> dict[str, object]:
    return {
        "notes": tally.notes,
        "edited": tally.edited,
        "links": tally.links,
        "places": dict(tally.places.most_common()),
        "left_out": dict(tally.left_out.most_common()),
        "lines_changed": dict(sorted(tally.lines_changed.items())),
        "broken": {promise: len(paths) for promise, paths in sorted(tally.broken.items())},
        "ms_a_note": round(sum(tally.ms) / max(1, len(tally.ms)), 2),
        "written": written,
    }


def _print(name: str, tally: Tally, written: dict[str, object] | None) -> None:
    broken = sum(map(len, tally.broken.values()))
    places = ", ".join(f"{place} {count}" for place, count in tally.places.most_common())
    print(
        f"{name[:36]:36} {tally.notes:5} {tally.edited:7} {tally.links:7} {broken:7}"
        f"  {places}  {sum(tally.ms) / max(1, len(tally.ms)):.1f}"
    )
    for promise, paths in tally.broken.items():
        print(f"  not kept: {promise}: {len(paths)}: {', '.join(paths[:5])}")
    for reason, count in tally.left_out.most_common():
        print(f"  left out: {reason}: {count}")
    if written:
        print(f"  written: {written}")
    for diff in tally.shown:
        print("".join(f"    {line}\n" for line in diff.splitlines()))


def _sampled(paths: Sequence[str], most: int) -> list[str]:
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])


if __name__ == "__main__":
    main()
