"""Hide what is not prose, character for character, so that every offset stays true.

`clean` gives the text that all scanning works on. `shield` then handles one block of it: comments
become blanks, and the characters in code, math and behind backslashes become *stand-ins* that no
markup pattern knows. `unshield` turns stand-ins back into what the author wrote.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from recall.patterns import regex

# Unicode sets these noncharacters aside for internal use; `clean` takes them out of real text.
_HIDDEN = "!#$%&()*:<=>[\\]^_`{|}~"
_DROPPED = "\ufdef"
_STAND_INS = {ord(char): 0xFDD0 + at for at, char in enumerate(_HIDDEN)}
_ORIGINALS: dict[int, str | None] = {code: chr(char) for char, code in _STAND_INS.items()}
_ORIGINALS[ord(_DROPPED)] = None
_STAND_IN = regex("[\ufdd0-\ufdef]")

_UNCLEAN = regex("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef]")
_OPENER = regex(
    r"""\\[!-/:-@\[-`{}~]      # an escape; `\|` is left to tables and links
    | `+ | \$\$? | %% | <!--
    | !?\[\[[^\[\]\n]*\]\]     # a wikilink wins over what would open inside it
    | <(script|style|pre|textarea|code)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_TICKS = regex(r"`+")
_MATH_END = regex(r"(?<=[^\s\\$])\$(?![\d$])")
_ELEMENT_END = {
    name: regex(rf"</{name}\s*>", re.IGNORECASE)
    for name in ("script", "style", "pre", "textarea", "code")
}
_HINT = regex(r"[`\\$<]|%%")


def clean(text: str) -> str:
    """Make line ends alike and replace what no reader sees, without moving a character."""
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if text.startswith("\ufeff"):
        text = " " + text[1:]
    return _UNCLEAN.sub("\ufffd", text) if _UNCLEAN.search(text) else text


def shield(text: str) -> str:
    """Hide code, math, comments and escapes in one block of cleaned text; same length."""
    return _Shield(text).run() if _HINT.search(text) else text


def unshield(text: str) -> str:
    """Turn stand-ins back into the characters they stand for, without delimiters."""
    if text.isascii() or not _STAND_IN.search(text):
        return text
    return text.translate(_ORIGINALS)


def blank(text: str) -> str:
    """Blanks of the same length, on as many lines."""
    return "\n".join(" " * len(line) for line in text.split("\n"))


class _Shield:
    """One pass over a block. What has no end is looked for once, not again at each opener."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._done = 0
        self._ticks: dict[int, list[int]] | None = None
        self._dollars: list[int] | None = None
        self._endless: set[str] = set()

    def run(self) -> str:
        opener = _OPENER.search(self._text)
        while opener:
            resume = self._hide(opener)
            opener = _OPENER.search(self._text, resume)
        self._pieces.append(self._text[self._done :])
        return "".join(self._pieces)

    def _hide(self, opener: re.Match[str]) -> int:
        """Hide what starts here, if it ends; return where to go on."""
        mark, start, end = opener.group(), opener.start(), opener.end()
        if mark[0] == "\\":
            return self._verbatim(start, start + 1, end, end)
        if mark[0] == "`":
            return self._code(start, end)
        if mark == "$":
            return self._math(start)
        if mark == "$$":
            return self._until("$$", start, end)
        if mark == "%%":
            return self._until("%%", start, end)
        if mark == "<!--":
            return self._until("-->", start, end)
        if opener.group(1):
            return self._element(opener.group(1).lower(), start, end)
        return end

    def _verbatim(self, start: int, inner: int, inner_end: int, end: int) -> int:
        self._pieces += (
            self._text[self._done : start],
            _DROPPED * (inner - start),
            self._text[inner:inner_end].translate(_STAND_INS),
            _DROPPED * (end - inner_end),
        )
        self._done = end
        return end

    def _blank(self, start: int, end: int) -> int:
        self._pieces += (self._text[self._done : start], blank(self._text[start:end]))
        self._done = end
        return end

    def _code(self, start: int, end: int) -> int:
        """CommonMark: a code span ends at the next run of exactly as many backticks."""
        if self._ticks is None:
            self._ticks = {}
            for run in _TICKS.finditer(self._text, start):
                self._ticks.setdefault(len(run.group()), []).append(run.start())
        width = end - start
        runs = self._ticks.get(width, [])
        at = bisect_left(runs, end)
        if at == len(runs):
            return end
        return self._verbatim(start, end, runs[at], runs[at] + width)

    def _math(self, start: int) -> int:
        """Pandoc's rule: no blank inside the dollars, no digit after, so "$5 and $6" is prose."""
        if self._text[start + 1 : start + 2].isspace():
            return start + 1
        if self._dollars is None:
            self._dollars = [found.start() for found in _MATH_END.finditer(self._text, start)]
        at = bisect_left(self._dollars, start + 2)
        if at == len(self._dollars):
            return start + 1
        end = self._dollars[at]
        return self._verbatim(start, start + 1, end, end + 1)

    def _until(self, closer: str, start: int, end: int) -> int:
        at = -1 if closer in self._endless else self._text.find(closer, end)
        if at < 0:
            self._endless.add(closer)
            return end
        return self._blank(start, at + len(closer))

    def _element(self, name: str, start: int, end: int) -> int:
        closer = None if name in self._endless else _ELEMENT_END[name].search(self._text, end)
        if closer is None:
            self._endless.add(name)
            return end
        if name != "code":
            return self._blank(start, closer.end())
        inner = self._text.find(">", start, closer.start()) + 1 or end
        return self._verbatim(start, inner, closer.start(), closer.end())
