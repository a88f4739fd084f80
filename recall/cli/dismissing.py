"""`recall dismiss`."""

from typing import TYPE_CHECKING, Annotated

import typer

from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style
from recall.cli.options import AsJson, NoRefresh, Vault
from recall.errors import UsageError

if TYPE_CHECKING:
    from recall.domain import Judgement


def dismiss_command(
    note: Annotated[
        str | None,
        typer.Argument(
            metavar="NOTE",
            help="The note that got the suggestions: a file, path, id, title or alias.",
            show_default=False,
        ),
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="The notes that were suggested.", show_default=False),
    ] = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Let them be suggested again.")] = False,
    show: Annotated[
        bool, typer.Option("--list", help="Show what was dismissed, for NOTE or for all notes.")
    ] = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Never suggest these notes for that one again; nothing is written to a note.

    Example: recall dismiss "riffusion generates music" "Generative Media Cluster"
    """
    from recall.render import dismissals

    targets = targets or []
    if show and (undo or targets):
        raise UsageError(
            "--list takes a note at most, and no --undo.", hint="Try recall dismiss --list."
        )
    if not show and (note is None or not targets):
        raise UsageError(
            "Name a note, and what is not to be suggested for it.",
            hint="Write it as recall dismiss NOTE TARGET, or list what was dismissed with --list.",
        )
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh)
    done: tuple[Judgement, ...] = ()
    if note is not None and not show:
        done = index.restore(note, *targets) if undo else index.dismiss(note, *targets)
    held = index.dismissed(note)
    if as_json:
        output.print_json(dismissals.as_json(done, held, undone=undo, warnings=warnings))
    elif show:
        output.print_text(dismissals.list_text(held, style()))
    else:
        output.print_text(dismissals.done_text(done, style(), undone=undo))
