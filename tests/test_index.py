"""The facade: what it accepts, what it refuses and in which words."""

from pathlib import Path

import pytest
from standins import WordEmbedder
from vaults import ORCHARD, index_of, write

import recall
from recall.arguments import MOST
from recall.domain import Filters
from recall.errors import IndexOutdated, NoteNotFound, UsageError, VaultNotFound
from recall.index import Index, open_index


def test_the_public_surface_is_small_and_sorted():
    names = ["Index", "RecallError", "__version__", "build_index", "open_index"]
    assert recall.__all__ == names
    assert all(getattr(recall, name) for name in names)


@pytest.mark.parametrize("k", [0, -1, MOST + 1, 10**20, 2.5, "3", None, True])
def test_k_is_a_whole_number_within_bounds(orchard, k):
    asked = (orchard.search, orchard.suggest_links, orchard.related)
    for ask, about in zip(asked, ("bees", "apples.md", "apples.md"), strict=True):
        with pytest.raises(UsageError) as caught:
            ask(about, k=k)
        assert caught.value.message == f"k is {k!r}."
        assert caught.value.hint == "Give a whole number from 1 to 10,000."


def test_the_largest_k_gives_every_note_that_answers(orchard):
    assert len(orchard.search("grafted trees", k=MOST).hits) <= len(ORCHARD)
    assert len(orchard.related("apples.md", k=MOST).suggestions) == len(ORCHARD) - 1


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.5, "0.5", None, True])
def test_a_least_score_is_a_probability(orchard, score):
    with pytest.raises(UsageError, match="The least score is"):
        orchard.suggest_links("apples.md", min_score=score)


@pytest.mark.parametrize("question", ["", " \n", None, 7])
def test_a_question_is_some_text(orchard, question):
    with pytest.raises(UsageError, match="question is empty"):
        orchard.search(question)


@pytest.mark.parametrize("name", ["", " ", "\t\n", None, 7])
def test_the_name_of_a_note_is_some_text(orchard, name):
    with pytest.raises(UsageError, match="name of the note is empty"):
        orchard.suggest_links(name)


@pytest.mark.parametrize("vault", ["", "  ", 7])
def test_the_name_of_a_vault_is_a_path(vault):
    with pytest.raises(UsageError, match="vault is"):
        open_index(vault)


def test_a_vault_whose_name_holds_nul_is_not_found():
    with pytest.raises(VaultNotFound, match=r"There is no folder 'x\\x00y'"):
        open_index("x\0y")


@pytest.mark.parametrize(
    "name",
    ["n" * 300, "n" * 60_000, "a/" * 3_000, "~nobody-of-that-name/x", "x\0y", "\udcff", "/", ".md",
     ".", "..", "#", "[[]]", "[[#claim]]", "[[|x]]", "a.md/b"],
)  # fmt: skip
def test_what_is_no_file_is_looked_up_as_a_name(orchard, name):
    with pytest.raises(NoteNotFound) as caught:
        orchard.suggest_links(name)
    assert len(caught.value.message) < 2_000
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["bees", "[[bees]]", "![[bees]]", "[[bees|the hive]]", "[[bees#meadow]]", "[[bees.md#a|b]]",
     " [[bees]] ", "[the hive](bees.md)", "bees.md#meadow", "Bees#a#b", "[[ bees ]]"],
)  # fmt: skip
def test_a_note_may_be_named_by_a_link_that_was_pasted(orchard, name):
    assert orchard.suggest_links(name).path == "bees.md"


def test_a_name_with_a_number_sign_is_taken_as_it_stands_first(own_orchard, tmp_path):
    write(tmp_path, {"c.md": "# C\n\nA letter.\n", "sharp.md": "# C#\n\nA language.\n"})
    own_orchard.refresh()
    assert own_orchard.suggest_links("C#").path == "sharp.md"


@pytest.mark.parametrize(
    ("count", "said"),
    [(5, "'rome' names several notes: a0/rome.md, a1/rome.md, a2/rome.md, a3/rome.md, a4/rome.md."),
     (7, "a3/rome.md, a4/rome.md and 2 more.")],
)  # fmt: skip
def test_an_ambiguous_name_says_how_many_more_there_are(tmp_path, count, said):
    write(tmp_path, {f"a{number}/rome.md": f"A city, {number}.\n" for number in range(count)})
    index = index_of(tmp_path)
    index.refresh()
    with pytest.raises(NoteNotFound) as caught:
        index.suggest_links("rome")
    assert caught.value.message.endswith(said)


def test_a_tag_that_no_note_bears_is_said(orchard):
    asked = Filters(tags=("fruit", "nosuch", "Soft/none"))
    answer = orchard.search("trees", filters=asked)
    assert answer.hits == ()
    assert answer.warnings == ("no note has the tag nosuch", "no note has the tag Soft/none")


@pytest.mark.parametrize("tag", ["fruit", "FRUIT/soft", "#fruit/"])
def test_a_tag_that_some_note_bears_is_no_warning(orchard, tag):
    assert orchard.search("zzz qqq", filters=Filters(tags=(tag,))).warnings == ()


def test_an_index_of_another_model_answers_nothing(orchard):
    class Other(WordEmbedder):
        def __init__(self):
            super().__init__(name="another")

    later = Index(orchard.settings, embedder=Other())
    with pytest.raises(IndexOutdated, match="another model"):
        later.search("trees")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="takes /proc to look at")
def test_an_index_that_is_closed_holds_no_file(tmp_path):
    write(tmp_path, ORCHARD)
    index_of(tmp_path).refresh()
    with index_of(tmp_path) as index:
        index.suggest_links("apples.md")
        index.search("bees")
        held = Path("/proc/self/maps").read_text()
        assert str(index.settings.index / "notes.table") in held
    assert str(index.settings.index) not in Path("/proc/self/maps").read_text()
