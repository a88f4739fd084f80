"""Question → hits."""

from datetime import date
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaults import ORCHARD, index_of, write

from recall.domain import Facet, Filters, NameKind
from recall.errors import IndexMissing, UsageError
from recall.index import Index
from recall.search import showing
from recall.search.floor import rarities
from recall.search.verbatim import phrase_key, titled_so


def found(index: Index, question: str, **filters: object) -> list[str]:
    return [hit.card.path for hit in index.search(question, filters=Filters(**filters)).hits]


def test_the_note_that_means_it_comes_first(orchard):
    assert found(orchard, "a hive near clover")[0] == "bees.md"


def test_the_answer_shows_the_passage_its_section_and_its_line(orchard):
    hit = orchard.search("grafted trees centuries").hits[0]
    assert hit.card.path == "apples.md"
    assert hit.passage.facet is Facet.SIGNALS
    assert hit.passage.text == "Old orchards kept grafted trees alive for centuries."
    assert ORCHARD["apples.md"].split("\n")[hit.passage.line - 1].startswith("- Old orchards")


def test_inflected_words_are_found(orchard):
    hit = orchard.search("pollinate").hits[0]
    assert (hit.card.path, hit.parts.lexical_rank) == ("bees.md", 1)


@pytest.mark.parametrize(
    ("question", "path", "kind"),
    [
        ("Ledger", "ledger.md", NameKind.PATH),
        ("200101or01", "apples.md", NameKind.NOTE_ID),
        ("Scion Wood", "grafting.md", NameKind.ALIAS),
    ],
)
def test_a_question_that_is_the_name_of_a_note_finds_it_first(orchard, question, path, kind):
    hit = orchard.search(question).hits[0]
    assert (hit.card.path, hit.parts.name) == (path, kind)


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("what is a map", "map.md"),  # its title has a question mark
        ("0 13", "release.md"),
        ("maps and atlases", "maps.md"),
        ("map and atlas", None),  # inflected otherwise: the words of a title, not its name
        ("...", None),
        ("x" * 70, None),  # no term at all
        ("map " * 2000, None),
    ],
)
def test_a_title_is_a_name_however_it_is_punctuated(tmp_path, question, path):
    write(
        tmp_path,
        {
            "map.md": "# What is a map?\n\nA drawing of land, seen from above.\n",
            "release.md": "# 0.13\n\nSeveral repairs of the drawing of coasts and of harbours.\n",
            "maps.md": "# Maps, and: Atlases\n\nSheets of paper that show where land ends.\n",
            "zero.md": "# 0\n\n0\n",
        },
    )
    index = index_of(tmp_path)
    index.refresh()
    with index.read() as snapshot:
        assert titled_so(question, snapshot) == ([path] if path else [])
    if path:
        hit = index.search(question).hits[0]
        assert (hit.card.path, hit.parts.name) == (path, NameKind.TITLE)


def test_a_name_finds_its_note_however_many_others_hold_the_word(tmp_path):
    crowd = {
        f"{i:03}.md": f"# Map {i}\n\nAn atlas, an atlas{i}, an atlas of maps.\n" for i in range(250)
    }
    long = "Rivers bend and valleys widen where the hills give way. " * 40
    write(tmp_path, {**crowd, "book.md": f"---\naliases: [Atlas]\n---\n# Volume\n\n{long}\n"})
    index = index_of(tmp_path)
    index.refresh()
    hit = index.search("atlas", k=3).hits[0]
    assert (hit.card.path, hit.parts.name) == ("book.md", NameKind.ALIAS)


def test_as_many_notes_answer_as_are_asked_for(tmp_path):
    notes = {f"{i:03}.md": f"# Map {i}\n\nAn atlas{i} among other maps.\n" for i in range(260)}
    write(tmp_path, notes)
    index = index_of(tmp_path)
    index.refresh()
    assert len(index.search("other maps", k=250).hits) == 250


def test_each_note_answers_once(orchard):
    paths = found(orchard, "grafted trees and orchards and fruit")
    assert sorted(paths) == sorted(set(paths))


