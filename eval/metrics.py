"""Figures of labels and scores, curves, and how sure a difference is.

Whole groups are resampled, and the same draw serves both models, so that what makes an article hard
for both cancels out (the paired comparison of classifiers: Berg-Kirkpatrick et al., 2012). The p of
a difference comes from exchanging both models in groups at random.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from framescope.eval.rows import Bools, Floats, Scores, Single
from framescope.eval.sections import Change, Estimate
from framescope.training import resampling
from framescope.training.resampling import LEVEL, MIN_GROUPS, Interval, draw, percentile, ratio
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn import metrics as sk

BINS = 15  # bins of the calibration error, of equal width (Guo et al., 2017, use 15)
_CHANCES = 400  # samples of `error_by_chance`: its quantile moves by two hundredths of itself


def decide(proba: Single, threshold: float | Single) -> Bools:
    """Return which scores are flags, in single precision as in scoring: the threshold is one."""
    return np.asarray(proba >= np.asarray(threshold, np.float32))


def root_of_excess(rows: Floats, residual: Floats, variance: Floats) -> Floats:
    """Return the debiased calibration error (Bröcker, 2012), over bins on the last axis."""
    rows = np.broadcast_to(rows, residual.shape)
    square, whole = ratio(residual**2 - variance, rows, 0.0).sum(axis=-1), rows.sum(axis=-1)
    root = np.sqrt(np.maximum(square, 0.0) / np.maximum(whole, 1.0))
    return np.where(whole > 0, root, math.nan)


def error_by_chance(proba: Single) -> float:
    """Return what the debiased error stays below in 95% of samples drawn from the scores."""
    proba = np.sort(proba)  # in the order of the bins, whatever that of the rows
    score = proba.astype(np.float64)
    bins, starts = np.unique(bin_of(proba), return_index=True)
    rows, variance = np.zeros((2, BINS))
    rows[bins] = np.diff([*starts, len(score)])
    variance[bins] = np.add.reduceat(score * (1 - score), starts)
    residual = np.zeros((_CHANCES, BINS))
    rng = np.random.default_rng(0)  # the same rows give the same figure
    for drawn in residual:
        drawn[bins] = np.add.reduceat((rng.random(len(score)) < score) - score, starts)
    return float(np.quantile(root_of_excess(rows, residual, variance), LEVEL))


def bin_of(proba: Single) -> NDArray[np.intp]:
    """Return the calibration bin of each score; the last one holds 1.0 too."""
    return np.minimum((proba.astype(np.float64) * BINS).astype(np.intp), BINS - 1)


METRICS: Mapping[str, str] = {
    "f1": "F1", "precision": "precision", "recall": "recall", "macro_f1": "macro-F1",
    "average_precision": "AP", "auc": "AUC", "ece": "ECE", "debiased_error": "calibration error",
    "error_by_chance": "its 95% by chance", "brier": "Brier",
}  # fmt: skip
"""The figures, by what tables call them; ECE is the expected calibration error of Naeini (2015)."""
COMPARED = tuple(name for name in METRICS if name not in ("auc", "error_by_chance"))


def single_figure(metric: str, truth: Bools, proba: Single, threshold: float | Single) -> float:
    """Return one figure of `METRICS`; NaN where undefined, or where a row has no score."""
    if not len(truth) or np.isnan(proba).any():
        return math.nan
    if metric == "auc":
        return float(sk.roc_auc_score(truth, proba)) if len(np.unique(truth)) > 1 else math.nan
    if metric == "error_by_chance":
        return error_by_chance(proba)
    return Resampled(truth, proba, threshold, np.zeros(len(truth), np.intp)).value(metric)


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """Scores and shares of positives by bin; Wilson's intervals (1927) are rather too narrow."""

    count: NDArray[np.int64]
    score: Floats
    share: Floats
    share_low: Floats
    share_high: Floats


