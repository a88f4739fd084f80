"""Regular expressions that are compiled when they are first used.

Compiling one takes about a millisecond, and no process can use what another compiled. A note that
is read needs half of those that Markdown has; a question needs a handful.
"""

from __future__ import annotations

import re

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


def regex(source: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile`, put off until something is looked for; a mistake in `source` shows then."""
    return _Later(source, flags)  # type: ignore[return-value]  # has what is used of a pattern


class _Later:
    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        # From now on they are found here, and this function is not called again.
        self.__dict__.update({method: getattr(compiled, method) for method in _METHODS})
        return self.__dict__[name]
