"""`markdown`: the text of one file becomes a Note with true offsets."""

import re
import time
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from recall.domain import DEFAULT_RULES, BlockKind, Facet, HeadingRules, LinkPlace, LinkSyntax
from recall.markdown import parse_note, plain_text
from recall.markdown.blocks import scan_blocks
from recall.markdown.leaves import LeafKind

JOURNAL = """---
title: a quiet launch
tags: [tech-journal, ai]
note_id: 240102TJ01
---

# a quiet launch

<div class="keyword-row">
  <span class="inline-keyword">maps</span>
</div>

Lead with [[Maps|a map]]. <span class="inline-note">An aside</span>.

> [!note] Core claim
> Quiet launches travel *further*.

> [!question] Reflective question
> Who was listening?

## signals
- First signal.
- Second signal.

## my take
It is the silence.

<ul class="brain-dump">
  <li><strong>Cost:</strong> None.</li>
  <li><strong>Gain:</strong> Trust.</li>
</ul>

## sources
> [!ref] The announcement
> https://example.org/launch
> Why it matters: it is short.

## linkage
<div class="linkage-tree">
  <ul>
    <li>related
      <ul>
        <li>[[Maps]]</li>
      </ul>
    </li>
  </ul>
</div>

# a quiet launch
"""


def shown(text, rules=DEFAULT_RULES):
    """Every section that holds text: its facet, heading and block texts."""
    sections = parse_note("n.md", text, rules).sections
    return [
        (str(part.facet) if part.facet else None, part.heading, [b.text for b in part.blocks])
        for part in sections
        if part.blocks
    ]


def blocks(text):
    return [
        (block.kind.value, block.text)
        for part in parse_note("n.md", text).sections
        for block in part.blocks
    ]


def links(text):
    """Every link as it is written, with its target; the span is read back from the text."""
    note = parse_note("n.md", text)
    return [(note.text[link.span.start : link.span.end], link.target) for link in note.links]


def targets(text):
    return [link.target for link in parse_note("n.md", text).links]


# -- the journal format


def test_a_journal_note_falls_into_its_facets():
    assert shown(JOURNAL) == [
        ("body", "a quiet launch", ["Lead with a map. An aside."]),
        ("claim", "Core claim", ["Quiet launches travel further."]),
        ("question", "Reflective question", ["Who was listening?"]),
        ("signals", "signals", ["First signal.", "Second signal."]),
        ("take", "my take", ["It is the silence.", "Cost: None.", "Gain: Trust."]),
        (None, "The announcement", ["Why it matters: it is short."]),
    ]


def test_the_linkage_tree_holds_related_links_and_no_text():
    note = parse_note("n.md", JOURNAL)
    assert [(link.target, link.place) for link in note.links] == [
        ("Maps", LinkPlace.BODY),
        ("Maps", LinkPlace.RELATED),
    ]
    tree = next(part for part in note.sections if "linkage-tree" in _source(note, part))
    assert (tree.facet, tree.blocks) == (None, ())


def test_the_title_said_again_at_the_end_makes_no_section():
    headings = [part.heading for part in parse_note("n.md", JOURNAL).sections if part.level == 1]
    assert headings == ["a quiet launch", "a quiet launch"]  # before and after the keyword row


def test_sections_do_not_overlap_and_blocks_stand_in_theirs():
    note = parse_note("n.md", JOURNAL)
    assert all(a.span.end <= b.span.start for a, b in pairwise(note.sections))
    for part in note.sections:
        assert all(
            part.span.start <= b.span.start <= b.span.end <= part.span.end for b in part.blocks
        )


def _source(note, part):
    return note.text[part.span.start : part.span.end]


# -- links


