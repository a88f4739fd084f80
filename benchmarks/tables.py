"""The figures of a run: means with intervals, as rows to print and as JSON to keep."""

from __future__ import annotations

from recall.evaluate.metrics import MEASURES, Estimate, bootstrap, bootstrap_ratio

SEED = 0
YARDSTICKS = ("mean cosine", "rank fusion")
MAIN_MEASURE = "ndcg@10"

Values = dict[str, dict[str, list[float]]]  # method → measure → one value a source, or a vault


def summary(values: Values) -> dict[str, dict[str, list[float]]]:
    """Mean and interval of each measure, and of the main one over that of each yardstick."""
    rows: dict[str, dict[str, list[float]]] = {}
    for method, by_measure in values.items():
        rows[method] = {
            name: _rounded(bootstrap(found, seed=SEED)) for name, found in by_measure.items()
        }
        for yardstick in YARDSTICKS:
            if any(base := values.get(yardstick, {}).get(MAIN_MEASURE, ())):
                ratio = bootstrap_ratio(by_measure[MAIN_MEASURE], base, seed=SEED)
                rows[method][f"{MAIN_MEASURE} over {yardstick}"] = _rounded(ratio)
    return rows


def _rounded(found: Estimate) -> list[float]:
    return [round(found.mean, 4), round(found.low, 4), round(found.high, 4)]


def print_table(values: Values) -> None:
    """Print one row a method; each cell is a mean and its interval."""
    rows = summary(values)
    heads = [*MEASURES, *(f"over {yardstick}" for yardstick in YARDSTICKS)]
    print(f"{'':<20}" + "".join(f"{head:>20}" for head in heads))
    for method, row in rows.items():
        cells = "".join(
            f"{mean:>7.3f} [{low:.3f} {high:.3f}]" for mean, low, high in list(row.values())
        )
        print(f"{method:<20}{cells}")
