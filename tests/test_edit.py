"""`edit`: links are put into a note where its author keeps them, and nothing else changes."""

import re
from collections import Counter

import pytest
from editing import CARDS, RESOLVER, TARGETS, resolve, texts, wanted
from hypothesis import given
from hypothesis import strategies as st

from recall.applying.journal import Record, sha256_of
from recall.domain import LinkPlace, LinkSyntax, NameKind, NoteCard, ResolvedLink
from recall.edit import Habit, Shape, add_links, common_habit, habit_of, unified
from recall.manner import Manner, NewLink, manner_of, new_link
from recall.markdown import parse_note
from recall.names import Resolver, names_of


def added(text: str, *paths: str, **options: object) -> str:
    """The text with links to these notes."""
    syntax = options.pop("syntax", LinkSyntax.WIKI)
    mentioned = options.pop("mentioned", ())
    links = wanted(*paths, syntax=syntax, mentioned=mentioned)
    edit, unplaced = add_links("note.md", text, links, resolve, **options)
    assert unplaced == ()
    return edit.new


def lines_added(text: str, *paths: str, **options: object) -> list[str]:
    """The lines that a diff shows as added and removed."""
    new = added(text, *paths, **options)
    shown = unified("note.md", text, new).splitlines()[2:]
    return [line for line in shown if line[:1] in {"+", "-"}]


# ---- The shapes that authors use

TREE = """# T

## linkage
<div class="linkage-tree">
  <ul>
    <li>tags
      <ul>
        <li>#fruit</li>
      </ul>
    </li>
    <li>related
      <ul>
        <li>[[nowhere]]</li>
      </ul>
    </li>
  </ul>
</div>
"""


def test_the_tree_gains_one_line_as_far_in_as_the_others():
    assert lines_added(TREE, "bees.md") == ["+        <li>[[bees]]</li>"]


def test_an_empty_branch_of_the_tree_gets_its_first_item():
    empty = TREE.replace("        <li>[[nowhere]]</li>\n", "")
    assert lines_added(empty, "bees.md") == ["+        <li>[[bees]]</li>"]


def test_a_tree_without_the_branch_gets_it():
    start, end = TREE.index("    <li>related"), TREE.index("  </ul>\n</div>")
    assert added(TREE[:start] + TREE[end:], "bees.md") == TREE.replace("nowhere", "bees")


def test_a_tree_on_one_line_stays_on_it():
    tree = '<div class="linkage-tree"><ul><li>related<ul><li>[[x]]</li></ul></li></ul></div>\n'
    assert added(tree, "bees.md") == tree.replace(
        "</li></ul></li>", "</li><li>[[bees]]</li></ul></li>"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("## Related\n- [[x]]\n- [[y]]\n\nmore\n", "+- [[bees]]"),
        ("## See also\n\n* [[x]]\n", "+* [[bees]]"),
        ("## Related\n  + [[x]]\n", "+  + [[bees]]"),
        ("## Related\n-   [[x]]\n", "+-   [[bees]]"),
        ("## Related\n1. [[x]]\n2. [[y]]\n", "+3. [[bees]]"),
        ("## Related\n9) [[x]]\n", "+10) [[bees]]"),
        ("## Related\n1. [[x]]\n1. [[y]]\n", "+1. [[bees]]"),
        ("## Related\n- [x] [[x]]\n", "+- [ ] [[bees]]"),
        ("## Related\n- [[x]] — a reason\n- [[y]]\n", "+- [[bees]]"),
        ("## Related\n- [[x]]\n  - [[y]]\n    more\n", "+- [[bees]]"),
        ("## Related\n- People\n\t- [[x]]\n- Books\n\t- [[y]]\n", "+- [[bees]]"),
        ("- Related:\n  - [[x]]\n- Other\n", "+  - [[bees]]"),
        ("**Related**\n- [[x]]\n", "+- [[bees]]"),
        ("See also:\n- [[x]]\n", "+- [[bees]]"),
        ("> [!info] Related\n> - [[x]]\n\ntext\n", "+> - [[bees]]"),
        ("> ## Related\n\n## See also\n- [[x]]\n", "+- [[bees]]"),
        ("## Related\n- [a](a.md)\n", "+- [Bees](bees.md)"),
        ("## linkage\n- [[x]]\n", "+- [[bees]]"),
        ("## Related\n- [[x]]\n  ```\n  code\n  ```\n", "+- [[bees]]"),
    ],
)  # fmt: skip
def test_a_list_grows_by_an_item_like_its_last(text, line):
    assert lines_added(text, "bees.md") == [line]


