"""Arguments of the public interface, refused in plain words before any work is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recall.errors import IndexOutdated, UsageError, VaultNotFound

if TYPE_CHECKING:
    from recall.domain import Filters
    from recall.embedding import Embedder
    from recall.store import Snapshot

DEFAULT_HITS = 10
DEFAULT_SUGGESTIONS = 5
MOST = 10_000  # notes in one answer; far more than anyone reads, and bounds the work


def vault_folder(vault: Path | str | None) -> Path | None:
    """The folder that was named, or None."""
    if vault is None:
        return None
    if not isinstance(vault, (str, Path)):
        raise UsageError(f"The vault is {vault!r}.", hint="Give the path of a folder.")
    if not str(vault).strip():
        raise UsageError("The name of the vault is empty.", hint="Name a folder, or leave it out.")
    if "\0" in str(vault):
        from recall.naming import shown

        raise VaultNotFound(
            f"There is no folder {shown(str(vault))}.", hint="A path holds no NUL character."
        )
    return Path(vault)


def check_question(question: str, filters: Filters | None) -> None:
    """Refuse a question that says nothing; with filters it may be empty."""
    from recall.domain import Filters  # late: `--help` knows the defaults above, and no noun

    says_something = isinstance(question, str) and question.strip()
    narrows = isinstance(question, str) and filters not in {None, Filters()}
    if not (says_something or narrows):
        raise UsageError("The question is empty.", hint='Try recall search "audio models".')


def check_name(note: str | Path) -> None:
    """Refuse the name of a note that is none."""
    if not isinstance(note, (str, Path)) or not str(note).strip():
        raise UsageError(
            "The name of the note is empty.", hint="Give a file, or a path, id, title or alias."
        )


def check_k(k: int) -> None:
    """Refuse a number of answers that is none, or beyond all reading."""
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MOST:
        raise UsageError(f"k is {k!r}.", hint=f"Give a whole number from 1 to {MOST:,}.")


def check_probability(min_score: float) -> None:
    """Refuse a least score that no score could be compared with."""
    is_number = isinstance(min_score, (int, float)) and not isinstance(min_score, bool)
    if not is_number or not 0 <= min_score <= 1:
        raise UsageError(f"The least score is {min_score!r}.", hint="Give a number from 0 to 1.")


def check_space(snapshot: Snapshot, embedder: Embedder, model: str) -> None:
    """See that the index and the embedder share a vector space.

    Args:
        snapshot: The index.
        embedder: What would embed a text to compare with it.
        model: How the user calls the embedder's model.

    Raises:
        IndexOutdated: They don't; vectors of two spaces can't be compared.
    """
    if snapshot.identity.space != embedder.space.fingerprint:
        raise IndexOutdated(
            f"The index was made with another model than {model}.",
            hint="Run recall index, or ask without --no-refresh.",
        )
