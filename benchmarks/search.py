"""How well questions find their notes: recall, its two halves, and plain ways to join them.

Two kinds of questions. Judged collections in BEIR form (`corpus.jsonl`, `queries.jsonl`,
`qrels.tsv`): every document is written as a Markdown note into a vault, which is indexed and asked
through the public interface. And known items (`benchmarks/known_items.py`), made from vaults.

    python -m benchmarks.search --data DIR [--collections cranfield,med]
        [--vaults DIR,DIR] [--most 60] [--cache DIR] [--cli 20]

`--data` holds a folder for each collection. `--cache` keeps the vaults made of them, and their
index, for the next run. `--cli N` asks N questions of each set through the command line as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.known_items import KINDS, MOST, known_items
from benchmarks.rankings import DEPTH, Baselines, without
from benchmarks.results_file import keep
from recall import open_index
from recall.evaluate.metrics import bootstrap, bootstrap_ratio, ndcg_at, recall_at, reciprocal_rank

if TYPE_CHECKING:
    from recall.index import Index

MEASURES = {"ndcg@10": ndcg_at, "recall@10": recall_at, "mrr": reciprocal_rank}
RECALL, HALVES = "recall", ("dense", "BM25, FTS5")

Values = dict[str, dict[str, list[float]]]  # method → measure → one value a question


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the notes that answer it, and a note that may not."""

    text: str
    answers: frozenset[str]
    exclude: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of the questions of one vault or collection."""

    values: Values
    kinds: tuple[str, ...]  # of each question
    answered: tuple[bool, ...]  # whether recall held the best for an answer
    seconds: float  # a question, warm, on average


def main() -> None:
    """Run what the command line asks for, print and keep the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        cache = arguments.cache or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        if arguments.data:
            _judged(arguments, cache)
        if arguments.vaults:
            _known(arguments, cache)


