"""`recall eval`."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style
from recall.cli.options import AsJson, NoRefresh, Vault
from recall.cli.progress import progress


def eval_command(
    *,
    sources: Annotated[
        int,
        typer.Option(metavar="N", help="Notes whose links are hidden at most, drawn at random."),
    ] = 150,
    no_refresh: NoRefresh = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Hide links that you made, ask for them, and count how many are found again.

    Works on a copy that is removed at the end; takes seconds to minutes.

    Example: recall eval --sources 50
    """
    from recall.evaluate import evaluate
    from recall.render import evaluation

    index = open_vault(vault)
    warnings = bring_up_to_date(index, refresh=not no_refresh)
    with stopping_when_killed(), progress() as on_progress:
        found = evaluate(index, sources=sources, on_progress=on_progress)
    if as_json:
        output.print_json(evaluation.as_json(found, warnings=warnings))
    else:
        output.print_text(evaluation.as_text(found, style()))


@contextmanager
def stopping_when_killed() -> Iterator[None]:
    """Let a polite kill end like Ctrl-C does: what was begun is undone."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
