"""Large vectors files are searched by the signs of their rows first."""

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recall.errors import IndexDamaged
from recall.store.rows import Segment
from recall.store.vectors import signs
from recall.store.vectors.segments import Segments
from recall.store.vectors.writing import write_segment

DIMENSION = 96
ROWS = 4_000


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors():
    """Rows about fifty directions, as texts lie about their topics."""
    chance = np.random.default_rng(4)
    topics = chance.standard_normal((50, DIMENSION))
    near = topics[chance.integers(0, 50, ROWS)] + chance.standard_normal((ROWS, DIMENSION))
    return unit(near)


@pytest.fixture
def written(vectors, tmp_path, monkeypatch):
    """A file with signs, and the text ids of its rows."""
    monkeypatch.setattr(signs, "SIGNED_FROM", ROWS)
    monkeypatch.setattr(signs, "ROWS_A_QUERY", 0)
    ids = np.arange(ROWS, dtype=np.int64) * 2 + 1
    parts = [vectors[:1500], vectors[1500:]]
    return write_segment(tmp_path / "vectors-1.faiss", ids, parts, DIMENSION), ids


def exact(vectors, ids, queries, k, admitted=None):
    """The ids of the nearest rows, by comparing all of them."""
    scores = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    if admitted is not None:
        scores[:, ~admitted[ids]] = -np.inf
    return ids[np.argsort(-scores, axis=1)[:, :k]]


def test_the_nearest_rows_are_found_by_signs(vectors, written, tmp_path):
    segment, ids = written
    queries = unit(
        vectors[::200] + 0.05 * np.random.default_rng(5).standard_normal((20, DIMENSION))
    )
    found, scores = Segments(tmp_path, [segment]).search(queries, 10, admitted=None)
    nearest = exact(vectors, ids, queries, 10)
    shared = sum(
        len(set(a) & set(b)) for a, b in zip(found.tolist(), nearest.tolist(), strict=True)
    )
    assert shared >= 0.98 * nearest.size
    places = (found - 1) // 2
    products = np.einsum("qkd,qd->qk", vectors[places], queries)
    np.testing.assert_allclose(scores, products, rtol=1e-5)


def test_where_few_rows_may_answer_all_of_them_are_compared(vectors, written, tmp_path):
    segment, ids = written
    admitted = np.zeros(2 * ROWS, dtype=bool)
    admitted[ids[::40]] = True
    queries = vectors[7:9]
    found, _ = Segments(tmp_path, [segment]).search(queries, 5, admitted=admitted)
    assert found.tolist() == exact(vectors, ids, queries, 5, admitted).tolist()


def test_faiss_still_reads_the_file_and_every_row_is_where_it_was(vectors, written, tmp_path):
    segment, ids = written
    read = faiss.read_index(str(tmp_path / segment.name))
    _, nearest = read.search(vectors[:3], 1)
    assert nearest[:, 0].tolist() == ids[:3].tolist()
    opened = Segments(tmp_path, [segment])
    assert np.array_equal(opened.rows(ids), vectors)


def test_a_file_with_half_of_its_signs_is_refused(written, tmp_path):
    segment, _ = written
    file = tmp_path / segment.name
    cut = file.read_bytes()[: segment.bytes - 8 * ROWS]
    file.write_bytes(cut)
    with pytest.raises(IndexDamaged, match="not what was written"):
        Segments(tmp_path, [Segment(segment.name, ROWS, len(cut), segment.sha256)])


