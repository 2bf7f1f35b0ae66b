"""The report's first table: each benchmark, its outcome, and that outcome in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.compare.comparison import Compared, Comparison
from framescope.eval.metrics import METRICS, Change, Estimate, Interval, holm
from framescope.eval.rows import BENCHMARK_BY_NAME, BENCHMARKS, Benchmark

ALPHA = 0.05
OUTCOMES = ("better", "worse", "undecided", "undefined")
"""Of a benchmark, for the second model."""
_HIGHER_IS_BETTER = {metric.name: metric.higher_is_better for metric in METRICS}
_NO_INTERVAL = Interval(math.nan, math.nan)
_OWN_METRIC = "average_precision"  # of rows that no benchmark describes: needs no threshold


@dataclass(frozen=True, slots=True)
class Headline:
    """A benchmark and its outcome.

    ``a``, ``b``: the benchmark's main metric; None for a model that doesn't give the signal. ``p``,
    ``p_corrected``: of the difference, by the same draws; corrected for the number of benchmarks
    (Holm). ``words``: the outcome in a sentence. ``outcome``: one of `OUTCOMES`.
    """

    benchmark: Benchmark
    row: Compared
    a: Estimate | None
    b: Estimate | None
    difference: Estimate | None
    p: float
    p_corrected: float
    words: str
    outcome: str


def verdict_of(lines: Sequence[Headline], names: tuple[str, str]) -> str:
    """Sum the benchmarks up in a sentence."""
    counts = Counter(one.outcome for one in lines)
    better = f"{counts['better'] or 'none'} of {len(lines)} benchmarks"
    parts = [f"{names[1]} is better than {names[0]} on {better}"]
    parts.append(f"worse on {counts['worse'] or 'none'}")
    parts += [f"{name} on {counts[name]}" for name in OUTCOMES[2:] if counts[name]]
    return ", ".join(parts) + "."


def headline_of(comparison: Comparison, names: tuple[str, str]) -> tuple[Headline, ...]:
    """Read the benchmarks off a comparison, in their order; ``names``: of the two models."""
    described = {one.corpus for one in BENCHMARKS}
    known = []
    for row in comparison.rows:
        if row.corpus not in described:  # a user's own: each row is a benchmark
            known.append((_own(row), row))
        elif found := BENCHMARK_BY_NAME.get(f"{row.corpus}/{row.part}/{row.signal}"):
            known.append((found, row))
    # A part that no benchmark is on, validation say, still deserves its table.
    known = known or [(_own(row), row) for row in comparison.rows]
    order = {one.name: at for at, one in enumerate(BENCHMARKS)}
    known.sort(key=lambda pair: order.get(pair[0].name, len(order)))
    chances = [
        row.differences[one.metric].p if one.metric in row.differences else math.nan
        for one, row in known
    ]
    tests = sum(not math.isnan(p) for p in chances)
    return tuple(
        _line(benchmark, row, p, corrected, tests, names)
        for (benchmark, row), p, corrected in zip(known, chances, holm(chances), strict=True)
    )


def _own(row: Compared) -> Benchmark:
    unit = "article" if BY_NAME[row.signal].level is Level.ARTICLE else "sentence"
    return Benchmark(row.corpus, row.part, row.signal, unit, "as given", _OWN_METRIC)


def _line(
    one: Benchmark, row: Compared, p: float, corrected: float, tests: int, names: tuple[str, str]
) -> Headline:
    difference, outcome = None, "undefined"
    words = f"undefined: {names[0] if row.a is None else names[1]} doesn't give this signal"
    if found := row.differences.get(one.metric):
        difference = Change(found.value, found.low, found.high)
        higher = _HIGHER_IS_BETTER[one.metric]
        words = in_words(difference, corrected, *names, higher_is_better=higher, tests=tests)
        if not (math.isnan(found.value) or math.isnan(found.low)):
            decided = not found.low <= 0 <= found.high and corrected < ALPHA
            better = "better" if (found.value > 0) is higher else "worse"
            outcome = better if decided else "undecided"
    a, b = (
        None
        if figures is None
        else Estimate.of(figures[one.metric], intervals.get(one.metric, _NO_INTERVAL))
        for figures, intervals in ((row.a, row.intervals_a), (row.b, row.intervals_b))
    )
    return Headline(one, row, a, b, difference, p, corrected, words, outcome)


def in_words(
    difference: Estimate, p: float, a: str, b: str, *, higher_is_better: bool = True, tests: int = 1
) -> str:
    """Put the difference ``b - a`` in a sentence.

    "One of more than 0.05 would have shown" means that no true difference beyond 0.05 agrees with
    the interval; it is rounded up. ``p``: corrected for so many ``tests``; NaN is no evidence.
    """
    value, low, high = difference.value, difference.low, difference.high
    if math.isnan(value):
        return "undefined: there is no difference to speak of"
    if math.isnan(low):
        return "undefined: too few groups, or too few positives, for an interval"
    least, most = sorted((abs(low), abs(high)))
    if low <= 0 <= high:
        if most == 0:
            return "no detectable difference: both are the same on every resample"
        digits = 2 if most >= 0.005 else 3
        bound = f"{math.ceil(most * 10**digits - 1e-9) / 10**digits:.{digits}f}"
        return f"no detectable difference; one of more than {bound} would have shown"
    better = b if (value > 0) is higher_is_better else a
    digits = 2 if abs(value) >= 0.005 and least >= 0.005 else 3
    amount = f"{abs(value):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"
    if not p < ALPHA:
        return f"{better} looks better by {amount}, but not once corrected for {tests} tests"
    return f"{better} is better by {amount}"
