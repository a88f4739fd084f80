"""`names`: what a link target means, and how a link is written."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.domain import (
    Link,
    LinkPlace,
    LinkSyntax,
    Name,
    NameKind,
    NoteCard,
    Resolution,
    Span,
)
from recall.markdown import parse_note
from recall.names import Resolver, link_keys, names_of, normal_form, spelling


class Vault:
    """Notes by their names, as an index would keep them; remembers what it was asked."""

    def __init__(self, *cards):
        self.cards = cards
        self.asked = set()
        self._names = defaultdict(list)
        for card in cards:
            for key, name in names_of(card):
                self._names[key].append(name)
        self.resolver = Resolver(self.lookup)

    def lookup(self, key):
        self.asked.add(key)
        return self._names[key]

    def resolve(self, target, source="source.md", syntax=LinkSyntax.WIKI):
        return self.resolver.resolve(target, source=source, syntax=syntax)

    def path(self, target, source="source.md", syntax=LinkSyntax.WIKI):
        return self.resolve(target, source, syntax).path


def note(path, title="", **fields):
    return NoteCard(path=path, title=title or path.rpartition("/")[2].removesuffix(".md"), **fields)


def link(target, label=None, syntax=LinkSyntax.WIKI):
    return Link(target, Span(0, 1), LinkPlace.BODY, syntax, label=label)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Maps.md", "maps"),
        ("a.md.md", "a.md"),
        (".md", ".md"),
        ("/a", "a"),
        ("./a", "a"),
        ("  A \t b ", "a b"),
        ("f / B", "f/b"),
        ("Stra\u00dfe", "strasse"),
        ("Cafe\u0301", "caf\u00e9"),
        ("\ud800", "\ufffd"),
        ("", ""),
    ],
)
def test_names_are_compared_without_case_composition_blanks_and_suffix(name, key):
    assert normal_form(name) == key


def test_a_note_is_found_by_id_stem_title_alias_and_heading():
    card = note("f/Stem.md", "Title", note_id="N1", aliases=("Al", "al"), first_heading="Head")
    assert names_of(card) == (
        ("stem", Name(NameKind.STEM, "f/Stem.md")),
        ("n1", Name(NameKind.NOTE_ID, "f/Stem.md")),
        ("title", Name(NameKind.TITLE, "f/Stem.md")),
        ("al", Name(NameKind.ALIAS, "f/Stem.md")),
        ("head", Name(NameKind.HEADING, "f/Stem.md")),
    )


@pytest.mark.parametrize(
    ("target", "path", "kind"),
    [
        ("N1", "f/a.md", NameKind.NOTE_ID),
        ("f/a", "f/a.md", NameKind.PATH),
        ("F/A.md", "f/a.md", NameKind.PATH),
        ("g/a", "deep/g/a.md", NameKind.PATH_TAIL),
        ("/f/a", "f/a.md", NameKind.PATH),
        ("b", "f/b.md", NameKind.STEM),
        ("Long Title", "f/b.md", NameKind.TITLE),
        ("other", "f/b.md", NameKind.ALIAS),
        ("Heading", "f/b.md", NameKind.HEADING),
        ("root", "root.md", NameKind.PATH),
        ("nothing", None, None),
        ("x/b", None, None),
        ("\x00", None, None),
        ("a" * 100_000, None, None),
    ],
)
def test_the_kind_of_name_that_matched_is_told(target, path, kind):
    vault = Vault(
        note("f/a.md", note_id="N1"),
        note("deep/g/a.md"),
        note("f/b.md", "Long Title", aliases=("other",), first_heading="Heading"),
        note("root.md"),
        note("h/root.md"),
    )
    found = vault.resolve(target)
    assert (found.path, found.kind) == (path, kind)


def test_the_first_kind_of_name_that_any_note_bears_wins():
    vault = Vault(
        note("1.md", first_heading="x"),
        note("2.md", aliases=("x",)),
        note("3.md", "x"),
        note("f/x.md"),
    )
    assert vault.path("x") == "f/x.md"
    assert vault.path("2") == "2.md"


def test_of_equal_names_the_same_folder_wins_then_the_shortest_path_then_the_alphabet():
    vault = Vault(*(note(f"{folder}/x.md") for folder in ("bb", "c/d", "a/b/c", "aa", "a")))
    assert vault.resolve("x", "c/d/s.md").candidates == (
        "c/d/x.md", "a/x.md", "aa/x.md", "bb/x.md", "a/b/c/x.md",
    )  # fmt: skip
    assert vault.resolve("x").is_ambiguous


def test_a_target_that_ends_in_md_is_a_file_name_first():
    vault = Vault(note("f/a.md"), note("g/b.md", note_id="a"))
    assert (vault.path("a"), vault.path("a.md")) == ("g/b.md", "f/a.md")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("x.md", "f/x.md"),
        ("./x.md", "f/x.md"),
        ("../x.md", "x.md"),
        ("/x.md", "x.md"),
        ("g/y.md", "g/y.md"),
        ("sub/z.md", "f/sub/z.md"),
        ("z", "f/sub/z.md"),
        ("../../x.md", None),
        ("../../../f/x.md", None),
        ("Titled", None),
        ("sub/", "f/sub/index.md"),
        ("sub", "f/sub/index.md"),
        ("../g", "g/g.md"),
        ("../h/", "h/README.md"),
        ("../empty/", None),
        (".", None),
        ("..", "index.md"),
    ],
)
def test_a_markdown_link_goes_from_its_folder_then_from_the_root_then_by_stem(target, path):
    vault = Vault(
        note("f/x.md"), note("x.md"), note("g/y.md"), note("f/sub/z.md"), note("f/t.md", "Titled"),
        note("f/sub/index.md"), note("g/g.md"), note("h/README.md"), note("index.md"),
    )  # fmt: skip
    assert vault.path(target, "f/s.md", LinkSyntax.MARKDOWN) == path


def test_a_wikilink_may_be_relative_or_name_a_folder():
    vault = Vault(note("f/x.md"), note("x.md"), note("g/sub/index.md"))
    assert vault.path("../x", "f/s.md") == "x.md"
    assert vault.path("./x", "f/s.md") == "f/x.md"
    assert vault.path("../../x", "f/s.md") is None
    assert vault.path("sub/", "f/s.md") == "g/sub/index.md"
    assert vault.path("g/sub", "f/s.md") == "g/sub/index.md"


def test_nothing_before_the_heading_means_the_note_itself():
    assert Vault().resolve("", "s.md") == Resolution("s.md", NameKind.PATH, ("s.md",))


def test_dendron_writes_the_label_first():
    vault = Vault(note("v/a.b.md"), note("label.md"))

    def path(target, label):
        return vault.resolver.resolve_link(link(target, label), source="s.md").path

    assert path("Some words", "a.b#heading") == "v/a.b.md"
    assert path("Some words", "dendron://v/a.b") == "v/a.b.md"
    assert path("dendron://v/a.b", None) == "v/a.b.md"
    assert path("label", "a.b") == "v/a.b.md"
    assert path("Some words", "#heading") is None


def test_a_spelling_prefers_the_name_asked_for():
    card = note("f/stem.md", "A Title")
    vault = Vault(card)
    written = {
        kind: spelling(card, vault.resolver, source="s.md", prefer=kind)
        for kind in (NameKind.STEM, NameKind.TITLE, NameKind.PATH)
    }
    assert written == {
        NameKind.STEM: "stem", NameKind.TITLE: "A Title", NameKind.PATH: "f/stem|A Title",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("card", "others", "written"),
    [
        (note("f/x.md", "Own"), [note("g/x.md")], "Own"),
        (note("f/x.md"), [note("g/x.md")], "f/x|x"),
        (note("a/f/x.md", "same"), [note("g/x.md"), note("z.md", "same")], "f/x|same"),
        (note("f/a#b.md", "Plain"), [], "Plain"),
        (note("f/a|b.md", "c[d]"), [], "f/a|b"),
        (note("f/shot.png.md"), [], "f/shot.png.md"),
        (note("f/x.md.md", "a|b"), [], "f/x.md.md"),
        (note("A.md", "a"), [note("a.md", "b")], "A"),
    ],
)
def test_a_spelling_is_the_shortest_that_means_this_note_alone(card, others, written):
    vault = Vault(card, *others)
    assert spelling(card, vault.resolver, source="s.md") == written


# -- any vault at all

words = st.one_of(
    st.sampled_from(["a", "A", "b", "index", "README", "é", "e\u0301", "ß", "a.md", "x.png"]),
    st.text(alphabet="ab.#|^[]` $%-_'é🙂\\", min_size=1, max_size=5),
).filter(lambda word: word.strip() and word.strip() not in {".", ".."})  # fmt: skip
paths = st.builds(
    lambda folders, stem, suffix: "/".join([*folders, stem]) + suffix,
    st.lists(words, max_size=3),
    words,
    st.sampled_from([".md", ".md", ".md", ".markdown"]),
)
cards = st.builds(
    NoteCard,
    path=paths,
    title=words,
    note_id=st.none() | words,
    aliases=st.lists(words, max_size=2).map(tuple),
    first_heading=st.none() | words,
)
vaults = st.lists(cards, min_size=1, max_size=6, unique_by=lambda card: card.path)
parts = st.lists(words | st.sampled_from([".", "..", "", " .."]), min_size=1, max_size=5)
any_target = st.one_of(st.text(max_size=8), words, paths, parts.map("/".join))


@given(vaults)
def test_the_full_path_of_a_note_always_means_that_note(found):
    vault = Vault(*found)
    for card in found:
        for syntax in LinkSyntax:
            source = found[0].path if syntax is LinkSyntax.WIKI else "root.md"
            assert vault.path(card.path, source, syntax) == card.path


@given(vaults, any_target, st.none() | any_target, paths, st.sampled_from(LinkSyntax))
def test_resolving_asks_for_no_key_that_link_keys_leaves_out(found, target, label, source, syntax):
    vault = Vault(*found)
    written = link(target, label, syntax)
    resolution = vault.resolver.resolve_link(written, source=source)
    assert vault.asked <= set(link_keys(written))
    assert resolution.path is None or resolution.path == resolution.candidates[0]
    assert len(set(resolution.candidates)) == len(resolution.candidates)


@given(vaults, paths, st.sampled_from([NameKind.STEM, NameKind.TITLE, NameKind.PATH]))
def test_a_spelling_is_read_back_as_the_note_wherever_any_link_can_be(found, source, prefer):
    vault = Vault(*found)

    def meaning(text):
        links = parse_note(source, f"Words.\n\n- [[{text}]]\n").links
        if len(links) != 1:
            return None
        return vault.resolver.resolve_link(links[0], source=source).path

    for card in found:
        written = spelling(card, vault.resolver, source=source, prefer=prefer)
        bare = card.path.rpartition(".")[0]
        if meaning(written) != card.path:
            names = [card.path, bare, bare.rpartition("/")[2], card.title]
            linkable = [name for name in names if not set(name) & set("|#^[]")]
            assert card.path not in [meaning(name) for name in linkable]


@given(vaults, st.data())
def test_a_link_means_the_same_until_a_name_it_depends_on_changes(found, data):
    before = Vault(*found[1:])
    after = Vault(*found)
    written = link(data.draw(any_target), data.draw(st.none() | any_target))
    source = data.draw(paths)
    touched = {key for key, _ in names_of(found[0])}
    if not touched & set(link_keys(written)):
        assert before.resolver.resolve_link(written, source=source) == after.resolver.resolve_link(
            written, source=source
        )


def _vault(*cards: NoteCard) -> Resolver:
    found: dict[str, list[Name]] = {}
    for card in cards:
        for key, name in names_of(card):
            found.setdefault(key, []).append(name)
    return Resolver(lambda key: found.get(key, []))


def test_a_dendron_address_wins_over_a_label_that_happens_to_be_a_name():
    resolver = _vault(NoteCard("tags.md", "Tags"), NoteCard("topic.tags.md", "Topic"))
    (link,) = parse_note("a.md", "[[Tags|dendron://home/topic.tags]]").links
    assert resolver.resolve_link(link, source="a.md").path == "topic.tags.md"


def test_a_dotted_label_that_is_a_file_wins_over_a_title():
    resolver = _vault(NoteCard("tags.md", "Schema"), NoteCard("topic.schema.md", "Schemas"))
    (link,) = parse_note("a.md", "[[Schema|topic.schema#why]]").links
    assert resolver.resolve_link(link, source="a.md").path == "topic.schema.md"


def test_a_label_of_words_never_wins_over_a_target():
    resolver = _vault(NoteCard("a.md", "Machine Learning"), NoteCard("ml.md", "Short"))
    (link,) = parse_note("b.md", "[[Machine Learning|ml]]").links
    assert resolver.resolve_link(link, source="b.md").path == "a.md"


def test_a_label_is_a_target_only_if_it_names_a_file():
    resolver = _vault(NoteCard("queue.md", "Queue", aliases=("Kafka",)))
    (link,) = parse_note("a.md", "[[Apache Kafka|Kafka]]").links
    assert resolver.resolve_link(link, source="a.md").path is None


def test_a_name_may_end_like_a_file():
    resolver = _vault(
        NoteCard("topic.md", "Topic"),
        NoteCard("topic.markdown.md", "Markdown"),
        NoteCard("old.markdown", "Old"),
    )
    assert resolver.resolve("topic.markdown", source="a.md").path == "topic.markdown.md"
    assert resolver.resolve("old.markdown", source="a.md").path == "old.markdown"
    assert resolver.resolve("old", source="a.md").path == "old.markdown"
