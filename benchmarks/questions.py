"""Questions over the sample vault: is the right note found, and is nothing said when nothing fits?

python -m benchmarks.questions [--show]
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

from benchmarks.results_file import keep
from recall import open_index

HERE = Path(__file__).parent
DEPTH = 10


def main() -> None:
    """Ask every question, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print every question that failed")
    show = parser.parse_args().show
    index = open_index(HERE.parent)
    index.refresh()
    ranks: list[int] = []  # 0: not among the first ten
    silenced = false_answers = 0
    questions = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))["question"]
    for question in questions:
        titles = [hit.card.title for hit in index.search(question["text"], k=DEPTH).hits]
        if question["answer"]:
            silenced += not titles
            rank = titles.index(question["answer"]) + 1 if question["answer"] in titles else 0
            ranks.append(rank)
            if show and rank != 1:
                print(f"{rank or '-':>3}  {question['text']}  →  {titles[:3]}")
        else:
            false_answers += bool(titles)
            if show and titles:
                print(f"  !  {question['text']}  →  {titles[:3]}")
    figures: dict[str, object] = {
        "answerable": len(ranks),
        "first": sum(rank == 1 for rank in ranks),
        "among_first_three": sum(1 <= rank <= 3 for rank in ranks),
        "mrr_at_10": round(sum(1 / rank for rank in ranks if rank) / len(ranks), 3),
        "answerable_but_silenced": silenced,
        "unanswerable": len(questions) - len(ranks),
        "unanswerable_but_answered": false_answers,
    }
    print(figures)
    print("kept in", keep("questions", figures).name)


if __name__ == "__main__":
    main()
