"""Which letters a model can read at all; of any other it sees only that something is there."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from recall.embedding.model import find_folder
from recall.embedding.prepared import default_models_dir, read_record
from recall.embedding.wordpiece import VOCABULARY
from recall.errors import ModelMissing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LATIN = "\u024f"  # letters up to here are read by every model, or become ASCII without their marks
CONTINUES = "##"  # before a WordPiece that continues a word


def letters_of_model(model: str, *, models_dir: Path | None = None) -> frozenset[str] | None:
    """The single letters of a prepared model's vocabulary, in lower case without marks.

    None if every letter can be read, or nothing is known of the model: it is not prepared, or its
    vocabulary is no list of WordPieces. Other kinds fall back on bytes or hold all common letters.
    """
    models_dir = models_dir or default_models_dir()
    try:
        record = read_record(models_dir, find_folder(model))
        if record is None or not record.graph:
            return None
        text = (models_dir / record.graph / VOCABULARY).read_text(encoding="utf-8")
    except (ModelMissing, OSError, ValueError):
        return None
    pieces = (piece.removeprefix(CONTINUES) for piece in text.split("\n"))
    return frozenset(piece for piece in pieces if len(piece) == 1)


def foreign_share(texts: Iterable[str]) -> float:
    """Share of the letters that are of another script than Latin."""
    counts = _letters(texts)
    return sum(n for letter, n in counts.items() if letter > LATIN) / (counts.total() or 1)


def unread_share(texts: Iterable[str], letters: frozenset[str]) -> float:
    """Share of the letters that are not among those of a model, from 0 to 1."""
    unread = total = 0
    for letter, count in _letters(texts).items():
        total += count
        if letter > LATIN and not _bare(letter) <= letters:
            unread += count
    return unread / (total or 1)


def _letters(texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    return Counter({char: count for char, count in counts.items() if char.isalpha()})


def _bare(letter: str) -> set[str]:
    """What a letter comes to when it is taken apart, as models without case do (BERT's rules)."""
    apart = unicodedata.normalize("NFD", letter.lower())
    return {part for part in apart if not unicodedata.combining(part)}
