"""Which note a link that names none was likely meant for: the name that is spelt most like it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cache

from recall.names import normal_form
from recall.patterns import regex

LEAST_RATIO = (
    0.85  # of equal characters (Ratcliff and Obershelp); difflib's word for "close" is 0.6
)
# A name can't be as like as that if it is shorter, or the other is: both twice over their sum.
_SHORTEST = LEAST_RATIO / (2 - LEAST_RATIO)
COMPARED = 8  # names that share most trigrams are compared letter by letter
MOST_BEARERS = 3  # a name of more notes says nothing
_SEPARATORS = regex(r"[\W_]+")
_DIGITS = regex(r"\d+")


class Likely:
    """The names of a vault, ready to be compared with one that is no name."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """`names`: every name that a note bears, in normal form, and the path of that note."""
        self._bearers: dict[str, set[str]] = {}
        for key, path in names:
            self._bearers.setdefault(_plain(key), set()).add(path)
        self.meant_by = cache(self._meant_by)

    def _meant_by(self, target: str) -> str | None:
        """The path of the note whose name is most like the last part of a target."""
        plain = _plain(normal_form(target).rpartition("/")[2])
        if len(plain) < 4:
            return None
        near = [(-_ratio(plain, name), name) for name in self._nearest(plain)]
        near = [(ratio, name) for ratio, name in near if -ratio >= LEAST_RATIO]
        if not near:
            return None
        bearers = self._bearers[min(near)[1]]
        return min(bearers) if len(bearers) <= MOST_BEARERS else None

    def _nearest(self, plain: str) -> list[str]:
        """The names that share most trigrams, for their length, and every number."""
        # A note has few broken links if any: an index of all trigrams would take longer to make
        # than it could save.
        shortest, longest = len(plain) * _SHORTEST, len(plain) / _SHORTEST
        wanted, numbers = _trigrams(plain), _DIGITS.findall(plain)
        scored = [
            (-2 * len(wanted & _trigrams(name)) / (len(wanted) + len(_trigrams(name))), name)
            for name in self._bearers
            # 2021-03-04 is spelt much like 2021-03-05, and never means it.
            if shortest <= len(name) <= longest and _DIGITS.findall(name) == numbers
        ]
        return [name for _, name in sorted(scored)[:COMPARED]]


def _plain(key: str) -> str:
    return _SEPARATORS.sub(" ", key).strip()


@cache
def _trigrams(plain: str) -> frozenset[str]:
    padded = f"  {plain} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
