"""`recall doctor`."""

import typer

from recall.cli import output
from recall.cli.asking import open_vault, style
from recall.cli.options import AsJson, Vault


def doctor_command(*, vault: Vault = None, as_json: AsJson = False) -> None:
    """Read notes, index and model through; say of each part how it is, and what to run.

    Exit code 1 if something is damaged. Nothing is repaired and no note is written.

    Example: recall doctor
    """
    from recall.domain import Health
    from recall.render import diagnosis

    index = open_vault(vault)
    diagnoses = []
    if as_json:
        diagnoses = list(index.doctor())
        output.print_json(diagnosis.as_json(diagnoses))
    else:
        for item in index.doctor():
            diagnoses.append(item)
            output.print_text(diagnosis.diagnosis_text(item, style()))
        output.print_text(diagnosis.sum_text(diagnoses))
    if any(item.health is Health.DAMAGED for item in diagnoses):
        raise typer.Exit(1)
