"""What the commands that answer do, once their arguments are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style, warn
from recall.cli.progress import progress
from recall.cli.streams import FROM_STDIN, from_here, read_text

if TYPE_CHECKING:
    from recall.domain import Filters, NoteSuggestions


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
    *,
    k: int = 10,
    filters: Filters | None = None,
    everything: bool = False,
    explain: bool = False,
    opens: bool = False,
    paths: bool = False,
    null: bool = False,
    no_refresh: bool = False,
    vault: str | None = None,
    as_json: bool = False,
) -> None:
    """Tell the notes that answer a question, or go on with them."""
    text = read_text() if question == FROM_STDIN else None
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh, learns=False)
    if text is None:
        result = index.search(question, k=k, filters=filters, include_weak=everything)
    else:
        result = index.search_by_text(text, k=k, filters=filters, include_weak=everything)
    warn(result.warnings)
    folder = index.vault.root
    if as_json:
        from recall.render import as_json as to_json

        result = replace(result, warnings=(*warnings, *result.warnings))
        output.print_json(to_json.search(result))
    elif opens and result.hits:
        from recall.cli.editor import open_at

        best = result.hits[0]
        open_at((folder / best.card.path).absolute(), best.passage.line)
    elif paths or null:
        files = [from_here(folder / hit.card.path) for hit in result.hits]
        output.print_paths(files, end="\0" if null else "\n")
    else:
        from recall.render import hits

        shown = hits.search(result, style(), folder=folder, explain=explain, all_of_them=everything)
        output.print_text(shown)


def answer_suggest_links(
    notes: Sequence[str],
    *,
    k: int = 5,
    min_score: float | None = None,
    drafts: bool = False,
    explain: bool = False,
    no_refresh: bool = False,
    vault: str | None = None,
    as_json: bool = False,
) -> None:
    """Tell the links that notes are missing."""
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh)
    least = min_score or 0.0
    found = [index.suggest_links(note, k=k, min_score=least, drafts=drafts) for note in notes]
    _print(found, warnings, "recall.suggest-links/1", explain=explain, as_json=as_json)


def answer_related(
    note: str,
    *,
    k: int = 10,
    explain: bool = False,
    no_refresh: bool = False,
    vault: str | None = None,
    as_json: bool = False,
) -> None:
    """Tell the notes nearest to a note."""
    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh)
    found = [index.related(note, k=k)]
    _print(found, warnings, "recall.related/1", explain=explain, as_json=as_json)


def _print(
    found: Sequence[NoteSuggestions],
    warnings: tuple[str, ...],
    schema: str,
    *,
    explain: bool,
    as_json: bool,
) -> None:
    if as_json:
        from recall.render import as_json as to_json

        found = [replace(note, warnings=(*warnings, *note.warnings)) for note in found]
        output.print_json(to_json.suggestions(found, schema=schema))
    else:
        from recall.render import as_text

        output.print_text(as_text.suggestions(found, style(), explain=explain))
