"""Arrays of numbers in one file beside the index, after a line of JSON that says what they are of.

The line has a CRC-32 and names each array's kind, shape and place. The arrays follow, aligned, with
a CRC-32 of their own. As with vectors, the seal vouches for a file that looks as it did when its
content was known to be right; any other is compared first. A file that is damaged is as good as
none, and all that is kept so can be made again.
"""

from __future__ import annotations

import json
import math
import os
import threading
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from recall.errors import RecallError
from recall.store.files import create, open_to_read
from recall.store.seal import read_seal, renew, stamp_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

ALIGNED = 64  # bytes: where arrays begin, and as much as a vector instruction reads
LONGEST_HEAD = 1 << 14  # bytes
# What a damaged file may raise.
DAMAGE = (
    OSError, RecallError, ValueError, TypeError, KeyError, AttributeError, RecursionError,
    OverflowError, MemoryError,
)  # fmt: skip
_KINDS = {"i": "<i8", "u": "<u8", "f": "<f4"}
_BYTES = "|u1"


class Head(NamedTuple):
    """The first line of a file."""

    of: Mapping[str, Any]  # what the arrays are of, as it was given
    places: Mapping[str, Any]
    crc: int  # of the arrays


def read_head(file: BufferedReader) -> Head:
    """Read the first line; what follows is read after it.

    Raises:
        ValueError, TypeError, KeyError: It is not what was written.
    """
    crc, _, body = file.readline(LONGEST_HEAD).rstrip(b"\n").partition(b" ")
    if int(crc, 16) != zlib.crc32(body):
        raise ValueError("the head is damaged")
    head = json.loads(body)
    return Head(head, head.pop("at"), head.pop("crc"))


def read_arrays(file: BufferedReader, head: Head, *, is_known: bool) -> dict[str, NDArray[Any]]:
    """The arrays, by name; what is written to them stays in this process.

    Args:
        file: Where `read_head` left it.
        head: What that gave.
        is_known: Whether they are known to be right, so that their checksum need not be compared.

    Raises:
        OSError, ValueError, TypeError, KeyError: They are not what was written.
    """
    import numpy as np  # late: what the arrays are of can be read without

    spans: dict[str, tuple[int, int]] = {}
    for name, (kind, shape, at) in head.places.items():
        if kind not in {*_KINDS.values(), _BYTES}:
            raise ValueError(f"numbers of the kind {kind}")
        spans[name] = at, at + math.prod(shape) * np.dtype(kind).itemsize
    start = file.seek(_aligned(file.tell()))
    size = _aligned(max((end for _, end in spans.values()), default=0))
    if os.fstat(file.fileno()).st_size != start + size:  # before there is room made for it
        raise ValueError("the file has another size than its head says")
    body = _mapped(file, start, size) if size else np.empty(0, np.uint8)
    if not is_known and zlib.crc32(body.data) != head.crc:
        raise ValueError("the arrays are damaged")
    return {
        name: body[slice(*spans[name])].view(kind).reshape(shape)
        for name, (kind, shape, _) in head.places.items()
    }


def write_arrays(
    directory: Path, name: str, of: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Put a file in place of the one before, whole or not at all; readable by its owner.

    Args:
        directory: The folder of the index.
        name: The file's.
        of: What the arrays are of; anything that JSON can hold, under other names than `at`, `crc`.
        arrays: float32, uint8 or wider integers, which are read as 64 bits wide.

    Raises:
        OSError: The folder can't be written to.
        ValueError: An array holds other numbers, or there is too much to say of them.
    """
    import numpy as np

    plain = {
        key: np.ascontiguousarray(array, dtype=_kind_of(array)) for key, array in arrays.items()
    }
    places: dict[str, tuple[str, tuple[int, ...], int]] = {}
    end = crc = 0
    for key, array in plain.items():
        places[key] = array.dtype.str, array.shape, end
        padded = _padding(array.nbytes)
        crc = zlib.crc32(padded, zlib.crc32(_bytes(array), crc))
        end += array.nbytes + len(padded)
    head = json.dumps({**of, "at": places, "crc": crc}).encode()
    if len(head) + len("00000000 \n") > LONGEST_HEAD:
        raise ValueError(f"{len(head)} bytes to say what the arrays are of")
    aside = directory / f"{name}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        with create(aside) as file:
            file.write(b"%08x %b\n" % (zlib.crc32(head), head))
            file.write(_padding(file.tell()))
            for array in plain.values():
                file.write(_bytes(array))
                file.write(_padding(array.nbytes))
        aside.replace(directory / name)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def load_arrays(
    directory: Path, name: str, *, whole: bool = False
) -> tuple[Mapping[str, Any], dict[str, NDArray[Any]]]:
    """What a file is of, and its arrays by name.

    Args:
        directory: The folder of the index.
        name: The file's.
        whole: Compare the checksum even where the seal vouches for the file.

    Raises:
        DAMAGE: It is not there, or not what was written.
    """
    with open_to_read(directory / name) as file:
        head = read_head(file)
        is_known = not whole and is_vouched(directory, name)
        return head.of, read_arrays(file, head, is_known=is_known)


def is_vouched(directory: Path, name: str) -> bool:
    """Whether a file looks as it did when its content was known to be right."""
    seal = read_seal(directory)
    return seal is not None and seal.vouches_for(directory / name)


def vouch(directory: Path, name: str) -> None:
    """Have the seal say that a file is what was written, or is gone."""
    seal = read_seal(directory)
    if seal is not None and seal.stamps.get(name) != stamp_of(directory / name):
        renew(directory, seal, [name])


def _mapped(file: BufferedReader, start: int, size: int) -> NDArray[Any]:
    """The bytes behind `start`: mapped where a mapped file can be replaced; writes stay here."""
    import numpy as np

    if os.name == "posix":
        mapped: Any = np.memmap(file, np.uint8, "c", start, (size,))
        found: NDArray[Any] = mapped.view(np.ndarray)
        return found
    body = np.empty(size, np.uint8)
    if file.readinto(body.data) != size:
        raise ValueError("the file ends early")
    return body


def _kind_of(array: NDArray[Any]) -> str:
    number = array.dtype.newbyteorder("<").str
    if number == _BYTES or number == _KINDS["f"]:
        return number
    if number[1] not in "iu" or array.dtype.itemsize == 1:
        raise ValueError(f"numbers of the kind {number} are not kept")
    return _KINDS[number[1]]


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view("u1").data


def _aligned(place: int) -> int:
    return -(-place // ALIGNED) * ALIGNED


def _padding(place: int) -> bytes:
    return b"\0" * (_aligned(place) - place)
