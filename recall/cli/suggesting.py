"""`recall suggest-links` and `recall related`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style
from recall.cli.options import (
    AsJson,
    Explain,
    HowMany,
    NoRefresh,
    Notes,
    Vault,
    checked_k,
    checked_probability,
)

if TYPE_CHECKING:
    from recall.domain import NoteSuggestions


def suggest_links_command(
    notes: Notes,
    *,
    k: Annotated[
        int,
        typer.Option("-k", metavar="N", help="Suggestions a note at most.", callback=checked_k),
    ] = 5,
    min_score: Annotated[
        float,
        typer.Option(
            metavar="P",
            help="Least probability of a suggestion.",
            callback=checked_probability,
        ),
    ] = 0.0,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Suggest drafts for published notes, too.")
    ] = False,
    explain: Explain = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Propose the wikilinks that a note is missing, with what speaks for each.

    Example: recall suggest-links "notes/riffusion generates music.md"
    """
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh)
    found = [index.suggest_links(note, k=k, min_score=min_score, drafts=drafts) for note in notes]
    if as_json:
        _print_json_of(found, warnings, schema="recall.suggest-links/1")
    else:
        _print_text_of(found, explain=explain)


def related_command(
    note: Annotated[
        str,
        typer.Argument(metavar="NOTE", help="A file, or a note's path, id, title or alias."),
    ],
    *,
    k: HowMany = 10,
    explain: Explain = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Show the notes nearest to a note; those it links already are marked.

    Example: recall related 221215TJ01
    """
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh)
    found = [index.related(note, k=k)]
    if as_json:
        _print_json_of(found, warnings, schema="recall.related/1")
    else:
        _print_text_of(found, explain=explain)


def _print_json_of(
    found: Sequence[NoteSuggestions], warnings: tuple[str, ...], *, schema: str
) -> None:
    from recall.render import as_json

    found = [replace(note, warnings=(*warnings, *note.warnings)) for note in found]
    output.print_json(as_json.suggestions(found, schema=schema))


def _print_text_of(found: Sequence[NoteSuggestions], *, explain: bool) -> None:
    from recall.render import as_text

    output.print_text(as_text.suggestions(found, style(), explain=explain))
