"""Two bundles on the same held-out rows: their figures, and how sure each difference is."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import SignalError
from framescope.classifier.taxonomy import in_order
from framescope.eval import metrics
from framescope.eval.rows import BENCHMARK_BY_NAME, MAIN_METRIC, Benchmark, Evaluation, Sample
from framescope.eval.sections import UNDEFINED, Cell, Change, Estimate, Interval, Section, table

Progress = Callable[[str, int, int], None]  # what is scored, how many are done, of how many


@dataclass(frozen=True, slots=True)
class Difference(Change):
    """``b - a``; ``p`` is two-sided, of the same draws, not corrected for the number of signals."""

    p: float = math.nan


@dataclass(frozen=True, slots=True)
class Compared:
    """One signal on one part of one corpus."""

    corpus: str
    part: str
    signal: str
    n: int  # rows with a label: sentences, or articles for an article-level signal
    n_groups: int
    positives: int
    always_yes_f1: float
    a: Mapping[str, float] | None  # the figures of `METRICS`; None without the signal
    b: Mapping[str, float] | None
    differences: Mapping[str, Difference]  # empty unless both models give the signal
    intervals_a: Mapping[str, Interval]
    intervals_b: Mapping[str, Interval]
    # McNemar's test of both models' decisions: p, and corrected for the signals of this part.
    mcnemar: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of each bundle for 1,000 sentences of a corpus, after a warm-up."""

    corpus: str
    sentences: int
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of an evaluation's two bundles; ``costs``: one for each corpus."""

    evaluation: Evaluation
    rows: tuple[Compared, ...]
    costs: tuple[Seconds, ...]

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures, seconds excepted."""
        of = self.evaluation
        bundles = " | ".join(f"{one.name} {one.digest[:12]}" for one in of.bundles)
        settings = f"draws {of.draws}, seed {of.seed}"
        return f"framescope {__version__} | data {of.data} | {bundles} | {settings}"


def compare_models(
    evaluation: Evaluation, signals: Sequence[str] | None = None, progress: Progress | None = None
) -> Comparison:
    """Score the held-out rows of every corpus with two bundles, and compare them by signal."""
    a, b = evaluation.bundles
    parts = evaluation.parts
    given = in_order([*a.signals, *b.signals])
    asked = given if signals is None else in_order(signals)
    wanted = tuple(signal for signal in asked if signal in given)
    corpora = [
        (corpus, n)
        for corpus in dict.fromkeys(evaluation.examples.corpus.tolist())
        if (n := len(evaluation.numbers(corpus, parts, wanted)))
    ]
    if not corpora:
        raise SignalError(
            f"nothing to compare: no row of part {' or '.join(parts)} is labelled with "
            f"{' or '.join(asked)}, or neither bundle gives it; they give {', '.join(given)}"
        )
    total, done = 2 * sum(n for _, n in corpora), 0

    def step(bundle: Bundle, n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(f"{corpus}: {bundle.name}", done, total)

    found: list[Compared] = []
    costs: list[Seconds] = []
    for corpus, n in corpora:
        scored = evaluation.articles(corpus, parts, wanted, step)
        costs.append(Seconds(corpus, n, *scored.seconds))
        for part in parts:
            samples = [one for s in wanted if len(one := scored.sample(part, s))]
            rows = [_compared(corpus, one, evaluation.draws, evaluation.seed) for one in samples]
            corrected = zip(rows, metrics.holm([row.mcnemar["p"] for row in rows]), strict=True)
            found += [replace(row, mcnemar={**row.mcnemar, "holm": p}) for row, p in corrected]
    return Comparison(evaluation, tuple(found), tuple(costs))


def _compared(corpus: str, sample: Sample, draws: int, seed: int) -> Compared:
    truth, groups = sample.truth, sample.groups
    a, b = sample.scores
    figures_a, figures_b = (scores and metrics.all_metrics(truth, *scores) for scores in (a, b))
    drawn = metrics.resample_figures(truth, a, b, groups, draws=draws, seed=seed)
    between: dict[str, Difference] = {}
    p = math.nan
    if a and b and figures_a and figures_b:
        between = {
            name: Difference(figures_b[name] - figures_a[name], *interval, drawn.p[name])
            for name, interval in drawn.difference.items()
        }
        p = metrics.mcnemar(truth, metrics.decide(*a), metrics.decide(*b))
    return Compared(
        corpus, sample.part, sample.signal, len(sample), len(np.unique(groups)), int(truth.sum()),
        metrics.always_yes_f1(truth), figures_a, figures_b, between, drawn.a, drawn.b,
        {"p": p},
    )  # fmt: skip


SCHEMA_VERSION = 2
_PRINTED = ("f1", "macro_f1", "average_precision", "debiased_error", "error_by_chance")
_LEGEND = (
    "Differences are the second model's figure less the first's, with a 95% interval from "
    "resampling whole groups (articles, pages or outlets); * where it leaves out 0. "
    "Calibration error: less the share of chance; one below its 95% by chance can't be shown. "
    f"{UNDEFINED.capitalize()}: also where a model doesn't give the signal. "
    "n: sentences, or articles for a signal of whole articles."
)


def section_of_comparison(comparison: Comparison, *, intervals: bool = True) -> Section:
    """Make a table for each part of each corpus; all ``intervals`` need over 80 columns."""
    a, b = comparison.evaluation.names
    costs = {cost.corpus: cost for cost in comparison.costs}
    columns = ("signal", "n", "positive", "groups", "always yes, F1", "figure", a, b)
    tables = []
    for (corpus, part), rows in groupby(comparison.rows, lambda row: (row.corpus, row.part)):
        cost = costs[corpus]
        note = (
            f"Seconds for 1,000 sentences: {a} {cost.a:.2f}, {b} {cost.b:.2f} "
            f"({cost.sentences:,} sentences of {corpus} scored)"
        )
        lines = (line for row in rows for line in _figures_of(row, intervals))
        tables.append(table(
            f"{corpus}, {part}", (*columns, "difference (95% interval)"), lines,
            heads=5, note=note, interval_digits=2,
        ))  # fmt: skip
    return Section(_LEGEND, tuple(tables), signature=comparison.signature)


def _figures_of(row: Compared, intervals: bool) -> Iterator[tuple[Cell, ...]]:
    """Yield one row for each figure: its name, both models', and their difference."""
    head = (row.signal, row.n, row.positives, row.n_groups, row.always_yes_f1)
    models = ((row.a, row.intervals_a), (row.b, row.intervals_b))
    for name in _PRINTED:
        cells: list[Cell] = []
        for figures, ranges in models:
            value = figures[name] if figures else math.nan
            low, high = ranges.get(name, Interval()) if intervals else Interval()
            # That of an error is widened to be symmetric, and none lies below 0.
            wide = Estimate(value, max(low, 0), high)
            cells.append(value if math.isnan(low) else wide)
        yield (*head, metrics.METRIC_BY_NAME[name].label, *cells, row.differences.get(name))


