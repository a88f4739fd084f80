"""`recall prepublish`, once its arguments are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recall.cli import output
from recall.cli.asking import bring_up_to_date, open_vault, style, warn
from recall.cli.progress import progress
from recall.errors import UsageError
from recall.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from recall.index import Index
    from recall.prepublish import Selection
    from recall.publishing import CheckReport, FailOn

FORMATS = ("text", "json", "github", "sarif", "markdown")
FOR_THE_REPOSITORY = frozenset({"github", "sarif", "markdown"})  # read where the repository is


def answer_prepublish(
    notes: Sequence[str] | None = None,
    *,
    staged: bool = False,
    since: str | None = None,
    drafts: bool = False,
    everything: bool = False,
    fail_on: str | None = None,
    format_: str = "text",
    baseline: Path | None = None,
    write_baseline: bool = False,
    install_hook: bool = False,
    no_refresh: bool = False,
    vault: str | None = None,
    as_json: bool = False,
) -> int:
    """Check notes, and tell what was found.

    Returns:
        The exit code: 1 if something was found that the command is to fail on.
    """
    from recall.prepublish import Selection, check

    shape = _format("json" if as_json else format_)
    chosen = _fail_on(fail_on)
    index = open_vault(vault)
    fail = chosen or index.settings.publishing.fail_on
    selection = Selection(tuple(notes or ()), staged, since, drafts, everything)
    if install_hook:
        _install(index, selection, fail)
        return 0
    selection.check()
    warnings = bring_up_to_date(
        index,
        refresh=not no_refresh,
        older_will_do=True,
        meanwhile=index.load_to_suggest,
    )
    with progress() as on_progress:
        report = check(index, selection, on_progress=on_progress)
    warn(report.warnings)
    report = replace(report, warnings=(*warnings, *report.warnings))
    known = _baseline_file(index, baseline, must_exist=not write_baseline)
    if write_baseline:
        _write_baseline(known, report, everything=everything)
        return 0
    report = _without_known(report, known)
    _print(report, shape, index, fail)
    return int(report.fails(fail))


def _print(report: CheckReport, shape: str, index: Index, fail: FailOn) -> None:
    from recall.render import as_json as to_json
    from recall.render import findings

    place = _place(index.vault.root, for_repository=shape in FOR_THE_REPOSITORY)
    if shape == "json":
        output.print_json(to_json.prepublish(report, failed=report.fails(fail)))
    elif shape == "sarif":
        from recall.render.sarif import sarif

        output.print_json(sarif(report, index.settings.publishing, place))
    elif shape == "github":
        if report.findings:
            output.print_text(findings.github(report, place))
    elif shape == "markdown":
        output.print_text(findings.markdown(report, place))
    else:
        output.print_text(findings.text(report, style(), place))


def _place(notes: Path, *, for_repository: bool) -> Callable[[str], str]:
    """How paths are shown: from the working directory, or from the root of the repository."""
    start = Path.cwd().resolve()
    if for_repository:
        above = (notes.resolve(), *notes.resolve().parents)
        start = next((folder for folder in above if os.path.lexists(folder / ".git")), start)
    try:
        within = notes.resolve().relative_to(start).as_posix()
    except ValueError:  # the vault lies elsewhere: its own paths are what the author knows
        return lambda path: path
    return lambda path: path if within == "." else f"{within}/{path}"


def _install(index: Index, selection: Selection, fail: FailOn) -> None:
    from recall.prepublish.hook import install_hook

    if selection != type(selection)() and not selection.staged:
        raise UsageError(
            "--install-hook checks nothing now.", hint="Run recall prepublish --install-hook alone."
        )
    done = install_hook(index.vault.root, fail_on=fail)
    said = {"installed": "Installed", "replaced": "Replaced the older", "unchanged": "Unchanged:"}
    stops = "Nothing stops a commit" if fail == "none" else f"A commit stops on: {fail.value}"
    output.print_text(f"{said[done.outcome]} hook {done.file}\n{stops}.")


def _baseline_file(index: Index, named: Path | None, *, must_exist: bool) -> Path | None:
    file = named or index.settings.publishing.baseline
    if named is not None and must_exist and not named.exists():
        raise UsageError(
            f"There is no baseline {named}.", hint="Write it with --all --write-baseline."
        )
    return file


def _without_known(report: CheckReport, file: Path | None) -> CheckReport:
    from recall.prepublish import read_baseline, without_known

    if file is None or not file.exists():
        return report
    return without_known(report, read_baseline(file))


def _write_baseline(file: Path | None, report: CheckReport, *, everything: bool) -> None:
    from recall.prepublish import write_baseline

    if not everything or file is None:
        raise UsageError(
            "A baseline holds what the whole vault has.", hint="Add --all to --write-baseline."
        )
    count = write_baseline(file, report.findings)
    output.print_text(f"{count:,} findings are known from now on: {file}")


def _format(name: str) -> str:
    if name not in FORMATS:
        raise UsageError(f"There is no format {name!r}.", hint=f"Formats: {', '.join(FORMATS)}.")
    return name


def _fail_on(name: str | None) -> FailOn | None:
    from recall.publishing import FailOn

    try:
        return None if name is None else FailOn(name)
    except ValueError as error:
        raise UsageError(
            f"--fail-on does not know {name!r}.", hint=f"Use {', '.join(FailOn)}."
        ) from error
