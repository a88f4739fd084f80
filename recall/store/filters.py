"""`Filters` → conditions of SQL, with everything the user wrote as parameters."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from recall.domain import Filters

Conditions = tuple[str, tuple[object, ...]]  # (SQL, its parameters)


def tag_form(tag: str) -> str:
    """Fold what does not distinguish tags: case, composition, a leading `#`."""
    return unicodedata.normalize("NFC", tag.strip().lstrip("#").strip("/")).casefold()


def note_conditions(filters: Filters, exclude: Collection[str] = ()) -> Conditions:
    """Which notes pass, for a query in which the notes are called `n`."""
    where: list[str] = ["1"]
    parameters: list[object] = []
    if tags := sorted({tag_form(tag) for tag in filters.tags}):
        # `0` follows `/`: the range is everything below the tag, and can use the index.
        where.append(
            "n.id IN (SELECT t.note_id FROM json_each(?) q CROSS JOIN note_tags t "
            "ON t.tag = q.value OR (t.tag >= q.value || '/' AND t.tag < q.value || '0') "
            "GROUP BY t.note_id HAVING count(DISTINCT q.value) = ?)"
        )
        parameters += [json.dumps(tags), len(tags)]
    if filters.since is not None:
        where.append("n.day >= ?")
        parameters.append(filters.since.isoformat()[:10])
    if filters.until is not None:
        # Begun by then: a note of 2007 that was touched up in 2020 is still one of 2007.
        where.append(
            "coalesce(CASE WHEN json_valid(n.card) THEN json_extract(n.card, '$.created') END, "
            "n.day) <= ?"
        )
        parameters.append(filters.until.isoformat()[:10])
    folder = (filters.folder or "").strip("/").removeprefix("./")
    if folder not in {"", "."}:
        where.append("(n.path >= ? AND n.path < ?)")
        parameters += [f"{folder}/", f"{folder}0"]
    if not filters.drafts:
        where.append("n.draft = 0")
    if filters.only_drafts:
        where.append("n.draft = 1")
    if exclude:
        where.append("n.path NOT IN (SELECT value FROM json_each(?))")
        parameters.append(json.dumps(sorted(exclude)))
    return " AND ".join(where), tuple(parameters)


def passage_conditions(filters: Filters) -> Conditions:
    """Which passages of a note pass, for a query in which they are called `p`."""
    if not filters.facets:
        return "1", ()
    facets = sorted(facet.value for facet in filters.facets)
    return "p.facet IN (SELECT value FROM json_each(?))", (json.dumps(facets),)
