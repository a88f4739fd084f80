"""What the author said of suggestions: which were dismissed, and which accepted.

Kept beside the index, one JSON object a line, and no part of it: a rebuild, another layout and
another model leave the file alone. It may be read, edited and moved to another machine by hand.

A note is known by its note id if it has one, else by its path; a build that sees a note move says
so, and what a note says (its hash) finds it again where no build looked on.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from recall.domain import Judgement, NameKind, NoteCard, Verdict
from recall.errors import IndexDamaged
from recall.names import normal_form
from recall.records import dataclass, replace
from recall.store.files import create, open_to_read, writing

if TYPE_CHECKING:
    from pathlib import Path

    from recall.store import Snapshot

FILE_NAME = "feedback.jsonl"
MAX_BYTES = 20_000_000  # some 50,000 judgements
HINT = f"Move {FILE_NAME} away; it holds the suggestions that were dismissed or accepted."


@dataclass(frozen=True, slots=True)
class NoteMark:
    """What a note is recognised by."""

    path: str  # in the vault; of a file outside of it, the whole path
    title: str  # for whoever reads the file
    note_id: str | None = None
    sha256: str = ""  # of the file's bytes when it was last seen

    @classmethod
    def of(cls, card: NoteCard, sha256: str = "") -> NoteMark:
        """The mark of a note as it is now."""
        return cls(card.path, card.title, card.note_id, sha256)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file that was understood."""

    verdict: Verdict
    note: NoteMark  # that got the suggestion
    target: NoteMark  # that was suggested
    day: date


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a note was accepted and dismissed, as a suggestion for whichever notes."""

    accepted: int = 0
    dismissed: int = 0


Line = Entry | str  # a line that was not understood stays as it is

Pair = tuple[str, str]  # paths of a note and of what was suggested for it


class Feedback:
    """The file in the folder of an index."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / FILE_NAME

    def entries(self) -> tuple[Entry, ...]:
        """What was said, the oldest first.

        Raises:
            IndexDamaged: Something else stands in the file's place, or it is too large.
        """
        return tuple(line for line in self._lines() if isinstance(line, Entry))

    def count_strange(self) -> int:
        """How many lines of the file are not understood; they are kept as they are."""
        return sum(isinstance(line, str) for line in self._lines())

    def change(self, change: Callable[[tuple[Entry, ...]], tuple[Entry, ...]]) -> None:
        """Write what `change` makes of the entries, in one step and for the user's eyes only.

        Raises:
            IndexUnwritable: The system does not allow it, or the disk is full.
            IndexDamaged: As for `entries`.
        """
        with writing(self.file.parent), _one_at_a_time(self.file.parent):
            lines = self._lines()
            before = tuple(line for line in lines if isinstance(line, Entry))
            after = change(before)
            if after == before:
                return
            strange = [line for line in lines if isinstance(line, str)]
            part = self.file.with_name(f"{FILE_NAME}.part")
            with create(part) as stream:
                for line in (*strange, *map(_line_of, after)):
                    stream.write(line.encode("utf-8", "surrogateescape") + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self.file)

    def _lines(self) -> list[Line]:
        try:
            with open_to_read(self.file) as stream:
                content = stream.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return []
        except IndexDamaged as error:
            raise IndexDamaged(error.message, hint=HINT) from error
        if len(content) > MAX_BYTES:
            raise IndexDamaged(f"{self.file} is larger than {MAX_BYTES // 1_000_000} MB", hint=HINT)
        text = content.decode("utf-8", "surrogateescape")
        return [_entry_from(line) for line in text.split("\n") if line.strip()]


def recorded(
    entries: Iterable[Entry], new: Sequence[Entry], snapshot: Snapshot
) -> tuple[Entry, ...]:
    """The entries with new ones, each instead of what was said of its pair before."""
    pairs = {pair_of(entry, snapshot) for entry in new}
    return (*(entry for entry in entries if pair_of(entry, snapshot) not in pairs), *new)


def withdrawn(
    entries: Iterable[Entry], pairs: Collection[Pair], snapshot: Snapshot | None
) -> tuple[Entry, ...]:
    """The entries without those that say that these suggestions were accepted.

    Args:
        entries: What was said.
        pairs: Paths of notes and of what was suggested for them.
        snapshot: The index; without one, notes are taken to be where they were last seen.
    """

    def pair(entry: Entry) -> Pair:
        if snapshot is None:
            return entry.note.path, entry.target.path
        return pair_of(entry, snapshot)

    return tuple(e for e in entries if e.verdict is not Verdict.ACCEPTED or pair(e) not in pairs)


def followed(
    entries: Iterable[Entry], moved: Iterable[tuple[str, str]], snapshot: Snapshot
) -> tuple[Entry, ...]:
    """The entries with every note by the name and hash that it has now.

    Args:
        entries: As they were before a build.
        moved: (old path, new path) of the notes that the build saw move.
        snapshot: The index that was built.
    """
    entries, places = tuple(entries), dict(moved)
    marks = {mark for entry in entries for mark in (entry.note, entry.target)}
    now = {mark: places.get(mark.path) or place_of(mark, snapshot) for mark in marks}
    if lost := {mark for mark, path in now.items() if path is None}:
        saying = snapshot.paths_by_hash({mark.sha256 for mark in lost})
        found = {mark: saying.get(mark.sha256, []) for mark in lost}
        now |= {mark: paths[0] for mark, paths in found.items() if len(paths) == 1}
    wanted = {path for path in now.values() if path}
    cards, stamps = snapshot.cards(wanted), snapshot.stamps(wanted)

    def renewed(mark: NoteMark) -> NoteMark:
        card = cards.get(now[mark] or "")
        return mark if card is None else NoteMark.of(card, stamps[card.path].sha256)

    return tuple(replace(e, note=renewed(e.note), target=renewed(e.target)) for e in entries)


