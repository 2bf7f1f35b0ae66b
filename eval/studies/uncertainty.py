"""Whether a model knows what it doesn't know, benchmark by benchmark.

Sets that ought to hold the right answer nine times in ten (`eval.figures.conformal`), fitted on the
validation part and judged on what was held out; and the errors that are left when a model may keep
silent where it is unsure (`eval.figures.risk_coverage`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures import COVERAGE_LEVEL as LEVEL
from eval.figures import (
    Cell,
    Coverage,
    RiskCoverage,
    Section,
    Table,
    coverage,
    coverage_by,
    expected_range,
)
from eval.figures import fit_conformal as fit
from eval.figures import risk_coverage_of as of_scores
from eval.rows import Benchmark, Bools, Evaluation, Given
from training.data import VALIDATION, Text

ANSWERED = 0.8
"""The coverage at which risk is shown beside that of answering everything."""
LEAST_ROWS = 10
"""A group with fewer rows says nothing of its coverage."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """One model on one benchmark.

    Attributes
    ----------
    fitted_on : int
        Rows of the validation part; 0 where there are none, and so no sets.
    sets, by_class : Coverage or None
        Of sets with one limit, and with a limit for each answer.
    low, high : float
        Where coverage lies by chance, were all rows exchangeable; the true range is wider.
    groups, short : int
        Groups with enough rows, and how many of them lie under the range of their size.
    kept : RiskCoverage
    """

    benchmark: Benchmark
    model: str
    fitted_on: int
    sets: Coverage | None
    by_class: Coverage | None
    low: float
    high: float
    groups: int
    short: int
    kept: RiskCoverage


def measure(evaluation: Evaluation) -> Iterator[Uncertainty]:
    """Measure every model on the benchmarks that have rows here."""
    for benchmark in evaluation.benchmarks:
        corpus, signal = benchmark.corpus, benchmark.signal
        scored = evaluation.articles(corpus, (VALIDATION, benchmark.part), (signal,))
        fitted, held = scored.sample(VALIDATION, signal), scored.sample(benchmark.part, signal)
        groups = held.outlets if len(np.unique(held.outlets)) > 1 else held.groups
        for name, known, given in zip(evaluation.names, fitted.given, held.given, strict=True):
            if known is not None and given is not None:
                yield _of_model(
                    benchmark, name, (fitted.truth, known.proba), (held.truth, given), groups
                )


def _of_model(
    benchmark: Benchmark,
    name: str,
    fitted: tuple[Bools, NDArray[np.float32]],
    decided: tuple[Bools, Given],
    groups: Text,
) -> Uncertainty:
    truth, (proba, threshold) = decided
    held = truth, proba
    kept = of_scores(*held, threshold)
    n = len(fitted[0])
    if not n:
        return Uncertainty(benchmark, name, 0, None, None, math.nan, math.nan, 0, 0, kept)
    limits = fit(*fitted)
    low, high = expected_range(n, len(truth))
    rows, by_group = coverage_by(limits, *held, groups)
    enough = rows >= LEAST_ROWS
    least, _ = expected_range(n, rows[enough])
    return Uncertainty(
        benchmark,
        name,
        n,
        coverage(limits, *held),
        coverage(fit(*fitted, by_class=True), *held),
        float(low),
        float(high),
        int(enough.sum()),
        int((by_group[enough] < least).sum()),
        kept,
    )


def section(evaluation: Evaluation) -> Section | None:
    """Lay the figures out; None without a benchmark."""
    found = list(measure(evaluation))
    if not found:
        return None
    return Section(
        f"Sets that should hold the right answer in {LEVEL:.0%} of the rows (split conformal "
        "prediction), fitted on the validation part. By chance: where coverage would lie if the "
        "held-out rows were drawn like the fitted ones; sentences of one article resemble one "
        f"another, so the true range is wider. Groups are outlets, else articles, with "
        f"{LEAST_ROWS} rows or more; short: how many lie under the range of their size. Of yes: "
        "coverage of the rows that are a yes, with one limit and with one for each answer. Risk: "
        f"share of wrong decisions, and what is left of it on the surest {ANSWERED:.0%}; the area "
        "under the risk-coverage curve, and what the best order of the same decisions would give.",
        (
            Table(
                "Coverage of conformal sets",
                (
                    "benchmark", "model", "fitted on", "coverage", "by chance", "answers in a set",
                    "of yes", "of yes, by class", "groups", "short",
                ),
                tuple(map(_covered, found)),
            ),
            Table(
                "Risk and coverage",
                (
                    "benchmark", "model", "n", "risk of all", f"of the surest {ANSWERED:.0%}",
                    "area", "best area",
                ),
                tuple(map(_risked, found)),
            ),
        ),
    )  # fmt: skip


def _covered(one: Uncertainty) -> tuple[Cell, ...]:
    name = one.benchmark.name, one.model, one.fitted_on
    if one.sets is None or one.by_class is None:
        return (*name, None, "", None, None, None, 0, 0)
    return (
        *name, one.sets.coverage, f"{one.low:.3f} to {one.high:.3f}", one.sets.mean_size,
        one.sets.coverage_yes, one.by_class.coverage_yes, one.groups, one.short,
    )  # fmt: skip


def _risked(one: Uncertainty) -> tuple[Cell, ...]:
    kept = one.kept
    n = len(kept.risk)
    return (
        one.benchmark.name, one.model, n, float(kept.risk[-1]) if n else None,
        kept.risk_at(ANSWERED), kept.area, kept.best_area,
    )  # fmt: skip
