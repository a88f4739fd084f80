"""The vector space that texts are placed in, and the seam that places them there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from recall.digest import sha256
from recall.records import dataclass, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Space:
    """Everything that decides where a text lands. A runtime is not part of it."""

    model: str  # name for people; not part of the fingerprint
    weights_sha256: str  # of the one weights file, or of the list of their hashes
    pooling: str  # how token vectors become one: "mean", "cls", "cls+mean", …
    normalize: bool  # the model itself ends in a normalisation; rows are unit vectors either way
    query_prompt: str  # put before every question
    passage_prompt: str  # put before every passage
    dimension: int
    max_tokens: int  # the window, special tokens and prompt included
    tokenizer_sha256: str = ""
    config_sha256: str = ""  # of the files that describe the network

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex: equal if and only if vectors may be compared with each other."""
        decisive = values_of(self)
        del decisive["model"]  # the same weights under another name are the same space
        return sha256(json.dumps(decisive, sort_keys=True).encode()).hex()


class Embedder(Protocol):
    """Texts → unit vectors of one space. Held by the contract in `tests/test_embedding.py`."""

    @property
    def space(self) -> Space:
        """The space that all vectors of this embedder lie in."""
        ...

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed passages: (len(texts), dimension) float32, C-contiguous, unit rows, in order.

        `on_progress` is called now and then with the number of texts done so far, in the
        calling thread. No text and one text are no special cases; an empty text has a vector too.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions: (len(texts), dimension) float32, C-contiguous, unit rows, in order."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count what each text takes of the window as a passage, before anything is cut off.

        Special tokens and the passage prompt are included, so that a count of at most
        `space.max_tokens` means the whole text is seen.
        """
        ...
