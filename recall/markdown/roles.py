"""What headings and callout titles mean: a facet, furniture, or a list of related notes."""

from __future__ import annotations

from recall.domain import Facet, HeadingRules
from recall.patterns import regex
from recall.records import dataclass

_PUNCTUATION = regex(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Role:
    """What a section is for; `facet` None is furniture."""

    facet: Facet | None
    is_related: bool = False


BODY = Role(Facet.BODY)


class Roles:
    """Heading rules as one table, looked up case-folded and without punctuation."""

    def __init__(self, rules: HeadingRules) -> None:
        self._roles: dict[str, Role] = {}
        for facet, words in rules.facets.items():
            self._enter(words, Role(facet))
        self._enter(rules.related, Role(None, is_related=True))
        self._enter(rules.furniture, Role(None))

    def _enter(self, words: tuple[str, ...], role: Role) -> None:
        for word in words:
            self._roles.setdefault(folded(word), role)

    def of(self, heading: str) -> Role | None:
        """The role of a heading by its text alone."""
        return self._roles.get(folded(heading))


def folded(heading: str) -> str:
    """Case-fold a heading and drop its punctuation."""
    return _PUNCTUATION.sub(" ", heading.casefold()).strip()
