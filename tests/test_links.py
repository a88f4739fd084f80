"""Note → suggestions with evidence."""

import json
from pathlib import Path

import pytest
from vaults import ORCHARD, embedded, index_of, write

from recall.errors import NoteNotFound, NoteUnreadable
from recall.index import Index
from recall.links import candidates, indexed_source
from recall.links.candidates import telling_terms


def suggested(index: Index, note: str | Path, **options: object) -> list[str]:
    return [item.card.path for item in index.suggest_links(note, **options).suggestions]


def test_the_note_that_says_the_same_comes_first(orchard):
    assert suggested(orchard, "apples.md")[0] == "grafting.md"


def test_neither_the_note_itself_nor_its_links_are_suggested(orchard):
    paths = suggested(orchard, "apples.md", k=10)
    assert "apples.md" not in paths
    assert "pears.md" not in paths


@pytest.mark.parametrize(
    "link",
    [
        "[[grafting]]",
        "see [how](grafting.md)",
        "[[Grafting|it]]",
        "[[scion wood]]",
        "![[grafting]]",
        "[x]: grafting.md",
        "<ul><li>[[grafting#why]]</li></ul>",
    ],
)
def test_a_linked_note_is_not_suggested_however_the_link_is_written(tmp_path, link):
    write(tmp_path, {**ORCHARD, "apples.md": f"{ORCHARD['apples.md']}\n{link}\n"})
    index = index_of(tmp_path)
    index.refresh()
    assert "grafting.md" not in suggested(index, "apples.md", k=10)


def test_a_link_to_a_heading_of_the_note_itself_names_no_note(tmp_path):
    write(tmp_path, {**ORCHARD, "apples.md": f"{ORCHARD['apples.md']}\nSee [[#Scion]].\n"})
    index = index_of(tmp_path)
    index.refresh()
    assert suggested(index, "apples.md")[0] == "grafting.md"


def test_a_link_in_the_frontmatter_counts(tmp_path):
    write(tmp_path, {**ORCHARD, "new.md": '---\nup: "[[grafting]]"\n---\nA scion of a tree.\n'})
    index = index_of(tmp_path)
    index.refresh()
    assert "grafting.md" not in suggested(index, "new.md", k=10)


def test_related_shows_linked_notes_and_marks_them(orchard):
    shown = {item.card.path: item.linked for item in orchard.related("apples.md").suggestions}
    assert shown["pears.md"] is True
    assert shown["grafting.md"] is False


def test_an_indexed_note_needs_no_model(own_orchard):
    embedded(own_orchard).clear()
    own_orchard.suggest_links("apples.md")
    assert embedded(own_orchard) == []


@pytest.mark.parametrize("name", ["apples", "Apples", "apples.md", "200101OR01"])
def test_a_note_is_named_by_path_id_or_title(orchard, name):
    assert orchard.suggest_links(name).path == "apples.md"


def test_another_table_of_trees_ranks_as_it_says_and_why_says_the_same(
    own_orchard, tmp_path_factory
):
    cuts = [place / 100 for place in range(-100, 100)]
    table = {  # the less near, the better: trees of one question, the left leaf is worth 1
        "features": ["mean_cosine"],
        "feature": [[0] * len(cuts)],
        "threshold": [cuts],
        "if_left": [[1] * len(cuts)],
        "if_right": [[2] * len(cuts)],
        "leaves": [[1, 0]] * len(cuts),
        "calibration": {
            kind: {
                "intercept": 0, "score": 0.01, "vault_size": 0, "share": 0,
                "smallest": 0, "largest": 9, "least": -9, "most": 0,
            }
            for kind in ("fresh", "linked", "looked_away")
        },
    }  # fmt: skip
    file = tmp_path_factory.mktemp("elsewhere") / "table.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    other = Index(own_orchard.settings, embedder=own_orchard.embedder, ranker=file)
    found = other.suggest_links("apples.md", k=10).suggestions
    cosines = [item.evidence.parts["mean_cosine"] for item in found]
    assert len(set(cosines)) > 1
    assert cosines == sorted(cosines)
    assert [other.why("apples.md", item.card.path).score for item in found] == [
        item.score for item in found
    ]


