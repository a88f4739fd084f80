"""The table of notes: what suggestions look up of every note never says else than the index."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaults import ORCHARD, index_of, write

from recall.domain import Health
from recall.store import opening, writer
from recall.store.files import TABLE
from recall.store.vectors import note_table, note_table_file
from recall.store.vectors.lists import Lists, distinct, is_in
from recall.store.vectors.note_table import read_table

SENTENCES = [
    "Grafted trees bear sweeter fruit.", "Bees like clover.", "See [[n1]] and [[n2]].",
    "A ledger of debts.", "![[n3]]", "[[n0|pears]] ripen late.", "#fruit", "",
    "# Sweet pears", "# Ledgers of pears",
]  # fmt: skip
NAMES = st.sampled_from([f"n{number}.md" for number in range(6)])
TEXTS = st.lists(st.sampled_from(SENTENCES), max_size=4).map("\n\n".join)
EDITS = st.lists(
    st.dictionaries(NAMES, st.none() | TEXTS, min_size=1, max_size=3), min_size=1, max_size=3
)


def kept_and_read(index):
    """The table that lies beside the index, and what the catalog and the vectors say themselves."""
    kept = note_table_file.load(index.settings.index, whole=True)
    assert kept is not None
    with index.read() as snapshot:
        state = kept[0]
        assert (state.born, state.built) == (snapshot.born, snapshot.built)
        segments = snapshot._segments()
        return kept[1], read_table(snapshot.database, segments, state.max_notes_per_text)


@settings(max_examples=max(6, settings.default.max_examples // 40))  # each is a few builds
@given(edits=EDITS)
def test_after_any_edits_the_kept_table_is_what_would_be_read_anew(edits, tmp_path_factory):
    root = tmp_path_factory.mktemp("vault")
    write(root, ORCHARD)
    index = index_of(root)
    index.refresh()
    for edit in edits:
        for path, text in edit.items():
            if text is None:
                (root / path).unlink(missing_ok=True)
        write(root, {path: text for path, text in edit.items() if text is not None})
        index.refresh()
        kept, read = kept_and_read(index)
        assert kept.differences(read) == []
        assert np.array_equal(kept.means, read.means)


def test_a_mean_that_is_taken_over_is_not_computed_again(tmp_path, monkeypatch):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    write(tmp_path, {"bees.md": "# Bees\n\nA swarm leaves the hive in May.\n"})
    computed = []
    whole = note_table.mean_vectors
    monkeypatch.setattr(
        note_table, "mean_vectors", lambda held, texts: computed.append(texts) or whole(held, texts)
    )
    index.refresh()
    assert [len(texts.starts) - 1 for texts in computed] == [1]
    kept, read = kept_and_read(index)
    assert np.array_equal(kept.means, read.means)


def test_a_note_whose_card_is_the_same_is_not_read_again(tmp_path, monkeypatch):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    write(tmp_path, {"bees.md": "# Bees in May\n\nA swarm leaves the hive. #swarm\n"})
    read = []
    whole = note_table.card_from
    monkeypatch.setattr(note_table, "card_from", lambda row: read.append(row[0]) or whole(row))
    index.refresh()
    assert read == ["bees.md"]
    monkeypatch.undo()
    kept, anew = kept_and_read(index)
    assert kept.differences(anew) == []
    at = kept.row("bees.md")
    assert [kept.terms[place] for place in kept.title_terms[at]] == ["bee", "in", "may"]
    assert [kept.tag_names[place] for place in kept.tags[at]] == ["swarm"]


def test_a_text_that_became_template_text_leaves_the_mean_of_every_note(tmp_path):
    rare = "A sentence that will be everywhere."
    notes = {f"n{n}.md": f"# Note {n}\n\n{rare}\n\n## More\n\nOnly {n} here.\n" for n in range(5)}
    write(tmp_path, notes)
    index = index_of(tmp_path, max_notes_per_text=5)
    index.refresh()
    before, _ = kept_and_read(index)
    write(tmp_path, {"n5.md": notes["n0.md"].replace("Only 0", "Only 5")})
    index.refresh()
    after, read = kept_and_read(index)
    assert not np.allclose(before.means[0], after.means[0])
    assert np.array_equal(after.means, read.means)


def test_an_index_of_no_notes_has_an_empty_table(tmp_path):
    index = index_of(tmp_path)
    index.refresh()
    kept, read = kept_and_read(index)
    assert kept.paths == ()
    assert kept.differences(read) == []


@pytest.mark.parametrize("damage", ["flipped", "cut", "another file", "a folder"])
def test_a_damaged_table_changes_no_answer_is_told_by_doctor_and_made_again(tmp_path, damage):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    expected = index.suggest_links("apples.md").suggestions
    file = index.settings.index / TABLE
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[-200] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[:-100])
    elif damage == "another file":
        file.write_bytes(b"something else\n")
    else:
        file.unlink()
        file.mkdir()
    assert index_of(tmp_path).suggest_links("apples.md").suggestions == expected
    told = {item.part: item for item in index_of(tmp_path).doctor()}["table of notes"]
    assert (told.health, told.advice) == (Health.WARNING, "recall index --full")
    if damage == "a folder":
        file.rmdir()
    index_of(tmp_path).refresh()
    kept, read = kept_and_read(index)
    assert kept.differences(read) == []


def test_a_table_whose_bytes_changed_behind_its_times_is_found_by_doctor(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    folder = index.settings.index
    state, table = note_table_file.load(folder)
    means = table.means.copy()
    means[0, 0] += 0.5
    note_table_file.keep(folder, state, replace(table, means=means))
    told = {item.part: item for item in index_of(tmp_path).doctor()}["table of notes"]
    assert told.message == "it differs from the index in means"


def test_the_table_of_another_index_is_not_believed(tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    write(first, ORCHARD)
    others = {path: text.replace("fruit", "stone") for path, text in ORCHARD.items()}
    write(second, others)
    for root in (first, second):
        index_of(root).refresh()
    expected = index_of(second).suggest_links("apples.md").suggestions
    shutil.copy(first / ".recall" / TABLE, second / ".recall" / TABLE)
    assert index_of(second).suggest_links("apples.md").suggestions == expected
    index_of(second).refresh()
    kept, read = kept_and_read(index_of(second))
    assert kept.differences(read) == []


@pytest.mark.parametrize("is_process_new", [True, False])
def test_an_older_index_put_back_under_a_newer_table_does_not_believe_it(tmp_path, is_process_new):
    vault, older = tmp_path / "vault", tmp_path / "older"
    write(vault, ORCHARD)
    index = index_of(vault)
    index.refresh(learns=False)  # as a search does: no table yet
    shutil.copytree(vault / ".recall", older)
    write(vault, {"new.md": "# Hives\n\nGrafted trees and bees, and a ledger of fruit.\n"})
    index.refresh()
    for file in older.iterdir():
        shutil.copy2(file, vault / ".recall" / file.name)
    write(vault, {"new.md": "# Debts\n\nA stone bridge over the river.\n"})
    index = index_of(vault) if is_process_new else index
    index.refresh(learns=False)  # the same generation as the table's, and the same numbers of texts
    held = [index.suggest_links(path).suggestions for path in ("apples.md", "new.md")]
    index.refresh()
    held += [index.suggest_links(path).suggestions for path in ("apples.md", "new.md")]
    kept, read = kept_and_read(index)
    assert kept.differences(read) == []
    shutil.rmtree(vault / ".recall")
    fresh = index_of(vault)
    fresh.refresh()
    expected = [fresh.suggest_links(path).suggestions for path in ("apples.md", "new.md")]
    assert held == expected * 2


@pytest.mark.parametrize("step_seconds", [0, -3600])
def test_a_clock_that_stands_still_or_runs_back_makes_no_table_stale(
    tmp_path, monkeypatch, step_seconds
):
    moments = itertools.count()
    start = datetime(2026, 5, 1, tzinfo=UTC)

    def now() -> str:
        return (start + timedelta(seconds=step_seconds * next(moments))).isoformat()

    monkeypatch.setattr(opening, "now", now)
    monkeypatch.setattr(writer, "now", now)
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    for word in ("clover", "heather", "thyme"):
        write(tmp_path, {"bees.md": f"# Bees and {word}\n\nGrafted trees, and {word}.\n"})
        index_of(tmp_path).refresh()
        index.refresh()
        held = [index_of(tmp_path).suggest_links("apples.md"), index.suggest_links("apples.md")]
        kept, read = kept_and_read(index)
        assert kept.differences(read) == []
        assert kept.terms == read.terms
        assert word in kept.terms
        assert held[0].suggestions == held[1].suggestions


def test_no_file_is_left_open_and_only_the_owner_may_read_the_table(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    index.suggest_links("apples.md")
    file = index.settings.index / TABLE
    assert file.stat().st_mode & 0o777 == 0o600
    file.replace(tmp_path / "elsewhere")  # Windows would refuse, were it open
    assert index.suggest_links("apples.md").suggestions


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6), st.data())
def test_lists_in_two_arrays_are_the_lists_they_were(lists, data):
    held = Lists.of(lists)
    assert [held[at].tolist() for at in range(len(lists))] == lists
    chosen = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=4))
    taken = held.take(np.array(chosen, dtype=np.int64))
    assert [taken[at].tolist() for at in range(len(chosen))] == [lists[at] for at in chosen]
    assert held.sums(held.items.astype(float)).tolist() == [sum(items) for items in lists]
    pairs = [(owner, item) for owner, items in enumerate(lists) for item in items]
    again = Lists.of_pairs(np.array(pairs, dtype=np.int64).reshape(-1, 2), len(lists))
    assert [again[at].tolist() for at in range(len(lists))] == lists


NUMBERS = st.lists(st.integers(0, 20), max_size=12).map(lambda found: np.array(found, np.int64))


@given(NUMBERS, NUMBERS)
def test_sets_of_numbers_are_what_numpy_says_of_them(some, others):
    assert np.array_equal(distinct(some), np.unique(some))
    assert np.array_equal(is_in(some, others), np.isin(some, others))
