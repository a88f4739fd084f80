"""A name of another note in the prose, made a link to it: `[[Title|as written]]`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from recall.domain import Facet, LinkSyntax, Section
from recall.edit.insertion import Insertion, Shape
from recall.edit.place import Put
from recall.markdown.leaves import Leaf, LeafKind
from recall.markdown.mask import shield
from recall.names import normal_form
from recall.patterns import regex

if TYPE_CHECKING:
    from recall.edit.page import Page
    from recall.manner import NewLink

GAP = "\ue000"  # stands where no name can be: in a link, a tag, an address

# What the reader does not see as words, or what a link inside would break.
_NO_PROSE = regex(
    r"""!?\[\[[^\[\]\n]*\]\]                      # wikilinks
    | !?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*[^()]*\)   # links
    | !?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\[[^\[\]]*\]  # reference links
    | \[[^\[\]\n]*\]                              # footnotes, shortcut links, task boxes
    | <[a-zA-Z/!?][^<>]*>                         # HTML tags, autolinks
    | [a-zA-Z][a-zA-Z0-9+.\-]{1,15}://[^\s<>]+ | \bwww\.[^\s<>]+
    | [^\s@<>]{1,99}@[^\s@<>]{1,99}\.[^\s@<>]+
    | (?<!\S)\#[^\s#]+                            # tags
    | (?<!\S)\^[A-Za-z0-9-]+[ \t]*$               # block ids
    | ^[ \t>*_+-]*[^\n:\[\]]{1,60}::              # keys of inline fields
    | \{\{[^{}]*\}\} | \{%[^{}]*%\} | <%[^<]*?%>  # template placeholders
    | [^\s<>]{0,199}/[^\s<>]*                      # paths
    """,
    re.VERBOSE | re.MULTILINE,
)
_STAND_IN = regex("[\ufdd0-\ufdef]")
_ANCHOR_TAG = regex(r"<a\b[^<>]*>|(</a\s*>)", re.IGNORECASE)
MOST_PROSE = 20_000  # characters of a paragraph, item or table that mentions are looked for in
_PROSE = frozenset({LeafKind.PARAGRAPH, LeafKind.ITEM, LeafKind.TABLE})


def link_mention(page: Page, link: NewLink) -> Iterator[tuple[Put, Shape]]:
    """Each way to make the first mention of the target a link; the longest name first."""
    names = sorted(
        {n for name in link.names if (n := normal_form(name))}, key=lambda n: (-len(n), n)
    )
    patterns = [_pattern(name) for name in names]
    leaves = [(leaf, _prose(page, leaf)) for leaf in page.leaves if _is_prose(page, leaf)]
    for pattern in patterns:
        for leaf, prose in leaves:
            for found in pattern.finditer(prose):
                at, end = leaf.start + found.start(), leaf.start + found.end()
                if page.may_change(at) and page.may_change(end):
                    put = _linked(page.text[at:end], at, link, in_table=leaf.kind is LeafKind.TABLE)
                    if put is not None:
                        yield put, Shape.MENTION


def _linked(words: str, at: int, link: NewLink, *, in_table: bool) -> Put | None:
    """Put the link around the words, which stay as they are."""
    end = at + len(words)
    if link.prefer is LinkSyntax.MARKDOWN and link.address:
        written = f"[{words}]({link.address})"
        return Put((Insertion(at, "["), Insertion(end, f"]({link.address})")), (written,))
    target = link.wiki.partition("|")[0]
    if words == target:
        return Put((Insertion(at, "[["), Insertion(end, "]]")), (f"[[{words}]]",))
    bar = "\\|" if in_table else "|"
    written = f"[[{target}{bar}{words}]]"
    return Put((Insertion(at, f"[[{target}{bar}"), Insertion(end, "]]")), (written,))


def _pattern(name: str) -> re.Pattern[str]:
    """The name as whole words and no part of a longer one, on one line, in whatever case."""
    words = r"[ \t]+".join(re.escape(word) for word in name.split())
    return re.compile(rf"(?<!\w)(?<!\w[-.]){words}(?!\w|[-.]\w)", re.IGNORECASE)


def _is_prose(page: Page, leaf: Leaf) -> bool:
    if leaf.kind not in _PROSE or leaf.is_html or leaf.end - leaf.start > MOST_PROSE:
        return False
    section = _section_of(page, leaf)
    return section is None or section.facet not in {None, Facet.TITLE}


def _section_of(page: Page, leaf: Leaf) -> Section | None:
    sections = page.note.sections  # in the order in which they begin
    before = bisect_right(sections, leaf.start, key=lambda section: section.span.start)
    behind = (sections[place] for place in range(before - 1, -1, -1))
    return next((section for section in behind if leaf.start < section.span.end), None)


def _prose(page: Page, leaf: Leaf) -> str:
    """The leaf's text, of the same length, with everything that is no prose taken for a gap."""
    text = shield(page.cleaned[leaf.start : leaf.end])
    for link in page.all_links_in(leaf.start, leaf.end):
        start, end = link.span.start - leaf.start, link.span.end - leaf.start
        text = text[:start] + GAP * (end - start) + text[end:]
    for start, end in _anchors(text):
        text = text[:start] + GAP * (end - start) + text[end:]
    text = _NO_PROSE.sub(lambda found: GAP * len(found.group()), text)
    return _STAND_IN.sub(GAP, text)


def _anchors(text: str) -> Iterator[tuple[int, int]]:
    """From each `<a …>` to the next `</a>`."""
    start = None
    for tag in _ANCHOR_TAG.finditer(text):
        if tag.group(1) and start is not None:
            yield start, tag.end()
            start = None
        elif not tag.group(1) and start is None:
            start = tag.start()
