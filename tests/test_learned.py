"""What is learned from the vault itself: whitening, the adapter, and how both are kept."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from vaults import ORCHARD, index_of, write

from recall.links import measures
from recall.links.adapter import Adapter, train
from recall.links.learned import Folders, learn, learned_of
from recall.links.measures import measure
from recall.links.whitening import Whitening, unit
from recall.prepublish import Selection, check
from recall.store.files import LEARNED, TABLE, TABLE_CHANGES
from recall.store.learned import is_current, read, read_facts

COMMON = 4


def cloud(notes: int, dimension: int, *, seed: int = 0) -> np.ndarray:
    """Unit rows that share a strong direction, as the notes of one vault do."""
    rows = np.random.default_rng(seed).normal(size=(notes, dimension)).astype(np.float32)
    rows[:, 0] += 4
    return unit(rows)


def indexed(folder: Path, notes: dict[str, str]):
    write(folder, notes)
    index = index_of(folder)
    index.refresh()
    return index


def linked_vault(notes: int = 60) -> dict[str, str]:
    """Notes on two subjects, each linking the next one of its own."""
    texts = {}
    for number in range(notes):
        subject = "pears ripen slowly" if number % 2 else "bees swarm early"
        texts[f"n{number:02}.md"] = (
            f"# Note {number}\n\nIn year {number} {subject}, number{number}.\n\n"
            f"[[n{(number + 2) % notes:02}]]\n"
        )
    return texts


def test_whitening_takes_away_what_all_notes_share():
    rows = cloud(500, 16)
    whitened = Whitening.learn(rows, rows)(rows)
    assert np.allclose(np.linalg.norm(whitened, axis=1), 1, atol=1e-5)
    off_diagonal = whitened @ whitened.T - np.eye(len(rows))
    assert abs(off_diagonal.mean()) < 0.01 < 0.4 < (rows @ rows.T).mean()


def test_a_vault_of_one_note_can_be_whitened():
    row = cloud(1, 8)
    assert np.isfinite(Whitening.learn(row, row)(row)).all()


def test_an_index_without_vectors_can_be_learned_from(tmp_path):
    with indexed(tmp_path, {"empty.md": ""}).read() as snapshot:
        learned = learn(snapshot, max_notes_per_text=COMMON)
    assert learned.links == 0


def test_the_adapter_finds_links_that_follow_a_rule_and_were_not_taught():
    # Every note links the one whose vector is its own, turned: the cosine can't know.
    dimension, notes = 24, 300
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0].astype(np.float32)
    half = unit(rng.normal(size=(notes, dimension)).astype(np.float32))
    rows = np.concatenate([half, half @ turn])
    edges = np.column_stack([np.arange(notes), np.arange(notes) + notes])
    adapter = train(rows, edges[60:])

    def found(scores: np.ndarray) -> float:
        np.fill_diagonal(scores, -np.inf)
        return float((scores.argmax(axis=1) == edges[:60, 1]).mean())

    assert found(rows[:60] @ rows.T) < 0.1
    assert found(adapter.forth(rows[:60]) @ rows.T) > 0.5


def test_both_sides_of_the_adapter_give_the_same_score():
    rows = cloud(40, 12)
    rng = np.random.default_rng(2)
    edges = np.unique(rng.integers(0, 40, size=(80, 2)), axis=0)
    adapter = train(rows, edges)
    assert np.allclose(adapter.forth(rows) @ rows.T, (adapter.back(rows) @ rows.T).T, atol=1e-5)


def test_an_adapter_without_links_changes_nothing():
    rows = cloud(10, 12)
    adapter = train(rows, np.empty((0, 2), dtype=np.int64))
    assert adapter.is_idle
    assert (adapter.forth(rows) == rows).all()
    assert (Adapter.idle(12).back(rows) == rows).all()


def test_training_twice_gives_the_same_adapter():
    rows = cloud(40, 12)
    edges = np.column_stack([np.arange(39), np.arange(1, 40)])
    one, other = train(rows, edges), train(rows, edges)
    assert (one.left == other.left).all()
    assert (one.right == other.right).all()


def test_folders_that_link_each_other_attract_and_others_do_not():
    paths = ["a/1.md", "a/2.md", "b/1.md", "b/2.md", "c/1.md", "top.md"]
    edges = np.array([[0, 2], [0, 3], [1, 2], [1, 3]] * 5)
    affinity = Folders.count(paths, edges).affinity("a", ["b", "c", "", "nowhere"])
    assert affinity[0] > 0 > affinity[1]
    assert affinity[1] == pytest.approx(affinity[2])
    assert affinity[3] == 0
    assert (Folders.count(paths, edges).affinity("nowhere", ["a"]) == 0).all()


def test_few_links_teach_no_adapter(tmp_path):
    with indexed(tmp_path, ORCHARD).read() as snapshot:
        learned = learn(snapshot, max_notes_per_text=COMMON)
    assert learned.adapter.is_idle
    assert (learned.facts.uses_links, learned.facts.plain) == (False, None)


def test_an_adapter_is_used_only_if_it_finds_links_it_was_not_taught(tmp_path):
    with indexed(tmp_path, linked_vault()).read() as snapshot:
        learned = learn(snapshot, max_notes_per_text=COMMON)
    assert learned.links == 60
    facts = learned.facts
    assert facts.uses_links == (not learned.adapter.is_idle) == (facts.adapted > facts.plain)


def test_what_was_learned_is_kept_and_read_again(tmp_path):
    index = indexed(tmp_path, linked_vault())
    folder = index.settings.index
    assert (folder / LEARNED).is_file()
    with index.read() as snapshot:
        kept = learned_of(snapshot, folder, max_notes_per_text=COMMON)
        again = learn(snapshot, max_notes_per_text=COMMON)
    assert kept.facts == again.facts
    assert (kept.crowd == again.crowd).all()
    for name, numbers in again.measures.arrays().items():
        assert np.array_equal(kept.measures.arrays()[name], numbers, equal_nan=True)
    assert (kept.whitening.map == again.whitening.map).all()
    assert (kept.adapter.left == again.adapter.left).all()
    assert kept.folders.names == again.folders.names


def test_a_change_in_a_small_vault_is_learned_at_once(tmp_path):
    index = indexed(tmp_path, linked_vault())
    write(tmp_path, {"n00.md": "# Note 0\n\nNow about something else.\n"})
    index.refresh()
    with index.read() as snapshot:
        learned = learned_of(snapshot, index.settings.index, max_notes_per_text=COMMON)
        assert learned.facts.built == snapshot.built
        assert learned.links == 59


def test_a_check_is_content_with_what_was_learned_before_a_note_changed(tmp_path):
    index = indexed(tmp_path, linked_vault())
    write(tmp_path, {"n00.md": "# Note 0\n\nIn year 0 pears ripen late.\n\n[[n02]]\n"})
    before = read_facts(index.settings.index)
    index.refresh(older_will_do=True)
    (note,) = check(index, Selection(notes=("n00.md",))).notes
    assert note.path == "n00.md"
    assert read_facts(index.settings.index) == before
    index.refresh()  # a suggestion is asked for
    assert read_facts(index.settings.index).built > before.built


def test_links_that_are_written_twice_are_not_taken_for_new_ones(tmp_path):
    twice = {path: text + text.rpartition("\n\n")[2] for path, text in linked_vault().items()}
    index = indexed(tmp_path, twice)
    write(tmp_path, {"n00.md": twice["n00.md"].replace("slowly", "late").replace("early", "late")})
    before = read_facts(index.settings.index)
    index.refresh(older_will_do=True)
    assert read_facts(index.settings.index) == before


def test_a_check_learns_once_a_fiftieth_of_the_vault_is_new(tmp_path):
    index = indexed(tmp_path, linked_vault())
    changed = {f"n0{n}.md": f"# Note {n}\n\nNow on subject {n}.\n" for n in range(4)}
    write(tmp_path, changed)
    index.refresh(older_will_do=True)
    assert read_facts(index.settings.index).links == 56


def test_a_search_does_not_learn_and_a_question_writes_nothing(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh(learns=False)
    index.suggest_links("apples.md")
    assert not (index.settings.index / LEARNED).exists()


def test_what_a_search_left_unlearned_is_learned_and_kept_for_the_next_suggestion(tmp_path):
    index = indexed(tmp_path, linked_vault())
    write(tmp_path, {"n00.md": "# Note 0\n\nNow about something else.\n"})
    index.refresh(learns=False)
    assert read_facts(index.settings.index).links == 60
    index.refresh()
    assert read_facts(index.settings.index).links == 59


def test_what_is_still_true_is_not_written_again(tmp_path):
    index = indexed(tmp_path, ORCHARD)
    file = index.settings.index / LEARNED
    before = file.stat().st_ino
    index_of(tmp_path).refresh()
    assert is_current(index.settings.index)
    assert file.stat().st_ino == before


@pytest.mark.parametrize("damage", ["cut", "flipped", "another file", "a link"])
def test_a_damaged_file_is_as_good_as_none(tmp_path, damage):
    index = indexed(tmp_path / "vault", ORCHARD)
    file = index.settings.index / LEARNED
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    elif damage == "another file":
        file.write_bytes(b"no table")
    else:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(content)
        file.unlink()
        file.symlink_to(elsewhere)
    fresh = index_of(tmp_path / "vault")
    suggested = [item.card.path for item in fresh.suggest_links("apples.md", k=3).suggestions]
    assert suggested == [
        item.card.path for item in index.suggest_links("apples.md", k=3).suggestions
    ]


def test_a_file_with_any_bit_of_its_head_flipped_is_as_good_as_none(tmp_path):
    index = indexed(tmp_path, ORCHARD)
    file = index.settings.index / LEARNED
    content = file.read_bytes()
    facts = read_facts(index.settings.index)
    assert read(index.settings.index)[0] == facts
    for place, bit in itertools.product(range(0, content.index(b"\n"), 7), range(8)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        file.write_bytes(flipped)
        # Of the checksum itself the case of a letter may differ.
        assert read_facts(index.settings.index) in {None, facts}
        held = read(index.settings.index)
        assert held is None or held[0] == facts


def test_links_that_are_taken_out_of_the_index_are_taken_out_of_what_is_learned(tmp_path):
    notes = linked_vault()
    with indexed(tmp_path / "with", notes).read() as snapshot:
        before = learn(snapshot, max_notes_per_text=COMMON)
    without = {path: text.rpartition("[[")[0] + "\n" for path, text in notes.items()}
    with indexed(tmp_path / "without", without).read() as snapshot:
        after = learn(snapshot, max_notes_per_text=COMMON)
    assert (before.links, after.links) == (60, 0)
    assert after.adapter.is_idle


def test_what_was_measured_before_is_taken_over_and_the_rest_measured(tmp_path, monkeypatch):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    with index.read() as snapshot:
        learned = learn(snapshot, max_notes_per_text=10)
    write(tmp_path, {"bees.md": "# Bees\n\nA swarm leaves the hive in May.\n"})
    index.refresh(learns=False)
    with index.read() as snapshot:
        table = snapshot.table(max_notes_per_text=10)
        whole = measure(snapshot, table, learned.whitening, learned.crowd)
        measured = []
        near = measures.hubness_of
        monkeypatch.setattr(
            measures,
            "hubness_of",
            lambda rows, crowd: measured.append(len(rows)) or near(rows, crowd),
        )
        part = measure(
            snapshot, table, learned.whitening, learned.crowd,
            before=learned.measures, knows_texts=True,
        )  # fmt: skip
    assert measured == [1]
    assert np.array_equal(part.marks, whole.marks)
    for name in ("lengths", "text_lengths", "hubness"):
        assert np.allclose(getattr(part, name), getattr(whole, name), atol=1e-6, equal_nan=True)


def test_marks_tell_vectors_apart_that_differ_in_one_bit():
    rows = np.random.default_rng(1).standard_normal((50, 384)).astype(np.float32)
    other = rows.copy()
    other.view(np.uint32)[:, 7] ^= 1
    assert np.array_equal(measures.marks_of(rows), measures.marks_of(rows.copy()))
    assert len({*measures.marks_of(rows).tolist(), *measures.marks_of(other).tolist()}) == 100


def test_what_was_measured_is_brought_along_where_a_few_notes_changed(tmp_path):
    notes = {path: text.rpartition("[[")[0] for path, text in linked_vault(210).items()}
    index = indexed(tmp_path, notes)  # a small vault would be learned anew
    file = index.settings.index / LEARNED
    before = file.stat().st_mtime_ns
    write(tmp_path, {"new.md": "# New\n\nA swarm in May.\n", "n07.md": "# Seven\n\nHives.\n"})
    (tmp_path / "n09.md").unlink()
    index.refresh()
    assert (
        file.stat().st_mtime_ns == before
    )  # nothing was learned, and what was measured still is of use
    with index_of(tmp_path).read() as snapshot:
        found = learned_of(snapshot, index.settings.index, max_notes_per_text=COMMON)
        kept = found.measures_of(snapshot)
        table = snapshot.table(max_notes_per_text=COMMON)
        whole = measure(snapshot, table, found.whitening, found.crowd)
    assert kept is not None
    assert np.array_equal(kept.marks, whole.marks)
    for name in ("lengths", "hubness"):
        assert np.allclose(getattr(kept, name), getattr(whole, name), atol=1e-6)
    for name in (LEARNED, TABLE, TABLE_CHANGES):  # which may be done at any time
        (index.settings.index / name).unlink()
    index_of(tmp_path).refresh()
    assert is_current(index.settings.index)
