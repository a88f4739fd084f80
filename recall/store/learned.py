"""The file beside the index that holds what was learned from the vault; it may be deleted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from recall.domain import LearnedFacts
from recall.records import values_of
from recall.store.array_file import DAMAGE, load_arrays, read_head, vouch, write_arrays
from recall.store.files import LEARNED, LEARNED_BEFORE, TABLE, TABLE_CHANGES, open_to_read
from recall.store.seal import read_seal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


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
    vouch(directory, LEARNED)


def read_facts(directory: Path) -> LearnedFacts | None:
    """What the file is of; None if it is not there, or its head is damaged."""
    try:
        with open_to_read(directory / LEARNED) as file:
            return LearnedFacts(**read_head(file).of["facts"])
    except DAMAGE:
        return None


def read(
    directory: Path, *, whole: bool = False
) -> tuple[LearnedFacts, dict[str, NDArray[Any]]] | None:
    """What the file is of, and its numbers by name; None if it is not there, or damaged.

    Args:
        directory: The folder of the index.
        whole: Compare it even where the seal vouches for it.
    """
    try:
        of, arrays = load_arrays(directory, LEARNED, whole=whole)
        return LearnedFacts(**of["facts"]), arrays
    except DAMAGE:
        return None


def write(directory: Path, facts: LearnedFacts, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put a file in place of the one before, whole or not at all; readable by its owner.

    Raises:
        OSError: The folder can't be written to.
    """
    write_arrays(directory, LEARNED, {"facts": values_of(facts)}, arrays)
    for name in LEARNED_BEFORE:
        with suppress(OSError):
            (directory / name).unlink(missing_ok=True)
    mark_as_current(directory)
