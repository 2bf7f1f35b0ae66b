"""A comparison as a section, and as the record that JSON holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from eval.compare import Compared, Comparison, Seconds
from eval.figures import LEVEL, METRICS, UNDEFINED, Cell, Change, Estimate, Section, Table

SCHEMA_VERSION = 2
PRINTED: tuple[str, ...] = ("f1", "macro_f1", "average_precision", "ece")
"""The figures of the tables; JSON has them all."""

_LEGEND = (
    "Differences are the second model's figure less the first's, with a 95% interval from "
    "resampling whole groups (articles, pages or outlets); * where it leaves out 0. "
    f"ECE: lower is better. {UNDEFINED.capitalize()}: also what is not given by that model. "
    "n: sentences, or articles for a signal of whole articles."
)


def section(comparison: Comparison, *, intervals: bool = True) -> Section:
    """Give a table for each part of each corpus.

    Parameters
    ----------
    comparison : Comparison
    intervals : bool
        With those of the models' own figures, which is more than a terminal of 80 columns holds.
    """
    names = _names(comparison)
    costs = {cost.corpus: cost for cost in comparison.costs}
    columns = ("signal", "n", "positive", "groups", "always yes, F1", "figure", *names)
    tables = [
        Table(
            f"{corpus}, {part}",
            (*columns, "difference (95% interval)"),
            tuple(line for row in rows for line in _lines(row, intervals)),
            heads=5,
            note=_seconds(costs[corpus], *names),
            interval_digits=2,
        )
        for (corpus, part), rows in groupby(comparison.rows, lambda row: (row.corpus, row.part))
    ]
    return Section(_LEGEND, tuple(tables), signature=comparison.signature)


def record(comparison: Comparison) -> dict[str, Any]:
    """Give every figure, and the signature."""
    return {
        "schema_version": SCHEMA_VERSION,
        "signature": comparison.signature,
        "data": comparison.data,
        "a": comparison.a,
        "b": comparison.b,
        "resampling": {"draws": comparison.draws, "seed": comparison.seed, "level": LEVEL},
        "seconds_per_1000_sentences": comparison.costs,
        "rows": [_record(row) for row in comparison.rows],
    }


def _record(row: Compared) -> dict[str, Any]:
    return {
        "corpus": row.corpus,
        "part": row.part,
        "signal": row.signal,
        "n": row.n,
        "n_groups": row.n_groups,
        "positives": row.positives,
        "always_yes_f1": row.always_yes_f1,
        "a": row.a,
        "b": row.b,
        "intervals_a": {name: (i.low, i.high) for name, i in row.intervals_a.items()},
        "intervals_b": {name: (i.low, i.high) for name, i in row.intervals_b.items()},
        "mcnemar": {"p": row.mcnemar, "holm": row.mcnemar_corrected},
        "differences": {
            name: {"value": d.value, "low": d.interval.low, "high": d.interval.high, "p": d.p}
            for name, d in row.differences.items()
        }
        or None,
    }


def _names(comparison: Comparison) -> tuple[str, str]:
    """Name the models, told apart where they have one name."""
    a, b = comparison.a.name, comparison.b.name
    return (a, b) if a != b else (f"{a} (a)", f"{b} (b)")


def _lines(row: Compared, intervals: bool) -> Iterator[tuple[Cell, ...]]:
    """One figure a line: its name, both models', and their difference."""
    head = (row.signal, row.n, row.positives, row.n_groups, row.always_yes_f1)
    models = ((row.a, row.intervals_a), (row.b, row.intervals_b))
    for metric in (metric for metric in METRICS if metric.name in PRINTED):
        cells: list[Cell] = []
        for figures, ranges in models:
            value = figures[metric.name] if figures else math.nan
            found = ranges.get(metric.name) if intervals else None
            if found is None or math.isnan(found.low):
                cells.append(value)
            else:
                # Of ECE: it is widened to be symmetric, and no error lies below 0.
                cells.append(Estimate(value, max(found.low, 0), found.high))
        difference = row.differences.get(metric.name)
        change = None if difference is None else Change.of(difference.value, difference.interval)
        yield (*head, metric.label, *cells, change)


def _seconds(cost: Seconds, name_a: str, name_b: str) -> str:
    return (
        f"Seconds for 1,000 sentences: {name_a} {cost.a:.2f}, {name_b} {cost.b:.2f} "
        f"({cost.sentences:,} sentences of {cost.corpus} scored)"
    )
