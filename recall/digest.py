"""SHA-256 of a few bytes, without loading all that the system's library of hashes has.

`hashlib` opens OpenSSL, which takes a command as long as finding out what changed in a vault of a
thousand notes. Python has a SHA-256 of its own besides (its module `random` does the same for the
same reason): it gives the same digest, and takes longer for megabytes.
"""

from __future__ import annotations

from functools import cache
from typing import Any, BinaryIO


def sha256(data: bytes) -> bytes:
    """The digest: 32 bytes."""
    digest: bytes = _maker()(data).digest()
    return digest


def file_digest(file: BinaryIO) -> str:
    """The digest in hexadecimal of what a file holds from where it stands."""
    import hashlib  # late: seldom needed, and then quicker by far

    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


@cache
def _maker() -> Any:  # noqa: ANN401 - modules that type checkers do not know
    try:
        from _sha2 import sha256 as own  # type: ignore[import-not-found]  # since Python 3.12
    except ImportError:
        try:
            from _sha256 import sha256 as own  # type: ignore[import-not-found]
        except ImportError:  # a Python that was built without
            from hashlib import sha256 as own
    return own
