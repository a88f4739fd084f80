"""Edits of notes → text and JSON: what would be written, what was, and what was taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from recall.render import as_json
from recall.render.as_text import amount, suggestion_lines, visible

if TYPE_CHECKING:
    from recall.applying import Outcome, Plan, Restored, Undone
    from recall.domain import NoteSuggestions, Suggestion
    from recall.edit import Added
    from recall.render.as_text import Style

PLACES = {
    "tree": "in the linkage tree",
    "list": "in its list",
    "line": "in its row of links",
    "property": "in the frontmatter",
    "mention": "where it is mentioned",
}


def heading(note: NoteSuggestions, style: Style) -> str:
    """The note that is about to be asked about."""
    return f"{style.bold(visible(note.title))}  {style.dim(visible(note.path))}"


def proposal(item: Suggestion, style: Style, *, explain: bool) -> str:
    """One suggestion that waits for a yes or no."""
    return "\n".join(suggestion_lines(item, style, explain=explain))


def difference(unified: str, style: Style) -> str:
    """A unified diff for a terminal: coloured, and nothing in it can steer the terminal."""
    lines = []
    for line in unified.removesuffix("\n").split("\n"):
        shown = visible(line.removesuffix("\r").expandtabs(4))
        if line.startswith("+"):
            shown = style.added(shown)
        elif line.startswith("-"):
            shown = style.removed(shown)
        elif line.startswith("@@"):
            shown = style.dim(shown)
        lines.append(shown)
    return "\n".join(lines)


def written(plan: Plan, outcome: Outcome, style: Style) -> str:
    """What was written into one note, and what was not."""
    lines = [heading(plan.note, style)]
    if outcome.error:
        lines.append(f"   not written: {visible(outcome.error.message)}")
    elif outcome.is_written:
        lines += [_added(added, style) for added in plan.edit.added]
    elif not plan.unplaced:
        lines.append("   Nothing to add.")
    lines += left_out(plan)
    return "\n".join(lines)


def _added(added: Added, style: Style) -> str:
    place = f"line {added.line}, {PLACES[added.shape]}"
    return f"   + {style.bold(visible(added.written))}  {style.dim(place)}"


def left_out(plan: Plan) -> Iterator[str]:
    """The links that found no place in a note."""
    for item in plan.unplaced:
        yield f"   left out {visible(item.link.written())}: {item.reason}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """How much was written."""
    done = [outcome for outcome in outcomes if outcome.is_written]
    if not done:
        return "Nothing was written."
    links = sum(len(outcome.edit.added) for outcome in done)
    said = f"{amount(links, 'link')} written into {amount(len(done), 'note')}"
    return f"{said}. recall undo takes {'it' if links == 1 else 'them'} back."


def undone(done: Undone, style: Style) -> str:
    """What was taken back."""
    lines = [_restored(note, style) for note in done.notes]
    count = sum(note.state == "restored" for note in done.notes)
    when = f"{done.at[:10]} {done.at[11:19]} UTC"
    if count:
        said = f"{amount(count, 'note')} {'is' if count == 1 else 'are'} as before"
        lines.append(f"{said}; the links of {when} are taken back.")
    else:
        lines.append(f"Nothing was left to take back of the links of {when}.")
    return "\n".join(lines)


def _restored(note: Restored, style: Style) -> str:
    path = style.bold(visible(note.path))
    if note.state == "restored":
        return f"{path}\n" + "\n".join(f"   - {visible(link)}" for link in note.links)
    if note.state == "as-before":
        return f"{path}\n   was as before already"
    return f"{path}\n   left alone: {visible(note.reason)}"


def applied_json(
    planned: Sequence[tuple[Plan, Outcome | None]], warnings: Sequence[str]
) -> dict[str, object]:
    """`recall.apply/1`: what was written into notes, or would be where no outcome is given."""
    return {
        "schema": "recall.apply/1",
        "written": any(outcome and outcome.is_written for _, outcome in planned),
        "notes": [_planned_json(plan, outcome, warnings) for plan, outcome in planned],
    }


def _planned_json(
    plan: Plan, outcome: Outcome | None, warnings: Sequence[str]
) -> dict[str, object]:
    from recall.edit.difference import unified

    scores = {item.card.path: item.score for item in plan.note.suggestions}
    failure = outcome.error if outcome else None
    return {
        "path": plan.note.path,
        "title": plan.note.title,
        "written": outcome is not None and outcome.is_written,
        "added": [
            {
                "path": added.link.path,
                "title": added.link.title,
                "link": added.written,
                "score": scores.get(added.link.path),
                "place": added.shape.value,
                "line": added.line,
            }
            for added in plan.edit.added
        ],
        "left_out": [
            {"path": item.link.path, "title": item.link.title, "reason": item.reason}
            for item in plan.unplaced
        ],
        "diff": unified(plan.note.path, plan.edit.old, plan.edit.new),
        "error": as_json.error(failure)["error"] if failure else None,
        "warnings": [*warnings, *plan.note.warnings],
    }


def undone_json(done: Undone) -> dict[str, object]:
    """`recall.undo/1`."""
    from recall.edit.difference import unified

    return {
        "schema": "recall.undo/1",
        "applied_at": done.at,
        "written": done.is_written and any(note.state == "restored" for note in done.notes),
        "notes": [
            {
                "path": note.path,
                "state": note.state.value,
                "links": list(note.links),
                "reason": note.reason or None,
                "withdrawn": list(note.withdrawn),
                "diff": unified(note.path, note.new, note.old),
            }
            for note in done.notes
        ],
    }
