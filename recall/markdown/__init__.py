"""The text of one file → a `Note`, with true character offsets.

The way through: `frontmatter` reads the YAML block; `blocks` finds where headings, callouts,
paragraphs and items stand; for each of them `mask` hides code and comments, `links` finds links
and `plain` reads the prose; `sections` puts it together by what headings mean (`roles`).
"""

from __future__ import annotations

import re

from recall.domain import DEFAULT_RULES, HeadingRules, Link, LinkPlace, Note
from recall.markdown.blocks import scan_blocks
from recall.markdown.frontmatter import Frontmatter, read_frontmatter
from recall.markdown.links import find_wikilinks
from recall.markdown.mask import clean
from recall.markdown.plain import plain_text
from recall.markdown.roles import Roles
from recall.markdown.sections import build_body
from recall.patterns import regex
from recall.records import replace

__all__ = ["parse_note", "plain_text"]

_COMMENT_LINE = regex(r"^[ \t]*#[^\n]*", re.MULTILINE)
_DEFAULT_ROLES = Roles(DEFAULT_RULES)


def parse_note(path: str, text: str, rules: HeadingRules = DEFAULT_RULES) -> Note:
    """Read one note. Never raises: what can't be understood is a line in `problems`."""
    front = read_frontmatter(text)
    cleaned = clean(text)
    roles = _DEFAULT_ROLES if rules is DEFAULT_RULES else Roles(rules)
    leaves = scan_blocks(cleaned, front.body)
    body = build_body(cleaned, front.body, leaves, roles, front.title)
    return Note(
        path=path,
        title=front.title or body.first_heading or _stem(path),
        text=text,
        note_id=front.note_id,
        first_heading=body.first_heading,
        aliases=front.aliases,
        tags=_tags(front, body.tags),
        keywords=front.keywords,
        description=front.description,
        created=front.created,
        updated=front.updated,
        draft=front.draft,
        sections=tuple(body.sections),
        links=(*_frontmatter_links(cleaned, front), *body.links),
        problems=front.problems,
    )


def _stem(path: str) -> str:
    return re.sub(r"(?<=.)\.(?:md|markdown)$", "", path.rpartition("/")[2], flags=re.IGNORECASE)


def _tags(front: Frontmatter, inline: list[str]) -> tuple[str, ...]:
    kept = {tag.casefold(): tag for tag in reversed((*front.tags, *inline))}
    return tuple(reversed(kept.values()))


def _frontmatter_links(cleaned: str, front: Frontmatter) -> list[Link]:
    """Find wikilinks in the block as it is written: unquoted ones are lists to YAML."""
    block = cleaned[front.start : front.end]
    if "[[" not in block:
        return []
    shielded = _COMMENT_LINE.sub(lambda line: " " * len(line.group()), block)
    links = find_wikilinks(shielded, block, front.start, LinkPlace.FRONTMATTER)
    return [replace(link, place=LinkPlace.FRONTMATTER) for link in links]
