"""The file beside the index that holds the table of notes; it may be deleted.

A line of JSON with its CRC-32 says which state of which catalog the table is of, and where each
array lies; the arrays follow, aligned, with a CRC-32 of their own. As with vectors, the seal
vouches for a file that looks as it did when its content was known to be right; any other is
compared first. A file that is damaged, or of another state, is as good as none: the table is then
read of the catalog.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from recall.errors import RecallError
from recall.records import dataclass
from recall.store.files import TABLE, create, open_to_read
from recall.store.seal import read_seal, renew
from recall.store.vectors.lists import Lists
from recall.store.vectors.note_table import NoteTable

if TYPE_CHECKING:
    from collections.abc import Mapping
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
_WORDS = ("paths", "terms", "tag_names")  # as JSON: any `str` survives


@dataclass(frozen=True, slots=True)
class State:
    """What a table is of."""

    born: str  # when the catalog was made: the numbers of texts mean something else in another
    built: str  # when this state of it was published, and the how-manieth it was
    space: str
    max_notes_per_text: int | None

    def follows(self, other: State) -> bool:
        """Whether texts that have the same number in both are the same, with the same vector."""
        mine = (self.born, self.space, self.max_notes_per_text)
        return bool(self.born) and mine == (other.born, other.space, other.max_notes_per_text)


def is_there(directory: Path) -> bool:
    """Whether something stands in the file's place."""
    return os.path.lexists(directory / TABLE)


def state_of(directory: Path) -> State | None:
    """What the table that is kept is of; None if there is none, or its head is damaged."""
    try:
        with open_to_read(directory / TABLE) as file:
            return _head(file)[0]
    except _DAMAGE:
        return None


def load(
    directory: Path, wanted: State | None = None, *, whole: bool = False
) -> tuple[State, NoteTable] | None:
    """The table that is kept, and what it is of; None if there is none, or it is damaged.

    Args:
        directory: Of the index.
        wanted: The seal will vouch for a table of this state that was compared and is right.
        whole: Compare it even where the seal vouches for it.
    """
    try:
        with open_to_read(directory / TABLE) as file:
            state, places, sealed_crc = _head(file)
            file.seek(_aligned(file.tell()))
            body = file.read()
        seal = read_seal(directory)
        is_vouched = seal is not None and seal.vouches_for(directory / TABLE)
        if whole or not is_vouched:
            if zlib.crc32(body) != sealed_crc:
                return None
            if seal is not None and state == wanted:
                renew(directory, seal, [TABLE])
        return state, _table(np.frombuffer(body, np.uint8), places)
    except _DAMAGE:
        return None


def keep(directory: Path, state: State, table: NoteTable) -> None:
    """Put a file in place of the one before, whole or not at all; readable by its owner.

    A folder that can't be written to costs time only.
    """
    arrays = _arrays(table)
    places: dict[str, tuple[str, tuple[int, ...], int]] = {}
    end = crc = 0
    for name, array in arrays.items():
        places[name] = array.dtype.str, array.shape, end
        padded = _padding(array.nbytes)
        crc = zlib.crc32(padded, zlib.crc32(_bytes(array), crc))
        end += array.nbytes + len(padded)
    head = json.dumps({"layout": LAYOUT, "of": asdict(state), "at": places, "crc": crc}).encode()
    aside = directory / f"{TABLE}.{os.getpid()}.part"
    try:
        with create(aside) as file:
            file.write(b"%08x %b\n" % (zlib.crc32(head), head))
            file.write(_padding(file.tell()))
            for array in arrays.values():
                file.write(_bytes(array))
                file.write(_padding(array.nbytes))
        aside.replace(directory / TABLE)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        return
    if (seal := read_seal(directory)) is not None:
        renew(directory, seal, [TABLE])


def _head(file: BufferedReader) -> tuple[State, Mapping[str, Any], int]:
    crc, _, body = file.readline(LONGEST_HEAD).rstrip(b"\n").partition(b" ")
    if int(crc, 16) != zlib.crc32(body):
        raise ValueError("the head is damaged")
    head = json.loads(body)
    if head["layout"] != LAYOUT:
        raise ValueError("another layout")
    return State(**head["of"]), head["at"], head["crc"]


def _table(body: NDArray[np.uint8], places: Mapping[str, Any]) -> NoteTable:
    held: dict[str, Any] = {}
    for name, (kind, shape, at) in places.items():
        if kind not in _KINDS:
            raise ValueError(f"numbers of the kind {kind}")
        count = int(np.prod(shape)) * np.dtype(kind).itemsize
        held[name] = body[at : at + count].view(kind).reshape(shape)
    parts: dict[str, Any] = {}
    for item in fields(NoteTable):
        if item.name in _WORDS:
            parts[item.name] = tuple(json.loads(held[item.name].tobytes()))
        elif f"{item.name}.starts" in held:
            parts[item.name] = Lists(held[f"{item.name}.starts"], held[f"{item.name}.items"])
        else:
            parts[item.name] = held[item.name]
    return NoteTable(**parts)


def _arrays(table: NoteTable) -> dict[str, NDArray[Any]]:
    """Every part as arrays of little-endian numbers."""
    found: dict[str, NDArray[Any]] = {}
    for item in fields(table):
        part = getattr(table, item.name)
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
