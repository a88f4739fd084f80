"""Vectors in which what every note of the vault is about weighs less.

Notes of one vault share subjects, so their vectors lie close together and a few directions decide
every cosine. The mean is taken away and each direction is divided by the square root of its
standard deviation: half of a whitening (Su et al. 2021; compare Mu and Viswanath 2018). It takes
nothing but the vault's own vectors, no links and no labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.floating]

POWER = -0.25  # of the variances: -1/2 would whiten wholly, 0 does nothing
PRIOR = 100.0  # passages that all directions alike count for, so that few notes decide little


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """A linear map learned from a vault, x → (x - mean) · map."""

    mean: Vectors  # (dim,)
    map: Vectors  # (dim, dim), symmetric

    @classmethod
    def learn(cls, passages: Vectors, centroids: Vectors) -> Whitening:
        """Learn it from (n, dim) passage vectors and (notes, dim) mean vectors."""
        dimension = passages.shape[1]
        if not dimension:  # an index without a single vector
            return cls(np.zeros(0, np.float32), np.zeros((0, 0), np.float32))
        mean = centroids.mean(axis=0) if len(centroids) else np.zeros(dimension, np.float32)
        apart = passages - mean
        variances, directions = np.linalg.eigh((apart.T @ apart / max(len(apart), 1)).astype(float))
        average = float(variances.mean()) or 1.0
        share = min(1.0, PRIOR / max(len(apart), 1))
        shrunk = (1 - share) * variances.clip(min=0.0) + share * average
        scaled = (shrunk / average) ** POWER
        return cls(mean.astype(np.float32), ((directions * scaled) @ directions.T).astype("f4"))

    def __call__(self, vectors: Vectors) -> Vectors:
        """Unit rows of the other space: (n, dim) → (n, dim)."""
        return unit((vectors - self.mean) @ self.map)

    def lengths(self, vectors: Vectors) -> Vectors:
        """(n,): how long the rows are in the other space before they become unit rows."""
        found: Vectors = np.linalg.norm((vectors - self.mean) @ self.map, axis=1)
        return found


def unit(rows: Vectors) -> Vectors:
    """Rows of length one; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Vectors = rows / np.maximum(lengths, 1e-12)
    return found
