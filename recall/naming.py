"""Which note is meant by what somebody typed: a file, a name, or a link that was pasted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from recall.domain import Resolution
from recall.errors import NoteNotFound, NoteUnreadable
from recall.names import Resolver

if TYPE_CHECKING:
    from recall.domain import Link
    from recall.store import Snapshot

LISTED = 5  # names in an error before the rest is only counted
LONGEST_NAME = 200  # characters of a name that an error repeats


def file_named(note: str | Path) -> Path | None:
    """The file that is named, if it is one and not a name."""
    try:
        file = Path(note).expanduser()
        return file if file.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long for a path, `~nobody`, out of reach
        return None


def find_note(name: str, snapshot: Snapshot, *, folder: Path) -> str:
    """The path of the note that is named.

    Args:
        name: A path, id, title or alias; also in brackets, or with a heading behind it.
        snapshot: The index.
        folder: Where the notes are, for the words of an error.

    Raises:
        NoteNotFound: No note, or several, answer to that name.
        NoteUnreadable: A file of that name could not be indexed.
    """
    meant = next((found for found in _meanings(name, snapshot) if found.path), Resolution())
    if meant.is_ambiguous:
        listed = ", ".join(meant.candidates[:LISTED])
        if len(meant.candidates) > LISTED:
            listed += f" and {len(meant.candidates) - LISTED:,} more"
        raise NoteNotFound(
            f"{shown(name)} names several notes: {listed}.",
            hint="Give the path of one of them.",
        )
    if meant.path:
        return meant.path
    for item in snapshot.skipped():
        if item.path == name:
            raise NoteUnreadable(f"{name} is not indexed: {item.reason}.")
    titles = {card.title for card in snapshot.cards(snapshot.paths()).values()}
    import difflib  # late: only for a mistake

    near = difflib.get_close_matches(name, sorted(titles), n=3, cutoff=0.5)
    raise NoteNotFound(
        f"There is no note {shown(name)} in {folder}.",
        hint=f"Did you mean {' or '.join(repr(title) for title in near)}?"
        if near
        else "Give its path, note id, title or alias.",
    )


def shown(name: str) -> str:
    """A name as an error repeats it."""
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…")


def _meanings(name: str, snapshot: Snapshot) -> Iterator[Resolution]:
    """What a name means: as it stands, as a link, or without the heading behind it.

    A link to a heading of the note it stands in has no path here: it stands in none.
    """
    resolver = Resolver(snapshot.lookup)
    yield resolver.resolve(name, source="")
    links: tuple[Link, ...] = ()
    if name.endswith(("]]", ")")):
        from recall.markdown import parse_note

        links = parse_note("", name).links
    whole = {(0, len(name)), (1, len(name))}  # an embed has a `!` before it
    if len(links) == 1 and (links[0].span.start, links[0].span.end) in whole:
        yield resolver.resolve_link(links[0], source="")
    if bare := name.partition("#")[0].strip():
        yield resolver.resolve(bare, source="")
