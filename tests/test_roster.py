"""What a process keeps of all notes says the same as the catalog."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store import note, publish

from recall.store import Store, looked_up
from recall.store.roster import Roster

PATHS = ("a.md", "b/c.md", "b.md", "é.md", "z.md")
TEXTS = ("one", "two", "three", "everywhere", "か")
notes = st.dictionaries(
    st.sampled_from(PATHS), st.lists(st.sampled_from(TEXTS), max_size=5), max_size=5
)


@settings(max_examples=25)  # each writes two indexes
@given(before=notes, after=notes, asked=st.lists(st.sampled_from([*PATHS, "gone.md"]), unique=True))
def test_it_finds_what_the_catalog_finds(before, after, asked):
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "index")
        for held in (before, after):
            publish(store, *(note(path, *texts) for path, texts in held.items()))
        with store.read() as snapshot:
            roster = Roster(snapshot.database)
            for most in (1, 2, 5):
                by_catalog = snapshot.texts_of(asked, max_notes_per_text=most)
                by_roster = roster.texts_of(asked, most)
                assert [part.tolist() for part in by_roster] == [p.tolist() for p in by_catalog]
            for ids in ([], [1], [2, 3], [1, 2, 3, 4, 99]):
                assert roster.holders_of(ids) == snapshot.holders_of(ids)


@settings(max_examples=25)  # each writes an index
@given(held=notes, asked=st.lists(st.sampled_from([*PATHS, "gone.md"]), unique=True))
def test_which_terms_notes_hold_is_the_same_for_who_asks_again(held, asked):
    terms = {"one", "two", "everywhere", "nowhere", "か", "か "}  # no term of a note has a blank
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "index")
        publish(store, *(note(path, *texts) for path, texts in held.items()))
        with store.read() as snapshot:
            first = snapshot.terms_held(terms, asked)
            for known in (["two", "か"], ["one", "everywhere", "nowhere"]):  # ever more of them
                snapshot.lexical(known, 3)
                snapshot._known.roster = Roster(snapshot.database)
                assert snapshot.terms_held(terms, asked) == first
    assert first == {path: terms.intersection(held[path]) for path in asked if path in held}


def test_who_asks_again_gets_the_same_answers(tmp_path, monkeypatch):
    store = Store(tmp_path / "index")
    publish(store, *(note(f"{name}.md", "pears and plums", name) for name in "dacb"))
    answers = []
    for before in (1000, 0):
        monkeypatch.setattr(looked_up, "LOOKUPS_BEFORE", before)
        with store.read() as snapshot:
            assert snapshot.holders_of([1]) == ["a.md", "b.md", "c.md", "d.md"]
            answers.append(snapshot.lexical(["plums", "c"], 2, also=["d.md", "gone.md"]))
            assert (snapshot._known.roster is None) == (before > 0)
    assert answers[0] == answers[1]
    assert [path for path, _ in answers[0]] == ["c.md", "a.md", "d.md"]


@pytest.mark.parametrize("lookups", [0, 3])
def test_notes_are_read_into_memory_only_for_who_asks_again(tmp_path, monkeypatch, lookups):
    monkeypatch.setattr(looked_up, "LOOKUPS_BEFORE", lookups)
    store = Store(tmp_path / "index")
    publish(store, note("a.md", "one"))
    with store.read() as snapshot:
        for _ in range(lookups):
            snapshot.holders_of([1])
            assert snapshot._known.roster is None
        snapshot.holders_of([1])
        assert snapshot._known.roster is not None
