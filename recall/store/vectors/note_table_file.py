"""The files beside the index that hold the table of notes; they may be deleted.

`notes.table` is the table of one state of the index, `notes.changes` what changed of it since. In
each a line of JSON with its CRC-32 says which state of which catalog it is of, and where each array
lies; the arrays follow, aligned, with a CRC-32 of their own. As with vectors, the seal vouches for
a file that looks as it did when its content was known to be right; any other is compared first.
A file that is damaged, or of another state, is as good as none: all is then read of the catalog.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from recall.errors import RecallError
from recall.records import dataclass
from recall.store.changes import generation_of
from recall.store.files import TABLE, TABLE_CHANGES, create, open_to_read
from recall.store.seal import read_seal, renew
from recall.store.vectors.lists import Lists
from recall.store.vectors.note_patch import Patch
from recall.store.vectors.note_table import NoteTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

LAYOUT = 2
ALIGNED = 64  # bytes: where arrays begin, and as much as a vector instruction reads
LONGEST_HEAD = 1 << 14  # bytes
_KINDS = {"<i8", "<f4", "|u1"}
_DAMAGE = (
    OSError, RecallError, ValueError, TypeError, KeyError, AttributeError, RecursionError,
)  # fmt: skip
# As JSON: any `str` survives.
_WORDS = ("paths", "terms", "tag_names", "gone", "others", "counted")

Held = TypeVar("Held", NoteTable, Patch)


@dataclass(frozen=True, slots=True)
class State:
    """What a table is of."""

    born: str  # when the catalog was made: the numbers of texts mean something else in another
    built: str  # when this state of it was published, and the how-manieth it was
    space: str
    max_notes_per_text: int | None

    @property
    def generation(self) -> int:
        """The how-manieth build it is of."""
        return generation_of(self.built)

    def follows(self, other: State) -> bool:
        """Whether texts that have the same number in both are the same, with the same vector."""
        mine = (self.born, self.space, self.max_notes_per_text)
        return bool(self.born) and mine == (other.born, other.space, other.max_notes_per_text)


class TableFile(Generic[Held]):
    """One of the two files."""

    def __init__(self, directory: Path, name: str, kind: type[Held]) -> None:
        self._directory = directory
        self._file = directory / name
        self._kind: type[Held] = kind

    def is_there(self) -> bool:
        """Whether something stands in the file's place."""
        return os.path.lexists(self._file)

    def head(self) -> tuple[State, str | None] | None:
        """What it is of, and since when; None if there is none, or its head is damaged."""
        try:
            with open_to_read(self._file) as file:
                return _head(file)[0]
        except _DAMAGE:
            return None

    def is_vouched(self) -> bool:
        """Whether the file looks as it did when its content was known to be right."""
        seal = read_seal(self._directory)
        return seal is not None and seal.vouches_for(self._file)

    def load(self, *, whole: bool = False) -> tuple[State, str | None, Held] | None:
        """What it is of, since when, and what it holds; None if there is none, or it is damaged.

        Args:
            whole: Compare it even where the seal vouches for it.
        """
        try:
            with open_to_read(self._file) as file:
                (state, since), places, sealed_crc = _head(file)
                start = file.seek(_aligned(file.tell()))
                body = np.empty(max(os.fstat(file.fileno()).st_size - start, 0), np.uint8)
                if file.readinto(body.data) != len(body):
                    return None
            if (whole or not self.is_vouched()) and zlib.crc32(body.data) != sealed_crc:
                return None
            return state, since, _held(self._kind, body, places)
        except _DAMAGE:
            return None

    def keep(self, state: State, held: Held, *, since: str | None = None) -> None:
        """Put a file in place of the one before, whole or not at all; readable by its owner.

        A folder that can't be written to costs time only.
        """
        arrays = _arrays(held)
        places: dict[str, tuple[str, tuple[int, ...], int]] = {}
        end = crc = 0
        for name, array in arrays.items():
            places[name] = array.dtype.str, array.shape, end
            padded = _padding(array.nbytes)
            crc = zlib.crc32(padded, zlib.crc32(_bytes(array), crc))
            end += array.nbytes + len(padded)
        of = {"layout": LAYOUT, "of": asdict(state), "since": since}
        head = json.dumps({**of, "at": places, "crc": crc}).encode()
        aside = self._directory / f"{self._file.name}.{os.getpid()}.part"
        try:
            with create(aside) as file:
                file.write(b"%08x %b\n" % (zlib.crc32(head), head))
                file.write(_padding(file.tell()))
                for array in arrays.values():
                    file.write(_bytes(array))
                    file.write(_padding(array.nbytes))
            aside.replace(self._file)
        except OSError:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            return
        self.vouch()

    def remove(self) -> None:
        """Take it away, if the system lets us."""
        if self.is_there():
            with suppress(OSError):
                self._file.unlink()
            self.vouch()

    def vouch(self) -> None:
        """Have the seal say that the file is what was written, or is gone."""
        if (seal := read_seal(self._directory)) is not None:
            renew(self._directory, seal, [self._file.name])


