"""Which way the links of a vault point: a low-rank map learned from the links its author made.

A note x and the note y that it links score x · (I + L Rᵀ) · y. The identity is what the model knows
of meaning, the rest what this author's links add: a person's note links the company, never the
reverse. It is learned by contrast with notes that were not linked (InfoNCE; van den Oord et al.
2018) by Adam (Kingma and Ba 2015), on vectors that stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recall.records import dataclass
from recall.store.vectors.lists import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.floating]
    Edges = NDArray[np.int64]  # (links, 2): rows of the linking and of the linked note

RANK = 32
STEPS = 200
BATCH = 256  # links a step
NEGATIVES = 600  # notes a step that the linked ones are told from, besides each other
RATE = 3e-3
WEIGHT_DECAY = 0.06
SHARPNESS = 20.0  # inverse temperature of the softmax over notes
LINKED = -1e9  # the score of what is linked as well: it is no wrong answer
_FADE_1, _FADE_2 = 0.9, 0.999


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """The map of the linking side, x → x + (x L) Rᵀ."""

    left: Vectors  # (dim, RANK)
    right: Vectors  # (dim, RANK)

    @classmethod
    def idle(cls, dimension: int) -> Adapter:
        """The map that changes nothing."""
        nothing = np.zeros((dimension, RANK), np.float32)
        return cls(nothing, nothing)

    @property
    def is_idle(self) -> bool:
        """Whether it changes nothing."""
        return not self.left.any()

    def forth(self, rows: Vectors) -> Vectors:
        """What linked notes are compared with, of linking ones: (n, dim), no unit rows."""
        found: Vectors = rows + (rows @ self.left) @ self.right.T
        return found

    def back(self, rows: Vectors) -> Vectors:
        """What linking notes are compared with, of linked ones: (n, dim), no unit rows."""
        found: Vectors = rows + (rows @ self.right) @ self.left.T
        return found


def train(notes: Vectors, edges: Edges, *, seed: int = 0) -> Adapter:
    """Learn from links.

    Args:
        notes: (notes, dim) unit rows.
        edges: Each link once.
        seed: Of the first values and of what each step looks at.
    """
    if not len(edges):
        return Adapter.idle(notes.shape[1])
    rng = np.random.default_rng(seed)
    shape = (notes.shape[1], RANK)
    weights = [rng.normal(0, 0.02, shape).astype(np.float32) for _ in range(2)]
    speeds = [np.zeros(shape, np.float32) for _ in range(2)]
    squares = [np.zeros(shape, np.float32) for _ in range(2)]
    # A note with many links has less say in each.
    share = 1 / np.sqrt(np.bincount(edges[:, 0], minlength=len(notes))[edges[:, 0]])
    share /= share.sum()
    links = _Links(edges, len(notes))
    for step in range(STEPS):
        chosen = edges[rng.choice(len(edges), min(BATCH, len(edges)), p=share)]
        others = rng.choice(len(notes), min(NEGATIVES, len(notes)), replace=False)
        columns = distinct(np.concatenate([chosen[:, 1], others]))
        gradients = _gradients(notes, chosen, columns, links, *weights)
        rate = np.float32(RATE * min(1.0, (step + 1) / 20) * (1 - step / STEPS))
        for i, gradient in enumerate(gradients):
            speeds[i] = _FADE_1 * speeds[i] + (1 - _FADE_1) * gradient
            squares[i] = _FADE_2 * squares[i] + (1 - _FADE_2) * gradient**2
            speed = speeds[i] / (1 - _FADE_1 ** (step + 1))
            square = squares[i] / (1 - _FADE_2 ** (step + 1))
            weights[i] -= rate * speed / (np.sqrt(square) + 1e-8)
    return Adapter(*weights)


class _Links:
    """Who links whom, to be asked for many at once."""

    def __init__(self, edges: Edges, size: int) -> None:
        order = np.lexsort((edges[:, 1], edges[:, 0]))
        self.targets = edges[order, 1]
        self.starts = np.searchsorted(edges[order, 0], np.arange(size + 1))

    def among(self, sources: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(sources, columns): does the source link the note, or is it the note?"""
        lengths = self.starts[sources + 1] - self.starts[sources]
        rows = np.repeat(np.arange(len(sources)), lengths)
        ends = np.cumsum(lengths)
        offsets = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        linked = self.targets[offsets + np.repeat(self.starts[sources], lengths)]
        place = np.minimum(np.searchsorted(columns, linked), len(columns) - 1)
        is_there = columns[place] == linked
        found = np.zeros((len(sources), len(columns)), dtype=bool)
        found[rows[is_there], place[is_there]] = True
        found |= sources[:, None] == columns
        return found


def _gradients(
    notes: Vectors,
    edges: Edges,
    columns: NDArray[np.int64],
    links: _Links,
    left: Vectors,
    right: Vectors,
) -> tuple[Vectors, Vectors]:
    """Of the mean cross entropy of each link among the columns, plus the weights' decay."""
    here, there = notes[edges[:, 0]], notes[columns]
    here_low, there_low = here @ left, there @ right
    scores = SHARPNESS * (here @ there.T + here_low @ there_low.T)
    rows, right_answer = np.arange(len(edges)), np.searchsorted(columns, edges[:, 1])
    is_other_link = links.among(edges[:, 0], columns)
    is_other_link[rows, right_answer] = False
    scores[is_other_link] = LINKED
    scores -= scores.max(axis=1, keepdims=True)
    error = np.exp(scores)
    error /= error.sum(axis=1, keepdims=True)
    error[rows, right_answer] -= 1
    error *= SHARPNESS / len(edges)
    return (
        here.T @ (error @ there_low) + WEIGHT_DECAY * left,
        there.T @ (error.T @ here_low) + WEIGHT_DECAY * right,
    )