def test_a_question_that_nothing_answers_gets_no_hit(orchard):
    assert orchard.search("submarine telegraph cable").hits == ()


def test_a_word_that_no_note_holds_says_twice_as_much_as_its_rarity(orchard):
    with orchard.read() as snapshot:
        assert snapshot.document_frequency(["clover", "submarin"]) == {"clover": 1, "submarin": 0}
        found = rarities([("clover",), ("submarin",)], snapshot)
        held, unheld = log((len(ORCHARD) + 1) / 1.5), log((len(ORCHARD) + 1) / 0.5)
    assert found == pytest.approx({("clover",): held, ("submarin",): 2 * unheld})


def test_a_word_is_as_rare_as_it_is_in_the_section_that_is_asked_for(tmp_path):
    """Most notes hold it, one claims it: so it says much where claims are asked for."""
    notes = {f"{at}.md": f"# Note {at}\n\nHoney number {at}.\n" for at in range(20)}
    write(tmp_path, {**notes, "claim.md": "# Claim\n\n> [!note] Core claim\n> Honey keeps.\n"})
    index = index_of(tmp_path)
    index.refresh()
    hit = index.search("honey keeps", filters=Filters(facets=frozenset({Facet.CLAIM}))).hits[0]
    assert hit.card.path == "claim.md"
    assert hit.score <= 1.0


def test_filters_by_section(orchard):
    hits = orchard.search("grafted trees", filters=Filters(facets=frozenset({Facet.CLAIM}))).hits
    assert [(hit.card.path, hit.passage.facet) for hit in hits] == [("apples.md", Facet.CLAIM)]


def test_filters_by_tag_and_the_tags_below_it(orchard):
    assert set(found(orchard, "fruit ripens sweeter", tags=("fruit",))) <= {"apples.md", "pears.md"}
    assert found(orchard, "pears ripen", tags=("fruit/soft",)) == ["pears.md"]
    assert found(orchard, "pears ripen", tags=("soft",)) == []


def test_any_number_of_tags_may_be_asked_for(orchard):
    borne = orchard.search("pears", filters=Filters(tags=("fruit", "fruit/soft")))
    assert [hit.card.path for hit in borne.hits] == ["pears.md"]
    assert orchard.search(" ".join(f"pears tag:t{i}" for i in range(2_000))).hits == ()


def test_filters_by_date(orchard):
    assert found(orchard, "grafted fruit tree", since=date(2021, 1, 1))[0] == "grafting.md"
    assert "apples.md" not in found(orchard, "grafted fruit tree", since=date(2021, 1, 1))


def test_before_asks_when_a_note_was_begun_and_since_when_it_was_touched(own_orchard, tmp_path):
    days = "---\ncreated: 2007-01-09\nupdated: 2020-12-06\n---\n"
    write(tmp_path, {"quince.md": f"{days}# Quince\n\nQuinces are grafted on hawthorn.\n"})
    own_orchard.refresh()
    assert found(own_orchard, "grafted", until=date(2009, 12, 31)) == ["quince.md"]
    assert "quince.md" in found(own_orchard, "grafted", since=date(2020, 12, 1))
    assert "quince.md" not in found(own_orchard, "grafted", until=date(2007, 1, 8))


def test_drafts_can_be_left_out(orchard):
    assert found(orchard, "pears ripen in the cellar")[0] == "pears.md"
    assert "pears.md" not in found(orchard, "pears ripen in the cellar", drafts=False)
    assert "pears.md" not in found(orchard, "Pears", drafts=False)


def test_a_deleted_note_is_never_served_even_by_a_stale_index(own_orchard, tmp_path):
    (tmp_path / "bees.md").unlink()
    assert "bees.md" not in found(own_orchard, "a hive near clover")
    assert (
        own_orchard.search("Bees").hits == ()
        or own_orchard.search("Bees").hits[0].card.path != "bees.md"
    )


def test_a_note_without_words_is_found_by_its_name(tmp_path):
    write(tmp_path, {**ORCHARD, "stub.md": "# Stub\n"})
    index = index_of(tmp_path)
    index.refresh()
    hit = index.search("stub").hits[0]
    assert (hit.card.path, hit.passage.text) == ("stub.md", "Stub")


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_an_error(orchard, question):
    with pytest.raises(UsageError, match="empty"):
        orchard.search(question)


