"""What each rule finds, and what it leaves alone; on files as they lie there."""

import pytest
from vaults import LONG, ORCHARD, index_of, write

from recall.domain import Facet
from recall.errors import NoteNotFound, UsageError
from recall.prepublish import Selection, check
from recall.prepublish.examination import LEAST_OF_LINK, at_least
from recall.prepublish.habits import Habits
from recall.prepublish.likely import Likely
from recall.publishing import FailOn, Publishing, Rule, Severity

EVERYTHING = Selection(everything=True)


def index_with(root, notes, **chosen):
    write(root, notes)
    index = index_of(root, publishing=Publishing(**chosen))
    index.refresh()
    return index


def found(root, notes, *rules, select=EVERYTHING, **chosen):
    """(path, line, message) of what these rules find."""
    index = index_with(root, notes, rules=frozenset(rules), **chosen)
    return [(f.path, f.line, f.message) for f in check(index, select).findings]


def test_a_link_that_names_no_note_is_broken_and_the_likely_note_is_named(tmp_path):
    notes = ORCHARD | {"new.md": "# New\n\nSee [[Graftin]],\nand [[Nobody at all]].\n"}
    assert found(tmp_path, notes, Rule.BROKEN_LINK) == [
        ("new.md", 3, "[[Graftin]] leads nowhere; likely meant: [[grafting]]"),
        ("new.md", 4, "[[Nobody at all]] leads nowhere: no note has that name"),
    ]


def test_a_broken_link_says_where_it_stands_and_what_to_write(tmp_path):
    notes = ORCHARD | {"new.md": "# New\n\nSee [[Graftin]].\n"}
    index = index_with(tmp_path, notes, rules=frozenset({Rule.BROKEN_LINK}))
    (finding,) = check(index, Selection(("new.md",))).findings
    assert (finding.rule, finding.severity) == (Rule.BROKEN_LINK, Severity.ERROR)
    assert (finding.line, finding.column) == (3, 5)
    assert (finding.subject, finding.link, finding.target) == (
        "Graftin", "[[grafting]]", "grafting.md",
    )  # fmt: skip


@pytest.mark.parametrize(
    "link",
    [
        "[[{{title}}]]",  # a template fills it in
        "[a drawing](drawings/plan.excalidraw)",  # a file that is there
        "[the drawings](drawings/)",
        "[[drawings/plan.excalidraw]]",
        "[a page of the site](/about/)",  # an address of the published site
        "[the same note as a page](grafting/)",
        "[a page](posts/2024.html)",
        "[elsewhere](https://example.org/nowhere.md)",
        "[elsewhere]((https://example.org/nowhere))",
        "[[another vault|dendron://elsewhere/a.b]]",
        "[here](#signals)",
        "`[[in code]]`",
    ],
)
def test_what_leads_somewhere_is_not_called_broken(tmp_path, link):
    (tmp_path / "drawings").mkdir()
    (tmp_path / "drawings/plan.excalidraw").write_text("{}")
    notes = ORCHARD | {"new.md": f"# New\n\nSee {link}.\n"}
    assert found(tmp_path, notes, Rule.BROKEN_LINK) == []


@pytest.mark.parametrize("link", ["[a](gone.md)", "[a](/gone.md)", "[[gone/]]", "[a](../out.md)"])
def test_a_markdown_link_to_a_note_that_is_not_there_is_broken(tmp_path, link):
    notes = {"new.md": f"# New\n\nSee {link}.\n"}
    assert [line for _, line, _ in found(tmp_path, notes, Rule.BROKEN_LINK)] == [3]


def test_a_link_that_names_two_notes_is_ambiguous_and_a_plain_one_is_offered(tmp_path):
    notes = {"a/plan.md": "# A\n", "b/plan.md": "# B\n", "new.md": "# New\n\nSee [[plan]].\n"}
    index = index_with(tmp_path, notes, rules=frozenset({Rule.AMBIGUOUS_LINK}))
    (finding,) = check(index, EVERYTHING).findings
    assert finding.message == "[[plan]] means a/plan.md, and could as well mean b/plan.md"
    assert finding.link == "[[A]]"