@pytest.mark.parametrize(
    ("text", "target", "heading", "block", "label"),
    [
        ("[[a]]", "a", None, None, None),
        ("[[a|b]]", "a", None, None, "b"),
        ("[[a|a]]", "a", None, None, None),
        ("[[ a ]]", "a", None, None, None),
        ("[[a#h]]", "a", "h", None, None),
        ("[[a#h#i|b]]", "a", "h#i", None, "b"),
        ("[[a#^x1]]", "a", None, "x1", None),
        ("[[#h]]", "", "h", None, None),
        ("[[folder/a]]", "folder/a", None, None, None),
        (r"[[a\|b]]", "a", None, None, "b"),
        ("[[Node.js]]", "Node.js", None, None, None),
        ("[[dendron://vault/a.b]]", "dendron://vault/a.b", None, None, None),
        ("[[label|a.b.c#h]]", "label", None, None, "a.b.c#h"),
        ("[t](path%20x.md)", "path x.md", None, None, "t"),
        ("[t](<path x.md>)", "path x.md", None, None, "t"),
        ('[t](../a.md#h "title")', "../a.md", "h", None, "t"),
        ("[t](a)", "a", None, None, "t"),
        ("[t](a_(b).md)", "a_(b).md", None, None, "t"),
        ("[![i](i.png)](a.md)", "a.md", None, None, "i"),
        ('<a class="x" href="a.md">t</a>', "a.md", None, None, "t"),
        ("[x]: a.md 'Title'", "a.md", None, None, "x"),
        ("[x]: <a b.md>", "a b.md", None, None, "x"),
    ],
)
def test_a_link_is_read_part_by_part_and_its_span_is_the_markup(
    text, target, heading, block, label
):
    note = parse_note("n.md", f"Words.\n\n{text}\n")
    (link,) = note.links
    assert note.text[link.span.start : link.span.end] == text
    assert (link.target, link.heading, link.block, link.label) == (target, heading, block, label)


@pytest.mark.parametrize(
    "text",
    [
        "[[a", "[[a]", "[[a\nb]]", "[[]]", "[[|b]]", "[[a[b]c]]", r"\[[a]]", r"\[\[a]]",
        "[t](https://example.org/a.md)", "[t](mailto:a@example.org)", "[t](#h)", "[t]()",
        "![t](a.png)", "![t](a.md)", "[t](a.pdf)", "[[a.pdf]]", "![[a.png|100]]", "[t](a.html)",
        "[x]: https://example.org", '[//begin]: # "Generated"', '<a href="https://example.org">t</a>',
    ],
)  # fmt: skip
def test_what_points_at_no_note_is_not_a_link(text):
    assert targets(f"Words.\n\n{text}\n") == []


@pytest.mark.parametrize(
    "hidden",
    [
        "```\n[[a]]\n```", "~~~ md\n[[a]]\n~~~", "````\n```\n[[a]]\n````", "```\n[[a]]",
        "> ```\n> [[a]]\n> ```", "- x\n  ```\n  [[a]]\n  ```", "- ```\n  [[a]]\n  ```",
        "    [[a]]", "\t[[a]]", "`[[a]]`", "`` ` [[a]] ``", "`one\ntwo [[a]]`",
        "<!-- [[a]] -->", "<!--\n\n[[a]]\n\n-->", "x <!-- [[a]]\n [[b]] -->", "%%[[a]]%%",
        "%%\n[[a]]\n\n[[b]]\n%%", "x %%[[a]]%% y", "$[[a]]$", "$$[[a]]$$", "$$\n[[a]]\n$$",
        "<script>\n[[a]]\n\n[[b]]</script>", "<style>[[a]]</style>", "<pre>\n[[a]]\n</pre>",
        "x <code>[[a]]</code>",
    ],
)  # fmt: skip
def test_a_link_inside_code_comment_or_math_is_not_a_link(hidden):
    assert targets(f"Words.\n\n{hidden}\n") == []


@pytest.mark.parametrize(
    "open_text",
    [
        "costs $5 [[a]] and $6", "a ` tick [[a]]", "`` x ` [[a]]", "50%% of [[a]]", "5 <- 6 [[a]]",
        "- x\n\n      [[a]]", "words\n    [[a]]", "```\ncode\n```\n[[a]]", "> ```\n> code\n\n[[a]]",
        "- ```\n  code\n\n[[a]]", "`x` [[a]] `y`", "$x$ [[a]] $y$", "<b>[[a]]</b>", "# [[a]]",
        "| x | [[a]] |\n|---|---|", "> [!note] [[a]]", "<!-- x -->[[a]]", "> text\n[[a]]",
        "$$ is a sum of [[a]]", "[[a]] `", "*[[a]]*", "<!-- x\n-->\n[[a]]", "``` x ``` [[a]]",
        "- [ ] [[a]]", "1. one\n2. [[a]]", "[^1]: [[a]]", "<ul><li>[[a]]</li></ul>",
    ],
)  # fmt: skip
def test_a_link_in_prose_is_found_whatever_stands_around_it(open_text):
    assert links(f"Words.\n\n{open_text}\n") == [("[[a]]", "a")]


