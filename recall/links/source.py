"""The note that suggestions are wanted for: in the index already, or a draft outside of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from recall.domain import Facet, FileStamp, HeadingRules, Link, Note, NoteCard, Passage
from recall.entries import card_of
from recall.errors import NoteUnreadable
from recall.links.mentions import GAP, without_links
from recall.names import Resolver
from recall.passages import split
from recall.records import dataclass, replace
from recall.words import terms, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.embedding import Embedder
    from recall.store import Snapshot
    from recall.vault import Vault

LEAST_SAID = 0.5  # share of a passage's words that are no link's, for it to say something itself


@dataclass(frozen=True, slots=True)
class Source:
    """A note with its vectors, and what it links already."""

    card: NoteCard
    passages: tuple[Passage, ...]  # template text left out
    vectors: NDArray[np.float32]  # (len(passages), dim), unit rows
    term_counts: Counter[str]
    links: tuple[Link, ...]  # as written
    linked: frozenset[str]  # paths of the notes it links, wherever the link stands
    neighbours: frozenset[str]  # those, and the notes that link it
    is_unlinked: bool = False  # whether links are looked away from that the index holds

    @property
    def has_text(self) -> bool:
        """Whether there is anything but a title to compare."""
        return any(passage.facet is not Facet.TITLE for passage in self.passages)


def indexed_source(path: str, snapshot: Snapshot, *, max_notes_per_text: int) -> Source:
    """A note as the index holds it; no model is needed.

    Args:
        path: Of a note that is in the index.
        snapshot: The index.
        max_notes_per_text: Texts that more notes hold are template text and left out.

    Raises:
        KeyError: The note is not in the index.
    """
    card = snapshot.card(path)
    if card is None:
        raise KeyError(path)
    stored = snapshot.passages(path)
    common = snapshot.common_texts([item.text_id for item in stored], max_notes_per_text)
    kept = [item for item in stored if item.text_id not in common]
    links = snapshot.links_from(path)
    linked = {link.resolution.path for link in links if link.resolution.path}
    backlinks = {link.source for link in snapshot.links_to(path)}
    return Source(
        card=card,
        passages=tuple(item.passage for item in kept),
        vectors=snapshot.vectors([item.text_id for item in kept]),
        term_counts=_count(item.passage for item in kept),
        links=tuple(link.link for link in links),
        linked=frozenset(linked - {path}),
        neighbours=frozenset((linked | backlinks) - {path}),
    )


def without_its_links(source: Source) -> Source:
    """The note as it would be if it linked nothing and nothing linked it.

    What its links show is no text of it any more, and no passage that is mostly that. Vectors of
    other passages with links still are of their whole text: making them anew takes the model.
    """
    bare = [
        replace(passage, text=without_links(passage, source.links).replace(GAP, ""))
        for passage in source.passages
    ]
    kept = [
        row
        for row, passage in enumerate(source.passages)
        if passage.facet is Facet.TITLE
        or len(words(bare[row].text)) >= LEAST_SAID * len(words(passage.text))
    ]
    return replace(
        source,
        passages=tuple(bare[row] for row in kept),
        vectors=source.vectors[kept],
        term_counts=_count(bare[row] for row in kept),
        linked=frozenset(),
        neighbours=frozenset(),
        is_unlinked=True,
    )


def read_draft(
    file: Path, path: str | None, vault: Vault, rules: HeadingRules
) -> tuple[Note, FileStamp]:
    """A note that the index does not hold, read and parsed now.

    Args:
        file: Where it is.
        path: Where in the vault, or None for a file outside of it.
        vault: The vault whose notes it may link.
        rules: What its headings mean.

    Raises:
        NoteUnreadable: The file is no text, too large, or a link inside the vault.
    """
    from recall.markdown import parse_note

    # Outside of the vault, symbolic links are the user's own; in it, the vault follows none.
    outside = replace(vault, root=file.resolve().parent)
    try:
        text, stamp = vault.read(path) if path else outside.read(file.resolve().name)
    except NoteUnreadable as error:
        raise NoteUnreadable(f"{file}: {error.message}.", hint="Name another note.") from error
    # Where it is, for a file outside: a path that no note of the vault has.
    return parse_note(path or file.absolute().as_posix(), text, rules), stamp


def note_source(
    note: Note,
    snapshot: Snapshot,
    embedder: Embedder,
    *,
    max_notes_per_text: int,
    resolver: Resolver | None = None,
) -> Source:
    """A note whose text is at hand, wherever it came from; embedded now.

    Args:
        note: The parsed text, with the path that its links are seen from.
        snapshot: The index, to tell what its links mean.
        embedder: Embeds it, in the index's vector space.
        max_notes_per_text: Texts that more notes hold are template text and left out.
        resolver: Tells what its links mean, if that is not what the index says.
    """
    every = split(note, count_tokens=embedder.count_tokens, max_tokens=embedder.space.max_tokens)
    common = snapshot.common_wordings([passage.text for passage in every], max_notes_per_text)
    passages = tuple(passage for passage in every if passage.text not in common)
    resolver = resolver or Resolver(snapshot.lookup)
    targets = (resolver.resolve_link(link, source=note.path).path for link in note.links)
    linked = frozenset(target for target in targets if target)
    return Source(
        card=card_of(note),
        passages=passages,
        vectors=embedder.embed_passages([passage.text for passage in passages]),
        term_counts=_count(passages),
        links=note.links,
        linked=linked,
        neighbours=linked,
    )


def _count(passages: Iterable[Passage]) -> Counter[str]:
    return Counter(term for passage in passages for term in terms(passage.text))
