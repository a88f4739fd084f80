"""What the commands that answer do, once their arguments are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recall.arguments import DEFAULT_HITS, check_question
from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style, warn
from recall.cli.progress import progress
from recall.cli.streams import FROM_STDIN, from_here, read_text
from recall.records import dataclass, replace

if TYPE_CHECKING:
    from recall.domain import Filters, NoteSuggestions, SearchResult
    from recall.index import Index


@dataclass(frozen=True, slots=True)
class Request:
    """What every command that answers is told."""

    k: int = DEFAULT_HITS
    explain: bool = False
    no_refresh: bool = False
    vault: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """What becomes of the notes that were found, if they are not shown."""

    opens: bool = False  # the best one, in an editor
    paths: bool = False  # their files are printed
    null: bool = False  # with NUL behind each


def answer_index(*, full: bool = False, vault: str | None = None, as_json: bool = False) -> None:
    """Make the index agree with the notes, and tell what was done."""
    index = open_vault(vault)
    with progress() as on_progress:
        report = index.refresh(full=full, on_progress=on_progress)
    if as_json:
        from recall.render import as_json as to_json

        output.print_json(to_json.report(report))
    else:
        from recall.render import as_text

        output.print_text(as_text.report(report, style()))


def answer_search(
    question: str,
    request: Request,
    *,
    filters: Filters | None = None,
    everything: bool = False,
    use: Use | None = None,
) -> None:
    """Tell the notes that answer a question, or go on with them."""
    check_question(question, filters)
    text = read_text() if question == FROM_STDIN else None
    index = open_vault(request.vault)
    warnings = bring_up_to_date(
        index,
        refresh=not request.no_refresh,
        learns=False,
        meanwhile=lambda: index.load_to_search(question, filters),
    )
    ask = index.search if text is None else index.search_by_text
    result = ask(text or question, k=request.k, filters=filters, include_weak=everything)
    warn(result.warnings)
    if request.as_json:
        from recall.render import as_json as to_json

        result = replace(result, warnings=(*warnings, *result.warnings))
        output.print_json(to_json.search(result))
    elif use is None or not _go_on(result, index, use):
        from recall.render import hits

        folder = index.vault.root
        output.print_text(
            hits.search(
                result, style(), folder=folder, explain=request.explain, all_of_them=everything
            )
        )


def answer_suggest_links(
    notes: Sequence[str],
    request: Request,
    *,
    min_score: float | None = None,
    drafts: bool = False,
    everything: bool = False,
) -> None:
    """Tell the links that notes are missing; programs get the weak ones marked, people do not."""
    index, warnings = _opened_to_suggest(request)
    found = [
        index.suggest_links(
            note,
            k=request.k,
            min_score=min_score or 0.0,
            include_weak=everything or request.as_json,
            drafts=drafts,
        )
        for note in notes
    ]
    _tell(found, warnings, "recall.suggest-links/1", request, all_of_them=everything)


def answer_related(note: str, request: Request) -> None:
    """Tell the notes nearest to a note."""
    index, warnings = _opened_to_suggest(request)
    _tell([index.related(note, k=request.k)], warnings, "recall.related/1", request)


def _opened_to_suggest(request: Request) -> tuple[Index, tuple[str, ...]]:
    """The index, brought up to date, and why it could not be."""
    index = open_vault(request.vault)
    refresh = not request.no_refresh
    return index, bring_up_to_date(index, refresh=refresh, meanwhile=index.load_to_suggest)


def _go_on(result: SearchResult, index: Index, use: Use) -> bool:
    """Open or list what was found; False if it is to be shown instead."""
    folder = index.vault.root
    if use.opens and result.hits:
        from recall.cli.editor import open_at

        best = result.hits[0]
        open_at((folder / best.card.path).absolute(), best.passage.line)
        return True
    if use.paths or use.null:
        files = [from_here(folder / hit.card.path) for hit in result.hits]
        output.print_paths(files, end="\0" if use.null else "\n")
        return True
    return False


def _tell(
    found: Sequence[NoteSuggestions],
    warnings: tuple[str, ...],
    schema: str,
    request: Request,
    *,
    all_of_them: bool = True,
) -> None:
    if request.as_json:
        from recall.render import as_json as to_json

        found = [replace(note, warnings=(*warnings, *note.warnings)) for note in found]
        output.print_json(to_json.suggestions(found, schema=schema))
    else:
        from recall.render import as_text

        text = as_text.suggestions(found, style(), explain=request.explain, all_of_them=all_of_them)
        output.print_text(text)
