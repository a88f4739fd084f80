"""What every command that answers does first: open the vault, bring its index up to date."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from recall.cli import output
from recall.cli.progress import progress
from recall.errors import IndexBusy, IndexUnwritable

if TYPE_CHECKING:
    from recall.index import Index
    from recall.render.as_text import Style


def open_vault(vault: str | None) -> Index:
    """The index of the vault that was named, or that lies around the working directory."""
    from recall.index import open_index

    return open_index(vault, on_prepare=output.say)


def bring_up_to_date(index: Index, *, refresh: bool) -> tuple[str, ...]:
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
        warn([warning])
        return (warning,)
    return ()


def warn(warnings: Iterable[str]) -> None:
    """Tell warnings on stderr."""
    from recall.render.as_text import visible

    for warning in warnings:
        output.say(f"recall: {visible(warning)}")


def style() -> Style:
    """How text is dressed on this terminal."""
    from recall.render.as_text import Style

    return Style(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
