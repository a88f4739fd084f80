"""The store against a plain reference: the same questions, equal answers."""

from __future__ import annotations

import hashlib
import math
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.domain import (
    Facet,
    FileStamp,
    Filters,
    Identity,
    IndexedNote,
    Link,
    LinkPlace,
    LinkSyntax,
    Name,
    NoteCard,
    Passage,
    ResolvedLink,
    Skipped,
    Span,
)
from recall.errors import IndexDamaged, NoteUnreadable, UsageError
from recall.names import Resolver, names_of
from recall.store import FORMAT, Store
from recall.store.schema import COLUMNS
from recall.store.vectors import publishing
from recall.store.vectors.exact import ROWS_COPIED, best

IDENTITY = Identity(FORMAT, "space of the tests", "recipe of the tests")
DIMENSION = 12


@lru_cache
def vector(text: str, dimension: int = DIMENSION) -> np.ndarray:
    """A unit vector of its own for each text; texts that differ in case only share one."""
    seed = int.from_bytes(hashlib.sha256(text.casefold().encode()).digest()[:8], "little")
    drawn = np.random.default_rng(seed).standard_normal(dimension)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def vectors(*texts: str) -> np.ndarray:
    return np.stack([vector(text) for text in texts])


def note(path: str, *texts: str, links: tuple[str, ...] = (), **card) -> IndexedNote:
    """A note whose passages are `texts`, all claims, and whose links are wikilinks."""
    return IndexedNote(
        card=NoteCard(path, card.pop("title", Path(path).stem), **card),
        stamp=FileStamp(1, 2, 3, hashlib.sha256(ascii(path).encode()).hexdigest()),
        passages=[
            Passage(Facet.CLAIM, "Claim", text, Span(i, i + 1), i + 1)
            for i, text in enumerate(texts)
        ],
        links=[
            Link(target, Span(i, i + 1), LinkPlace.BODY, LinkSyntax.WIKI)
            for i, target in enumerate(links)
        ],
        words={"claim": " ".join(texts).lower()},
    )


def embed(writer) -> list[str]:
    """Give every text that lacks one its vector; say which texts those were."""
    missing = writer.missing_texts()
    if missing:
        writer.add_vectors([number for number, _ in missing], vectors(*(t for _, t in missing)))
    return [text for _, text in missing]


def publish(store: Store, *notes: IndexedNote, fresh: bool = False) -> None:
    with store.write(IDENTITY, fresh=fresh) as writer:
        for item in notes:
            writer.put(item)
        embed(writer)
        writer.publish()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


EVERYTHING = Filters()


