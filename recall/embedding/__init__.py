"""Texts → unit vectors of one vector space.

Two runtimes compute the same space: `torch` loads any sentence-transformers model and is the
reference; `onnx` runs what `export` made of it and starts without torch. `open_embedder` chooses.
Importing this package imports neither; nor does `describe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from recall.embedding.model import (
    DEFAULT_MODEL,
    DEFAULT_WEIGHTS_SHA256,
    find_folder,
    is_default,
    sha256_of,
)
from recall.embedding.prepared import (
    MISSING,
    Export,
    default_models_dir,
    discard_graph,
    read_manifest,
    read_record,
    stamps_agree,
)
from recall.embedding.space import Embedder, Space
from recall.errors import ModelDamaged, ModelMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recall.embedding.onnx import OnnxEmbedder
    from recall.embedding.prepared import Record

__all__ = [
    "DEFAULT_MODEL",
    "Embedder",
    "Runtime",
    "Space",
    "describe",
    "open_embedder",
    "why_altered",
]

Runtime = Literal["auto", "onnx", "torch"]


def describe(model: str = DEFAULT_MODEL, *, models_dir: Path | None = None) -> Space | None:
    """Return the space of a prepared model; None if it is not prepared, or its files changed.

    Reads one small file: no model is loaded, nothing is hashed, nothing heavy is imported.
    """
    try:
        folder = find_folder(model)
    except ModelMissing:
        return None
    record = _current_record(models_dir or default_models_dir(), folder)
    return record.space if record else None


def why_altered(model: str = DEFAULT_MODEL, *, models_dir: Path | None = None) -> str | None:
    """What of a prepared model is not as it was; None if nothing is. Reads all of its files."""
    models_dir = models_dir or default_models_dir()
    folder = find_folder(model)
    record = read_record(models_dir, folder)
    if record is None:
        return None  # not prepared here: there is nothing to compare it with
    if is_default(model) and record.space.weights_sha256 != DEFAULT_WEIGHTS_SHA256:
        return f"the weights of {model} are not the published ones"
    expected = {folder / file.path: file.sha256 for file in record.files if file.size != MISSING}
    if record.export is Export.DONE:
        manifest = read_manifest(models_dir / record.graph)
        if manifest is None:
            return (
                f"{models_dir / record.graph} is gone or incomplete; it is made again when needed"
            )
        hashes = manifest.get("sha256", {})
        expected |= {models_dir / record.graph / name: sha256 for name, sha256 in hashes.items()}
    for file, sha256 in expected.items():
        if not file.is_file() or sha256_of(file) != sha256:
            return f"{file} is not what it was"
    return None


def open_embedder(
    model: str = DEFAULT_MODEL,
    *,
    runtime: Runtime = "auto",
    models_dir: Path | None = None,
    threads: int | None = None,
    allow_download: bool = False,
    on_prepare: Callable[[str], None] | None = None,
) -> Embedder:
    """Open a model, preparing it at its first use (about ten seconds, once).

    Args:
        model: The default, a folder, or a name on the hub.
        runtime: `auto` takes the light runtime if it can run the model, else torch.
        models_dir: Where prepared models are kept; `$RECALL_CACHE/models` or the user's cache.
        threads: For many texts; the number of physical cores if None. Few texts use one.
        allow_download: Whether a hub model that is not on this machine may be fetched.
        on_prepare: Told in plain words what takes long, and what could not be done.

    Raises:
        ModelMissing: the model, or the runtime asked for, is not on this machine.
        ModelDamaged: its files are not what they should be, or can't be loaded.
    """
    if runtime not in ("auto", "onnx", "torch"):
        raise UsageError(f"there is no runtime {runtime!r}", hint="choose auto, onnx or torch")
    models_dir = models_dir or default_models_dir()
    folder = find_folder(model, allow_download=allow_download)
    if runtime != "torch":
        light = _open_light(model, folder, models_dir, threads)
        if light is not None:
            return light
    from recall.embedding.prepare import prepare

    embedder = prepare(
        model, folder, models_dir,
        runtime=runtime, threads=threads, on_prepare=on_prepare or (lambda _: None),
    )  # fmt: skip
    if runtime == "torch":
        return embedder
    light = _open_light(model, folder, models_dir, threads)
    if light is None and runtime == "onnx":
        raise ModelDamaged(
            f"{embedder.space.model} can't be run by the light runtime: {embedder.reason}",
            hint="choose the runtime auto or torch",
        )
    return light or embedder


def _current_record(models_dir: Path, folder: Path) -> Record | None:
    record = read_record(models_dir, folder)
    return record if record is not None and stamps_agree(folder, record.files) else None


def _open_light(
    model: str, folder: Path, models_dir: Path, threads: int | None
) -> OnnxEmbedder | None:
    """Open the exported graph of a prepared model; None if there is none, or it is broken."""
    record = _current_record(models_dir, folder)
    if record is None and read_record(models_dir, folder) is not None:
        from recall.embedding.prepare import restamp

        record = restamp(model, folder, models_dir)
    if record is None or record.export is not Export.DONE:
        return None
    manifest = read_manifest(models_dir / record.graph)
    if manifest is None:
        return None
    from recall.embedding.onnx import OnnxEmbedder

    try:
        return OnnxEmbedder(
            models_dir / record.graph, record.space, pad_id=int(manifest["pad_id"]), threads=threads
        )
    except ModelDamaged:
        discard_graph(models_dir / record.graph)
        return None
