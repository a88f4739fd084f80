"""Take links out of the text of one note, and change nothing else.

A cut is a stretch of text that goes, and what stays in its place. A line that held nothing but
links goes whole: its list marker, separators and a label such as `Related:` say no more without
them, but would tell a reader that links stood there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence

from recall.domain import DEFAULT_RULES, Span
from recall.markdown.blocks import scan_blocks
from recall.markdown.frontmatter import read_frontmatter
from recall.markdown.mask import clean, shield
from recall.markdown.roles import folded
from recall.patterns import regex
from recall.records import dataclass

_LINE_END = regex(r"\r\n|\n|\r|\Z")
_LINE_STARTS = ("\n", "\r")
_TAG = regex(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*?(/?)>")
_VOID = frozenset({"br", "hr", "img", "input", "wbr"})
_MARKS = regex(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$))?[ \t]*(?:\[[^\[\]]\](?=[ \t]|$))?")
_BLOCK_ID = regex(r"\^[A-Za-z0-9-]+\s*$")
_WORD = regex(r"[^\W_]+")
_LABEL = regex(r"\W*[^\W\d_][^:\n]{0,39}:+[\W_]*")
_LABEL_WORDS = 4
_JOINING = frozenset({"and", "or", "see", "also", "cf", "with", "plus"})
_RELATED = frozenset(folded(name) for name in DEFAULT_RULES.related)
_EMPHASIS = "*_~="
_LEAD = regex(r"[ \t>]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?")
_USE = regex(r"!?\[(\[?)([^\[\]\n]+)\]?\](?:\[([^\[\]\n]*)\])?(?![(:])")


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of text that goes, and the words that stay in its place."""

    span: Span
    kept: str = ""


def unlink(text: str, cuts: Sequence[Cut], *, drops_lines: bool) -> str:
    """Make the cuts.

    Args:
        text: The whole text of a note.
        cuts: In any order; one inside another is made with it.
        drops_lines: Whether a line goes whole when nothing but marks, separators and a label is
            left of it. Otherwise only lines that are left blank go.

    Returns:
        The text; every line without a cut is as it was, and YAML that was valid still is.
    """
    front = read_frontmatter(text)
    outer = _outermost(cuts)
    above = [cut for cut in outer if cut.span.end <= front.end]
    below = [cut for cut in outer if cut.span.end > front.end]
    if below:
        if drops_lines:
            below = [_with_emphasis(text, cut) for cut in below]
        is_empty = _says_nothing if drops_lines else _is_blank
        text = text[: front.body] + _edit(text, front.body, below, is_empty)
    if above:
        block = _edit_yaml(text[: front.end], front.start, above, drops_lines=drops_lines)
        text = text[: front.start] + block + text[front.end :]
    return text


def reference_uses(text: str, labels: Collection[str]) -> Iterator[Cut]:
    """Where `[text][label]`, `[label][]`, `[label]` or `[[label]]` use one of these definitions.

    Args:
        text: The whole text of a note.
        labels: Of definitions, as written; compared as CommonMark does, without case.
    """
    wanted = {_label_key(label) for label in labels}
    cleaned = clean(text)
    for leaf in scan_blocks(cleaned, read_frontmatter(text).body):
        for found in _USE.finditer(shield(cleaned[leaf.start : leaf.end])):
            if _label_key(found.group(3) or found.group(2)) in wanted:
                start = leaf.start + found.start()
                kept = text[leaf.start + found.start(2) : leaf.start + found.end(2)]
                yield Cut(Span(start, leaf.start + found.end()), kept)


def _label_key(label: str) -> str:
    return " ".join(label.casefold().split())


def _outermost(cuts: Sequence[Cut]) -> list[Cut]:
    """The cuts in order, without those that begin inside another."""
    kept: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: (cut.span.start, -cut.span.end)):
        if not kept or cut.span.start >= kept[-1].span.end:
            kept.append(cut)
    return kept


