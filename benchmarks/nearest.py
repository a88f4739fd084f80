"""Which way to find the nearest of many vectors: what is found, how long it takes, how large it is.

Exact comparison, as recall does it in small files; the signs of rows first, as in large ones;
and FAISS's indexes. Each way finds the nearest of the same vectors for the same questions, with
one thread: the vectors of real notes' passages, and made-up ones of `benchmarks.growth` in
numbers that no vault at hand has. Questions are passages of another vault, not among them.

    python -m benchmarks.nearest --questions VAULT --vault DIR... [--rows N,…] [--asked N]

Vaults need an index. Processor time is kept beside the clock: a busy machine changes it less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from benchmarks.growth import PASSAGES, SPREAD_OF_NOTES, SPREAD_OF_PASSAGES, TOPICS
from benchmarks.results_file import keep
from recall import open_index
from recall.store.vectors import signs
from recall.store.vectors.exact import best
from recall.store.vectors.segments import Segments
from recall.store.vectors.writing import write_segment

FEW, MANY = 10, 136  # what is shown, and what a search looks at
LISTS = 1024
HNSW_UP_TO = 100_000  # rows; more take it minutes to build

Find = Callable[[np.ndarray], np.ndarray]  # (1, dim) → (MANY,) rows, best first


def main() -> None:
    """Measure, print and keep."""
    arguments = _arguments()
    faiss.omp_set_num_threads(1)
    chance = np.random.default_rng(7)
    real = np.unique(np.concatenate([_vectors(vault) for vault in arguments.vault]), axis=0)
    chance.shuffle(real)
    asked = _vectors(arguments.questions)
    asked = asked[chance.choice(len(asked), min(arguments.asked, len(asked)), replace=False)]
    tables = [_table("passages of real texts", real, asked)]
    for rows in arguments.rows:
        made_up = _made_up(rows + PASSAGES * arguments.asked)
        tables.append(_table("made up", made_up[:rows], made_up[rows::PASSAGES]))
    print("kept in", keep("nearest", {"asked": arguments.asked, "tables": tables}).name)


def _table(what: str, vectors: np.ndarray, asked: np.ndarray) -> dict[str, object]:
    vectors = np.ascontiguousarray(vectors, np.float32)
    print(f"{what}: {len(vectors):,} vectors, {len(asked)} questions")
    truth = [np.argsort(-(vectors @ question), kind="stable")[:MANY] for question in asked]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, build in _ways(len(vectors)).items():
            started = time.process_time()
            find, size = build(vectors, Path(scratch))
            built = time.process_time() - started
            row = {"way": name, **_asked(find, asked, truth)}
            row |= {"build_cpu_s": round(built, 1), "mb_beside_the_rows": round(size / 1e6, 1)}
            rows.append(row)
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return {"vectors_of": what, "vectors": len(vectors), "ways": rows}


def _asked(find: Find, asked: np.ndarray, truth: list[np.ndarray]) -> dict[str, float]:
    clock, cpu, few, many = [], [], [], []
    find(asked[:1])
    for question, nearest in zip(asked, truth, strict=True):
        began, used = time.perf_counter(), time.process_time()
        found = find(question[None, :])
        cpu.append(time.process_time() - used)
        clock.append(time.perf_counter() - began)
        few.append(len(np.intersect1d(found[:FEW], nearest[:FEW])) / FEW)
        many.append(len(np.intersect1d(found, nearest)) / len(nearest))
    return {
        "recall_at_10": round(float(np.mean(few)), 4),
        "recall_at_136": round(float(np.mean(many)), 4),
        "p50_ms": round(1000 * float(np.median(clock)), 2),
        "p50_cpu_ms": round(1000 * float(np.median(cpu)), 2),
    }


def _ways(rows: int) -> dict[str, Callable[[np.ndarray, Path], tuple[Find, float]]]:
    ways = {
        "exact": _exact,
        "signs, then the rows": _by_signs,
        "FAISS flat": lambda vectors, _: _faiss(vectors, "Flat"),
        "FAISS signs, then the rows": _binary,
        f"FAISS IVF{LISTS}, SQ8, 1 list in 16, then the rows": (
            lambda vectors, _: _faiss(vectors, f"IVF{LISTS},SQ8", probes=LISTS // 16)
        ),
        f"FAISS IVF{LISTS}, SQ8, 1 list in 4, then the rows": (
            lambda vectors, _: _faiss(vectors, f"IVF{LISTS},SQ8", probes=LISTS // 4)
        ),
    }
    if rows <= HNSW_UP_TO:
        ways["FAISS HNSW32, ef 256"] = lambda vectors, _: _faiss(vectors, "HNSW32")
    return ways


def _exact(vectors: np.ndarray, folder: Path) -> tuple[Find, float]:
    """As recall compares them: mapped from a file of its own kind."""
    part = _segments(vectors, folder / "vectors-1.faiss", from_rows=len(vectors) + 1)
    return lambda asked: best(part.matrix, part.ids, asked, MANY, admitted=None)[0][0], 0


def _by_signs(vectors: np.ndarray, folder: Path) -> tuple[Find, float]:
    part = _segments(vectors, folder / "vectors-2.faiss", from_rows=0)
    return lambda asked: part.best(asked, MANY, admitted=None)[0][0], part.signs.nbytes


def _segments(vectors: np.ndarray, file: Path, *, from_rows: int):  # noqa: ANN202
    before, signs.SIGNED_FROM = signs.SIGNED_FROM, from_rows
    segment = write_segment(file, np.arange(len(vectors)), [vectors], vectors.shape[1])
    signs.SIGNED_FROM = before
    return Segments(file.parent, [segment])._parts[0]  # noqa: SLF001


def _faiss(vectors: np.ndarray, kind: str, *, probes: int = 0) -> tuple[Find, float]:
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        chosen = np.random.default_rng(1).permutation(len(vectors))[: 40 * LISTS]
        index.train(vectors[chosen])
    index.add(vectors)
    if "HNSW" in kind:
        index.hnsw.efSearch = 256
    if probes:
        index.nprobe = probes
    size = len(faiss.serialize_index(index)) if kind != "Flat" else 0

    def find(asked: np.ndarray) -> np.ndarray:
        found = index.search(asked, 3 * MANY if probes else MANY)[1][0]
        return _compared(vectors, asked, found[found >= 0])

    return find, size


def _binary(vectors: np.ndarray, _: Path) -> tuple[Find, float]:
    codes = np.packbits(vectors > 0, axis=1)
    index = faiss.IndexBinaryFlat(vectors.shape[1])
    index.add(codes)
    wanted = int(max(signs.A_RESULT * MANY, signs.COMPARED * len(vectors) ** 0.5))

    def find(asked: np.ndarray) -> np.ndarray:
        found = index.search(np.packbits(asked > 0, axis=1), wanted)[1][0]
        return _compared(vectors, asked, found)

    return find, codes.nbytes


def _compared(vectors: np.ndarray, asked: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return rows[np.argsort(-(vectors[rows] @ asked[0]), kind="stable")[:MANY]]


def _vectors(vault: Path) -> np.ndarray:
    with open_index(vault).read() as snapshot:
        stored = (item for path in snapshot.paths() for item in snapshot.passages(path))
        return snapshot.vectors(sorted({item.text_id for item in stored}))


def _made_up(rows: int, dimension: int = 384) -> np.ndarray:
    """Topics are directions, notes lie about them, passages about their note."""
    chance = np.random.default_rng(3)
    topics = _unit(chance.standard_normal((TOPICS, dimension), dtype=np.float32))
    found = np.empty((rows, dimension), dtype=np.float32)
    step = 20_000 * PASSAGES
    for start in range(0, rows, step):
        here = min(step, rows - start)
        notes = -(-here // PASSAGES)
        of_topic = topics[chance.integers(0, TOPICS, notes)]
        note = _unit(of_topic + SPREAD_OF_NOTES * _own(chance, notes, dimension))
        rows_of_it = np.repeat(note, PASSAGES, axis=0)[:here]
        found[start : start + here] = _unit(
            rows_of_it + SPREAD_OF_PASSAGES * _own(chance, here, dimension)
        )
    return found


def _own(chance: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    return _unit(chance.standard_normal((rows, dimension), dtype=np.float32))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--vault", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--rows", type=lambda text: [int(part) for part in text.split(",")], default=[500_000]
    )
    parser.add_argument("--asked", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
