"""Arguments → one library call → render → exit code.

Exit codes: 0 done (an empty answer is an answer), 1 an error, 2 wrong usage. With `--json`, stdout
holds one object, on failure too; progress and warnings go to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recall import __version__
from recall.errors import IndexBusy, RecallError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from recall.build import OnProgress
    from recall.domain import Filters
    from recall.index import Index
    from recall.render.as_text import Style

app = typer.Typer(
    name="recall",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts faster and reads better in pipes and small windows
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find notes by meaning, and the wikilinks that are missing between them.",
    epilog='Begin with:  recall search "audio models"   or   recall suggest-links NOTE.md',
)

Vault = Annotated[
    Path | None,
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
    with _progress() as on_progress:
        report = index.refresh(full=full, on_progress=on_progress)
    _print(as_json, to_json.report(report), as_text.report(report, _style()))


@app.command("search", short_help="Find the notes that answer a question.")
def search_command(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="Words, a sentence, or the name of a note.")
    ],
    *,
    k: Annotated[int, typer.Option("-k", metavar="N", help="How many notes at most.", min=1)] = 10,
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
    _bring_up_to_date(index, refresh=not no_refresh)
    result = index.search(question, k=k, filters=filters)
    _print(as_json, to_json.search(result), as_text.search(result, _style()))


@app.command("suggest-links", short_help="Propose the wikilinks a note is missing.")
def suggest_links_command(
    notes: Notes,
    *,
    k: Annotated[
        int, typer.Option("-k", metavar="N", help="How many suggestions a note at most.", min=1)
    ] = 5,
    min_score: Annotated[
        float,
        typer.Option(metavar="P", help="Least probability of a suggestion.", min=0.0, max=1.0),
    ] = 0.0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the parts of each score.")
    ] = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Propose the wikilinks that a note is missing, with what speaks for each.

    Example: recall suggest-links "notes/riffusion generates music.md"
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    index = _open(vault)
    _bring_up_to_date(index, refresh=not no_refresh)
    found = [index.suggest_links(note, k=k, min_score=min_score) for note in notes]
    _print(
        as_json,
        to_json.suggestions(found, schema="recall.suggest-links/1"),
        as_text.suggestions(found, _style(), explain=explain),
    )


@app.command("related", short_help="Show the notes nearest to a note.")
def related_command(
    note: Annotated[
        str,
        typer.Argument(metavar="NOTE", help="A file, or a note's path, id, title or alias."),
    ],
    *,
    k: Annotated[int, typer.Option("-k", metavar="N", help="How many notes at most.", min=1)] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the parts of each score.")
    ] = False,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Show the notes nearest to a note; those it links already are marked.

    Example: recall related 221215TJ01
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    index = _open(vault)
    _bring_up_to_date(index, refresh=not no_refresh)
    found = [index.related(note, k=k)]
    _print(
        as_json,
        to_json.suggestions(found, schema="recall.related/1"),
        as_text.suggestions(found, _style(), explain=explain),
    )


@app.command("status", short_help="Show what is indexed, stale or skipped.")
def status_command(*, vault: Vault = None, as_json: AsJson = False) -> None:
    """Show what is indexed, what is stale, and what was skipped and why.

    Example: recall status --json
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    status = _open(vault).status()
    _print(as_json, to_json.status(status), as_text.status(status, _style()))


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"recall {__version__}")
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return app(list(arguments), prog_name="recall", standalone_mode=False) or 0
    except RecallError as error:
        return _fail(error, as_json="--json" in arguments)
    except typer.TyperException as error:
        usage = UsageError(error.format_message(), hint="See recall --help.")
        return _fail(usage, as_json="--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("recall: stopped; the index is as it was.", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`recall … | head -1`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _fail(error: RecallError, *, as_json: bool) -> int:
    from recall.render import as_json as to_json
    from recall.render import as_text

    if as_json:
        typer.echo(to_json.one_line(to_json.error(error)))
    typer.echo(as_text.error(error), err=True)
    return error.exit_code


def _open(vault: Path | None) -> Index:
    from recall.index import open_index

    return open_index(vault, on_prepare=lambda said: typer.echo(said, err=True))


def _bring_up_to_date(index: Index, *, refresh: bool) -> None:
    """Refresh before an answer; the first time this builds the index."""
    if not index.exists:
        typer.echo("Nothing is indexed yet: building the index first.", err=True)
    elif not refresh:
        return
    try:
        with _progress() as on_progress:
            index.refresh(wait_seconds=2.0, on_progress=on_progress)
    except IndexBusy as error:
        if not index.exists:
            raise
        typer.echo(f"recall: {error.message} Answering from the index as it was.", err=True)


def _print(as_json: bool, value: Mapping[str, object], text: str) -> None:
    from recall.render import as_json as to_json

    typer.echo(to_json.one_line(value) if as_json else text)


def _style() -> Style:
    from recall.render.as_text import Style

    return Style(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """A progress bar on stderr, if someone is there to watch it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.close()


class _Bar:
    """A progress bar that appears only once there is something to wait for."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def show(self, stage: str, done: int, total: int) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _filters(
    sections: Sequence[str], tags: Sequence[str], since: str | None, *, drafts: bool
) -> Filters:
    from recall.domain import Facet, Filters

    known = {facet.value for facet in Facet}
    for section in sections:
        if section not in known:
            raise UsageError(
                f"There is no section {section!r}.", hint=f"Sections: {', '.join(sorted(known))}."
            )
    try:
        day = date.fromisoformat(since) if since else None
    except ValueError as error:
        raise UsageError(f"{since!r} is not a date.", hint="Write it as 2024-05-31.") from error
    return Filters(
        facets=frozenset(Facet(section) for section in sections),
        tags=tuple(tag.lstrip("#") for tag in tags),
        since=day,
        drafts=drafts,
    )
