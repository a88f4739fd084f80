"""What recall and every plain method suggest for the sources of a masked copy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.baselines import BASELINES, Corpus, ranked
from benchmarks.tables import MAIN_MEASURE
from recall.embedding import open_embedder
from recall.evaluate.metrics import ndcg_by_chance
from recall.index import Index, open_index

if TYPE_CHECKING:
    from benchmarks.cases import Case
    from recall.store import Snapshot

DEPTH = 50  # how far down a list is looked, for MRR
RECALL, CLI = "recall", "recall, command line"

Lists = dict[str, dict[str, list[str]]]  # method → source → suggested paths, best first


def ask(
    case: Case, methods: Sequence[str], *, cli: bool = False, ranker: Path | None = None
) -> tuple[Lists, dict[str, float]]:
    """Every method's suggestions for every source, and how much there was to look at."""
    index = open_index(case.copy, ranker=ranker)
    with index.read() as snapshot:
        linked = {
            source.path: {source.path}
            | {link.resolution.path or "" for link in snapshot.links_from(source.path)}
            for source in case.sources
        }
        counts = snapshot.counts()
        asked = [method for method in methods if method != RECALL]
        by_baselines = _ask_baselines(case, asked, snapshot, index.settings.model, linked)
    lists = {
        method: _suggest(index, case) if method == RECALL else by_baselines[method]
        for method in methods
    }
    if cli:
        lists[CLI] = _suggest_by_command(case)
    for by_source in lists.values():
        for path, known in linked.items():
            by_source[path] = [other for other in by_source[path] if other not in known]
    chances = [
        ndcg_by_chance(len(source.hidden), counts.notes - len(linked[source.path]))
        for source in case.sources
    ]
    facts = {
        "notes": counts.notes,
        "passages": counts.passages,
        "sources": len(case.sources),
        "hidden": sum(len(source.hidden) for source in case.sources),
        f"{MAIN_MEASURE} by chance": round(sum(chances) / len(chances), 3),
    }
    return lists, facts


def _ask_baselines(
    case: Case,
    methods: Sequence[str],
    snapshot: Snapshot,
    model: str,
    linked: Mapping[str, Collection[str]],
) -> Lists:
    """The lists of plain methods; kept beside the copy, as they change only with its index."""
    file = case.copy.parent / f"{case.copy.name}-baselines.json"
    state = [snapshot.born, snapshot.built, *linked]
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    lists: Lists = kept["lists"] if kept.get("state") == state else {}
    if missing := [method for method in methods if method not in lists]:
        whole = case.copy.parent / f"{case.vault}-whole.npz"
        corpus = Corpus(snapshot, case.copy, open_embedder(model), whole)
        for method in missing:
            lists[method] = {
                path: ranked(corpus, BASELINES[method](corpus, path), exclude=known, k=DEPTH)
                for path, known in linked.items()
            }
        file.write_text(json.dumps({"state": state, "lists": lists}), encoding="utf-8")
    return {method: lists[method] for method in methods}


def _suggest(index: Index, case: Case) -> dict[str, list[str]]:
    return {
        source.path: [
            item.card.path
            for item in index.suggest_links(
                case.copy / source.path, k=DEPTH, drafts=True
            ).suggestions
        ]
        for source in case.sources
    }


def _suggest_by_command(case: Case) -> dict[str, list[str]]:
    """The same through the command line and its JSON."""
    notes = [str(case.copy / source.path) for source in case.sources]
    command = [sys.executable, "-m", "recall", "suggest-links", *notes, "-k", str(DEPTH)]
    done = subprocess.run(
        [*command, "--drafts", "--json", "--vault", str(case.copy)], capture_output=True, check=True
    )
    return {
        note["path"]: [item["path"] for item in note["suggestions"]]
        for note in json.loads(done.stdout)["notes"]
    }
