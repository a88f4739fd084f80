"""Whether an edit did what it was meant to, and nothing else: judged by reading both texts.

Every edit goes through here before anybody sees it, so a note that the editor misunderstands is
left alone instead of being spoilt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from recall.domain import Block, Link, LinkPlace, LinkSyntax, Note, Span
from recall.edit.insertion import Shape
from recall.records import replace

if TYPE_CHECKING:
    from recall.edit.page import Page
    from recall.manner import NewLink

Resolve = Callable[[Link], str | None]  # the path of the note that a link means

_NOWHERE = Span(0, 0)


def is_sound(
    old: Page, new: Page, links: Sequence[NewLink], shape: Shape, resolve: Resolve
) -> bool:
    """Whether the new text has the old links and these, and says all else as before."""
    return (
        _same_card(old.note, new.note)
        and _only_these_links(old.note, new.note, links, resolve)
        and _same_headings(old, new)
        and _same_blocks(old.note, new.note, links, shape)
        and _same_properties(old, new, shape)
    )


def _same_card(old: Note, new: Note) -> bool:
    bare = {"text": "", "sections": (), "links": ()}
    return replace(old, **bare) == replace(new, **bare)  # type: ignore[arg-type]


def _only_these_links(old: Note, new: Note, links: Sequence[NewLink], resolve: Resolve) -> bool:
    """Whether the links are the old ones in their order, with each wanted one among them once."""
    before = [_bare(link) for link in old.links]
    wanted = {link.path for link in links}
    at = 0
    for link in new.links:
        if at < len(before) and _bare(link) == before[at]:
            at += 1
        elif (target := resolve(link)) in wanted:
            wanted.discard(target or "")
        else:
            return False
    return at == len(before) and not wanted


def _bare(link: Link) -> Link:
    """A link without where it stands; a definition at the end is of whatever section is last."""
    is_definition = link.syntax is LinkSyntax.DEFINITION
    place = LinkPlace.BODY if is_definition else link.place
    return replace(link, span=_NOWHERE, place=place)


def _same_headings(old: Page, new: Page) -> bool:
    """Whether the headings are the old ones, with at most one new among them."""
    before = [(leaf.level, old.read(leaf)) for leaf in old.headings]
    after = [(leaf.level, new.read(leaf)) for leaf in new.headings]
    return len(after) - len(before) <= 1 and _is_subsequence(before, after)


def _is_subsequence(part: Sequence[object], whole: Sequence[object]) -> bool:
    remaining = iter(whole)
    return all(any(item == other for other in remaining) for item in part)


def _same_blocks(old: Note, new: Note, links: Sequence[NewLink], shape: Shape) -> bool:
    """Whether a reader sees the old blocks, the new links, and at most one row that grew."""
    before, after = _blocks(old), _blocks(new)
    if shape in {Shape.MENTION, Shape.PROPERTY, Shape.TREE}:
        return before == after
    shown = {name for link in links for name in link.shown}
    grown = at = 0
    for kind, text in after:
        if at < len(before) and before[at] == (kind, text):
            at += 1
        elif text in shown and shape is Shape.LIST:
            continue
        elif shape is Shape.LINE and not grown:
            grown = 1
            at += at < len(before) and text.startswith(before[at][1].rstrip(" .;"))
        else:
            return False
    return at == len(before)


def _blocks(note: Note) -> list[tuple[object, str]]:
    every: list[Block] = [block for section in note.sections for block in section.blocks]
    return [(block.kind, block.text) for block in every]


def _same_properties(old: Page, new: Page, shape: Shape) -> bool:
    """Whether the YAML block says what it said, apart from the one list that grew."""
    if shape is not Shape.PROPERTY:
        return old.text[: old.front.body] == new.text[: new.front.body]
    before, after = _properties(old), _properties(new)
    if before is None or after is None:
        return False
    grown = [key for key in after if after[key] != before.get(key)]
    return before.keys() <= after.keys() and len(grown) == 1 and new.is_related(grown[0])


def _properties(page: Page) -> Mapping[str, Any] | None:
    front = page.front
    try:
        values = yaml.load(page.cleaned[front.start : front.end], Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError:
        return None
    if values in (None, ""):
        return {}
    return values if isinstance(values, dict) else None
