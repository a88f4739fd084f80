"""Fixtures that several test files share."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from recall.embedding import Embedder, open_embedder
from recall.index import Index

# `from standins import WordEmbedder`: the tests are no package.
sys.path.insert(0, str(Path(__file__).parent))

from vaults import ORCHARD, index_of, write

# Compiled once for all: for every worker, and for every process that a test starts.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Time bounds have tests of their own, which don't count the time of other programs.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", PATIENT, max_examples=50)
settings.register_profile("slow", PATIENT, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure(config: pytest.Config) -> None:
    """Let workers share the cores: threads of numpy's that wait for each other would fill them."""
    if config.getoption("numprocesses", default=None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by a worker when it loads numpy


# The longest files come first, so that in the end no worker waits for another. The first of all
# loads torch, with which it prepares the model for the others; the next ones need no model.
FIRST = (
    "test_embedding", "test_reliability", "test_applying", "test_cli", "test_documents",
    "test_adversity", "test_store_publishing", "test_markdown", "test_store", "test_learned",
    "test_note_table", "test_feedback", "test_evaluate", "test_start", "test_applying_cli",
    "test_search", "test_links", "test_action",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which files are given to workers."""
    place = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(FIRST)))


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a cache in which the default model is prepared, once for the whole run."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # of all workers
    folder = root / "prepared" / "models"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(root / "prepared.lock"):  # the first that needs it prepares it for all
        open_embedder(models_dir=folder)
    return folder


@pytest.fixture
def memory_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory where the system has one: there no write waits for a disk.

    What a killed process leaves is the same; only a loss of power would tell them apart.
    """
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def settle(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Mapping[str, str | bytes]], Path]:
    """Make a vault of notes the working directory, with the real model prepared."""

    def settle(name: str, notes: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / name
        write(root, notes)
        (root / ".obsidian").mkdir()
        cache = tmp_path / "cache"
        cache.mkdir()
        (cache / "models").symlink_to(models_dir, target_is_directory=True)
        monkeypatch.setenv("RECALL_CACHE", str(cache))
        monkeypatch.chdir(root)
        return root

    return settle


@pytest.fixture(scope="session")
def embedder(models_dir: Path) -> Embedder:
    """Give the default model on the light runtime."""
    return open_embedder(models_dir=models_dir)


@pytest.fixture(scope="session")
def orchard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Give the orchard, indexed once for all tests that only ask."""
    root = tmp_path_factory.mktemp("orchard")
    write(root, ORCHARD)
    index = index_of(root)
    index.refresh()
    yield index
    held = {file.name: file.read_bytes().decode() for file in root.glob("*.md")}
    assert held == ORCHARD, "a test changed a note: it needs an orchard of its own"
    assert index.refresh().unchanged == len(ORCHARD)


@pytest.fixture
def own_orchard(tmp_path: Path) -> Index:
    """Give the orchard in `tmp_path`, indexed, to a test that changes it."""
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    return index
