"""The seal of an index: checksums of what a build wrote, and how its files looked to the system.

SQLite notices a page that makes no sense, not one that says something else than was written. So a
build keeps a CRC-32 for every block of the catalog; the SHA-256 of vectors files is in the catalog.
Files whose size and times are as they were sealed are not read through, as with notes: every
search would pay for all of the index. One that was touched is compared whole, and the seal
renewed. This guards against accidents: whoever forges an index can forge its seal.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from recall.digest import file_digest
from recall.errors import IndexDamaged, IndexUnreadable
from recall.records import dataclass, replace
from recall.store.descriptors import reading
from recall.store.files import CATALOG, REBUILD, TABLE, create, gone, open_to_read, size_of

if TYPE_CHECKING:
    from pathlib import Path

    from recall.store.rows import Segment

SEAL = "catalog.seal"
BLOCK = 4096  # bytes: SQLite's page, so that its log says which blocks a build changed
READ_AT_ONCE = 1024 * BLOCK
LONGEST_HEAD = 1 << 16  # bytes
TRIES = 20  # looks at files that a build is changing meanwhile

_LOG_HEADER = struct.Struct(">4x4xI4x8s8x")  # page size, salt
_FRAME_HEADER = struct.Struct(">I4x8s8x")  # page number, salt

Stamp = tuple[int, ...]  # size in bytes, modified and changed in nanoseconds


@dataclass(frozen=True, slots=True)
class Seal:
    """What one build left behind."""

    generation: int
    stamps: Mapping[str, Stamp]  # by the name of the file
    sums_crc: int  # of the checksums that follow in the file

    def vouches_for(self, file: Path) -> bool:
        """Whether a file looks as it did when its content was known to be right."""
        return self.stamps.get(file.name, ()) == stamp_of(file)


def stamp_of(file: Path) -> Stamp | None:
    """How a file looks to the system, unopened; None if it is not there."""
    try:
        info = file.lstat()
    except OSError:
        return None
    return info.st_size, info.st_mtime_ns, info.st_ctime_ns


def read_seal(directory: Path) -> Seal | None:
    """The seal without its checksums; None if there is none, or it is damaged itself."""
    with (
        suppress(FileNotFoundError, IndexDamaged, IndexUnreadable),
        open_to_read(directory / SEAL) as file,
    ):
        return _parsed(file.readline(LONGEST_HEAD))
    return None


def check_catalog(directory: Path, generation: int, *, is_sound: Callable[[], bool]) -> None:
    """See that the catalog is what was published.

    A build is sealed after it is published. Killed in between, it leaves a catalog that is newer
    than its seal, in the log or not: then its own consistency has to do.

    Args:
        directory: Of the index.
        generation: What the catalog, opened, says it is.
        is_sound: Reads the opened catalog through.

    Raises:
        IndexDamaged: It is not.
    """
    file = directory / CATALOG
    for _ in range(TRIES):
        seal, stamp = read_seal(directory), stamp_of(file)
        if seal is not None and seal.stamps.get(CATALOG) == stamp:
            return
        differing = _differing_blocks(directory)
        in_log = blocks_in_log(directory) if differing else set()
        if (read_seal(directory), stamp_of(file)) != (seal, stamp):
            continue  # a build is being published
        if seal is not None and differing is not None:
            if not differing:
                renew(directory, seal, [CATALOG])
            if differing <= in_log:
                return
        is_unsealed = seal is None or differing is None or seal.generation < generation
        if is_unsealed and is_sound():
            if not size_of(directory / f"{CATALOG}-wal"):
                write_seal(directory, generation, (), changed=None)
            return
        raise IndexDamaged(f"{file} is not what was written there", hint=REBUILD)


def why_altered(directory: Path) -> str | None:
    """Which blocks of the catalog are not as sealed, whatever its times say; None if all are."""
    differing = _differing_blocks(directory)
    if differing and not differing <= blocks_in_log(directory):
        return f"{len(differing)} blocks of {BLOCK} bytes are not what was written"
    return None


def verify(directory: Path, segments: Iterable[Segment], *, whole: bool = False) -> None:
    """Compare the vectors files with what the catalog says of them.

    Args:
        directory: Of the index.
        segments: The files.
        whole: Read them through even where the seal vouches for them.

    Raises:
        IndexDamaged: One differs or is gone.
    """
    try:
        compare(directory, segments, whole=whole)
    except FileNotFoundError as error:
        raise gone(directory) from error


def compare(directory: Path, segments: Iterable[Segment], *, whole: bool = False) -> None:
    """Like `verify`, but a file that is gone is a FileNotFoundError."""
    seal = read_seal(directory)
    compared = []
    for segment in segments:
        file = directory / segment.name
        if seal is not None and seal.vouches_for(file) and not whole:
            continue
        with open_to_read(file) as opened:
            if os.fstat(opened.fileno()).st_size != segment.bytes:
                raise IndexDamaged(f"{file} has not the size it was written with", hint=REBUILD)
            digest = file_digest(opened)
        if digest != segment.sha256:
            raise IndexDamaged(f"{file} is not what was written there", hint=REBUILD)
        compared.append(segment.name)
    if seal is not None and any(not seal.vouches_for(directory / name) for name in compared):
        renew(directory, seal, compared)


def write_seal(
    directory: Path, generation: int, vectors: Iterable[str], *, changed: set[int] | None
) -> None:
    """Seal what is there now; SQLite's log must have been copied into the catalog.

    Args:
        directory: Of the index.
        generation: Of the build.
        vectors: The names of its vectors files, known to be right.
        changed: The blocks of the catalog that differ from the build before; None means any.
    """
    file = directory / CATALOG
    stamp = stamp_of(file)
    seal = read_seal(directory)
    is_next = seal is not None and seal.generation == generation - 1
    old = _read_sums(directory) if is_next and changed is not None else None
    sums = _sums_of(file, old, changed or set())
    if stamp is not None and stamp == stamp_of(file):  # else somebody else writes, and will seal
        # No build changes the table of notes, which the next state is told from, too.
        kept = [TABLE] if seal is not None and seal.vouches_for(directory / TABLE) else []
        stamps = {CATALOG: stamp, **_stamps(directory, [*vectors, *kept])}
        _write(directory, Seal(generation, stamps, zlib.crc32(_as_bytes(sums))), sums)


def renew(directory: Path, seal: Seal, names: Iterable[str]) -> None:
    """Note how files look now whose content was compared and is right, or that they are gone."""
    sums = _read_sums(directory)
    if sums is not None and read_seal(directory) == seal:
        looked_at = set(names)
        others = {name: look for name, look in seal.stamps.items() if name not in looked_at}
        stamps = {**others, **_stamps(directory, sorted(looked_at))}
        _write(directory, replace(seal, stamps=stamps), sums)


def blocks_in_log(directory: Path) -> set[int]:
    """The blocks of the catalog that SQLite's log holds a state of."""
    with suppress(FileNotFoundError), open_to_read(directory / f"{CATALOG}-wal") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(32)
        if len(head) < _LOG_HEADER.size:
            return set()
        page, salt = _LOG_HEADER.unpack(head)
        found = set()
        step = _FRAME_HEADER.size + BLOCK
        for place in range(len(head), size - step + 1, step) if page == BLOCK else ():
            file.seek(place)
            frame = file.read(_FRAME_HEADER.size)
            if len(frame) < _FRAME_HEADER.size:
                break  # another process has copied it into the catalog meanwhile, and emptied it
            number, of_frame = _FRAME_HEADER.unpack(frame)
            if of_frame != salt:
                break  # left over from an earlier round
            found.add(number - 1)
        return found
    return set()


