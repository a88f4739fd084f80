"""What a link target means: note id, path, stem, title, alias; and how a link is written.

A *key* is a name in `normal_form`; an index keeps, for each key, the notes that bear it. Paths
are not keys of their own: a path is found under its last part and then compared as a whole, so
moving a folder of notes changes no key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from recall.domain import (
    ATTACHMENT_EXTENSIONS,
    Link,
    LinkSyntax,
    Name,
    NameKind,
    NoteCard,
    Resolution,
)
from recall.patterns import regex

_SUFFIX = regex(r"(?<=[^/])\.(?:md|markdown)$", re.IGNORECASE)
_SHORT_SUFFIX = regex(r"(?<=[^/])\.md$", re.IGNORECASE)  # `a.markdown` may be a whole name
_SLASHES = regex(r" ?/[ /]*")
_LEADING = regex(r"(?:\.?/)+")
_DENDRON = regex(r"dendron://[^/]*/", re.IGNORECASE)
_ADDRESS = regex(r"[^\s.]+(?:\.[^\s.]+)+$")
_UNLINKABLE = regex("[|#^\\[\\]\r\n\x00-\x1f\x7f]")
_UNSHOWABLE = regex("[|\\[\\]\r\n\x00-\x1f\x7f]")
_SURROGATES = regex("[\ud800-\udfff]")
_NO_CHARACTERS = regex("[\ud800-\udfff\ufdd0-\ufdef]")  # in UTF-8, or at all
_FOLDER_NOTES = ("index", "readme")
_NOWHERE = Resolution()

# Kinds of names that only a file's own place or id gives it.
FILE_KINDS = (NameKind.NOTE_ID, NameKind.PATH, NameKind.PATH_TAIL, NameKind.STEM)

_Group = tuple[NameKind, list[str]]


def normal_form(name: str) -> str:
    """Fold what does not distinguish names: case, composition, blanks, `.md`, a leading `./`."""
    if name.isascii():
        text = name.lower()
    else:
        # What is printable holds none, and the pattern takes long to compile.
        whole = name if name.isprintable() else _SURROGATES.sub("\ufffd", name)
        text = unicodedata.normalize("NFC", whole)
        text = unicodedata.normalize("NFC", text.casefold())
    text = " ".join(text.split())
    if "/" in text:
        text = _SLASHES.sub("/", text)
        leading = _LEADING.match(text)
        text = text[leading.end() :] if leading else text
    return _SHORT_SUFFIX.sub("", text).rstrip()


@lru_cache(maxsize=16_384)
def _path_forms(path: str) -> tuple[str, ...]:
    """What a note's path is called; asked again for every link to a common stem."""
    form = normal_form(path)
    bare = _SUFFIX.sub("", form) if path.lower().endswith(".markdown") else form
    return (form,) if bare == form else (bare, form)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def names_of(card: NoteCard) -> tuple[tuple[str, Name], ...]:
    """List the keys under which a note can be found, each with what kind of name it is."""
    stem = Name(NameKind.STEM, card.path)
    names = {(_last(form), stem): None for form in _path_forms(card.path)}
    written = [
        (NameKind.NOTE_ID, card.note_id),
        (NameKind.TITLE, card.title),
        *((NameKind.ALIAS, alias) for alias in card.aliases),
        (NameKind.HEADING, card.first_heading),
    ]
    for kind, name in written:
        key = normal_form(name) if name else ""
        if key:
            names[key, Name(kind, card.path)] = None
    return tuple(names)