def test_links_come_in_the_order_in_which_they_stand():
    text = '[[a]] [b](b.md) <a href="c.md">c</a> [[d]]\n\n[e]: e.md\n\n![[f]]'
    assert targets(text) == ["a", "b.md", "c.md", "d", "e.md", "f"]


def test_a_wikilink_wins_over_the_code_that_would_start_in_it():
    assert targets("[[a `b]] and c` and [[$5]] to $6 [[e]]") == ["a `b", "$5", "e"]


def test_a_definition_does_not_hide_the_wikilink_it_defines():
    text = '[[x]]\n\n[//begin]: # "Generated"\n[x]: sub/x.md "X"\n[//end]: # "Generated"\n'
    found = [(link.target, link.syntax) for link in parse_note("n.md", text).links]
    assert found == [("x", LinkSyntax.WIKI), ("sub/x.md", LinkSyntax.DEFINITION)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[a]]", LinkPlace.BODY),
        ("![[a]]", LinkPlace.EMBED),
        ("## Related\n[[a]]", LinkPlace.RELATED),
        ("## See also:\n### Deeper\n- [[a]]", LinkPlace.RELATED),
        ("Related: [[a]]", LinkPlace.RELATED),
        ("- **See also**: [[a]]", LinkPlace.RELATED),
        ("We related: [[a]]", LinkPlace.BODY),
        ("---\nup: '[[a]]'\n---\n", LinkPlace.FRONTMATTER),
        ("---\nup: [[a]]\n---\n", LinkPlace.FRONTMATTER),
        ("---\nup:\n  - '[[a]]'\n---\n", LinkPlace.FRONTMATTER),
    ],
)
def test_a_link_knows_where_it_stands(text, place):
    assert [(link.target, link.place) for link in parse_note("n.md", text).links] == [("a", place)]


def test_only_the_line_that_says_so_is_related():
    note = parse_note("n.md", "[[a]]\nLinks: [[b]], [[c]]\n[[d]]")
    assert [link.target for link in note.links if link.place is LinkPlace.RELATED] == ["b", "c"]


# -- sections and blocks


def test_a_heading_inherits_the_facet_of_the_nearest_marked_one_above():
    text = "## Signals\n### Numbers\nx\n#### More\ny\n## Other\nz\n## Sources\n### Books\nw"
    assert [(facet, heading) for facet, heading, _ in shown(text)] == [
        ("signals", "Numbers"), ("signals", "More"), ("body", "Other"), (None, "Books"),
    ]  # fmt: skip


def test_the_title_of_a_note_never_makes_all_of_it_furniture():
    assert shown("# Links\nx\n## Detail\ny") == [
        ("body", "Links", ["x"]),
        ("body", "Detail", ["y"]),
    ]


def test_headings_are_compared_without_case_and_punctuation():
    assert [facet for facet, _, _ in shown("## TL;DR:\nx\n## *My* take!\ny")] == ["claim", "take"]


def test_heading_rules_are_a_setting():
    rules = HeadingRules(
        facets={Facet.CLAIM: ("kern",)}, furniture=("quellen",), related=("verwandt",)
    )
    text = "# t\n## Kern\nx\n## Quellen\ny\n## Summary\nz\n## Verwandt\n[[a]]"
    assert [facet for facet, _, _ in shown(text, rules)] == ["claim", None, "body", None]
    assert parse_note("n.md", text, rules).links[0].place is LinkPlace.RELATED


def test_behind_a_callout_the_section_goes_on():
    text = "## Signals\na\n> [!note] Core claim\n> b\n>\n> c\n\nd"
    assert shown(text) == [
        ("signals", "Signals", ["a"]),
        ("claim", "Core claim", ["b", "c"]),
        ("signals", "Signals", ["d"]),
    ]