@pytest.mark.parametrize("question", ['"', "a OR", "NEAR(", "*", "title:x", "\x00", "🎵", "'; --"])
def test_no_question_is_a_syntax_error(orchard, question):
    assert isinstance(orchard.search(question).hits, tuple)


def test_without_an_index_it_says_what_to_do(tmp_path):
    write(tmp_path, ORCHARD)
    with pytest.raises(IndexMissing) as caught:
        index_of(tmp_path).search("x")
    assert "recall index" in caught.value.hint


def test_the_same_question_has_the_same_answer(orchard):
    first, second = orchard.search("fruit trees"), orchard.search("fruit trees")
    assert first.hits == second.hits


@pytest.mark.parametrize("question", ["grafted trees", "the", "pears and bees"])
def test_a_shorter_answer_is_the_beginning_of_a_longer_one(orchard, question):
    longest = orchard.search(question, k=5).hits
    for k in range(1, 5):
        assert orchard.search(question, k=k).hits == longest[:k]


def test_a_question_of_function_words_alone_is_not_answered(orchard):
    assert orchard.search("the of and in").hits == ()


def test_a_single_word_finds_the_note_that_holds_it_as_typed_first(tmp_path):
    inflected = "# One\n\nShe organised it. Organised! Organised again.\n"
    write(tmp_path, {"a.md": inflected, "b.md": "# Two\n\nThe organiser of all this was late.\n"})
    index = index_of(tmp_path)
    index.refresh()
    assert found(index, "organised") == ["a.md", "b.md"]
    assert found(index, "Organiser") == ["b.md", "a.md"]


def test_code_is_found_by_its_words(tmp_path):
    write(tmp_path, {**ORCHARD, "cluster.md": "# Operations\n\n```sh\nkubectl rollout\n```\n"})
    index = index_of(tmp_path)
    index.refresh()
    assert found(index, "kubectl")[0] == "cluster.md"


# ---- Phrases and operators


@pytest.mark.parametrize(
    ("question", "paths"),
    [
        ('"grafted trees"', {"apples.md"}),
        ('"GRAFTED Trees" fruit', {"apples.md"}),
        ('"grafted tree"', {"grafting.md"}),
        ('"trees grafted"', set()),
        ('"grafted trees" "a scion"', set()),
        ('"scion wood"', {"grafting.md"}),  # an alias
        ('"grafted trees" section:claim', {"apples.md"}),
        ('"grafted trees" section:take', set()),
    ],
)
def test_a_quoted_phrase_must_be_there_word_for_word(orchard, question, paths):
    hits = orchard.search(question, include_weak=True).hits
    assert {hit.card.path for hit in hits} == paths


def test_a_note_that_holds_the_phrase_is_an_answer_however_common_the_words(tmp_path):
    write(tmp_path, {f"{n}.md": f"# {n}\n\nHere it is, the end of {n}.\n" for n in range(5)})
    index = index_of(tmp_path)
    index.refresh()
    assert index.search('"the end of"').answered


def test_the_passage_that_holds_the_phrase_is_shown(orchard):
    assert "alive for centuries" in orchard.search('trees "for centuries"').hits[0].passage.text


def test_a_phrase_of_a_script_without_blanks_is_found_sign_for_sign(tmp_path):
    notes = {"one.md": "# One\n\n音楽生成の模型。\n", "two.md": "# Two\n\n生成音楽の模型。\n"}
    write(tmp_path, notes)
    index = index_of(tmp_path)
    index.refresh()
    assert found(index, "「音楽生成」") == found(index, "音楽生成")
    assert found(index, '"音楽生成"') == ["one.md"]


