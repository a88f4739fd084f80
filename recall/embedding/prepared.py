"""The cache of prepared models: a small record for each model, a folder for each exported graph.

A record says which space a model's files make and how to run it. It trusts size and modification
time of those files, as hashing 90 MB for every question would cost more than answering it. Every
command reads a record, so what only writing needs is imported late.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recall.digest import sha256
from recall.embedding.model import sha256_of
from recall.embedding.space import Space
from recall.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

MISSING = -1  # size of a file that could be there and isn't
_FORMAT = 3  # of the record and of exported folders: another one means prepare again
_ABANDONED_AFTER_SECONDS = 24 * 3600
_MANIFEST = "manifest.json"
_SYSTEM: str = sys.platform  # a checker of types would take the machine it runs on for all


class Export(StrEnum):
    """Whether the light runtime can run a model."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A model's file as it was when it was hashed."""

    path: str  # relative to the model's folder
    size: int  # bytes
    modified_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a prepared model."""

    space: Space
    files: tuple[SourceFile, ...]
    export: Export
    graph: str = ""  # name of the exported folder in the cache
    reason: str = ""  # why there is none
    tried_with: str = ""  # versions that failed: others are worth another try


def default_models_dir() -> Path:
    """Return where prepared models are kept: `$RECALL_CACHE/models`, else the user's cache."""
    if cache := os.environ.get("RECALL_CACHE"):
        return Path(cache).expanduser() / "models"
    if _SYSTEM == "linux":  # what platformdirs would say, without the time it takes to load
        named = os.environ.get("XDG_CACHE_HOME", "")
        return Path(named if named.strip() else "~/.cache").expanduser() / "recall" / "models"
    import platformdirs

    return platformdirs.user_cache_path("recall", appauthor=False) / "models"


def stamps_agree(folder: Path, files: Iterable[SourceFile]) -> bool:
    """Whether the model's files have the size and time they had when they were hashed."""
    for file in files:
        try:
            stat = (folder / file.path).stat()
        except OSError:
            if file.size == MISSING:
                continue
            return False
        if (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified_ns):
            return False
    return True


def read_record(models_dir: Path, folder: Path) -> Record | None:
    """Return the record of the model in `folder`, or None if there is none that can be read."""
    try:
        data = json.loads(_record_path(models_dir, folder).read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            return None
        return Record(
            space=Space(**data["space"]),
            files=tuple(SourceFile(**file) for file in data["files"]),
            export=Export(data["export"]),
            graph=str(data["graph"]),
            reason=str(data["reason"]),
            tried_with=str(data["tried_with"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None  # a cache: what can't be read is made again


def write_record(models_dir: Path, folder: Path, record: Record) -> None:
    """Write the record aside and move it into place."""
    import tempfile

    models_dir.mkdir(parents=True, exist_ok=True)
    data = {"format": _FORMAT, "folder": str(folder), **asdict(record)}
    handle, aside = tempfile.mkstemp(dir=models_dir, prefix=".tmp-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(_record_path(models_dir, folder))
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def graph_name(space: Space) -> str:
    """Return the name of the folder that holds the exported graph of a space."""
    return f"{_slug(space.model)}-{space.fingerprint[:16]}-v{_FORMAT}"


def new_folder_aside(models_dir: Path) -> Path:
    """Make an empty folder to export into; those of killed processes are cleared away."""
    import shutil
    import tempfile

    models_dir.mkdir(parents=True, exist_ok=True)
    for left in models_dir.glob(".tmp-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return Path(tempfile.mkdtemp(dir=models_dir, prefix=".tmp-"))


def publish_graph(aside: Path, target: Path, manifest: dict[str, Any]) -> None:
    """Seal an exported folder and move it into place in one step.

    Two processes may do this at once: the folder that is there first stays, if it is whole.
    """
    import shutil

    files = sorted(aside.iterdir())
    sizes = {path.name: path.stat().st_size for path in files}
    hashes = {path.name: sha256_of(path) for path in files}
    fields = {"format": _FORMAT, "sizes": sizes, "sha256": hashes, **manifest}
    text = json.dumps(fields, indent=1)
    (aside / _MANIFEST).write_text(text, encoding="utf-8")
    for path in aside.iterdir():
        _sync(path)
    _sync(aside)
    try:
        aside.rename(target)
    except OSError:
        if read_manifest(target) is None:
            # What stands there is broken. It is moved, not deleted in place: someone may use it.
            target.rename(aside.with_name(aside.name + "-broken"))
            aside.rename(target)
            shutil.rmtree(aside.with_name(aside.name + "-broken"), ignore_errors=True)
        else:
            shutil.rmtree(aside)
    _sync(target.parent)


def discard_graph(graph: Path) -> None:
    """Remove an exported folder that can't be run, so that it is made again."""
    import shutil

    shutil.rmtree(graph, ignore_errors=True)


def read_manifest(graph: Path) -> dict[str, Any] | None:
    """Return what an exported folder says of itself, or None unless it is whole."""
    try:
        manifest: dict[str, Any] = json.loads((graph / _MANIFEST).read_text(encoding="utf-8"))
        sizes = manifest["sizes"].items()
        whole = all((graph / name).stat().st_size == size for name, size in sizes)
        return manifest if whole and manifest["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def _record_path(models_dir: Path, folder: Path) -> Path:
    # The folder is in the name, so that two environments with one cache don't undo each other.
    key = sha256(str(folder).encode("utf-8", "surrogateescape")).hex()
    return models_dir / f"{_slug(folder.name)}-{key[:16]}.json"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-40:] or "model"


def _sync(path: Path) -> None:
    if os.name == "nt":
        return  # folders can't be opened there, and files are synced by the move
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
