"""A vault with links taken out, so that it can be asked for them.

The protocol: sources are notes with 2 to 30 links to other notes and at least 30 words without
them. Track `new` takes every link out of each source, and every link that any note makes to one:
a source is then what a fresh note is. Track `missing` takes one link out of each source with
three or more. Anchor `hidden` takes a link's visible text as well, which names the target in most
vaults; anchor `mention` leaves it as prose.
"""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from recall.domain import DEFAULT_RULES, HeadingRules, Link, LinkPlace, LinkSyntax, Name, Note
from recall.entries import card_of
from recall.errors import NoteUnreadable
from recall.evaluate.unlinking import Cut, reference_uses, unlink
from recall.markdown import parse_note
from recall.names import Resolver, names_of
from recall.patterns import regex
from recall.records import dataclass
from recall.words import terms_of_word, words

if TYPE_CHECKING:
    from recall.vault import Vault

FEWEST_LINKS = {"new": 2, "missing": 3}
MOST_LINKS = 30
FEWEST_WORDS = 30
MOST_ROUNDS = 20  # taking a link out can bring one to light; each round takes those

_PIPE = regex(r"\\?\|")
_TAG = regex(r"<[^<>]*>")
SUFFIX = regex(r"\.(?:md|markdown)$", re.IGNORECASE)
_DEFINED = regex(r"\[\[?(.*?)\]?\]:")


class Track(StrEnum):
    """Which links are taken out."""

    NEW = "new"
    MISSING = "missing"


class Anchor(StrEnum):
    """What becomes of a link's visible text."""

    HIDDEN = "hidden"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class MaskedSource:
    """A note of the copy that is to be asked for links, and what they pointed at."""

    path: str
    hidden: tuple[str, ...]  # paths, sorted


class VaultTexts:
    """The notes of a vault in memory, parsed, with what each link points at."""

    def __init__(self, notes: dict[str, Note], rules: HeadingRules = DEFAULT_RULES) -> None:
        self.notes = notes
        self.rules = rules

    @classmethod
    def read(cls, vault: Vault, rules: HeadingRules = DEFAULT_RULES) -> VaultTexts:
        """Read every note of a folder; files that are no text are left out."""
        notes: dict[str, Note] = {}
        for path in vault.list().stamps:
            with contextlib.suppress(NoteUnreadable):
                notes[path] = parse_note(path, vault.read(path)[0], rules)
        return cls(notes, rules)

    @cached_property
    def resolver(self) -> Resolver:
        """What link targets mean in this vault."""
        names: dict[str, list[Name]] = {}
        for note in self.notes.values():
            for key, name in names_of(card_of(note)):
                names.setdefault(key, []).append(name)
        return Resolver(lambda key: names.get(key, ()))

    def links(self, path: str) -> Iterator[tuple[Link, str | None]]:
        """A note's links to other notes, each with the path it points at, if there is one."""
        for link in self.notes[path].links:
            target = self.resolver.resolve_link(link, source=path).path
            if target != path:
                yield link, target

    def targets(self, path: str) -> frozenset[str]:
        """The other notes that a note links."""
        return frozenset(target for _, target in self.links(path) if target is not None)

    def with_texts(self, texts: Mapping[str, str]) -> VaultTexts:
        """The vault with other texts for some of its notes."""
        changed = {path: parse_note(path, text, self.rules) for path, text in texts.items()}
        return VaultTexts({**self.notes, **changed}, self.rules)

    def cut(self, path: str, links: list[Link], anchor: Anchor) -> str:
        """A note's text without these links."""
        text = self.notes[path].text
        cuts = [Cut(link.span, self._kept(path, link, anchor)) for link in links]
        labels = [
            found.group(1)
            for link in links
            if link.syntax is LinkSyntax.DEFINITION
            and (found := _DEFINED.match(text, link.span.start))
        ]
        if labels:
            is_hidden = anchor is Anchor.HIDDEN
            uses = reference_uses(text, labels)
            cuts += [Cut(use.span) if is_hidden else use for use in uses]
        return unlink(text, cuts, drops_lines=anchor is Anchor.HIDDEN)

    def _kept(self, path: str, link: Link, anchor: Anchor) -> str:
        """What a reader saw of a link, if that is to stay; an embed shows its note, not a name."""
        if anchor is Anchor.HIDDEN or link.place is LinkPlace.EMBED:
            return ""
        raw = self.notes[path].text[link.span.start : link.span.end]
        if link.syntax is LinkSyntax.DEFINITION:
            return ""
        if link.syntax is LinkSyntax.MARKDOWN:
            return _TAG.sub("", raw) if raw.startswith("<") else raw[1 : raw.rfind("](")]
        target, *label = _PIPE.split(raw.lstrip("!")[2:-2], maxsplit=1)
        is_label = label and self.resolver.resolve(link.target, source=path).path is not None
        return label[0] if is_label else SUFFIX.sub("", target)


