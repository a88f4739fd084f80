"""Rules about a note as a whole: linked with nothing, without a section, written twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from recall.domain import Facet
from recall.prepublish.examination import LEAST_WORDS, Examination, shortened
from recall.publishing import Finding, Rule

if TYPE_CHECKING:
    from recall.domain import Passage

COMPARED = 5  # nearest notes
NAMED_AS = {Facet.CLAIM: "core claim", Facet.SIGNALS: "signals", Facet.TAKE: "take"}


def orphans(exam: Examination) -> Iterator[Finding]:
    """A note that no note links, and that links none."""
    path = exam.note.path
    if any(found.resolution.path != path for found in exam.links):
        return  # a link that is broken is told as such
    if not exam.edition.is_linked(path):
        yield exam.finding(
            Rule.ORPHAN,
            "no note links this one, and it links no other",
            offset=title_offset(exam),
        )


def missing_sections(exam: Examination) -> Iterator[Finding]:
    """Claim, signals or take, where nearly all notes of the folder or the vault have them."""
    for habit in exam.vaultwide.habits.at(exam.note.path):
        if habit.facet in exam.facets:
            continue
        whose = "this vault" if habit.folder is None else "this folder"
        yield exam.finding(
            Rule.MISSING_SECTION,
            f"no {NAMED_AS[habit.facet]}, which {habit.share:.0%} of the notes of {whose} have",
            offset=title_offset(exam),
            subject=habit.facet.value,
        )


def near_duplicates(exam: Examination) -> Iterator[Finding]:
    """Another note with nearly the same words."""
    import numpy as np

    from recall.links.duplicates import LEAST_COSINE, LEAST_OVERLAP, overlap

    source = exam.source
    own = source.term_counts
    if own.total() < LEAST_WORDS or not len(source.vectors):
        return
    snapshot, most = exam.edition.snapshot, exam.vaultwide.settings.max_notes_per_text
    paths, centroids = snapshot.centroids(max_notes_per_text=most)
    mean = source.vectors.mean(axis=0)
    cosines = centroids @ (mean / max(float(np.linalg.norm(mean)), 1e-12))
    order = np.lexsort((np.arange(len(paths)), -cosines))[: COMPARED + 1].tolist()
    near = [paths[at] for at in order if cosines[at] >= LEAST_COSINE]
    here = _texts(source.passages)
    for path, stored in snapshot.passages_of(near).items():
        card = exam.card(path)
        if card is None or path == exam.note.path or path in exam.edition.replaced:
            continue
        share = overlap(here, _texts(item.passage for item in stored))
        if share >= LEAST_OVERLAP:
            yield exam.finding(
                Rule.NEAR_DUPLICATE,
                f"{path} ({shortened(card.title)}) has {share:.0%} of its words in common",
                offset=title_offset(exam),
                subject=path,
                target=path,
                score=round(share, 4),
            )


def title_offset(exam: Examination) -> int:
    """Where the title stands: what is said of a note as a whole is said there."""
    for section in exam.note.sections:
        if section.level == 1:
            return section.span.start
    text = exam.note.text
    body = next((s.span.start for s in exam.note.sections if s.blocks), 0)
    return body if body < len(text) else 0


def _texts(passages: Iterable[Passage]) -> list[str]:
    return [passage.text for passage in passages if passage.facet is not Facet.TITLE]
