"""The commands: each turns arguments into one library call, and prints what it gives back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from recall import __version__
from recall.cli import output
from recall.cli.progress import progress
from recall.errors import IndexBusy, IndexUnwritable, UsageError

if TYPE_CHECKING:
    from recall.domain import Facet, Filters, NoteSuggestions
    from recall.index import Index
    from recall.render.as_text import Style

app = typer.Typer(
    name="recall",
    rich_markup_mode=None,  # plain help starts faster and reads better in pipes and small windows
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find notes by meaning, and the wikilinks that are missing between them.",
    epilog='Begin with:  recall search "audio models"   or   recall suggest-links NOTE.md',
)


def _checked_k(value: int) -> int:
    from recall.arguments import check_k

    check_k(value)
    return value


def _checked_probability(value: float) -> float:
    from recall.arguments import check_probability

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
    typer.Option("-k", metavar="N", help="How many notes at most.", callback=_checked_k),
]
Explain = Annotated[bool, typer.Option("--explain", help="Show the parts of each score.")]
Notes = Annotated[
    list[str],
    typer.Argument(
        metavar="NOTE", help="A file, or a note's path, id, title or alias.", show_default=False
    ),
]


@app.command("index", short_help="Make the index agree with the notes.")
def index_command(
    *,
    full: Annotated[bool, typer.Option("--full", help="Read and embed everything again.")] = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Make the index agree with the notes; only what changed is read and embedded.

    Example: recall index --vault ~/notes
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    index = _open(vault)
    with progress() as on_progress:
        report = index.refresh(full=full, on_progress=on_progress)
    if as_json:
        output.print_json(to_json.report(report))
    else:
        output.print_text(as_text.report(report, _style()))


@app.command("search", short_help="Find the notes that answer a question.")
def search_command(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="Words, a sentence, or the name of a note.")
    ],
    *,
    k: HowMany = 10,
    section: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only in: title, claim, signals, take, question, body. Repeatable."
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Only notes with this tag. Repeatable.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only notes updated since, as 2024-05-31.")
    ] = None,
    drafts: Annotated[
        bool, typer.Option("--drafts/--no-drafts", help="Whether drafts answer.")
    ] = True,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Find the notes that answer a question, by meaning and by words.

    Example: recall search "who owns a model's output" --section claim --tag ai -k 3
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    filters = _filters(section or (), tag or (), since, drafts=drafts)
    index = _open(vault)
    warnings = _bring_up_to_date(index, refresh=not no_refresh)
    result = index.search(question, k=k, filters=filters)
    _warn(result.warnings)
    if as_json:
        result = replace(result, warnings=(*warnings, *result.warnings))
        output.print_json(to_json.search(result))
    else:
        output.print_text(as_text.search(result, _style()))


@app.command("suggest-links", short_help="Propose the wikilinks a note is missing.")
def suggest_links_command(
    notes: Notes,
    *,
    k: Annotated[
        int,
        typer.Option("-k", metavar="N", help="Suggestions a note at most.", callback=_checked_k),
    ] = 5,
    min_score: Annotated[
        float,
        typer.Option(
            metavar="P",
            help="Least probability of a suggestion.",
            callback=_checked_probability,
        ),
    ] = 0.0,
    explain: Explain = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Propose the wikilinks that a note is missing, with what speaks for each.

    Example: recall suggest-links "notes/riffusion generates music.md"
    """
    index = _open(vault)
    warnings = _bring_up_to_date(index, refresh=not no_refresh)
    found = [index.suggest_links(note, k=k, min_score=min_score) for note in notes]
    if as_json:
        _print_json_of(found, warnings, schema="recall.suggest-links/1")
    else:
        _print_text_of(found, explain=explain)


@app.command("related", short_help="Show the notes nearest to a note.")
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
    index = _open(vault)
    warnings = _bring_up_to_date(index, refresh=not no_refresh)
    found = [index.related(note, k=k)]
    if as_json:
        _print_json_of(found, warnings, schema="recall.related/1")
    else:
        _print_text_of(found, explain=explain)


@app.command("status", short_help="Show what is indexed, stale or skipped.")
def status_command(*, vault: Vault = None, as_json: AsJson = False) -> None:
    """Show what is indexed, what is stale, and what was skipped and why.

    Example: recall status --json
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    status = _open(vault).status()
    if as_json:
        output.print_json(to_json.status(status))
    else:
        output.print_text(as_text.status(status, _style()))


def _show_version(value: bool) -> None:  # noqa: FBT001 - called by typer
    if value:
        output.print_text(f"recall {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


def _open(vault: str | None) -> Index:
    from recall.index import open_index

    return open_index(vault, on_prepare=output.say)


def _bring_up_to_date(index: Index, *, refresh: bool) -> tuple[str, ...]:
    """Refresh before an answer, or say why not; the first time this builds the index."""
    if not index.exists:
        output.say("Nothing is indexed yet: building the index first.")
    elif not refresh:
        return ()
    try:
        with progress() as on_progress:
            index.refresh(wait_seconds=2.0, on_progress=on_progress)
    except (IndexBusy, IndexUnwritable) as error:
        if not index.exists:
            raise
        warning = f"{error.message.rstrip('. ')}. Answering from the index as it was."
        _warn([warning])
        return (warning,)
    return ()


def _warn(warnings: Iterable[str]) -> None:
    from recall.render.as_text import visible

    for warning in warnings:
        output.say(f"recall: {visible(warning)}")


def _print_json_of(
    found: Sequence[NoteSuggestions], warnings: tuple[str, ...], *, schema: str
) -> None:
    from recall.render import as_json

    found = [replace(note, warnings=(*warnings, *note.warnings)) for note in found]
    output.print_json(as_json.suggestions(found, schema=schema))


def _print_text_of(found: Sequence[NoteSuggestions], *, explain: bool) -> None:
    from recall.render import as_text

    output.print_text(as_text.suggestions(found, _style(), explain=explain))


def _style() -> Style:
    from recall.render.as_text import Style

    return Style(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)


def _filters(
    sections: Sequence[str], tags: Sequence[str], since: str | None, *, drafts: bool
) -> Filters:
    from recall.domain import Filters

    return Filters(
        facets=frozenset(map(_facet, sections)),
        tags=tuple(map(_tag, tags)),
        since=None if since is None else _day(since),
        drafts=drafts,
    )


def _facet(section: str) -> Facet:
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


def _day(since: str) -> date:
    try:
        return date.fromisoformat(since)
    except ValueError as error:
        raise UsageError(f"{since!r} is not a date.", hint="Write it as 2024-05-31.") from error
