"""The reference runtime: sentence-transformers on torch. Any model, any device, a slow start."""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np

from recall.embedding.edges import readable, unit_rows
from recall.embedding.space import Space
from recall.errors import ModelDamaged, ModelMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from recall.embedding.model import ModelFiles

_TEXTS_AT_ONCE = 1024  # how often progress is told; the library sorts by length within it
_LONGEST_WINDOW_TOKENS = 1 << 20  # tokenizers without a limit say 10^30


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings, log lines and progress bars of the model libraries from the user's screen."""
    loggers = [logging.getLogger(name) for name in ("sentence_transformers", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging as transformers_logging

        verbosity = transformers_logging.get_verbosity()
        had_bars = transformers_logging.is_progress_bar_enabled()
        transformers_logging.set_verbosity(logging.CRITICAL)
        transformers_logging.disable_progress_bar()
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            transformers_logging.set_verbosity(verbosity)
            if had_bars:
                transformers_logging.enable_progress_bar()


class TorchEmbedder:
    """Embeds with sentence-transformers, on the best device there is."""

    runtime = "torch"

    def __init__(
        self,
        files: ModelFiles,
        hashes: dict[str, str],
        *,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Load the model; `hashes` are SHA-256 of its "weights", "tokenizer" and "config".

        Raises:
            ModelMissing: torch or sentence-transformers are not installed.
            ModelDamaged: the model can't be loaded.
        """
        self.reason = ""  # why the light runtime is not used
        self.model = _load(files.folder, device)
        if threads is not None:
            import torch

            torch.set_num_threads(threads)
        self.space = _space_of(self.model, files, hashes)

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed passages: (len(texts), dimension) float32, C-contiguous, unit rows, in order."""
        return self._embed(texts, self.space.passage_prompt, on_progress)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions: (len(texts), dimension) float32, C-contiguous, unit rows, in order."""
        return self._embed(texts, self.space.query_prompt, None)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens, special ones and the passage prompt included, before truncation."""
        if not texts:
            return []
        encoded = self.model.tokenizer(
            [self.space.passage_prompt + readable(text) for text in texts],
            add_special_tokens=True, padding=False, truncation=False, verbose=False,
            return_attention_mask=False, return_token_type_ids=False,
        )  # fmt: skip
        return [len(ids) for ids in encoded["input_ids"]]

    def _embed(
        self, texts: Sequence[str], prompt: str, on_progress: Callable[[int], None] | None
    ) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.space.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = [readable(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
            try:
                with quiet():
                    encoded = self.model.encode(part, prompt=prompt, show_progress_bar=False)
            except Exception as error:
                raise ModelDamaged(
                    f"{self.space.model} failed on a text: {error}", hint="choose another model"
                ) from error
            vectors[start : start + len(part)] = encoded
            if on_progress is not None:
                on_progress(start + len(part))
        return unit_rows(vectors)


def _load(folder: Path, device: str | None) -> SentenceTransformer:
    try:
        with quiet():
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(
                str(folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            ).eval()
    except ImportError as error:
        raise ModelMissing(
            f"the torch runtime is not installed: {error}",
            hint="pip install torch sentence-transformers",
        ) from error
    except Exception as error:
        raise ModelDamaged(
            f"the model in {folder} can't be loaded: {error}",
            hint="get the model again, or choose another one",
        ) from error


def _space_of(model: SentenceTransformer, files: ModelFiles, hashes: dict[str, str]) -> Space:
    prompts = {name: text or "" for name, text in model.prompts.items()}
    fallback = prompts.get(model.default_prompt_name or "", "")
    # sentence-transformers looks for the passage prompt under these names, in this order; it
    # fills in an empty "document" itself, which must not hide a "passage" of the model's own.
    passage = next(
        (prompts[name] for name in ("document", "passage", "corpus") if prompts.get(name)), ""
    )
    pooling = next((m.pooling_mode for m in model if hasattr(m, "pooling_mode")), "none")
    return Space(
        model=files.name,
        weights_sha256=hashes["weights"],
        pooling=pooling if isinstance(pooling, str) else "+".join(pooling),
        normalize="Normalize" in files.modules,
        query_prompt=prompts.get("query") or fallback,
        passage_prompt=passage or fallback,
        dimension=int(model.get_embedding_dimension()),
        max_tokens=min(
            int(model.max_seq_length or 0) or _LONGEST_WINDOW_TOKENS, _LONGEST_WINDOW_TOKENS
        ),
        tokenizer_sha256=hashes["tokenizer"],
        config_sha256=hashes["config"],
    )