def record_of_comparison(comparison: Comparison) -> dict[str, Any]:
    """Return every figure, and the signature, for JSON."""
    of = comparison.evaluation
    a, b = ({"name": bundle.name, "digest": bundle.digest} for bundle in of.bundles)
    return {
        "schema_version": SCHEMA_VERSION,
        "signature": comparison.signature,
        "data": of.data,
        "a": a,
        "b": b,
        "resampling": {"draws": of.draws, "seed": of.seed, "level": metrics.LEVEL},
        "seconds_per_1000_sentences": comparison.costs,
        "rows": [
            {one.name: getattr(row, one.name) for one in fields(row)}
            | {"differences": row.differences or None}
            for row in comparison.rows
        ],
    }


ALPHA = 0.05
OUTCOMES = ("better", "worse", "undecided", "undefined")  # for the second model


@dataclass(frozen=True, slots=True)
class Headline:
    """A benchmark, its main metric for each model that gives the signal, and its outcome."""

    benchmark: Benchmark
    row: Compared
    a: Estimate | None
    b: Estimate | None
    difference: Estimate | None
    p: float
    p_corrected: float  # for the number of benchmarks (Holm)
    words: str
    outcome: str  # one of `OUTCOMES`


def verdict_of(lines: Sequence[Headline], names: Sequence[str]) -> str:
    """Sum the benchmarks up in a sentence."""
    counts = Counter(one.outcome for one in lines)
    better = f"{counts['better'] or 'none'} of {len(lines)} benchmarks"
    parts = [f"{names[1]} is better than {names[0]} on {better}"]
    parts.append(f"worse on {counts['worse'] or 'none'}")
    parts += [f"{name} on {counts[name]}" for name in OUTCOMES[2:] if counts[name]]
    return ", ".join(parts) + "."