def test_the_item_stands_behind_what_is_nested_in_the_last():
    text = "## Related\n- [[x]]\n  - why\n\n    ```\n    code\n    ```\n\n## Next\n"
    assert added(text, "bees.md") == text.replace("```\n\n## Next", "```\n- [[bees]]\n\n## Next")


def test_a_loose_list_stays_loose():
    text = "## Related\n- [[x]]\n\n- [[y]]\n\nmore\n"
    assert added(text, "bees.md") == text.replace("[[y]]\n", "[[y]]\n\n- [[bees]]\n")


def test_a_bullet_that_waits_for_its_first_link_is_filled():
    assert added("## Related\n- \n", "bees.md", "fruit/pears.md") == (
        "## Related\n- [[bees]]\n- [[fruit/pears|Pears]]\n"
    )


def test_an_empty_section_gets_a_list_like_the_notes_others():
    text = "# T\n\n## First\n\n* one\n\n## Related\n\n## Last\n\ntext\n"
    assert added(text, "bees.md") == text.replace("Related\n\n", "Related\n\n* [[bees]]\n\n")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Links: [[x]]\n", "Links: [[x]], [[bees]]\n"),
        ("Links:: [[x]]; [[y]]\n", "Links:: [[x]]; [[y]]; [[bees]]\n"),
        ("**See also:** [[x]] | [[y]].\n", "**See also:** [[x]] | [[y]] | [[bees]].\n"),
        ("Related: [[x]] and [[y]]\n", "Related: [[x]] and [[y]], [[bees]]\n"),
        ("Related: [a](a.md)\n", "Related: [a](a.md), [Bees](bees.md)\n"),
        ("Tags: #a\nLinks: [[x]]\n___\n", "Tags: #a\nLinks: [[x]], [[bees]]\n___\n"),
        ("Related:\n\ntext\n", "Related: [[bees]]\n\ntext\n"),
        ("Related: \n", "Related: [[bees]]\n"),
        ("## See also\n[[x]]  \n[[y]]\n", "## See also\n[[x]]  \n[[y]]  \n[[bees]]\n"),
        ("## See also\n[[x]] · [[y]]\n", "## See also\n[[x]] · [[y]] · [[bees]]\n"),
    ],
)  # fmt: skip
def test_a_row_of_links_grows_at_its_end(text, new):
    assert added(text, "bees.md") == new


@pytest.mark.parametrize(
    "text",
    [
        "See also: [[x]] for what it costs\n",
        "Links: [the code](https://example.org) or [[x]]\n",
        "Links: [the code](https://example.org)\n",
        "## Links\n- [the code](https://example.org)\n",
        "## Backlinks\n- [[x]]\n",
        "## Further reading\n- A book\n",
        "Text.\n\n```\n## Related\n- [[x]]\n```\n",
        "<!--\n## Related\n- [[x]]\n-->\nText.\n",
        "    Links: [[x]]\n\nText.\n",
        "---\nrelated: none\n---\nText.\n",
    ],
)  # fmt: skip
def test_what_is_no_list_of_related_notes_is_left_alone(text):
    old = text.rstrip()
    new = added(text, "bees.md")
    assert new.startswith(f"{old}\n\n## Related\n")
    assert new[len(old) :].split() == ["##", "Related", "-", "[[bees]]"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('---\nrelated:\n  - "[[x]]"\n---\n', '+  - "[[bees]]"'),
        ("---\nrelated:\n- '[[x]]'\na: 1\n---\n", "+- '[[bees]]'"),
        ("---\nrelated:\n  - [[x]]\n---\n", '+  - "[[bees]]"'),
        ("---\ntags:\n    -  a\nrelated:\n---\n", '+    -  "[[bees]]"'),
    ],
)  # fmt: skip
def test_a_list_in_the_frontmatter_grows_by_an_item(text, line):
    assert lines_added(text + "Text.\n", "bees.md") == [line]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["[[x]]"]', '["[[x]]", "[[bees]]"]'),
        ("['[[x]]', '[[y]]']", "['[[x]]', '[[y]]', '[[bees]]']"),
        ("[]", '["[[bees]]"]'),
        ('"[[x]]"', '["[[x]]", "[[bees]]"]'),
    ],
)  # fmt: skip
def test_a_flow_list_in_the_frontmatter_grows_at_its_end(old, new):
    text = "---\nsee_also: {}\n---\nText.\n"
    assert added(text.format(old), "bees.md") == text.format(new)


