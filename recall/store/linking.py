"""Decides what links point at, again only for those whose names came or went."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from recall.names import Resolver
from recall.store.graph import LINK_COLUMNS, LinkGraph
from recall.store.rows import link_from

if TYPE_CHECKING:
    from collections.abc import Collection

    from recall.store.database import Database

LINKS_AT_ONCE = 10_000


def settle_links(database: Database, changed_keys: Collection[str]) -> set[str]:
    """Resolve the links that are new, and those that may look up one of these keys.

    Returns:
        The notes that these links stand in.
    """
    sources = set()
    database.run(
        "UPDATE links SET settled = 0 WHERE id IN (SELECT link_id FROM link_keys "
        "WHERE key IN (SELECT value FROM json_each(?)))",
        (json.dumps(sorted(changed_keys)),),
    )
    resolver = Resolver(cache(LinkGraph(database).lookup))
    while rows := database.rows(
        f"SELECT l.id, {LINK_COLUMNS} FROM links l JOIN notes s ON s.id = l.source_id "  # noqa: S608
        "LEFT JOIN notes t ON t.id = l.target_id WHERE l.settled = 0 ORDER BY l.id LIMIT ?",
        (LINKS_AT_ONCE,),
    ):
        settled = []
        for number, *columns in rows:
            link, source, *_ = link_from(tuple(columns))
            found = resolver.resolve_link(link, source=source)
            sources.add(source)
            settled.append((found.path, found.kind, len(found.candidates), number))
        database.run_many(
            "UPDATE links SET target_id = (SELECT id FROM notes WHERE path = ?), kind = ?, "
            "candidates = ?, settled = 1 WHERE id = ?",
            settled,
        )
    return sources
