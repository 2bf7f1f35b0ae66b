"""How sure a difference is: the paired bootstrap over articles, McNemar's test, Holm's correction.

Sentences of one article are not independent: resampling them gives intervals that are too narrow
(by a quarter on the propaganda corpus). Whole groups are drawn instead, with replacement, and the
same draw serves both models, so that what makes an article hard for both cancels out (percentile
intervals: Efron & Tibshirani, 1993, chapter 13; the paired comparison of classifiers:
Berg-Kirkpatrick et al., 2012). All draws of a block are computed at once from sums by group.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from framescope.eval.metrics.scores import (
    BINS,
    COMPARED,
    LEVEL,
    bin_of,
    decide,
    root_of_excess,
    single_figure,
)
from framescope.eval.metrics.sections import Change, Estimate, Interval
from framescope.eval.rows import Bools, Floats, Sample, Scores, Single
from numpy.typing import ArrayLike, NDArray

MIN_GROUPS = 5
"""Below this, no interval from resampling can be trusted, and none is shown."""
MAX_UNDEFINED = 0.05
"""The share of draws without a figure (no positive drawn, say) above which there's no interval."""
_ERRORS = ("ece", "debiased_error")  # that noise raises
_BLOCK = 4_000_000  # numbers held at once: 32 MB
_RANKED = 256  # draws ranked at once: few enough for a processor's cache


def ratio(part: Floats, whole: Floats, empty: float = math.nan) -> Floats:
    """``part / whole``; ``empty`` where there is nothing to divide by."""
    found: Floats = np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0)
    return found


# Draws, and intervals from draws


def draw(n_groups: int, draws: int, seed: int, block: int) -> Iterator[Floats]:
    """Yield how often each group is drawn, in blocks of shape (up to ``block``, n_groups)."""
    counts = _counts(n_groups, draws, seed)
    for start in range(0, draws, max(block, 1)):
        yield counts[start : start + max(block, 1)].astype(np.float64)


@lru_cache(maxsize=1)
def _counts(n_groups: int, draws: int, seed: int) -> NDArray[np.unsignedinteger]:
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, n_groups), np.min_scalar_type(n_groups))
    block = max(_BLOCK // n_groups, 1)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        drawn = rng.integers(n_groups, size=(size, n_groups))
        drawn += n_groups * np.arange(size)[:, None]
        found = np.bincount(drawn.ravel(), minlength=size * n_groups)
        counts[start : start + size] = found.reshape(size, n_groups)
    return counts


def percentile(values: Floats, n_groups: int) -> Interval:
    """Return the middle 95% of the defined draws; undefined when too many draws are.

    For few groups it is widened as a normal distribution is to Student's t, and n - 1 to n (the
    expanded percentile interval of Hesterberg, 2015).
    """
    from scipy.stats import norm, t

    defined = values[~np.isnan(values)]
    if len(values) == 0 or len(defined) < (1 - MAX_UNDEFINED) * len(values):
        return Interval()
    widened = math.sqrt(n_groups / (n_groups - 1)) * t.ppf((1 - LEVEL) / 2, n_groups - 1)
    tail = float(norm.cdf(widened))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))


def estimates_of_sums(
    sums: Floats, of: Callable[[Floats], Floats], *, draws: int, seed: int
) -> list[Estimate]:
    """Return figures ``of`` sums over groups, with intervals that resample the groups."""
    n, flat = len(sums), sums.reshape(len(sums), -1)
    values = of(sums.sum(axis=0)[None])[0].tolist()
    if n < MIN_GROUPS or not draws:
        return [Estimate(value) for value in values]
    (weights,) = draw(n, draws, seed, block=draws)
    drawn = of((weights @ flat).reshape(draws, *sums.shape[1:]))
    columns = zip(values, drawn.T, strict=True)
    return [Estimate(value, *percentile(column, n)) for value, column in columns]


class Resamples(NamedTuple):
    """Intervals of figures by name: of each model's own, and of ``b - a``; ``p`` is two-sided."""

    a: dict[str, Interval]
    b: dict[str, Interval]
    difference: dict[str, Interval]
    p: dict[str, float]


