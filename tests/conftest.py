"""Fixtures that several test files share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from recall.embedding import Embedder, open_embedder

# `from standins import WordEmbedder`: the tests are no package.
sys.path.insert(0, str(Path(__file__).parent))


settings.register_profile("slow", max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a cache in which the default model is prepared, once for the whole run."""
    folder = tmp_path_factory.mktemp("models")
    open_embedder(models_dir=folder)
    return folder


@pytest.fixture(scope="session")
def embedder(models_dir: Path) -> Embedder:
    """Give the default model on the light runtime."""
    return open_embedder(models_dir=models_dir)
