"""What was said of suggestions: remembered by note, whatever becomes of the index."""

import json
import shutil
import stat
import threading
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaults import ORCHARD, index_of, settle, write

from recall.domain import Verdict
from recall.errors import IndexDamaged, NoteNotFound, UsageError
from recall.feedback import FILE_NAME, Entry, Feedback, NoteMark
from recall.index import Index


def suggested(index: Index, note: str | Path = "apples.md") -> list[str]:
    return [item.card.path for item in index.suggest_links(note, k=10).suggestions]


def pairs(index: Index) -> list[tuple[str, str]]:
    return [(item.path, item.target_path) for item in index.dismissed()]


def held(index: Index) -> Path:
    return index.settings.index / FILE_NAME


def test_what_was_dismissed_is_not_suggested_for_that_note_and_others_keep_their_scores(
    own_orchard,
):
    before = {
        i.card.path: i.score for i in own_orchard.suggest_links("apples.md", k=10).suggestions
    }
    own_orchard.dismiss("apples.md", "grafting.md")
    after = {i.card.path: i.score for i in own_orchard.suggest_links("apples.md", k=10).suggestions}
    assert before.pop("grafting.md")
    assert after == before
    assert "grafting.md" in suggested(own_orchard, "pears.md")


def scores(index: Index, note: str = "apples.md") -> dict[str, float]:
    found = index.suggest_links(note, k=10).suggestions
    assert [i.score for i in found] == sorted((i.score for i in found), reverse=True)
    return {item.card.path: item.score for item in found}


def odds(probability: float) -> float:
    return probability / (1 - probability)


def test_a_note_refused_for_ten_others_has_half_the_odds_and_acceptances_weigh_against_that(
    tmp_path,
):
    others = {f"n{i}.md": f"# Row {i}\n\nThe {i} trees by the wall were cut.\n" for i in range(10)}
    write(tmp_path, {**ORCHARD, **others})
    index = index_of(tmp_path)
    index.refresh()
    before = scores(index)
    for name in others:
        index.dismiss(name, "grafting.md")
    after = scores(index)
    half = before.pop("grafting.md")
    assert odds(after.pop("grafting.md")) == pytest.approx(odds(half) / 2, rel=0.01)
    assert after == before
    for name in others:
        index.accept(name, "grafting.md")
    assert scores(index)["grafting.md"] == half
    for name in list(others)[:5]:
        index.dismiss(name, "grafting.md")
    assert odds(scores(index)["grafting.md"]) == pytest.approx(odds(half) * 15 / 20, rel=0.01)


def test_refusals_move_a_note_behind_others_and_why_tells_of_them(own_orchard):
    first, second = suggested(own_orchard)[:2]
    entry = Entry(
        Verdict.DISMISSED, NoteMark("gone.md", "Gone"), NoteMark(first, first), date(2024, 5, 1)
    )
    many = [
        Entry(entry.verdict, NoteMark(f"gone{i}.md", "Gone"), entry.target, entry.day)
        for i in range(10_000)
    ]
    Feedback(own_orchard.settings.index).change(lambda _: tuple(many))
    assert suggested(own_orchard)[0] == second
    assert set(suggested(own_orchard)) == {first, second, *suggested(own_orchard)}
    found = own_orchard.why("apples.md", first)
    assert found.said is not None
    assert (found.said.accepted, found.said.dismissed) == (0, 10_000)
    assert (found.rank, found.score) == (
        1 + suggested(own_orchard).index(first),
        scores(own_orchard)[first],
    )
    assert own_orchard.why("apples.md", second).said is None


def test_status_counts_what_was_said(own_orchard):
    assert (own_orchard.status().accepted, own_orchard.status().dismissed) == (0, 0)
    own_orchard.dismiss("apples.md", "grafting.md", "bees.md")
    own_orchard.accept("bees.md", "grafting.md")
    assert (own_orchard.status().accepted, own_orchard.status().dismissed) == (1, 2)
    held(own_orchard).unlink()
    held(own_orchard).mkdir()
    assert own_orchard.status().dismissed == 0  # what is wrong with it, recall doctor says


def test_related_still_shows_it_marked(own_orchard):
    own_orchard.dismiss("apples.md", "grafting.md")
    marked = {i.card.path for i in own_orchard.related("apples.md").suggestions if i.dismissed}
    assert marked == {"grafting.md"}


def test_undoing_it_brings_it_back(own_orchard):
    before = suggested(own_orchard)
    own_orchard.dismiss("apples.md", "grafting.md", "bees.md")
    assert [item.target_path for item in own_orchard.restore("apples.md", "grafting.md")] == [
        "grafting.md"
    ]
    assert own_orchard.restore("apples.md", "grafting.md") == ()
    assert pairs(own_orchard) == [("apples.md", "bees.md")]
    own_orchard.restore("apples.md", "bees.md")
    assert suggested(own_orchard) == before