class Resolver:
    """Says which note a link means, from one function that finds names by their key."""

    def __init__(self, lookup: Callable[[str], Sequence[Name]]) -> None:
        self._lookup = lookup

    def resolve_link(self, link: Link, *, source: str) -> Resolution:
        """Resolve a link of the note `source`.

        Dendron writes `[[label|target]]`: the right part is the target if it names a file where
        the left names nothing, or if it is an address (`dendron://…`, `a.b.c`) and no words.
        """
        found = self.resolve(link.target, source=source, syntax=link.syntax)
        if link.syntax is not LinkSyntax.WIKI or not link.label:
            return found
        swapped = link.label.partition("#")[0].strip()
        is_dendron = _DENDRON.match(swapped) is not None
        if not swapped or (found.path is not None and not (is_dendron or _ADDRESS.match(swapped))):
            return found
        other = self.resolve(swapped, source=source)
        is_meant = other.kind in FILE_KINDS or (is_dendron and other.path is not None)
        return other if is_meant else found

    def resolve(
        self, target: str, *, source: str, syntax: LinkSyntax = LinkSyntax.WIKI
    ) -> Resolution:
        """Resolve a target as written; the first kind of name that any note bears wins."""
        if not target.strip():
            return Resolution(source, NameKind.PATH, (source,))
        target = _DENDRON.sub("", target.strip() if _DENDRON.match(target.strip()) else target)
        if syntax is LinkSyntax.WIKI and not _is_relative(target):
            return self._by_name(target, source)
        return self._by_path(target, source)

    def _by_name(self, target: str, source: str) -> Resolution:
        key = normal_form(target)
        if not key or key.endswith("/"):
            return self._folder_note(key.rstrip("/"), source)
        names = self._lookup(key)
        stems = names if "/" not in key else self._lookup(_last(key))
        by_path = _path_groups(key, stems)
        by_id = _name_groups(names, NameKind.NOTE_ID)
        # A target that ends in `.md` names a file, whatever else is called so.
        groups = [*by_path, *by_id] if _SUFFIX.search(target) else [*by_id, *by_path]
        groups += _name_groups(names, NameKind.TITLE, NameKind.ALIAS, NameKind.HEADING)
        if groups:
            return _best(groups[0], target, source)
        return self._folder_note(key, source) if "/" in key else _NOWHERE

    def _by_path(self, target: str, source: str) -> Resolution:
        is_rooted = target.startswith("/")
        beside = _join("" if is_rooted else _folder(source), target)
        if beside is None:
            return _NOWHERE
        at_root = None if _is_relative(target) else _join("", target)
        for place in (beside, *([at_root] if at_root is not None and at_root != beside else [])):
            found = self._at(place, target, source)
            if found.path is not None:
                return found
        if not _own_name(target) or target.endswith("/"):
            return _NOWHERE
        tail = normal_form(_join("", target, is_bounded=False) or "")
        groups = _path_groups(tail, self._lookup(_last(tail)))
        return _best(groups[0], target, source) if groups else _NOWHERE

    def _at(self, place: str, target: str, source: str) -> Resolution:
        """Find the note with exactly this path, or the note that speaks for this folder."""
        own = _own_name(target)
        key = normal_form(place)
        if own and not target.endswith("/"):
            groups = _path_groups(key, self._lookup(_last(key)))
            if groups and groups[0][0] is NameKind.PATH:
                return _best(groups[0], place, source)
        # The folder's own name is a key only where the link itself says it.
        return self._folder_note(key, source, is_exact=True, is_named=bool(own))

    def _folder_note(
        self, folder: str, source: str, *, is_exact: bool = False, is_named: bool = True
    ) -> Resolution:
        """Find the note that speaks for a folder: `index`, `README`, or named like the folder."""
        stems = (*_FOLDER_NOTES, _last(folder)) if is_named and folder else _FOLDER_NOTES
        for stem in stems:
            key = f"{folder}/{stem}" if folder else stem
            groups = _path_groups(key, self._lookup(stem))
            if groups and (groups[0][0] is NameKind.PATH or (folder and not is_exact)):
                return _best(groups[0], key, source)
        return _NOWHERE


def _is_relative(target: str) -> bool:
    return target.strip() in {".", ".."} or target.lstrip().startswith(("./", "../"))


def _own_name(target: str) -> str:
    """The last part of a path as written, if that is a name and not a step such as `..`."""
    own = _last(target.rstrip("/ ")).strip()
    return "" if own in {"", ".", ".."} else own


def _join(folder: str, target: str, *, is_bounded: bool = True) -> str | None:
    """Walk from a folder along a path; None when a bounded walk leaves the vault."""
    parts = [part for part in folder.split("/") if part]
    for part in target.split("/"):
        step = part.strip()
        if step == "..":
            if parts:
                parts.pop()
            elif is_bounded:
                return None
        elif step not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _path_groups(key: str, names: Iterable[Name]) -> list[_Group]:
    """Notes whose path is the key, or else ends in it: at most one group."""
    whole: list[str] = []
    tails: list[str] = []
    ending = f"/{key}"
    for name in names:
        if name.kind is NameKind.STEM:
            forms = _path_forms(name.path)
            if key in forms:
                whole.append(name.path)
            elif any(form.endswith(ending) for form in forms):
                tails.append(name.path)
    if whole:
        return [(NameKind.PATH, whole)]
    kind = NameKind.PATH_TAIL if "/" in key else NameKind.STEM
    return [(kind, tails)] if tails else []