class Reference:
    """What the store promises, said in dicts and loops. Text ids are places in a list."""

    def __init__(self, notes: dict[str, IndexedNote]) -> None:
        self.notes = dict(sorted(notes.items()))
        held = {p.text: None for n in self.notes.values() for p in n.passages}
        self.texts = list(held)
        self.holders = {
            text: {path for path, n in self.notes.items() if text in [p.text for p in n.passages]}
            for text in self.texts
        }
        names: dict[str, list[Name]] = {}
        for item in self.notes.values():
            for key, name in names_of(item.card):
                names.setdefault(key, []).append(name)
        self.resolver = Resolver(lambda key: names.get(key, ()))

    def passes(self, item: IndexedNote, filters: Filters) -> bool:
        card, day = item.card, item.card.updated or item.card.created
        begun = card.created or card.updated
        return (
            all(any(t == w or t.startswith(w + "/") for t in card.tags) for w in filters.tags)
            and (filters.since is None or (day is not None and day >= filters.since))
            and (filters.until is None or (begun is not None and begun <= filters.until))
            and (filters.folder is None or card.path.startswith(filters.folder + "/"))
            and (filters.drafts or not card.draft)
            and (card.draft or not filters.only_drafts)
        )

    def nearest(self, query, k, *, filters=EVERYTHING, exclude=(), max_notes_per_text=None):
        found = []
        for text in self.texts:
            if max_notes_per_text is not None and len(self.holders[text]) > max_notes_per_text:
                continue
            if any(
                p.text == text and (not filters.facets or p.facet in filters.facets)
                for path, item in self.notes.items()
                if path not in exclude and self.passes(item, filters)
                for p in item.passages
            ):
                score = float(vector(text).astype(np.float64) @ query.astype(np.float64))
                found.append((text, score))
        found.sort(key=lambda hit: (-round(hit[1], 6), min(self.holders[hit[0]])))
        return found[:k]

    def centroids(self, max_notes_per_text=None):
        found = {}
        for path, item in self.notes.items():
            rows = [
                vector(p.text)
                for p in item.passages
                if max_notes_per_text is None or len(self.holders[p.text]) <= max_notes_per_text
            ]
            if rows:
                mean = np.mean(rows, axis=0)
                found[path] = mean / np.linalg.norm(mean)
        return found

    def links(self) -> list[ResolvedLink]:
        return [
            ResolvedLink(link, path, self.resolver.resolve_link(link, source=path))
            for path, item in self.notes.items()
            for link in item.links
        ]

    def lexical(self, weights, k, *, filters=EVERYTHING, exclude=(), columns=None):
        """BM25 as SQLite's manual gives it for FTS5."""
        facets = {facet.value for facet in filters.facets} or set(COLUMNS)
        weight_of = {
            c: (1.0 if columns is None else columns.get(c, 0.0)) * (c in facets) for c in COLUMNS
        }
        counts = {
            path: {c: Counter(item.words.get(c, "").split()) for c in COLUMNS}
            for path, item in self.notes.items()
        }
        lengths = {p: sum(sum(c.values()) for c in by.values()) for p, by in counts.items()}
        mean = sum(lengths.values()) / max(len(lengths), 1)
        scores: dict[str, float] = {}
        for term, weight in weights.items():
            holders = [
                path
                for path, by in counts.items()
                if any(by[c][term] for c in COLUMNS if weight_of[c] > 0)
            ]
            rarity = math.log((len(counts) - len(holders) + 0.5) / (len(holders) + 0.5))
            for path in holders:
                often = sum(weight_of[c] * counts[path][c][term] for c in COLUMNS)
                score = often * 2.2 / (often + 1.2 * (0.25 + 0.75 * lengths[path] / mean))
                if path not in exclude and self.passes(self.notes[path], filters):
                    scores[path] = scores.get(path, 0.0) + weight * max(rarity, 1e-6) * score
        return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))[:k]


WORDS = "river stone audio model index claim paper winter orbit glass".split()
FILTERS = (
    Filters(),
    Filters(tags=("ai",)),
    Filters(tags=("ai", "ops")),
    Filters(drafts=False),
    Filters(only_drafts=True),
    Filters(facets=frozenset({Facet.CLAIM, Facet.TITLE})),
    Filters(since=date(2024, 3, 1), until=date(2024, 8, 1)),
    Filters(folder="deep", facets=frozenset({Facet.BODY})),
)


