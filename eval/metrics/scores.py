"""The figures and curves of one model on one signal, most of them scikit-learn's.

A figure that the labels can't support is NaN, which is printed as undefined: a 0 would read as a
bad score. `eval.metrics.resample` has the same definitions for many resamples at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure; ``compared``: whether two models' difference comes with an interval."""

    name: str
    label: str
    higher_is_better: bool
    compared: bool


METRICS: tuple[Metric, ...] = (
    Metric("f1", "F1", higher_is_better=True, compared=True),
    Metric("precision", "precision", higher_is_better=True, compared=True),
    Metric("recall", "recall", higher_is_better=True, compared=True),
    Metric("macro_f1", "macro-F1", higher_is_better=True, compared=True),
    Metric("average_precision", "AP", higher_is_better=True, compared=True),
    Metric("auc", "AUC", higher_is_better=True, compared=False),
    Metric("ece", "ECE", higher_is_better=False, compared=True),
    Metric("debiased_error", "calibration error", higher_is_better=False, compared=True),
    Metric("error_by_chance", "its 95% by chance", higher_is_better=False, compared=False),
    Metric("brier", "Brier", higher_is_better=False, compared=True),
)
COMPARED: tuple[str, ...] = tuple(metric.name for metric in METRICS if metric.compared)


def decide(proba: Single, threshold: float) -> Bools:
    """Return which scores are flags: those at or above the bundle's threshold.

    Compared in single precision, as scoring does.
    """
    flagged: Bools = proba >= np.float32(threshold)
    return flagged


def all_metrics(truth: Bools, proba: Single, threshold: float) -> dict[str, float]:
    """Return all the figures of `METRICS`, by name."""
    flagged = decide(proba, threshold)
    return {
        **{name: of(truth, flagged) for name, of in _OF_DECISIONS.items()},
        **{name: of(truth, proba) for name, of in _OF_SCORES.items()},
    }


def single_figure(metric: str, truth: Bools, proba: Single, threshold: float) -> float:
    """Return one figure of `METRICS`; NaN where a row has no score."""
    if np.isnan(proba).any():
        return math.nan
    if metric in _OF_SCORES:
        return _OF_SCORES[metric](truth, proba)
    return _OF_DECISIONS[metric](truth, decide(proba, threshold))


def f1(truth: Bools, flagged: Bools) -> float:
    """Harmonic mean of precision and recall of the positive class; NaN without positives."""
    return float(f1_score(truth, flagged, zero_division=0.0)) if truth.any() else math.nan


def precision(truth: Bools, flagged: Bools) -> float:
    """Share of the flags that are right; NaN without flags."""
    return float(truth[flagged].mean()) if flagged.any() else math.nan


def recall(truth: Bools, flagged: Bools) -> float:
    """Share of the positives that are flagged; NaN without positives."""
    return float(flagged[truth].mean()) if truth.any() else math.nan


def macro_f1(truth: Bools, flagged: Bools) -> float:
    """Mean of the F1 of the two classes, unweighted; NaN unless both occur."""
    if not _both_classes(truth):
        return math.nan
    return float(f1_score(truth, flagged, average="macro", labels=[False, True], zero_division=0.0))


def average_precision(truth: Bools, proba: Single) -> float:
    """Sum of precision times step in recall, not interpolated; NaN unless both classes occur."""
    return float(average_precision_score(truth, proba)) if _both_classes(truth) else math.nan


def auc(truth: Bools, proba: Single) -> float:
    """Area under the ROC curve; NaN unless both classes occur."""
    return float(roc_auc_score(truth, proba)) if _both_classes(truth) else math.nan


def calibration_error(truth: Bools, proba: Single) -> float:
    """Return the expected calibration error (ECE) of a probability; NaN without rows.

    The mean over rows of the distance between the mean score and the share of positives of a bin
    (Naeini et al., 2015; binary: of the positive class, not of the chosen one).
    """
    if not len(truth):
        return math.nan
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
    """Return the debiased calibration error of bins, shape (..., BINS), over their last axis.

    ``residual``: the sum of labels less scores; ``variance``: that of ``score * (1 - score)``.
    """
    whole = rows.sum(axis=-1)
    square = np.divide(
        residual**2 - variance, rows, out=np.zeros_like(residual), where=rows > 0
    ).sum(axis=-1)
    root: Floats = np.where(
        whole > 0, np.sqrt(np.maximum(square, 0.0) / np.maximum(whole, 1.0)), math.nan
    )
    return root


def error_by_chance(proba: Single) -> float:
    """Return the bound of `debiased_error` in 95% of the samples whose scores are right.

    Labels are drawn from the scores themselves. An error below it is none that these rows can
    show. NaN without rows.
    """
    if not len(proba):
        return math.nan
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
    shape = residual.shape
    errors = root_of_excess(
        np.broadcast_to(rows, shape), residual, np.broadcast_to(variance, shape)
    )
    return float(np.quantile(errors, LEVEL))


def bin_of(proba: Single) -> NDArray[np.intp]:
    """Return the calibration bin of each score; the last one holds 1.0 too."""
    bins: NDArray[np.intp] = np.minimum((proba.astype(np.float64) * BINS).astype(np.intp), BINS - 1)
    return bins


def brier(truth: Bools, proba: Single) -> float:
    """Mean squared distance of the score from the label; NaN without rows."""
    score = proba.astype(np.float64)
    return float(brier_score_loss(truth, score, pos_label=True)) if len(truth) else math.nan


def always_yes_f1(truth: Bools) -> float:
    """F1 of flagging every row; NaN without positives."""
    return f1(truth, np.ones(len(truth), np.bool_))


def differences(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    """``b - a`` of every compared figure."""
    return {name: b[name] - a[name] for name in COMPARED}


def _both_classes(truth: Bools) -> bool:
    return bool(truth.any()) and not bool(truth.all())


_OF_DECISIONS: dict[str, Callable[[Bools, Bools], float]] = {
    "f1": f1, "precision": precision, "recall": recall, "macro_f1": macro_f1,
}  # fmt: skip
_OF_SCORES: dict[str, Callable[[Bools, Single], float]] = {
    "average_precision": average_precision,
    "auc": auc,
    "ece": calibration_error,
    "debiased_error": debiased_error,
    "error_by_chance": lambda truth, proba: error_by_chance(proba),
    "brier": brier,
}


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
    share = positives / count
    low, high = proportion_confint(positives, count, alpha=1 - LEVEL, method="wilson")
    # Rounding must not leave a share of 0 or 1 outside its interval.
    return ReliabilityCurve(
        count.astype(np.int64),
        np.bincount(bin_, weights=score) / count,
        share,
        np.minimum(low, share),
        np.maximum(high, share),
    )


RECALLS: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Where a table reads the curve."""


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
    """Precision at every threshold, recall rising; empty unless both answers occur.

    Not interpolated, and without the end at recall 0, where precision is undefined.
    """

    recall: Floats
    precision: Floats

    def at(self, recall: float) -> float:
        """Precision at the highest threshold that reaches this recall; NaN without a curve."""
        if not len(self.recall):
            return math.nan
        return float(self.precision[np.searchsorted(self.recall, recall - 1e-12)])


def precision_recall(truth: Bools, proba: Single) -> PrecisionRecall:
    """Compute the curve of one signal's scores."""
    if not _both_classes(truth):
        return PrecisionRecall(np.empty(0), np.empty(0))
    precision, recall, _ = precision_recall_curve(truth, proba)
    # scikit-learn goes from the lowest threshold up and ends with a point that is a convention.
    return PrecisionRecall(recall[-2::-1].copy(), precision[-2::-1].copy())
