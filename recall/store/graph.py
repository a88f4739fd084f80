"""What is read of names and links: who bears a name, what links point at, who links whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recall.domain import Name, NameKind, Resolution, ResolvedLink
from recall.names import Resolver
from recall.records import dataclass
from recall.store.rows import link_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from recall.store.database import Database

LINK_COLUMNS = (
    "s.path, l.target, l.start, l.stop, l.place, l.syntax, l.label, l.heading, l.block, "
    "t.path, l.kind, l.candidates"
)
_LINKS = (
    f"SELECT {LINK_COLUMNS} FROM links l JOIN notes s ON s.id = l.source_id "  # noqa: S608
    "LEFT JOIN notes t ON t.id = l.target_id"
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The notes that a note is linked with, itself not among them."""

    linked: frozenset[str]  # paths of the notes it links
    linking: frozenset[str]  # paths of the notes that link it


class LinkGraph:
    """Reads the names and links of one state of the catalog."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def lookup(self, key: str) -> tuple[Name, ...]:
        """Who bears a name, given in normal form; sorted by path."""
        rows = self._db.rows(
            "SELECT a.kind, n.path FROM names a JOIN notes n ON n.id = a.note_id "
            "WHERE a.key = ? ORDER BY n.path, a.kind",
            (key,),
        )
        return tuple(Name(NameKind(kind), path) for kind, path in rows)

    def lookup_all(self, keys: Iterable[str]) -> dict[str, tuple[Name, ...]]:
        """Who bears each of these names; names that nobody bears are left out."""
        found: dict[str, list[Name]] = {}
        for key, kind, path in self._db.rows(
            "SELECT a.key, a.kind, n.path FROM json_each(?) q "
            "CROSS JOIN names a ON a.key = q.value JOIN notes n ON n.id = a.note_id "
            "ORDER BY a.key, n.path, a.kind",
            (json.dumps(list(keys)),),
        ):
            found.setdefault(key, []).append(Name(NameKind(kind), path))
        return {key: tuple(names) for key, names in found.items()}

    def written_names(self) -> list[tuple[str, str]]:
        """Every name that people write, in normal form, and the path of the note that bears it."""
        return self._db.rows(
            "SELECT a.key, n.path FROM names a JOIN notes n ON n.id = a.note_id WHERE a.kind <> ?",
            (NameKind.NOTE_ID,),
        )

    def links_from(self, path: str) -> tuple[ResolvedLink, ...]:
        """A note's links, in note order."""
        return self._links(f"{_LINKS} WHERE s.path = ? ORDER BY l.ordinal", (path,))

    def links_from_all(self, paths: Iterable[str]) -> tuple[ResolvedLink, ...]:
        """The links of several notes, by source and place."""
        return self._links(
            f"{_LINKS} WHERE s.path IN (SELECT value FROM json_each(?)) "  # noqa: S608 - constants
            "ORDER BY s.path, l.ordinal",
            (json.dumps(list(paths)),),
        )

    def links_to(self, path: str) -> tuple[ResolvedLink, ...]:
        """The links that point at a note, by source and place."""
        return self._links(f"{_LINKS} WHERE t.path = ? ORDER BY s.path, l.ordinal", (path,))

    def unresolved(self) -> tuple[ResolvedLink, ...]:
        """The links that point at no note, by source and place."""
        return self._links(f"{_LINKS} WHERE l.target_id IS NULL ORDER BY s.path, l.ordinal")

    def edges(self) -> Iterator[tuple[str, str]]:
        """Each (source, target) of two different notes, once, sorted."""
        rows = self._db.rows(
            "SELECT DISTINCT s.path, t.path FROM links l JOIN notes s ON s.id = l.source_id "
            "JOIN notes t ON t.id = l.target_id WHERE s.id <> t.id ORDER BY s.path, t.path"
        )
        return iter(rows)

    def neighbours(self, paths: Iterable[str]) -> dict[str, Neighbours]:
        """The notes that each of these notes is linked with, in both directions."""
        wanted = list(paths)
        out: dict[str, set[str]] = {path: set() for path in wanted}
        back: dict[str, set[str]] = {path: set() for path in wanted}
        for column, found in (("source_id", out), ("target_id", back)):
            other = "target_id" if column == "source_id" else "source_id"
            for path, neighbour in self._db.rows(
                "SELECT n.path, o.path FROM notes n "  # noqa: S608
                f"JOIN links l ON l.{column} = n.id JOIN notes o ON o.id = l.{other} "
                "WHERE n.path IN (SELECT value FROM json_each(?)) AND o.id <> n.id",
                (json.dumps(wanted),),
            ):
                found[path].add(neighbour)
        return {path: Neighbours(frozenset(out[path]), frozenset(back[path])) for path in wanted}

    def _links(self, sql: str, parameters: Sequence[object] = ()) -> tuple[ResolvedLink, ...]:
        # Who else an ambiguous link could mean is asked again: notes called `README` would
        # otherwise each store the list of all of them.
        resolver = Resolver(self.lookup)
        found = []
        for row in self._db.rows(sql, parameters):
            link, source, path, kind, candidates = link_from(row)
            if path is None or kind is None:
                resolution = Resolution()
            elif candidates > 1:
                resolution = resolver.resolve_link(link, source=source)
            else:
                resolution = Resolution(path, NameKind(kind), (path,))
            found.append(ResolvedLink(link, source, resolution))
        return tuple(found)
