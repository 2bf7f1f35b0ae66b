"""The figures and curves of one model on one signal, most of them scikit-learn's.

A figure that the labels can't support is NaN, which is printed as undefined: a 0 would read as a
bad score. `eval.metrics.resample` has the same definitions for many resamples at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from framescope.eval.rows import Bools, Floats, Single
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_recall_curve,
    roc_auc_score,
)

BINS = 15
"""Bins of the calibration error, of equal width (Guo et al., 2017, use 15)."""
LEVEL = 0.95
"""Of every interval."""
_CHANCES = 400
"""Samples drawn for `error_by_chance`: its quantile then moves by some two hundredths of itself."""


def decide(proba: Single, threshold: float) -> Bools:
    """Return which scores are flags, in single precision as in scoring: the threshold is one."""
    flagged: Bools = proba >= np.float32(threshold)
    return flagged


def calibration_error(truth: Bools, proba: Single) -> float:
    """Return the expected calibration error (ECE) of a probability.

    The mean over rows of the distance between the mean score and the share of positives of a bin
    (Naeini et al., 2015; binary: of the positive class, not of the chosen one).
    """
    residual: Floats = truth - proba.astype(np.float64)
    return float(np.abs(np.bincount(bin_of(proba), weights=residual)).sum() / len(truth))


def debiased_error(truth: Bools, proba: Single) -> float:
    """Return the calibration error of a probability, less the share of chance; NaN without rows.

    The root of the mean over rows of a bin's squared distance, less the variance that its share of
    positives has where scores are right: of a perfect model the mean square is 0, while its plain
    error is the larger the fewer rows there are (the debiased estimator: Bröcker, 2012; Kumar,
    Liang & Ma, 2019). Below 0 it is 0.
    """
    score, bins = proba.astype(np.float64), bin_of(proba)
    rows, residual, variance = (
        np.bincount(bins, weights=cell, minlength=BINS).astype(np.float64)
        for cell in (np.ones_like(score), truth - score, score * (1 - score))
    )
    return float(root_of_excess(rows, residual, variance))


def root_of_excess(rows: Floats, residual: Floats, variance: Floats) -> Floats:
    """Return the debiased calibration error of bins, shape (..., BINS), over their last axis."""
    whole = rows.sum(axis=-1)
    excess, none = residual**2 - variance, np.zeros_like(residual)
    square = np.divide(excess, rows, out=none, where=rows > 0).sum(axis=-1)
    root = np.sqrt(np.maximum(square, 0.0) / np.maximum(whole, 1.0))
    return np.where(whole > 0, root, math.nan)


def error_by_chance(truth: Bools, proba: Single) -> float:
    """Return the bound of `debiased_error` in 95% of samples drawn from the scores themselves."""
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
    bins: NDArray[np.intp] = np.minimum((proba.astype(np.float64) * BINS).astype(np.intp), BINS - 1)
    return bins


def always_yes_f1(truth: Bools) -> float:
    """Return the F1 of flagging every row; NaN without positives."""
    return METRIC_BY_NAME["f1"].of(truth, np.ones(len(truth), np.bool_))


def _some_rows(truth: Bools, given: Any) -> bool:
    return len(truth) > 0


def _some_yes(truth: Bools, given: Any) -> bool:
    return bool(truth.any())


def _both_answers(truth: Bools, given: Any = None) -> bool:
    return bool(truth.any()) and not bool(truth.all())


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of labels and scores, or of labels and flags.

    ``defined``: whether the labels, or the flags, support it. ``compared``: whether two models'
    difference comes with an interval.
    """

    name: str
    label: str
    figure: Callable[[Bools, Any], Any]
    defined: Callable[[Bools, Any], bool]
    flags: bool = False
    higher_is_better: bool = True
    compared: bool = True

    def of(self, truth: Bools, given: Any) -> float:
        """Return the figure; NaN where undefined."""
        return float(self.figure(truth, given)) if self.defined(truth, given) else math.nan


