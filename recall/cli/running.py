"""One run of the command line: whatever happens becomes an answer, or an error in plain words."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from recall.cli import output
from recall.cli.failures import Stopped, described, is_interrupt

if TYPE_CHECKING:
    from recall.errors import RecallError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; of the process's own arguments, end it.

    Taking all apart that was loaded would take as long as finding the answer, and what is left to
    do by then the system does at once.
    """
    # Loading modules makes many objects and no garbage: looking for it is wasted time.
    gc.set_threshold(100_000)
    # What numpy multiplies here is small: a second thread waits for the first, and burns its time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    asked = list(sys.argv[1:] if arguments is None else arguments)
    as_json = _wants_json(asked[: asked.index("--")] if "--" in asked else asked)
    code = None
    try:
        output.make_ready()
        code = _perform(list(asked))  # a copy: the parser eats it
    except BrokenPipeError:
        output.silence()  # the reader went away (`recall … | head -1`): not an error of ours
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - nobody else is left to catch it
        if not is_interrupt(error):
            return _fail(described(error, asked), as_json=as_json)
    is_stopped = code is None
    if code is None:
        code = _fail(Stopped("stopped; the index is as it was."), as_json=as_json)
    # The model's threads may still be at work then; taking them down in order can end in an abort.
    if arguments is None and (is_stopped or (output.is_written() and not _is_watched())):
        os._exit(code)
    return code


def _is_watched() -> bool:
    """Whether a profiler or a debugger has something to tell when Python ends."""
    return sys.getprofile() is not None or sys.gettrace() is not None


def _wants_json(options: Sequence[str]) -> bool:
    """Whether a failure is told as JSON too; by then the arguments may not even be readable."""
    formats = [after for option, after in pairwise(options) if option == "--format"]
    formats += [option.removeprefix("--format=") for option in options if "=" in option]
    return "--json" in options or bool({"json", "sarif"}.intersection(formats))


def _perform(arguments: list[str]) -> int:
    # Late, so that Ctrl-C is understood from the first moment on.
    from recall.cli import plain

    if (read := plain.read(arguments)) is not None:
        return plain.run(read)
    import typer

    from recall.cli.commands import app

    if "_RECALL_COMPLETE" in os.environ:
        app(prog_name="recall")  # the shell asks what could come next; does not return
    # Not `app(…)`: it would turn Ctrl-C and a closed pipe into exit codes without words.
    command = typer.main.get_command(app)
    try:
        with command.make_context("recall", arguments or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return 0


def _fail(error: RecallError, *, as_json: bool) -> int:
    from recall.render import as_json as to_json
    from recall.render import as_text

    if as_json:
        with contextlib.suppress(OSError):
            output.print_json(to_json.error(error))
    if output.is_lost():
        output.silence()
    output.say(as_text.error(error))
    return error.exit_code