def masked(
    vault: VaultTexts,
    *,
    track: Track,
    anchor: Anchor,
    seed: int = 0,
    most: int = 150,
    spare: Collection[tuple[str, str]] = (),
) -> tuple[tuple[MaskedSource, ...], VaultTexts]:
    """A vault without the links that are to be found again; nothing is written.

    Args:
        vault: The notes as they are.
        track: Which links go.
        anchor: What becomes of their words.
        seed: Of the choice of sources and, in track `missing`, of the links.
        most: How many sources at most.
        spare: Links that stay all the same: (linking, linked) paths.

    Returns:
        The sources by path, with what was hidden, and all notes as they are without it.
    """
    sources = choose(vault, track=track, seed=seed, most=most)
    hidden = {source.path: frozenset(source.hidden) for source in sources}

    def is_taken(path: str, target: str | None) -> bool:
        if (path, target) in spare:
            return False
        if track is Track.MISSING:
            return target in hidden.get(path, ())
        return path in hidden or target in hidden

    return sources, take_out(vault, is_taken, anchor)


def choose(vault: VaultTexts, *, track: Track, seed: int, most: int) -> tuple[MaskedSource, ...]:
    """The sources, and what is to be hidden of each."""
    eligible = {}
    for path in sorted(vault.notes):
        targets = sorted(vault.targets(path))
        if FEWEST_LINKS[track] <= len(targets) <= MOST_LINKS and _has_words(vault, path):
            eligible[path] = targets
    chosen = random.Random(f"sources {seed}").sample(sorted(eligible), min(most, len(eligible)))
    return tuple(
        MaskedSource(
            path, tuple(eligible[path]) if track is Track.NEW else (_one(eligible, path, seed),)
        )
        for path in sorted(chosen)
    )


def take_out(
    vault: VaultTexts, is_taken: Callable[[str, str | None], bool], anchor: Anchor
) -> VaultTexts:
    """The vault without the links for which `is_taken(source, target)` holds.

    Goes on until there are none: taking out a link can bring another to light (one in its label),
    and can change the names that links resolve to (a link in a heading).
    """
    for _ in range(MOST_ROUNDS):
        texts = {}
        for path in vault.notes:
            links = [link for link, target in vault.links(path) if is_taken(path, target)]
            if links:
                texts[path] = vault.cut(path, links, anchor)
        if not texts:
            return vault
        vault = vault.with_texts(texts)
    raise RuntimeError(f"links are left after {MOST_ROUNDS} rounds in {sorted(texts)[:3]}")


def _one(eligible: Mapping[str, list[str]], path: str, seed: int) -> str:
    return random.Random(f"link {seed} {path}").choice(eligible[path])


def _has_words(vault: VaultTexts, path: str) -> bool:
    """Whether enough prose is left of a note when its links are gone."""
    alone = VaultTexts({path: vault.notes[path]}, vault.rules)
    alone.resolver = vault.resolver
    links = [link for link, _ in alone.links(path)]
    note = parse_note(path, alone.cut(path, links, Anchor.HIDDEN), vault.rules)
    texts = [block.text for section in note.sections if section.facet for block in section.blocks]
    found = (word for text in texts for word, _, _ in words(text))
    # Chinese has no blanks between words: two characters of a run count as one.
    return sum(max(1, len(terms_of_word(word)) // 2) for word in found) >= FEWEST_WORDS
