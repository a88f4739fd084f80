"""First use of a model: load it on torch, export it for a fast start, remember the outcome."""

from __future__ import annotations

import contextlib
import importlib.metadata
from typing import TYPE_CHECKING

from recall.embedding.export import NotExportable, export
from recall.embedding.model import (
    check_default_weights,
    is_default,
    read_model,
    sha256_of,
    sha256_of_list,
)
from recall.embedding.prepared import (
    MISSING,
    Export,
    Record,
    SourceFile,
    read_record,
    stamps_agree,
    write_record,
)
from recall.embedding.torch import TorchEmbedder
from recall.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recall.embedding import Runtime
    from recall.embedding.model import ModelFiles


def prepare(
    model: str,
    folder: Path,
    models_dir: Path,
    *,
    runtime: Runtime,
    threads: int | None,
    on_prepare: Callable[[str], None],
) -> TorchEmbedder:
    """Load a model on torch and leave a record, and a graph where that is possible.

    Raises:
        ModelDamaged: its files are not what they should be, or can't be loaded.
    """
    files = read_model(model, folder)
    known = read_record(models_dir, folder)
    sources = _sources(files, known)
    known = known if known is not None and known.files == sources else None
    failed_before = (
        known is not None and known.export is Export.FAILED and known.tried_with == _versions()
    )
    # Asked for by name, the light runtime is tried again where it failed before.
    with_export = runtime == "onnx" or (runtime == "auto" and not failed_before)
    hashes = _hashes(files, sources)
    if is_default(model):
        check_default_weights(hashes["weights"])
    if with_export:
        on_prepare(f"preparing {files.name} for fast start, once")
    embedder = TorchEmbedder(files, hashes, threads=threads)
    record = known or Record(embedder.space, sources, Export.NOT_TRIED)
    try:
        if with_export:
            record = _exported(embedder, files, models_dir, record)
        write_record(models_dir, folder, record)
    except OSError as error:
        record = replace(record, reason=f"the cache can't be written: {error}")
    embedder.reason = record.reason
    if with_export and record.reason:
        on_prepare(f"{files.name} has to start slowly, on torch: {record.reason}")
    return embedder


def restamp(model: str, folder: Path, models_dir: Path) -> Record | None:
    """Renew the record of files that were touched but hold what they held; None if they don't."""
    known = read_record(models_dir, folder)
    if known is None:
        return None
    sources = _sources(read_model(model, folder), None)
    if [(file.path, file.sha256) for file in sources] != [
        (file.path, file.sha256) for file in known.files
    ]:
        return None
    record = replace(known, files=sources)
    with contextlib.suppress(OSError):  # a cache that can't be written is still right
        write_record(models_dir, folder, record)
    return record


def _exported(
    embedder: TorchEmbedder, files: ModelFiles, models_dir: Path, record: Record
) -> Record:
    try:
        graph = export(embedder, files, models_dir)
    except NotExportable as finding:
        return replace(
            record, export=Export.FAILED, graph="", reason=str(finding), tried_with=_versions()
        )
    return replace(record, export=Export.DONE, graph=graph, reason="", tried_with="")


def _versions() -> str:
    """Name the packages that an export depends on, with their versions."""
    found = []
    for package in ("onnx", "onnxruntime", "sentence-transformers", "torch", "transformers"):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def _sources(files: ModelFiles, known: Record | None) -> tuple[SourceFile, ...]:
    """Stamp and hash every file of a model; those whose stamp is known keep their hash."""
    hashed = {file.path: file for file in known.files} if known else {}
    sources = []
    for path in files.all:
        name = path.relative_to(files.folder).as_posix()
        if not path.exists():
            sources.append(SourceFile(name, MISSING, 0, ""))
            continue
        before = hashed.get(name)
        if before is not None and stamps_agree(files.folder, [before]):
            sources.append(before)
            continue
        stat = path.stat()  # before hashing: a change in between is then noticed next time
        sources.append(SourceFile(name, stat.st_size, stat.st_mtime_ns, sha256_of(path)))
    return tuple(sources)


def _hashes(files: ModelFiles, sources: tuple[SourceFile, ...]) -> dict[str, str]:
    sha256 = {file.path: file.sha256 for file in sources}
    groups = {"weights": files.weights, "tokenizer": files.tokenizer, "config": files.config}
    return {
        group: sha256_of_list(
            (name, sha256[name])
            for name in (path.relative_to(files.folder).as_posix() for path in paths)
        )
        for group, paths in groups.items()
    }
