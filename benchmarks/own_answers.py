"""What notes of a vault answer when they are asked for the links they have (`own_links`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.masking import mask
from benchmarks.train_ranker import Judged, load_judged, save_judged
from recall.index import open_index
from recall.links.learned import edges_of, learned_of
from recall.links.own_links import ask

MOST = 60  # notes of a vault; a vault by itself asks fewer


@dataclass(frozen=True, slots=True)
class OwnAnswers:
    """The candidates of the notes that were asked."""

    judged: Judged
    paths: tuple[str, ...]  # of the notes


def own_answers(name: str, folder: Path, work: Path) -> OwnAnswers:
    """Copy a vault as it is, index the copy, and ask; features are kept in the work folder."""
    kept, listed = work / f"{name}-own-features.npz", work / f"{name}-own-paths.txt"
    if kept.exists() and listed.exists():
        paths = listed.read_text(encoding="utf-8").splitlines()
        return OwnAnswers(load_judged(kept), tuple(paths))
    copy = work / f"{name}-whole"
    mask(folder, copy, most=0)
    index = open_index(copy)
    index.refresh()
    common = index.settings.max_notes_per_text
    with index.read() as snapshot:
        learned = learned_of(snapshot, index.settings.index, max_notes_per_text=common)
        edges = edges_of(snapshot.table(max_notes_per_text=common))
        asked = list(ask(learned, snapshot, edges, most=MOST))
    found = Judged(
        np.concatenate([np.stack(list(each.features.values()), axis=1) for each in asked]),
        np.concatenate([each.is_link for each in asked]),
        np.array([len(each.is_link) for each in asked]),
        np.array([each.links for each in asked]),
    )
    save_judged(kept, found)
    listed.write_text("\n".join(each.path for each in asked), encoding="utf-8")
    return OwnAnswers(found, tuple(each.path for each in asked))
