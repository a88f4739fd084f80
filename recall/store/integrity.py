"""Whether a catalog agrees with itself: read through, by SQLite and by what its rows must say."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from recall.errors import IndexDamaged

if TYPE_CHECKING:
    from recall.store.database import Database


def why_unsound(database: Database) -> str | None:
    """What is wrong with a catalog; None if nothing is found."""
    try:
        report = database.value("PRAGMA integrity_check(1)")
        if report != "ok":
            return str(report)
        for number, text_hash, text in database.rows("SELECT id, hash, text FROM texts"):
            if hashlib.sha256(text.encode()).digest() != text_hash:
                return f"text {number} is not the one that was kept"
    except (IndexDamaged, ValueError, TypeError, AttributeError) as error:
        return str(error)
    return None
