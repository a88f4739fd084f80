"""Why a note is suggested for another, or why it is not."""

from pathlib import Path

import pytest
from vaults import ORCHARD, index_of, write

from recall.errors import NoteNotFound
from recall.index import Index
from recall.links.features import FEATURES, RELATIVE
from recall.links.why import GROUPS, OTHER, Obstacle, group_of
from recall.render import why as rendered
from recall.render.as_text import Style
from recall.settings import SuggestSettings

TEMPLATE = "# {name}\n\nState the one thing that this note says, in your own words.\n"
NOTES = {
    **ORCHARD,
    "empty.md": "# Nothing yet\n",
    **{f"t{i}.md": TEMPLATE.format(name=f"untitled {i}") for i in range(6)},
    "daily/2024-05-31.md": "# A day\n\nGrafted trees bear sweeter fruit than seedlings do.\n",
}


def indexed(root: Path) -> Index:
    write(root, NOTES)
    index = index_of(root, suggest=SuggestSettings(("YYYY-MM-DD",)))
    index.refresh()
    return index


@pytest.fixture(scope="module")
def orchard(tmp_path_factory) -> Index:
    """The orchard and more, for all tests that only ask."""
    return indexed(tmp_path_factory.mktemp("orchard"))


@pytest.fixture
def own_orchard(tmp_path: Path) -> Index:
    return indexed(tmp_path)


def obstacles(index: Index, note: str, target: str, **options) -> list[str]:
    """What stands in the way, but for weakness, which `test_worth.py` looks at."""
    found = index.why(note, target, **options).obstacles
    return [item.value for item in found if item is not Obstacle.WEAK]


def test_of_every_suggestion_it_gives_the_rank_and_probability_that_are_shown(orchard):
    found = orchard.suggest_links("apples.md", k=10).suggestions
    assert len(found) >= 3
    for item in found:
        why = orchard.why("apples.md", item.card.path, k=10)
        assert (why.is_suggested, why.rank, why.score, why.worth) == (
            not item.weak,
            item.rank,
            item.score,
            item.worth,
        )
        assert why.evidence == item.evidence


@pytest.mark.parametrize(
    ("note", "target", "expected"),
    [
        ("apples.md", "apples.md", ["itself"]),
        ("apples.md", "pears.md", ["linked", "draft"]),
        ("grafting.md", "pears.md", ["draft"]),
        ("apples.md", "daily/2024-05-31.md", ["excluded"]),
        ("empty.md", "apples.md", ["no-text-here"]),
        ("t1.md", "apples.md", ["template-here"]),
        ("pears.md", "grafting.md", []),
    ],
)
def test_it_names_what_stands_in_the_way(orchard, note, target, expected):
    assert obstacles(orchard, note, target, k=50) == expected


def test_a_note_of_template_text_alone_is_told_from_one_without_text(tmp_path):
    text = TEMPLATE.format(name="untitled")
    write(tmp_path, {**ORCHARD, **{f"{i}/untitled.md": text for i in range(6)}})
    index = index_of(tmp_path)
    index.refresh()
    assert obstacles(index, "apples.md", "1/untitled.md") == ["template-there"]
    assert obstacles(index, "1/untitled.md", "2/untitled.md") == ["template-here", "template-there"]


def test_a_link_is_shown_with_its_line(orchard):
    why = orchard.why("apples.md", "pears.md")
    assert why.link_lines == (15,)
    text = rendered.as_text(why, Style())
    assert "  - it is linked already: line 15.\n" in text
    assert f"Were it not for that, it would have rank {why.rank} of {why.candidates}" in text


def test_a_dismissal_and_a_missing_file_are_named(own_orchard, tmp_path):
    own_orchard.dismiss("apples.md", "grafting.md")
    (tmp_path / "grafting.md").unlink()
    assert obstacles(own_orchard, "apples.md", "grafting.md", k=50) == ["dismissed", "gone"]


def test_a_low_score_and_a_low_rank_are_named_with_the_rank(orchard):
    last = orchard.suggest_links("apples.md", k=50).suggestions[-1]
    assert obstacles(orchard, "apples.md", last.card.path, k=1) == ["beyond-list"]
    assert obstacles(orchard, "apples.md", last.card.path, min_score=0.999) == ["below-threshold"]
    low = orchard.why("apples.md", last.card.path, min_score=0.999)
    assert low.rank == last.rank
    assert f"It has rank {last.rank} of" in rendered.as_text(low, Style())


def test_a_note_that_no_signal_brings_near_is_told_so_with_its_rank_among_all(tmp_path):
    crowd = {f"n{i:03}.md": f"# Apple {i}\n\nApples on trees, row {i}.\n" for i in range(260)}
    write(tmp_path, {
        **crowd,
        "far.md": "# Ledger\n\nDebit stands left, credit right.\n",
        "a.md": "# Apple\n\nApples on trees.\n",
    })  # fmt: skip
    index = index_of(tmp_path)
    index.refresh()
    why = index.why("a.md", "far.md")
    assert why.obstacles[0].value == "no-candidate"
    assert why.words_rank is None
    assert why.cosine_rank is not None
    assert why.cosine_rank > 200
    assert why.rank is not None
    assert why.rank > 5


def test_a_draft_outside_the_vault_can_be_asked_about(orchard, tmp_path_factory):
    draft = tmp_path_factory.mktemp("elsewhere") / "draft.md"
    draft.write_text("# Rootstock\n\nGrafted trees on strong roots.\n\nSee [[Grafting]].\n")
    assert orchard.why(draft, "apples.md").is_suggested
    linked = orchard.why(draft, "grafting.md")
    assert (linked.obstacles, linked.link_lines) == (("linked",), (5,))


def test_names_that_are_unsure_are_refused(orchard):
    for pair in (("nobody", "apples"), ("apples", "nobody")):
        with pytest.raises(NoteNotFound):
            orchard.why(*pair)


def test_what_speaks_for_a_note_is_what_it_would_lose_without(orchard):
    groups = orchard.why("apples.md", "grafting.md").groups
    assert groups is not None
    assert set(groups) <= {*GROUPS, OTHER}
    assert max(groups.values()) > 0


def test_every_feature_belongs_to_a_group():
    relative = [f"{name}_{kind}" for name in RELATIVE for kind in ("rank", "z")]
    assert [name for name in (*FEATURES, *relative) if group_of(name) == OTHER] == []


def test_asking_why_needs_no_model_and_writes_nothing(own_orchard, tmp_path):
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    own_orchard.embedder.passages_embedded.clear()
    own_orchard.why("apples.md", "bees.md")
    assert own_orchard.embedder.passages_embedded == []
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