def headline_of(comparison: Comparison) -> tuple[Headline, ...]:
    """Read the benchmarks off a comparison, in their order."""
    described = {one.corpus for one in BENCHMARK_BY_NAME.values()}
    rows = [
        (Benchmark(row.corpus, row.part, row.signal, "as given", MAIN_METRIC), row)
        for row in comparison.rows
    ]
    # A user's own rows are a benchmark each, and so are those of a part that no benchmark is on.
    known = [
        (BENCHMARK_BY_NAME.get(own.name, own), row)
        for own, row in rows
        if own.name in BENCHMARK_BY_NAME or own.corpus not in described
    ] or rows
    order = {name: at for at, name in enumerate(BENCHMARK_BY_NAME)}
    known.sort(key=lambda pair: order.get(pair[0].name, len(order)))
    between = [row.differences.get(one.metric) for one, row in known]
    chances = [math.nan if one is None else one.p for one in between]
    tests, names = sum(not math.isnan(p) for p in chances), comparison.evaluation.names
    found = []
    for (one, row), change, p, corrected in zip(
        known, between, chances, metrics.holm(chances), strict=True
    ):
        difference, outcome = None, "undefined"
        words = f"undefined: {names[0] if row.a is None else names[1]} doesn't give this signal"
        if change is not None:
            difference = Change(change.value, change.low, change.high)
            higher = metrics.METRIC_BY_NAME[one.metric].higher_is_better
            outcome, words = outcome_of(difference, corrected, *names, higher=higher, tests=tests)
        a, b = (
            None
            if figures is None
            else Estimate(figures[one.metric], *intervals.get(one.metric, ()))
            for figures, intervals in ((row.a, row.intervals_a), (row.b, row.intervals_b))
        )
        found.append(Headline(one, row, a, b, difference, p, corrected, words, outcome))
    return tuple(found)


def outcome_of(
    difference: Estimate, p: float, a: str, b: str, *, higher: bool = True, tests: int = 1
) -> tuple[str, str]:
    """Return the outcome for the second model, one of `OUTCOMES`, and put it in a sentence.

    "One of more than 0.05 would have shown" means that no true difference beyond 0.05 agrees with
    the interval; it is rounded up. ``p``: corrected for so many ``tests``. ``higher``: is better.
    """
    value, low, high = difference.value, difference.low, difference.high
    if math.isnan(value):
        return "undefined", "undefined: there is no difference to speak of"
    if math.isnan(low):
        words = "undefined: too few groups, or too few positives, for an interval"
        return "undefined", words
    least, most = sorted((abs(low), abs(high)))
    if low <= 0 <= high:
        if most == 0:
            return "undecided", "no detectable difference: both are the same on every resample"
        digits = 2 if most >= 0.005 else 3
        bound = f"{math.ceil(most * 10**digits - 1e-9) / 10**digits:.{digits}f}"
        words = f"no detectable difference; one of more than {bound} would have shown"
        return "undecided", words
    gain = (value > 0) is higher
    digits = 2 if abs(value) >= 0.005 and least >= 0.005 else 3
    amount = f"{abs(value):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"
    if not p < ALPHA:
        words = f"looks better by {amount}, but not once corrected for {tests} tests"
        return "undecided", f"{b if gain else a} {words}"
    return "better" if gain else "worse", f"{b if gain else a} is better by {amount}"
