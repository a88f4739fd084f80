"""Misspelt and unfinished words."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaults import index_of, write

from recall.domain import Correction
from recall.index import Index
from recall.search.spelling import distance_between

NOTES = {
    "sound.md": "# Riffusion\n\nRiffusion paints spectrograms and plays them.\n",
    "cluster.md": "# Clusters\n\nKubernetes restarts what falls over. Organizations adopt it.\n",
    "city.md": "# Gdańsk\n\nA harbour on the Baltic with a crane from the Middle Ages.\n",
    "code.md": "# Snippets\n\n```sh\nkubectl rollout\n```\n",
}
KNOWN = frozenset("harbour crane paints plays restarts clipper over what".split())


@pytest.fixture
def index(tmp_path: Path) -> Index:
    write(tmp_path, dict(NOTES))
    index = index_of(tmp_path, known=KNOWN)
    index.refresh()
    return index


@pytest.mark.parametrize(
    ("asked", "searched", "path"),
    [
        ("rifusion", "riffusion", "sound.md"),
        ("rifffusion", "riffusion", "sound.md"),
        ("riffusoin", "riffusion", "sound.md"),
        ("riffusiom", "riffusion", "sound.md"),
        ("Kubernettes", "kubernetes", "cluster.md"),
        ("kuberentes", "kubernetes", "cluster.md"),
        ("gdasnk", "gdansk", "city.md"),
        ("spectorgram", "spectrograms", "sound.md"),
        ("kubetcl", "kubectl", "code.md"),
    ],
)
def test_a_misspelt_word_finds_its_note_and_the_answer_says_so(index, asked, searched, path):
    result = index.search(asked)
    assert result.hits[0].card.path == path
    assert [made.asked for made in result.corrections] == [asked]
    assert result.corrections[0].searched.startswith(searched)


def test_the_other_words_stay_as_they_are(index):
    result = index.search("what does kubernates restart")
    assert result.corrections == (Correction("kubernates", "kubernetes"),)
    assert result.query == "what does kubernates restart"
    assert result.hits[0].card.path == "cluster.md"


@pytest.mark.parametrize(
    "asked",
    [
        "kubernetes",  # it is right
        "organization",  # another form of a word that is there
        "clipper",  # a word, though not of this vault
        "cable",  # short, and two letters away
        "rifafuxin",  # too far
        "orgasizer",  # two letters away, and the model has it in two pieces as it has `reusable`
        "Riffusion",  # the name of a note
        '"rifusion"',  # quoted
    ],
)
def test_what_is_not_misspelt_stays(index, asked):
    assert index.search(asked, include_weak=True).corrections == ()


def test_among_other_words_a_word_is_only_replaced_if_some_note_says_so(index):
    assert index.search("riffusiom paints").corrections == (Correction("riffusiom", "riffusion"),)
    # A letter away from a word of the vault, and perhaps a word itself.
    assert index.search("adept", include_weak=True).corrections == (Correction("adept", "adopt"),)
    asked = "crane and harbour adept"
    assert index.search(asked, include_weak=True).corrections == ()


def test_the_other_words_decide_between_words_that_are_equally_near(tmp_path):
    runes = {f"stone-{i}.md": "# Stones\n\nA rune cut in stone.\n" for i in range(3)}
    write(tmp_path, {"film.md": "# Blade Runner\n\nRain.\n", **runes})
    index = index_of(tmp_path, known=frozenset({"blade", "stone"}))
    index.refresh()
    assert index.search("blade runer").corrections == (Correction("runer", "runner"),)
    assert index.search("stone runer").corrections == (Correction("runer", "rune"),)
    assert index.search("runer").corrections == (Correction("runer", "rune"),)  # more notes hold it


@pytest.mark.parametrize(
    ("asked", "path"), [("kuber", "cluster.md"), ("who paints spectro", "sound.md"),
                        ("organiza", "cluster.md"), ("rif", "sound.md")],
)  # fmt: skip
def test_a_last_word_not_typed_to_its_end_finds_the_words_it_begins(index, asked, path):
    result = index.search(asked)
    assert (result.hits[0].card.path, result.corrections) == (path, ())


def test_only_the_last_word_can_be_unfinished(index):
    assert index.search("kuber. harbour", include_weak=True).hits[0].card.path == "city.md"


WORDS = ["".join(letters) for size in range(4) for letters in product("ab", repeat=size)]


def by_breadth(one: str, most: int) -> dict[str, int]:
    """Every word that single edits lead to, and after how many; the definition, spelled out."""
    reached, edge = {one: 0}, [one]
    for step in range(1, most + 1):
        following = []
        for word in edge:
            for at in range(len(word) + 1):
                made = {word[:at] + word[at + 1 :]}
                made |= {word[:at] + letter + word[at:] for letter in "ab"}
                made |= {word[:at] + letter + word[at + 1 :] for letter in "ab"}
                if at + 1 < len(word):
                    made.add(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
                following += sorted(made - reached.keys())
                reached |= dict.fromkeys(made - reached.keys(), step)
        edge = following
    return reached


def test_one_edit_is_a_letter_dropped_added_replaced_or_swapped():
    for one in WORDS:
        near = by_breadth(one, 1)
        for other in WORDS:
            assert distance_between(one, other, 1) == near.get(other, 2), (one, other)


@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(0, 3))
def test_a_bound_changes_no_distance_below_it(one, other, most):
    whole = distance_between(one, other, 20)
    assert distance_between(one, other, most) == min(whole, most + 1)
    assert distance_between(other, one, 20) == whole
