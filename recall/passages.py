"""`Note` → `Passage`s: one facet each, small enough for the model, free of what is not prose.

A title, a description and every signal is a passage of its own. Other blocks are packed, in order
and within their section, up to a size at which one vector still means one thing; a block that is
longer is cut between sentences. Furniture (sections without a facet) is left out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from recall.digest import sha256
from recall.domain import BlockKind, Facet, HeadingRules, Note, Passage, Section, Span
from recall.patterns import regex
from recall.records import dataclass

RECIPE_VERSION = 1  # raise it when the same note would give other passages
TARGET_TOKENS = 160  # about 110 words: the size the prototype of the links benchmark used
MAX_PASSAGES = 400  # of one note; a whole book has about a thousand
CHUNK_CHARS = 1000  # longer blocks are cut before they are counted

_SENTENCE_END = regex(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])")
_MEANINGFUL = regex(r"[^\W_]")

TokenCounter = Callable[[Sequence[str]], Sequence[int]]  # texts → how many tokens each is


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text that is not cut any further, and where it stands."""

    text: str
    span: Span
    tokens: int
    alone: bool  # it is a passage of its own


def recipe(rules: HeadingRules, max_tokens: int) -> str:
    """Fingerprint of everything that decides how a note becomes passages."""
    parts = [
        RECIPE_VERSION,
        TARGET_TOKENS,
        MAX_PASSAGES,
        CHUNK_CHARS,
        max_tokens,
        sorted((facet.value, names) for facet, names in rules.facets.items()),
        rules.furniture,
        rules.related,
    ]
    return sha256(json.dumps(parts, default=list).encode()).hex()


def split(note: Note, *, count_tokens: TokenCounter, max_tokens: int) -> tuple[Passage, ...]:
    """Cut a note into passages, in the order of the note, the title first.

    Args:
        note: The parsed note.
        count_tokens: How many tokens the model makes of each text.
        max_tokens: The model's window; no passage is longer.

    Returns:
        At most `MAX_PASSAGES` passages, no two with the same facet and text.
    """
    lines = Lines(note.text)
    found: dict[tuple[Facet, str], Passage] = {}
    for facet, heading, text, span in _passages(note, count_tokens, max_tokens):
        if _MEANINGFUL.search(text):
            passage = Passage(facet, heading, text, span, lines.line_at(span.start))
            found.setdefault((facet, text), passage)
        if len(found) >= MAX_PASSAGES:
            break
    return tuple(found.values())


def _passages(
    note: Note, count_tokens: TokenCounter, max_tokens: int
) -> Iterator[tuple[Facet, str, str, Span]]:
    target = min(TARGET_TOKENS, max_tokens)
    for text in (note.title, note.description):
        if text:
            cut = next(_within(text[:CHUNK_CHARS], count_tokens, max_tokens))[0]
            yield Facet.TITLE, "", cut, _find(note.text, text)
    for section in note.sections:
        if section.facet is None:
            continue
        heading = section.heading if _heading_says_something(section, note) else ""
        taken = count_tokens([heading])[0] if heading else 0
        if taken > target // 4:  # a paragraph that was made a heading
            heading, taken = "", 0
        pieces = _pieces(section, note.text, count_tokens, max_tokens - taken)
        for packed in _packed(pieces, target - taken):
            text = " ".join(piece.text for piece in packed)
            if heading:
                text = f"{heading.rstrip('.:')}. {text}"
            span = Span(packed[0].span.start, packed[-1].span.end)
            yield section.facet, section.heading, text, span


def _heading_says_something(section: Section, note: Note) -> bool:
    """A heading that names a facet, or repeats the title, adds nothing to what stands below it."""
    return (
        section.facet is Facet.BODY
        and 1 <= section.level <= 6
        and section.heading not in {note.title, note.first_heading}
    )


def _pieces(
    section: Section,
    text: str,
    count_tokens: TokenCounter,
    max_tokens: int,
) -> Iterator[_Piece]:
    for block in section.blocks:
        alone = section.facet is Facet.SIGNALS and block.kind is BlockKind.ITEM
        cursor = block.span.start
        chunks = list(_chunks(block.text))
        for chunk in chunks:
            for part, tokens in _within(chunk, count_tokens, max_tokens):
                if part is block.text:
                    yield _Piece(part, block.span, tokens, alone)
                    continue
                start = _locate(text, part, cursor, block.span.end)
                yield _Piece(part, Span(start, block.span.end), tokens, alone)
                cursor = min(start + 1, block.span.end)


def _packed(pieces: Iterator[_Piece], room: int) -> Iterator[list[_Piece]]:
    pack: list[_Piece] = []
    used = 0
    for piece in pieces:
        if pack and (piece.alone or pack[-1].alone or used + piece.tokens > room):
            yield pack
            pack, used = [], 0
        pack.append(piece)
        used += piece.tokens
    if pack:
        yield pack


def _chunks(text: str) -> Iterator[str]:
    """A text in runs of whole sentences of at most `CHUNK_CHARS`, or in words if it must be."""
    if len(text) <= CHUNK_CHARS:
        yield text
        return
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    start = 0
    last = 0
    for end in [*ends, len(text)]:
        if end - start > CHUNK_CHARS and last > start:
            yield text[start:last].strip()
            start = last
        while end - start > CHUNK_CHARS:
            cut = text.rfind(" ", start + CHUNK_CHARS // 2, start + CHUNK_CHARS)
            cut = start + CHUNK_CHARS if cut < 0 else cut
            yield text[start:cut].strip()
            start = cut
        last = end
    if rest := text[start:].strip():
        yield rest


def _within(text: str, count_tokens: TokenCounter, max_tokens: int) -> Iterator[tuple[str, int]]:
    """The text with its number of tokens, halved until each part fits the window."""
    tokens = count_tokens([text])[0]
    if tokens <= max_tokens or len(text) < 2:
        yield text, tokens
        return
    middle = text.rfind(" ", 1, len(text) // 2 + 1)
    middle = len(text) // 2 if middle < 0 else middle
    for half in (text[:middle].strip(), text[middle:].strip()):
        if half:
            yield from _within(half, count_tokens, max_tokens)


def _find(text: str, part: str) -> Span:
    """Where it first stands as words of its own, and not as a part of others."""
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        if not (_is_of_word(text[start - 1 : start]) or _is_of_word(text[end : end + 1])):
            return Span(start, end)
        start = text.find(part, start + 1)
    return Span(0, 0)


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _locate(text: str, part: str, start: int, end: int) -> int:
    """Where the first words of a plain text stand in its marked-up source."""
    words = part.split(maxsplit=3)[:3]
    for size in range(len(words), 0, -1):
        found = text.find(" ".join(words[:size]), start, end)
        if found >= 0:
            return found
    return start


class Lines:
    """Line numbers of offsets, whichever way the lines end."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\n|\r", text))]

    def line_at(self, offset: int) -> int:
        """The line, counted from 1, in which an offset lies."""
        return bisect_right(self._starts, offset)

    def start_of(self, line: int) -> int:
        """The offset at which a 1-based line begins."""
        return self._starts[line - 1]

    def column_at(self, offset: int) -> int:
        """The 1-based column of an offset in its line, in characters."""
        return offset - self._starts[self.line_at(offset) - 1] + 1