def test_callouts_in_callouts_are_sections_of_their_own():
    text = "> [!note] Core claim\n> a\n> > [!tip] Inner\n> > b\n>\n> c"
    assert shown(text) == [
        ("claim", "Core claim", ["a"]), ("claim", "Inner", ["b"]), ("claim", "Core claim", ["c"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "facet", "heading"),
    [
        ("> [!question]", "question", "question"),
        ("> [!question]- Why so?", "question", "Why so?"),
        ("> [!note]+ My take", "take", "My take"),
        ("> [!summary] In one line", "claim", "In one line"),
        ("> [!tip|wide] Anything", "body", "Anything"),
    ],
)
def test_a_callout_means_what_its_title_says_or_else_its_type(line, facet, heading):
    assert shown(f"{line}\n> x") == [(facet, heading, ["x"])]


def test_a_source_callout_among_sources_stays_furniture_whatever_its_title():
    assert shown("## Sources\n> [!ref] Summary\n> x\n> [!ref] not a second callout") == [
        (None, "Summary", ["x [!ref] not a second callout"])
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n\nc", [("paragraph", "a b"), ("paragraph", "c")]),
        ("- a\n  b\n- c", [("item", "a b"), ("item", "c")]),
        ("- a\n  - b\n    - c\n- d", [("item", x) for x in "abcd"]),
        ("- a\n\n  b\n\nc", [("item", "a b"), ("paragraph", "c")]),
        ("- [ ] a\n- [x] b", [("item", "a"), ("item", "b")]),
        ("1. a\n2) b\n+ c", [("item", "a"), ("item", "b"), ("item", "c")]),
        ("born in\n1984. A year", [("paragraph", "born in 1984. A year")]),
        ("> a\nb\n\nc", [("quote", "a b"), ("paragraph", "c")]),
        ("> - a\n> - b", [("item", "a"), ("item", "b")]),
        ("| a | b |\n|---|:-:|\n| c | d |\n\ne", [("table", "a b c d"), ("paragraph", "e")]),
        ("lead\na | b\n--|--\nc | d", [("paragraph", "lead"), ("table", "a b c d")]),
        ("| [[a\\|b]] | x |\n|--|--|", [("table", "b x")]),
        ("a\n***\nb\n\n---\nc", [("paragraph", "a"), ("paragraph", "b"), ("paragraph", "c")]),
        ("a\n```\ncode\n```\nb", [("paragraph", "a"), ("paragraph", "b")]),
        ("a\n\n$$\nx^2\n$$\n\n%%\nb\n%%\n\n<!-- c -->", [("paragraph", "a")]),
        ("<ol><li>a</li><li>b</li></ol>", [("item", "a"), ("item", "b")]),
        ("<li>a\n<b>b</b>\n</li>", [("item", "a b")]),
        ("<p>a</p>\n<p>b</p>", [("paragraph", "a"), ("paragraph", "b")]),
        ("![[a]]\n\n![](x.png)\n\nb", [("paragraph", "b")]),
    ],
)
def test_blocks_are_what_a_reader_takes_for_one(text, expected):
    assert blocks(text) == expected


def test_the_span_of_a_block_covers_its_lines():
    text = "# h\n\n> a\n> b\n\n- c\n  d\n\n| e |\n|---|\n| f |\n"
    note = parse_note("n.md", text)
    spans = [text[b.span.start : b.span.end] for part in note.sections for b in part.blocks]
    assert spans == ["> a\n> b", "- c\n  d", "| e |\n|---|\n| f |"]


def test_regions_are_known_by_class_wherever_they_stand():
    text = (
        "a <div class='x linkage-tree'>[[b]] <div>c</div></div> d\n\n<p class=keyword-row>e</p> f"
    )
    assert blocks(text) == [("paragraph", "a"), ("paragraph", "d"), ("paragraph", "f")]
    assert parse_note("n.md", text).links[0].place is LinkPlace.RELATED


