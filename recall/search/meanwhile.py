"""A thread of its own for what a question can look up while it is embedded.

The model keeps one processor busy for a few milliseconds, in which the interpreter is free. The
thread is worth starting, and what starts it worth loading, for who asks more than once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")


class Meanwhile:
    """One thread, from the second question on; safe to use from several."""

    def __init__(self) -> None:
        self._was_asked = False
        self._thread: ThreadPoolExecutor | None = None

    @contextmanager
    def doing(self, work: Callable[[], T]) -> Iterator[Callable[[], T]]:
        """Do some work beside the block; behind the block, what it gives returns the result.

        The work ends before the block does, however that ends. If the thread did not come to it
        (it is busy with another question, or the process is a fork and has no such thread), the
        work is done when the result is asked for, in the thread that asks.
        """
        thread = self._thread_for_this()
        if thread is None:
            yield work
            return
        future = thread.submit(work)
        try:
            yield lambda: work() if future.cancelled() else future.result()
        finally:
            if not future.cancel():
                future.exception()  # waits for it

    def _thread_for_this(self) -> ThreadPoolExecutor | None:
        if not self._was_asked or processors() < 2:
            self._was_asked = True
            return None
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, thread_name_prefix="meanwhile")
        return self._thread


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