def test_a_draft_outside_the_vault_gets_suggestions_and_its_links_count(orchard, tmp_path_factory):
    draft = tmp_path_factory.mktemp("elsewhere") / "draft.md"
    draft.write_text("# Rootstock\n\nGrafted trees on strong roots. See [[Grafting]].\n")
    paths = suggested(orchard, draft)
    assert paths[0] == "apples.md"
    assert "grafting.md" not in paths


def test_a_file_of_the_vault_can_be_named_by_its_place(own_orchard, tmp_path):
    assert own_orchard.suggest_links(tmp_path / "apples.md").path == "apples.md"


def test_the_evidence_can_be_looked_up_in_both_notes(orchard):
    best = orchard.suggest_links("apples.md").suggestions[0]
    here, there = best.evidence.here, best.evidence.there
    assert here.text in ORCHARD["apples.md"].replace("> ", "")
    assert there.text in ORCHARD["grafting.md"].replace("\n", " ")
    assert set(best.evidence.shared_words) <= {
        "Grafted",
        "grafted",
        "trees",
        "fruit",
        "orchards",
        "kept",
    }
    assert "trees" in best.evidence.shared_words


def test_an_unlinked_mention_is_named_with_its_words(tmp_path):
    write(tmp_path, {**ORCHARD, "visit.md": "# Visit\n\nHe cut some scion wood for me.\n"})
    index = index_of(tmp_path)
    index.refresh()
    best = index.suggest_links("visit.md").suggestions[0]
    assert best.card.path == "grafting.md"
    assert best.evidence.mention is not None
    assert (best.evidence.mention.text, best.evidence.mention.line) == ("scion wood", 3)


