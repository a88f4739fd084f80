"""`recall.toml`: read with care, and its tables checked key by key."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from recall.errors import SettingsError

FILE_NAME = "recall.toml"
MAX_FILE_BYTES = 1_000_000
MAX_NUMBER = 1_000_000_000


def read_file(home: Path) -> dict[str, object]:
    """What the file of a vault says; nothing where there is none.

    Raises:
        SettingsError: It can't be read.
    """
    file = home / FILE_NAME
    try:
        text = _read_small_file(file).decode("utf-8-sig")
        import tomllib  # late: most vaults have no such file

        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except RecursionError as error:
        raise SettingsError(f"{file} is nested too deeply.", hint="Correct the file.") from error
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"{file} can't be read: {plain(error)}.", hint="Correct the file."
        ) from error


def _read_small_file(file: Path) -> bytes:
    with open(file, "rb", opener=_opened_at_once) as stream:
        is_regular = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        content = stream.read(MAX_FILE_BYTES + 1) if is_regular else b""
    if not is_regular:
        raise ValueError("it is not a regular file")
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB")
    return content


def _opened_at_once(path: str, flags: int) -> int:
    # A named pipe put in its place must not hang us before it is recognised.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Table:
    """A table of `recall.toml` that checks types and knows which keys were asked for."""

    def __init__(self, values: Mapping[str, object], file: Path, name: str = "") -> None:
        self.values = values
        self.file = file
        self.name = name
        self.known: set[str] = set()

    def text(self, key: str, default: str) -> str:
        """A text that is not empty."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value:
            raise self._error(key, "must be a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text that is not empty; None where there is none."""
        self.known.add(key)
        return self.text(key, "") if key in self.values else None

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts."""
        value = self._get(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise self._error(key, "must be a list of texts")
        return tuple(value)

    def number(self, key: str, default: int) -> int:
        """A whole number from 1 up."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_NUMBER:
            raise self._error(key, f"must be a whole number from 1 to {MAX_NUMBER}")
        return value

    def probability(self, key: str, default: float) -> float:
        """A number from 0 to 1."""
        value = self._get(key, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
            raise self._error(key, "must be a number from 0 to 1")
        return float(value)

    def probability_or_none(self, key: str) -> float | None:
        """A number from 0 to 1; None where there is none."""
        self.known.add(key)
        return self.probability(key, 0.0) if key in self.values else None

    def table(self, key: str) -> Table:
        """A table; empty where there is none."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise self._error(key, "must be a table")
        return Table(value, self.file, self.full(key))

    def refuse_unknown(self) -> None:
        """See that every key was asked for.

        Raises:
            SettingsError: One was not.
        """
        for key in self.values:
            if key not in self.known:
                import difflib  # late: only for a mistake

                near = difflib.get_close_matches(key, sorted(self.known), n=1)
                raise SettingsError(
                    f"{self.file}: there is no setting {self.full(key)}.",
                    hint=f"Did you mean {self.full(near[0])}?"
                    if near
                    else f"Known settings: {', '.join(sorted(self.known))}.",
                )

    def _get(self, key: str, default: object) -> object:
        self.known.add(key)
        return self.values.get(key, default)

    def full(self, key: str) -> str:
        """A key with the names of the tables around it."""
        return f"{self.name}.{key}" if self.name else key

    def _error(self, key: str, rule: str) -> SettingsError:
        return SettingsError(
            f"{self.file}: {self.full(key)} {rule}.", hint="See the settings in the README."
        )


def plain(error: Exception) -> str:
    """What went wrong, without the path that the message names already."""
    return (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")


def shortened(name: str) -> str:
    """A name that is short enough for an error message."""
    return name if len(name) <= 80 else f"{name[:80]}…"