def test_a_published_note_that_links_a_draft_leads_its_readers_nowhere(tmp_path):
    assert found(tmp_path, ORCHARD, Rule.LINK_TO_DRAFT) == [
        ("apples.md", 15, "[[Pears]] leads to a draft: readers will not get there")
    ]


def test_a_draft_may_link_a_draft(tmp_path):
    notes = {
        "a.md": "---\ndraft: true\n---\n# A\n\n[[b]]\n",
        "b.md": "---\ndraft: true\n---\n# B\n",
    }
    assert found(tmp_path, notes, Rule.LINK_TO_DRAFT) == []


PUBLISHED = {
    "yes.md": "---\npublish: true\n---\n# Yes\n\n[[silent]] [[posts/post]] [[_drafts/idea]]\n",
    "silent.md": "# Silent\n",
    "posts/post.md": "---\npublish: true\n---\n# Post\n\n[[silent]] [[yes]] [[_drafts/idea]]\n",
    "_drafts/idea.md": "---\npublish: true\n---\n# Idea\n",
}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, set()),
        (
            {"published_key": "publish"},
            {("yes.md", "silent.md"), ("posts/post.md", "silent.md")},
        ),
        (
            {"published_folders": ("posts/",)},
            {
                ("posts/post.md", "silent.md"),
                ("posts/post.md", "yes.md"),
                ("posts/post.md", "_drafts/idea.md"),
            },
        ),
        (
            {"draft_folders": ("_drafts",)},
            {("yes.md", "_drafts/idea.md"), ("posts/post.md", "_drafts/idea.md")},
        ),
    ],
)
def test_what_published_means_is_a_setting(tmp_path, chosen, expected):
    index = index_with(tmp_path, PUBLISHED, rules=frozenset({Rule.LINK_TO_DRAFT}), **chosen)
    assert {(f.path, f.target) for f in check(index, EVERYTHING).findings} == expected


def test_drafts_are_the_notes_that_are_not_published_yet(tmp_path):
    index = index_with(tmp_path, PUBLISHED, published_key="publish", draft_folders=("_drafts",))
    checked = check(index, Selection(drafts=True)).notes
    assert [(note.path, note.published) for note in checked] == [
        ("_drafts/idea.md", False), ("silent.md", False),
    ]  # fmt: skip


TREES = ORCHARD | {
    "old.md": f"# Old\n\nOld grafted trees keep the fruit of their orchards.\n\n{LONG}\n"
}


def test_a_note_that_belongs_here_is_a_missing_link_above_the_threshold_only(tmp_path):
    index = index_with(tmp_path, TREES, rules=frozenset({Rule.MISSING_LINK}), min_score=0.1)
    suggested = index.suggest_links("old.md", min_score=0.1, k=3).suggestions
    told = check(index, Selection(("old.md",))).findings
    assert [(f.target, f.link, f.score, f.line) for f in told] == [
        (s.card.path, s.link, s.score, 3) for s in suggested
    ]
    assert told
    strict = index_of(tmp_path, publishing=Publishing(min_score=1.0))
    rules = {f.rule for f in check(strict, Selection(("old.md",))).findings}
    assert Rule.MISSING_LINK not in rules


def test_of_a_note_with_links_a_lower_probability_is_asked_unless_one_is_chosen():
    none, one, two, nine = (at_least(*LEAST_OF_LINK, links=links) for links in (0, 1, 2, 9))
    assert (none, two) == pytest.approx(LEAST_OF_LINK)
    assert none > one > two == nine


def test_what_stands_above_a_note_in_a_hierarchy_of_names_is_no_missing_link(tmp_path):
    notes = TREES | {"old.trees.md": TREES["old.md"].replace("Old", "Ancient")}
    index = index_with(tmp_path, notes, rules=frozenset({Rule.MISSING_LINK}), min_score=0.0)
    assert "old.md" in {s.card.path for s in index.suggest_links("old.trees.md", k=20).suggestions}
    told = check(index, Selection(("old.trees.md", "old.md"))).findings
    assert ("old.trees.md", "old.md") not in {(f.path, f.target) for f in told}
    assert {f.path for f in told} == {"old.trees.md", "old.md"}