def _differing_blocks(directory: Path) -> set[int] | None:
    """The blocks of the catalog that are not as sealed; None if the seal is of no use."""
    sealed = _read_sums(directory)
    if sealed is None:
        return None
    found = _sums_of(directory / CATALOG, None, set())
    either = range(max(len(sealed), len(found)))
    return {at for at in either if sealed[at : at + 1] != found[at : at + 1]}


def _sums_of(file: Path, old: array[int] | None, changed: set[int]) -> array[int]:
    """CRC-32 of each block; with old ones, only those of changed and added blocks are computed."""
    with reading(file) as stream:
        blocks = -(-os.fstat(stream.fileno()).st_size // BLOCK)
        if old is None:
            sums = array("I")
            while piece := stream.read(READ_AT_ONCE):
                view = memoryview(piece)
                sums.extend(zlib.crc32(view[at : at + BLOCK]) for at in range(0, len(piece), BLOCK))
            return sums
        sums = old[:blocks]
        sums.extend(0 for _ in range(len(sums), blocks))
        for at in {*changed, *range(len(old), blocks)}:
            if at < blocks:
                stream.seek(at * BLOCK)
                sums[at] = zlib.crc32(stream.read(BLOCK))
        return sums


def _stamps(directory: Path, names: Iterable[str]) -> dict[str, Stamp]:
    stamps = {name: stamp_of(directory / name) for name in names}
    return {name: stamp for name, stamp in stamps.items() if stamp is not None}


def _write(directory: Path, seal: Seal, sums: array[int]) -> None:
    fields = {
        "generation": seal.generation, "stamps": seal.stamps, "sums_crc": seal.sums_crc
    }  # fmt: skip
    body = json.dumps(fields).encode()
    aside = directory / f"{SEAL}.{os.getpid()}.part"
    try:
        with create(aside) as file:
            file.write(b"%08x %b\n" % (zlib.crc32(body), body))
            file.write(_as_bytes(sums))
        aside.replace(directory / SEAL)
    except OSError:  # a folder that may not be written, no room: compared again next time
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _parsed(head: bytes) -> Seal | None:
    crc, _, body = head.rstrip(b"\n").partition(b" ")
    try:
        if int(crc, 16) != zlib.crc32(body):
            return None
        fields = json.loads(body)
        stamps = {name: tuple(stamp) for name, stamp in fields["stamps"].items()}
        return Seal(fields["generation"], stamps, fields["sums_crc"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _read_sums(directory: Path) -> array[int] | None:
    """The checksums of the catalog's blocks; None if they are gone, or damaged themselves."""
    with suppress(FileNotFoundError, IndexDamaged, IndexUnreadable):
        with open_to_read(directory / SEAL) as file:
            seal = _parsed(file.readline(LONGEST_HEAD))
            content = file.read()
        if seal is not None and zlib.crc32(content) == seal.sums_crc:
            sums = array("I", content)
            if sys.byteorder == "big":
                sums.byteswap()
            return sums
    return None


def _as_bytes(sums: array[int]) -> bytes:
    """Little-endian, on every machine."""
    if sys.byteorder == "big":
        sums = sums[:]
        sums.byteswap()
    return sums.tobytes()