def place_of(mark: NoteMark, snapshot: Snapshot) -> str | None:
    """Where a note is now, or None if no note of the index is surely the one."""
    if mark.note_id:
        bearers = {
            name.path
            for name in snapshot.lookup(normal_form(mark.note_id))
            if name.kind is NameKind.NOTE_ID
        }
        if bearers:
            if mark.path in bearers:
                return mark.path
            return bearers.pop() if len(bearers) == 1 else None
    return mark.path if snapshot.card(mark.path) is not None else None


def pair_of(entry: Entry, snapshot: Snapshot) -> Pair:
    """Where both notes are now, or were when they were last seen."""
    note, target = (place_of(mark, snapshot) for mark in (entry.note, entry.target))
    return note or entry.note.path, target or entry.target.path


def targets_of(
    source: NoteCard, entries: Iterable[Entry], verdict: Verdict, snapshot: Snapshot
) -> frozenset[str]:
    """The paths of the notes of which this was said, as suggestions for one note."""
    return frozenset(
        path
        for entry in entries
        if entry.verdict is verdict and _is_of(entry.note, source, snapshot)
        if (path := place_of(entry.target, snapshot)) is not None
    )


def tallies(entries: Iterable[Entry], snapshot: Snapshot) -> dict[str, Tally]:
    """What was said of each note as a suggestion: path → tally; the later verdict on a pair holds.

    A verdict counts whether or not the note that it was given for is still there.
    """
    last: dict[tuple[NoteMark, str], Verdict] = {}
    for entry in entries:
        if (path := place_of(entry.target, snapshot)) is not None:
            last[entry.note, path] = entry.verdict
    counts = Counter((path, verdict) for (_, path), verdict in last.items())
    return {
        path: Tally(counts[path, Verdict.ACCEPTED], counts[path, Verdict.DISMISSED])
        for path in sorted({path for path, _ in counts})
    }


def judgements(entries: Iterable[Entry], snapshot: Snapshot) -> tuple[Judgement, ...]:
    """What was said, of notes as they are called now; sorted by note and target."""
    found = []
    for entry in entries:
        note, target = (_now(mark, snapshot) for mark in (entry.note, entry.target))
        gone = target is None or (note is None and not entry.note.path.startswith("/"))
        found.append(
            Judgement(
                verdict=entry.verdict,
                path=note.path if note else entry.note.path,
                title=note.title if note else entry.note.title,
                target_path=target.path if target else entry.target.path,
                target_title=target.title if target else entry.target.title,
                day=entry.day,
                is_gone=gone,
            )
        )
    return tuple(sorted(found, key=lambda item: (item.path, item.target_path, item.verdict)))


def _now(mark: NoteMark, snapshot: Snapshot) -> NoteCard | None:
    path = place_of(mark, snapshot)
    return snapshot.card(path) if path else None


def _is_of(mark: NoteMark, source: NoteCard, snapshot: Snapshot) -> bool:
    has_its_id = mark.note_id is not None and mark.note_id == source.note_id
    if not has_its_id and mark.path != source.path:
        return False  # cheaply: most of what was said is of other notes
    place = place_of(mark, snapshot)
    return place == source.path or (place is None and snapshot.card(source.path) is None)


def _line_of(entry: Entry) -> str:
    fields = {
        "verdict": entry.verdict,
        "day": entry.day.isoformat(),
        "note": _mark_to_json(entry.note),
        "target": _mark_to_json(entry.target),
    }
    line = json.dumps(fields, ensure_ascii=False)
    has_half_characters = any("\ud800" <= char <= "\udfff" for char in line)
    return json.dumps(fields) if has_half_characters else line


def _mark_to_json(mark: NoteMark) -> dict[str, str]:
    fields = {
        "title": mark.title, "path": mark.path, "note_id": mark.note_id, "sha256": mark.sha256,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def _entry_from(line: str) -> Line:
    try:
        fields = json.loads(line)
        return Entry(
            Verdict(fields["verdict"]),
            _mark_from(fields["note"]),
            _mark_from(fields["target"]),
            date.fromisoformat(fields["day"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return line


def _mark_from(fields: Mapping[str, object]) -> NoteMark:
    path, title, note_id, sha256 = (
        fields.get(name) for name in ("path", "title", "note_id", "sha256")
    )
    if not isinstance(path, str) or not path:
        raise ValueError("a note without a path")
    return NoteMark(
        path,
        title if isinstance(title, str) else path,
        note_id if isinstance(note_id, str) else None,
        sha256 if isinstance(sha256, str) else "",
    )


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Let one process read and write the file while others wait, where the system can do that."""
    try:
        import fcntl
    except ImportError:  # Windows: whoever writes last is heard
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network folders know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
