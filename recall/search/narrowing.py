"""Why filters leave no note that could answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.domain import Filters
from recall.records import replace
from recall.store.filters import tag_form

if TYPE_CHECKING:
    from recall.store import Snapshot


def why_none_passes(filters: Filters, snapshot: Snapshot) -> tuple[str, ...]:
    """What is wrong with filters that nothing passed, in words; empty if each makes sense."""
    if not snapshot.note_count():
        return ("there is no note in this vault",)
    said = [f"no note has the tag {tag}" for tag in _unknown_tags(filters, snapshot)]
    every = snapshot.paths()
    if filters.folder and not snapshot.passing(every, Filters(folder=filters.folder)):
        said.append(f"no note is in the folder {filters.folder}")
    if filters.only_drafts and not filters.drafts:
        said.append("drafts are left out, and nothing but drafts is asked for")
    elif not said and not snapshot.passing(every, replace(filters, facets=frozenset())):
        said.append("no note passes all the filters together")
    return tuple(said)


def _unknown_tags(filters: Filters, snapshot: Snapshot) -> list[str]:
    if not filters.tags:
        return []
    cards = snapshot.cards(snapshot.paths()).values()
    borne = {f"{tag_form(tag)}/" for card in cards for tag in card.tags}
    return [
        tag
        for tag in filters.tags
        if not any(known.startswith(f"{tag_form(tag)}/") for known in borne)
    ]
