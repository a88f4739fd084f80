"""Kill a process at every step of writing notes, and say what it left behind.

    python tests/killing.py FOLDER apply|undo

Run by `test_applying.py`, in a process of its own: it forks. Prints one JSON object a step, with
the bytes that the notes hold after the kill, and after the next `undo`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from recall.applying.apply import new_application, write_all
from recall.applying.journal import Journal
from recall.applying.undo import undo
from recall.edit import Edit, Insertion
from recall.errors import NothingToUndo
from recall.vault import Vault

NOTES = {"a.md": "# A\n", "b.md": "# B\r\n", "c.md": "# C"}
OURS = {".recall/applications.jsonl", ".recall/applications.lock"}
STEPS = ("open", "fdopen", "fsync", "replace", "unlink", "fchmod", "fchown", "setxattr", "rename")
KILLED = 9


class Half:
    """A file that dies with half of what it was to write."""

    def __init__(self, stream: Any, die: Callable[[], None]) -> None:
        self._stream = stream
        self._die = die

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def write(self, data: bytes) -> None:
        self._stream.write(data[: len(data) // 2])
        self._stream.flush()
        self._die()
        self._stream.write(data[len(data) // 2 :])

    def truncate(self, size: int) -> None:
        self._die()
        self._stream.truncate(size)
        self._die()


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    is_killed, step = True, 0
    while is_killed:
        is_killed = kill_at(step, folder / f"{what}-{step}", what)
        step += 1


def kill_at(step: int, root: Path, what: str) -> bool:
    """Kill one process at one step and print what is left; whether it got that far."""
    vault, journal = prepare(root)
    if what == "undo":
        apply(vault, journal)
    action = apply if what == "apply" else undo
    status = in_child(lambda: action(vault, journal), step)
    left = read(root)
    with contextlib.suppress(NothingToUndo):
        undo(vault, journal)
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    litter = sorted(files - NOTES.keys() - OURS)
    print(json.dumps({"step": step, "left": left, "litter": litter, "after": read(root)}))
    shutil.rmtree(root)
    return os.waitstatus_to_exitcode(status) == KILLED


def read(root: Path) -> dict[str, str]:
    return {path: (root / path).read_bytes().decode() for path in NOTES}


def prepare(root: Path) -> tuple[Vault, Journal]:
    root.mkdir(parents=True)
    for path, text in NOTES.items():
        (root / path).write_bytes(text.encode())
    journal = Journal(root / ".recall")
    return Vault(root), journal


def apply(vault: Vault, journal: Journal) -> None:
    edits = [Edit(path, text, (Insertion(len(text), "\nnew"),)) for path, text in NOTES.items()]
    write_all(edits, vault, journal, application=new_application())


def in_child(action: Callable[[], object], step: int) -> int:
    """Do it in a process that dies at a step: before, within or after a call of the system."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    count = 0

    def die() -> None:
        nonlocal count
        if count == step:
            os._exit(KILLED)
        count += 1

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            die()
            result = call(*arguments, **options)
            die()
            return Half(result, die) if call is real_fdopen else result

        return called

    real_fdopen = os.fdopen
    for name in STEPS:
        if hasattr(os, name):
            setattr(os, name, dying(getattr(os, name)))
    action()
    os._exit(0)


if __name__ == "__main__":
    main()
