"""The answer to a question → terminal text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recall.domain import HitParts
from recall.render.as_text import Style, visible
from recall.words import terms_of_word, words

if TYPE_CHECKING:
    from recall.domain import Hit, SearchResult

SNIPPET_CHARS = 220
NAMED = 3  # similar notes that are named before the rest is only counted


def search(
    result: SearchResult,
    style: Style,
    *,
    folder: Path,
    explain: bool = False,
    all_of_them: bool = False,
) -> str:
    """The answer to a question, a few lines a note.

    Args:
        result: The answer.
        style: What the terminal can show.
        folder: The notes, for links to their files.
        explain: Say how each note came to its place.
        all_of_them: Show notes that say almost the same as a better one at full length, too.
    """
    lines = [
        style.dim(f"Searched for {visible(made.searched)!r} instead of {visible(made.asked)!r}.")
        for made in result.corrections
    ]
    if not result.answered:
        lines.append(_nothing(result))
    width = len(str(len(result.hits)))
    for hit in result.hits:
        if hit.similar_to is None or all_of_them:
            lines += _hit_lines(hit, result.terms, style, width, folder)
            if explain:
                lines.append(" " * (width + 3) + style.dim(_why(hit.parts, hit.score)))
            if not all_of_them:
                lines += _similar_lines(hit, result.hits, style, width)
    return "\n".join(lines)


def _nothing(result: SearchResult) -> str:
    said = f"Nothing in these notes answers {visible(_shortened(result.query))!r}."
    if result.hits:
        return f"{said} The nearest are:"
    return f"{said} --all shows weak matches." if result.held_back else said


def _shortened(query: str, most: int = 100) -> str:
    line = " ".join(query.split()) if "\n" in query else query
    return line if len(line) <= most else f"{line[:most]}…"


def _hit_lines(
    hit: Hit, terms: Sequence[str], style: Style, width: int, folder: Path
) -> Iterator[str]:
    place = visible(f"{hit.card.path}:{hit.passage.line}")
    if style.hyperlinks:
        place = style.link(place, (folder / hit.card.path).absolute().as_uri())
    pad = " " * (width + 3)
    draft = style.dim("  draft") if hit.card.draft else ""
    yield f" {hit.rank:>{width}}  {style.bold(visible(hit.card.title))}{draft}"
    yield pad + style.dim(f"{place}  {hit.passage.facet}")
    yield pad + snippet(hit.passage.text, terms, style)


def _similar_lines(hit: Hit, hits: Sequence[Hit], style: Style, width: int) -> Iterator[str]:
    similar = [visible(other.card.path) for other in hits if other.similar_to == hit.rank]
    if similar:
        more = f" and {len(similar) - NAMED} more" if len(similar) > NAMED else ""
        yield " " * (width + 3) + style.dim(f"much the same: {', '.join(similar[:NAMED])}{more}")


def _why(parts: HitParts, score: float) -> str:
    if parts == HitParts():
        return "why: it passes the filters; the question holds no words"
    said = [f"score {score:.3f}"]
    if parts.name is not None:
        said.append(f"the question is its {parts.name.replace('_', ' ')}")
    if parts.dense is not None:
        said.append(f"meaning {parts.dense:.2f}{_rank(parts.dense_rank)}")
    if parts.whole is not None:
        said.append(f"whole note {parts.whole:.2f}")
    if parts.lexical is not None:
        said.append(f"words {parts.lexical:.1f}{_rank(parts.lexical_rank)}")
    said.append(f"{parts.share:.0%} of what was asked, word for word")
    return "why: " + ", ".join(said)


def _rank(rank: int | None) -> str:
    return "" if rank is None else f" (rank {rank})"


def snippet(text: str, terms: Sequence[str], style: Style, *, most: int = SNIPPET_CHARS) -> str:
    """The stretch of a passage that holds most of the asked words, with them marked."""
    found = matches(text, terms)
    begin = _best_window(text, found, most)
    end = min(len(text), begin + most)
    if end < len(text):
        end = max(text.rfind(" ", begin + most // 2, end), begin + most // 2)
    parts = ["… "] if begin else []
    at = begin
    for start, stop in found:
        if begin <= start and stop <= end:
            parts += [visible(text[at:start]), style.mark(visible(text[start:stop]))]
            at = stop
    parts.append(visible(text[at:end]))
    return "".join(parts) + (" …" if end < len(text) else "")


def _best_window(text: str, found: Sequence[tuple[int, int]], most: int) -> int:
    if len(text) <= most or not found:
        return 0
    room = most * 3 // 4
    starts = [start for start, _ in found]
    first = max(starts, key=lambda s: (sum(s <= other <= s + room for other in starts), -s))
    if first + room < most:
        return 0
    begin = text.rfind(" ", 0, max(0, first - most // 8)) + 1
    return min(begin, max(0, len(text) - most))


def matches(text: str, terms: Sequence[str]) -> list[tuple[int, int]]:
    """Where the asked words stand in a text: (start, end) in characters."""
    wanted = set(terms)
    return [
        (start, end) for word, start, end in words(text) if wanted.intersection(terms_of_word(word))
    ]
