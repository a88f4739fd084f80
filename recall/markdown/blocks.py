"""Lines → leaves: where headings, callouts, paragraphs, items and tables stand.

One pass over the lines of cleaned text. What is opaque (fenced and indented code, comments, math,
scripts) gives no leaf. Follows CommonMark where notes depend on it, and is lenient where people
are: any marker inside a list starts an item, however far it is indented.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from recall.markdown.html_blocks import Regions, cut_html, read_tag
from recall.markdown.leaves import Leaf, LeafKind, OpenLeaves, Quote, Rest, columns
from recall.markdown.links import DEFINITION
from recall.patterns import regex

_QUOTE_MARKS = regex(r"[ \t]*>(?:[ ]{0,4}>)*[ ]?")
_CALLOUT = regex(r"[ \t]*\[!([^\]\n]{1,100})\][+-]?[ \t]*")
_HEADING = regex(r"#{1,6}(?=[ \t]|$)")
_FENCE = regex(r"(`{3,})[^`]*$|(~{3,})")
_ITEM = regex(r"(?:[-*+]|(\d{1,9})[.)])(?:[ \t]+|$)")
_TASK = regex(r"\[[^\[\]]\][ \t]+")
_ITEM_LEADS = frozenset("`~[>#")  # a fence, a task box, a quote, a heading
_RULE = regex(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_UNDERLINE = regex(r"(?:=+|-+)[ \t]*$")
_SEPARATOR = regex(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")


def scan_blocks(text: str, start: int) -> list[Leaf]:
    """Find the leaves of cleaned text from an offset on, in order."""
    return _Scanner(text, start).run(start)


class _Scanner:
    def __init__(self, text: str, start: int) -> None:
        self._open = OpenLeaves(text, start)
        self._regions = Regions(text)
        self._fence: tuple[str, int] | None = None  # its marks, and the quotes around it
        self._readers: dict[str, Callable[[Rest], bool]] = {
            "#": self._read_heading,
            "-": self._read_dash,
            "*": self._read_item,
            "+": self._read_item,
            "_": self._read_item,
            **dict.fromkeys("0123456789", self._read_item),
            "`": self._read_fence,
            "~": self._read_fence,
            "<": lambda rest: read_tag(self._open, rest),
            "$": self._read_math,
            "%": self._read_comment,
            "|": self._read_separator,
            ":": self._read_separator,
            "=": self._read_underline,
            "[": self._read_definition,
        }

    def run(self, at: int) -> list[Leaf]:
        leaves = self._open
        for line in leaves.text[at:].split("\n"):
            end = at + len(line)
            leaves.line = (at, end)
            if at < leaves.skip_to:
                if end >= leaves.skip_to:
                    leaves.take_rest(leaves.skip_to)
            elif not (self._fence and self._is_fenced(line)):
                self._read_line(line, at)
            at = end + 1
        return leaves.leaves

    def _read_line(self, line: str, at: int) -> None:
        leaves = self._open
        leaves.depth = 0
        body = line.lstrip(" \t")
        if not body or body.isspace():
            leaves.pause()
            return
        lead = len(line) - len(body)
        indent = columns(line[:lead]) if lead else 0
        if body[0] == ">" and not leaves.is_indented_code(indent):
            self._read_quoted(line, indent, at)
        else:
            self._read_content(Rest(body, at + lead, indent))

    def _read_content(self, rest: Rest) -> None:
        leaves = self._open
        if leaves.is_indented_code(rest.indent):
            leaves.settle(0)
            return
        if self._regions.has_any and self._regions.read(leaves, rest):
            return
        reader = self._readers.get(rest.body[0])
        if reader and reader(rest):
            return
        if leaves.leaf is not None and leaves.leaf.is_html and "<" in rest.body:
            cut_html(leaves, rest)
        else:
            leaves.take_text(rest.at, rest.indent)

    # -- quotes and callouts

    def _read_quoted(self, line: str, indent: int, at: int) -> None:
        leaves = self._open
        marks = _QUOTE_MARKS.match(line)
        end = marks.end() if marks else 0
        depth = line.count(">", 0, end)
        rest = line[end:]
        body = rest.lstrip(" \t")
        if depth >= len(leaves.quotes):
            leaves.depth = len(leaves.quotes) - 1
            leaves.settle(indent)
            leaves.quotes += [Quote() for _ in range(depth + 1 - len(leaves.quotes))]
            leaves.depth = depth
            callout = _CALLOUT.match(rest)
            if callout:
                leaves.quotes[-1].is_callout = True
                leaf = leaves.add(LeafKind.CALLOUT, at + end + callout.end())
                leaf.word = callout.group(1).partition("|")[0].strip()
                leaves.leaf = None
                return
        leaves.depth = depth
        if not body or body.isspace():
            leaves.pause()
            return
        blanks = rest[: len(rest) - len(body)]
        self._read_content(Rest(body, at + end + len(blanks), columns(blanks)))

    # -- headings and tables

    def _read_heading(self, rest: Rest) -> bool:
        leaves = self._open
        marks = _HEADING.match(rest.body)
        if marks is None or (leaves.leaf is not None and rest.indent >= 4):
            return False
        leaves.settle(rest.indent)
        text = rest.body[marks.end() :].rstrip()
        bare = text.rstrip("#")
        text = bare.rstrip() if not bare or bare[-1] in " \t" else text
        items = leaves.quotes[-1].items
        kind = LeafKind.ITEM if items else LeafKind.PARAGRAPH
        if not items and len(leaves.quotes) == 1:
            kind = LeafKind.HEADING
        leaf = leaves.add(kind, rest.at, level=marks.end())
        leaf.start = rest.at + marks.end() + len(text) - len(text.lstrip())
        leaf.end = max(leaf.start, rest.at + marks.end() + len(text))
        leaves.leaf = None
        return True

    def _read_dash(self, rest: Rest) -> bool:
        return self._read_underline(rest) or self._read_separator(rest) or self._read_item(rest)

    def _read_underline(self, rest: Rest) -> bool:
        """A paragraph on the ground level becomes a heading by the line below it."""
        leaf = self._open.leaf
        if leaf is None or leaf.kind is not LeafKind.PARAGRAPH or leaf.is_html:
            return False
        if leaf.quotes or leaf.callouts or self._open.depth or rest.indent >= 4:
            return False
        if not _UNDERLINE.match(rest.body):
            return False
        leaf.kind = LeafKind.HEADING
        leaf.level = 1 if rest.body[0] == "=" else 2
        leaf.line_end = self._open.line[1]
        self._open.leaf = None
        return True

    def _read_separator(self, rest: Rest) -> bool:
        """The second row of a table makes one of the line above it."""
        leaves, leaf = self._open, self._open.leaf
        if leaf is None or leaf.kind not in {LeafKind.PARAGRAPH, LeafKind.ITEM}:
            return False
        end, line_end, header = leaf.before_last
        start = header or leaf.start
        if "|" not in rest.body or "|" not in leaves.text[start : leaf.end]:
            return False
        if not _SEPARATOR.match(rest.body):
            return False
        if header:
            leaf.end, leaf.line_end = end, line_end
            leaf = leaves.add(LeafKind.TABLE, start)
            leaf.line_start = line_end + 1
            leaf.line_end = leaves.line[0] - 1
        leaf.kind = LeafKind.TABLE
        leaves.take_text(rest.at, rest.indent)
        return True

    # -- lists

    def _read_item(self, rest: Rest) -> bool:
        leaves = self._open
        if _RULE.match(rest.body):
            leaves.settle(rest.indent)
            return True
        marker = _ITEM.match(rest.body)
        if marker is None:
            return False
        is_wrapped = leaves.leaf is not None and leaves.leaf.kind is LeafKind.PARAGRAPH
        is_wrapped = is_wrapped and leaves.depth + 1 == len(leaves.quotes)
        if is_wrapped and (marker.group(1) not in {None, "1"} or marker.end() == len(rest.body)):
            return False  # a number at the start of a wrapped line
        leaves.settle(rest.indent)
        self._open_items(rest, marker)
        return True

    def _open_items(self, rest: Rest, marker: re.Match[str] | None) -> None:
        """Open the item, or items in items, whose markers stand here."""
        items = self._open.quotes[-1].items
        body, at, column = rest
        start = 0
        while marker:
            width = len(marker.group().rstrip())
            blanks = marker.end() - start - width
            column += width + (blanks if 1 <= blanks <= 4 else 1)
            items.append(column)
            start = marker.end()
            marker = _ITEM.match(body, start)
        leaf = self._open.add(LeafKind.ITEM, at + start, level=len(items))
        if start == len(body):
            self._open.pause()  # an empty item has no paragraph for a lazy line to continue
            return
        if body[start] not in _ITEM_LEADS:
            return
        fence = _FENCE.match(body, start)
        if fence:
            self._open_fence(fence)
            return
        lead = _TASK.match(body, start) or _QUOTE_MARKS.match(body, start)
        lead = lead or _HEADING.match(body, start)
        leaf.start = at + lead.end() if lead else leaf.start

    # -- what is opaque

    def _read_fence(self, rest: Rest) -> bool:
        fence = _FENCE.match(rest.body)
        if fence is None:
            return False
        self._open.settle(rest.indent)
        self._open_fence(fence)
        return True

    def _open_fence(self, fence: re.Match[str]) -> None:
        self._fence = (fence.group(1) or fence.group(2), self._open.depth)
        self._open.leaf = None

    def _is_fenced(self, line: str) -> bool:
        """Whether this line belongs to the open code block; it ends with its quote or item."""
        mark, depth = self._fence or ("", 0)
        if depth:
            marks = _QUOTE_MARKS.match(line)
            if marks is None or marks.group().count(">") < depth:
                self._fence = None
                return False
            line = line[marks.end() :]
        body = line.strip()
        indent = columns(line[: len(line) - len(line.lstrip())])
        items = self._open.quotes[-1].items
        ground = items[-1] if items else 0
        if body.startswith(mark) and not body.strip(mark[0]) and indent - ground < 4:
            self._fence = None
            return True
        if body and indent < ground:
            self._fence = None
            return False
        return True

    def _read_math(self, rest: Rest) -> bool:
        return rest.body.startswith("$$") and self._open.skip_if_closed("$$", rest.at + 2)

    def _read_comment(self, rest: Rest) -> bool:
        """Obsidian's `%%` comment; one alone on its line may lack an end."""
        if not rest.body.startswith("%%"):
            return False
        if self._open.skip_if_closed("%%", rest.at + 2):
            return True
        return rest.body.strip() == "%%" and self._open.skip(len(self._open.text) + 1)

    def _read_definition(self, rest: Rest) -> bool:
        leaves = self._open
        if leaves.leaf is not None or not DEFINITION.match(rest.body):
            return False
        leaves.settle(rest.indent)
        leaves.add(LeafKind.DEFINITION, rest.at)
        leaves.leaf = None
        return True