def reliability_curve(truth: Bools, proba: Single, bins: int = 10) -> ReliabilityCurve:
    """Put scores into at most so many bins of about equal mass (Nixon et al., 2019)."""
    score = proba.astype(np.float64)
    # Rows of one score stay together, so that the curve doesn't depend on their order.
    rank = np.searchsorted(np.sort(score), score, side="left")
    _, bin_ = np.unique(rank * bins // max(len(score), 1), return_inverse=True)
    count = np.bincount(bin_)
    share, mean = (np.bincount(bin_, weights=of) / count for of in (truth, score))
    return ReliabilityCurve(count.astype(np.int64), mean, share, *wilson(share, count))


def wilson(share: Floats, n: Any) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's intervals (1927) of shares of ``n``."""
    z = float(ndtri((1 + LEVEL) / 2))
    centre, scale = share + z * z / (2 * n), 1 + z * z / n
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not leave a share of 0 or 1 outside its interval.
    return np.minimum((centre - half) / scale, share), np.maximum((centre + half) / scale, share)


RECALLS = tuple(tenths / 10 for tenths in range(1, 11))  # where a table reads the curve


class PrecisionRecall(NamedTuple):
    """Precision at every threshold, recall rising, not interpolated; empty with one answer."""

    recall: Floats
    precision: Floats

    def at(self, recall: float) -> float:
        """Return precision at the highest threshold that reaches a recall; NaN without a curve."""
        if not len(self.recall):
            return math.nan
        return float(self.precision[np.searchsorted(self.recall, recall - 1e-12)])


def precision_recall(truth: Bools, proba: Single) -> PrecisionRecall:
    """Compute the curve of one signal's scores."""
    if len(np.unique(truth)) < 2:
        return PrecisionRecall(np.empty(0), np.empty(0))
    precision, recall, _ = sk.precision_recall_curve(truth, proba)
    # scikit-learn goes from the lowest threshold up and ends with a point that is a convention.
    return PrecisionRecall(recall[-2::-1].copy(), precision[-2::-1].copy())


_ERRORS = ("ece", "debiased_error")  # that noise raises


def estimates_of_sums(
    sums: Floats, of: Callable[[Floats], Floats], *, draws: int, seed: int
) -> list[Estimate]:
    """Return figures ``of`` sums over groups, with intervals that resample the groups."""
    n, values = len(sums), of(sums.sum(axis=0)[None])[0].tolist()
    if n < MIN_GROUPS or not draws:
        return [Estimate(value) for value in values]
    drawn = of((draw(n, draws, seed) @ sums.reshape(n, -1)).reshape(draws, *sums.shape[1:]))
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
    a: Scores | None,
    b: Scores | None,
    groups: ArrayLike,
    *,
    draws: int,
    seed: int,
    names: Sequence[str] = COMPARED,
) -> Resamples:
    """Draw whole groups; return intervals of both models' figures and of their difference."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(group.max()) + 1 if len(group) else 0
    models = [given and Resampled(truth, *given, group) for given in (a, b)]
    weights = draw(n_groups, draws, seed) if n_groups >= MIN_GROUPS else np.empty((0, n_groups))
    drawn = [{} if model is None else model.figures(weights, names) for model in models]

    def interval(name: str, values: Floats, model: Resampled, *less: Resampled) -> Interval:
        # That of a calibration error is widened to hold its mirror image at the value. Noise raises
        # a sum of distances: without it, one of five simulations misses the truth, not of twenty.
        low, high = percentile(values, n_groups)
        if name in _ERRORS and len(values):
            value = model.value(name) - sum(one.value(name) for one in less)
            low, high = min(low, 2 * value - high), max(high, 2 * value - low)
        return Interval(low, high)

    own_a, own_b = (
        {n: interval(n, found, model) for n, found in values.items() if model}
        for model, values in zip(models, drawn, strict=True)
    )
    first, second = models
    if first is None or second is None:
        return Resamples(own_a, own_b, {}, {})
    intervals = {n: interval(n, drawn[1][n] - drawn[0][n], second, first) for n in names}
    ps = exchange_ps(first, second, names, draws, seed) if len(weights) else {}
    return Resamples(own_a, own_b, intervals, {name: ps.get(name, math.nan) for name in names})


def estimate(
    metric: str, truth: Bools, scores: Scores, groups: ArrayLike, *, draws: int, seed: int
) -> Estimate:
    """Return one model's figure; with draws also its interval, which never lies below 0."""
    value = single_figure(metric, truth, *scores)
    if not draws or not len(truth):
        return Estimate(value)
    drawn = resample_figures(truth, scores, None, groups, draws=draws, seed=seed, names=(metric,))
    # That of an error is widened to be symmetric.
    return Estimate(value, max(drawn.a[metric].low, 0.0), drawn.a[metric].high)