def _name_groups(names: Iterable[Name], *kinds: NameKind) -> list[_Group]:
    groups = [(kind, [name.path for name in names if name.kind is kind]) for kind in kinds]
    return [group for group in groups if group[1]]


def _best(group: _Group, target: str, source: str) -> Resolution:
    """Rank equally named notes: as written, same folder, shortest path, alphabetical."""
    kind, paths = group
    folder = _folder(source)

    def rank(path: str) -> tuple[object, ...]:
        return (
            path != target,
            _SUFFIX.sub("", path) != target,
            _folder(path) != folder,
            path.count("/"),
            len(path),
            path,
        )

    candidates = tuple(sorted(set(paths), key=rank))
    return Resolution(candidates[0], kind, candidates)


def link_keys(link: Link) -> tuple[str, ...]:
    """List every key that resolving this link may look up, from whatever note it stands in.

    Found by resolving it where nothing bears a name, so that every way is tried to its end, from
    a folder so deep that no `..` leaves it.
    """
    asked: dict[str, None] = {}

    def lookup(key: str) -> Sequence[Name]:
        asked[key] = None
        return ()

    depth = link.target.count("..") + (link.label or "").count("..")
    Resolver(lookup).resolve_link(link, source="/".join("." * (depth + 2)))
    return tuple(asked)


def spelling(
    card: NoteCard,
    resolver: Resolver,
    *,
    source: str,
    prefer: NameKind = NameKind.STEM,
) -> str:
    """Say what to write between `[[` and `]]` in `source` to link this note, and no other.

    The preferred kind of name (STEM, TITLE or PATH) if it means exactly this note, else the
    shortest of stem, title and path tails that does. A path is followed by the title as label.
    """
    bare = _SUFFIX.sub("", card.path)
    for text in _spellings(card, prefer):
        if _means(text, card, resolver, source):
            return _labelled(text, card)
    # Paths that differ in case only stay ambiguous; as written, this one still comes first.
    for text in (bare, card.path, *_spellings(card, prefer)):
        if _means(text, card, resolver, source, is_alone=False):
            return _labelled(text, card)
    return _labelled(bare, card)


def _spellings(card: NoteCard, prefer: NameKind) -> Iterator[str]:
    bare = _SUFFIX.sub("", card.path)
    stem = _last(bare)
    yield {NameKind.TITLE: card.title, NameKind.PATH: bare}.get(prefer, stem).strip()
    parts = bare.split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
    yield from sorted({text.strip() for text in (*tails, card.title)}, key=lambda t: (len(t), t))
    # With its extension a path is a file name even where the rest looks like something else.
    yield from (card.path, *card.aliases, card.note_id or "")


def _means(
    text: str, card: NoteCard, resolver: Resolver, source: str, *, is_alone: bool = True
) -> bool:
    """Whether a link with this text is read as a link, and points at this note (alone)."""
    if not text.strip() or _UNLINKABLE.search(text) or _is_broken(text):
        return False
    if _last(text).rpartition(".")[2].lower() in ATTACHMENT_EXTENSIONS and "." in text:
        return False
    found = resolver.resolve(text.strip(), source=source)
    return found.path == card.path and not (is_alone and found.is_ambiguous)


def _labelled(text: str, card: NoteCard) -> str:
    title = " ".join(card.title.split())
    if "/" not in text or text.endswith("\\") or not title or title == text:
        return text
    if _UNSHOWABLE.search(title) or _is_broken(title):
        return text
    if _DENDRON.match(title) or _ADDRESS.match(title):
        return text  # it could be taken for the target
    return f"{text}|{title}"


def _is_broken(text: str) -> bool:
    """Whether something in it is no character."""
    return not text.isprintable() and _NO_CHARACTERS.search(text) is not None
