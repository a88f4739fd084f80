"""`recall suggest-links --apply` and `--diff`, and `recall undo`: notes are written here alone."""

import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

from recall.cli import output
from recall.cli.asking import open_vault, style
from recall.cli.options import AsJson, Vault
from recall.errors import UsageError
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.applying import Editor, Outcome, Plan
    from recall.domain import NoteSuggestions


@dataclass(frozen=True, slots=True)
class Manner:
    """How suggestions are to be written, as the flags say."""

    apply: bool
    yes: bool
    diff: bool
    mentions: bool
    min_score: float | None
    as_json: bool

    @property
    def is_asked_for(self) -> bool:
        """Whether notes are to be written, or to be shown as they would be."""
        return self.apply or self.diff

    @property
    def is_interactive(self) -> bool:
        """Whether each suggestion is asked about."""
        return self.apply and not (self.yes or self.diff)


def check_manner(manner: Manner) -> None:
    """Refuse flags that make no sense together, or that nobody is there to answer."""
    if not manner.is_asked_for:
        for flag, is_given in (("--yes", manner.yes), ("--mentions", manner.mentions)):
            if is_given:
                raise UsageError(
                    f"{flag} goes with --apply.", hint="Or look first: --diff writes nothing."
                )
        return
    if manner.yes and not manner.diff and manner.min_score is None:
        raise UsageError(
            "--yes writes without a question, so it needs a least score.",
            hint="Add --min-score 0.3, or look first with --diff.",
        )
    if manner.is_interactive and manner.as_json:
        raise UsageError(
            "--apply asks about each link, and --json leaves no room for questions.",
            hint="Add --yes --min-score 0.3 to write without questions, or --diff to look.",
        )
    if manner.is_interactive and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "--apply asks about each link, and there is no terminal to ask on.",
            hint="Add --yes --min-score 0.3 to write without questions, or --diff to look.",
        )


def apply_all(
    editor: "Editor", found: Sequence["NoteSuggestions"], manner: Manner, warnings: Sequence[str]
) -> None:
    """Write every suggestion, or show what that would be."""
    from recall.render import edits

    once = {note.path: note for note in found}
    plans = [editor.plan(note, mentions=manner.mentions) for note in once.values()]
    outcomes: list[Outcome] = []
    if not manner.diff:
        outcomes = editor.write([plan.edit for plan in plans])
    if manner.as_json:
        pairs = list(zip_longest(plans, outcomes))
        output.print_json(edits.applied_json(pairs, warnings))
    elif manner.diff:
        _show_difference(plans)
    else:
        for plan, outcome in zip(plans, outcomes, strict=True):
            output.print_text(edits.written(plan, outcome, style()))
        output.print_text(edits.summary(outcomes))
    end_with(outcomes)


def end_with(outcomes: Sequence["Outcome"]) -> None:
    """End with exit code 1 if a note could not be written, and say the way out."""
    from recall.render import as_text

    failed = [outcome.error for outcome in outcomes if outcome.error]
    for failure in failed:
        output.say(as_text.error(failure))
    if failed:
        raise typer.Exit(1)


def show(unified: str) -> None:
    """Print a diff: for a program exactly as it is, for eyes so that it can't steer a terminal."""
    from recall.render import edits

    if sys.stdout.isatty():
        output.print_text(edits.difference(unified, style()))
    else:
        output.print_exactly(unified)


def _show_difference(plans: Sequence["Plan"]) -> None:
    from recall.edit import unified
    from recall.render import edits
    from recall.render.as_text import visible

    for plan in plans:
        if difference := unified(plan.edit.path, plan.edit.old, plan.edit.new):
            show(difference)
        for line in edits.left_out(plan):
            output.say(f"recall: {visible(plan.note.path)}: {line.strip()}")
    if not any(plan.edit.insertions for plan in plans):
        output.say("recall: nothing to add.")


def undo_command(
    *,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would be taken back; write nothing.")
    ] = False,
    unchanged: Annotated[
        bool,
        typer.Option("--unchanged", help="Leave notes that were edited since as they are."),
    ] = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Take back what the last suggest-links --apply wrote; again for the one before.

    Example: recall undo
    """
    from recall.edit import unified
    from recall.render import edits

    done = open_vault(vault).editor().undo(only_unchanged=unchanged, is_rehearsal=diff)
    if as_json:
        output.print_json(edits.undone_json(done))
    elif diff:
        for note in done.notes:
            if difference := unified(note.path, note.new, note.old):
                show(difference)
    else:
        output.print_text(edits.undone(done, style()))
    if any(note.state == "failed" for note in done.notes):
        raise typer.Exit(1)
