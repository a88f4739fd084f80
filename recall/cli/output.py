"""What is printed, and the two streams it goes to.

Text is written in the terminal's encoding, with what that can't show as an escape. JSON is UTF-8
wherever it goes: the locale of the moment is no part of a contract.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from recall.errors import RecallError

STREAMS = (0, 1, 2)  # the descriptors of stdin, stdout and stderr


def make_ready() -> None:
    """Make stdout and stderr take any text.

    Raises:
        RecallError: stdout was closed before recall began (`>&-`).
    """
    for descriptor in STREAMS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # or the next file opened would get what we print
    if sys.stderr is None:
        sys.stderr = _nowhere()
    if sys.stdout is None:
        sys.stdout = _nowhere()
        raise RecallError(
            "standard output is closed, so there is nowhere to print an answer.",
            hint="Send it to a file, or to /dev/null.",
        )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_text(text: str) -> None:
    """Print the answer for people."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_prompt(text: str) -> None:
    """Print a question; the answer goes behind it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_exactly(text: str) -> None:
    """Print characters as they are, in UTF-8: for a program that takes them literally."""
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    else:
        sys.stdout.write(text)
    sys.stdout.flush()


def print_paths(paths: Iterable[str], *, end: str) -> None:
    """Print names of files, byte for byte as the system knows them."""
    lines = "".join(f"{path}{end}" for path in paths)
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.buffer.write(os.fsencode(lines))
    else:
        sys.stdout.write(lines)
    sys.stdout.flush()


def print_json(value: Mapping[str, object]) -> None:
    """Print the answer for programs: one object on one line, in UTF-8."""
    from recall.render import as_json

    line = f"{as_json.one_line(value)}\n"
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.buffer.write(line.encode("utf-8"))
    else:
        sys.stdout.write(line)
    sys.stdout.flush()


def say(text: str) -> None:
    """Tell what is no part of the answer, on stderr; an unheard word stops nothing."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def is_written() -> bool:
    """Whether all that was printed has left this process; what is stuck Python tells at its end."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return False
    return True


def is_lost() -> bool:
    """Whether something that was printed waits in vain to be written."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def silence() -> None:
    """Let stdout lead nowhere, so that nothing fails again when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _nowhere() -> io.TextIOWrapper:
    return Path(os.devnull).open("w", encoding="utf-8")