def test_a_file_below_the_limit_holds_no_signs(vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(signs, "SIGNED_FROM", ROWS + 1)
    ids = np.arange(ROWS, dtype=np.int64)
    segment = write_segment(tmp_path / "vectors-1.faiss", ids, [vectors], DIMENSION)
    found, _ = Segments(tmp_path, [segment]).search(vectors[:4], 10, admitted=None)
    assert found.tolist() == exact(vectors, ids, vectors[:4], 10).tolist()


@st.composite
def rows_and_query(draw):
    rows, dimension = draw(st.integers(1, 400)), draw(st.integers(1, 130))
    chance = np.random.default_rng(draw(st.integers(0, 99)))
    numbers = chance.standard_normal((rows + 1, dimension)).astype(np.float32)
    return numbers[:-1], numbers[-1]


@given(rows_and_query())
def test_rows_are_told_apart_by_their_signs_and_eight_levels_of_the_query(drawn):
    matrix, query = drawn
    expected = (matrix > 0) @ (2 * signs._levels(query).astype(int) - 7)
    found = signs._distances(np.ascontiguousarray(signs.signs_of(matrix).T), query)
    assert (found - found[0]).tolist() == (expected[0] - expected).tolist()


def test_vectors_of_very_many_numbers_are_told_apart_too():
    dimension = 10_000
    query = np.linspace(-1, 1, dimension, dtype=np.float32)
    rows = np.full((3, dimension), -1, dtype=np.float32)
    rows[0, 5_600:] = rows[1] = 1  # of the first, 4,400 at the numbers that are highest
    expected = (rows > 0) @ (2 * signs._levels(query).astype(int) - 7)
    found = signs._distances(np.ascontiguousarray(signs.signs_of(rows).T), query)
    assert (found - found[0]).tolist() == (expected[0] - expected).tolist()


@given(rows_and_query())
def test_levels_lie_by_half_a_step_from_the_numbers_that_they_stand_for(drawn):
    _, query = drawn
    reach = 2 * max(float(query.std()), 1e-12)
    step = 2 * reach / 7
    meant = (signs._levels(query).astype(float) - 3.5) * step
    assert (np.abs(query.clip(-reach, reach) - meant) <= 0.51 * step).all()
    assert ((meant > 0) == (query > 0)).all()


@given(rows_and_query(), st.integers(0, 399))
def test_a_row_with_the_signs_of_the_query_is_always_among_those_compared(drawn, place):
    matrix, query = drawn
    place %= len(matrix)
    matrix[place] = query
    turned = np.ascontiguousarray(signs.signs_of(matrix).T)
    places = signs.candidates(turned, query, 1, admitted=None)
    if places is None:
        assert len(matrix) <= max(signs.A_RESULT, signs.COMPARED * len(matrix) ** 0.5)
    else:
        assert len(places) >= signs.A_RESULT
        assert place in places
        assert places.tolist() == sorted(set(places.tolist()))


@given(rows_and_query(), st.integers(2, 9))
def test_only_rows_that_may_answer_are_compared(drawn, every):
    matrix, query = drawn
    admitted = np.zeros(len(matrix), dtype=bool)
    admitted[::every] = True
    places = signs.candidates(
        np.ascontiguousarray(signs.signs_of(matrix).T), query, 1, admitted=admitted
    )
    assert places is None or admitted[places].all()
    assert places is None or len(places) >= min(signs.A_RESULT, admitted.sum())


@pytest.mark.parametrize("signed", [False, True])
def test_the_nearest_query_of_each_text_is_told_as_far_as_it_is_known(
    vectors, tmp_path, monkeypatch, signed
):
    monkeypatch.setattr(signs, "SIGNED_FROM", ROWS if signed else ROWS + 1)
    monkeypatch.setattr(signs, "ROWS_A_QUERY", 0)
    ids = np.arange(ROWS, dtype=np.int64) * 2 + 1
    segments = Segments(
        tmp_path, [write_segment(tmp_path / "vectors-1.faiss", ids, [vectors], DIMENSION)]
    )
    every, some = np.ones(2 * ROWS, dtype=bool), np.zeros(2 * ROWS, dtype=bool)
    some[ids[::3]] = True
    queries = vectors[[5, 900, 3003]]
    products = (queries.astype(np.float64) @ vectors.T.astype(np.float64)).max(axis=0)
    for meant, found in zip(
        (every, some), segments.highest(queries, 40, admitted=[every, some]), strict=True
    ):
        known = np.flatnonzero(np.isfinite(found))
        np.testing.assert_allclose(found[known], products[(known - 1) // 2], atol=1e-6)
        expected = ids[meant[ids]]
        if signed:
            best = exact(vectors, ids, queries, 40, meant)
            expected = np.unique(best)
            assert len(np.setdiff1d(expected, known)) <= 0.02 * len(expected)
            assert set(known.tolist()) <= set(ids[meant[ids]].tolist())
        else:
            assert known.tolist() == expected.tolist()