def test_operators_do_what_the_options_do(orchard):
    by_operator = orchard.search("grafted fruit tree after:2021 draft:no")
    by_option = orchard.search(
        "grafted fruit tree", filters=Filters(since=date(2021, 1, 1), drafts=False)
    )
    assert by_operator.hits == by_option.hits
    assert [hit.card.path for hit in orchard.search("pears ripen draft:only").hits] == ["pears.md"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("trees tag:nosuch", "no note has the tag nosuch"),
        ("tag:nosuch", "no note has the tag nosuch"),
        ("trees in:nowhere", "no note is in the folder nowhere"),
        ("trees before:1850", "no note passes all the filters together"),
    ],
)
def test_filters_that_leave_nothing_say_why(orchard, question, said):
    assert orchard.search(question).warnings == (said,)


def test_a_vault_without_a_note_says_so(tmp_path):
    index = index_of(tmp_path)
    index.refresh()
    assert index.search("trees").warnings == ("there is no note in this vault",)


def test_without_words_the_notes_that_pass_are_listed_the_latest_first(tmp_path):
    dated = "---\ntags: [ai]\nupdated: {}\n---\n\n# {}\n\n## Summary\n\nIt is so.\n"
    write(
        tmp_path,
        {
            "a.md": dated.format("2020-01-01", "A"),
            "b.md": dated.format("2024-01-01", "B"),
            "c.md": "---\ntags: [ai]\n---\n",
            "d.md": "# D\n\nNo tag at all.\n",
        },
    )
    index = index_of(tmp_path)
    index.refresh()
    assert found(index, "tag:ai") == ["b.md", "a.md", "c.md"]
    assert found(index, "", tags=("ai",)) == ["b.md", "a.md", "c.md"]
    assert found(index, "tag:ai section:claim") == ["b.md", "a.md"]
    answer = index.search("tag:ai", k=1)
    assert (answer.answered, answer.hits[0].passage.text) == (True, "It is so.")


def test_a_longer_text_finds_notes_near_to_any_of_its_passages(orchard):
    text = "# Plan\n\n- Grafted trees bear fruit.\n\n## Money\n\nDebit stands left, credit right.\n"
    paths = [hit.card.path for hit in orchard.search_by_text(text).hits]
    assert set(paths[:3]) >= {"ledger.md"}
    assert {"apples.md", "grafting.md"} & set(paths[:3])


@pytest.mark.parametrize("text", ["", " \n", "---\ntags: [a]\n---\n"])
def test_a_text_that_says_nothing_is_an_error(orchard, text):
    with pytest.raises(UsageError, match="says nothing"):
        orchard.search_by_text(text)


def test_a_longer_text_is_not_answered_by_the_few_of_its_words_that_some_note_holds(orchard):
    text = "Mend the bicycle lamp before winter, then buy new tyres and a bell for the pears."
    assert not orchard.search_by_text(text).answered


def test_weak_matches_are_given_when_they_are_asked_for(orchard):
    weak = orchard.search("submarine telegraph cable", include_weak=True)
    assert (weak.answered, len(weak.hits)) == (False, 5)
    assert orchard.search("submarine telegraph cable").answered is False
    assert orchard.search("grafted trees").answered is True


def test_a_copy_of_a_note_is_told_as_such(own_orchard, tmp_path):
    write(tmp_path, {"bees copy.md": ORCHARD["bees.md"]})
    own_orchard.refresh()
    hits = own_orchard.search("a hive near clover").hits
    assert {hit.card.path for hit in hits[:2]} == {"bees.md", "bees copy.md"}
    assert [hit.similar_to for hit in hits[:3]] == [None, 1, None]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("pear plum", "plum", "stone", "a pear")),
            st.sampled_from((0.1, 0.2, 0.4)),
        ),
        max_size=6,
    ),
    st.sampled_from(((), ("pear",), ("a pear", "plum"))),
)
def test_the_passage_shown_is_the_first_of_those_worth_most_however_few_are_read(held, phrases):
    texts, cosines = [text for text, _ in held], [cosine for _, cosine in held]
    wanted, keys = frozenset({"pear", "plum"}), [phrase_key(phrase) for phrase in phrases]
    worth = [
        cosine + showing._worth(text, wanted, keys)
        for text, cosine in zip(texts, cosines, strict=True)
    ]
    best = max(range(len(held)), key=worth.__getitem__, default=None)
    assert showing._best(texts, cosines, wanted, keys) == best
