"""How the link to a suggested note would be written into the source: as `--apply` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from recall.domain import LinkPlace, LinkSyntax
from recall.manner import Manner, manner_of, new_link

if TYPE_CHECKING:
    from recall.domain import NoteCard, ResolvedLink
    from recall.names import Resolver
    from recall.store import Snapshot

SAMPLED_NOTES = 200  # whose links tell how the vault spells


class Writer:
    """Spells links of one note as its own links are, else as those of the vault."""

    def __init__(self, source: str, snapshot: Snapshot, resolver: Resolver) -> None:
        self._source = source
        self._snapshot = snapshot
        self._resolver = resolver

    def written(self, card: NoteCard) -> str:
        """The link to a note, as it would stand in the list of related notes."""
        link = new_link(card, self._resolver, source=self._source, manner=self._manner)
        return link.written(self._syntax)

    @cached_property
    def _links(self) -> Sequence[ResolvedLink]:
        return self._snapshot.links_from(self._source)

    @cached_property
    def _manner(self) -> Manner:
        return manner_of(self._links, vault_manner(self._snapshot))

    @cached_property
    def _syntax(self) -> LinkSyntax | None:
        """That of the list that would grow; a tree and the frontmatter hold wikilinks alone."""
        places = {LinkPlace.RELATED, LinkPlace.FRONTMATTER}
        used = [link.link.syntax for link in self._links if link.link.place in places]
        wiki = used.count(LinkSyntax.WIKI)
        if not used:
            return None
        return LinkSyntax.WIKI if wiki >= len(used) - wiki else LinkSyntax.MARKDOWN


def vault_manner(snapshot: Snapshot) -> Manner:
    """How the notes of a vault spell their links, by a sample of them."""
    return manner_of(_sampled_links(snapshot))


def sampled(paths: Sequence[str], most: int) -> list[str]:
    """At most so many of the paths, evenly spread: the same ones every time."""
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])


def _sampled_links(snapshot: Snapshot) -> Iterator[ResolvedLink]:
    for path in sampled(snapshot.paths_with(tuple(LinkPlace)), SAMPLED_NOTES):
        yield from snapshot.links_from(path)
