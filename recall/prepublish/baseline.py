"""The findings that a vault had when it began to check, so that only new ones are told.

A finding is known by its rule, its note and its subject, not by its line: lines move. The file
is JSON, sorted, one finding a line, so that a change of it reads well in a diff.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recall.errors import BaselineUnreadable
from recall.records import replace

if TYPE_CHECKING:
    from recall.publishing import CheckReport, Finding

SCHEMA = "recall.prepublish-baseline/1"
MAX_BYTES = 64_000_000

Known = Counter[tuple[str, str, str]]  # (rule, path, subject) → how often


def read_baseline(file: Path) -> Known:
    """What the file holds.

    Raises:
        BaselineUnreadable: It is not there, or was not written by recall.
    """
    hint = "Write it anew with recall prepublish --all --write-baseline, or remove it."
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            raise BaselineUnreadable(f"{file} is no baseline: not a file of that size.", hint=hint)
        held = json.loads(file.read_text(encoding="utf-8"))
        if held["schema"] != SCHEMA:
            raise BaselineUnreadable(f"{file} is the baseline of another version.", hint=hint)
        return Counter(
            {(str(rule), str(path), str(subject)): int(count)
             for rule, path, subject, count in held["findings"]}
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BaselineUnreadable(f"{file} is no baseline that recall wrote.", hint=hint) from error


def write_baseline(file: Path, findings: Iterable[Finding]) -> int:
    """Write all these findings, replacing the file; say how many there are.

    Raises:
        BaselineUnreadable: The file can't be written.
    """
    known = Counter(map(_key, findings))
    rows = [json.dumps([*key, count], ensure_ascii=True) for key, count in sorted(known.items())]
    text = f'{{"schema": "{SCHEMA}", "findings": [\n' + ",\n".join(rows) + "\n]}\n"
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BaselineUnreadable(
            f"{file} can't be written: {error.strerror}.", hint="Name another with --baseline FILE."
        ) from error
    return known.total()


def without_known(report: CheckReport, known: Known) -> CheckReport:
    """The report without the findings that the baseline holds, each as often as it holds it."""
    left = known.copy()
    hidden = 0
    notes = []
    for note in report.notes:
        new = []
        for finding in note.findings:
            key = _key(finding)
            if left[key] > 0:
                left[key] -= 1
                hidden += 1
            else:
                new.append(finding)
        notes.append(replace(note, findings=tuple(new)))
    return replace(report, notes=tuple(notes), known=report.known + hidden)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.rule.value, finding.path, finding.subject