def _judged(arguments: argparse.Namespace, cache: Path) -> None:
    figures: dict[str, object] = {}
    pairs: list[tuple[float, float]] = []  # (recall, better half) of each collection
    for name in arguments.collections or sorted(p.name for p in arguments.data.iterdir()):
        index = open_index(vault_of(arguments.data / name, cache / name))
        index.refresh()
        questions = list(questions_of(arguments.data / name))
        measured = _measure(index, questions)
        _print(name, measured.values)
        figures[name] = _summary(measured)
        if arguments.cli:
            figures[f"{name}, command line"] = _compare_with_cli(
                index, questions[:: max(1, len(questions) // arguments.cli)]
            )
        pairs.append(_pair(measured.values, "ndcg@10"))
    ratio = sum(ours for ours, _ in pairs) / sum(half for _, half in pairs)
    figures["mean ndcg@10 over the better halves'"] = round(ratio, 4)
    figures["least difference to the better half"] = round(min(a - b for a, b in pairs), 4)
    print(f"mean nDCG@10 over that of the better halves: {ratio:.3f}")
    print("kept in", keep("search-judged", figures).name)


def _known(arguments: argparse.Namespace, cache: Path) -> None:
    figures: dict[str, object] = {}
    pooled: Values = {}
    kinds: list[str] = []
    for source in arguments.vaults:
        vault = cache / f"known-{source.name}"
        if not vault.exists():
            ignored = shutil.ignore_patterns(".git", ".recall", "index")
            shutil.copytree(source, vault, ignore=ignored)
            (vault / ".obsidian").mkdir(exist_ok=True)
        index = open_index(vault)
        index.refresh()
        with index.read() as snapshot:
            items = known_items(snapshot, index.vault.root, most=arguments.most)
        questions = [Asked(i.text, frozenset({i.answer}), i.exclude, i.kind) for i in items]
        measured = _measure(index, questions)
        _print(source.name, measured.values)
        figures[source.name] = _summary(measured)
        kinds += measured.kinds
        for method, by_measure in measured.values.items():
            for measure, values in by_measure.items():
                pooled.setdefault(method, {}).setdefault(measure, []).extend(values)
    for kind in KINDS:
        chosen = [at for at, found in enumerate(kinds) if found == kind]
        part = {
            method: {measure: [values[at] for at in chosen] for measure, values in found.items()}
            for method, found in pooled.items()
        }
        _print(f"all vaults, {kind} ({len(chosen)})", part)
        figures[f"all vaults, {kind}"] = _table(part)
    _print("all vaults", pooled)
    figures["all vaults"] = _table(pooled)
    for measure in ("mrr", "recall@10"):
        ours, half = _pair(pooled, measure)
        figures[f"{measure} over the better half's"] = round(ours / half, 4)
        print(f"{measure} over that of the better half: {ours / half:.3f}")
    print("kept in", keep("search-known-items", figures).name)


def _measure(index: Index, questions: Sequence[Asked]) -> Measured:
    vectors = index.embedder.embed_queries([asked.text for asked in questions])
    values: Values = {}
    answered: list[bool] = []
    with index.read() as snapshot:
        baselines = Baselines(snapshot, index.vault.root, index.embedder).rankings()
        for asked, vector in zip(questions, vectors, strict=True):
            for name, ranking in baselines.items():
                _note(values, name, asked, ranking(asked.text, vector))
    started = time.perf_counter()
    for asked in questions:
        result = index.search(asked.text, k=DEPTH, include_weak=True)
        _note(values, RECALL, asked, [hit.card.path for hit in result.hits])
        answered.append(result.answered)
    seconds = (time.perf_counter() - started) / max(len(questions), 1)
    return Measured(values, tuple(asked.kind for asked in questions), tuple(answered), seconds)


def _note(values: Values, method: str, asked: Asked, ranked: Sequence[str]) -> None:
    kept = without(ranked, asked.exclude)
    for measure, score in MEASURES.items():
        values.setdefault(method, {}).setdefault(measure, []).append(score(kept, asked.answers))


def _compare_with_cli(index: Index, questions: Iterable[Asked]) -> dict[str, object]:
    """Whether the command line gives what the library gives, in the same order."""
    same = total = 0
    for asked in questions:
        done = subprocess.run(
            [sys.executable, "-m", "recall", "search", "--json", "--all", "-k", "10",
             "--vault", str(index.settings.notes), "--", asked.text],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        listed = [result["path"] for result in json.loads(done.stdout)["results"]]
        result = index.search(asked.text, k=10, include_weak=True)
        same += listed == [hit.card.path for hit in result.hits]
        total += 1
    print(f"  command line: {same} of {total} lists the same")
    return {"asked": total, "same": same}


def vault_of(collection: Path, vault: Path) -> Path:
    """Write every document as a note, unless that was done before."""
    if not vault.exists():
        aside = vault.with_name(f"{vault.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        (aside / ".obsidian").mkdir(parents=True)
        for document in _lines(collection / "corpus.jsonl"):
            title = " ".join(str(document["title"]).split())
            heading = f"# {title}\n\n" if title else ""
            text = f"{heading}{str(document['text']).strip()}\n"
            (aside / f"{document['_id']}.md").write_text(text, encoding="utf-8")
        aside.rename(vault)
    return vault


def questions_of(collection: Path) -> Iterator[Asked]:
    """The questions of a collection that some document answers."""
    judged: dict[str, set[str]] = {}
    rows = (collection / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    for question, document, grade in (row.split("\t") for row in rows):
        if int(grade) > 0:
            judged.setdefault(question, set()).add(f"{document}.md")
    for question in _lines(collection / "queries.jsonl"):
        if question["_id"] in judged:
            yield Asked(str(question["text"]), frozenset(judged[str(question["_id"])]))


def _lines(file: Path) -> Iterator[dict[str, object]]:
    with file.open(encoding="utf-8") as opened:
        for line in opened:
            yield json.loads(line)


def _pair(values: Values, measure: str) -> tuple[float, float]:
    """Our mean, and that of the better half."""
    mean = {name: sum(v[measure]) / len(v[measure]) for name, v in values.items()}
    return mean[RECALL], max(mean[half] for half in HALVES)


def _summary(measured: Measured) -> dict[str, object]:
    return {
        "questions": len(measured.kinds),
        "held for answered": sum(measured.answered),
        "ms_a_question_warm": round(measured.seconds * 1000, 1),
        "methods": _table(measured.values),
    }


def _table(values: Values) -> dict[str, dict[str, list[float]]]:
    """Mean and 95 % interval of each measure, and of nDCG over the better half's."""
    better = max(HALVES, key=lambda half: sum(values[half]["ndcg@10"]))
    rows: dict[str, dict[str, list[float]]] = {}
    for method, found in values.items():
        rows[method] = {}
        for measure, scores in found.items():
            estimate = bootstrap(scores)
            rows[method][measure] = _rounded(estimate.mean, estimate.low, estimate.high)
        if any(values[better]["ndcg@10"]):
            ratio = bootstrap_ratio(found["ndcg@10"], values[better]["ndcg@10"])
            name = "ndcg@10 over the better half's"
            rows[method][name] = _rounded(ratio.mean, ratio.low, ratio.high)
    return rows


def _rounded(*values: float) -> list[float]:
    return [round(value, 4) for value in values]


def _print(name: str, values: Values) -> None:
    print(f"\n{name}")
    for method, found in values.items():
        cells = "  ".join(f"{m} {sum(v) / max(len(v), 1):.4f}" for m, v in found.items())
        print(f"  {method:<18}{cells}")


def _arguments() -> argparse.Namespace:
    def folders(text: str) -> list[Path]:
        return [Path(part) for part in text.split(",") if part]

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of collections in BEIR form")
    parser.add_argument("--collections", type=lambda text: text.split(","), default=[])
    parser.add_argument("--vaults", type=folders, default=[], help="folders, joined by commas")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--most", type=int, default=MOST, help="known items of a kind and vault")
    parser.add_argument("--cli", type=int, default=0, metavar="N")
    return parser.parse_args()


if __name__ == "__main__":
    main()
