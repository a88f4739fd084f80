"""NumPy's matrix products on one thread while a question is answered.

They are small: a second thread helps less than it waits, and it goes on waiting for a while behind
them, on a processor that the model or the look-up of words could have had.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

# OpenBLAS, which NumPy comes with, heeds the first that is set. Commands set it.
VARIABLES = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")

_taken = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """In the block OpenBLAS works on one thread; of another BLAS nothing is changed.

    The number holds for the whole process, so only one block at a time sets it and gives it back.
    One that begins meanwhile, in the same thread or another, takes it as it is.
    """
    # Where the environment says so already, what changes it need not even be loaded.
    if _by_environment() == "1" or not _taken.acquire(blocking=False):
        yield
        return
    try:
        with _openblas().limit(limits=1):
            yield
    finally:
        _taken.release()


def _by_environment() -> str | None:
    return next((value for name in VARIABLES if (value := os.environ.get(name))), None)


@cache
def _openblas() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(internal_api="openblas")