def test_notes_are_named_as_everywhere(own_orchard):
    own_orchard.dismiss("200101OR01", "scion wood", "[[bees]]")
    assert pairs(own_orchard) == [("apples.md", "bees.md"), ("apples.md", "grafting.md")]


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (("nobody", "bees"), NoteNotFound),
        (("apples", "bees", "nobody"), NoteNotFound),
        (("apples", "apples.md"), UsageError),
        (("apples", " "), UsageError),
    ],
)
def test_an_unsure_name_is_refused_and_nothing_is_written(own_orchard, names, error):
    with pytest.raises(error):
        own_orchard.dismiss(*names)
    assert not held(own_orchard).exists()


def test_the_last_word_on_a_pair_counts(own_orchard):
    own_orchard.dismiss("apples.md", "grafting.md")
    own_orchard.accept("apples.md", "grafting.md")
    said = [(item.target_path, item.verdict) for item in own_orchard.judged("apples.md")]
    assert said == [("grafting.md", Verdict.ACCEPTED)]
    assert "grafting.md" in suggested(own_orchard)
    assert own_orchard.restore("apples.md", "grafting.md") == ()  # it is not dismissed


def test_a_rename_that_a_build_sees_is_followed_at_both_ends(own_orchard, tmp_path):
    own_orchard.dismiss("pears.md", "bees.md")
    (tmp_path / "pears.md").rename(tmp_path / "conference.md")
    (tmp_path / "bees.md").rename(tmp_path / "hive.md")
    settle(tmp_path)
    own_orchard.refresh()
    assert pairs(own_orchard) == [("conference.md", "hive.md")]
    assert "hive.md" not in suggested(own_orchard, "conference.md")


def test_a_note_that_was_edited_since_is_still_followed_by_what_it_says_now(own_orchard, tmp_path):
    own_orchard.dismiss("pears.md", "bees.md")
    write(tmp_path, {"bees.md": "# Bees\n\nThey sleep in winter.\n"})
    own_orchard.refresh()
    (tmp_path / "bees.md").rename(tmp_path / "hive.md")
    shutil.copy(held(own_orchard), tmp_path / "kept.jsonl")
    shutil.rmtree(own_orchard.settings.index)  # no build saw the note move
    own_orchard.settings.index.mkdir()
    shutil.copy(tmp_path / "kept.jsonl", held(own_orchard))
    settle(tmp_path)
    own_orchard.refresh()
    assert pairs(own_orchard) == [("pears.md", "hive.md")]


def test_a_note_with_an_id_is_known_wherever_it_goes_and_whatever_it_says(own_orchard, tmp_path):
    own_orchard.dismiss("bees.md", "apples.md")
    (tmp_path / "apples.md").unlink()
    write(tmp_path, {
        "fruit/pomes.md": "---\nnote_id: 200101OR01\n---\n# Pome\n\nNew words on grafted trees.\n",
        "apples.md": "# Apples\n\nAnother note altogether, on clover and lime in the meadow.\n",
    })  # fmt: skip
    own_orchard.refresh()
    assert pairs(own_orchard) == [("bees.md", "fruit/pomes.md")]
    assert "apples.md" in suggested(own_orchard, "bees.md")
    assert "fruit/pomes.md" not in suggested(own_orchard, "bees.md")


def test_an_id_that_several_notes_bear_means_the_one_that_was_meant_or_none(own_orchard, tmp_path):
    own_orchard.dismiss("bees.md", "apples.md")
    copy = ORCHARD["apples.md"]
    write(tmp_path, {"a/copy.md": copy, "b/copy.md": copy})
    own_orchard.refresh()
    assert pairs(own_orchard) == [("bees.md", "apples.md")]
    assert "a/copy.md" in suggested(own_orchard, "bees.md")
    (tmp_path / "apples.md").write_text("---\nnote_id: other\n---\nGone elsewhere.\n")
    settle(tmp_path)
    own_orchard.refresh()
    assert {"a/copy.md", "b/copy.md"} <= set(suggested(own_orchard, "bees.md"))


@pytest.mark.parametrize("again", ["full", "other rules", "damaged"])
def test_a_rebuild_keeps_what_was_said(own_orchard, tmp_path, again):
    own_orchard.dismiss("apples.md", "grafting.md")
    before = held(own_orchard).read_bytes()
    if again == "damaged":
        (own_orchard.settings.index / "catalog.sqlite").write_bytes(b"no catalog" * 1000)
    options = {"max_notes_per_text": 9} if again == "other rules" else {}
    index = index_of(tmp_path, **options)
    assert index.refresh(full=again != "damaged").reason
    assert held(index).read_bytes() == before
    assert "grafting.md" not in suggested(index)


def test_a_note_that_is_gone_is_said_to_be_and_comes_back(own_orchard, tmp_path):
    own_orchard.dismiss("apples.md", "bees.md")
    (tmp_path / "bees.md").unlink()
    own_orchard.refresh()
    assert [(item.target_title, item.is_gone) for item in own_orchard.dismissed()] == [
        ("Bees", True)
    ]
    write(tmp_path, {"bees.md": "# Bees\n\nA new hive on the same meadow.\n"})
    own_orchard.refresh()
    assert [item.is_gone for item in own_orchard.dismissed()] == [False]
    assert "bees.md" not in suggested(own_orchard)


