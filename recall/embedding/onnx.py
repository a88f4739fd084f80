"""The light runtime: an exported graph, run by onnxruntime. Starts without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import tokenizers

from recall.embedding.edges import readable, unit_rows
from recall.embedding.lookup import WORDS, Lookup
from recall.embedding.wordpiece import RULES, ShortTokenizer
from recall.errors import ModelDamaged
from recall.processors import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from recall.embedding.space import Space

GRAPH = "model.onnx"
WEIGHTS = "model.data"
TOKENIZER = "tokenizer.json"

# Both numbers were tried by hand with all-MiniLM-L6-v2 on 2 cores; no results file holds them yet.
# Small batches pay the overhead of a call often, large ones fall out of the cache of a core.
_BATCH_TOKENS = 512
# Packing the weights costs once what it saves on about so many tokens.
_PACKING_PAYS_AFTER_TOKENS = 256
_PACKS_FROM_QUESTION = 4  # who asked three times in one process goes on, and waits for the answers
_COUNTS_KEPT = 20_000  # texts of which it is known how many tokens they have
_TEXTS_AT_ONCE = 4096  # bounds the memory for token ids; sorting by length works within it
# Reading the whole tokenizer takes as long as more than so many characters on the short way.
_SHORT_CHARACTERS = 8_000


class OnnxEmbedder:
    """Embeds with an exported graph. Safe to use from several threads."""

    runtime = "onnx"

    def __init__(
        self, graph: Path, space: Space, *, pad_id: int, threads: int | None = None
    ) -> None:
        """Open the graph in the folder `graph`, as `export` left it there.

        Raises:
            ModelDamaged: this onnxruntime can't run it.
        """
        self.space = space
        self._graph = graph
        self._pad_id = pad_id
        self._threads = threads or _cores()
        self._tokens_seen = 0
        self._questions_seen = 0
        self._packed = False
        self._counter: tokenizers.Tokenizer | None = None
        self._counted: dict[str, int] = {}
        self._tokenizer: tokenizers.Tokenizer | None = None
        self._characters_left = _SHORT_CHARACTERS if (graph / RULES).exists() else 0
        self._short: ShortTokenizer | None = None
        try:
            has_tables = (graph / WORDS).exists()
            self._lookup = Lookup(graph, pooling=space.pooling) if has_tables else None
            if self._characters_left:
                self._short = ShortTokenizer(graph, max_tokens=space.max_tokens)
        except Exception as error:
            raise self._damaged(f"its files can't be read: {error}") from error
        if self._short is None:
            self._tokenizer = self._cutting_tokenizer()
        self._session = self._open_session(packed=False)

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed passages: (len(texts), dimension) float32, C-contiguous, unit rows, in order."""
        return self._embed(texts, self.space.passage_prompt, on_progress)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions: (len(texts), dimension) float32, C-contiguous, unit rows, in order."""
        self._questions_seen += 1
        return self._embed(texts, self.space.query_prompt, None)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens, special ones and the passage prompt included, before truncation."""
        known = [self._counted.get(text) for text in texts]
        missing = [text for text, count in zip(texts, known, strict=True) if count is None]
        counted = dict(zip(missing, self._count(missing), strict=True)) if missing else {}
        if len(self._counted) > _COUNTS_KEPT:
            self._counted.clear()
        self._counted.update(counted)  # half of what a vault's notes hold, others held before
        return [
            counted[text] if count is None else count
            for text, count in zip(texts, known, strict=True)
        ]

    def _count(self, texts: Sequence[str]) -> list[int]:
        prompt = self.space.passage_prompt
        prompted = [prompt + readable(text) for text in texts]
        if self._counter is None:
            if (short := self._short_for(prompted)) is not None:
                return short.count(prompted)
            self._counter = self._open_tokenizer()
        encoded = self._counter.encode_batch_fast(prompted)
        return [len(encoding.ids) for encoding in encoded]

    def _embed(
        self, texts: Sequence[str], prompt: str, on_progress: Callable[[int], None] | None
    ) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.space.dimension), dtype=np.float32)
        done = 0
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = [prompt + readable(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
            ids = self._token_ids(part)
            self._pack_when_it_pays(sum(map(len, ids)))
            for rows, batch in self._run(ids):
                vectors[[start + row for row in rows]] = batch
                done += len(rows)
                if on_progress is not None:
                    on_progress(done)
        return unit_rows(vectors)

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        if (short := self._short_for(texts)) is not None:
            return short.token_ids(texts)
        if self._tokenizer is None:
            self._tokenizer = self._cutting_tokenizer()
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def _short_for(self, texts: list[str]) -> ShortTokenizer | None:
        """The short way, as long as it is one for these texts too."""
        self._characters_left -= sum(map(len, texts))
        if self._characters_left < 0:
            self._short = None
        return self._short

    def _run(self, ids: list[list[int]]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (row numbers, vectors) batch by batch.

        Each batch has one thread, and batches run side by side, so that none waits for another:
        threads that share a batch meet after every operation.
        """
        batches = _batches([len(row) for row in ids])

        def forward(rows: list[int]) -> NDArray[np.float32]:
            return self._forward([ids[row] for row in rows])

        workers = min(self._threads, len(batches))
        if workers <= 1:
            yield from ((rows, forward(rows)) for rows in batches)
            return
        from concurrent.futures import ThreadPoolExecutor  # late: a question has no use for it

        pool = ThreadPoolExecutor(workers, thread_name_prefix="embed")
        try:
            yield from zip(batches, pool.map(forward, batches), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)  # interrupted, it ends with the batches under way

    def _forward(self, ids: list[list[int]]) -> NDArray[np.float32]:
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        tokens = np.full((len(ids), max(1, int(lengths.max()))), self._pad_id, dtype=np.int64)
        for row, row_ids in enumerate(ids):
            tokens[row, : len(row_ids)] = row_ids
        if self._lookup is not None:
            feeds = self._lookup.feeds(tokens, lengths)
        else:
            mask = np.arange(tokens.shape[1]) < lengths[:, None]
            feeds = {"input_ids": tokens, "attention_mask": mask.astype(np.int64)}
        try:
            output = self._session.run(None, feeds)
        except Exception as error:
            raise self._damaged(f"onnxruntime failed on it: {error}") from error
        vectors: NDArray[np.float32] = output[0].reshape(len(ids), -1)
        return vectors

    def _pack_when_it_pays(self, tokens: int) -> None:
        self._tokens_seen += tokens
        pays = self._tokens_seen > _PACKING_PAYS_AFTER_TOKENS
        if not self._packed and (pays or self._questions_seen >= _PACKS_FROM_QUESTION):
            self._session = self._open_session(packed=True)
            self._packed = True

    def _open_session(self, *, packed: bool) -> onnxruntime.InferenceSession:
        onnxruntime.set_default_logger_severity(4)  # its warnings go to stderr, past everyone
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        # The graph was optimised when it was exported.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        if not packed:
            # The weights are then used where the file is mapped: nothing is read that isn't needed.
            options.add_session_config_entry("session.disable_prepacking", "1")
        try:
            return onnxruntime.InferenceSession(
                str(self._graph / GRAPH), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise self._damaged(f"onnxruntime can't open it: {error}") from error

    def _cutting_tokenizer(self) -> tokenizers.Tokenizer:
        tokenizer = self._open_tokenizer()
        tokenizer.enable_truncation(self.space.max_tokens)
        return tokenizer

    def _open_tokenizer(self) -> tokenizers.Tokenizer:
        path = self._graph / TOKENIZER
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:
            raise self._damaged(f"its tokenizer can't be read: {error}") from error
        # Files come with settings of their own, such as padding everything to 128.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _damaged(self, what: str) -> ModelDamaged:
        return ModelDamaged(
            f"the prepared model {self.space.model} is damaged: {what}",
            hint=f"delete {self._graph}; the model is then prepared again",
        )


def _batches(lengths: list[int]) -> list[list[int]]:
    """Group row numbers by length, longest first, at most `_BATCH_TOKENS` with padding each."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batches: list[list[int]] = []
    start = 0
    while start < len(order):
        rows = max(1, _BATCH_TOKENS // max(1, lengths[order[start]]))
        batches.append(order[start : start + rows])
        start += rows
    return batches


def _cores() -> int:
    """Return the number of physical cores this process may use."""
    logical = processors()
    try:
        shared = Path("/sys/devices/system/cpu/smt/active").read_text(encoding="ascii").strip()
    except OSError:
        shared = "0"
    return max(1, logical // 2 if shared == "1" else logical)
