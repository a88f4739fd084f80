"""What `recall doctor` found, in words and as `recall.doctor/1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recall.domain import Health
from recall.render.as_text import Style, visible

if TYPE_CHECKING:
    from recall.domain import Finding

WIDTH = 11  # of the longest name of a part


def finding_text(finding: Finding, style: Style) -> str:
    """One part: how it is, and below it what to do."""
    health = f"{finding.health:<7}"
    shown = style.dim(health) if finding.health is Health.GOOD else style.mark(health)
    text = f"{shown}  {finding.part:<{WIDTH}}  {visible(finding.message)}"
    if finding.advice:
        text += f"\n{'':7}  {'':{WIDTH}}  → {visible(finding.advice)}"
    return text


def sum_text(findings: Sequence[Finding]) -> str:
    """The last line."""
    damaged = [finding for finding in findings if finding.health is Health.DAMAGED]
    warnings = [finding for finding in findings if finding.health is Health.WARNING]
    if damaged:
        return f"{damaged[0].part} needs a hand: {visible(damaged[0].advice or 'see above')}"
    return "All is well, with remarks." if warnings else "All is well."


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """`recall.doctor/1`."""
    return {
        "schema": "recall.doctor/1",
        "healthy": all(finding.health is not Health.DAMAGED for finding in findings),
        "findings": [
            {
                "part": finding.part,
                "health": finding.health.value,
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in findings
        ],
    }