def _with_emphasis(text: str, cut: Cut) -> Cut:
    """Take emphasis around the link with it: `****` would be read as something else."""
    start, end = cut.span.start, cut.span.end
    while start and end < len(text) and text[start - 1] == text[end] and text[end] in _EMPHASIS:
        start, end = start - 1, end + 1
    return Cut(Span(start, end), cut.kept)


def _edit(text: str, top: int, cuts: Sequence[Cut], is_empty: Callable[[str], bool]) -> str:
    """The text from `top` on, with the cuts made, line by line."""
    pieces: list[str] = []
    done = top
    for group in _by_line(text, cuts):
        start = max(_line_start(text, group[0].span.start), done)
        end = _LINE_END.search(text, group[-1].span.end)
        assert end is not None
        line = _without(text, start, group, end.start())
        stop = end.start()
        if is_empty(line):
            # At the very top the line end stays: `---` below must not begin a YAML block.
            line, stop = (end.group() if start == 0 else ""), end.end()
        pieces += (text[done:start], line)
        done = stop
    return "".join((*pieces, text[done:]))


def _by_line(text: str, cuts: Sequence[Cut]) -> Iterator[list[Cut]]:
    group: list[Cut] = []
    for cut in cuts:
        if group and _has_line_end(text, group[-1].span.end, cut.span.start):
            yield group
            group = []
        group.append(cut)
    if group:
        yield group


def _has_line_end(text: str, start: int, end: int) -> bool:
    return any(text.find(mark, start, end) >= 0 for mark in _LINE_STARTS)


def _line_start(text: str, at: int) -> int:
    return max(text.rfind(mark, 0, at) for mark in _LINE_STARTS) + 1


def _without(text: str, start: int, cuts: Sequence[Cut], end: int) -> str:
    line = ""
    done = start
    for cut in cuts:
        line += text[done : cut.span.start] + cut.kept
        done = cut.span.end
        if not cut.kept and _LEAD.fullmatch(line):
            # Blanks that followed the link would now indent the line, as code is.
            while done < end and text[done] in " \t":
                done += 1
    return line + text[done:end]


def _is_blank(line: str) -> bool:
    return not line.strip(" \t>")


def _says_nothing(line: str) -> bool:
    """Whether only marks, separators, tags, joining words or a label are left of a line."""
    if not _is_balanced(line):
        return False
    rest = _BLOCK_ID.sub("", _TAG.sub(" ", line))
    marks = _MARKS.match(rest)
    rest = rest[marks.end() :] if marks else rest
    words = [word.casefold() for word in _WORD.findall(rest)]
    if all(word in _JOINING for word in words) or " ".join(words) in _RELATED:
        return True
    return len(words) <= _LABEL_WORDS and _LABEL.fullmatch(rest) is not None


def _is_balanced(line: str) -> bool:
    """Whether every element that this line opens ends on it, so that it can go."""
    opened: list[str] = []
    for tag in _TAG.finditer(line):
        name = tag.group(2).lower()
        if tag.group(3) or name in _VOID:
            continue
        if not tag.group(1):
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


def _edit_yaml(text: str, start: int, cuts: Sequence[Cut], *, drops_lines: bool) -> str:
    """The YAML block, which ends where `text` does, in the first way that leaves it valid."""
    was_valid = _is_valid(text[start:])
    bare = [_quoted(text, cut) for cut in cuts]
    is_empty = _says_nothing if drops_lines else _is_blank
    ways: list[tuple[Sequence[Cut], Callable[[str], bool]]] = [
        (cuts, is_empty),
        (cuts, _is_blank),
        (bare, is_empty),
        (bare, _is_blank),
        (cuts, lambda _: True),
    ]
    for made, empties in ways:
        block = _edit(text, start, made, empties)
        if not was_valid or _is_valid(block):
            return block
    return ""


def _quoted(text: str, cut: Cut) -> Cut:
    """What stays of a link that is not within quotes, as a YAML string of its own."""
    is_within = cut.span.start and text[cut.span.start - 1] in "\"'"
    return cut if is_within else Cut(cut.span, json.dumps(cut.kept, ensure_ascii=False))


def _is_valid(block: str) -> bool:
    return not read_frontmatter(f"---\n{block}\n---\n").problems
