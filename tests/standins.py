"""Stand-ins that behave like the real thing, so that tests need no model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recall.embedding import Space

_WORD = re.compile(r"\w+")
_SILENT = frozenset("a an and are as at by for in is it of on or that the this to was with".split())
_ENDINGS = ("ing", "ed", "es", "s")


class WordEmbedder:
    """Puts texts that share words close together: a bag of words, randomly projected.

    Every word has its own direction of signs, taken from its hash; a text is the sum of its words.
    Small words say nothing, endings are cut (`models` is `model`). Deterministic everywhere.
    """

    runtime = "words"

    def __init__(
        self,
        *,
        name: str = "words",
        dimension: int = 64,
        max_tokens: int = 256,
        prompt: str = "",
        known: frozenset[str] | None = None,
    ) -> None:
        self.space = Space(
            model=name,
            weights_sha256=hashlib.sha256(name.encode()).hexdigest(),
            pooling="sum",
            normalize=True,
            query_prompt="",
            passage_prompt=prompt,
            dimension=dimension,
            max_tokens=max_tokens,
        )
        self._known = known  # words that are one token; longer ones are more. None: all are one
        self.passages_embedded: list[str] = []  # in order, over the embedder's life

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        self.passages_embedded.extend(texts)
        vectors = self._embed([self.space.passage_prompt + text for text in texts])
        if on_progress is not None and texts:
            on_progress(len(texts))
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed([self.space.query_prompt + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [
            sum(map(self._tokens_of, _WORD.findall(self.space.passage_prompt + text))) + 2
            for text in texts
        ]

    def _tokens_of(self, word: str) -> int:
        is_known = self._known is None or word.casefold() in self._known
        return 1 if is_known else 1 + max(1, len(word) // 5)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.space.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in self._stems(text):
                vectors[row] += self._direction(word)
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _stems(self, text: str) -> list[str]:
        words = [word.casefold() for word in _WORD.findall(text)][: self.space.max_tokens - 2]
        return [_stem(word) for word in words if word not in _SILENT]

    def _direction(self, word: str) -> NDArray[np.float32]:
        seed = f"{self.space.model}:{word}".encode("utf-8", "surrogatepass")
        bits = np.frombuffer(
            hashlib.shake_256(seed).digest((self.space.dimension + 7) // 8), dtype=np.uint8
        )
        signs = np.unpackbits(bits)[: self.space.dimension].astype(np.float32)
        return signs * 2 - 1


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