def table_file(directory: Path) -> TableFile[NoteTable]:
    """The table of some state."""
    return TableFile(directory, TABLE, NoteTable)


def changes_file(directory: Path) -> TableFile[Patch]:
    """What changed of it since."""
    return TableFile(directory, TABLE_CHANGES, Patch)


def states(directory: Path) -> Iterator[State]:
    """What is kept is of these."""
    for file in (table_file(directory), changes_file(directory)):
        if (head := file.head()) is not None:
            yield head[0]


def _head(file: BufferedReader) -> tuple[tuple[State, str | None], Mapping[str, Any], int]:
    crc, _, body = file.readline(LONGEST_HEAD).rstrip(b"\n").partition(b" ")
    if int(crc, 16) != zlib.crc32(body):
        raise ValueError("the head is damaged")
    head = json.loads(body)
    if head["layout"] != LAYOUT:
        raise ValueError("another layout")
    return (State(**head["of"]), head.get("since")), head["at"], head["crc"]


def _held(kind: type[Held], body: NDArray[np.uint8], places: Mapping[str, Any]) -> Held:
    held: dict[str, Any] = {}
    for name, (number, shape, at) in places.items():
        if number not in _KINDS:
            raise ValueError(f"numbers of the kind {number}")
        count = int(np.prod(shape)) * np.dtype(number).itemsize
        held[name] = body[at : at + count].view(number).reshape(shape)
    parts: dict[str, Any] = {}
    for item in fields(kind):
        if item.name in _WORDS:
            parts[item.name] = tuple(json.loads(held[item.name].tobytes()))
        elif f"{item.name}.starts" in held:
            parts[item.name] = Lists(held[f"{item.name}.starts"], held[f"{item.name}.items"])
        else:
            parts[item.name] = held[item.name]
    return kind(**parts)


def _arrays(held: NoteTable | Patch) -> dict[str, NDArray[Any]]:
    """Every part as arrays of little-endian numbers."""
    found: dict[str, NDArray[Any]] = {}
    for item in fields(held):
        part = getattr(held, item.name)
        if isinstance(part, Lists):
            found[f"{item.name}.starts"] = part.starts
            found[f"{item.name}.items"] = part.items
        elif isinstance(part, tuple):
            found[item.name] = np.frombuffer(json.dumps(part).encode(), np.uint8)
        else:
            found[item.name] = part
    kinds = {"i": "<i8", "f": "<f4", "u": "|u1"}
    return {name: np.ascontiguousarray(a, dtype=kinds[a.dtype.kind]) for name, a in found.items()}


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _aligned(place: int) -> int:
    return -(-place // ALIGNED) * ALIGNED


def _padding(place: int) -> bytes:
    return b"\0" * (_aligned(place) - place)