def test_a_draft_outside_the_vault_keeps_its_dismissals_when_it_moves_in(own_orchard, tmp_path):
    draft = tmp_path.parent / f"{tmp_path.name}-draft.md"
    draft.write_text("# Rootstock\n\nGrafted trees on strong roots bear fruit.\n")
    assert "grafting.md" in suggested(own_orchard, draft)
    own_orchard.dismiss(draft, "grafting.md")
    assert "grafting.md" not in suggested(own_orchard, draft)
    draft.rename(tmp_path / "rootstock.md")
    settle(tmp_path)
    own_orchard.refresh()
    assert pairs(own_orchard) == [("rootstock.md", "grafting.md")]
    assert "grafting.md" not in suggested(own_orchard, "rootstock.md")


def test_the_file_is_for_its_owner_alone_and_says_what_it_holds(own_orchard):
    own_orchard.dismiss("apples.md", "grafting.md")
    assert stat.S_IMODE(held(own_orchard).stat().st_mode) == 0o600
    (line,) = held(own_orchard).read_text().splitlines()
    assert line.startswith('{"verdict": "dismissed", "day": "20')
    found = json.loads(line)
    assert found["note"].items() >= {"title": "Apples", "note_id": "200101OR01"}.items()
    assert found["target"].items() >= {"title": "Grafting", "path": "grafting.md"}.items()
    assert [file.name for file in own_orchard.settings.index.glob("feedback*")] == [FILE_NAME]


def test_no_note_is_touched(own_orchard, tmp_path):
    before = {file: file.read_bytes() for file in tmp_path.glob("*.md")}
    own_orchard.dismiss("apples.md", "grafting.md")
    own_orchard.restore("apples.md", "grafting.md")
    assert {file: file.read_bytes() for file in tmp_path.glob("*.md")} == before


def test_lines_that_are_not_understood_stay_as_they_are(own_orchard):
    strange = b'{"verdict": "postponed"}\n# mine\n\xff\xfe\n[[[[\n{"verdict": "dismissed"}\n'
    held(own_orchard).write_bytes(strange)
    own_orchard.dismiss("apples.md", "bees.md")
    assert held(own_orchard).read_bytes().startswith(strange)
    assert pairs(own_orchard) == [("apples.md", "bees.md")]


@pytest.mark.parametrize("plant", ["link", "folder", "huge"])
def test_what_stands_in_the_files_place_is_neither_followed_nor_written(
    own_orchard, tmp_path, plant
):
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.write_text("mine")
    if plant == "link":
        held(own_orchard).symlink_to(elsewhere)
    elif plant == "folder":
        held(own_orchard).mkdir()
    else:
        with held(own_orchard).open("wb") as stream:
            stream.truncate(30_000_000)
    for ask in (own_orchard.dismissed, lambda: own_orchard.dismiss("apples.md", "bees.md")):
        with pytest.raises(IndexDamaged) as raised:
            ask()
        assert FILE_NAME in raised.value.message
        assert raised.value.hint.startswith("Move feedback.jsonl away")
    assert elsewhere.read_text() == "mine"


def test_two_writers_at_once_lose_nothing(own_orchard, tmp_path):
    write(tmp_path, {f"n{i}.md": f"# Note {i}\n\nText {i} on trees.\n" for i in range(12)})
    own_orchard.refresh()
    at_once = [
        threading.Thread(target=own_orchard.dismiss, args=("apples.md", f"n{i}.md"))
        for i in range(12)
    ]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    assert sorted(target for _, target in pairs(own_orchard)) == sorted(
        f"n{i}.md" for i in range(12)
    )


LETTERS = st.text(st.sampled_from('aé日 \n\x00"\\{}\ud800\u2028'), min_size=1, max_size=12)


@given(st.lists(st.binary(max_size=30), max_size=6), LETTERS, LETTERS)
def test_whatever_the_file_holds_is_kept_and_any_name_is_read_back(
    tmp_path_factory, lines, path, title
):
    folder = tmp_path_factory.mktemp("feedback")
    (folder / FILE_NAME).write_bytes(b"\n".join(lines))
    feedback = Feedback(folder)
    mark = NoteMark(path, title, note_id=title, sha256="ab")
    entry = Entry(Verdict.ACCEPTED, mark, NoteMark("b.md", "b"), date(2024, 2, 29))
    feedback.change(lambda entries: (*entries, entry))
    assert feedback.entries() == (entry,)
    kept = (folder / FILE_NAME).read_bytes().split(b"\n")
    assert kept[:-2] == [line for line in b"\n".join(lines).split(b"\n") if not is_blank(line)]


def is_blank(line: bytes) -> bool:
    return not line.decode("utf-8", "surrogateescape").strip()