def test_a_name_with_quotes_is_quoted_otherwise_in_the_frontmatter():
    text = '---\nrelated:\n  - "[[x]]"\n---\nText.\n'
    assert lines_added(text, 'tools/the "long" ladder.md') == ["+  - '[[the \"long\" ladder]]'"]


def test_the_place_with_most_links_is_the_one_that_grows():
    text = '---\nrelated: ["[[x]]"]\n---\n\n## Related\n- [[y]]\n- [[z]]\n'
    assert lines_added(text, "bees.md") == ["+- [[bees]]"]


# ---- A note without a place


def test_without_a_place_or_a_habit_a_section_is_begun_at_the_end():
    assert added("# T\n\nText.\n", "bees.md") == "# T\n\nText.\n\n## Related\n\n- [[bees]]\n"
    assert added("Text.", "bees.md") == "Text.\n\n## Related\n\n- [[bees]]"


@pytest.mark.parametrize(
    "footer",
    [
        "[a]: https://example.org\n[^1]: A note.\n",
        "[bees at work]: work.md 'Work'\n[b]: c.md\n",
        "# T\n",
        "%% kept by a program %%\n",
        "%% Please don't edit anything below this line %%\n\n# In the repository\n\ntext\n",
        "<!-- Do not edit below -->\ntext\n",
    ],
)
def test_a_new_section_stands_before_what_ends_the_note(footer):
    text = f"# T\n\nText.\n\n{footer}"
    assert added(text, "bees.md") == f"# T\n\nText.\n\n## Related\n\n- [[bees]]\n\n{footer}"


def test_a_new_section_is_not_put_into_a_part_that_a_program_writes():
    text = "# T\n\n%% Begin: plugins %%\n\n- a\n\n%% End: plugins %%\n"
    assert added(text, "bees.md") == f"{text}\n## Related\n\n- [[bees]]\n"


def test_a_footnote_that_holds_a_link_does_not_come_to_stand_under_the_new_heading():
    text = "Text.[^1]\n\n[^1]: See [[x]].\n"
    assert added(text, "bees.md") == f"{text}\n## Related\n\n- [[bees]]\n"


def test_a_note_that_may_not_be_edited_above_a_line_is_edited_below_it():
    text = "Links: [[x]]\n\n%% ---- Do not edit anything above this line ---- %%\n\nMine.\n"
    assert added(text, "bees.md") == f"{text}\n## Related\n\n- [[bees]]\n"


@pytest.mark.parametrize("key", ["kanban-plugin: board", "excalidraw-plugin: parsed"])
def test_what_a_program_keeps_in_its_own_form_is_not_edited(key):
    text = f"---\n{key}\n---\n\n## Doing\n- [ ] a\n"
    edit, (unplaced,) = add_links("note.md", text, wanted("bees.md"), resolve)
    assert edit.new == text
    assert "a program keeps in a form of its own" in unplaced.reason


def test_where_a_link_would_not_be_read_nothing_is_written():
    text = "Text.\n\n```\ncode without an end\n"
    edit, (unplaced,) = add_links("note.md", text, wanted("bees.md"), resolve)
    assert edit.new == text
    assert unplaced.reason == "no place was found where the note would read it as a link"