def test_no_more_missing_links_are_told_than_the_setting_says(tmp_path):
    index = index_with(tmp_path, TREES, rules=frozenset({Rule.MISSING_LINK}), min_score=0.0)
    assert len(check(index, Selection(("old.md",))).findings) > 1
    one = Publishing(rules=frozenset({Rule.MISSING_LINK}), min_score=0.0, max_links=1)
    assert len(check(index_of(tmp_path, publishing=one), Selection(("old.md",))).findings) == 1


def test_a_note_that_is_named_is_a_mention_where_its_name_stands_and_not_a_missing_link(tmp_path):
    text = (
        f"# New\n\nA scion of a grafted tree keeps its fruit.\nLearn *Grafting* early.\n\n{LONG}\n"
    )
    rules = frozenset({Rule.UNLINKED_MENTION, Rule.MISSING_LINK})
    index = index_with(tmp_path, ORCHARD | {"new.md": text}, rules=rules, min_score=0.0)
    told = [f for f in check(index, Selection(("new.md",))).findings if f.target == "grafting.md"]
    assert [(f.rule, f.line, f.column) for f in told] == [(Rule.UNLINKED_MENTION, 4, 8)]
    assert told[0].message == '"Grafting" is named here without its link [[grafting]]'


def test_a_name_that_is_linked_is_no_mention(tmp_path):
    text = f"# New\n\nA scion of a grafted tree. See [[Grafting]]; Grafting is an art.\n\n{LONG}\n"
    notes = ORCHARD | {"new.md": text}
    assert found(tmp_path, notes, Rule.UNLINKED_MENTION, select=Selection(("new.md",))) == []


def test_a_name_in_a_note_of_few_words_is_no_mention(tmp_path):
    text = "# New\n\nA scion of a grafted tree keeps its fruit.\nLearn grafting early.\n"
    rules = (Rule.UNLINKED_MENTION, Rule.MISSING_LINK)
    notes = ORCHARD | {"new.md": text}
    assert found(tmp_path, notes, *rules, select=Selection(("new.md",)), min_score=0.0) == []


def test_a_name_that_is_a_part_of_another_is_no_mention(tmp_path):
    others = {path: text for path, text in ORCHARD.items() if path != "grafting.md"}
    notes = {**others, "tree-grafting.md": ORCHARD["grafting.md"]}
    told = []
    for name in ("tree-grafting", "custom-tree-grafting"):
        text = (
            f"# New\n\nA scion of a grafted tree keeps its fruit.\nLearn {name} early.\n\n{LONG}\n"
        )
        told.append(
            found(
                tmp_path,
                notes | {"new.md": text},
                Rule.UNLINKED_MENTION,
                select=Selection(("new.md",)),
            )
        )
    assert [[line for _, line, _ in findings] for findings in told] == [[4], []]


def test_an_orphan_is_told_at_its_title(tmp_path):
    paths = [(path, line) for path, line, _ in found(tmp_path, ORCHARD, Rule.ORPHAN)]
    assert paths == [("bees.md", 1), ("grafting.md", 5), ("ledger.md", 1)]


def test_a_note_that_links_itself_is_an_orphan_and_one_with_a_broken_link_only_that(tmp_path):
    notes = {
        "d.md": "# D\n\n[[gone]]\n",
        "a.md": "# A\n\n[[a]] [[#A]]\n",
        "b.md": "# B\n\n[[c]]\n",
        "c.md": "# C\n",
    }
    assert [path for path, _, _ in found(tmp_path, notes, Rule.ORPHAN)] == ["a.md"]


PARAGRAPH = (
    "The tide mill at the mouth of the river turned on every ebb for four hundred years, and the "
    "miller kept the hours of the moon and not those of the village. When the railway came its "
    "stones were sold to a brewer, the sluice silted up, and herons took over the wheel pit."
)


def test_a_note_with_nearly_the_same_words_is_a_duplicate(tmp_path):
    notes = ORCHARD | {
        "mill.md": f"# The tide mill\n\n{PARAGRAPH}\n",
        "copy.md": f"# The tide mill\n\n{PARAGRAPH} Nobody minded.\n",
    }
    told = found(tmp_path, notes, Rule.NEAR_DUPLICATE)
    assert [(path, line) for path, line, _ in told] == [("copy.md", 1), ("mill.md", 1)]
    assert told[0][2].startswith("mill.md (The tide mill) has ")


