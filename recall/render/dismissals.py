"""What was dismissed, in words and as `recall.dismiss/1`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from recall.render.as_text import Style, visible

if TYPE_CHECKING:
    from recall.domain import Judgement


def done_text(done: Sequence[Judgement], style: Style, *, undone: bool) -> str:
    """What was just dismissed, or is no longer."""
    if not done:
        return "Nothing of that was dismissed."
    end = "may be suggested again for" if undone else "will not be suggested again for"
    return "\n".join(
        f"{style.bold(visible(item.target_title))} {end} {style.bold(visible(item.title))}."
        for item in done
    )


def list_text(held: Sequence[Judgement], style: Style) -> str:
    """Every suggestion that was dismissed, note by note."""
    return "\n".join(_lines(held, style)) or "Nothing was dismissed."


def _lines(held: Sequence[Judgement], style: Style) -> Iterator[str]:
    for (path, title), items in groupby(held, key=lambda item: (item.path, item.title)):
        yield f"{style.bold(visible(title))}  {style.dim(visible(path))}"
        for item in items:
            gone = style.dim("  one of the two notes is gone") if item.is_gone else ""
            place = style.dim(visible(item.target_path))
            yield f"  {item.day}  {visible(item.target_title)}  {place}{gone}"


def as_json(
    done: Sequence[Judgement],
    held: Sequence[Judgement],
    *,
    undone: bool,
    warnings: Sequence[str] = (),
) -> dict[str, object]:
    """`recall.dismiss/1`."""
    return {
        "schema": "recall.dismiss/1",
        "added": [] if undone else [_fields(item) for item in done],
        "removed": [_fields(item) for item in done] if undone else [],
        "dismissed": [_fields(item) for item in held],
        "warnings": list(warnings),
    }


def _fields(item: Judgement) -> dict[str, object]:
    return {
        "path": item.path,
        "title": item.title,
        "target_path": item.target_path,
        "target_title": item.target_title,
        "day": item.day.isoformat(),
        "gone": item.is_gone,
    }
