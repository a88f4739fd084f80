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


@given(st.integers(1, 400), st.integers(1, 130), st.integers(0, 99))
def test_candidates_differ_in_no_more_signs_than_any_other_row(rows, dimension, seed):
    chance = np.random.default_rng(seed)
    matrix = chance.standard_normal((rows, dimension)).astype(np.float32)
    query = chance.standard_normal(dimension).astype(np.float32)
    turned = np.ascontiguousarray(signs.signs_of(matrix).T)
    places = signs.candidates(turned, query, 1, admitted=None)
    differing = ((matrix > 0) != (query > 0)).sum(axis=1)
    if places is None:
        assert rows <= max(signs.A_RESULT, signs.CANDIDATES * rows**0.5)
    else:
        others = np.setdiff1d(np.arange(rows), places)
        assert len(places) >= signs.A_RESULT
        assert differing[places].max() < differing[others].min(initial=dimension + 1)
