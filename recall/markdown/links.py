"""The links of one block: wikilinks, Markdown links to notes, HTML anchors, definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

from recall.domain import ATTACHMENT_EXTENSIONS, Link, LinkPlace, LinkSyntax, Span
from recall.markdown.mask import unshield
from recall.markdown.plain import read
from recall.patterns import regex

_WIKILINK = regex(r"(!?)\[\[([^\[\]\n]*)\]\]")
_PIPE = regex(r"\\?\|")
_BRACKET = regex(r"[\[\]]")
# Bounds keep hostile text linear: each opener looks only so far.
_DESTINATION = regex(
    r"""\([ \t\n]{0,100}
    (?:<([^<>\n]{0,2000})>|((?:[^\s()<>]|\([^\s()<>]{0,500}\)){0,1000}))
    (?:[ \t\n]{1,100}(?:"[^"]{0,2000}"|'[^']{0,2000}'|\([^()]{0,2000}\)))?[ \t\n]{0,100}\)""",
    re.VERBOSE,
)
_ANCHOR = regex(
    r"""<a\s[^<>]{0,500}?\bhref\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))[^<>]*>""",
    re.IGNORECASE,
)
_ANCHOR_END = regex(r"</a\s*>|\n", re.IGNORECASE)
DEFINITION = regex(
    r"""\[([^\[\]\n^][^\[\]\n]{0,998}|\[[^\[\]\n]{1,998}\])\]:[ \t]*
    (?:<([^<>\n]*)>|([^\s<][^\s]*))
    (?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*$""",
    re.VERBOSE | re.MULTILINE,
)
_SCHEME = regex(r"[a-zA-Z][a-zA-Z0-9+.\-]+:|//|www\.", re.IGNORECASE)
# In a Markdown link a suffix is a file type; a wikilink may well point at a note on `Node.js`.
_WEB_FILES = frozenset({
    "c", "cpp", "css", "go", "h", "htm", "html", "ini", "ipynb", "java", "js", "json", "log",
    "php", "py", "rb", "rs", "sh", "toml", "ts", "tsx", "txt", "xml", "yaml", "yml",
})  # fmt: skip


def find_links(shielded: str, raw: str, base: int, place: LinkPlace) -> list[Link]:
    """List the links of a block in order; `raw` is the same block before it was shielded."""
    links: list[Link] = []
    if "[[" in shielded:
        links += find_wikilinks(shielded, raw, base, place)
    if "](" in shielded:
        links += _markdown_links(shielded, base, place)
    if "href" in shielded or "HREF" in shielded:
        links += _anchors(shielded, base, place)
    links.sort(key=lambda link: (link.span.start, -link.span.end))
    return links


def find_wikilinks(shielded: str, raw: str, base: int, place: LinkPlace) -> Iterator[Link]:
    """Yield `[[links]]` and `![[embeds]]` of notes."""
    for found in _WIKILINK.finditer(shielded):
        inner = raw[found.start(2) : found.end(2)]
        target, *label = _PIPE.split(inner, maxsplit=1)
        yield from _link(
            target,
            label[0].strip() if label else "",
            Span(base + found.start(), base + found.end()),
            LinkPlace.EMBED if found.group(1) else place,
            LinkSyntax.WIKI,
        )


def find_definition(shielded: str, base: int, place: LinkPlace) -> Iterator[Link]:
    """Yield the link of a reference definition, `[label]: note.md "Title"`."""
    found = DEFINITION.match(shielded)
    if found:
        yield from _address(
            unshield(found.group(2) or found.group(3) or ""),
            found.group(1).strip("[]"),
            Span(base, base + len(shielded.rstrip())),
            place,
            LinkSyntax.DEFINITION,
        )


def _markdown_links(shielded: str, base: int, place: LinkPlace) -> Iterator[Link]:
    opened: list[int] = []
    for bracket in _BRACKET.finditer(shielded):
        at = bracket.start()
        if bracket.group() == "[":
            opened.append(at)
            continue
        start = opened.pop() if opened else -1
        if start < 0 or not shielded.startswith("(", at + 1):
            continue
        found = _DESTINATION.match(shielded, at + 1)
        if found is None or shielded.startswith("!", start - 1 if start else len(shielded)):
            continue
        yield from _address(
            unshield(found.group(1) or found.group(2) or ""),
            read(shielded[start + 1 : at]),
            Span(base + start, base + found.end()),
            place,
            LinkSyntax.MARKDOWN,
        )


def _anchors(shielded: str, base: int, place: LinkPlace) -> Iterator[Link]:
    anchors = list(_ANCHOR.finditer(shielded))
    for at, found in enumerate(anchors, start=1):
        limit = anchors[at].start() if at < len(anchors) else len(shielded)
        end = _ANCHOR_END.search(shielded, found.end(), limit)
        is_closed = end is not None and end.group() != "\n"
        yield from _address(
            unescape(unshield(found.group(1) or found.group(2) or found.group(3) or "")),
            read(shielded[found.end() : end.start()]) if end and is_closed else "",
            Span(base + found.start(), base + (end.end() if end and is_closed else found.end())),
            place,
            LinkSyntax.MARKDOWN,
        )


def _address(
    address: str, label: str, span: Span, place: LinkPlace, syntax: LinkSyntax
) -> Iterator[Link]:
    """Yield a link whose target is a URL path, unless it leads out of the vault's notes."""
    address = address.strip()
    if not address or address.startswith(("#", "?")) or _SCHEME.match(address):
        return
    path, mark, rest = address.partition("#")
    target = unquote(path.partition("?")[0]) + mark + unquote(rest)
    if _suffix(target.partition("#")[0]) in _WEB_FILES:
        return
    yield from _link(target, label, span, place, syntax)


def _suffix(target: str) -> str:
    name = target.rstrip().rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _link(
    target: str, label: str, span: Span, place: LinkPlace, syntax: LinkSyntax
) -> Iterator[Link]:
    """Take a target apart and yield a link, unless it points at nothing or at an attachment."""
    name, mark, rest = (part.strip() for part in target.partition("#"))
    heading, block = (None, rest[1:]) if rest.startswith("^") else (rest or None, None)
    if not (name or (mark and rest)) or _suffix(name) in ATTACHMENT_EXTENSIONS:
        return
    yield Link(
        target=name,
        span=span,
        place=place,
        syntax=syntax,
        label=label if label and label != name else None,
        heading=heading,
        block=block or None,
    )