def test_the_habit_is_what_most_notes_do():
    listed = habit_of("a.md", "# A\n\n### See also\n* [[x]]\n")
    row = habit_of("b.md", "Links: [[x]]\n")
    assert habit_of("c.md", "Text, and [[x]].\n") is None
    assert common_habit([listed] * 3 + [row]) == Habit(Shape.LIST, "See also", 3, "* ", False)
    assert common_habit([row] * 3 + [listed] * 2) == Habit(Shape.LINE, "Links")
    assert common_habit([row] * 2) == Habit()


@pytest.mark.parametrize(
    ("example", "end"),
    [
        ("# A\n\n### See also\n* [[x]]\n", "\n### See also\n* [[bees]]\n"),
        ("Links: [[x]]\n", "\nLinks: [[bees]]\n"),
        (TREE, TREE[4:].replace("nowhere", "bees")),
    ],
)
def test_a_new_place_is_made_as_the_vault_does_it(example, end):
    habit = common_habit([habit_of("a.md", example)] * 3)
    new = added("Text.\n", "bees.md", habit=lambda: habit)
    tags = "    <li>tags\n      <ul>\n        <li>#fruit</li>\n      </ul>\n    </li>\n"
    title = '  <div class="linkage-tree-title">linkage tree</div>\n'
    assert new.replace(title, "") == f"Text.\n{end.replace(tags, '')}"


def test_a_property_is_begun_as_the_vault_does_it():
    habit = common_habit([habit_of("a.md", '---\nrelated: ["[[x]]"]\n---\n')] * 3)
    with_front = added("---\na: 1\n---\nText.\n", "bees.md", habit=lambda: habit)
    assert with_front == '---\na: 1\nrelated:\n  - "[[bees]]"\n---\nText.\n'
    without = added("\ufeffText.\r\n", "bees.md", habit=lambda: habit)
    assert without == '\ufeff---\r\nrelated:\r\n  - "[[bees]]"\r\n---\r\nText.\r\n'


# ---- Spelling


def link_as(target: str, syntax: LinkSyntax, source: str = "a/note.md") -> ResolvedLink:
    links = parse_note(source, target).links
    assert [link.syntax for link in links] == [syntax]
    return ResolvedLink(links[0], source, RESOLVER.resolve_link(links[0], source=source))


@pytest.mark.parametrize(
    ("like", "wiki", "address"),
    [
        ("[[bees]]", "[[apples]]", "../fruit/apples.md"),
        ("[[fruit/pears|x]]", "[[fruit/apples|Apples & Co.]]", "../fruit/apples.md"),
        ("[[fruit/pears]]", "[[fruit/apples]]", "../fruit/apples.md"),
        ("[x](../bees.md)", None, "../fruit/apples.md"),
        ("[x](bees.md)", None, "fruit/apples.md"),
        ("[x](/bees)", None, "/fruit/apples"),
    ],
)
def test_a_link_is_spelled_as_the_vault_spells(like, wiki, address):
    syntax = LinkSyntax.WIKI if like.startswith("[[") else LinkSyntax.MARKDOWN
    manner = manner_of([link_as(like, syntax)])
    link = new_link(CARDS["fruit/apples.md"], RESOLVER, source="a/note.md", manner=manner)
    assert link.written() == (wiki or f"[Apples & Co.]({address})")


def test_a_path_leaves_out_what_the_vaults_paths_leave_out():
    cards = [NoteCard(path, path[-6].upper()) for path in ("content/a/x.md", "content/b/y.md")]
    names = {key: [name] for card in cards for key, name in names_of(card)}
    resolver = Resolver(lambda key: names.get(key, ()))

    def resolved(written: str) -> ResolvedLink:
        link = parse_note("content/a/x.md", written).links[0]
        return ResolvedLink(link, "content/a/x.md", resolver.resolve_link(link, source=""))

    bare = manner_of([resolved("[[b/y]]")])
    assert new_link(cards[1], resolver, source="content/a/x.md", manner=bare).wiki == "b/y"
    labelled = manner_of([resolved("[[b/y|why]]")])
    link = new_link(cards[1], resolver, source="content/a/x.md", manner=labelled)
    assert link.wiki == f"b/y|{cards[1].title}"
    marked = manner_of([resolved("[why](b/y.md)")])
    assert new_link(cards[1], resolver, source="content/a/x.md", manner=marked).address == "b/y.md"