def test_a_note_on_the_same_thing_in_other_words_is_no_duplicate(tmp_path):
    other = (
        "Tide mills stood along this coast wherever a creek could be dammed. The pond filled with "
        "the flood, the gate closed by itself, and grinding began when the sea had gone down."
    )
    notes = {"mill.md": f"# The tide mill\n\n{PARAGRAPH}\n", "mills.md": f"# Mills\n\n{other}\n"}
    assert found(tmp_path, notes, Rule.NEAR_DUPLICATE) == []


def diary(number: int, *, claim: bool = True) -> str:
    head = f"# Day {number}\n\n"
    body = f"> [!note] Core claim\n> Day {number} taught me patience.\n\n" if claim else ""
    return f"{head}{body}## signals\n- It rained on day {number}.\n"


def test_a_section_that_the_other_notes_have_is_missed(tmp_path):
    notes = {f"diary/{n}.md": diary(n) for n in range(12)}
    notes |= {"diary/99.md": diary(99, claim=False), "free.md": "# Free\n\nNo form at all.\n"}
    assert found(tmp_path, notes, Rule.MISSING_SECTION) == [
        ("diary/99.md", 1, "no core claim, which 92% of the notes of this folder have"),
        ("free.md", 1, "no core claim, which 86% of the notes of this vault have"),
        ("free.md", 1, "no signals, which 93% of the notes of this vault have"),
    ]


def test_notes_without_a_habit_miss_no_section(tmp_path):
    notes = {f"{n}.md": diary(n, claim=n % 2 == 0) for n in range(12)}
    assert found(tmp_path, notes, Rule.MISSING_SECTION) == []
    assert Habits({"a.md": frozenset({"claim"})}).at("b.md") == ()


def test_a_habit_is_that_of_the_folder_before_that_of_the_vault():
    facets = {f"in/{n}.md": frozenset({"claim"}) for n in range(10)}
    facets |= {f"out/{n}.md": frozenset({"take"}) for n in range(40)}
    habits = Habits(facets)
    assert [habit.facet for habit in habits.at("in/new.md")] == [Facet.CLAIM]
    assert [habit.facet for habit in habits.at("elsewhere/new.md")] == [Facet.TAKE]


NAMES = [
    ("stable diffusion", "sd.md"),
    ("2021-03-04", "day.md"),
    ("weekly review", "a.md"),
    ("weekly review", "b.md"),
    ("weekly review", "c.md"),
    ("weekly review", "d.md"),
]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("Stable Difusion", "sd.md"),
        ("notes/stable_diffusion", "sd.md"),
        ("Stable Diffusions.md", "sd.md"),
        ("2021-03-05", None),  # another day is another note
        ("weekly reviews", None),  # four notes bear the name
        ("unstable emission", None),
        ("sd", None),
    ],
)
def test_the_likely_note_is_the_one_whose_name_is_spelt_most_alike(target, meant):
    assert Likely(NAMES).meant_by(target) == meant


def test_a_comment_silences_a_rule_in_its_line_or_the_next(tmp_path):
    text = (
        "# New\n\n[[one]] <!-- recall: ignore broken-link -->\n[[two]]\n"
        "<!-- recall: ignore broken-link -->\n\n[[three]]\n[[four]]\n"
        "%% recall: ignore %%\n[[five]]\n"
    )
    index = index_with(tmp_path, {"new.md": text}, rules=frozenset({Rule.BROKEN_LINK}))
    report = check(index, EVERYTHING)
    assert [f.subject for f in report.findings] == ["two", "four"]
    assert report.silenced == 3


@pytest.mark.parametrize(
    "line",
    [
        "---\nrecall-ignore: broken-link\n---\n",
        "---\nrecall-ignore: [orphan, Broken-Link]\n---\n",
        "---\nrecall-ignore: all\n---\n",
        "<!-- recall: ignore-note broken-link, orphan -->\n",
    ],
)
def test_a_line_silences_a_rule_in_the_whole_note(tmp_path, line):
    notes = {"new.md": f"{line}# New\n\n[[one]]\n\n[[two]]\n"}
    assert found(tmp_path, notes, Rule.BROKEN_LINK) == []