class Resampled:
    """One model's figures as functions of how often each group was drawn."""

    def __init__(
        self, truth: Bools, proba: Single, threshold: float | Single, group: NDArray[np.intp]
    ) -> None:
        flagged, score = decide(proba, threshold), proba.astype(np.float64)
        error, n_groups = truth - score, int(group.max()) + 1
        decisions = (truth & flagged, ~truth & flagged, truth & ~flagged, ~truth & ~flagged)
        *cells, self.squared = (
            np.bincount(group, weights=each, minlength=n_groups) for each in (*decisions, error**2)
        )
        self.cells = np.stack(cells, axis=1)
        cell = group * BINS + bin_of(proba)
        self.residual, self.rows, self.variance = (
            np.bincount(cell, weights=each, minlength=n_groups * BINS).reshape(n_groups, BINS)
            for each in (error, np.ones_like(score), score * (1 - score))
        )
        self.ranked: tuple[Bools, Any, NDArray[np.intp], int] = truth, proba, group, n_groups

    @cached_property
    def ranking(self) -> resampling.Ranking:
        """The rows, sorted by score."""
        return resampling.Ranking(*self.ranked)

    def value(self, name: str) -> float:
        """Return a figure with every group drawn once."""
        return float(self.figures(np.ones((1, len(self.squared))), (name,))[name][0])

    def figures(self, weights: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Return figures for each draw; weights of shape (draws, n_groups)."""
        tp, fp, fn, tn = (weights @ self.cells).T
        positives, negatives = tp + fn, fp + tn
        rows, both = positives + negatives, (positives > 0) & (negatives > 0)
        f1, other_f1 = (ratio(2 * right, 2 * right + fp + fn, 0.0) for right in (tp, tn))
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


class MeanPart(NamedTuple):
    """One of the figures of a mean; ``group``: numbers or names that all its parts share."""

    metric: str
    truth: Bools
    group: NDArray[Any]
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

    def less(self, other: Self, times: int = 1) -> Change:
        """Return the difference of two means of the same rows; its interval is one of `times`."""
        drawn, level = self.draws - other.draws, 1 - (1 - LEVEL) / times
        return Change(self.value - other.value, *percentile(drawn, self.n_groups, level))


def mean_of_figures(parts: Sequence[MeanPart], draws: int, seed: int) -> DrawnMean:
    """Average figures of one benchmark draw by draw, over those that a draw leaves defined."""
    value = float(np.mean([one.value for one in parts]))
    known, numbers = np.unique(np.concatenate([one.group for one in parts]), return_inverse=True)
    if (n_groups := len(known)) < MIN_GROUPS:
        return DrawnMean(value, np.empty(0), n_groups)
    cuts = np.cumsum([len(one.group) for one in parts])[:-1]
    weights, drawn = draw(n_groups, draws, seed), list[Floats]()
    for one, group in zip(parts, np.split(numbers, cuts), strict=True):
        model = Resampled(one.truth, *one.scores, group)
        drawn += model.figures(weights[:, : len(model.cells)], (one.metric,)).values()
    count = (~np.isnan(drawn)).sum(axis=0).astype(np.float64)
    return DrawnMean(value, ratio(np.nansum(drawn, axis=0), count), n_groups)


def exchange_ps(
    a: Resampled, b: Resampled, names: Sequence[str], draws: int, seed: int
) -> dict[str, float]:
    """Return the two-sided p of ``b - a``, exchanging the models in whole groups (Yeh, 2000)."""
    n, both = len(a.squared), copy(a)  # the groups of one, then those of the other
    for name in ("cells", "squared", "residual", "rows", "variance"):
        setattr(both, name, np.concatenate([getattr(a, name), getattr(b, name)]))
    truth, proba, group, _ = a.ranked
    ranks = np.concatenate([rankdata(one, "max") for one in (proba, b.ranked[1])])
    both.ranked = np.tile(truth, 2), ranks, np.concatenate([group, group + n]), 2 * n
    vars(both).pop("ranking", None)
    gaps = {name: abs(b.value(name) - a.value(name)) for name in names}
    beyond, block = dict.fromkeys(names, 1), resampling.BLOCK // n + 1
    rng = np.random.default_rng(seed)
    for start in range(0, draws, block):
        kept = rng.integers(2, size=(min(block, draws - start), n)).astype(np.float64)
        sides = np.hstack([kept, 1 - kept]), np.hstack([1 - kept, kept])
        one, other = (both.figures(side, names) for side in sides)
        for name, gap in gaps.items():  # an undefined one counts, as does one that is rounded
            beyond[name] += int((~(np.abs(one[name] - other[name]) < gap - 1e-9)).sum())
    return {s: math.nan if math.isnan(g) else beyond[s] / (draws + 1) for s, g in gaps.items()}


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm, 1979), in their order; NaN is not counted."""
    values = np.array(p, np.float64)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]  # NaN is sorted last
    corrected = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    values[order] = np.minimum(corrected, 1.0)
    return list(map(float, values))
