"""The report's first table: each benchmark, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifier.taxonomy import BY_NAME as SIGNALS
from classifier.taxonomy import Level
from eval.compare.comparison import Comparison, Row
from eval.figures import METRICS, Change, Estimate, holm, in_words
from eval.rows import BENCHMARK_BY_NAME as BY_NAME
from eval.rows import BENCHMARKS, Benchmark

_HIGHER_IS_BETTER = {metric.name: metric.higher_is_better for metric in METRICS}
_OWN_METRIC = "average_precision"  # of rows that no benchmark describes: needs no threshold


@dataclass(frozen=True, slots=True)
class Headline:
    """A benchmark and what came of it.

    Attributes
    ----------
    benchmark : Benchmark
    row : Row
    a, b : Estimate or None
        The benchmark's main metric; None for a model that doesn't give the signal.
    difference : Estimate or None
    p, p_corrected : float
        Of the difference, by the same draws; corrected for the number of benchmarks (Holm).
    words : str
        What it means.
    """

    benchmark: Benchmark
    row: Row
    a: Estimate | None
    b: Estimate | None
    difference: Estimate | None
    p: float
    p_corrected: float
    words: str


def headline(comparison: Comparison, names: tuple[str, str]) -> tuple[Headline, ...]:
    """Read the benchmarks off a comparison, in their order.

    Parameters
    ----------
    comparison : Comparison
    names : tuple of str
        What to call the two models.
    """
    described = {one.corpus for one in BENCHMARKS}
    pairs = [(_benchmark(row, described), row) for row in comparison.rows]
    known = [(benchmark, row) for benchmark, row in pairs if benchmark is not None]
    # A part that no benchmark is on, validation say, still deserves its table.
    known = known or [(_own(row), row) for row in comparison.rows]
    order = {one.name: at for at, one in enumerate(BENCHMARKS)}
    known.sort(key=lambda pair: order.get(pair[0].name, len(order)))
    chances = [
        row.differences[one.metric].p if one.metric in row.differences else math.nan
        for one, row in known
    ]
    corrected = holm(chances)
    tests = sum(not math.isnan(p) for p in chances)
    return tuple(
        _line(benchmark, row, p, p_corrected, tests, names)
        for (benchmark, row), p, p_corrected in zip(known, chances, corrected, strict=True)
    )


def _benchmark(row: Row, described: set[str]) -> Benchmark | None:
    """Find a row's benchmark; a corpus that has none, a user's own, is one by itself."""
    if row.corpus not in described:
        return _own(row)
    return BY_NAME.get(f"{row.corpus}/{row.part}/{row.signal}")


def _own(row: Row) -> Benchmark:
    unit = "article" if SIGNALS[row.signal].level is Level.ARTICLE else "sentence"
    return Benchmark(row.corpus, row.part, row.signal, unit, "as given", _OWN_METRIC)


def _line(
    benchmark: Benchmark,
    row: Row,
    p: float,
    p_corrected: float,
    tests: int,
    names: tuple[str, str],
) -> Headline:
    metric = benchmark.metric
    difference = None
    words = f"undefined: {names[0] if row.a is None else names[1]} doesn't give this signal"
    if metric in row.differences:
        found = row.differences[metric]
        difference = Change(found.value, found.interval.low, found.interval.high)
        words = in_words(
            difference, p_corrected, *names,
            higher_is_better=_HIGHER_IS_BETTER[metric], tests=tests,
        )  # fmt: skip
    return Headline(
        benchmark,
        row,
        _estimate(row.a, row.intervals_a, metric),
        _estimate(row.b, row.intervals_b, metric),
        difference,
        p,
        p_corrected,
        words,
    )


def _estimate(
    figures: Mapping[str, float] | None, intervals: Mapping[str, Any], metric: str
) -> Estimate | None:
    if figures is None:
        return None
    interval = intervals.get(metric)
    if interval is None:
        return Estimate(figures[metric])
    return Estimate(figures[metric], interval.low, interval.high)