def resample_figures(
    truth: Bools,
    a: tuple[Single, float] | None,
    b: tuple[Single, float] | None,
    groups: ArrayLike,
    *,
    draws: int,
    seed: int,
    names: Sequence[str] = COMPARED,
) -> Resamples:
    """Draw whole groups, and return intervals of both models' figures and of their difference.

    ``a``, ``b``: each model's calibrated probabilities and threshold. ``names``: the figures
    wanted, of `COMPARED`; none depends on the others.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(group.max()) + 1 if len(group) else 0
    models = [given and _Resampled(truth, *given, group) for given in (a, b)]
    block = _BLOCK // max(len(truth), n_groups, 1)
    blocks = list(draw(n_groups, draws, seed, block)) if n_groups >= MIN_GROUPS else []
    drawn = [{} if model is None else model.drawn(blocks, names) for model in models]

    def interval(name: str, values: Floats, model: _Resampled, *less: _Resampled) -> Interval:
        # That of a calibration error is widened to hold its mirror image at the value. Noise raises
        # a sum of distances: without it, one of five simulations misses the truth, not of twenty.
        low, high = percentile(values, n_groups)
        if name in _ERRORS and len(values):
            value = model.error(name) - sum(one.error(name) for one in less)
            low, high = min(low, 2 * value - high), max(high, 2 * value - low)
        return Interval(low, high)

    own = [
        {} if model is None else {n: interval(n, found, model) for n, found in values.items()}
        for model, values in zip(models, drawn, strict=True)
    ]
    first, second = models
    if first is None or second is None:
        return Resamples(*own, {}, {})
    between = {name: drawn[1][name] - drawn[0][name] for name in names}
    intervals = {name: interval(name, found, second, first) for name, found in between.items()}
    return Resamples(*own, intervals, {name: from_draws(found) for name, found in between.items()})


def estimates(metric: str, sample: Sample, draws: int, seed: int) -> tuple[Estimate | None, ...]:
    """Return one figure of each bundle that gives a sample's signal; its interval, with draws."""
    truth, groups = sample.truth, sample.groups

    def of(scores: Scores) -> Estimate:
        value = single_figure(metric, truth, *scores)
        if not draws or not len(truth):
            return Estimate(value)
        drawn = resample_figures(
            truth, scores, None, groups, draws=draws, seed=seed, names=(metric,)
        )
        return Estimate(value, *drawn.a[metric])

    return tuple(one and of(one) for one in sample.scores)


