"""The embedder that the settings of a vault ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recall.embedding import describe, open_embedder
from recall.embedding.lazy import LazyEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recall.embedding.space import Embedder
    from recall.settings import Settings


def models_dir(settings: Settings) -> Path | None:
    """Where prepared models are kept; None for the user's own cache."""
    return settings.cache / "models" if settings.cache else None


def embedder_for(settings: Settings, on_prepare: Callable[[str], None] | None) -> LazyEmbedder:
    """An embedder that is opened when the first text comes.

    Args:
        settings: Name its model, its runtime, and whether the model may be fetched.
        on_prepare: Told, in words, when the model is prepared at its first use.
    """
    models = models_dir(settings)
    return LazyEmbedder(
        lambda: describe(settings.model, models_dir=models),
        lambda: open_embedder(
            settings.model,
            runtime=settings.runtime,
            models_dir=models,
            threads=settings.threads,
            allow_download=settings.allow_download,
            on_prepare=on_prepare,
        ),
    )


def letters_read(settings: Settings, embedder: Embedder) -> frozenset[str] | None:
    """The letters that the model of a vault knows; None: all, or nobody can tell."""
    from recall.embedding.alphabet import letters_of_model  # late: a search needs none of it

    if not isinstance(embedder, LazyEmbedder):
        return None  # whoever brings an embedder of their own knows what it reads
    return letters_of_model(settings.model, models_dir=models_dir(settings))
