"""HTML that stands on lines of its own: lists, regions known by their class, what is opaque."""

from __future__ import annotations

import re
from functools import lru_cache

from recall.markdown.leaves import Leaf, LeafKind, OpenLeaves, Rest
from recall.patterns import regex

REGION_WORDS = ("keyword-row", "linkage-tree")

_BLOCK = regex(
    r"</?(?:address|article|aside|blockquote|body|br|center|col|colgroup|dd|details|dialog|div|dl"
    r"|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|img|legend|li"
    r"|link|main|menu|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|tr|ul|video)\b",
    re.IGNORECASE,
)
_CUT = regex(r"<(/?)(li|ul|ol)\b[^<>]*>", re.IGNORECASE)
_COMMENT_END = regex("-->")
_RAW_ELEMENT = regex(r"<(script|style|pre|textarea)\b", re.IGNORECASE)
_REGION = regex(
    r"""<([a-z][a-z0-9]{0,20})\b[^<>]{0,300}?\bclass\s{0,9}=\s{0,9}["']?[^"'<>]{0,300}?"""
    rf"""(?<![\w-])({"|".join(REGION_WORDS)})(?![\w-])[^<>]{{0,300}}>""",
    re.IGNORECASE,
)
_HEADING = regex(r"^#{1,6}[ \t]", re.MULTILINE)


def read_tag(leaves: OpenLeaves, rest: Rest) -> bool:
    """Read a line that starts with `<`; whether that was more than a paragraph's text."""
    body, at, indent = rest
    if body.startswith("<!--"):
        return leaves.skip_through(_COMMENT_END, at + 2)
    if body.startswith("<%"):
        return leaves.skip_if_closed("%>", at + 2)
    raw = _RAW_ELEMENT.match(body)
    if raw:
        return leaves.skip_through(_end_tag(raw.group(1).lower()), at)
    if not _BLOCK.match(body):
        return False
    leaves.settle(indent)
    cut_html(leaves, rest)
    return True


def cut_html(leaves: OpenLeaves, rest: Rest) -> None:
    """Make each `<li>` an item of its own; the last part stays open for the next line."""
    leaf = leaves.leaf
    kind = leaf.kind if leaf else LeafKind.PARAGRAPH
    start = 0
    for cut in _CUT.finditer(rest.body):
        _take_part(leaves, leaf, kind, rest.at + start, rest.at + cut.start())
        leaf = None
        is_item = cut.group(2).lower() == "li" and not cut.group(1)
        kind = LeafKind.ITEM if is_item else LeafKind.PARAGRAPH
        start = cut.end()
    _take_part(leaves, leaf, kind, rest.at + start, rest.at + len(rest.body))


def _take_part(leaves: OpenLeaves, leaf: Leaf | None, kind: LeafKind, start: int, end: int) -> None:
    if leaf is None:
        leaf = leaves.add(kind, start)
        leaf.is_html = True
    elif leaves.depth:
        leaf.gaps.append((leaf.line_end, start))
    leaf.end, leaf.line_end = end, leaves.line[1]


class Regions:
    """Finds HTML known by its class; it ends with its end tag, or else at the next heading."""

    def __init__(self, text: str) -> None:
        self.has_any = any(word in text for word in REGION_WORDS)
        self._heading = -1  # the next heading behind the latest region

    def read(self, leaves: OpenLeaves, rest: Rest) -> bool:
        """Read a line with the start of a region on it; False when there is none."""
        region = _REGION.search(rest.body)
        if region is None:
            return False
        start = rest.at + region.start()
        if region.start() and rest.body[: region.start()].strip():
            leaves.take_text(rest.at, rest.indent)
            if leaves.leaf:
                leaves.leaf.end = leaves.leaf.line_end = start
            leaves.line = (start, leaves.line[1])
        leaves.settle(rest.indent)
        end = self._end(leaves.text, region.group(1).lower(), start)
        leaf = leaves.add(LeafKind.REGION, start)
        leaf.end = leaf.line_end = end
        leaf.word = region.group(2).lower()
        return leaves.skip(end)

    def _end(self, text: str, tag: str, start: int) -> int:
        if self._heading < start:
            heading = _HEADING.search(text, start)
            self._heading = heading.start() if heading else len(text)
        depth = 0
        for found in _tags(tag).finditer(text, start, self._heading):
            depth += -1 if found.group(1) else 1
            if not depth:
                return found.end()
        return self._heading


@lru_cache(maxsize=32)
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\s*>", re.IGNORECASE)


@lru_cache(maxsize=32)
def _tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){name}\b[^<>]*>", re.IGNORECASE)
