"""Turn a model that torch runs into one graph that onnxruntime runs, and prove that they agree."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from recall.embedding.bert import is_plain_bert, write_bert
from recall.embedding.lookup import POSITIONS, WORDS
from recall.embedding.onnx import GRAPH, TOKENIZER, WEIGHTS, OnnxEmbedder
from recall.embedding.prepared import graph_name, new_folder_aside, publish_graph, read_manifest
from recall.embedding.torch import TorchEmbedder, quiet
from recall.embedding.wordpiece import write_rules
from recall.errors import ModelDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from recall.embedding.model import ModelFiles

MIN_COSINE = 0.9999  # float32 on both sides; measured 0.9999995 for all-MiniLM-L6-v2
_OPSET = 17  # the first with LayerNormalization
_EXPORTABLE = frozenset({"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "Dropout"})

PROBES = (
    "",
    "a",
    "What makes a note worth keeping?",
    "Audio models learn music from spectrograms that are treated as pictures.",
    "3.14159 26535 · 1,000,000 · 2026-11-22 · v0.1.0-rc.1",
    "Übergrößenträger naïve façade — “quoted”, ‘single’, … ﬁne ﬂow",
    "音楽を生成するモデル 音声 🎧🎶 ",
    "Привет, мир! Γειά σου Κόσμε. שלום עולם مرحبا بالعالم",
    "def embed(texts: list[str]) -> np.ndarray:\n\treturn model.encode(texts)  # one row each",
    "one two three four five six seven eight nine ten " * 6,
    "The archive outlives the service that kept it; links rot, formats fade. " * 20,
    "window " * 9000,
)


class NotExportable(Exception):
    """The model has to stay on torch; the message says why."""


def export(embedder: TorchEmbedder, files: ModelFiles, models_dir: Path) -> str:
    """Export a model into the cache, prove parity, publish; return the folder's name.

    Safe with several processes at once, and when killed at any line.

    Raises:
        NotExportable: the pipeline is not one that can be exported, or the graph disagrees.
        OSError: the cache can't be written.
    """
    if importlib.util.find_spec("onnx") is None:  # torch's exporter writes with it
        raise NotExportable("the package onnx is not installed")
    tokenizer = _fast_tokenizer(embedder, files)
    name = graph_name(embedder.space)
    if read_manifest(models_dir / name) is not None:
        return name
    expected = embedder.embed_passages(PROBES)
    aside = new_folder_aside(models_dir)
    try:
        _write_tokenizer(tokenizer, aside, max_tokens=embedder.space.max_tokens)
        pad_id = _pad_id(embedder)
        cosine = _write_graph(embedder, files, aside, expected, pad_id)
        manifest = {"space": asdict(embedder.space), "pad_id": pad_id, "min_cosine": cosine}
        publish_graph(aside, models_dir / name, manifest)
    except (OSError, NotExportable):
        raise
    except Exception as error:  # the exporter and the runtime raise whatever they like
        raise NotExportable(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return name


def _fast_tokenizer(embedder: TorchEmbedder, files: ModelFiles) -> Tokenizer:
    """Return the tokenizer as the library set it up, having checked that a graph can be made."""
    if files.modules[0] != "Transformer" or not _EXPORTABLE.issuperset(files.modules):
        raise NotExportable("it is made of modules that can't be exported")
    if not all(getattr(module, "include_prompt", True) for module in embedder.model):
        raise NotExportable("it leaves the prompt out of pooling")
    tokenizer: Tokenizer | None = getattr(embedder.model.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise NotExportable("its tokenizer has no fast form")
    return tokenizer


def _write_tokenizer(tokenizer: Tokenizer, folder: Path, *, max_tokens: int) -> None:
    (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    plain = Tokenizer.from_file(str(folder / TOKENIZER))
    plain.no_padding()
    plain.no_truncation()
    write_rules(plain, folder, max_tokens=max_tokens, probes=PROBES)


def _write_graph(
    embedder: TorchEmbedder,
    files: ModelFiles,
    folder: Path,
    expected: NDArray[np.float32],
    pad_id: int,
) -> float:
    """Write the quickest graph that agrees with torch, and return how well it does."""
    if is_plain_bert(embedder, files.modules):
        with contextlib.suppress(NotExportable, ModelDamaged):
            write_bert(embedder, folder / GRAPH, weights_file=WEIGHTS)
            return _parity(embedder, expected, folder, pad_id)
        for name in (GRAPH, WEIGHTS, WORDS, POSITIONS):
            (folder / name).unlink(missing_ok=True)
    (folder / "raw").mkdir()
    _trace(embedder, folder / "raw" / GRAPH)
    _optimise(folder / "raw" / GRAPH, folder)
    shutil.rmtree(folder / "raw")
    return _parity(embedder, expected, folder, pad_id)


def _pad_id(embedder: TorchEmbedder) -> int:
    pad_id = embedder.model.tokenizer.pad_token_id
    return 0 if pad_id is None else int(pad_id)


def _trace(embedder: TorchEmbedder, target: Path) -> None:
    """Write one graph from token ids to unit vectors with torch's TorchScript exporter.

    The newer exporter needs one more package.
    """
    import torch

    model = embedder.model

    class Whole(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            vectors = self.model.forward(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors.float(), dim=-1)

    device = model.device
    # Two rows of unlike length, so that no branch for "nothing is padded" is recorded.
    tokens = torch.full((2, 7), _pad_id(embedder), device=device)
    tokens[0, :] = torch.arange(5, 12)
    tokens[1, :4] = torch.arange(5, 9)
    mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3], device=device)
    rows, width = {0: "rows"}, {0: "rows", 1: "width"}
    with quiet(), torch.no_grad(), _plain_attention(model):
        torch.onnx.export(
            Whole().eval(),
            (tokens, mask),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": width, "attention_mask": width, "vectors": rows},
            opset_version=_OPSET,
            dynamo=False,
        )


@contextlib.contextmanager
def _plain_attention(model: SentenceTransformer) -> Iterator[None]:
    """Let attention be recorded as plain products: the graph is smaller and 7 % faster."""
    network = model[0].auto_model
    before = network.config._attn_implementation  # noqa: SLF001 - the only place that tells
    try:
        network.set_attn_implementation("eager")
        yield
    finally:
        network.set_attn_implementation(before)


def _optimise(raw: Path, folder: Path) -> None:
    """Let onnxruntime optimise the graph once, for any machine, with the weights beside it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # The level above this one would lay weights out for this machine's processor.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / GRAPH)
    # Weights in a file of their own are mapped, not read.
    prefix = "session.optimized_model_external_initializers_"
    options.add_session_config_entry(f"{prefix}file_name", WEIGHTS)
    options.add_session_config_entry(f"{prefix}min_size_in_bytes", "1024")
    onnxruntime.InferenceSession(str(raw), options, providers=["CPUExecutionProvider"])


def _parity(
    embedder: TorchEmbedder, expected: NDArray[np.float32], graph: Path, pad_id: int
) -> float:
    """Return the smallest cosine between both runtimes on the probes; refuse a poor one."""
    light = OnnxEmbedder(graph, embedder.space, pad_id=pad_id)
    together = (expected * light.embed_passages(PROBES)).sum(axis=1)
    alone = [
        (row * light.embed_passages([text])[0]).sum()
        for row, text in zip(expected, PROBES, strict=True)
    ]
    cosine = min(map(float, (*together, *alone)))
    if not cosine >= MIN_COSINE:
        raise NotExportable(f"the exported graph disagrees with torch (cosine {cosine:.4f})")
    if light.count_tokens(PROBES) != embedder.count_tokens(PROBES):
        raise NotExportable("the exported tokenizer counts differently")
    return cosine
