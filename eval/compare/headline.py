"""The report's first table: each benchmark, its outcome, and that outcome in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from framescope.classifier.taxonomy import BY_NAME as SIGNALS
from framescope.classifier.taxonomy import Level
from framescope.eval.compare.comparison import Compared, Comparison
from framescope.eval.metrics import METRICS, Change, Estimate, Interval, holm
from framescope.eval.rows import BENCHMARK_BY_NAME, BENCHMARKS, Benchmark

_HIGHER_IS_BETTER = {metric.name: metric.higher_is_better for metric in METRICS}
ALPHA = 0.05
_NO_INTERVAL = Interval(math.nan, math.nan)
_OWN_METRIC = "average_precision"  # of rows that no benchmark describes: needs no threshold
OUTCOMES = ("better", "worse", "undecided", "undefined")
"""Of a benchmark, for the second model."""


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
    tests = sum(not math.isnan(p) for p in chances)
    return tuple(
        _line(benchmark, row, p, corrected, tests, names)
        for (benchmark, row), p, corrected in zip(known, chances, holm(chances), strict=True)
    )


def _benchmark(row: Compared, described: set[str]) -> Benchmark | None:
    """Find a row's benchmark; each row of a corpus that has none, a user's own, is one."""
    if row.corpus not in described:
        return _own(row)
    return BENCHMARK_BY_NAME.get(f"{row.corpus}/{row.part}/{row.signal}")


def _own(row: Compared) -> Benchmark:
    unit = "article" if SIGNALS[row.signal].level is Level.ARTICLE else "sentence"
    return Benchmark(row.corpus, row.part, row.signal, unit, "as given", _OWN_METRIC)


def _line(
    benchmark: Benchmark,
    row: Compared,
    p: float,
    p_corrected: float,
    tests: int,
    names: tuple[str, str],
) -> Headline:
    metric = benchmark.metric
    difference, outcome = None, "undefined"
    words = f"undefined: {names[0] if row.a is None else names[1]} doesn't give this signal"
    if metric in row.differences:
        found = row.differences[metric]
        difference = Change(found.value, found.low, found.high)
        better = _HIGHER_IS_BETTER[metric]
        words = in_words(difference, p_corrected, *names, higher_is_better=better, tests=tests)
        outcome = _outcome(difference, p_corrected, better)
    a, b = (
        None
        if figures is None
        else Estimate.of(figures[metric], intervals.get(metric, _NO_INTERVAL))
        for figures, intervals in ((row.a, row.intervals_a), (row.b, row.intervals_b))
    )
    return Headline(benchmark, row, a, b, difference, p, p_corrected, words, outcome)


def _outcome(difference: Estimate, p: float, higher_is_better: bool) -> str:
    if math.isnan(difference.value) or math.isnan(difference.low):
        return "undefined"
    # A NaN is no evidence either.
    if difference.low <= 0 <= difference.high or not p < ALPHA:
        return "undecided"
    return "better" if (difference.value > 0) is higher_is_better else "worse"


def in_words(
    difference: Estimate, p: float, a: str, b: str, *, higher_is_better: bool = True, tests: int = 1
) -> str:
    """Put the difference ``b - a`` in a sentence.

    "One of more than 0.05 would have shown" means that no true difference beyond 0.05 agrees with
    the interval; it is rounded up. ``p``: corrected for so many ``tests``.
    """
    if math.isnan(difference.value):
        return "undefined: there is no difference to speak of"
    if math.isnan(difference.low):
        return "undefined: too few groups, or too few positives, for an interval"
    low, high = difference.low, difference.high
    if low <= 0 <= high:
        missed = max(abs(low), abs(high))
        if missed == 0:
            return "no detectable difference: both are the same on every resample"
        digits = 2 if missed >= 0.005 else 3
        bound = f"{math.ceil(missed * 10**digits - 1e-9) / 10**digits:.{digits}f}"
        return f"no detectable difference; one of more than {bound} would have shown"
    better = b if (difference.value > 0) is higher_is_better else a
    size = sorted((abs(low), abs(high)))
    digits = 2 if abs(difference.value) >= 0.005 and size[0] >= 0.005 else 3
    amount = f"{abs(difference.value):.{digits}f} ({size[0]:.{digits}f} to {size[1]:.{digits}f})"
    if not p < ALPHA:
        return f"{better} looks better by {amount}, but not once corrected for {tests} tests"
    return f"{better} is better by {amount}"
