"""What `recall` takes from a pipe, and how it names files for the next one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recall.errors import NoteUnreadable, UsageError

FROM_STDIN = "-"
LONGEST_TEXT = 4_000_000  # bytes, as much as of a note


def read_text() -> str:
    """The text on standard input.

    Raises:
        UsageError: There is none, or it is not text, or too long.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "There is no text on standard input.", hint="Try: recall search - < draft.md"
        )
    data = sys.stdin.buffer.read(LONGEST_TEXT + 1)
    if len(data) > LONGEST_TEXT:
        raise UsageError("The text is longer than 4 MB.", hint="Give the part that matters.")
    from recall.vault import decode

    try:
        return decode(data)
    except NoteUnreadable as error:
        raise UsageError(f"Standard input: {error.message}.", hint="Give UTF-8 text.") from error


def from_here(file: Path) -> str:
    """A file as the shell can take it from here: relative if it lies below."""
    absolute = file.absolute()
    here = Path.cwd()
    if not absolute.is_relative_to(here):
        return str(absolute)
    relative = str(absolute.relative_to(here))
    return f".{os.sep}{relative}" if relative.startswith("-") else relative
