"""The vectors' side of a publish: which files the new build names, and writing the one it adds."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from recall.errors import UsageError
from recall.store.catalog import Catalog
from recall.store.files import is_leftover, is_segment_file, segment_name
from recall.store.seal import verify
from recall.store.vectors.lists import distinct, is_in
from recall.store.vectors.segments import Segments, as_ids, pieces
from recall.store.vectors.writing import write_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.store.database import Database
    from recall.store.rows import Segment
    from recall.store.vectors.pending import Pending

# One file is quickest to open and search, but writing it anew costs time in proportion to its size.
SMALL = 5_000  # vectors, 8 MB; below, every publish writes one file anew
GROWTH = 3  # a file is merged into the new one unless it is so many times larger
MOST_SEGMENTS = 8
MOST_DEAD = 0.3  # of all rows


def publish_vectors(database: Database, directory: Path, generation: int, pending: Pending) -> None:
    """Write the vectors that no file holds yet, and name the files; part of the transaction."""
    new = database.rows("SELECT id, hash FROM texts WHERE embedded = 0 ORDER BY id")
    segments = Catalog(database).segments()
    rows = sum(segment.vectors for segment in segments)
    dead = int(database.value("SELECT count(*) FROM dead"))
    if not new and dead <= MOST_DEAD * rows:
        return
    merged = _to_merge(segments, len(new), dead)
    verify(directory, merged)  # a damaged row must not get a good checksum
    old = Segments(directory, merged)
    gone = as_ids([number for (number,) in database.rows("SELECT text_id FROM dead")])
    ids = old.ids()
    hash_of = {int(number): text_hash for number, text_hash in new}
    ids = distinct(np.concatenate([ids[~is_in(ids, gone)], as_ids(list(hash_of))]))
    _take_out(database, merged, old, gone)
    if len(ids):
        dimension = old.dimension or pending.dimension
        if dimension is None or (new and pending.dimension != dimension):
            raise UsageError(f"vectors of {pending.dimension} numbers beside ones of {dimension}")
        segment = write_segment(
            directory / segment_name(generation),
            ids,
            _rows(ids, old, hash_of, pending, dimension),
            dimension,
        )
        database.run(
            "INSERT INTO segments VALUES (?, ?, ?, ?)",
            (segment.name, segment.vectors, segment.bytes, segment.sha256),
        )
    database.run("UPDATE texts SET embedded = 1 WHERE embedded = 0")


def _to_merge(segments: Sequence[Segment], new: int, dead: int) -> list[Segment]:
    """The files that the new one takes the place of: few when little is new, all when many rot.

    Files so grow in steps, and there are as many as the logarithm of the vault's size; every
    vector is written as often, whatever was added one at a time.
    """
    rows = sum(segment.vectors for segment in segments)
    if rows - dead + new < SMALL or dead > MOST_DEAD * (rows + new):
        return list(segments)
    merged: list[Segment] = []
    smallest_first = sorted(segments, key=lambda segment: (segment.vectors, segment.name))
    for segment in smallest_first:
        is_crowd = len(segments) - len(merged) >= MOST_SEGMENTS
        if segment.vectors > GROWTH * new and not is_crowd:
            break
        merged.append(segment)
        new += segment.vectors
    return merged


def _take_out(
    database: Database, merged: Iterable[Segment], old: Segments, gone: NDArray[np.int64]
) -> None:
    """Forget the files that are merged, and the dead texts whose last rows they held."""
    database.run_many("DELETE FROM segments WHERE name = ?", [(item.name,) for item in merged])
    ids = old.ids()
    buried = distinct(ids[is_in(ids, gone)])
    database.run_many("DELETE FROM dead WHERE text_id = ?", [(n,) for n in buried.tolist()])


def remove_dead_files(database: Database, directory: Path) -> None:
    """Remove the vectors files that the published build does not name, and no other file."""
    live = {segment.name for segment in Catalog(database).segments()}
    for file in sorted(directory.iterdir()):
        if (is_segment_file(file) or is_leftover(file)) and file.name not in live:
            with contextlib.suppress(OSError):  # a reader holds it; the next publish tries again
                file.unlink()


def _rows(
    ids: NDArray[np.int64],
    old: Segments,
    hash_of: dict[int, bytes],
    pending: Pending,
    dimension: int,
) -> Iterator[NDArray[np.float32]]:
    for piece in pieces(ids):
        is_new = np.fromiter((number in hash_of for number in piece.tolist()), bool, len(piece))
        rows = np.empty((len(piece), dimension), dtype=np.float32)
        if is_new.any():
            rows[is_new] = pending.vectors([hash_of[number] for number in piece[is_new].tolist()])
        if not is_new.all():
            rows[~is_new] = old.rows(piece[~is_new])
        yield rows
