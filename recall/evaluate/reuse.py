"""An embedder that knows the vectors an index holds: only texts that are new are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recall.embedding import Embedder, Space
    from recall.store import Snapshot


class ReusingEmbedder:
    """Gives a text that the index holds, word for word, the vector that it has there."""

    def __init__(self, embedder: Embedder, snapshot: Snapshot) -> None:
        """Wrap an embedder.

        Args:
            embedder: Computes what the index does not hold.
            snapshot: The index, of the embedder's vector space; must stay open.
        """
        self._embedder = embedder
        self._snapshot = snapshot
        self.computed = 0  # texts that were new

    @property
    def space(self) -> Space:
        """The vector space of both."""
        return self._embedder.space

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """As of any embedder: (len(texts), dim) float32, unit rows."""
        known = self._snapshot.text_ids(texts)
        places = [place for place, text in enumerate(texts) if text in known]
        new = [place for place, text in enumerate(texts) if text not in known]
        rows = np.empty((len(texts), self.space.dimension), dtype=np.float32)
        rows[places] = self._snapshot.vectors([known[texts[place]] for place in places])
        if new:
            rows[new] = self._embedder.embed_passages(
                [texts[place] for place in new], on_progress=on_progress
            )
        self.computed += len(new)
        return rows

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As of any embedder."""
        return self._embedder.embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As of any embedder."""
        return self._embedder.count_tokens(texts)
