"""Which files a build has to look at, judged by their stamps alone."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recall.records import dataclass
from recall.vault import is_unchanged

if TYPE_CHECKING:
    from recall.domain import FileStamp, Skipped
    from recall.store.catalog import Catalog
    from recall.vault import Listing


@dataclass(frozen=True, slots=True)
class Plan:
    """Which files need a look, judged by their stamps alone."""

    unchanged: tuple[str, ...]
    unreadable: tuple[str, ...]  # could not be read last time, and have not changed since
    examine: tuple[str, ...]
    gone: tuple[str, ...]


def plan(
    old: Mapping[str, tuple[int, int, int, str]],
    new: Mapping[str, FileStamp],
    unreadable: Mapping[str, Skipped],
) -> Plan:
    """Compare what is indexed, and what could not be, with what is there.

    Args:
        old: Of each indexed note what is equal to the stamp that a listing gives an unchanged file.
        new: The stamps of a listing.
        unreadable: The files that were opened in vain.
    """
    differing = [path for path, stamp in new.items() if old.get(path) != stamp]
    tried = {path: unreadable[path].stamp for path in differing if path in unreadable}
    vain = {path for path, stamp in tried.items() if stamp and is_unchanged(stamp, new[path])}
    looked_at = set(differing)
    return Plan(
        unchanged=tuple([path for path in new if path not in looked_at]),
        unreadable=tuple(sorted(vain)),
        examine=tuple(sorted(looked_at - vain)),
        gone=tuple(sorted(old.keys() - new.keys())),
    )


@contextmanager
def uncollected() -> Iterator[None]:
    """Put the garbage collector off while a stamp is made for each of a hundred thousand files.

    None of them is garbage, and it would look through all of them again and again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def pending(catalog: Catalog, listing: Listing) -> Plan:
    """What a build would have to look at now."""
    old = catalog.stamps_without_hashes()
    if old == listing.stamps:  # as before most answers
        return Plan(unchanged=tuple(listing.stamps), unreadable=(), examine=(), gone=())
    return plan(old, listing.stamps, unreadable_of(catalog.skipped()))


def unreadable_of(skipped: Iterable[Skipped]) -> dict[str, Skipped]:
    """The files that were opened in vain, by path."""
    return {item.path: item for item in skipped if item.stamp}
