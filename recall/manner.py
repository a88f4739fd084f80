"""How a vault writes its links: by file name, title or path; with brackets or as Markdown links."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from recall.domain import LinkPlace, LinkSyntax, NameKind, NoteCard, ResolvedLink
from recall.names import Resolver, spelling
from recall.patterns import regex
from recall.records import dataclass

_T = TypeVar("_T")
_SUFFIX = regex(r"\.(?:md|markdown)$", re.IGNORECASE)
_SAFE = "/!$&'*+,;=:@~-._"  # in an address between parentheses; brackets and blanks are escaped


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that is wanted in a note, in the spellings that lead to its target there."""

    path: str  # of the note it leads to
    title: str
    wiki: str  # what goes between `[[` and `]]`
    address: str | None = None  # what goes into `[title](…)`; None: can't be said that way
    prefer: LinkSyntax = LinkSyntax.WIKI
    names: tuple[str, ...] = ()  # what the prose may call the target, for a mention

    def written(self, syntax: LinkSyntax | None = None) -> str:
        """The whole link, in the syntax asked for if the target can be said in it."""
        if (syntax or self.prefer) is LinkSyntax.MARKDOWN and self.address:
            return f"[{_as_label(self.title)}]({self.address})"
        return f"[[{self.wiki}]]"

    @property
    def shown(self) -> frozenset[str]:
        """What a reader sees of it, in either syntax."""
        target, bar, label = self.wiki.partition("|")
        name = label if bar else target.rpartition("/")[2]
        return frozenset(" ".join(text.split()) for text in (name, target, self.title))


@dataclass(frozen=True, slots=True)
class Manner:
    """What most links of a vault, or of a note, look like."""

    syntax: LinkSyntax = LinkSyntax.WIKI
    name: NameKind = NameKind.STEM  # STEM, TITLE or PATH
    prefix: str = ""  # folders that paths leave out, such as `content/`
    is_labelled: bool = True  # a wikilink with a path has a label
    root: str | None = None  # Markdown links count from the vault's root, behind this; else None
    has_suffix: bool = True  # Markdown links end in `.md`


def manner_of(links: Iterable[ResolvedLink], fallback: Manner | None = None) -> Manner:
    """What most of these links look like; what none of them tells is as in the fallback."""
    manner = fallback or Manner()
    known = [link for link in links if tells_manner(link)]
    wiki = [link for link in known if link.link.syntax is LinkSyntax.WIKI]
    marked = [link for link in known if link.link.syntax is not LinkSyntax.WIKI]
    syntax = manner.syntax
    if known:
        syntax = LinkSyntax.WIKI if len(wiki) >= len(marked) else LinkSyntax.MARKDOWN
    prefix = _most([left for link in known if (left := _left_out(link)) is not None], manner.prefix)
    told = [root for link in marked for root in _root_of(link, prefix)]
    labelled = [link.link.label is not None for link in wiki if "/" in link.link.target]
    suffixed = [bool(_SUFFIX.search(link.link.target)) for link in marked]
    return Manner(
        syntax,
        _most([_name(link) for link in wiki], manner.name),
        prefix,
        _most(labelled, manner.is_labelled),
        _most(told, manner.root),
        _most(suffixed, manner.has_suffix),
    )


def tells_manner(link: ResolvedLink) -> bool:
    """Whether a link leads to a note by a name: only such a one tells how links are spelled."""
    return bool(
        link.resolution.path and link.link.place is not LinkPlace.EMBED and link.link.target
    )


def new_link(
    card: NoteCard,
    resolver: Resolver,
    *,
    source: str,
    manner: Manner,
    with_address: bool = True,
) -> NewLink:
    """The link to one note from another, spelled in a manner so that it means no other note.

    Args:
        card: The note that it leads to.
        resolver: Tells what names mean.
        source: Path of the note that it stands in.
        manner: How it is spelled.
        with_address: Whether it may be written as a Markdown link; else only between brackets.
    """
    wiki = _shortened(
        spelling(card, resolver, source=source, prefer=manner.name), card, resolver, source, manner
    )
    names = (card.title, *card.aliases, _SUFFIX.sub("", posixpath.basename(card.path)))
    return NewLink(
        path=card.path,
        title=" ".join(card.title.split()),
        wiki=wiki,
        address=_address(card, resolver, source, manner) if with_address else None,
        prefer=manner.syntax,
        names=(*names, *((card.first_heading,) if card.first_heading else ())),
    )


def _shortened(wiki: str, card: NoteCard, resolver: Resolver, source: str, manner: Manner) -> str:
    """A whole path as the vault writes it: without the folders that all leave out."""
    target, bar, label = wiki.partition("|")
    if manner.name is not NameKind.PATH or target != _SUFFIX.sub("", card.path):
        return wiki
    short = target.removeprefix(manner.prefix)
    found = resolver.resolve(short, source=source)
    if found.path == card.path and not found.is_ambiguous:
        target = short
    return f"{target}|{label}" if bar and manner.is_labelled else target


def _address(card: NoteCard, resolver: Resolver, source: str, manner: Manner) -> str | None:
    """The address of a Markdown link; None if no way of writing it means the note."""
    beside = posixpath.relpath(card.path, posixpath.dirname(source) or ".")
    rooted = card.path.removeprefix(manner.prefix)
    ways = [beside, card.path] if manner.root is None else [manner.root + rooted, beside]
    if not manner.has_suffix:
        ways = [*(_SUFFIX.sub("", way) for way in ways), *ways]
    for way in ways:
        found = resolver.resolve(way, source=source, syntax=LinkSyntax.MARKDOWN)
        if found.path == card.path and not found.is_ambiguous:
            return _escaped(way)
    return None


def _escaped(path: str) -> str:
    """Blanks, brackets and what steers Markdown as `%20`; letters of all languages stay."""
    return "".join(c if c.isalnum() else quote(c, safe=_SAFE) for c in path)


def _name(link: ResolvedLink) -> NameKind:
    if "/" in link.link.target:
        return NameKind.PATH
    kind = link.resolution.kind
    return NameKind.TITLE if kind in {NameKind.TITLE, NameKind.HEADING} else NameKind.STEM


def _left_out(link: ResolvedLink) -> str | None:
    """The folders that a path from the root leaves out; None for what is no such path."""
    target, path = _SUFFIX.sub("", link.link.target), _SUFFIX.sub("", link.resolution.path or "")
    tail = target.lstrip("/")
    if "/" not in tail or not f"/{path}".endswith(f"/{tail}"):
        return None
    return path[: len(path) - len(tail)]


def _root_of(link: ResolvedLink, prefix: str) -> Iterator[str | None]:
    """How a Markdown link says where it counts from; nothing if both ways look the same."""
    target, path = _SUFFIX.sub("", link.link.target), _SUFFIX.sub("", link.resolution.path or "")
    if target == f"/{path.removeprefix(prefix)}":
        yield "/"
        return
    beside = posixpath.relpath(path, posixpath.dirname(link.source) or ".")
    written = posixpath.normpath(target)
    rooted = path.removeprefix(prefix)
    if beside != rooted and written in {beside, rooted}:
        yield "" if written == rooted else None


def _most(values: Sequence[_T], otherwise: _T) -> _T:
    counted = Counter(values)
    return max(counted, key=lambda value: (counted[value], str(value)), default=otherwise)


def _as_label(title: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", " ".join(title.split()))
