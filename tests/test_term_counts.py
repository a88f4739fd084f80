"""In how many notes a term occurs is counted as notes come and go."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store import IDENTITY, embed, note, publish

from recall.store import Store
from recall.store.files import CATALOG
from recall.store.integrity import why_words_unsound
from recall.store.opening import open_for_reading
from recall.store.seal import SEAL
from recall.store.term_counts import counted

TERMS = ("one", "two", "three", "é", "か")
notes = st.dictionaries(
    st.sampled_from(["a.md", "b.md", "c.md"]), st.lists(st.sampled_from(TERMS), max_size=4)
)


def told(store: Store) -> dict[str, int]:
    with store.read() as snapshot:
        return snapshot.document_frequency([*TERMS, "never"])


def kept(store: Store) -> dict[str, int]:
    with closing(open_for_reading(store.directory)) as database:
        return dict(database.rows("SELECT term, doc FROM term_counts"))


def become(store: Store, before: Iterable[str], after: dict[str, list[str]], is_anew: bool) -> None:
    """Publish notes in place of others, or from nothing."""
    with store.write(IDENTITY, fresh=is_anew) as writer:
        for path in before:
            if path not in after and not is_anew:
                writer.remove(path)
        for path, texts in after.items():
            writer.put(note(path, *texts))
        embed(writer)
        writer.publish()


def change_catalog(store: Store, *statements: str) -> None:
    """As another program would, which knows no seal."""
    (store.directory / SEAL).unlink(missing_ok=True)
    with closing(sqlite3.connect(store.directory / CATALOG)) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()


@settings(max_examples=25)  # each writes several indexes
@given(states=st.lists(st.tuples(notes, st.booleans()), min_size=1, max_size=4))
def test_after_any_builds_it_is_what_the_notes_hold(states):
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "index")
        before: dict[str, list[str]] = {}
        for state, is_anew in states:
            become(store, before, state, is_anew)
            before = state
            held = Counter(term for texts in state.values() for term in set(texts))
            assert told(store) == {term: held[term] for term in (*TERMS, "never")}
            with closing(open_for_reading(store.directory)) as database:
                assert dict(database.rows("SELECT term, doc FROM term_counts")) == counted(database)


@pytest.mark.parametrize(
    "left_by_it",
    [
        ("DROP TABLE term_counts", "DELETE FROM meta WHERE key = 'terms_counted'"),
        ("UPDATE meta SET value = value + 1 WHERE key = 'generation'",),
    ],
    ids=["made by it", "changed by it"],
)
def test_an_index_of_a_version_that_did_not_count_is_answered_from_and_then_counted(
    tmp_path, left_by_it
):
    store = Store(tmp_path / "index")
    publish(store, note("a.md", "one", "two"), note("b.md", "two"))
    change_catalog(store, *left_by_it)
    assert told(store) == {"one": 1, "two": 2, "three": 0, "é": 0, "か": 0, "never": 0}
    publish(store, note("a.md", "one", "two"), note("b.md", "two"), note("c.md", "two", "three"))
    assert kept(store)["two"] == told(store)["two"] == 3
    with closing(open_for_reading(store.directory)) as database:
        assert dict(database.rows("SELECT term, doc FROM term_counts")) == counted(database)


def test_a_wrong_count_is_found_when_an_index_is_examined(tmp_path):
    store = Store(tmp_path / "index")
    publish(store, note("a.md", "one", "two"))
    with closing(open_for_reading(store.directory)) as database:
        assert why_words_unsound(database) is None
    change_catalog(store, "UPDATE term_counts SET doc = 2 WHERE term = 'one'")
    with closing(open_for_reading(store.directory)) as database:
        assert why_words_unsound(database) == "terms are counted in other numbers of notes"
