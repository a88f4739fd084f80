"""The options that several commands take."""

from typing import Annotated

import typer


def checked_k(value: int) -> int:
    """Refuse a number of answers that nobody can mean."""
    from recall.arguments import check_k

    check_k(value)
    return value


def checked_probability(value: float | None) -> float | None:
    """Refuse what is no probability."""
    from recall.arguments import check_probability

    if value is not None:
        check_probability(value)
    return value


Vault = Annotated[
    str | None,
    typer.Option(
        "--vault",
        metavar="DIR",
        help="The folder of notes. Default: looked for upwards from here.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]
NoRefresh = Annotated[
    bool,
    typer.Option(
        "--no-refresh", help="Answer from the index as it is, without a look at the files."
    ),
]
HowMany = Annotated[
    int,
    typer.Option("-k", metavar="N", help="How many notes at most.", callback=checked_k),
]
Explain = Annotated[bool, typer.Option("--explain", help="Show the parts of each score.")]
Notes = Annotated[
    list[str],
    typer.Argument(
        metavar="NOTE", help="A file, or a note's path, id, title or alias.", show_default=False
    ),
]
