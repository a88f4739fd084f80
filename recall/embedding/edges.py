"""What every runtime does to texts on the way in and to vectors on the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def readable(text: str) -> str:
    """Return the text as something every tokenizer accepts: no NUL, no lone surrogate."""
    text = text.replace("\0", " ")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Going through UTF-16 joins the surrogates that do belong together.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale (n, dim) to unit rows, float32 and C-contiguous.

    A row that is zero or not finite (a model that makes no token of the empty text) becomes the
    first axis: a vector like any other, where NaN would poison every comparison.
    """
    import numpy as np

    rows: NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    lost = ~(np.isfinite(norms) & (norms > np.finfo(np.float32).tiny))[:, 0]
    norms[lost] = 1.0
    rows = rows / norms
    if lost.any():
        rows[lost] = np.eye(1, rows.shape[1], dtype=np.float32)
    return rows