def random_note(chance: random.Random, path: str) -> IndexedNote:
    texts = [" ".join(chance.choices(WORDS, k=2)) for _ in range(chance.randrange(6))]
    texts = [text.title() if chance.random() < 0.1 else text for text in texts]
    days = [None, date(2024, chance.randint(1, 12), 5)]
    words = {c: " ".join(chance.choices(WORDS, k=chance.randrange(8))) for c in COLUMNS}
    targets = [*WORDS, "deep/river", "../stone", "", "nowhere", "river.md"]
    return IndexedNote(
        card=NoteCard(
            path,
            chance.choice(WORDS),
            aliases=tuple(chance.sample(WORDS, chance.randrange(2))),
            tags=tuple(chance.sample(["ai", "ai/audio", "aim", "ops"], chance.randrange(3))),
            created=chance.choice(days),
            updated=chance.choice(days),
            draft=chance.random() < 0.2,
        ),
        stamp=FileStamp(chance.randrange(99), chance.randrange(99), 1, "00"),
        passages=[
            Passage(chance.choice(list(Facet)), "h", text, Span(i, i + 4), i + 1)
            for i, text in enumerate(texts)
        ],
        links=[
            Link(
                chance.choice(targets),
                Span(i, i + 3),
                chance.choice(list(LinkPlace)),
                chance.choice(list(LinkSyntax)),
                label=chance.choice([None, *WORDS]),
            )
            for i in range(chance.randrange(5))
        ],
        words=words,
        problems=("odd",) if chance.random() < 0.1 else (),
    )


def random_path(chance: random.Random) -> str:
    return chance.choice(["", "deep/", "deep/er/", "other/"]) + chance.choice(WORDS) + ".md"


def assert_agrees(snapshot, reference: Reference) -> None:
    """Everything that can be asked of a snapshot, compared with the reference."""
    notes = reference.notes
    assert snapshot.paths() == list(notes)
    assert snapshot.cards(notes) == {path: item.card for path, item in notes.items()}
    assert snapshot.stamps() == {path: item.stamp for path, item in notes.items()}
    assert [(s.path, s.reason) for s in snapshot.problems()] == [
        (path, reason) for path, item in notes.items() for reason in item.problems
    ]
    for path, item in notes.items():
        assert snapshot.terms_of([path])[path] == set(" ".join(item.words.values()).split())
    keys = [*WORDS, "nowhere"]
    borne = {key: snapshot.lookup(key) for key in keys}
    assert snapshot.lookup_all(keys) == {key: names for key, names in borne.items() if names}
    stored = snapshot.passages_of(notes)
    assert {path: [s.passage for s in found] for path, found in stored.items()} == {
        path: list(item.passages) for path, item in notes.items()
    }
    _assert_links_agree(snapshot, reference)
    _assert_vectors_agree(snapshot, reference)
    for filters in FILTERS:
        for columns in (None, {"title": 2.0, "body": 0.5}):
            weights = {"river": 1.0, "glass": 0.25, "absent": 3.0}
            expected = reference.lexical(weights, 5, filters=filters, columns=columns)
            found = snapshot.lexical(weights, 5, filters=filters, columns=columns)
            assert [score for _, score in found] == pytest.approx([s for _, s in expected])
            assert dict(found) == pytest.approx(dict(expected)) or len(expected) == 5


def _assert_links_agree(snapshot, reference: Reference) -> None:
    links = reference.links()
    assert [link for path in reference.notes for link in snapshot.links_from(path)] == links
    for path in reference.notes:
        assert list(snapshot.links_to(path)) == [k for k in links if k.resolution.path == path]
    assert list(snapshot.unresolved()) == [k for k in links if k.resolution.path is None]
    edges = {(k.source, k.resolution.path) for k in links if k.resolution.path}
    assert list(snapshot.edges()) == sorted((a, b) for a, b in edges if a != b)
    counts = snapshot.counts()
    assert (counts.notes, counts.texts) == (len(reference.notes), len(reference.texts))
    assert counts.passages == sum(len(n.passages) for n in reference.notes.values())
    assert counts.links == len(links)
    assert counts.unresolved_links == sum(k.resolution.path is None for k in links)
    assert counts.ambiguous_links == sum(k.resolution.is_ambiguous for k in links)


