"""Two bundles on the same held-out rows: their figures, and how sure each difference is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import groupby
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import SignalError
from framescope.classifier.taxonomy import in_order
from framescope.eval.metrics import (
    LEVEL,
    METRICS,
    UNDEFINED,
    Cell,
    Change,
    Estimate,
    Interval,
    Section,
    Table,
    all_metrics,
    always_yes_f1,
    decide,
    differences,
    holm,
    mcnemar,
    resample_figures,
)
from framescope.eval.rows import Evaluation, Sample, told_apart

Progress = Callable[[str, int, int], None]
"""Receives what is being scored, how many sentences are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Difference(Change):
    """``b - a``; ``p`` is two-sided, of the same draws, not corrected for the number of signals."""

    p: float = math.nan


@dataclass(frozen=True, slots=True)
class Compared:
    """One signal on one part of one corpus.

    ``n``: rows with a label: sentences, or articles for an article-level signal. ``n_groups``: the
    groups that are resampled: articles, pages, blocks of neighbours or outlets. ``a``, ``b``: the
    figures of `METRICS`; None for a model that doesn't give the signal. ``differences``: empty
    unless both do. ``mcnemar``: p of McNemar's test of the two models' decisions; and corrected for
    the number of signals in this part of this corpus (Holm). NaN where undefined.
    """

    corpus: str
    part: str
    signal: str
    n: int
    n_groups: int
    positives: int
    always_yes_f1: float
    a: Mapping[str, float] | None
    b: Mapping[str, float] | None
    differences: Mapping[str, Difference]
    intervals_a: Mapping[str, Interval]
    intervals_b: Mapping[str, Interval]
    mcnemar: float
    mcnemar_corrected: float = math.nan


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of each bundle for 1,000 sentences of a corpus, after a warm-up."""

    corpus: str
    sentences: int
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A bundle that was compared; ``digest``: SHA-256 of its manifest."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two bundles, and what identifies it.

    ``data``: the signature of a split, or the digest of files. ``costs``: one for each corpus.
    """

    a: Contender
    b: Contender
    data: str
    rows: tuple[Compared, ...]
    costs: tuple[Seconds, ...]
    draws: int
    seed: int

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures, seconds excepted."""
        return (
            f"framescope {__version__} | data {self.data} | {self.a.name} {self.a.digest[:12]} | "
            f"{self.b.name} {self.b.digest[:12]} | draws {self.draws}, seed {self.seed}"
        )


def compare_models(
    evaluation: Evaluation, signals: Sequence[str] | None = None, progress: Progress | None = None
) -> Comparison:
    """Score the held-out rows of every corpus with two bundles and compare them.

    ``signals``: only these; by default all that either bundle gives.

    Raises `SignalError` when no row has a label of a signal that a bundle gives, `BundleError` when
    a model's scores are not probabilities.
    """
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
            of_part = [_compared(corpus, one, evaluation.draws, evaluation.seed) for one in samples]
            corrected = holm([row.mcnemar for row in of_part])
            found += [
                replace(row, mcnemar_corrected=p) for row, p in zip(of_part, corrected, strict=True)
            ]
    first, second = Contender(a.name, a.digest), Contender(b.name, b.digest)
    draws, seed = evaluation.draws, evaluation.seed
    return Comparison(first, second, evaluation.data, tuple(found), tuple(costs), draws, seed)


def _compared(corpus: str, sample: Sample, draws: int, seed: int) -> Compared:
    truth, groups = sample.truth, sample.groups
    a, b = sample.scores
    figures_a, figures_b = (scores and all_metrics(truth, *scores) for scores in (a, b))
    drawn = resample_figures(truth, a, b, groups, draws=draws, seed=seed)
    between: dict[str, Difference] = {}
    p = math.nan
    if a and b and figures_a and figures_b:
        between = {
            name: replace(Difference.of(value, drawn.difference[name]), p=drawn.p[name])
            for name, value in differences(figures_a, figures_b).items()
        }
        p = mcnemar(truth, decide(*a), decide(*b))
    return Compared(
        corpus, sample.part, sample.signal, len(sample), len(np.unique(groups)), int(truth.sum()),
        always_yes_f1(truth), figures_a, figures_b, between, drawn.a, drawn.b, p,
    )  # fmt: skip


# As a section, and as the record for JSON

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
    """Make a table for each part of each corpus.

    ``intervals``: with those of the models' own figures, which need more than 80 columns.
    """
    a, b = told_apart((comparison.a.name, comparison.b.name))
    costs = {cost.corpus: cost for cost in comparison.costs}
    columns = ("signal", "n", "positive", "groups", "always yes, F1", "figure", a, b)
    tables = []
    for (corpus, part), rows in groupby(comparison.rows, lambda row: (row.corpus, row.part)):
        cost = costs[corpus]
        tables.append(
            Table(
                f"{corpus}, {part}",
                (*columns, "difference (95% interval)"),
                tuple(line for row in rows for line in _figures_of(row, intervals)),
                heads=5,
                note=f"Seconds for 1,000 sentences: {a} {cost.a:.2f}, {b} {cost.b:.2f} "
                f"({cost.sentences:,} sentences of {corpus} scored)",
                interval_digits=2,
            )
        )
    return Section(_LEGEND, tuple(tables), signature=comparison.signature)


def _figures_of(row: Compared, intervals: bool) -> Iterator[tuple[Cell, ...]]:
    """Yield one row for each figure: its name, both models', and their difference."""
    head = (row.signal, row.n, row.positives, row.n_groups, row.always_yes_f1)
    models = ((row.a, row.intervals_a), (row.b, row.intervals_b))
    for metric in (metric for metric in METRICS if metric.name in _PRINTED):
        cells: list[Cell] = []
        for figures, ranges in models:
            value = figures[metric.name] if figures else math.nan
            found = ranges.get(metric.name) if intervals else None
            if found is None or math.isnan(found.low):
                cells.append(value)
            else:
                # Of an error: it is widened to be symmetric, and none lies below 0.
                cells.append(Estimate(value, max(found.low, 0), found.high))
        yield (*head, metric.label, *cells, row.differences.get(metric.name))


def record_of_comparison(comparison: Comparison) -> dict[str, Any]:
    """Return every figure, and the signature, for JSON."""
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
    plain = {item.name: getattr(row, item.name) for item in fields(row)}
    return plain | {
        "intervals_a": {name: (i.low, i.high) for name, i in row.intervals_a.items()},
        "intervals_b": {name: (i.low, i.high) for name, i in row.intervals_b.items()},
        "mcnemar": {"p": row.mcnemar, "holm": plain.pop("mcnemar_corrected")},
        "differences": {name: asdict(d) for name, d in row.differences.items()} or None,
    }
