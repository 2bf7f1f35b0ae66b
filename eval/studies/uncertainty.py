"""Whether a model knows what it doesn't know, benchmark by benchmark.

**Sets that hold the right answer nine times in ten**, whatever the model is worth, fitted on the
validation part and judged on what was held out: split conformal prediction (Angelopoulos & Bates,
2021, doi:10.48550/arXiv.2107.07511), with answers "yes" and "no". The nonconformity score of an
answer is one less its probability. On n rows that the model was not fitted on, the k-th smallest
score of the right answers, k = ⌈(n + 1) · 0.9⌉, is the limit, and a set holds every answer that
scores no more. A new row's right answer is then in its set with probability 0.9 or more, if the row
is exchangeable with those n. Rows of another outlet or year are not, and how much of the coverage
is lost there is what is measured. A set may hold one answer, both (the model can't tell) or none
(the row is unlike the others). Where n is too small for any limit (k > n), every set holds both.
Of a rare signal nearly all rows are "no", and nine in ten is reached without one right "yes"; by
class each answer gets its own limit, from the rows of which it is the right one.

**What a model gains by keeping silent where it is unsure**: the risk-coverage curve. Rows are
answered in the order of confidence. At each coverage (the share answered) the risk is the share of
wrong decisions among those answered (El-Yaniv & Wiener, 2010); the area under the curve (AURC;
Geifman et al., 2019) is the mean risk over all coverages. Rows of one confidence can't be told
apart: the curve is the mean over all their orders, so the order of the rows does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from framescope.eval.metrics import Cell, Section, Table, decide
from framescope.eval.rows import Benchmark, Bools, Evaluation, Floats, Sample, Single
from framescope.training.data import VALIDATION
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.9
"""The coverage aimed at: nine in ten."""
_CHANCE = 0.95  # of the range of coverage that chance alone explains
_ROUNDING = 1e-9  # (n + 1) * level may come out this much above a whole number


@dataclass(frozen=True, slots=True)
class Conformal:
    """Limits on the nonconformity scores of the answers in a set.

    ``yes``, ``no``: the limit of each answer; equal unless fitted by class. Infinite where there
    were too few rows for one: that answer is then in every set.
    """

    yes: float
    no: float

    def sets(self, proba: Single) -> tuple[Bools, Bools]:
        """Say of each set whether "yes" is in it, and whether "no" is."""
        score = proba.astype(np.float64)
        return 1 - score <= self.yes, score <= self.no


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often sets hold the right answer, and how large they are; NaN without rows.

    ``coverage``: share of rows whose set holds the right answer. ``coverage_yes``: the same among
    the rows of which that is "yes"; NaN without such rows. ``mean_size``: mean number of answers in
    a set, 0 to 2.
    """

    coverage: float
    coverage_yes: float
    mean_size: float


def fit(truth: Bools, proba: Single, level: float = LEVEL, *, by_class: bool = False) -> Conformal:
    """Fit the limits on validation rows, which the model did not learn from.

    ``by_class``: a limit for each answer, on the rows of which it is the right one. Raises
    `ValueError` when the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not {level}")
    score = proba.astype(np.float64)
    wrong = np.where(truth, 1 - score, score)  # how badly the right answer of each row fits it
    if not by_class:
        return Conformal(_limit(wrong, level), _limit(wrong, level))
    return Conformal(_limit(wrong[truth], level), _limit(wrong[~truth], level))


def coverage(conformal: Conformal, truth: Bools, proba: Single) -> Coverage:
    """Judge the sets of held-out rows."""
    yes, no = conformal.sets(proba)
    held = np.where(truth, yes, no)
    return Coverage(_mean(held), _mean(held[truth]), _mean(yes.astype(np.int64) + no))


def coverage_by(
    conformal: Conformal, truth: Bools, proba: Single, groups: ArrayLike
) -> tuple[NDArray[np.int64], Floats]:
    """Judge the sets of each group of held-out rows apart: their rows, and coverage, by name."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    yes, no = conformal.sets(proba)
    rows = np.bincount(group).astype(np.int64)
    return rows, np.bincount(group, weights=np.where(truth, yes, no)) / rows