def test_a_name_that_others_bear_is_written_as_a_path():
    assert wanted("cellar/pears.md")[0].written() == "[[cellar/pears|Pears in the cellar]]"
    manner = Manner(name=NameKind.TITLE)
    card = CARDS["cellar/pears.md"]
    assert new_link(card, RESOLVER, source="note.md", manner=manner).wiki == "Pears in the cellar"


def test_an_address_escapes_what_would_end_it():
    manner = Manner(LinkSyntax.MARKDOWN)
    link = new_link(CARDS["Old Trees.md"], RESOLVER, source="note.md", manner=manner)
    assert link.written() == "[Old Trees](Old%20Trees.md)"
    link = new_link(CARDS["C#.md"], RESOLVER, source="note.md", manner=manner)
    assert link.address == "C%23.md"


# ---- Mentions


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("On bees and hives.\n", "On [[bees]] and hives.\n"),
        ("Bees and hives.\n", "[[bees|Bees]] and hives.\n"),
        ("# bees\n\n`bees` and $bees$ but bees.\n", "# bees\n\n`bees` and $bees$ but [[bees]].\n"),
        ("<b title='bees'>bees</b>\n", "<b title='bees'>[[bees]]</b>\n"),
        ("https://example.org/bees #bees [x](bees.html) bees\n",
         "https://example.org/bees #bees [x](bees.html) [[bees]]\n"),
        ("[[nowhere|two bees]], [bees][1], ![bees](a.png), **bees**\n",
         "[[nowhere|two bees]], [bees][1], ![bees](a.png), **[[bees]]**\n"),
        ("| a |\n|---|\n| Bees |\n", "| a |\n|---|\n| [[bees\\|Bees]] |\n"),
        ("beeswax, sub-bees, bees.io, bees\n", "beeswax, sub-bees, bees.io, [[bees]]\n"),
        ("---\nx: bees\n---\n> [!note] bees\n> so many bees\n",
         "---\nx: bees\n---\n> [!note] bees\n> so many [[bees]]\n"),
        ("```\nbees\n```\n<!-- bees -->\n%% bees %%\n\nbees.\n",
         "```\nbees\n```\n<!-- bees -->\n%% bees %%\n\n[[bees]].\n"),
        ("## Sources\nbees\n\n## Text\nbees\n", "## Sources\nbees\n\n## Text\n[[bees]]\n"),
    ],
)  # fmt: skip
def test_the_first_mention_in_the_prose_becomes_the_link(text, new):
    assert added(text, "bees.md", mentions=True, mentioned=["Bees"]) == new


def test_a_mention_in_a_vault_of_markdown_links_becomes_one():
    options = {"mentions": True, "mentioned": ["bees"], "syntax": LinkSyntax.MARKDOWN}
    assert added("Two Bees.\n", "bees.md", **options) == "Two [Bees](bees.md).\n"


def test_a_mention_is_linked_only_when_asked_for_and_a_note_once():
    assert "## Related" in added("On bees.\n", "bees.md", mentioned=["bees"])
    text = "On bees and old trees.\n"
    new = added(text, "bees.md", "Old Trees.md", mentions=True, mentioned=["bees", "old trees"])
    assert new.count("[[") == 2


# ---- Line endings and other bytes


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_new_lines_end_as_those_around_them(ending):
    text = "# T\n\n## Related\n- [[x]]\n".replace("\n", ending)
    assert added(text, "bees.md") == f"{text}- [[bees]]{ending}"
    text = "# T\n\nText.".replace("\n", ending)
    assert added(text, "bees.md") == f"{text}{ending * 2}## Related{ending * 2}- [[bees]]"


def test_a_note_of_mixed_endings_keeps_each():
    text = "\ufeff# T\r\n\n## Related\n- [[x]]\r\n- [[y]]"
    assert added(text, "bees.md") == f"{text}\r\n- [[bees]]"


# ---- Properties


