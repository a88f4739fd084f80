"""An opened index: the one facade, and the one place that wires the adapters together.

index = open_index("~/notes")
index.refresh()
for hit in index.search("audio models").hits:
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from recall.arguments import (
    DEFAULT_HITS,
    DEFAULT_SUGGESTIONS,
    check_k,
    check_name,
    check_probability,
    check_question,
    check_space,
    vault_folder,
)
from recall.blas import one_thread
from recall.build import build, identity_of, is_up_to_date
from recall.domain import (
    BuildReport,
    Filters,
    Judgement,
    NoteSuggestions,
    SearchResult,
    Status,
    Verdict,
)
from recall.embedding import why_altered
from recall.embedding.configured import embedder_for, letters_read, models_dir
from recall.embedding.lazy import LazyEmbedder
from recall.errors import RecallError, UsageError
from recall.feedback import Feedback, judgements
from recall.judging import follow, judge, mark_of
from recall.settings import Settings, load_settings
from recall.store import Store
from recall.vault import Vault

if TYPE_CHECKING:
    from recall.applying import Editor
    from recall.build import OnProgress
    from recall.domain import Diagnosis, Note, Suggestion
    from recall.embedding import Embedder
    from recall.feedback import NoteMark
    from recall.links import Source
    from recall.links.why import Explanation
    from recall.names import Resolver
    from recall.search import Meanwhile
    from recall.store import Snapshot
    from recall.suggesting import Suggester


def open_index(
    vault: Path | str | None = None,
    *,
    model: str | None = None,
    allow_download: bool = False,
    on_prepare: Callable[[str], None] | None = None,
    ranker: Path | None = None,
) -> Index:
    """Open the index of a vault; the index need not exist yet.

    Args:
        vault: The folder of notes, or the project that holds it. Without it the folder is looked
            for upwards from the working directory.
        model: An embedding model other than the vault's setting.
        allow_download: Whether a model that is not on this machine may be fetched.
        on_prepare: Told, in words, when a model is prepared at its first use.
        ranker: A table of trees to rank suggestions with instead of the one that comes with the
            package; `benchmarks/train_ranker.py` writes such tables.

    Raises:
        VaultNotFound: There is no vault there.
        SettingsError: Its settings are wrong.
        UsageError: `vault` is empty, or no path.
    """
    settings = load_settings(vault_folder(vault), model=model, allow_download=allow_download)
    return Index(settings, on_prepare=on_prepare, ranker=ranker)


def build_index(
    vault: Path | str | None = None,
    *,
    full: bool = False,
    on_progress: OnProgress | None = None,
) -> BuildReport:
    """Make the index of a vault agree with its notes; see `Index.refresh`."""
    return open_index(vault).refresh(full=full, on_progress=on_progress)


class Index:
    """Search and suggestions over one vault."""

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        on_prepare: Callable[[str], None] | None = None,
        ranker: Path | None = None,
    ) -> None:
        self.settings = settings
        self._vault = Vault(settings.notes, settings.ignore, settings.max_note_bytes)
        self._store = Store(settings.index)
        self._feedback = Feedback(settings.index)
        self._ranker = ranker
        self.embedder = embedder or embedder_for(settings, on_prepare)

    @property
    def vault(self) -> Vault:
        """The folder of notes."""
        return self._vault

    @property
    def exists(self) -> bool:
        """Whether anything was indexed yet."""
        return self._store.exists()

    def close(self) -> None:
        """Let go of the files that stay open between two questions; the next one opens them again.

        Before a disk is taken away, say. Also at the end of `with open_index(…) as index`.
        """
        self._store.let_go()
        self.__dict__.pop("_suggester", None)  # which has what was learned, mapped from a file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(
        self,
        *,
        full: bool = False,
        wait_seconds: float = 5.0,
        learns: bool = True,
        older_will_do: bool = False,
        on_progress: OnProgress | None = None,
    ) -> BuildReport:
        """Make the index agree with the notes; cheap when nothing changed.

        Args:
            full: Read and embed everything again.
            wait_seconds: How long another process that is writing is waited for.
            learns: Also learn anew what suggestions take from the vault as a whole, and keep it;
                a search needs none of it.
            older_will_do: Learn only once a fiftieth of the vault is new, in a small vault, too.
            on_progress: Called with (stage, done, total).

        Raises:
            IndexBusy: Another process is still writing.
            ModelMissing: Texts are to be embedded and the model is not on this machine.
        """
        report = build(
            self._vault,
            self._store,
            self.embedder,
            self.settings.rules,
            full=full,
            wait_seconds=wait_seconds,
            on_progress=on_progress,
        )
        if report.changes_anything:
            with self.read() as snapshot:
                follow(self._feedback, snapshot, report)
        if learns:
            from recall.store.learned import is_current  # late: a search needs none of it

            if full or not is_current(self.settings.index):
                most = self.settings.max_notes_per_text
                with self.read() as snapshot:
                    snapshot.keep_table(max_notes_per_text=most, anew=full)
                    self._suggester.learned(
                        snapshot, keep=True, anew=full, older_will_do=older_will_do
                    )
        return report

    def load_to_search(self, question: str, filters: Filters | None = None) -> None:
        """Load now what a search for this question will need; that takes longer than searching.

        What can't be loaded is left to the search, which says why.
        """
        from recall.search import needs_model

        if isinstance(self.embedder, LazyEmbedder) and needs_model(question, filters or Filters()):
            with suppress(RecallError):
                self.embedder.open()

    def load_to_suggest(self) -> None:
        """Load now what suggestions will need. A note of the index needs no model."""
        import recall.suggesting  # noqa: F401 - it stays loaded

    def is_up_to_date(self, *, learns: bool = True) -> bool:
        """Whether `refresh` would find nothing to do; opens no note and no model.

        What is indexed stays as it is, but the seal may be renewed, as whenever an index is opened.
        False also where it takes the model to know, because that is not prepared yet.

        Args:
            learns: As for `refresh`.

        Raises:
            VaultNotFound: The folder of notes is not there.
            IndexBusy: Another process holds the index alone.
        """
        from recall.store.learned import is_current

        if isinstance(self.embedder, LazyEmbedder) and not self.embedder.is_prepared:
            return False
        rules = self.settings.rules
        return is_up_to_date(self._vault, self._store, self.embedder, rules) and (
            not learns or is_current(self.settings.index)
        )

    @cached_property
    def _meanwhile(self) -> Meanwhile:
        from recall.search import Meanwhile

        return Meanwhile()

    def search(
        self,
        question: str,
        *,
        k: int = DEFAULT_HITS,
        filters: Filters | None = None,
        include_weak: bool = False,
    ) -> SearchResult:
        """The notes that answer a question, best first.

        Args:
            question: Words, a sentence, or the name of a note; may hold a `"phrase"` and
                operators such as `tag:ai` (`docs/search.md`). With filters it may be empty: the
                notes that pass, the latest first.
            k: How many notes at most.
            filters: Which notes and passages may answer.
            include_weak: Give the nearest notes even if none of them answers.

        Raises:
            IndexMissing: Nothing was indexed yet; call `refresh` first.
            IndexOutdated: It was made with another model; call `refresh` first.
            UsageError: The question is empty or no text, or `k` is not from 1 to 10,000.
        """
        check_question(question, filters)
        return self._search(question, (), k=k, filters=filters, include_weak=include_weak)

    def search_by_text(
        self,
        text: str,
        *,
        k: int = DEFAULT_HITS,
        filters: Filters | None = None,
        include_weak: bool = False,
    ) -> SearchResult:
        """The notes nearest to a longer text, a paragraph or a draft, by its passages.

        Arguments and errors are those of `search`; the text holds no operators.
        """
        from recall.search import text_passages

        rules, embedder = self.settings.rules, self.embedder
        passages = text_passages(text, embedder=embedder, rules=rules)
        if not passages:
            raise UsageError("The text says nothing.", hint="Give a paragraph, or a whole draft.")
        return self._search(text, passages, k=k, filters=filters, include_weak=include_weak)

    def _search(
        self,
        question: str,
        passages: Sequence[str],
        *,
        k: int,
        filters: Filters | None,
        include_weak: bool,
    ) -> SearchResult:
        from recall.search import search  # late: suggestions need none of it

        check_k(k)
        filters = filters or Filters()
        with self._asking() as snapshot:
            self.check_space(snapshot)
            return search(
                question,
                snapshot=snapshot,
                embedder=self.embedder,
                k=k,
                filters=filters,
                max_notes_per_text=self.settings.max_notes_per_text,
                is_there=self._vault.holds,
                meanwhile=self._meanwhile,
                passages=passages,
                include_weak=include_weak,
            )

    def suggest_links(
        self,
        note: str | Path,
        *,
        k: int = DEFAULT_SUGGESTIONS,
        min_score: float = 0.0,
        include_weak: bool = True,
        include_linked: bool = False,
        drafts: bool = False,
    ) -> NoteSuggestions:
        """The notes that a note should perhaps link, best first.

        Args:
            note: A file (in the vault, or a draft outside of it), or a note's path, id, title or
                alias.
            k: How many suggestions at most.
            min_score: The least probability of a suggestion, from 0 to 1.
            include_weak: Also give those that a careful reader would rather not accept, marked.
            include_linked: Also give the notes that are linked already or were dismissed, marked,
                and those that are never suggested for another reason.
            drafts: Whether drafts are suggested for a published note too.

        Raises:
            NoteNotFound: No note, or several, answer to that name.
            IndexMissing: Nothing was indexed yet; call `refresh` first.
            IndexOutdated: It was made with another model; call `refresh` first.
            UsageError: The name is empty, or a number is out of its range.
        """
        check_name(note)
        check_k(k)
        check_probability(min_score)
        with self._asking() as snapshot:
            return self._suggester.suggest(
                note,
                snapshot,
                k=k,
                min_score=min_score,
                include_weak=include_weak,
                include_linked=include_linked,
                drafts=drafts,
            )

    def related(self, note: str | Path, *, k: int = DEFAULT_HITS) -> NoteSuggestions:
        """Like `suggest_links`, with the notes linked already, and those dismissed, marked.

        So are drafts, and notes that the setting `suggest.exclude` keeps from being suggested.
        """
        return self.suggest_links(note, k=k, include_linked=True)

    def why(
        self,
        note: str | Path,
        target: str | Path,
        *,
        k: int = DEFAULT_SUGGESTIONS,
        min_score: float = 0.0,
        drafts: bool = False,
    ) -> Explanation:
        """Why a note is suggested for another, or why not; for any two notes.

        Args:
            note: As for `suggest_links`.
            target: A note of the vault, named in the same ways.
            k: As for `suggest_links`.
            min_score: As for `suggest_links`.
            drafts: As for `suggest_links`.

        Raises:
            NoteNotFound: No note, or several, answer to one of the names.
            UsageError: A name is empty, or a number is out of its range.
        """
        check_name(note)
        check_k(k)
        check_probability(min_score)
        with self.read() as snapshot:
            other = self._mark_of(target, snapshot).path
            return self._suggester.explain(
                note, other, snapshot, k=k, min_score=min_score, drafts=drafts
            )

    def dismiss(self, note: str | Path, *targets: str | Path) -> tuple[Judgement, ...]:
        """Never suggest these notes for that one again; remembered beside the index.

        Args:
            note: As for `suggest_links`.
            targets: Notes of the vault, each named in the same ways.

        Raises:
            NoteNotFound: No note, or several, answer to one of the names; nothing is written then.
            UsageError: A name is empty, or a target is the note itself.
            IndexUnwritable: The system does not allow it, or the disk is full.
        """
        return self._judge(Verdict.DISMISSED, note, targets)

    def accept(self, note: str | Path, *targets: str | Path) -> tuple[Judgement, ...]:
        """Remember that these suggestions were good; raises like `dismiss`."""
        return self._judge(Verdict.ACCEPTED, note, targets)

    def restore(self, note: str | Path, *targets: str | Path) -> tuple[Judgement, ...]:
        """Let notes that were dismissed be suggested again; raises like `dismiss`.

        Returns:
            Those that had been.
        """
        return self._judge(None, note, targets)

    def judged(self, note: str | Path | None = None) -> tuple[Judgement, ...]:
        """What was said of suggestions for one note, or for all, by the names notes have now."""
        with self.read() as snapshot:
            found = judgements(self._feedback.entries(), snapshot)
            if note is None:
                return found
            path = self._mark_of(note, snapshot).path
            return tuple(item for item in found if item.path == path)

    def dismissed(self, note: str | Path | None = None) -> tuple[Judgement, ...]:
        """The suggestions that were dismissed for one note, or for all."""
        return tuple(item for item in self.judged(note) if item.verdict is Verdict.DISMISSED)

    def editor(self) -> Editor:
        """What writes accepted suggestions into notes, and takes that back."""
        from recall.applying import Editor

        return Editor(self._vault, self.settings.index, self.settings.rules, self.read)

    def status(self) -> Status:
        """What is indexed and what is stale; loads no model and opens no note."""
        from recall.status import status_of

        return status_of(self.settings, self._vault, self._store, self._feedback, self.embedder)

    def doctor(self) -> Iterator[Diagnosis]:
        """Read everything through, and say of each part how it was found and what to run.

        Takes as long as reading the vault and the index does; loads the model. Writes no note.
        """
        from recall import doctor

        def why_model_altered() -> str | None:
            if not isinstance(self.embedder, LazyEmbedder):
                return None
            return why_altered(self.settings.model, models_dir=models_dir(self.settings))

        return doctor.examine(
            self._vault,
            self._store,
            self.embedder,
            identity_of(self.embedder, self.settings.rules),
            self._feedback,
            why_model_altered,
        )

    @contextmanager
    def _asking(self) -> Iterator[Snapshot]:
        with one_thread(), self._store.asking() as snapshot:
            yield snapshot

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """The index as it is at this moment, for as long as the block lasts.

        Raises:
            IndexMissing: Nothing was indexed yet.
        """
        with self._store.read() as snapshot:
            yield snapshot

    def embedded(self, note: Note, snapshot: Snapshot, *, resolver: Resolver) -> Source:
        """A text that the index does not hold, as the source of suggestions.

        Args:
            note: The text, parsed.
            snapshot: The index.
            resolver: Tells what the note's links mean.

        Raises:
            IndexOutdated: The index was made with another model; call `refresh` first.
        """
        return self._suggester.embedded(note, snapshot, resolver=resolver)

    def _judge(
        self, verdict: Verdict | None, note: str | Path, targets: Sequence[str | Path]
    ) -> tuple[Judgement, ...]:
        with self.read() as snapshot:
            source, *others = (self._mark_of(name, snapshot) for name in (note, *targets))
            today = datetime.now().astimezone().date()
            return judge(self._feedback, snapshot, verdict, source, others, day=today)

    def _mark_of(self, note: str | Path, snapshot: Snapshot) -> NoteMark:
        check_name(note)
        return mark_of(note, snapshot, vault=self._vault, rules=self.settings.rules)

    def suggestions_for(
        self,
        source: Source,
        snapshot: Snapshot,
        *,
        k: int,
        min_score: float = 0.0,
        is_there: Callable[[str], bool],
    ) -> tuple[Suggestion, ...]:
        """The notes that a source should perhaps link, best first; as `suggest_links`.

        Args:
            source: From `embedded`, or of a note of the index.
            snapshot: The index.
            k: How many at most.
            min_score: The least probability of a suggestion.
            is_there: Whether a note may be suggested at all, by its path.
        """
        return self._suggester.suggest_for(
            source, snapshot, k=k, min_score=min_score, is_there=is_there
        )

    def check_space(self, snapshot: Snapshot) -> None:
        """See that the index and the embedder share a vector space.

        Raises:
            IndexOutdated: They don't; vectors of two spaces can't be compared.
        """
        check_space(snapshot, self.embedder, self.settings.model)

    @cached_property
    def _suggester(self) -> Suggester:
        from recall.suggesting import Suggester  # late: a search needs none of it

        return Suggester(
            self.settings,
            self._vault,
            self._feedback,
            self.embedder,
            self._ranker,
            # Nothing that refers back to this: who drops an index closes its files at once.
            partial(letters_read, self.settings, self.embedder),
        )
