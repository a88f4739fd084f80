"""Which texts may answer a query, as a bit for each text id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Filters
from recall.store.filters import note_conditions, passage_conditions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from recall.store.database import Database, Row


def admitted_texts(
    database: Database,
    last_id: int,
    filters: Filters,
    exclude: Collection[str],
    max_notes_per_text: int | None,
) -> NDArray[np.bool_] | None:
    """Whether each text id up to `last_id` may answer: (last_id + 1,) bool; None means all."""
    blocked = [*_dead(database), *_common(database, max_notes_per_text)]
    if filters != Filters():
        admitted = np.zeros(last_id + 1, dtype=bool)
        admitted[_column(_passing(database, filters, exclude))] = True
    else:
        blocked += _only_in(database, exclude) if exclude else []
        if not blocked:
            return None
        admitted = np.ones(last_id + 1, dtype=bool)
    admitted[_column(blocked)] = False
    return admitted


def these_texts(last_id: int, text_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The same where it is known which texts may answer."""
    admitted = np.zeros(last_id + 1, dtype=bool)
    admitted[text_ids] = True
    return admitted


def _dead(database: Database) -> list[Row]:
    return database.rows("SELECT text_id FROM dead")


def _common(database: Database, max_notes: int | None) -> list[Row]:
    if max_notes is None:
        return []
    return database.rows("SELECT id FROM texts WHERE notes > ?", (max_notes,))


def _passing(database: Database, filters: Filters, exclude: Collection[str]) -> list[Row]:
    where, parameters = passage_conditions(filters)
    note_where, note_parameters = note_conditions(filters, exclude)
    return database.rows(
        "SELECT DISTINCT p.text_id FROM notes n JOIN passages p ON p.note_id = n.id "  # noqa: S608
        f"WHERE {where} AND {note_where}",
        (*parameters, *note_parameters),
    )


def _only_in(database: Database, paths: Iterable[str]) -> list[Row]:
    """The texts that no other notes hold."""
    return database.rows(
        "WITH out AS (SELECT id FROM notes WHERE path IN (SELECT value FROM json_each(?))) "
        "SELECT DISTINCT p.text_id FROM passages p WHERE p.note_id IN out AND NOT EXISTS ("
        "SELECT 1 FROM passages o WHERE o.text_id = p.text_id AND o.note_id NOT IN out)",
        (json.dumps(sorted(paths)),),
    )


def _column(rows: list[Row]) -> NDArray[np.int64]:
    return np.array([number for (number,) in rows], dtype=np.int64)
