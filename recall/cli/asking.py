"""What every command that answers does first: open the vault, bring its index up to date."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from recall.cli import output
from recall.cli.beside import finds_nothing_changed
from recall.cli.progress import progress
from recall.errors import IndexBusy, IndexUnwritable

if TYPE_CHECKING:
    from recall.index import Index
    from recall.render.as_text import Style


def open_vault(vault: str | None) -> Index:
    """The index of the vault that was named, or that lies around the working directory."""
    from recall.index import open_index

    return open_index(vault, on_prepare=output.say)


def bring_up_to_date(
    index: Index,
    *,
    refresh: bool,
    learns: bool = True,
    older_will_do: bool = False,
    meanwhile: Callable[[], None] | None = None,
) -> tuple[str, ...]:
    """Refresh before an answer, or say why not; the first time this builds the index.

    `learns` is for suggestions: a search needs nothing of what is learned from the whole vault, and
    a check is content with what was learned a few notes ago (`older_will_do`). `meanwhile` loads
    what answering will take, while it is found out whether anything changed.
    """
    if not index.exists:
        output.say("Nothing is indexed yet: building the index first.")
    elif not refresh or (
        meanwhile is not None and finds_nothing_changed(index, meanwhile, learns=learns)
    ):
        return ()
    try:
        with progress() as on_progress:
            index.refresh(
                wait_seconds=2.0,
                learns=learns,
                older_will_do=older_will_do,
                on_progress=on_progress,
            )
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

    if not sys.stdout.isatty():
        return Style()
    return Style(colour="NO_COLOR" not in os.environ, hyperlinks=_shows_hyperlinks(os.environ))


# What terminals that understand OSC 8 set; others could print its text.
_HYPERLINK_MARKS = (
    "KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "WEZTERM_PANE", "ALACRITTY_WINDOW_ID",
    "GHOSTTY_RESOURCES_DIR", "DOMTERM",
)  # fmt: skip
_HYPERLINK_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby"})
VTE_WITH_HYPERLINKS = 5000  # version 0.50; GNOME's and most other GTK terminals


def _shows_hyperlinks(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is known to make links of OSC 8; `FORCE_HYPERLINK` says so by hand."""
    if forced := environ.get("FORCE_HYPERLINK"):
        return forced != "0"
    if environ.get("TERM", "") in {"dumb", "linux"} or "TMUX" in environ:
        return False
    vte = environ.get("VTE_VERSION", "")
    return (
        any(mark in environ for mark in _HYPERLINK_MARKS)
        or environ.get("TERM_PROGRAM") in _HYPERLINK_PROGRAMS
        or (vte.isascii() and vte.isdigit() and int(vte) >= VTE_WITH_HYPERLINKS)
    )
