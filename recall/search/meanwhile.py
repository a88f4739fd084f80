"""A thread of its own for what a question can look up while it is embedded.

The model keeps one processor busy for a few milliseconds, in which the interpreter is free. The
thread is worth starting, and what starts it worth loading, for who asks more than once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from recall.processors import processors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class Doing(Generic[T]):
    """Work that is done beside something else, or when its result is asked for."""

    def __init__(self, work: Callable[[], T], future: Future[T] | None) -> None:
        self._work = work
        self._future = future

    @property
    def is_begun(self) -> bool:
        """Whether a thread has it; else it is done by who asks."""
        return self._future is not None

    @property
    def goes_on(self) -> bool:
        """Whether the thread is still at it."""
        return self._future is not None and not self._future.done()

    def result(self) -> T:
        """What the work gives, or raises. Behind the block that it is done beside."""
        if self._future is None or self._future.cancelled():
            return self._work()
        return self._future.result()

    def end(self, break_off: Callable[[], None]) -> None:
        """Take it off the thread's hands, or wait for it; it is broken off if a signal comes up."""
        if self._future is None or self._future.cancel():
            return
        stopped: BaseException | None = None
        while not self._future.done():
            try:
                self._future.exception()
            except BaseException as error:  # noqa: BLE001 - raised again when the work has ended
                stopped = error
                break_off()
        if stopped is not None:
            raise stopped


class Meanwhile:
    """One thread, from the second question on; safe to use from several."""

    def __init__(self) -> None:
        self._was_asked = False
        self._thread: ThreadPoolExecutor | None = None
        self._process = os.getpid()

    @contextmanager
    def doing(self, work: Callable[[], T], *, break_off: Callable[[], None]) -> Iterator[Doing[T]]:
        """Do some work beside the block, and end it before the block is left.

        Where there is no thread for it (this is the first question, there is one processor, the
        thread has another question, the interpreter is about to end), the work is done when its
        result is asked for.

        Args:
            work: Gives the result.
            break_off: Makes the work end early, so that a signal need not wait for it.
        """
        found = Doing(work, self._begun(work))
        try:
            yield found
        finally:
            found.end(break_off)

    def _begun(self, work: Callable[[], T]) -> Future[T] | None:
        if not self._was_asked or processors() < 2:
            self._was_asked = True
            return None
        if self._process != os.getpid():  # the thread is our parent's
            self._process, self._thread = os.getpid(), None
        try:
            if self._thread is None:
                from concurrent.futures import ThreadPoolExecutor

                self._thread = ThreadPoolExecutor(1, thread_name_prefix="meanwhile")
            return self._thread.submit(work)
        except RuntimeError:  # no threads any more, as the interpreter ends, or no room for one
            return None