def test_an_unclosed_region_ends_at_the_next_heading():
    assert shown('<div class="linkage-tree">\na\n\n## Signals\nb') == [
        ("signals", "Signals", ["b"])
    ]


# -- plain text


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("[[a|b]] and [[c]] and [[d#e]] and [[f/g]] and [[#h]]", "b and c and d and g and h"),
        ("[[label|a.b.c]] [[l|dendron://v/a]]", "label l"),
        ("[t](u) [![alt](i.png)](u) ![alt2](i.png)", "t alt alt2"),
        ("[t][ref] and note[^1].", "t and note."),
        ("[[tag] t](https://example.org)", "[tag] t"),
        ("a {% if x %} b {{\n c }} d", "a b d"),
        ("**b** *i* ***bi*** __b__ _i_ ~~s~~ ==h==", "b i bi b i s h"),
        ("snake_case 2*3*4 2**3 a * b a == b", "snake_case 2*3*4 2**3 a * b a == b"),
        ("这是**强调**文字", "这是强调文字"),
        ("`a*b*c` and ``d`e``", "a*b*c and d`e"),
        (r"\*not\* \[a\] \\", r"*not* [a] \ ".strip()),
        ("see https://example.org/a_b(c) there", "see there"),
        ("see (<https://example.org>) there", "see () there"),
        ("<b>x</b>y<br>z &amp; &lt;q&gt; &#169;", "xy z & <q> ©"),
        ('<span class="inline-note">x</span>.', "x."),
        ("a {{date}} b <% tp.x %> c %%d%% e <!-- f --> g", "a b c e g"),
        ("the end ^block-1", "the end"),
        ("  folded \t\n white\u3000space ", "folded white space"),
        ("$x_1$ costs $5 or $6", "x_1 costs $5 or $6"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
        ("Cafe\u0301 🙂 日本", "Cafe\u0301 🙂 日本"),
    ],
)
def test_plain_text_is_what_a_reader_sees(markdown, plain):
    assert plain_text(markdown) == plain


# -- frontmatter


def front(yaml, body=""):
    return parse_note("folder/stem.md", f"---\n{yaml}\n---\n{body}")


@pytest.mark.parametrize(
    ("yaml", "field", "value"),
    [
        ("title: 2022", "title", "2022"),
        ("title: 'a: b'", "title", "a: b"),
        ("title: [a]", "title", "stem"),
        ("title: ~", "title", "stem"),
        ("tags: [a, '#b', 2022]", "tags", ("a", "b", "2022")),
        ("tags: a, b c", "tags", ("a", "b", "c")),
        ("tags: '#a #b'", "tags", ("a", "b")),
        ("tags:\n  - a\n  - A\n  -", "tags", ("a",)),
        ("aliases: a b, c", "aliases", ("a b", "c")),
        ("alias: [a, b]", "aliases", ("a", "b")),
        ("keywords: a b, c", "keywords", ("a b", "c")),
        ("desc: d", "description", "d"),
        ("note_id: 0123", "note_id", "0123"),
        ("id: 5e3a", "note_id", "5e3a"),
        ("created: 2022-12-15", "created", date(2022, 12, 15)),
        ("date: 2022-12-15T10:00:00Z", "created", date(2022, 12, 15)),
        ("created: 1612280912275", "created", date(2021, 2, 2)),
        ("created: 1612280912", "created", date(2021, 2, 2)),
        ("created: 20221215", "created", date(2022, 12, 15)),
        ("created: 2024/5/31", "created", date(2024, 5, 31)),
        ("created: 20240531T101500", "created", date(2024, 5, 31)),
        ("created: May 31, 2024", "created", date(2024, 5, 31)),
        ("created: 31 May 2024", "created", date(2024, 5, 31)),
        ("created: 1-sep-2024", "created", date(2024, 9, 1)),
        ("updated: Friday, May 31st 2024, 10:15 am", "updated", date(2024, 5, 31)),
        ("created: not yet\ndate: 2024-05-31", "created", date(2024, 5, 31)),
        ("created:", "created", None),
        ("lastmod: '[[2022-12-15]]'", "updated", date(2022, 12, 15)),
        ("draft: true", "draft", True),
        ("draft: false", "draft", False),
        ("publish: false", "draft", True),
        ("published: no", "draft", True),
        ("status: Draft", "draft", True),
        ("published: 2022-01-01", "draft", False),
        ('description: "a\\x00b\\x1b"', "description", "a b"),
    ],
)  # fmt: skip
def test_frontmatter_values_are_read_whatever_their_type(yaml, field, value):
    assert getattr(front(yaml), field) == value
    assert front(yaml).problems == ()


