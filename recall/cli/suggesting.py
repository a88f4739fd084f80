"""`recall suggest-links` and `recall related`."""

from __future__ import annotations

from typing import Annotated

import typer

from recall.cli.answering import answer_related, answer_suggest_links
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
    answer_suggest_links(
        notes,
        k=k,
        min_score=min_score,
        drafts=drafts,
        explain=explain,
        no_refresh=no_refresh,
        vault=vault,
        as_json=as_json,
    )


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
    answer_related(note, k=k, explain=explain, no_refresh=no_refresh, vault=vault, as_json=as_json)
