"""How the link to a suggested note would be written into the source: as `--apply` writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from recall.domain import LinkPlace, LinkSyntax, NameKind
from recall.manner import Manner, manner_of, new_link, tells_manner

if TYPE_CHECKING:
    from recall.domain import NoteCard, ResolvedLink
    from recall.names import Resolver
    from recall.store import Snapshot

SAMPLED_NOTES = 200  # whose links tell how the vault spells


class Writer:
    """Spells links of one note as its own links are, else as those of the vault."""

    def __init__(
        self,
        source: str,
        links: Sequence[ResolvedLink],
        resolver: Resolver,
        habit: Callable[[], Manner],
    ) -> None:
        """Make a writer.

        Args:
            source: Path of the note.
            links: Its links.
            resolver: Tells what names mean.
            habit: How the vault spells; asked only where the note's links don't tell all.
        """
        self._source = source
        self._links = links
        self._resolver = resolver
        self._habit = habit

    def written(self, card: NoteCard) -> str:
        """The link to a note, as it would stand in the list of related notes."""
        syntax = self._syntax or self._manner.syntax
        link = new_link(
            card,
            self._resolver,
            source=self._source,
            manner=self._manner,
            with_address=syntax is LinkSyntax.MARKDOWN,
        )
        return link.written(syntax)

    @cached_property
    def _manner(self) -> Manner:
        told = [link for link in self._links if tells_manner(link)]
        own = manner_of(told)
        # Names between brackets look the same however the vault writes paths and Markdown links.
        if (
            any(link.link.syntax is LinkSyntax.WIKI for link in told)
            and own.syntax is LinkSyntax.WIKI
            and own.name is not NameKind.PATH
            and self._syntax is not LinkSyntax.MARKDOWN
        ):
            return own
        return manner_of(told, self._habit())

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
    paths = sampled(snapshot.paths_with(tuple(LinkPlace)), SAMPLED_NOTES)
    return manner_of(snapshot.links_from_all(paths))


def sampled(paths: Sequence[str], most: int) -> list[str]:
    """At most so many of the paths, evenly spread: the same ones every time."""
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])
