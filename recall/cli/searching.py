"""`recall search`."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from recall.arguments import DEFAULT_HITS
from recall.cli.answering import Request, Use, answer_search
from recall.cli.options import AsJson, Explain, HowMany, NoRefresh, Vault
from recall.errors import UsageError
from recall.records import replace

if TYPE_CHECKING:
    from recall.domain import Facet, Filters

Section = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Only in: title, claim, signals, take, question, body. Repeatable."
    ),
]
Tag = Annotated[
    list[str] | None, typer.Option(metavar="TAG", help="Only notes with this tag. Repeatable.")
]


def search_command(
    question: Annotated[
        str,
        typer.Argument(
            metavar="QUESTION",
            help="Words, a sentence, or the name of a note; - reads a longer text from stdin. "
            "Without it, but with --tag or the like: the latest notes that pass.",
            show_default=False,
        ),
    ] = "",
    *,
    k: HowMany = DEFAULT_HITS,
    section: Section = None,
    tag: Tag = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only notes updated since, as 2024-05-31.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only notes begun before.")
    ] = None,
    folder: Annotated[
        str | None, typer.Option("--in", metavar="FOLDER", help="Only notes below this folder.")
    ] = None,
    drafts: Annotated[
        bool, typer.Option("--drafts/--no-drafts", help="Whether drafts answer.")
    ] = True,
    only_drafts: Annotated[bool, typer.Option("--only-drafts", help="Only drafts.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show weak matches, and each of several similar notes.")
    ] = False,
    explain: Explain = False,
    opens: Annotated[
        bool, typer.Option("--open", help="Open the best note in $EDITOR, at the line.")
    ] = False,
    paths: Annotated[
        bool, typer.Option("--paths", help="Print only the files, for pipes.")
    ] = False,
    null: Annotated[
        bool, typer.Option("-0", "--null", help="End each path with NUL, for xargs -0.")
    ] = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Find the notes that answer a question, by meaning and by words.

    Example: recall search "who owns a model's output" --section claim --tag ai -k 3

    In the question: "exact words", tag:ai, section:claim, in:folder, before:2024-05, after:2023.
    """
    if only_drafts and not drafts:
        raise UsageError(
            "Nothing is left with --no-drafts and --only-drafts.", hint="Give one of the two."
        )
    filters = _filters(section or (), tag or (), since, before)
    answer_search(
        question,
        Request(k, explain, no_refresh, vault, as_json),
        filters=replace(filters, folder=folder, drafts=drafts, only_drafts=only_drafts),
        everything=everything,
        use=Use(opens, paths, null),
    )


def _filters(
    sections: Sequence[str], tags: Sequence[str], since: str | None, before: str | None
) -> "Filters":
    from recall.domain import Filters

    return Filters(
        facets=frozenset(map(_facet, sections)),
        tags=tuple(map(_tag, tags)),
        since=None if since is None else _day(since),
        until=None if before is None else _day(before) - timedelta(days=1),
    )


def _facet(section: str) -> "Facet":
    from recall.domain import Facet

    try:
        return Facet(section.strip().casefold())
    except ValueError as error:
        raise UsageError(
            f"There is no section {section!r}.", hint=f"Sections: {', '.join(sorted(Facet))}."
        ) from error


def _tag(tag: str) -> str:
    bare = tag.strip().lstrip("#")
    if not bare:
        raise UsageError(f"{tag!r} is not a tag.", hint="Write it as --tag ai, or --tag ai/audio.")
    return bare


def _day(written: str) -> date:
    from recall.search.question import first_day

    try:
        return first_day(written)
    except ValueError as error:
        hint = f"{str(error).capitalize()}."
        raise UsageError(f"{written!r} is not a date.", hint=hint) from error
