"""`recall suggest-links` and `recall related`."""

from typing import Annotated

import typer

from recall.arguments import DEFAULT_HITS, DEFAULT_SUGGESTIONS
from recall.cli.answering import Request, answer_related, answer_suggest_links
from recall.cli.applying import Manner, apply_all, check_manner
from recall.cli.asking import bring_up_to_date, open_vault
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
from recall.cli.reviewing import review


def suggest_links_command(
    notes: Notes,
    *,
    k: Annotated[
        int,
        typer.Option("-k", metavar="N", help="Suggestions a note at most.", callback=checked_k),
    ] = DEFAULT_SUGGESTIONS,
    min_score: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Least probability of a suggestion.",
            callback=checked_probability,
            show_default=False,
        ),
    ] = None,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Suggest drafts for published notes, too.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show weak suggestions, too, which you would hardly accept."),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Ask about each link, and write the accepted ones.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --apply and --min-score: write without asking.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what --apply would write; write nothing.")
    ] = False,
    mentions: Annotated[
        bool,
        typer.Option("--mentions", help="Make a mention of a note in the prose the link to it."),
    ] = False,
    explain: Explain = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Propose the wikilinks that a note is missing, with what speaks for each.

    Example: recall suggest-links "notes/riffusion generates music.md" --apply
    """
    manner = Manner(apply, yes, diff, mentions, min_score, as_json)
    check_manner(manner)
    if not manner.is_asked_for:
        answer_suggest_links(
            notes,
            Request(k, explain, no_refresh, vault, as_json),
            min_score=min_score,
            drafts=drafts,
            everything=everything,
        )
        return
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh, meanwhile=index.load_to_suggest)
    answers = (
        index.suggest_links(
            note, k=k, min_score=min_score or 0.0, include_weak=everything, drafts=drafts
        )
        for note in notes
    )
    if manner.is_interactive:
        review(index, answers, mentions=mentions, explain=explain)
    else:
        apply_all(index.editor(), list(answers), manner, warnings)


def related_command(
    note: Annotated[
        str,
        typer.Argument(metavar="NOTE", help="A file, or a note's path, id, title or alias."),
    ],
    *,
    k: HowMany = DEFAULT_HITS,
    explain: Explain = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Show the notes nearest to a note; those it links already are marked.

    Example: recall related 221215TJ01
    """
    answer_related(note, Request(k, explain, no_refresh, vault, as_json))
