"""What `recall doctor` found, in words and as `recall.doctor/1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recall.domain import Health
from recall.render.as_text import Style, visible

if TYPE_CHECKING:
    from recall.domain import Diagnosis

WIDTH = 11  # of the longest name of a part


def diagnosis_text(diagnosis: Diagnosis, style: Style) -> str:
    """One part: how it is, and below it what to do."""
    health = f"{diagnosis.health:<7}"
    shown = style.dim(health) if diagnosis.health is Health.GOOD else style.mark(health)
    text = f"{shown}  {diagnosis.part:<{WIDTH}}  {visible(diagnosis.message)}"
    if diagnosis.advice:
        text += f"\n{'':7}  {'':{WIDTH}}  → {visible(diagnosis.advice)}"
    return text


def sum_text(diagnoses: Sequence[Diagnosis]) -> str:
    """The last line."""
    damaged = [diagnosis for diagnosis in diagnoses if diagnosis.health is Health.DAMAGED]
    warnings = [diagnosis for diagnosis in diagnoses if diagnosis.health is Health.WARNING]
    if damaged:
        return f"{damaged[0].part} needs a hand: {visible(damaged[0].advice or 'see above')}"
    return "All is well, with remarks." if warnings else "All is well."


def as_json(diagnoses: Sequence[Diagnosis]) -> dict[str, object]:
    """`recall.doctor/1`."""
    return {
        "schema": "recall.doctor/1",
        "healthy": all(diagnosis.health is not Health.DAMAGED for diagnosis in diagnoses),
        "findings": [
            {
                "part": diagnosis.part,
                "health": diagnosis.health.value,
                "message": diagnosis.message,
                "advice": diagnosis.advice,
            }
            for diagnosis in diagnoses
        ],
    }