_f1 = partial(f1_score, zero_division=0.0)
_macro_f1 = partial(_f1, average="macro", labels=[False, True])
METRICS: tuple[Metric, ...] = (
    Metric("f1", "F1", _f1, _some_yes, flags=True),
    Metric("precision", "precision", lambda truth, flagged: truth[flagged].mean(),
           lambda truth, flagged: bool(flagged.any()), flags=True),
    Metric("recall", "recall", lambda truth, flagged: flagged[truth].mean(), _some_yes, flags=True),
    Metric("macro_f1", "macro-F1", _macro_f1, _both_answers, flags=True),
    Metric("average_precision", "AP", average_precision_score, _both_answers),
    Metric("auc", "AUC", roc_auc_score, _both_answers, compared=False),
    Metric("ece", "ECE", calibration_error, _some_rows, higher_is_better=False),
    Metric("debiased_error", "calibration error", debiased_error, _some_rows,
           higher_is_better=False),
    Metric("error_by_chance", "its 95% by chance", error_by_chance, _some_rows,
           higher_is_better=False, compared=False),
    Metric("brier", "Brier",
           lambda truth, proba: brier_score_loss(truth, proba.astype(np.float64), pos_label=True),
           _some_rows, higher_is_better=False),
)  # fmt: skip
METRIC_BY_NAME = {metric.name: metric for metric in METRICS}
COMPARED: tuple[str, ...] = tuple(metric.name for metric in METRICS if metric.compared)


def all_metrics(truth: Bools, proba: Single, threshold: float) -> dict[str, float]:
    """Return all the figures of `METRICS`, by name."""
    flagged = decide(proba, threshold)
    return {one.name: one.of(truth, flagged if one.flags else proba) for one in METRICS}


def single_figure(metric: str, truth: Bools, proba: Single, threshold: float) -> float:
    """Return one figure of `METRICS`; NaN where a row has no score."""
    if np.isnan(proba).any():
        return math.nan
    one = METRIC_BY_NAME[metric]
    return one.of(truth, decide(proba, threshold) if one.flags else proba)


def differences(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    """Return ``b - a`` of every compared figure."""
    return {name: b[name] - a[name] for name in COMPARED}


# Curves: how far a score is a probability, and how well it ranks


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """Mean scores and shares of positives of bins of about equal mass, lowest scores first.

    ``share_low``, ``share_high``: 95% interval of ``share`` (Wilson, 1927), as if rows were
    independent; sentences of one article aren't, so that it is rather too narrow.
    """

    count: NDArray[np.int64]
    score: Floats
    share: Floats
    share_low: Floats
    share_high: Floats


def reliability_curve(truth: Bools, proba: Single, bins: int = 10) -> ReliabilityCurve:
    """Put scores into at most so many bins of about equal mass (Nixon et al., 2019).

    Rows of one score stay together, in the bin of the first of them, so that the curve doesn't
    depend on the order of the rows.
    """
    from statsmodels.stats.proportion import proportion_confint

    score = proba.astype(np.float64)
    rank = np.searchsorted(np.sort(score), score, side="left")
    _, bin_ = np.unique(rank * bins // max(len(score), 1), return_inverse=True)
    count, positives = np.bincount(bin_), np.bincount(bin_, weights=truth)
    share, mean = positives / count, np.bincount(bin_, weights=score) / count
    low, high = proportion_confint(positives, count, alpha=1 - LEVEL, method="wilson")
    # Rounding must not leave a share of 0 or 1 outside its interval.
    low, high = np.minimum(low, share), np.maximum(high, share)
    return ReliabilityCurve(count.astype(np.int64), mean, share, low, high)


RECALLS: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Where a table reads the curve."""


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
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
    if not _both_answers(truth):
        return PrecisionRecall(np.empty(0), np.empty(0))
    precision, recall, _ = precision_recall_curve(truth, proba)
    # scikit-learn goes from the lowest threshold up and ends with a point that is a convention.
    return PrecisionRecall(recall[-2::-1].copy(), precision[-2::-1].copy())
