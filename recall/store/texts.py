"""Which texts notes hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recall.store.filters import note_conditions, passage_conditions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recall.domain import Filters
    from recall.store.database import Database


def texts_of(
    database: Database, paths: Sequence[str], filters: Filters, max_notes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each passage of some notes that may speak: the place of its note in `paths`, and its text.

    Args:
        database: The catalog.
        paths: The notes.
        filters: Only its sections are looked at.
        max_notes: Texts that more notes hold are left out.
    """
    import numpy as np  # late: many commands look up no texts

    where, parameters = passage_conditions(filters)
    # From the notes to their passages: the planner can't know how few notes are meant.
    rows = database.rows(
        "SELECT q.key, p.text_id FROM json_each(?) q "  # noqa: S608
        "CROSS JOIN notes n ON n.path = q.value CROSS JOIN passages p ON p.note_id = n.id "
        f"WHERE p.text_id NOT IN (SELECT id FROM texts WHERE notes > ?) AND {where} "
        "ORDER BY q.key, p.ordinal",
        (json.dumps(list(paths)), max_notes, *parameters),
    )
    found = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def holders_of(database: Database, text_ids: Iterable[int], filters: Filters) -> list[str]:
    """The notes that hold one of these texts and pass the filters, sorted."""
    where, parameters = passage_conditions(filters)
    note_where, note_parameters = note_conditions(filters)
    rows = database.rows(
        "SELECT DISTINCT n.path FROM json_each(?) q "  # noqa: S608
        "CROSS JOIN passages p ON p.text_id = q.value CROSS JOIN notes n ON n.id = p.note_id "
        f"WHERE {where} AND {note_where} ORDER BY n.path",
        (json.dumps(list(text_ids)), *parameters, *note_parameters),
    )
    return [path for (path,) in rows]