@pytest.mark.parametrize(
    ("yaml", "word"),
    [
        ("a: [b", "not valid YAML"),
        ("a: @b", "line 2"),
        ("- a", "key: value"),
        ("a: {{title}}", "line 2: a template placeholder {{…}} is not YAML; quote it"),
        ("a: 1\ntags: [x, {{y}}]", "line 3: a template placeholder"),
        ("a: '{{b}}'\nc: [", "not valid YAML"),
        ("a: &a [x]\nb: &b [*a, *a]", "aliases"),
        ("a: " + "[" * 5000, "deep"),
        ("a:\n- " + "- " * 5000 + "x", "deep"),
        ("a: " + "x" * 70_000, "64 KiB"),
    ],
)
def test_frontmatter_that_is_no_use_is_a_problem_and_the_note_stays(yaml, word):
    note = front(yaml, "# Title\n[[a]]\n")
    (problem,) = note.problems
    assert word in problem
    assert (note.title, [link.target for link in note.links]) == ("Title", ["a"])


@pytest.mark.parametrize(
    "written",
    ["2022-13-45", "soon", "9" * 20, "05/31/2024", "31.05.2024", "Maybe 3, 2024", "<% tp.date %>"],
)
@pytest.mark.parametrize(("key", "field"), [("created", "created"), ("lastmod", "updated")])
def test_a_date_that_is_not_understood_is_a_problem_that_says_how_to_write_it(key, field, written):
    note = front(f"{key}: {written}\ntitle: kept")
    assert (getattr(note, field), note.title) == (None, "kept")
    assert note.problems == (
        f"{key}: {written!r} is not a date recall reads; write it as 2024-05-31",
    )


def test_frontmatter_needs_to_start_and_end():
    assert blocks("---\ntitle: x\n\nno end") == [("paragraph", "title: x"), ("paragraph", "no end")]
    assert parse_note("n.md", "\n---\ntitle: x\n---\n").title == "n"


def test_the_title_is_frontmatter_then_first_heading_then_stem():
    assert front("title: a", "# b").title == "a"
    assert front("title: a", "# *b*").first_heading == "b"
    assert parse_note("f/a b.md", "x\n# [[c|d]] `e`").title == "d e"
    assert parse_note("f/a b.md", "x").title == "a b"


def test_inline_tags_count_but_not_in_code_headings_or_addresses():
    text = (
        "# h #no\n#a #b/c-d, (#no) `#no` https://example.org/#no #2022 [[x#no]] #ü\n\n```\n#no\n```"
    )
    assert parse_note("n.md", text).tags == ("a", "b/c-d", "ü")


# -- any text at all

markup = st.text(
    alphabet="[]()|#^!*_`~$%<>-=+:/\\.&{} \t\n\rab1é\u3000🙂\ud800\x00\ufdd0", max_size=60
)
pieces = st.lists(
    st.sampled_from([
        "[[a]]", "```\n", "> ", "- ", "\n", "\n\n", "---\n", "<!--", "-->", "$$", "%%", "`", "x",
        "| a |\n|--|\n", "> [!note] t\n", '<div class="linkage-tree">', "</div>", "<li>", "    ",
        "[a](b.md)", "[a]: b.md\n", "# h\n", "===\n", "\t", "href", '<a href="a.md">', "</a>", "<%",
        "%>", "{{", "}}", "keyword-row", "<pre>", "</pre>", "<code>", "1. ", "~~~\n", "==", "\\",
        "](", "|", "![[a]]", "*", "_", "https://a", "[^1]", "&amp;", "~~", "<b>", "#a ", "[",
    ]),
    max_size=30,
).map("".join)  # fmt: skip
anything = st.one_of(st.text(), markup, pieces, st.tuples(st.just("---\n"), markup).map("".join))