class _Resampled:
    """One model's figures as functions of how often each group was drawn."""

    def __init__(
        self, truth: Bools, proba: Single, threshold: float, group: NDArray[np.intp]
    ) -> None:
        flagged = decide(proba, threshold)
        error: Floats = truth - proba.astype(np.float64)
        n_groups = int(group.max()) + 1
        decisions = (truth & flagged, ~truth & flagged, truth & ~flagged, ~truth & ~flagged)
        *cells, self.squared = (
            np.bincount(group, weights=each, minlength=n_groups) for each in (*decisions, error**2)
        )
        self.cells = np.stack(cells, axis=1)
        score = proba.astype(np.float64)
        cell = group * BINS + bin_of(proba)
        self.residual, self.rows, self.variance = (
            np.bincount(cell, weights=each, minlength=n_groups * BINS).reshape(n_groups, BINS)
            for each in (error, np.ones_like(score), score * (1 - score))
        )
        self.ranking = _Ranking(truth, proba, group, n_groups)

    def error(self, name: str) -> float:
        every = np.ones((1, len(self.squared)))
        return float(self.figures(every, (name,))[name][0])

    def drawn(self, blocks: Sequence[Floats], names: Sequence[str]) -> dict[str, Floats]:
        found = [self.figures(weights, names) for weights in blocks]
        return {n: np.concatenate([np.empty(0), *(block[n] for block in found)]) for n in names}

    def figures(self, weights: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Return figures for each draw; weights of shape (draws, n_groups)."""
        tp, fp, fn, tn = (weights @ self.cells).T
        positives, negatives = tp + fn, fp + tn
        rows = positives + negatives
        both = (positives > 0) & (negatives > 0)
        f1 = ratio(2 * tp, 2 * tp + fp + fn, 0.0)

        other_f1 = ratio(2 * tn, 2 * tn + fp + fn, 0.0)
        of: dict[str, Callable[[], Floats]] = {
            "f1": lambda: np.where(positives > 0, f1, math.nan),
            "precision": lambda: ratio(tp, tp + fp),
            "recall": lambda: ratio(tp, positives),
            "macro_f1": lambda: np.where(both, (f1 + other_f1) / 2, math.nan),
            "average_precision": lambda: np.where(both, self.ranking.precision(weights), math.nan),
            "ece": lambda: np.abs(weights @ self.residual).sum(axis=1) / rows,
            "debiased_error": lambda: root_of_excess(
                weights @ self.rows, weights @ self.residual, weights @ self.variance
            ),
            "brier": lambda: (weights @ self.squared) / rows,
        }
        return {name: of[name]() for name in names}


class _Ranking:
    """Average precision for each draw: rows are sorted once, draws only change their weights."""

    def __init__(self, truth: Bools, proba: Single, group: NDArray[np.intp], n_groups: int) -> None:
        from scipy.sparse import csr_array

        order = np.argsort(-proba, kind="stable")
        proba, truth, group = proba[order], truth[order], group[order]
        self.group_of_positives = group[truth]
        # Rows of one score are one step: precision is taken where the last of them is in. Only
        # steps with a positive count; the rows of those between come in with the next.
        last_of_score = np.searchsorted(-proba, -proba, side="right") - 1
        ends, self.step = np.unique(last_of_score[truth], return_inverse=True)
        self.last_positive = np.searchsorted(self.step, np.arange(len(ends)), side="right") - 1
        step_of_row = np.searchsorted(ends, np.arange(len(proba)))
        ranked = step_of_row < len(ends)  # below the last positive nothing is asked for
        self.rows_of_step = csr_array(
            (np.ones(int(ranked.sum())), (step_of_row[ranked], group[ranked])),
            shape=(len(ends), n_groups),
        )

    def precision(self, weights: Floats) -> Floats:
        """Return average precision of each draw; NaN where no positive was drawn."""
        found = np.full(len(weights), math.nan)
        if not len(self.group_of_positives):
            return found
        for start in range(0, len(weights), _RANKED):
            drawn = np.ascontiguousarray(weights[start : start + _RANKED].T)
            rows_in = np.cumsum(self.rows_of_step @ drawn, axis=0)
            weight = drawn[self.group_of_positives]
            cumulated = np.cumsum(weight, axis=0)
            # Where nothing is drawn so far the precision is 0/0, and its weight 0.
            weight *= ratio(cumulated[self.last_positive], rows_in, 0.0)[self.step]
            # Summed draw by draw, in one stretch each: a sum's rounding depends on its layout.
            total = np.ascontiguousarray(weight.T).sum(axis=1)
            found[start : start + _RANKED] = ratio(total, cumulated[-1])
        return found


# Means of several figures


class MeanPart(NamedTuple):
    """One of the figures of a mean; ``group``: by numbers that all parts of a mean share."""

    metric: str
    truth: Bools
    group: NDArray[np.int64]
    scores: Scores

    @property
    def value(self) -> float:
        """The figure."""
        return single_figure(self.metric, self.truth, *self.scores)


class DrawnMean(NamedTuple):
    """A mean of figures, and its value on each draw; no draws where there are too few groups."""

    value: float
    draws: Floats
    n_groups: int

    def estimate(self) -> Estimate:
        """Return the mean with its interval."""
        return Estimate(self.value, *percentile(self.draws, self.n_groups))

    def less(self, other: DrawnMean) -> Change:
        """Return the difference of two means of the same rows, with its interval."""
        interval = percentile(self.draws - other.draws, self.n_groups)
        return Change(self.value - other.value, *interval)


def mean_of_figures(parts: Sequence[MeanPart], draws: int, seed: int) -> DrawnMean:
    """Average figures of one benchmark draw by draw, over those that a draw leaves defined."""
    value = float(np.mean([one.value for one in parts]))
    known, numbers = np.unique(np.concatenate([one.group for one in parts]), return_inverse=True)
    n_groups = len(known)
    if n_groups < MIN_GROUPS:
        return DrawnMean(value, np.empty(0), n_groups)
    cuts = np.cumsum([len(one.group) for one in parts])[:-1]
    models = [
        (one.metric, _Resampled(one.truth, *one.scores, group))
        for one, group in zip(parts, np.split(numbers, cuts), strict=True)
    ]
    found = []
    block = _BLOCK // max(n_groups, *(len(one.group) for one in parts))
    for weights in draw(n_groups, draws, seed, block):
        figures = np.stack([
            model.figures(weights[:, : len(model.cells)], (metric,))[metric]
            for metric, model in models
        ])  # fmt: skip
        count = (~np.isnan(figures)).sum(axis=0).astype(np.float64)
        found.append(ratio(np.nansum(figures, axis=0), count))
    return DrawnMean(value, np.concatenate(found), n_groups)


def mean_of_means(means: Sequence[DrawnMean], seed: int) -> DrawnMean:
    """Average the means of several benchmarks, which weigh the same.

    Benchmarks have no article in common: the draws of each are shuffled, for the same benchmarks
    always alike. The groups counted are those of the benchmark with the fewest.
    """
    value, n_groups = float(np.mean([one.value for one in means])), min(m.n_groups for m in means)
    if len(means) == 1 or any(not len(one.draws) for one in means):
        drawn = means[0].draws if len(means) == 1 else np.empty(0)
        return DrawnMean(value, drawn, n_groups)
    shuffled = [
        np.random.default_rng([seed, place]).permutation(one.draws)
        for place, one in enumerate(means)
    ]
    return DrawnMean(value, np.mean(shuffled, axis=0), n_groups)


# Tests


def mcnemar(truth: Bools, flagged_a: Bools, flagged_b: Bools) -> float:
    """Test whether two models are wrong equally often; NaN where they never differ in being right.

    The exact form of McNemar's test (1947), two-sided. Its p is too small where errors come in
    clusters, since rows of one article are not independent.
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact_test

    right_a, right_b = flagged_a == truth, flagged_b == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if not only_a + only_b:
        return math.nan
    return float(exact_test([[0, only_a], [only_b, 0]], exact=True).pvalue)


def from_draws(differences: Floats) -> float:
    """Return the two-sided p of a bootstrapped difference: twice the share of draws beyond 0.

    One is added to both counts, so that p is never 0 (Davison & Hinkley, 1997, section 4.2).
    """
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan
    below, above = int((defined <= 0).sum()), int((defined >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(defined) + 1))


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm, 1979), in their order; NaN is not counted."""
    from statsmodels.stats.multitest import multipletests

    values = np.array(p, np.float64)
    known = ~np.isnan(values)
    if known.any():
        values[known] = multipletests(values[known], method="holm")[1]
    return list(map(float, values))
