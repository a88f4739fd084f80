"""Two texts → a unified diff that `git apply` and `patch` take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile

CONTEXT = 3  # lines
NO_END = "\\ No newline at end of file"


def unified(path: str, old: str, new: str) -> str:
    """The difference between two texts of one file; empty if there is none.

    Lines end at LF alone, as git counts them, and keep whatever else is in them.
    """
    if old == new:
        return ""
    before, after = _lines(old), _lines(new)
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    )
    skipped = max(0, shared - CONTEXT)
    tail = 0
    most = min(len(before), len(after)) - shared
    while tail < most and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    end = max(0, tail - CONTEXT)
    matcher = SequenceMatcher(
        None, before[skipped : len(before) - end], after[skipped : len(after) - end], autojunk=False
    )
    named = f"{path}\t" if " " in path else path  # as git does: or `patch` cuts it at the blank
    pieces = [f"--- a/{named}\n+++ b/{named}\n"]
    for group in matcher.get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        pieces.append(
            f"@@ -{_range(first[1], last[2], skipped)} +{_range(first[3], last[4], skipped)} @@\n"
        )
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                pieces += _marked(" ", before[skipped + i1 : skipped + i2])
                continue
            pieces += _marked("-", before[skipped + i1 : skipped + i2])
            pieces += _marked("+", after[skipped + j1 : skipped + j2])
    return "".join(pieces)


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _marked(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n{NO_END}\n"


def _range(start: int, end: int, skipped: int) -> str:
    length = end - start
    first = skipped + start + (1 if length else 0)
    return str(first) if length == 1 else f"{first},{length}"
