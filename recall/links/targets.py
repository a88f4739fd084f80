"""Which notes are never suggested, however near they are, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from fnmatch import translate
from functools import cache
from typing import TYPE_CHECKING

from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.domain import NoteCard
    from recall.feedback import Tally

_DIGITS = {
    letters: "[0-9]" * count for letters, count in (("YYYY", 4), ("MM", 2), ("DD", 2), ("WW", 2))
}
_SUFFIX = regex(r"\.(?:md|markdown)$", re.IGNORECASE)


class Bar(StrEnum):
    """Why a note is not suggested for another."""

    DISMISSED = "dismissed"
    EXCLUDED = "excluded"  # by the setting `suggest.exclude`
    DRAFT = "draft"  # and the other note is published


@dataclass(frozen=True, slots=True)
class Targets:
    """What may be suggested for one note."""

    source: NoteCard
    exclude: tuple[str, ...] = ()  # patterns, as in the setting
    drafts: bool = False  # whether drafts are suggested for a published note too
    dismissed: frozenset[str] = frozenset()  # paths
    said: Mapping[str, Tally] = field(default_factory=dict)  # of each path, for other notes

    def bar(self, card: NoteCard) -> Bar | None:
        """Why a note is not suggested; None if it may be."""
        if card.path in self.dismissed:
            return Bar.DISMISSED
        if is_excluded(card.path, self.exclude):
            return Bar.EXCLUDED
        if card.draft and not (self.drafts or self.source.draft):
            return Bar.DRAFT
        return None


def is_excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether a note's path fits one of the patterns; case does not matter.

    Args:
        path: Of the note.
        patterns: `templates/` names a folder at any depth, `log/*` a path without its `.md`,
            anything else a file name without it. `*`, `?` and `[ab]` as in a shell; in a pattern
            with `YYYY`, the letters `YYYY`, `MM`, `DD` and `WW` stand for digits.
    """
    bare = _SUFFIX.sub("", path).casefold()
    folders = bare.split("/")[:-1]
    for pattern in patterns:
        fits = _compiled(pattern.removesuffix("/")).match
        if pattern.endswith("/"):
            depth = pattern.count("/")
            runs = ("/".join(folders[at : at + depth]) for at in range(len(folders)))
            found = any(map(fits, runs))
        else:
            found = fits(bare if "/" in pattern else bare.rpartition("/")[2]) is not None
        if found:
            return True
    return False


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    if "YYYY" in pattern:
        for letters, digits in _DIGITS.items():
            pattern = pattern.replace(letters, digits)
    return re.compile(translate(pattern.casefold()))