def test_a_comment_in_a_code_block_is_an_example_and_silences_nothing(tmp_path):
    text = "# New\n\n```html\n<!-- recall: ignore-note broken-link -->\n```\n\n[[one]]\n"
    assert len(found(tmp_path, {"new.md": text}, Rule.BROKEN_LINK)) == 1


def test_a_rule_that_is_misspelt_in_a_comment_is_told(tmp_path):
    text = "---\nrecall-ignore: orfan\n---\n# New\n\n<!-- recall: ignore brokenlink -->\n[[one]]\n"
    report = check(index_with(tmp_path, {"new.md": text}), EVERYTHING)
    assert report.warnings == (
        "new.md: recall-ignore: there is no rule 'orfan'",
        "new.md: line 6: there is no rule 'brokenlink' to ignore",
    )
    assert Rule.BROKEN_LINK in report.counts()


def test_settings_choose_rules_severities_and_places(tmp_path):
    notes = {"a.md": "# A\n\n[[gone]]\n", "daily/b.md": "# B\n\n[[gone]]\n"}
    notes |= {"c.md": "# C\n", "daily/d.md": "# D\n"}
    index = index_with(
        tmp_path,
        notes,
        rules=frozenset({Rule.BROKEN_LINK, Rule.ORPHAN}),
        severities={Rule.BROKEN_LINK: Severity.NOTE},
        ignored=(("daily/", frozenset({Rule.ORPHAN})), ("daily/*", frozenset({Rule.BROKEN_LINK}))),
    )
    report = check(index, EVERYTHING)
    assert [(f.path, f.rule, f.severity) for f in report.findings] == [
        ("a.md", Rule.BROKEN_LINK, Severity.NOTE), ("c.md", Rule.ORPHAN, Severity.NOTE),
    ]  # fmt: skip
    assert (report.silenced, report.fails(FailOn.BROKEN)) == (2, False)
    assert (report.fails(FailOn.SUGGESTIONS), report.fails(FailOn.NONE)) == (True, False)


def test_exactly_one_way_to_choose_notes_is_needed(tmp_path):
    index = index_with(tmp_path, ORCHARD)
    for selection in (Selection(), Selection(("apples.md",), drafts=True)):
        with pytest.raises(UsageError):
            check(index, selection)


def test_a_note_is_named_by_file_path_title_or_id_and_one_outside_is_refused(tmp_path):
    outside = tmp_path / "outside.md"
    outside.write_text("# Outside\n")
    index = index_with(tmp_path / "vault", ORCHARD)
    for name in (str(tmp_path / "vault/apples.md"), "apples.md", "Apples", "200101OR01"):
        assert [note.path for note in check(index, Selection((name,))).notes] == ["apples.md"]
    with pytest.raises(NoteNotFound, match="outside of the vault"):
        check(index, Selection((str(outside),)))


def test_a_file_outside_that_is_called_like_a_note_of_the_vault_hides_it_not(tmp_path, monkeypatch):
    (tmp_path / "bees.md").write_text("# Outside\n")
    index = index_with(tmp_path / "vault", ORCHARD)
    monkeypatch.chdir(tmp_path)
    assert [note.title for note in check(index, Selection(("bees.md",))).notes] == ["Bees"]


def test_a_note_that_changed_since_the_index_is_judged_as_it_is(tmp_path):
    index = index_with(tmp_path, ORCHARD, rules=frozenset({Rule.BROKEN_LINK, Rule.MISSING_LINK}))
    write(tmp_path, {"bees.md": "# Bees\n\nGrafted trees keep their fruit. [[gone]]\n"})
    assert [f.subject for f in check(index, Selection(("bees.md",))).findings][:1] == ["gone"]


def test_checking_changes_no_file(tmp_path):
    index = index_with(tmp_path, TREES)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.md")}
    check(index, EVERYTHING)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.md")} == before
