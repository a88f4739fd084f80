"""The file beside the index that holds what was learned from the vault; it may be deleted.

A zip archive: numbers in the form of NumPy, without pickles, and what they are of as JSON, which
can be read without NumPy. The archive's checksums tell a damaged file.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recall.domain import LearnedFacts
from recall.store.files import LEARNED, LEARNED_BEFORE, TABLE, TABLE_CHANGES, open_to_read
from recall.store.seal import read_seal, renew

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FACTS = "facts.json"


def is_current(directory: Path) -> bool:
    """Whether the file was looked at since the index last changed, and is as it was then.

    So has the table of notes to be, which is kept just before. Opens none of them: a build makes a
    seal that does not vouch for what was learned.
    """
    seal = read_seal(directory)
    if seal is None:
        return False
    table = [name for name in (TABLE, TABLE_CHANGES) if name == TABLE or name in seal.stamps]
    return all(seal.vouches_for(directory / name) for name in (LEARNED, *table))


def mark_as_current(directory: Path) -> None:
    """Say that the file will do for the index as it is now."""
    if (seal := read_seal(directory)) is not None:
        renew(directory, seal, [LEARNED])


def read_facts(directory: Path) -> LearnedFacts | None:
    """What the file is of; None if it is not there, or damaged."""
    try:
        with open_to_read(directory / LEARNED) as stream, zipfile.ZipFile(stream) as archive:
            return LearnedFacts(**json.loads(archive.read(_FACTS)))
    except Exception:  # noqa: BLE001 - a damaged archive raises more than `zipfile` and NumPy name
        return None


def read(directory: Path) -> tuple[LearnedFacts, dict[str, NDArray[Any]]] | None:
    """What the file is of, and its numbers by name; None if it is not there, or damaged."""
    import numpy as np

    try:
        with (
            open_to_read(directory / LEARNED) as stream,
            np.load(stream, allow_pickle=False) as held,
        ):
            facts = LearnedFacts(**json.loads(held.zip.read(_FACTS)))
            return facts, {name: held[name] for name in held.files if name != _FACTS}
    except Exception:  # noqa: BLE001 - a damaged archive raises more than `zipfile` and NumPy name
        return None


def write(directory: Path, facts: LearnedFacts, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put a file in place of the one before, whole or not at all; readable by its owner.

    Raises:
        OSError: The folder can't be written to.
    """
    import tempfile  # late, as it loads what makes random numbers

    import numpy as np

    descriptor, name = tempfile.mkstemp(prefix=f"{LEARNED}.", suffix=".part", dir=directory)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        with zipfile.ZipFile(part, "a") as archive:
            archive.writestr(_FACTS, json.dumps(asdict(facts)))
        part.replace(directory / LEARNED)
        for name in LEARNED_BEFORE:
            (directory / name).unlink(missing_ok=True)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    mark_as_current(directory)
