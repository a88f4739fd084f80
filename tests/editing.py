"""Notes in every shape that authors use, and what a small vault takes their links for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from recall.domain import Link, LinkSyntax, Name, NoteCard
from recall.edit import NewLink
from recall.manner import Manner, new_link
from recall.names import Resolver, names_of

CARDS = {
    card.path: card
    for card in (
        NoteCard("note.md", "The note"),
        NoteCard("bees.md", "Bees"),
        NoteCard("Old Trees.md", "Old Trees", aliases=("ancient trees",)),
        NoteCard("fruit/pears.md", "Pears"),
        NoteCard("fruit/apples.md", "Apples & Co."),
        NoteCard("cellar/pears.md", "Pears in the cellar"),
        NoteCard('tools/the "long" ladder.md', 'The "long" ladder'),
        NoteCard("C#.md", "C#"),
    )
}
NAMES: dict[str, list[Name]] = {}
for card in CARDS.values():
    for key, name in names_of(card):
        NAMES.setdefault(key, []).append(name)
RESOLVER = Resolver(lambda key: NAMES.get(key, ()))


def resolve(link: Link) -> str | None:
    """The note that a link of `note.md` means."""
    return RESOLVER.resolve_link(link, source="note.md").path


def wanted(
    *paths: str, syntax: LinkSyntax = LinkSyntax.WIKI, mentioned: Sequence[str] = ()
) -> list[NewLink]:
    """Links to these notes, as `note.md` would spell them."""
    manner = Manner(syntax)
    links = [new_link(CARDS[path], RESOLVER, source="note.md", manner=manner) for path in paths]
    return [
        NewLink(item.path, item.title, item.wiki, item.address, item.prefer, tuple(mentioned))
        for item in links
    ]


# ---- Notes made of pieces, each on lines of its own

FRONT = (
    "",
    "---\ntitle: The note\ntags: [a, b]\n---\n",
    "---\nrelated:\n  - \"[[nowhere]]\"\n  - '[[Somewhere]]'  # why\ntags:\n  - a\n---\n",
    '---\nrelated: ["[[nowhere]]", "[[Somewhere]]"]\n---\n',
    "---\nrelated:\ntags:\n- a\n---\n",
    "---\nsee also: []\n---\n",
    '---\nrelated: "[[nowhere]]"\nx: 1\n---\n',
    "---\nrelated: none yet\n---\n",
    "---\nbroken: [a\n---\n",
    "---\nup: [[nowhere]]\n---\n",
)
TREE = """<div class="linkage-tree">
  <ul>
    <li>related
      <ul>
        <li>[[nowhere]]</li>
      </ul>
    </li>
  </ul>
</div>"""
PIECES = (
    "A paragraph on hives,\nold trees and [[Somewhere]].",
    "See [[nowhere|that]] and [this](other.md) and ![[picture.png]].",
    "## Related\n- [[nowhere]]\n- [[Somewhere]] — why it matters",
    "## Related",
    "## Related\n\n1. [[nowhere]]\n2. [[Somewhere]]",
    "### See also\n\n* People\n\t* [[nowhere]]\n* Books\n\t* [[Somewhere]]",
    "## Related\n- ",
    "## Links\n- [the web](https://example.org)",
    "## See also\n[[nowhere]], [[Somewhere]]",
    "## See also\nProse on [[nowhere]] and more.\n\n- a list\n- [a](a.md)\n  ```\n  code\n  ```",
    "Links: [[nowhere]], [[Somewhere]]",
    "**Related:** [a](a.md) | [b](b.md).",
    "See also:",
    "Related:\n- [ ] [[nowhere]]\n- [x] [[Somewhere]]",
    "- Related:\n  - [[nowhere]]\n- Other",
    "> [!info] Related\n> - [[nowhere]]\n> - [[Somewhere]]",
    "> A quote\nthat goes on lazily",
    "```\n## Related\n- [[nowhere]]\n```",
    "~~~\nLinks: [[nowhere]]\n~~~",
    "    - indented code [[nowhere]]",
    "$$\n[[x]]\n$$",
    "<!-- [[nowhere]]\nLinks: -->",
    "%% Please don't edit anything below this line %%",
    "%% Do not edit anything above this line %%",
    "| a | b |\n|---|---|\n| [[nowhere\\|x]] | old trees |",
    TREE,
    "## linkage\n" + "".join(line.strip() for line in TREE.splitlines()),
    '<div class="linkage-tree">\n\t<ul>\n\t\t<li>tags</li>\n\t</ul>\n</div>',
    '<div class="linkage-tree">\n  <ul>\n    <li>related</li>\n',
    "- one\n- two\n\n  more of two\n- three",
    "1) first\n2) second",
    "# The note",
    "The note\n========",
    "## Sources\n> [!ref] A book\n> https://example.org",
    '[label]: other.md "Other"',
    "[^1]: A footnote.",
    "---",
    "- [[nowhere]]\n\n- [[Somewhere]]",
    "Text ending in blanks  ",
    "\tcode behind a tab",
    "#tag and ^block-id",
)
NOISE = st.text(alphabet=" \t\n-*+>#`~|[]()<>!:$%_=.,a1é\u2028", max_size=30)


@st.composite
def texts(draw: Callable[..., object], *, is_hostile: bool = True) -> str:
    """A note, with any line endings, with or without a byte order mark and an end."""
    piece = st.sampled_from(PIECES)
    pieces = draw(st.lists(st.one_of(piece, piece, NOISE) if is_hostile else piece, max_size=5))
    body = draw(st.sampled_from(("\n\n", "\n\n", "\n", "\n\n\n"))).join(pieces)
    text = draw(st.sampled_from(FRONT)) + body + draw(st.sampled_from(("", "\n", "\n\n", " ")))
    ending = draw(st.sampled_from(("\n", "\n", "\r\n", "\r", "mixed")))
    if ending == "mixed":
        lines = text.split("\n")
        ends = [draw(st.sampled_from(("\n", "\r\n"))) for _ in lines[1:]]
        text = "".join(a + b for a, b in zip(lines, [*ends, ""], strict=True))
    else:
        text = text.replace("\n", ending)
    return draw(st.sampled_from(("", "", "\ufeff"))) + text


TARGETS = st.lists(
    st.sampled_from([path for path in CARDS if path != "note.md"]), min_size=1, max_size=3,
    unique=True,
)  # fmt: skip
