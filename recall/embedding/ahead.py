"""Embeds texts beside what the caller does: reading notes and embedding them take turns else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from recall.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Texts by number, and their vectors."""

    numbers: tuple[int, ...]
    vectors: NDArray[np.float32]  # (len(numbers), dimension)


class _Abandoned(Exception):
    """The caller left before the texts were embedded."""


class Ahead:
    """One thread that embeds, in the order asked; a context manager that ends it."""

    def __init__(self, embed: Callable[..., NDArray[np.float32]]) -> None:
        """`embed(texts, on_progress=…)` is called in the other thread, one call at a time."""
        self._embed = embed
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: list[Future[Embedded]] = []
        self._is_abandoned = False
        self._before = 0  # texts of the calls that are over
        self.asked = 0  # texts so far
        self.embedded = 0  # texts so far, told now and then

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_abandoned = kind is not None
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    @property
    def is_done(self) -> bool:
        """Whether `finished` has given back all that was asked."""
        return not self._waiting

    def embed(self, texts: Sequence[tuple[int, str]]) -> None:
        """Ask for the vectors of numbered texts."""
        if self._thread is None:  # threads cost a start that most builds have no use for
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self.asked += len(texts)
        self._waiting.append(self._thread.submit(self._vectors, tuple(texts)))

    def finished(self, *, wait_seconds: float = 0.0) -> list[Embedded]:
        """What was embedded since the last time, in the order asked; raises what embedding did.

        Args:
            wait_seconds: How long the first is waited for.
        """
        if self._waiting and wait_seconds:
            from concurrent.futures import wait

            wait(self._waiting[:1], timeout=wait_seconds)
        found = []
        while self._waiting and self._waiting[0].done():
            found.append(self._waiting.pop(0).result())
        return found

    def _vectors(self, texts: tuple[tuple[int, str], ...]) -> Embedded:
        numbers = tuple(number for number, _ in texts)
        vectors = self._embed([text for _, text in texts], on_progress=self._tell)
        self._before += len(texts)
        self.embedded = self._before
        return Embedded(numbers, vectors)

    def _tell(self, done: int) -> None:
        if self._is_abandoned:
            raise _Abandoned
        self.embedded = self._before + done
