"""Looks for changed notes in a second process, while the first loads what it will answer with.

Either takes a large part of a command's time (`docs/decisions/0024-a-second-process-looks.md`).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from recall.index import Index

NOTHING_CHANGED = 0
UNKNOWN = 1


def finds_nothing_changed(index: Index, meanwhile: Callable[[], None], *, learns: bool) -> bool:
    """Whether a refresh would find nothing to do; False where that could not be found out.

    Args:
        index: Nothing of it is open yet.
        meanwhile: Loads what answering takes; not called where there is no second process.
        learns: As for `Index.refresh`.
    """
    if not _gains_by_a_second_process():
        return False
    try:
        looking = os.fork()
    except OSError:  # too many processes, or no memory for one more
        return False
    if looking == 0:
        _look(index, learns=learns)
    try:
        meanwhile()
    finally:
        status = _ended(looking)
    return status == NOTHING_CHANGED


def _ended(process: int) -> int | None:
    """Wait for a process, and give its exit status; None if the system does not tell it.

    So it is where whoever started us ignores the ends of children, which is inherited.
    """
    try:
        _, status = os.waitpid(process, 0)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status)


def _look(index: Index, *, learns: bool) -> NoReturn:
    """Do the second process's part, and end it. Nothing is printed, whatever happens."""
    status = UNKNOWN
    try:
        if index.is_up_to_date(learns=learns):
            status = NOTHING_CHANGED
        index.close()
    finally:
        os._exit(status)


def _gains_by_a_second_process() -> bool:
    """Whether it may be a copy of this one, and would have a processor of its own.

    A process that has loaded NumPy may have threads, which a copy would lack, and is warm anyway.
    Elsewhere than on Linux copies are dear, not to be had, or at odds with the system's libraries.
    """
    return (
        sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and "numpy" not in sys.modules
    )
