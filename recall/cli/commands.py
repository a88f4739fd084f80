"""The commands: each turns arguments into one library call, and prints what it gives back.

Here, and where the parameters of commands are written, annotations are no strings: typer would
compile each of the two hundred before it prints a word of help.
"""

from typing import Annotated

import typer

from recall import __version__
from recall.cli import output
from recall.cli.answering import answer_index
from recall.cli.applying import undo_command
from recall.cli.asking import open_vault, style
from recall.cli.dismissing import dismiss_command
from recall.cli.doctor import doctor_command
from recall.cli.evaluating import eval_command
from recall.cli.explaining import why_command
from recall.cli.options import AsJson, Vault
from recall.cli.publishing import prepublish_command
from recall.cli.searching import search_command
from recall.cli.suggesting import related_command, suggest_links_command

app = typer.Typer(
    name="recall",
    rich_markup_mode=None,  # plain help starts faster and reads better in pipes and small windows
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find notes by meaning, and the wikilinks that are missing between them.",
    epilog='Begin with:  recall search "audio models"   or   recall suggest-links NOTE.md',
)


def index_command(
    *,
    full: Annotated[bool, typer.Option("--full", help="Read and embed everything again.")] = False,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Make the index agree with the notes; only what changed is read and embedded.

    Example: recall index --vault ~/notes
    """
    answer_index(full=full, vault=vault, as_json=as_json)


def status_command(*, vault: Vault = None, as_json: AsJson = False) -> None:
    """Show what is indexed, what is stale, and what was skipped and why.

    Example: recall status --json
    """
    from recall.render import as_json as to_json
    from recall.render import as_text

    status = open_vault(vault).status()
    if as_json:
        output.print_json(to_json.status(status))
    else:
        output.print_text(as_text.status(status, style()))


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


# In the order in which `recall --help` shows them.
for name, short_help, function in (
    ("index", "Make the index agree with the notes.", index_command),
    ("search", "Find the notes that answer a question.", search_command),
    ("suggest-links", "Propose the wikilinks a note is missing.", suggest_links_command),
    ("undo", "Take back the links written last.", undo_command),
    ("related", "Show the notes nearest to a note.", related_command),
    ("why", "Say why a note is suggested for another, or not.", why_command),
    ("dismiss", "Never suggest a link again, or let it be.", dismiss_command),
    ("eval", "Measure suggestions on the links you made.", eval_command),
    ("prepublish", "Check notes before they are published.", prepublish_command),
    ("status", "Show what is indexed, stale or skipped.", status_command),
    ("doctor", "Examine notes, index and model; say what to run.", doctor_command),
):
    app.command(name, short_help=short_help)(function)