def test_common_neighbours_are_named(tmp_path):
    write(tmp_path, {
        **ORCHARD,
        "hub.md": "# Hub\n\n[[apples]] and [[grafting]] belong together.\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    best = index.suggest_links("apples.md").suggestions[0]
    assert (best.card.path, best.evidence.common_neighbours) == ("grafting.md", ("Hub",))


def test_a_suggestion_says_how_to_write_the_link(orchard):
    assert orchard.suggest_links("apples.md").suggestions[0].link == "[[grafting]]"


def test_an_ambiguous_stem_is_written_so_that_it_means_the_note(tmp_path):
    write(tmp_path, {
        "a/index.md": "# Cider\n\nPressed apples ferment slowly in oak.\n",
        "b/index.md": "# Perry\n\nPressed pears ferment slowly in oak.\n",
        "c.md": "# Must\n\nPressed fruit ferment slowly in oak, apples first.\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    links = {item.card.path: item.link for item in index.suggest_links("c.md").suggestions}
    assert links["a/index.md"] == "[[Cider]]"
    assert links["b/index.md"] == "[[Perry]]"


@pytest.mark.parametrize("text", ["", "# Only a title\n", "---\ntags: [x]\n---\n"])
def test_a_note_without_text_gets_none_and_is_told_why(tmp_path, text):
    write(tmp_path, {**ORCHARD, "empty.md": text})
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("empty.md")
    assert found.suggestions == ()
    assert found.warnings == ("the note has no text of its own to compare",)


def test_template_text_alone_makes_no_two_notes_related(tmp_path):
    template = "## Checklist\n\nWrite every day before breakfast without looking back.\n"
    notes = {f"day{i}.md": f"# Day {i}\n\n{template}" for i in range(8)}
    write(tmp_path, notes)
    index = index_of(tmp_path)
    index.refresh()
    assert suggested(index, "day0.md") == []


def test_a_deleted_note_is_never_suggested_even_by_a_stale_index(own_orchard, tmp_path):
    (tmp_path / "grafting.md").unlink()
    assert "grafting.md" not in suggested(own_orchard, "apples.md", k=10)


def test_a_vault_of_one_note_has_nothing_to_suggest(tmp_path):
    write(tmp_path, {"a.md": "# Alone\n\nNobody else is here.\n"})
    index = index_of(tmp_path)
    index.refresh()
    assert suggested(index, "a.md") == []


def test_scores_fall_from_first_to_last_and_are_probabilities(orchard):
    scores = [item.score for item in orchard.suggest_links("apples.md", k=10).suggestions]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_least_score_leaves_out_what_is_below(orchard):
    every = orchard.suggest_links("apples.md", k=10).suggestions
    some = orchard.suggest_links("apples.md", k=10, min_score=every[0].score).suggestions
    assert [item.card.path for item in some] == [
        item.card.path for item in every if item.score >= every[0].score
    ]


def test_an_unknown_note_is_an_error_with_a_near_name(orchard):
    with pytest.raises(NoteNotFound) as caught:
        orchard.suggest_links("Graftin")
    assert caught.value.hint == "Did you mean 'Grafting'?"


def test_a_name_of_several_notes_is_an_error_that_lists_them(tmp_path):
    write(tmp_path, {"a/x.md": "# One\n", "b/x.md": "# Two\n"})
    index = index_of(tmp_path)
    index.refresh()
    with pytest.raises(NoteNotFound, match=r"a/x\.md, b/x\.md"):
        index.suggest_links("x")


def test_a_skipped_note_says_why_it_is_not_indexed(tmp_path):
    write(tmp_path, {**ORCHARD, "bad.md": b"\xff"})
    index = index_of(tmp_path)
    index.refresh()
    with pytest.raises(NoteUnreadable, match="not UTF-8"):
        index.suggest_links(tmp_path / "bad.md")
    with pytest.raises(NoteUnreadable, match="not UTF-8"):
        index.suggest_links("bad.md")


def test_what_a_link_shows_is_no_mention(tmp_path):
    write(tmp_path, {
        **ORCHARD,
        "visit.md": "# Visit\n\nHe cut [[bees|scion wood]] for me, from a grafted tree.\n",
        "shop.md": "# Scion wood shop\n\nSold with the Visit [[Visit]] in spring, grafted trees.\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    found = {item.card.path: item.evidence for item in index.related("visit.md").suggestions}
    assert found["grafting.md"].mention is None
    mention = found["shop.md"].mention
    assert mention is not None
    assert (mention.where, mention.text) == ("there", "Visit")


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("苹果树的嫁接要在春天完成。", {"graft.md": "嫁接"}),
        ("春天里读Redis缓存的书。", {"redis.md": "Redis缓存"}),
        ("春天里[[grafts|嫁接]]苹果树。", {}),  # what a link shows is no mention
        ("苹果和梨都在春天开花。", {}),  # a single character names nothing
    ],
)
def test_a_name_is_found_where_there_are_no_blanks_between_words(tmp_path, text, mentions):
    write(tmp_path, {
        **ORCHARD,
        "graft.md": "# 嫁接\n\n两棵树长在一起，果实不变。\n",
        "redis.md": "# Redis缓存\n\n数据放在内存里，读得很快。\n",
        "pear.md": "# 梨\n\n果实多汁，秋天成熟。\n",
        "grafts.md": "# Kinds of grafts\n\nCleft and whip.\n",
        "spring.md": f"# 春天\n\n{text}\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("spring.md", k=20).suggestions
    named = {item.card.path: item.evidence.mention for item in found}
    assert {path: said.text for path, said in named.items() if said} == mentions
    assert {"graft.md", "redis.md", "pear.md"} <= named.keys()


def test_of_text_without_blanks_what_both_notes_say_is_shown_and_no_more(tmp_path):
    write(tmp_path, {
        **ORCHARD,
        "spring.md": "# 春天\n\n果农选好的枝条，春天嫁接的苹果树在秋天结果。\n",
        "autumn.md": "# 秋收\n\n苹果树在秋天结果很多，枝条要支撑。\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("spring.md", k=20).suggestions
    shared = {item.card.path: item.evidence.shared_words for item in found}
    assert sorted(shared["autumn.md"]) == ["枝条", "苹果树在秋天结果"]


def test_a_name_of_many_notes_is_no_mention(tmp_path):
    weekly = {f"{i}/weekly.md": f"# Weekly\n\nPlot {i} was dug over again.\n" for i in range(5)}
    write(tmp_path, {**weekly, "a.md": "# Plan\n\nA weekly look at the plot that was dug.\n"})
    index = index_of(tmp_path)
    index.refresh()
    assert {item.evidence.mention for item in index.suggest_links("a.md").suggestions} == {None}


def test_template_text_of_a_draft_makes_it_related_to_nothing(tmp_path, tmp_path_factory):
    template = "## Checklist\n\nWrite every day before breakfast without looking back.\n"
    write(tmp_path, {f"day{i}.md": f"# Day {i}\n\n{template}" for i in range(8)})
    index = index_of(tmp_path)
    index.refresh()
    draft = tmp_path_factory.mktemp("elsewhere") / "today.md"
    draft.write_text(f"# Today\n\n{template}")
    assert suggested(index, draft) == []


def test_a_draft_outside_does_not_hide_the_note_of_its_name(orchard, tmp_path_factory):
    draft = tmp_path_factory.mktemp("elsewhere") / "grafting.md"
    draft.write_text("# Notes\n\nA scion of a grafted tree keeps the fruit of its mother.\n")
    assert suggested(orchard, draft)[0] == "grafting.md"


def test_a_mention_is_found_however_it_is_encoded(tmp_path):
    write(tmp_path, {
        **ORCHARD,
        "cafe.md": "# Caf\u00e9 Soci\u00e9t\u00e9\n\nWhere growers of fruit trees meet.\n",
        "visit.md": "# Visit\n\nFruit trees at the Cafe\u0301 Socie\u0301te\u0301 stood in pots.\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    found = {item.card.path: item.evidence for item in index.suggest_links("cafe.md").suggestions}
    assert found["visit.md"].mention is not None
    assert found["visit.md"].mention.where == "there"


PARAGRAPH = (
    "Old orchards kept grafted trees alive for centuries, and every village had its own kinds of "
    "apple, pear and plum, which nobody outside of the valley had ever heard of or tasted."
)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (PARAGRAPH, True),
        (f"{PARAGRAPH} They are gone now.", True),
        ("Grafted trees of old orchards: apple, pear, plum, and kinds of every village.", False),
        ("A hive at the edge of the meadow pollinates clover and lime.", False),
    ],
)
def test_a_note_that_says_nearly_the_same_is_marked(tmp_path, text, is_one):
    write(tmp_path, {
        **ORCHARD,
        "a.md": f"# Old orchards\n\n{PARAGRAPH}\n",
        "b.md": f"# What was grown\n\n{text}\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    found = {i.card.path: i.near_duplicate for i in index.suggest_links("a.md", k=9).suggestions}
    assert found["b.md"] is is_one
    assert not any(marked for path, marked in found.items() if path != "b.md")


def test_stubs_that_share_a_template_are_no_duplicates(tmp_path):
    write(tmp_path, {f"n{i}.md": f"# Note {i}\n" for i in range(3)} | ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    assert not any(item.near_duplicate for item in index.suggest_links("apples.md").suggestions)


@pytest.mark.parametrize("most", [0, 3, 8])
def test_terms_that_say_least_are_not_asked_about_once_many_notes_are_to_be_read(
    orchard, monkeypatch, most
):
    with orchard.read() as snapshot:
        source = indexed_source("apples.md", snapshot, max_notes_per_text=5)
        every = telling_terms(source, snapshot)
        monkeypatch.setattr(candidates, "QUERY_POSTINGS", most)
        few = list(telling_terms(source, snapshot))
        held = snapshot.document_frequency(every)
    assert few == list(every)[: len(few)]
    assert sum(held[term] for term in few) <= most
    assert sum(held[term] for term in list(every)[: len(few) + 1]) > most


@pytest.mark.parametrize(("notes", "most"), [(20, 10), (60, 25), (200, 50)])
def test_a_term_that_many_notes_hold_tells_nothing(tmp_path, notes, most):
    """Half of a few notes, 25 of up to a hundred, a quarter of more."""
    texts = [f"# Note {i}\n\nplain" for i in range(notes)]
    for i in range(most + 1):
        texts[i] += " common" + (" telling" if i else "")
    write(tmp_path, {f"{i:03}.md": text for i, text in enumerate(texts)})
    index = index_of(tmp_path)
    index.refresh()
    with index.read() as snapshot:
        source = indexed_source("001.md", snapshot, max_notes_per_text=1000)
        asked = telling_terms(source, snapshot)
    assert {"tell"} == {"common", "plain", "tell"}.intersection(asked)
