"""What `recall eval` found, in words and as `recall.eval/1`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from recall.render.as_text import Style, visible

if TYPE_CHECKING:
    from recall.evaluate import Evaluation, Method, Miss
    from recall.evaluate.metrics import Estimate

ROWS = ("recall", "ndcg", "reciprocal_rank")
HEADINGS = ("recall@10", "nDCG@10", "MRR")


def as_text(found: Evaluation, style: Style) -> str:
    """One sentence that says it, the figures behind it, and misses to look at."""
    return "\n".join(_lines(found, style))


def _lines(found: Evaluation, style: Style) -> Iterator[str]:
    if not found.methods:
        yield "No note qualifies: it takes 2 to 30 links to other notes, and 30 words besides."
        return
    ours, base = found.methods
    yield style.bold(
        f"Of 10 links that you made yourself, recall finds {_tenths(ours)} again among its first "
        f"ten suggestions; cosine finds {_tenths(base)}."
    )
    yield (
        f"{found.hidden:,} links of {found.sources:,} notes were hidden in a copy of "
        f"{found.notes:,} notes; {found.seconds:.0f} s."
    )
    yield ""
    yield f"{'':<8}" + "".join(f"{heading:>20}" for heading in HEADINGS)
    for method in found.methods:
        cells = (_cell(getattr(method, row)) for row in ROWS)
        yield f"{method.name:<8}" + "".join(f"{cell:>20}" for cell in cells)
    yield style.dim("means over notes; in brackets, where 95 % of resampled means lie")
    if found.ratio is not None:
        low, high = found.ratio.low, found.ratio.high
        yield f"nDCG@10 is {found.ratio.mean:.2f} times that of cosine [{low:.2f} {high:.2f}]."
    if found.misses:
        yield ""
        yield "Some links that recall does not find among its first ten:"
    for miss in found.misses:
        yield f"  {visible(miss.title)} → {style.bold(visible(miss.target_title))}"
        ranks = f"rank {_rank(miss.rank)}, by cosine {_rank(miss.cosine_rank)}"
        yield f"    {style.dim(f'{visible(miss.path)} → {visible(miss.target_path)}: {ranks}')}"


def _tenths(method: Method) -> str:
    """A share as so many of ten: whole, unless that would say none or all of what is not."""
    tenths = 10 * method.recall.mean
    is_plain = 0.5 <= tenths < 9.5 or tenths in {0, 10}
    return f"{tenths:.0f}" if is_plain else f"{tenths:.1f}"


def _cell(estimate: Estimate) -> str:
    return f"{estimate.mean:.3f} [{estimate.low:.3f} {estimate.high:.3f}]"


def _rank(rank: int | None) -> str:
    return f"{rank}" if rank else "beyond 50"


def as_json(found: Evaluation, *, warnings: Sequence[str] = ()) -> dict[str, object]:
    """`recall.eval/1`."""
    return {
        "schema": "recall.eval/1",
        "notes": found.notes,
        "sources": found.sources,
        "hidden": found.hidden,
        "methods": [
            {
                "name": method.name,
                "found": method.found,
                "recall_at_10": _interval(method.recall),
                "ndcg_at_10": _interval(method.ndcg),
                "reciprocal_rank": _interval(method.reciprocal_rank),
            }
            for method in found.methods
        ],
        "ratio": _interval(found.ratio) if found.ratio else None,
        "misses": [_miss_json(miss) for miss in found.misses],
        "embedded": found.embedded,
        "seconds": round(found.seconds, 3),
        "warnings": list(warnings),
    }


def _interval(estimate: Estimate) -> dict[str, float]:
    return {
        "mean": round(estimate.mean, 4),
        "low": round(estimate.low, 4),
        "high": round(estimate.high, 4),
    }


def _miss_json(miss: Miss) -> dict[str, object]:
    return {
        "path": miss.path,
        "title": miss.title,
        "target_path": miss.target_path,
        "target_title": miss.target_title,
        "rank": miss.rank,
        "cosine_rank": miss.cosine_rank,
    }
