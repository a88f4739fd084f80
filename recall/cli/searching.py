"""`recall search`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from recall.cli.answering import answer_search
from recall.cli.options import AsJson, HowMany, NoRefresh, Vault
from recall.errors import UsageError

if TYPE_CHECKING:
    from recall.domain import Facet, Filters


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
    answer_search(
        question,
        k=k,
        filters=_filters(section or (), tag or (), since, drafts=drafts),
        no_refresh=no_refresh,
        vault=vault,
        as_json=as_json,
    )


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