def _assert_vectors_agree(snapshot, reference: Reference) -> None:
    queries = vectors("river stone", "a question nobody asked")
    excluded = list(reference.notes)[::3]
    for filters in FILTERS:
        for exclude, most in (((), None), (excluded, None), (excluded, 2)):
            options = {"filters": filters, "exclude": exclude, "max_notes_per_text": most}
            nearest = snapshot.nearest(queries, 6, **options)
            for query, ids, scores in zip(queries, nearest.text_ids, nearest.scores, strict=True):
                expected = reference.nearest(query, 6, **options)
                ids = [number for number in ids.tolist() if number >= 0]
                held = snapshot.passages_with(ids)
                texts = [held[number][0].passage.text for number in ids]
                assert texts == [text for text, _ in expected]
                assert scores[: len(ids)] == pytest.approx([s for _, s in expected], abs=1e-5)
                assert np.isneginf(scores[len(ids) :]).all()
                for text, row in zip(texts, snapshot.vectors(ids), strict=True):
                    assert row.tolist() == vector(text).tolist()
    for most in (None, 2):
        paths, rows = snapshot.centroids(max_notes_per_text=most)
        expected_rows = reference.centroids(most)
        assert paths == list(expected_rows)
        for path, row in zip(paths, rows, strict=True):
            assert row == pytest.approx(expected_rows[path], abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("small", [publishing.SMALL, 0], ids=["one file", "segments"])
def test_any_history_of_edits_gives_the_index_of_a_build_from_nothing(
    store, seed, small, monkeypatch
):
    monkeypatch.setattr(publishing, "SMALL", small)
    monkeypatch.setattr(publishing, "MOST_SEGMENTS", 4)
    chance = random.Random(seed)
    notes: dict[str, IndexedNote] = {}
    for _ in range(8):
        with store.write(IDENTITY, fresh=chance.random() < 0.1) as writer:
            if not writer.paths():
                notes.clear()
            for _ in range(chance.randrange(8)):
                path = random_path(chance)
                if notes and chance.random() < 0.3:
                    gone = chance.choice(list(notes))
                    writer.remove(gone)
                    del notes[gone]
                elif notes and path not in notes and chance.random() < 0.3:
                    old = chance.choice(list(notes))
                    moved = notes.pop(old)
                    notes[path] = replace(moved, card=replace(moved.card, path=path))
                    writer.move(old, notes[path])
                else:
                    notes[path] = random_note(chance, path)
                    writer.put(notes[path])
            embed(writer)
            writer.publish()
        with store.read() as snapshot:
            assert_agrees(snapshot, Reference(notes))
            snapshot.verify()


def test_the_text_of_a_moved_note_is_not_embedded_again(store):
    publish(store, note("old.md", "one thought", links=("other",)), note("other.md", "two"))
    with store.write(IDENTITY) as writer:
        writer.move("old.md", note("new/place.md", "one thought", links=("other",)))
        assert writer.missing_texts() == []
        writer.publish()
    with store.read() as snapshot:
        assert [s.path for s in snapshot.passages("new/place.md")] == ["new/place.md"]
        assert list(snapshot.edges()) == [("new/place.md", "other.md")]


def test_a_text_that_comes_back_finds_its_vector_again(store, monkeypatch):
    monkeypatch.setattr(publishing, "SMALL", 0)
    publish(store, note("a.md", "one", "two", "three", "four"), note("b.md", "five"))
    with store.write(IDENTITY) as writer:
        writer.remove("b.md")
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.nearest(vectors("five"), 5).text_ids[0, -1] == -1
    with store.write(IDENTITY) as writer:
        writer.put(note("c.md", "five"))
        assert writer.missing_texts() == []
        writer.publish()
    with store.read() as snapshot:
        best = int(snapshot.nearest(vectors("five"), 1).text_ids[0, 0])
        assert snapshot.passages_with([best])[best][0].path == "c.md"


def test_a_build_from_nothing_keeps_the_vectors_of_texts_that_come_back(store):
    publish(store, note("a.md", "kept", "dropped"))
    with store.write(IDENTITY, fresh=True) as writer:
        assert writer.paths() == []
        writer.put(note("b.md", "kept", "new"))
        assert [text for _, text in writer.missing_texts()] == ["new"]
        embed(writer)
        writer.publish()
    with store.read() as snapshot:
        assert_agrees(snapshot, Reference({"b.md": note("b.md", "kept", "new")}))


def test_another_vector_space_needs_every_text_embedded_again(store):
    publish(store, note("a.md", "one", "two"))
    with store.write(replace(IDENTITY, space="another")) as writer:
        missing = writer.missing_texts()
        assert [text for _, text in missing] == ["one", "two"]
        rows = np.stack([vector(text, 5) for _, text in missing])
        writer.add_vectors([number for number, _ in missing], rows)
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.identity.space == "another"
        assert snapshot.nearest(vector("two", 5)[None], 1).scores[0, 0] == pytest.approx(1)


def test_vectors_can_be_forgotten_to_embed_everything_again(store):
    publish(store, note("a.md", "one", "two"))
    with store.write(IDENTITY) as writer:
        writer.forget_vectors()
        assert embed(writer) == ["one", "two"]
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.nearest(vectors("one"), 1).scores[0, 0] == pytest.approx(1)


def test_texts_with_one_vector_stand_in_the_order_of_their_first_paths(store):
    spellings = ["Echo", "echo", "ECHO", "eCHO"] + [f"far {i}" for i in range(9)]
    paths = ["d.md", "b.md", "c.md", "a.md"] + [f"z{i}.md" for i in range(9)]
    notes = [note(path, text) for path, text in zip(paths, spellings, strict=True)]
    publish(store, *notes)
    with store.read() as snapshot:
        for k in (2, 3, 4):
            ids = snapshot.nearest(vectors("echo"), k).text_ids[0].tolist()
            held = snapshot.passages_with(ids)
            assert [held[n][0].path for n in ids] == ["a.md", "b.md", "c.md", "d.md"][:k]


def test_more_equal_texts_than_anyone_asked_for_still_have_one_order(store):
    letters = "abcdefghij"
    same = [
        "".join(c.upper() if n >> i & 1 else c for i, c in enumerate(letters)) for n in range(200)
    ]
    notes = [note(f"{(7 * i) % 200:03}.md", text) for i, text in enumerate(same)]
    publish(store, *notes)
    with store.read() as snapshot:
        ids = snapshot.nearest(vectors(letters), 4).text_ids[0].tolist()
        held = snapshot.passages_with(ids)
        assert [held[n][0].path for n in ids] == ["000.md", "001.md", "002.md", "003.md"]


def test_a_text_that_many_notes_hold_answers_only_where_that_is_allowed(store):
    publish(store, *(note(f"{n}.md", "template", f"own {n}", "template") for n in "abc"))
    with store.read() as snapshot:
        text_id = snapshot.passages("a.md")[0].text_id
        assert snapshot.nearest(vectors("template"), 1).text_ids[0, 0] == text_id
        within = snapshot.nearest(vectors("template"), 9, max_notes_per_text=3)
        assert text_id in within.text_ids
        without = snapshot.nearest(vectors("template"), 9, max_notes_per_text=2)
        assert text_id not in without.text_ids
        assert snapshot.common_texts([text_id, 999], 2) == {text_id}
        assert snapshot.common_texts([text_id], 3) == set()


def test_queries_of_another_size_are_refused(store):
    publish(store, note("a.md", "one"))
    with store.read() as snapshot:
        with pytest.raises(UsageError, match="shape"):
            snapshot.nearest(vectors("one")[0], 1)
        with pytest.raises(UsageError, match="shape"):
            snapshot.nearest(np.ones((1, DIMENSION + 1), np.float32), 1)
        with pytest.raises(UsageError, match="not a number"):
            snapshot.nearest(np.full((1, DIMENSION), np.nan, np.float32), 1)


def test_no_queries_and_an_empty_index_give_empty_rows(store):
    publish(store)
    with store.read() as snapshot:
        nearest = snapshot.nearest(vectors("one", "two"), 3)
        assert (nearest.text_ids == -1).all()
        assert np.isneginf(nearest.scores).all()
        assert snapshot.nearest(np.empty((0, DIMENSION), np.float32), 3).text_ids.shape == (0, 3)
        assert snapshot.centroids()[0] == []
        assert snapshot.lexical(["one"], 3) == []
        assert snapshot.vectors([]).shape[0] == 0


def test_a_text_without_a_vector_is_an_error_that_says_so(store):
    publish(store, note("a.md", "one"))
    with store.read() as snapshot, pytest.raises(IndexDamaged, match="no vector"):
        snapshot.vectors([12345])


def test_nothing_is_published_while_a_text_has_no_vector(store):
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", "one"))
        with pytest.raises(UsageError, match="no vector"):
            writer.publish()
    assert not store.exists()


def test_vectors_that_fit_no_text_are_refused(store):
    with store.write(IDENTITY) as writer:
        writer.put(note("a.md", "one", "two"))
        with pytest.raises(UsageError, match="no text 77"):
            writer.add_vectors([77], vectors("one"))
        with pytest.raises(UsageError, match="shape"):
            writer.add_vectors([1, 2], vectors("one"))
        with pytest.raises(UsageError, match="not a number"):
            writer.add_vectors([1], np.full((1, DIMENSION), np.inf))


def test_skipped_files_are_told_as_they_were_given(store):
    skipped = (Skipped("z.md", "too large", FileStamp(9, 8, 7, "")), Skipped("a.md", "not text"))
    with store.write(IDENTITY) as writer:
        writer.set_skipped([Skipped("old.md", "gone")])
        writer.set_skipped(skipped)
        assert writer.skipped() == skipped
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.skipped() == skipped


def test_a_touched_note_has_its_new_stamp_and_all_else_as_before(store):
    item = note("a.md", "one")
    publish(store, item)
    with store.write(IDENTITY) as writer:
        writer.touch("a.md", FileStamp(5, 6, 7, "ff"))
        writer.publish()
    with store.read() as snapshot:
        assert_agrees(snapshot, Reference({"a.md": replace(item, stamp=FileStamp(5, 6, 7, "ff"))}))


def test_text_that_utf8_cannot_hold_is_stored_all_the_same(store):
    odd = "lone \ud800 and\x00nothing"
    item = replace(note("a.md", odd, links=("\udfff[[",), title=odd, tags=(odd,)), problems=(odd,))
    publish(store, item)
    with store.read() as snapshot:
        assert snapshot.card("a.md") == item.card
        assert snapshot.passages("a.md")[0].passage.text == "lone \ufffd and\x00nothing"
        assert snapshot.problems()[0].reason == "lone \ufffd and\x00nothing"
        assert snapshot.card("\ud800.md") is None
        assert snapshot.lookup("\ud800") == ()
    with store.write(IDENTITY) as writer, pytest.raises(NoteUnreadable):
        writer.put(note("\ud800.md", "x"))


@pytest.mark.parametrize(
    "path", ['🎵 «é»/it\'s "a" %1.md', "new\nline.md", "日本語.md", "'); --.md"]
)
def test_a_path_of_any_characters_is_found_again(store, path):
    publish(store, note(path, "one"), note("other.md", "two"))
    with store.read() as snapshot:
        assert snapshot.card(path) == NoteCard(path, Path(path).stem)
        assert [s.path for s in snapshot.passages(path)] == [path]
        nearest = snapshot.nearest(vectors("one"), 2, exclude=[path])
        assert nearest.text_ids[0].tolist() == [snapshot.passages("other.md")[0].text_id, -1]
        assert snapshot.lexical(["one", "two"], 2, exclude=[path]) == snapshot.lexical(["two"], 2)
    with store.write(IDENTITY) as writer:
        writer.remove(path)
        writer.publish()
    with store.read() as snapshot:
        assert snapshot.paths() == ["other.md"]


def test_folders_and_tags_are_taken_literally(store):
    publish(
        store,
        note("a%b/x.md", "one", tags=("Up",)),
        note("aXb/x.md", "two", tags=("upper",)),
        note("a%bc/x.md", "three", tags=("up-to-date",)),
    )
    with store.read() as snapshot:
        for filters in (Filters(folder="a%b"), Filters(folder="a%b/"), Filters(tags=("#uP",))):
            ids = snapshot.nearest(vectors("one"), 2, filters=filters).text_ids[0].tolist()
            assert ids == [snapshot.passages("a%b/x.md")[0].text_id, -1]
            assert [
                p for p, _ in snapshot.lexical(["one", "two", "three"], 2, filters=filters)
            ] == ["a%b/x.md"]


@pytest.fixture(scope="module")
def wordy(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("words") / "index")
    odd = ["naïve", "日本", "c++", '"quoted"', "a*", "near", "not", "claim:x", "Ǆ", "i̇"]
    notes = [replace(note(f"{i}.md"), words={"body": term}) for i, term in enumerate(odd)]
    publish(store, *notes)
    with store.read() as snapshot:
        yield snapshot, odd


def test_a_term_is_found_as_it_is_whatever_it_is_made_of(wordy):
    snapshot, odd = wordy
    for i, term in enumerate(odd):
        assert [path for path, _ in snapshot.lexical([term], 3)] == [f"{i}.md"]


@given(st.lists(st.text(st.characters(exclude_categories=[])), max_size=4))
def test_no_term_is_read_as_a_query(wordy, terms):
    snapshot, odd = wordy
    found = {path for path, _ in snapshot.lexical(terms, 20)}
    folded = {word.lower() for term in terms for word in term.split()}
    assert found <= {f"{i}.md" for i, term in enumerate(odd) if term.lower() in folded}
    assert set(snapshot.document_frequency(terms)) == set(terms)


def test_the_frequency_of_a_term_counts_notes(store):
    publish(store, note("a.md", "one one two"), note("b.md", "one"))
    with store.read() as snapshot:
        assert snapshot.document_frequency(["one", "two", "six"]) == {"one": 2, "two": 1, "six": 0}


def test_reading_the_catalog_imports_neither_numpy_nor_faiss(store):
    publish(store, note("a.md", "one", links=("b",)))
    code = (
        "import sys; from pathlib import Path; from recall.store import Store\n"
        "with Store(Path(sys.argv[1])).read() as s:\n"
        "    s.counts(), s.stamps(), s.skipped(), s.problems(), s.cards(s.paths()), s.built_at\n"
        "    s.identity, s.unresolved(), s.terms_of(['a.md']), s.document_frequency(['one'])\n"
        "print(sorted({'numpy', 'faiss'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(store.directory)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"


def test_rows_at_odd_places_of_a_file_score_as_rows_anywhere():
    chance = np.random.default_rng(3)
    rows = chance.standard_normal((ROWS_COPIED * 2 + 7, 12)).astype(np.float32)
    bytes_of_it = np.concatenate([np.zeros(2, np.uint8), rows.view(np.uint8).ravel()])
    mapped = np.frombuffer(bytes_of_it.data, "<f4", rows.size, offset=2).reshape(rows.shape)
    assert not mapped.flags.aligned
    ids = np.arange(len(rows), dtype=np.int64) * 3
    for queries in (rows[:1], rows[5:9]):
        found, scores = best(mapped, ids, queries, 4, admitted=None)
        truth = queries.astype(np.float64) @ rows.T.astype(np.float64)
        order = np.argsort(-truth, axis=1)[:, :4]
        assert found.tolist() == (order * 3).tolist()
        np.testing.assert_allclose(scores, np.take_along_axis(truth, order, axis=1), rtol=1e-5)
