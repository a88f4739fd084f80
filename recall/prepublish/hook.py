"""A git hook that checks what is about to be committed: installed on request, never over another's.

The hook is a few lines of shell. It names the Python that installed it, because the `PATH` of a
hook is not always the author's, and leaves the commit alone if that is gone.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from pathlib import Path

from recall.errors import HookNotInstalled
from recall.prepublish.git import Repository
from recall.publishing import FailOn
from recall.records import dataclass

NAME = "pre-commit"
MARK = "# Written by: recall prepublish --install-hook"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Installed:
    """Where the hook is, and what was done."""

    file: Path
    outcome: str  # "installed", "replaced" (our own, of another version) or "unchanged"


def install_hook(notes: Path, *, fail_on: FailOn, python: str | None = None) -> Installed:
    """Write the hook into the repository that the notes lie in.

    Args:
        notes: The folder of notes, which the hook names with `--vault`.
        fail_on: What stops a commit.
        python: The interpreter that runs recall; this one by default.

    Raises:
        HookNotInstalled: A hook that recall did not write is there, or the folder of hooks lies
            outside of the repository, where other repositories use it too.
        GitFailed: The notes lie in no repository.
    """
    repository = Repository(notes)
    folder = repository.hooks_folder()
    python = python or sys.executable
    command = hook_command(_from_top(notes, repository.top), fail_on=fail_on, python=python)
    script = hook_script(command, fail_on=fail_on, python=python)
    file = folder / NAME
    _refuse_foreign_folder(folder, repository, command)
    before = _read(file)
    if before is not None and MARK not in before:
        raise HookNotInstalled(
            f"{file} is a hook that recall did not write; it is left as it is.",
            hint=f"To check notes as well, add this to it: {command}",
        )
    if before == script and os.access(file, os.X_OK):
        return Installed(file, "unchanged")
    _write(file, script)
    return Installed(file, "installed" if before is None else "replaced")


def hook_command(vault: str, *, fail_on: FailOn, python: str) -> str:
    """What the hook runs, quoted for a POSIX shell."""
    return shlex.join([
        python, "-P", "-m", "recall",  # -P: no module of the vault is taken for one of ours
        "prepublish", "--staged", "--fail-on", fail_on.value, "--vault", vault,
    ])  # fmt: skip


def hook_script(command: str, *, fail_on: FailOn, python: str) -> str:
    """The hook's text: POSIX shell; only what `fail_on` names can stop a commit."""
    is_gate = fail_on is not FailOn.NONE
    lines = [
        "#!/bin/sh",
        MARK,
        "# Remove this file to stop it.",
        f"if [ ! -x {shlex.quote(python)} ]; then",
        '  echo "recall is gone from where it was: the notes were not checked." >&2',
        '  echo "Install the hook again with: recall prepublish --install-hook" >&2',
        f"  exit {int(is_gate)}",
        "fi",
    ]
    if is_gate:
        lines += [
            f"{command} && exit 0",
            'echo "Nothing was committed. To commit all the same: git commit --no-verify" >&2',
            "exit 1",
        ]
    else:
        lines.append(f"{command} || true")
    return "\n".join(lines) + "\n"


def _refuse_foreign_folder(folder: Path, repository: Repository, command: str) -> None:
    """A folder of hooks elsewhere serves other repositories, or was named by a stranger."""
    real = folder.resolve()
    inside = (repository.top.resolve(), repository.common_folder().resolve())
    if any(real == place or real.is_relative_to(place) for place in inside):
        return
    raise HookNotInstalled(
        f"The hooks of this repository are in {folder} (core.hooksPath), outside of it.",
        hint=f"If they are yours, add this to the hook {NAME} there: {command}",
    )


def _from_top(notes: Path, top: Path) -> str:
    """The notes as the hook names them: git runs hooks at the top of the working tree."""
    return os.path.relpath(notes.resolve(), top.resolve())


def _read(file: Path) -> str | None:
    """The hook that is there; None where there is none. What is no plain file is foreign."""
    if not os.path.lexists(file):
        return None
    if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
        return ""
    return file.read_bytes().decode("utf-8", "replace")


def _write(file: Path, script: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{NAME}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(script)
            Path(name).chmod(0o755)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HookNotInstalled(
            f"{file} can't be written: {error.strerror}.", hint="Check the folder's permissions."
        ) from error
