"""Which files a build has to look at, judged by their stamps alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from recall.records import dataclass
from recall.vault import is_unchanged

if TYPE_CHECKING:
    from recall.domain import FileStamp, Skipped
    from recall.store import Snapshot
    from recall.vault import Listing


@dataclass(frozen=True, slots=True)
class Plan:
    """Which files need a look, judged by their stamps alone."""

    unchanged: tuple[str, ...]
    unreadable: tuple[str, ...]  # could not be read last time, and have not changed since
    examine: tuple[str, ...]
    gone: tuple[str, ...]


def plan(
    old: Mapping[str, FileStamp],
    new: Mapping[str, FileStamp],
    unreadable: Mapping[str, Skipped] | None = None,
) -> Plan:
    """Compare what is indexed, and what could not be, with what is there."""
    tried = {path: item.stamp for path, item in (unreadable or {}).items() if item.stamp}
    same: set[str] = set()
    vain: set[str] = set()
    for path, stamp in new.items():
        if path in old and is_unchanged(old[path], stamp):
            same.add(path)
        elif path in tried and is_unchanged(tried[path], stamp):
            vain.add(path)
    return Plan(
        unchanged=tuple(sorted(same)),
        unreadable=tuple(sorted(vain)),
        examine=tuple(sorted(new.keys() - same - vain)),
        gone=tuple(sorted(old.keys() - new.keys())),
    )


def pending(snapshot: Snapshot, listing: Listing) -> Plan:
    """What a build would have to look at now."""
    if snapshot.stamps_without_hashes() == listing.stamps:  # as before most answers
        return Plan(unchanged=tuple(listing.stamps), unreadable=(), examine=(), gone=())
    return plan(snapshot.stamps(), listing.stamps, unreadable_of(snapshot.skipped()))


def unreadable_of(skipped: Iterable[Skipped]) -> dict[str, Skipped]:
    """The files that were opened in vain, by path."""
    return {item.path: item for item in skipped if item.stamp}
