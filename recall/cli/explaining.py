"""`recall why`."""

from typing import Annotated

import typer

from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style
from recall.cli.options import AsJson, NoRefresh, Vault, checked_k, checked_probability


def why_command(
    note: Annotated[
        str, typer.Argument(metavar="NOTE", help="A file, or a note's path, id, title or alias.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="OTHER", help="The note that is suggested for it, or is not.")
    ],
    *,
    k: Annotated[
        int,
        typer.Option("-k", metavar="N", help="As of suggest-links.", callback=checked_k),
    ] = 5,
    min_score: Annotated[
        float,
        typer.Option(metavar="P", help="As of suggest-links.", callback=checked_probability),
    ] = 0.0,
    drafts: Annotated[bool, typer.Option("--drafts", help="As of suggest-links.")] = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Say why a note is suggested for another, or why it is not.

    Example: recall why "riffusion generates music" "stable diffusion ships its weights"
    """
    from recall.render import why

    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh, meanwhile=index.load_to_suggest)
    found = index.why(note, target, k=k, min_score=min_score, drafts=drafts)
    if as_json:
        output.print_json(why.as_json(found, warnings=warnings))
    else:
        output.print_text(why.as_text(found, style()))
