"""The vectors' side of a publish: which files the new build names, and writing the one it adds."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from recall.errors import UsageError
from recall.store.catalog import Catalog
from recall.store.files import is_leftover, is_segment_file, segment_name
from recall.store.seal import verify
from recall.store.vectors.segments import Segments, as_ids, pieces, write_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from recall.store.database import Database
    from recall.store.vectors.pending import Pending

# One file is quickest to open and search; writing it anew costs time in proportion to its size.
SMALL = 20_000  # vectors; below, every publish writes one file anew
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
    is_whole = (
        rows - dead + len(new) < SMALL
        or len(segments) >= MOST_SEGMENTS
        or dead > MOST_DEAD * (rows + len(new))
    )
    kept = segments if is_whole else ()
    verify(directory, kept)  # a damaged row must not get a good checksum
    old = Segments(directory, kept)
    gone = as_ids([number for (number,) in database.rows("SELECT text_id FROM dead")])
    ids = np.setdiff1d(old.ids(), gone)
    hash_of = {int(number): text_hash for number, text_hash in new}
    ids = np.union1d(ids, as_ids(list(hash_of)))
    if is_whole:
        database.run("DELETE FROM segments")
        database.run("DELETE FROM dead")
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
