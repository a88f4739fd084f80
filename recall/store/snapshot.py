"""One published state of the index, to be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from recall.errors import IndexDamaged, UsageError
from recall.records import dataclass
from recall.store.catalog import ALL
from recall.store.files import CATALOG, REBUILD, gone, has_catalog
from recall.store.integrity import (
    why_unreadable,
    why_unsound,
    why_vectors_unsound,
    why_words_unsound,
)
from recall.store.looked_up import LookedUp
from recall.store.opening import open_for_reading
from recall.store.seal import compare, stamp_of, verify, why_altered
from recall.store.shelf import Known, Shelf

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from recall.domain import Filters
    from recall.store.vectors.kept_table import KeptTable, Opened
    from recall.store.vectors.note_patch import Carried
    from recall.store.vectors.note_table import NoteTable
    from recall.store.vectors.segments import Segments


T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest texts of each query, best first, filled up with -1 and -inf."""

    text_ids: NDArray[np.int64]  # (queries, k)
    scores: NDArray[np.float32]  # (queries, k), inner products


class Snapshot(LookedUp):
    """Reads one state of the index, whatever is published meanwhile.

    The vectors are opened when they are first asked for. Should a later build have removed their
    file by then, the snapshot moves on to the state of that moment; text ids that were
    given out stay valid for every text that is still there. Several threads may ask it at once when
    they are open.
    """

    def __init__(self, directory: Path, shelf: Shelf | None = None) -> None:
        self._looks = {directory / CATALOG: stamp_of(directory / CATALOG)}
        super().__init__(open_for_reading(directory))
        self._directory = directory
        self._shelf = shelf or Shelf()
        self.process = os.getpid()  # connections can't be shared with the children of a process
        self._version: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._known = Known()
        self._db.close()

    def interrupt(self) -> None:
        """Break off what another thread reads of it, which raises there; then it can be closed."""
        self._db.interrupt()

    def rest(self) -> None:
        """Stop holding the state, so that no build waits for it; what is known of it is kept."""
        self._version = self._db.value("PRAGMA data_version")
        self._db.run("ROLLBACK")

    def resumes(self) -> bool:
        """Hold the state again after `rest`; False if it is not sure to be the published one."""
        if not has_catalog(self._directory):
            return False
        if any(look is None or stamp_of(file) != look for file, look in self._looks.items()):
            return False
        self._db.run("BEGIN")
        self._db.rows("SELECT 1 FROM sqlite_schema LIMIT 1")
        # Changes with every commit of another connection, also one that is in the log only.
        return bool(self._db.value("PRAGMA data_version") == self._version)

    def open_vectors(self) -> None:
        """Open the vectors now, if they are not open; from then on the state stays as it is."""
        self._segments()

    def nearest(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        filters: Filters = ALL,
        exclude: Collection[str] = (),
        max_notes_per_text: int | None = None,
        among: NDArray[np.int64] | None = None,
    ) -> Nearest:
        """The texts whose vectors are nearest to each query.

        Exact for up to 30,000 texts; of more, about one in two hundred of those beyond the first
        dozens may be missed (`docs/decisions/0015-large-vaults-are-searched-by-signs.md`).

        Args:
            queries: (n, dimension) float32, unit rows.
            k: How many for each query.
            filters: A text may answer if some passage with it passes.
            exclude: Paths of notes whose passages don't count as such.
            max_notes_per_text: Texts that more notes hold never answer. None: all may.
            among: The ids of the texts that may answer, in place of the three before.

        Returns:
            (n, k) each; equal scores by the text's first path, then by id.
        """
        from recall.store.vectors.admission import admitted_texts, these_texts
        from recall.store.vectors.nearest import find_nearest

        segments, wanted = self._asked(queries)
        admitted: NDArray[np.bool_] | None
        if among is not None:
            admitted = these_texts(segments.last_id, among)
        elif filters == ALL and not exclude and max_notes_per_text in self._known.admitted:
            admitted = self._known.admitted[max_notes_per_text]
        else:
            admitted = admitted_texts(
                self._db, segments.last_id, filters, exclude, max_notes_per_text
            )
            if filters == ALL and not exclude:
                self._known.admitted[max_notes_per_text] = admitted
        ids, scores = find_nearest(
            segments, wanted, max(k, 0), admitted=admitted, first_paths=self.first_paths
        )
        return Nearest(ids, scores)

    def highest(
        self, queries: NDArray[np.float32], k: int, *, among: Sequence[NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        """How near each of some texts is to the query that is nearest to it.

        Args:
            queries: (n, dimension) float32, unit rows, at least one.
            k: Of an index that is not compared whole: texts for each query that are told of.
            among: The ids of the texts of each list that is asked for.

        Returns:
            For each list the highest inner products by text id, (last id + 1,); -inf where none is
            known.
        """
        from recall.store.vectors.admission import these_texts

        segments, wanted = self._asked(queries)
        meant = [these_texts(segments.last_id, ids) for ids in among]
        return segments.highest(wanted, k, admitted=meant)

    def _asked(self, queries: NDArray[np.float32]) -> tuple[Segments, NDArray[np.float32]]:
        """The vectors, and queries that they can be compared with."""
        import numpy as np

        wanted = np.ascontiguousarray(queries, dtype=np.float32)
        segments = self._segments()
        if wanted.ndim != 2 or wanted.shape[1] != (segments.dimension or wanted.shape[1]):
            raise UsageError(
                f"queries of shape {wanted.shape} for vectors of {segments.dimension} numbers"
            )
        if not np.isfinite(wanted).all():
            raise UsageError("a query holds something that is not a number")
        return segments, wanted

    def vectors(self, text_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of texts: (len(text_ids), dimension) float32, unit rows.

        Raises:
            IndexDamaged: One of them is not in the index.
        """
        from recall.store.vectors.segments import as_ids

        return self._segments().rows(as_ids(text_ids))

    def centroids(
        self, paths: Sequence[str] | None = None, *, max_notes_per_text: int | None = None
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Each note's mean passage vector, renormalised.

        Args:
            paths: Of which notes; None means all.
            max_notes_per_text: Texts that more notes hold are left out. None: none are.

        Returns:
            The paths of those notes that have such passages, sorted, and (n, dimension) float32
            unit rows, not to be written to.
        """
        table = self.table(max_notes_per_text=max_notes_per_text)
        found = [table.paths[note] for note in table.speaking.tolist()]
        if paths is None:
            return found, table.means
        wanted = set(paths)
        places = [place for place, path in enumerate(found) if path in wanted]
        return [found[place] for place in places], table.means[places]

    def table(self, *, max_notes_per_text: int | None = None) -> NoteTable:
        """What suggestions look up of every note.

        Args:
            max_notes_per_text: Texts that more notes hold are left out. None: none are.
        """
        return self._opened_table(max_notes_per_text).table

    def rows(self, *, max_notes_per_text: int | None = None) -> Mapping[str, int]:
        """The row of each note in that table, by its path; the same whatever the limit."""
        if self._known.rows is None:
            paths = self.table(max_notes_per_text=max_notes_per_text).paths
            self._known.rows = dict(zip(paths, range(len(paths)), strict=True))
        return self._known.rows

    def carried(self, *, max_notes_per_text: int | None = None) -> Carried | None:
        """Which notes of that table say what they said in the one that is kept.

        None where it is the one that is kept, or nothing is known of an earlier one.
        """
        return self._opened_table(max_notes_per_text).carried

    def keep_table(
        self, *, max_notes_per_text: int | None, anew: bool = False, whole: bool = False
    ) -> None:
        """Keep that table beside the index, or what changed of it.

        Args:
            max_notes_per_text: As of `table`.
            anew: Take nothing over from what is there.
            whole: As one table, so that what is measured of it can be told later by `carried`.
        """
        self._kept_table(max_notes_per_text).keep(anew=anew, whole=whole)

    def is_told_from(self, built: str, *, max_notes_per_text: int | None) -> bool:
        """Whether the table is kept as that of an earlier build and what changed since."""
        return self._kept_table(max_notes_per_text).is_told_from(built)

    def why_table_unsound(self) -> str | None:
        """How the table that is kept differs from what the index says; None if it does not."""
        from recall.store.vectors.note_table_file import table_file

        head = table_file(self._directory).head()
        return self._kept_table(head and head[0].max_notes_per_text).why_unsound()

    def _opened_table(self, max_notes_per_text: int | None) -> Opened:
        if max_notes_per_text not in self._known.tables:
            found = self._kept_table(max_notes_per_text).open()
            self._known.tables[max_notes_per_text] = found
        return self._known.tables[max_notes_per_text]

    def _kept_table(self, max_notes_per_text: int | None) -> KeptTable:
        from recall.store.vectors.kept_table import KeptTable
        from recall.store.vectors.note_table_file import State

        segments = self._segments()  # opening them can move on to a later state
        state = State(self.born, self.built, self.identity.space, max_notes_per_text)
        return KeptTable(state, self._db, segments, self._directory, self._shelf)

    def check_files(self) -> None:
        """See that every vectors file is there and as it was; opens none that looks untouched.

        Raises:
            IndexDamaged: One is not.
        """
        self._while_builds_are_published(lambda: compare(self._directory, self.segments()))

    def flaws(self) -> dict[str, str | None]:
        """What is wrong with each part, everything read through; None where nothing is found.

        Parts: `catalog` and `vectors` as they were written, `rows` as what they should be, `words`
        as FTS5 wants them, `texts` each with its own vector.
        """
        whole = {
            "catalog": why_altered(self._directory) or why_unsound(self._db),
            "vectors": self._why_vectors_altered(),
        }
        if any(whole.values()):
            return whole
        return {
            **whole,
            "rows": why_unreadable(self),
            "words": why_words_unsound(self._db),
            "texts": why_vectors_unsound(self._db, self._directory, self),
        }

    def verify(self) -> None:
        """Read everything through.

        Raises:
            IndexDamaged: The catalog or a vectors file is not what was written.
        """
        for part, reason in self.flaws().items():
            if reason:
                raise IndexDamaged(
                    f"the index in {self._directory} is damaged ({part}): {reason}", hint=REBUILD
                )

    def _why_vectors_altered(self) -> str | None:
        try:
            verify(self._directory, self.segments(), whole=True)
        except IndexDamaged as error:
            return error.message
        return None

    def _segments(self) -> Segments:
        if self._known.segments is None:
            found = self._while_builds_are_published(self._open_segments)
            self._known.segments = found  # looking may have moved on to a later state
        return self._known.segments

    def _while_builds_are_published(self, look: Callable[[], T]) -> T:
        """Look at the vectors files, and again in a later state when a build removed one.

        Raises:
            IndexDamaged: One is gone that the latest state names.
        """
        while True:
            try:
                return look()
            except FileNotFoundError as error:
                before = self.generation
                self._move_on()
                if self.generation == before:
                    raise gone(self._directory) from error

    def _open_segments(self) -> Segments:
        from recall.store.vectors.segments import Segments

        segments = self.segments()
        files = [self._directory / segment.name for segment in segments]
        self._looks.update({file: stamp_of(file) for file in files})
        compare(self._directory, segments)
        return Segments(self._directory, segments)

    def _move_on(self) -> None:
        file = self._directory / CATALOG
        looks = {file: stamp_of(file)}
        later = open_for_reading(self._directory)
        self._db.close()
        self._db, self._looks, self._known = later, looks, Known()
