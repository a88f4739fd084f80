"""What went wrong, as an error in plain words, with the hint that helps."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from recall.cli import output
from recall.errors import RecallError, UsageError

WRITING_FAILED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


class Stopped(RecallError):
    """The user pressed Ctrl-C."""

    kind = "stopped"
    exit_code = 130


class NotWritten(RecallError):
    """The answer found no room: the system refused to write it."""

    kind = "not-written"


class Internal(RecallError):
    """Something that recall should have foreseen."""

    kind = "internal"


def is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C was pressed; a library that was being loaded may have made it its own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, KeyboardInterrupt):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def described(error: BaseException, asked: Sequence[str]) -> RecallError:
    """The error that is shown for whatever these arguments raised."""
    if isinstance(error, RecallError):
        return error
    import typer

    if isinstance(error, typer.TyperException):
        return _usage_error(error, asked)
    if isinstance(error, OSError) and error.errno in WRITING_FAILED and error.filename is None:
        return NotWritten(f"can't write: {error.strerror}.", hint="Make room, or print elsewhere.")
    if os.environ.get("RECALL_TRACEBACK", "0") not in {"", "0"}:
        import traceback  # late: commands that succeed need none of it

        output.say("".join(traceback.format_exception(error)).rstrip())
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    return Internal(
        f"recall met something it did not expect: {said}",
        hint="Run it again with RECALL_TRACEBACK=1 and report what it prints.",
    )


def _usage_error(error: Exception, asked: Sequence[str]) -> UsageError:
    """Word an error of the argument parser; what it knows is in attributes that not all have."""
    context = getattr(error, "ctx", None)
    is_for_all = not asked or asked[0].startswith("-")
    command = "recall" if is_for_all else f"recall {asked[0]}"
    if context is not None:
        command = context.command_path
    message = getattr(error, "format_message", error.__str__)()
    hint = f"See {command} --help."
    takes_text = command not in {"recall", "recall index", "recall status", "recall doctor"}
    if takes_text and message.startswith("Got unexpected extra argument"):
        hint = f'Put quotes around words that belong together: {command} "two words".'
    elif takes_text and hasattr(error, "possibilities") and not error.possibilities:
        hint = (
            "Put -- before words that begin with a dash, and options before both: "
            f'{command} -- "-5 degrees".'
        )
    return UsageError(message, hint=hint)
