"""The figures of one model on one signal.

Taken from scikit-learn where it has them. A figure that the labels can't support is NaN, which
is printed as undefined: a 0 would read as a bad score where there is none. `eval.figures.resample` has the
same definitions for many resamples at once, and the tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.rows import Bools, Floats, Single

BINS = 15
"""Bins of the calibration error, of equal width (Guo et al., 2017, use 15)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: its name in files, its name for readers, and which way is better.

    Attributes
    ----------
    name : str
    label : str
    higher_is_better : bool
    compared : bool
        Whether two models' difference comes with an interval.
    """

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
    Metric("brier", "Brier", higher_is_better=False, compared=True),
)
COMPARED: tuple[str, ...] = tuple(metric.name for metric in METRICS if metric.compared)


def decide(proba: Single, threshold: float) -> Bools:
    """Whether a signal is flagged: at or above the bundle's threshold.

    Compared in single precision, as scoring does, so that a score on the threshold counts alike.
    """
    flagged: Bools = proba >= np.float32(threshold)
    return flagged


def measure(truth: Bools, proba: Single, threshold: float) -> dict[str, float]:
    """All the figures of `METRICS`, by name.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    proba : ndarray of float32, shape (n,)
        Calibrated probabilities.
    threshold : float
        The bundle's, for F1 and macro-F1; the others don't depend on it.
    """
    flagged = decide(proba, threshold)
    return {
        **{name: of(truth, flagged) for name, of in _OF_DECISIONS.items()},
        **{name: of(truth, proba) for name, of in _OF_SCORES.items()},
    }


def figure(metric: str, truth: Bools, proba: Single, threshold: float) -> float:
    """Give one figure of `METRICS`; NaN where a row has no score."""
    if np.isnan(proba).any():
        return math.nan
    if metric in _OF_SCORES:
        return _OF_SCORES[metric](truth, proba)
    return _OF_DECISIONS[metric](truth, decide(proba, threshold))


def f1(truth: Bools, flagged: Bools) -> float:
    """Harmonic mean of precision and recall of the positive class; NaN without positives."""
    from sklearn.metrics import f1_score

    if not truth.any():
        return math.nan
    return float(f1_score(truth, flagged, zero_division=0.0))


def precision(truth: Bools, flagged: Bools) -> float:
    """Share of what is flagged that is right; NaN where nothing is flagged, or no row is given."""
    return float(truth[flagged].mean()) if flagged.any() else math.nan


def recall(truth: Bools, flagged: Bools) -> float:
    """Share of the positives that is flagged; NaN without positives."""
    return float(flagged[truth].mean()) if truth.any() else math.nan


def macro_f1(truth: Bools, flagged: Bools) -> float:
    """Mean of the F1 of the two classes, unweighted; NaN unless both occur."""
    from sklearn.metrics import f1_score

    if not _both_classes(truth):
        return math.nan
    return float(f1_score(truth, flagged, average="macro", labels=[False, True], zero_division=0.0))


def average_precision(truth: Bools, proba: Single) -> float:
    """Sum of precision times step in recall, without interpolation; NaN unless both classes occur.

    A ranking without skill gets the share of positives.
    """
    from sklearn.metrics import average_precision_score

    if not _both_classes(truth):
        return math.nan
    return float(average_precision_score(truth, proba))


def auc(truth: Bools, proba: Single) -> float:
    """Area under the ROC curve; NaN unless both classes occur."""
    from sklearn.metrics import roc_auc_score

    if not _both_classes(truth):
        return math.nan
    return float(roc_auc_score(truth, proba))


def calibration_error(truth: Bools, proba: Single) -> float:
    """Give the expected calibration error (ECE) of a probability; NaN without rows.

    Scores are put into `BINS` bins of equal width; the error is the mean over rows of the distance
    between a bin's mean score and its share of positives (Naeini et al., 2015; the binary form: the
    probability of the positive class, not the confidence of the chosen one).
    """
    if not len(truth):
        return math.nan
    residual: Floats = truth - proba.astype(np.float64)
    return float(np.abs(np.bincount(bin_of(proba), weights=residual)).sum() / len(truth))


def bin_of(proba: Single) -> NDArray[np.intp]:
    """Give the calibration bin of each score; the last one holds 1.0 too."""
    bins: NDArray[np.intp] = np.minimum((proba.astype(np.float64) * BINS).astype(np.intp), BINS - 1)
    return bins


def brier(truth: Bools, proba: Single) -> float:
    """Mean squared distance of the score from the label; NaN without rows."""
    from sklearn.metrics import brier_score_loss

    if not len(truth):
        return math.nan
    return float(brier_score_loss(truth, proba.astype(np.float64), pos_label=True))


def always_yes_f1(truth: Bools) -> float:
    """F1 of flagging every row: what a score must beat to have read anything; NaN as in `f1`."""
    return f1(truth, np.ones(len(truth), np.bool_))


def differences(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    """``b - a`` of every compared figure."""
    return {name: b[name] - a[name] for name in COMPARED}


def _both_classes(truth: Bools) -> bool:
    return bool(truth.any()) and not bool(truth.all())


_OF_DECISIONS: dict[str, Callable[[Bools, Bools], float]] = {
    "f1": f1,
    "precision": precision,
    "recall": recall,
    "macro_f1": macro_f1,
}
_OF_SCORES: dict[str, Callable[[Bools, Single], float]] = {
    "average_precision": average_precision,
    "auc": auc,
    "ece": calibration_error,
    "brier": brier,
}
