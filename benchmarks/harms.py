"""What can happen to the bytes of a file."""

from __future__ import annotations

import random
from collections.abc import Callable

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
