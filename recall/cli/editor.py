"""Open a note in the user's editor, at a line. No shell is involved: a list of arguments."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from recall.errors import RecallError, UsageError

# How editors are told a line. One that is not listed gets the file alone.
_PLUS_LINE = frozenset({
    "vi", "vim", "nvim", "gvim", "mvim", "view", "emacs", "emacsclient", "nano", "pico", "micro",
    "kak", "joe", "jed", "mg", "ne", "gedit", "less",
})  # fmt: skip
_COLON_LINE = frozenset({"hx", "helix", "subl", "zed", "zeditor", "atom"})
_GOTO = frozenset({"code", "codium", "code-insiders", "cursor", "windsurf"})


def open_at(file: Path, line: int, *, environ: Mapping[str, str] | None = None) -> None:
    """Open a file at a line and wait until the editor is done.

    Raises:
        UsageError: `VISUAL` and `EDITOR` name no editor.
        RecallError: It can't be started.
    """
    environ = os.environ if environ is None else environ
    command = command_for(editor_of(environ), file, line)
    try:
        subprocess.run(command, check=False)
    except OSError as error:
        raise RecallError(
            f"{command[0]} can't be started: {error.strerror or error}.",
            hint="Set EDITOR to an editor that is installed.",
        ) from error


def editor_of(environ: Mapping[str, str]) -> list[str]:
    """The user's editor, as a list of arguments."""
    for name in ("VISUAL", "EDITOR"):
        value = environ.get(name, "").strip()
        if not value:
            continue
        try:
            parts = shlex.split(value, posix=os.name == "posix")
        except ValueError as error:
            raise UsageError(
                f"{name} is {value!r}: {error}.", hint='Set it as "code -w".'
            ) from error
        if parts:
            return parts
    if sys.platform == "win32":
        return ["notepad"]
    raise UsageError("No editor is set.", hint="Set EDITOR, as in: export EDITOR=nano")


def command_for(editor: Sequence[str], file: Path, line: int) -> list[str]:
    """What to run. `file` is absolute, so no name of a note is taken for an option."""
    name = PurePath(editor[0]).name.casefold().removesuffix(".exe")
    if name in _GOTO:
        return [*editor, "--goto", f"{file}:{line}"]
    if name in _COLON_LINE:
        return [*editor, f"{file}:{line}"]
    if name in _PLUS_LINE:
        return [*editor, f"+{line}", str(file)]
    return [*editor, str(file)]
