"""An embedder that is opened when the first text comes; many commands embed nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recall.embedding.space import Embedder, Space


class LazyEmbedder:
    """Knows its vector space from the record of the prepared model, and loads it on demand."""

    def __init__(
        self, describe: Callable[[], Space | None], open_embedder: Callable[[], Embedder]
    ) -> None:
        self._describe = describe
        self._open = open_embedder
        self._space: Space | None = None
        self._opened: Embedder | None = None

    @property
    def is_prepared(self) -> bool:
        """Whether the vector space is known without loading the model."""
        self._space = self._space or self._describe()
        return self._space is not None

    @property
    def space(self) -> Space:
        """The vector space; a model that is not prepared yet is prepared to know it."""
        if not self.is_prepared or self._space is None:
            self._space = self.open().space
        return self._space

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """See `Embedder.embed_passages`."""
        return self.open().embed_passages(texts, on_progress=on_progress)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder.embed_queries`."""
        return self.open().embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`."""
        return self.open().count_tokens(texts)

    def open(self) -> Embedder:
        """The embedder itself, loaded by now.

        Raises:
            ModelMissing: The model is not on this machine.
        """
        if self._opened is None:
            self._opened = self._open()
        return self._opened
