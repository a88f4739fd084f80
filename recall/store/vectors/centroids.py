"""The mean vector of every note."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.store.vectors.lists import Lists
    from recall.store.vectors.segments import Segments


def mean_vectors(segments: Segments, texts: Lists) -> NDArray[np.float32]:
    """The mean vector of each list of texts, none of them empty: (lists, dim), unit rows."""
    lengths = texts.lengths()
    # All first passages are added, then all second ones of the notes that have two, and so on:
    # the longest notes lie in front, so that each round is one slice.
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = texts.starts[:-1][order], lengths[order]
    means = np.zeros((len(order), segments.dimension or 0), dtype=np.float32)
    for place in range(int(lengths.max(initial=0))):
        reach = int(np.searchsorted(-lengths, -place, side="left"))
        means[:reach] += segments.rows(texts.items[starts[:reach] + place])
    means /= np.linalg.norm(means, axis=1, keepdims=True).clip(min=1e-12)
    found = np.empty_like(means)
    found[order] = means
    return found
