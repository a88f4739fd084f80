"""The table of notes: what suggestions look up of every note never says else than the index."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaults import ORCHARD, index_of, settle, write

from recall.domain import Health
from recall.index import Index
from recall.settings import Settings
from recall.store import opening, writer
from recall.store.files import CATALOG, TABLE, TABLE_CHANGES
from recall.store.seal import SEAL
from recall.store.vectors import kept_table, note_reading
from recall.store.vectors.lists import Lists, distinct, is_in
from recall.store.vectors.note_reading import read_table
from recall.store.vectors.note_table_file import changes_file, table_file

SENTENCES = [
    "Grafted trees bear sweeter fruit.", "Bees like clover.", "See [[n1]] and [[n2]].",
    "A ledger of debts.", "![[n3]]", "[[n0|pears]] ripen late.", "#fruit", "",
    "# Sweet pears", "# Ledgers of pears",
]  # fmt: skip
NAMES = st.sampled_from([f"n{number}.md" for number in range(6)])
TEXTS = st.lists(st.sampled_from(SENTENCES), max_size=4).map("\n\n".join)
# A text; None: the note goes; another name: it moves there.
EDITS = st.lists(
    st.tuples(
        st.dictionaries(NAMES, st.none() | TEXTS | NAMES, min_size=1, max_size=3), st.booleans()
    ),
    min_size=1,
    max_size=4,
)
COMMON = Settings(Path(), Path()).max_notes_per_text
LIMIT = 1  # texts that more notes hold are template text: one edit makes and unmakes it


def kept_and_read(index):
    """The table that lies beside the index, and what the catalog and the vectors say themselves."""
    kept = table_file(index.settings.index).load(whole=True)
    assert kept is not None
    with index.read() as snapshot:
        state = kept[0]
        assert (state.born, state.built) == (snapshot.born, snapshot.built)
        segments = snapshot._segments()
        return kept[2], read_table(snapshot.database, segments, state.max_notes_per_text)


def read_anew(snapshot, limit):
    """What the catalog and the vectors say themselves."""
    return read_table(snapshot.database, snapshot._segments(), limit)


def edit_notes(root, edit):
    """Change, remove and move notes."""
    for path, told in edit.items():
        if told is None:
            (root / path).unlink(missing_ok=True)
        elif told.endswith(".md"):
            if (root / path).exists():
                (root / path).replace(root / told)
        else:
            write(root, {path: told})
    settle(root)


@settings(max_examples=max(8, settings.default.max_examples // 20))  # each is a few builds
@given(edits=EDITS, few=st.sampled_from([1, 64]))
def test_after_any_edits_the_kept_table_is_what_would_be_read_anew(edits, few, tmp_path_factory):
    root = tmp_path_factory.mktemp("vault")
    write(root, ORCHARD)
    index_of(root, max_notes_per_text=LIMIT).refresh()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_table, "FEW", few)  # with one, what changed is soon laid into the table
        for edit, is_kept in edits:
            edit_notes(root, edit)
            index_of(root).refresh(learns=False)
            with index_of(root).read() as snapshot:
                told = snapshot.table(max_notes_per_text=LIMIT)  # from files and the record
                read = read_anew(snapshot, LIMIT)
                assert told.differences(read) == []
                assert np.array_equal(told.means, read.means)
                if is_kept:
                    snapshot.keep_table(max_notes_per_text=LIMIT)
            with index_of(root).read() as snapshot:
                kept = snapshot.table(max_notes_per_text=LIMIT)
                assert kept.differences(read) == []
                assert np.array_equal(kept.means, read.means)
                assert snapshot.why_table_unsound() is None


def test_a_change_writes_what_it_changed_and_reads_no_other_note(tmp_path, monkeypatch):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    table = (index.settings.index / TABLE).stat()
    read = []
    whole = note_reading.card_from
    monkeypatch.setattr(note_reading, "card_from", lambda row: read.append(row[0]) or whole(row))
    for word in ("clover", "heather"):
        write(tmp_path, {"bees.md": f"# Bees\n\nA swarm in the {word}.\n"})
        index.refresh(learns=False)
        with index.read() as snapshot:
            snapshot.keep_table(max_notes_per_text=COMMON)
    assert read == ["bees.md", "bees.md"]
    assert (index.settings.index / TABLE).stat() == table
    state, since, patch = changes_file(index.settings.index).load()
    assert (patch.paths, patch.gone) == (("bees.md",), ())
    assert {"heather", "swarm"} < set(patch.counted)
    with index.read() as snapshot:
        assert (state.built, snapshot.is_told_from(since, max_notes_per_text=COMMON)) == (
            snapshot.built, True,
        )  # fmt: skip


@pytest.fixture
def changed_orchard(own_orchard: Index, tmp_path: Path) -> Index:
    """Give an index of which a note has changed since its table was kept."""
    write(tmp_path, {"bees.md": "# Bees\n\nGrafted trees, and a swarm in the clover.\n"})
    own_orchard.refresh(learns=False)
    return own_orchard


def test_of_what_changed_much_one_table_is_made_and_no_note_is_read_for_it(
    changed_orchard, monkeypatch
):
    index = changed_orchard
    read = []
    whole = note_reading.card_from
    monkeypatch.setattr(note_reading, "card_from", lambda row: read.append(row[0]) or whole(row))
    monkeypatch.setattr(kept_table, "FEW", 0)
    with index.read() as snapshot:
        snapshot.keep_table(max_notes_per_text=COMMON)
        assert read == ["bees.md"]
        assert not changes_file(index.settings.index).is_there()
        state, _, table = table_file(index.settings.index).load(whole=True)
        assert state.built == snapshot.built
        assert table.differences(read_anew(snapshot, COMMON)) == []


def test_what_an_older_version_built_in_between_is_not_overlooked(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    for word, is_older in (("clover", True), ("heather", False)):
        write(tmp_path, {f"{word}.md": f"# {word}\n\nA swarm in the [[bees|{word}]].\n"})
        index.refresh(learns=False)
        if is_older:
            with closing(sqlite3.connect(index.settings.index / CATALOG)) as raw, raw:
                for name in ("builds", "changed_notes", "changed_terms", "changed_texts"):
                    raw.execute(f"DROP TABLE {name}")
            (index.settings.index / SEAL).unlink()
        with index_of(tmp_path).read() as snapshot:
            table = snapshot.table(max_notes_per_text=COMMON)
            assert snapshot.carried(max_notes_per_text=COMMON) is None
            assert table.differences(read_anew(snapshot, COMMON)) == []


def test_a_record_of_another_copy_of_the_index_is_not_believed(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, ORCHARD)
    index_of(one).refresh()
    shutil.copytree(one, other)
    for root, word in ((one, "clover"), (other, "heather")):
        write(root, {"bees.md": f"# Bees\n\nA swarm in the {word}.\n"})
        index = index_of(root)
        index.refresh(learns=False)
        with index.read() as snapshot:
            snapshot.keep_table(max_notes_per_text=COMMON, whole=True)
    shutil.copy(one / ".recall" / TABLE, other / ".recall" / TABLE)  # as a synchroniser might
    write(other, {"pears.md": "# Pears\n\nPears by the hive.\n"})
    index_of(other).refresh(learns=False)
    with index_of(other).read() as snapshot:
        table = snapshot.table(max_notes_per_text=COMMON)
        assert table.differences(read_anew(snapshot, COMMON)) == []


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_damage_to_what_changed_since_changes_no_answer_and_is_told_by_doctor(
    changed_orchard, tmp_path, damage
):
    index = changed_orchard
    with index.read() as snapshot:
        snapshot.keep_table(max_notes_per_text=COMMON)
    file = index.settings.index / TABLE_CHANGES
    content = bytearray(file.read_bytes())
    content[-70 if damage == "flipped" else -1] ^= 1
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content if damage == "flipped" else content[:-100])
    with index_of(tmp_path).read() as snapshot:
        assert (
            snapshot.table(max_notes_per_text=COMMON).differences(read_anew(snapshot, COMMON)) == []
        )
    told = {item.part: item for item in index_of(tmp_path).doctor()}["table of notes"]
    expected = Health.GOOD if damage == "gone" else Health.WARNING
    assert told.health == expected


def test_a_mean_that_is_taken_over_is_not_computed_again(tmp_path, monkeypatch):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    write(tmp_path, {"bees.md": "# Bees\n\nA swarm leaves the hive in May.\n"})
    computed = []
    whole = note_reading.mean_vectors
    monkeypatch.setattr(
        note_reading,
        "mean_vectors",
        lambda held, texts: computed.append(texts) or whole(held, texts),
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
    whole = note_reading.card_from
    monkeypatch.setattr(note_reading, "card_from", lambda row: read.append(row[0]) or whole(row))
    index.refresh()
    assert read == ["bees.md"]
    monkeypatch.undo()
    kept, anew = kept_and_read(index)
    assert kept.differences(anew) == []
    at = kept.paths.index("bees.md")
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


def test_the_table_follows_when_every_note_goes_and_others_come(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    gone = dict.fromkeys(index.vault.list().stamps)
    for edit in (gone, {"new.md": "# new\n\nAnother beginning.\n"}, {"new.md": None}):
        edit_notes(tmp_path, edit)
        index.refresh()
        kept, read = kept_and_read(index)
        assert kept.differences(read) == []
        assert list(kept.paths) == sorted(path for path, text in edit.items() if text)


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
    state, _, table = table_file(folder).load()
    means = table.means.copy()
    means[0, 0] += 0.5
    table_file(folder).keep(state, replace(table, means=means))
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
