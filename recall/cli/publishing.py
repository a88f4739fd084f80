"""`recall prepublish`."""

from pathlib import Path
from typing import Annotated

import typer

from recall.cli.checking import answer_prepublish
from recall.cli.options import AsJson, NoRefresh, Vault


def prepublish_command(
    notes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NOTE", help="A file, or a note's path, id, title or alias.", show_default=False
        ),
    ] = None,
    *,
    staged: Annotated[
        bool, typer.Option("--staged", help="What git is about to commit, not the files.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Notes that changed since HEAD left this git commit."),
    ] = None,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Every note that is not published yet.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every note.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Exit 1 on: none, broken (errors), suggestions (anything).  [default: none]",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option("--format", metavar="F", help="text, json, github, sarif or markdown."),
    ] = "text",
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Findings that are known already.  [default: recall-baseline.json in the vault]",
            show_default=False,
        ),
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Take all that is found as known.")
    ] = False,
    install_hook: Annotated[
        bool, typer.Option("--install-hook", help="Check every git commit from now on.")
    ] = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Check notes before they are published: links that are broken, missing or ambiguous, and more.

    Example: recall prepublish --staged --fail-on broken
    """
    code = answer_prepublish(
        notes,
        staged=staged,
        since=since,
        drafts=drafts,
        everything=everything,
        fail_on=fail_on,
        format_=format_,
        baseline=baseline,
        write_baseline=write_baseline,
        install_hook=install_hook,
        no_refresh=no_refresh,
        vault=vault,
        as_json=as_json,
    )
    if code:
        raise typer.Exit(code)
