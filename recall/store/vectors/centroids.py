"""The mean vector of every note."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.store.database import Database
    from recall.store.vectors.segments import Segments


def mean_vectors(
    database: Database, segments: Segments, max_notes_per_text: int | None
) -> tuple[list[str], NDArray[np.float32]]:
    """Each note's mean passage vector: sorted paths, and (n, dimension) float32 unit rows."""
    rows = database.rows(
        "SELECT p.note_id, p.text_id FROM passages p JOIN texts t ON t.id = p.text_id "
        "WHERE ? IS NULL OR t.notes <= ? ORDER BY p.note_id, p.ordinal",
        (max_notes_per_text, max_notes_per_text),
    )
    pairs = np.array(rows, dtype=np.int64).reshape(-1, 2)
    notes, starts, counts = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    # All first passages are added, then all second ones of the notes that have two, and so on:
    # the longest notes lie in front, so that each round is one slice.
    order = np.argsort(-counts, kind="stable")
    notes, starts, counts = notes[order], starts[order], counts[order]
    means = np.zeros((len(notes), segments.dimension or 0), dtype=np.float32)
    for place in range(int(counts.max(initial=0))):
        reach = int(np.searchsorted(-counts, -place, side="left"))
        means[:reach] += segments.rows(pairs[starts[:reach] + place, 1])
    means /= np.linalg.norm(means, axis=1, keepdims=True).clip(min=1e-12)
    path_of: dict[int, str] = dict(database.rows("SELECT id, path FROM notes"))
    paths = [path_of[number] for number in notes.tolist()]
    by_path = sorted(range(len(paths)), key=paths.__getitem__)
    return [paths[place] for place in by_path], means[by_path]
