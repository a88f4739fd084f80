"""One suggestion at a time, with its evidence: yes, no, dismiss, explain, quit."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

import typer

from recall.cli import output
from recall.cli.applying import end_with, show
from recall.cli.asking import style
from recall.cli.failures import Stopped
from recall.records import replace

if TYPE_CHECKING:
    from recall.applying import Outcome
    from recall.domain import NoteSuggestions, Suggestion
    from recall.index import Index


class Answer(Enum):
    """What a key says."""

    YES = "y"
    NO = "n"
    DISMISS = "d"
    EXPLAIN = "e"
    QUIT = "q"


def review(
    index: Index, found: Iterable[NoteSuggestions], *, mentions: bool, explain: bool
) -> None:
    """Ask about the suggestions of each note, and write what was accepted before the next note.

    Args:
        index: Of the vault that the notes are in.
        found: The notes, each looked at only when it is its turn.
        mentions: Whether a mention in the prose becomes the link.
        explain: Whether the parts of each score are shown unasked.
    """
    from recall.applying import new_application
    from recall.edit import unified
    from recall.render import edits

    editor, application = index.editor(), new_application()
    outcomes: list[Outcome] = []
    seen: set[str] = set()
    for note in found:
        if note.path in seen:
            continue
        seen.add(note.path)
        accepted, goes_on = _accepted(index, note, explain=explain)
        if accepted:
            plan = editor.plan(replace(note, suggestions=tuple(accepted)), mentions=mentions)
            for line in edits.left_out(plan):
                output.print_text(line)
            outcome, *_ = editor.write([plan.edit], application=application, was_asked=True)
            outcomes.append(outcome)
            if outcome.is_written:
                show(unified(plan.edit.path, plan.edit.old, plan.edit.new))
        if not goes_on:
            break
    output.print_text(edits.summary(outcomes))
    end_with(outcomes)


def _accepted(
    index: Index, note: NoteSuggestions, *, explain: bool
) -> tuple[list[Suggestion], bool]:
    """What the user accepts for one note, and whether the next note is to be asked about."""
    from recall.render import edits

    output.print_text(edits.heading(note, style()))
    for warning in note.warnings:
        output.print_text(f"   note: {warning}")
    if not note.suggestions:
        output.print_text("   Nothing to suggest.")
    accepted: list[Suggestion] = []
    for item in note.suggestions:
        answer = _answer(item, explain=explain)
        if answer is Answer.QUIT:
            return accepted, False
        if answer is Answer.YES:
            accepted.append(item)
        elif answer is Answer.DISMISS:
            index.dismiss(index.settings.notes / note.path, index.settings.notes / item.card.path)
    return accepted, True


def _answer(item: Suggestion, *, explain: bool) -> Answer:
    from recall.render import edits

    output.print_text(edits.proposal(item, style(), explain=explain))
    while True:
        key = _key("     write this link?  [y]es  [n]o  [d]ismiss for good  [e]xplain  [q]uit  ")
        try:
            answer = Answer(key.lower())
        except ValueError:
            continue
        if answer is not Answer.EXPLAIN:
            return answer
        output.print_text(edits.proposal(item, style(), explain=True))


def _key(prompt: str) -> str:
    """One key, shown behind the prompt; the end of input is a quit."""
    output.print_prompt(prompt)
    key, is_stopped = "", False
    try:
        key = typer.getchar()
    except EOFError:
        key = Answer.QUIT.value
    except KeyboardInterrupt:
        is_stopped = True
    output.print_text(key if key.isprintable() else "")
    if is_stopped:  # raised out here: in there it would count as the interrupt that it words
        raise Stopped("stopped; of this note nothing was written.")
    return key
