"""Rules about the links that a note has: broken, ambiguous, or leading to a draft."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from recall.domain import Link, LinkSyntax, ResolvedLink
from recall.names import spelling
from recall.patterns import regex
from recall.prepublish.examination import Examination, shortened
from recall.publishing import Finding, Rule

NAMED = 3  # notes that an ambiguous link could mean are named before the rest is counted
_PLACEHOLDER = regex(r"\{\{|\{%|<%|\$\{|\{\{<")  # a template fills it in
_NOTE_SUFFIX = regex(r"\.(?:md|markdown)$", re.IGNORECASE)
_PAGE_SUFFIX = regex(r"\.html?$", re.IGNORECASE)


def broken_links(exam: Examination) -> Iterator[Finding]:
    """Links that resolve to nothing, with the note that was likely meant."""
    for found in exam.links:
        if found.resolution.path is None and not is_no_note(found, exam):
            yield broken_link(found, exam)


def broken_link(found: ResolvedLink, exam: Examination, *, why: str = "") -> Finding:
    """The finding for a link that resolves to nothing."""
    written = exam.written(found)
    meant = exam.vaultwide.likely.meant_by(found.link.target)
    card = exam.card(meant) if meant and meant != exam.note.path else None
    link = None
    if card is not None:
        link = f"[[{spelling(card, exam.edition.resolver, source=exam.note.path)}]]"
    reason = why or ("" if link else ": no note has that name")
    return exam.finding(
        Rule.BROKEN_LINK,
        f"{written} leads nowhere{reason}" + (f"; likely meant: {link}" if link else ""),
        offset=found.link.span.start,
        subject=found.link.target,
        link=link,
        target=card.path if card else None,
    )


def is_no_note(found: ResolvedLink, exam: Examination) -> bool:
    """Whether a link that means no note leads somewhere all the same, as far as we can tell."""
    link = found.link
    if _PLACEHOLDER.search(link.target):
        return True
    if "://" in f"{link.target} {link.label}":  # an address mistyped, or another Dendron vault
        return True
    if link.syntax is not LinkSyntax.WIKI and _is_of_the_site(link, exam):
        return True
    folder = posixpath.dirname(found.source)
    for base in ("", folder):
        path = posixpath.normpath(posixpath.join(base, link.target.strip("/")))
        if path != "." and exam.edition.has_file(path):
            return True
    return False


def _is_of_the_site(link: Link, exam: Examination) -> bool:
    """Whether a Markdown link is written as an address of the published site.

    A site generator gives pages addresses of its own (`/about/`, `post.html`); only one that ends
    in `.md` claims to be a note. The page of a note that is there is surely no dead end.
    """
    if _NOTE_SUFFIX.search(link.target):
        return False
    if link.target.startswith("/") or _PAGE_SUFFIX.search(link.target):
        return True
    bare = link.target.rstrip("/")
    resolver = exam.edition.resolver
    page = resolver.resolve(bare, source=exam.note.path, syntax=link.syntax)
    return page.path is not None


def links_to_drafts(exam: Examination) -> Iterator[Finding]:
    """Links from a note that is published to one that is not."""
    if not exam.is_published:
        return
    for found in exam.links:
        path = found.resolution.path
        if path is None or path == exam.note.path or exam.edition.is_published(path):
            continue
        if exam.card(path) is None:
            continue
        yield exam.finding(
            Rule.LINK_TO_DRAFT,
            f"{exam.written(found)} leads to a draft: readers will not get there",
            offset=found.link.span.start,
            subject=path,
            target=path,
        )


def ambiguous_links(exam: Examination) -> Iterator[Finding]:
    """Links that could mean several notes."""
    for found in exam.links:
        resolution = found.resolution
        if not resolution.is_ambiguous or resolution.path is None:
            continue
        card = exam.card(resolution.path)
        if card is None:
            continue
        others = [path for path in resolution.candidates if path != resolution.path]
        named = ", ".join(shortened(path) for path in others[: NAMED - 1])
        more = len(others) - (NAMED - 1)
        link = f"[[{spelling(card, exam.edition.resolver, source=exam.note.path)}]]"
        yield exam.finding(
            Rule.AMBIGUOUS_LINK,
            f"{exam.written(found)} means {card.path}, and could as well mean {named}"
            + (f" or {more:,} more" if more > 0 else ""),
            offset=found.link.span.start,
            subject=found.link.target,
            link=link,
            target=card.path,
        )
