"""The first step of a BERT encoder: token ids → the rows of its tables, and how they are pooled.

The table of words is half of a small model's weights, and a question needs ten rows of it. Mapped
into memory, only those are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WORDS = "words.npy"  # (vocabulary, dimension) float32
POSITIONS = "positions.npy"  # (window, dimension) float32, what every first text adds included


class Lookup:
    """The tables of one model."""

    def __init__(self, folder: Path, *, pooling: str) -> None:
        """Map the tables.

        Raises:
            ValueError: A file is no table.
            OSError: A file is not there.
        """
        words = np.load(folder / WORDS, mmap_mode="r", allow_pickle=False)
        self._words = words.view(np.ndarray)  # mapped all the same, and quicker to take rows of
        self._positions = np.load(folder / POSITIONS, allow_pickle=False)
        self._pooling = pooling

    def feeds(
        self, tokens: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> dict[str, NDArray[np.generic]]:
        """What the graph takes for padded token ids, (rows, width), of these lengths."""
        width = tokens.shape[1]
        pooling = np.zeros((len(tokens), 1, width), dtype=np.float32)
        if self._pooling == "cls":
            pooling[:, :, 0] = 1.0
        else:
            is_token = np.arange(width) < lengths[:, None]
            pooling[:, 0] = is_token / np.maximum(lengths, 1)[:, None]
        return {
            "tokens": self._words[tokens] + self._positions[:width],
            "lengths": lengths.astype(np.int32),
            "pooling": pooling,
        }