def targets_of(text: str) -> Counter[str]:
    return Counter(
        link.target if resolve(link) is None else f"→ {resolve(link)}"
        for link in parse_note("note.md", text).links
    )


@given(text=texts(), paths=TARGETS, mentions=st.booleans())
def test_the_note_has_the_old_links_and_the_accepted_and_is_otherwise_as_it_was(
    text, paths, mentions
):
    links = wanted(*paths, mentioned=["bees", "old trees"] if mentions else [])
    edit, unplaced = add_links("note.md", text, links, resolve, mentions=mentions)
    placed = [item.link.path for item in edit.added]
    assert sorted(placed + [item.link.path for item in unplaced]) == sorted(paths)
    assert targets_of(edit.new) == targets_of(text) + Counter(f"→ {path}" for path in placed)
    # Taken out from behind, so that no offset moves: what is left are the old bytes.
    bare = edit.new
    moved = sum(len(insertion.text) for insertion in edit.insertions)
    for insertion in reversed(edit.insertions):
        moved -= len(insertion.text)
        start = insertion.at + moved
        assert bare[start : start + len(insertion.text)] == insertion.text
        bare = bare[:start] + bare[start + len(insertion.text) :]
    assert bare.encode() == text.encode()


@given(text=texts(), paths=TARGETS)
def test_applying_twice_changes_nothing_more(text, paths):
    once, unplaced = add_links("note.md", text, wanted(*paths), resolve)
    again, still = add_links("note.md", once.new, wanted(*paths), resolve)
    if all(item.reason == "linked already" for item in unplaced):
        assert (again.new, again.insertions) == (once.new, ())
        assert {item.reason for item in still} == {"linked already"}
    else:
        assert once.new == text


@given(text=texts(), paths=TARGETS)
def test_what_is_on_record_gives_the_old_bytes_back_and_those_alone(text, paths):
    edit, _ = add_links("note.md", text, wanted(*paths), resolve)
    record = Record("a", "", "note.md", sha256_of(text), sha256_of(edit.new), edit.insertions, ())
    old = record.old_text(edit.new)
    assert old is not None
    assert old.encode() == text.encode()
    assert record.old_text(edit.new + "!") is None


@given(text=texts(is_hostile=False), paths=TARGETS)
def test_a_reader_sees_the_old_blocks_in_their_order(text, paths):
    edit, _ = add_links("note.md", text, wanted(*paths), resolve)
    before = [block.text for s in parse_note("note.md", text).sections for block in s.blocks]
    after = [block.text for s in parse_note("note.md", edit.new).sections for block in s.blocks]
    remaining = iter(after)
    grown = {added.shape for added in edit.added} == {Shape.LINE}
    seen = [text for text in before if any(text == other for other in remaining)]
    assert grown or seen == before


@given(old=texts(), new=texts())
def test_a_diff_applied_to_the_old_text_gives_the_new(old, new):
    assert patched(old, unified("a note.md", old, new)) == new


def patched(old: str, diff: str) -> str:
    """Apply a unified diff, every line of it checked against the text."""
    before = re.findall(r"[^\n]*\n|[^\n]+", old)
    after: list[str] = []
    at = 0
    for line in re.findall(r"[^\n]*\n(?:\\ No newline at end of file\n)?", diff)[2:]:
        body = line[1:].removesuffix("\n\\ No newline at end of file\n")
        if line.startswith("@@"):
            first, _, length = line.split(" ")[1][1:].partition(",")
            start = int(first) - (length != "0")
            after += before[at:start]
            at = start
        elif line[0] in " -":
            assert before[at] == body
            at += 1
        if line[0] in " +":
            after.append(body)
    return "".join([*after, *before[at:]])


def test_links_keep_their_place_and_kind():
    text = "[[nowhere]]\n\n## Related\n- [[Somewhere]]\n"
    note = parse_note("note.md", added(text, "bees.md"))
    assert [link.place for link in note.links] == [
        LinkPlace.BODY, LinkPlace.RELATED, LinkPlace.RELATED,
    ]  # fmt: skip
    assert isinstance(wanted("bees.md")[0], NewLink)