def expected_range(fitted_on: int, rows: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Give the range in which the coverage of rows lies by chance alone.

    Coverage varies with the rows that limits were fitted on and with those it is measured on; if
    all are exchangeable it is beta-binomial (Angelopoulos & Bates, 2021). Below the range coverage
    was lost; above it, scores are tied or sets are larger than they need be. Sentences of one
    article resemble one another, so that for articles the true range is wider.

    ``fitted_on``: rows the limit was fitted on. ``rows`` of shape (g,): rows that coverage is
    measured on. ``level``: the coverage aimed at. Gives ``low, high``, shape (g,): both 1 where
    there were too few rows for a limit; NaN where there are no rows to measure on.
    """
    from scipy.stats import betabinom

    count = np.asarray(rows, np.int64)
    k = _rank(fitted_on, level)
    measured = np.maximum(count, 1)
    if k > fitted_on:
        low = high = np.ones(count.shape)
    else:
        tail = (1 - _CHANCE) / 2
        low, high = (
            betabinom.ppf(chance, measured, k, fitted_on + 1 - k) / measured
            for chance in (tail, 1 - tail)
        )
    return np.where(count > 0, low, np.nan), np.where(count > 0, high, np.nan)


def _rank(n: int, level: float) -> int:
    return math.ceil((n + 1) * level - _ROUNDING)


def _limit(scores: Floats, level: float) -> float:
    """The k-th smallest; numpy's quantile of k/n, method "higher", would take the next one."""
    k = _rank(len(scores), level)
    return math.inf if k > len(scores) else float(np.partition(scores, k - 1)[k - 1])


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Risk at each coverage; empty without rows.

    ``coverage`` of shape (n,): 1/n, 2/n, ... 1. ``risk`` of shape (n,): share of wrong decisions
    among the most confident ones. The last is the error rate.
    """

    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """AURC: mean risk over the coverages, lower is better; NaN without rows."""
        return float(self.risk.mean()) if len(self.risk) else math.nan

    @property
    def best_area(self) -> float:
        """Area if every right decision were surer than every wrong one; NaN without rows.

        The error rate, ``risk[-1]``, is the area expected of confidence that says nothing. Between
        the two lies what the order of confidence is worth.
        """
        n = len(self.risk)
        if not n:
            return math.nan
        answered = np.arange(1, n + 1)
        wrong = round(float(self.risk[-1]) * n)
        return float((np.maximum(answered - (n - wrong), 0) / answered).mean())

    def risk_at(self, coverage: float) -> float:
        """Risk when at least this share is answered, as few rows as that takes; NaN without rows.

        Raises `ValueError` when the coverage is not above 0 and at most 1.
        """
        if not 0 < coverage <= 1:
            raise ValueError(f"a coverage lies above 0 and is at most 1, not {coverage}")
        n = len(self.risk)
        # 0.1 * 30 is a little more than 3, which must not become 4 rows.
        return float(self.risk[max(math.ceil(coverage * n - 1e-9), 1) - 1]) if n else math.nan


def confidence(proba: Single, threshold: float) -> Floats:
    """How sure a decision is: the probability that it is right, if scores can be believed.

    That is the score of a flagged row, and one less the score of another. With a threshold below
    one half some flags are less likely right than wrong, and come last.
    """
    score = proba.astype(np.float64)
    return np.where(decide(proba, threshold), score, 1 - score)


def risk_coverage(wrong: Bools, sure: Floats) -> RiskCoverage:
    """Draw the curve of decisions, wrong or not, by their confidence."""
    n = len(wrong)
    _, level = np.unique(-sure, return_inverse=True)
    # Among rows of one confidence errors come evenly, on average over their orders: the count of
    # errors is a straight line from the end of one level to that of the next.
    ends = np.concatenate([[0], np.cumsum(np.bincount(level))])
    errors = np.concatenate([[0], np.cumsum(np.bincount(level, weights=wrong))])
    answered = np.arange(1, n + 1)
    return RiskCoverage(answered / max(n, 1), np.interp(answered, ends, errors) / answered)


def of_scores(truth: Bools, proba: Single, threshold: float) -> RiskCoverage:
    """Draw the curve of a binary signal's decisions at a bundle's threshold."""
    return risk_coverage(decide(proba, threshold) != truth, confidence(proba, threshold))


ANSWERED = 0.8
"""The coverage at which risk is shown beside that of answering everything."""
LEAST_ROWS = 10
"""A group with fewer rows says nothing of its coverage."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """One model on one benchmark.

    ``fitted_on``: rows of the validation part; 0 where there are none, and so no sets. ``sets``,
    ``by_class``: of sets with one limit, and with a limit for each answer. ``low``, ``high``: where
    coverage lies by chance, were all rows exchangeable; the true range is wider. ``groups``,
    ``short``: groups with enough rows, and how many of them lie under the range of their size.
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
        for place, name in enumerate(evaluation.names):
            if fitted.given[place] is not None and held.given[place] is not None:
                yield _of_model(benchmark, name, fitted, held, place)


def _of_model(
    benchmark: Benchmark, name: str, fitted: Sample, held: Sample, place: int
) -> Uncertainty:
    known, given, truth, n = fitted.given[place], held.given[place], held.truth, len(fitted)
    assert known is not None
    assert given is not None
    kept = of_scores(truth, *given)
    if not n:
        return Uncertainty(benchmark, name, 0, None, None, math.nan, math.nan, 0, 0, kept)
    limits = fit(fitted.truth, known.proba)
    by_class = fit(fitted.truth, known.proba, by_class=True)
    low, high = expected_range(n, len(truth))
    groups = held.outlets if len(np.unique(held.outlets)) > 1 else held.groups
    rows, by_group = coverage_by(limits, truth, given.proba, groups)
    enough = rows >= LEAST_ROWS
    least, _ = expected_range(n, rows[enough])
    return Uncertainty(
        benchmark,
        name,
        n,
        coverage(limits, truth, given.proba),
        coverage(by_class, truth, given.proba),
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