@given(anything)
def test_any_text_is_a_note_and_every_span_is_true(text):
    note = parse_note("n.md", text)
    assert note.text == text
    for link in note.links:
        source = text[link.span.start : link.span.end]
        if link.syntax is LinkSyntax.WIKI:
            assert re.fullmatch(r"!?\[\[[^\[\]\n]+\]\]", source)
        assert source[0] in "[!<"
        assert source[-1] in "])>" or link.syntax is LinkSyntax.DEFINITION
    starts = [link.span.start for link in note.links]
    assert starts == sorted(starts)
    assert all(a.span.end <= b.span.start for a, b in pairwise(note.sections))
    for part in note.sections:
        for block in part.blocks:
            assert part.span.start <= block.span.start < block.span.end <= part.span.end
            assert block.text == " ".join(block.text.split())
            block.text.encode()


@given(pieces)
def test_line_endings_change_nothing_but_offsets(text):
    unix = parse_note("n.md", text)
    for ending in ("\r\n", "\r"):
        other = parse_note("n.md", text.replace("\n", ending))
        assert [link.target for link in other.links] == [link.target for link in unix.links]
        assert [[b.text for b in part.blocks] for part in other.sections] == [
            [b.text for b in part.blocks] for part in unix.sections
        ]


def test_a_byte_order_mark_hides_neither_frontmatter_nor_heading():
    assert parse_note("n.md", "\ufeff---\ntitle: a\n---\n").title == "a"
    assert parse_note("n.md", "\ufeff# a").title == "a"


@pytest.mark.parametrize(
    "unit",
    [
        "[", "[[a", "[a](", "*", "a*", "`", "`` ` ", "$a ", "$$", "<", "<!--", "<%\n", "%%\n", "> ",
        "- ", '<a href="a.md">', "[[a]] ", "- [[a|b]]\n", "==a", "<li>", "|a|\n|-|\n", "\\", "{{",
        "a\n-\n", '<div class="linkage-tree">\n', "> [!n]\n", "(", "  - a\n", "![", "a ", "_a",
    ],
)  # fmt: skip
def test_twice_the_text_takes_about_twice_the_time(unit):
    def seconds(length):
        text = unit * (length // len(unit))
        times = []
        for _ in range(3):
            start = time.process_time()
            parse_note("n.md", text)
            times.append(time.process_time() - start)
        return min(times)

    # A quadratic scanner takes 16 times as long here; the constant forgives a cold start.
    assert seconds(40_000) <= 8 * seconds(10_000) + 0.05


# -- against the reference

LINES = [
    "# {w}", "## {w} ##", "{w} one", "", "```", "~~~", "```py", "    {w}", "  {w}", "> {w}",
    "> ```", ">", "---", "===", "- {w}", "1. {w}", "7. {w}", "***", "> - {w}", "#{w}",
]  # fmt: skip
COMMONMARK = MarkdownIt("commonmark")


@st.composite
def documents(draw):
    lines = draw(st.lists(st.sampled_from(LINES), max_size=10))
    return "\n" + "\n".join(line.replace("{w}", f"w{at}") for at, line in enumerate(lines))


@given(documents())
def test_headings_and_code_are_where_commonmark_says(text):
    tokens = COMMONMARK.parse(text)
    headings = [
        (int(token.tag[1]), inline.content.split())
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.level == 0
    ]
    prose = {w for token in tokens if token.type == "inline" for w in _marked(token.content)}
    leaves = scan_blocks(text, 0)
    found = [leaf for leaf in leaves if leaf.kind is LeafKind.HEADING]
    assert [(leaf.level, text[leaf.start : leaf.end].split()) for leaf in found] == headings
    assert {w for leaf in leaves for w in _marked(text[leaf.start : leaf.end])} == prose


def _marked(text):
    return re.findall(r"w\d+", text)


def test_kinds_of_blocks_are_all_reached():
    text = "a\n\n- b\n\n> c\n\n| d |\n|---|\n"
    kinds = {b.kind for part in parse_note("n.md", text).sections for b in part.blocks}
    assert kinds == set(BlockKind)
