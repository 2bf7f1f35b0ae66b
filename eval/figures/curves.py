"""The curves of a score: how far it can be taken at its word, and how well it ranks.

`eval.figures.metrics` has the two summaries of every signal, the error over bins of equal width and the
Brier score. Here are the curve and the error over bins of equal mass: of a rare signal nearly all
scores lie in the lowest bin of equal width, which hides what the others do (Nixon et al., 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.rows import Bools, Floats

BINS = 10
"""Bins of a curve: few enough that each holds rows enough to be read."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """Scores beside the share of positives, in bins of about equal mass, lowest scores first.

    Attributes
    ----------
    count : ndarray of int64, shape (b,)
        Rows of each bin; none is empty.
    score : ndarray of float64, shape (b,)
        Mean score.
    share : ndarray of float64, shape (b,)
        Share of positives. As high as ``score`` where scores can be taken at their word.
    share_low, share_high : ndarray of float64, shape (b,)
        95% interval of ``share`` (Wilson, 1927), as if rows were independent; sentences of one
        article aren't, so that it is rather too narrow.
    """

    count: NDArray[np.int64]
    score: Floats
    share: Floats
    share_low: Floats
    share_high: Floats

    @property
    def error(self) -> float:
        """Expected calibration error over these bins; NaN without rows.

        The mean over rows of the distance between their bin's mean score and share of positives.
        """
        if not len(self.count):
            return math.nan
        return float(np.average(np.abs(self.share - self.score), weights=self.count))


def reliability_curve(
    truth: Bools, proba: NDArray[np.float32], bins: int = BINS
) -> ReliabilityCurve:
    """Put scores into bins of about equal mass.

    Rows of one score stay together, in the bin of the first of them, so that the curve does not
    depend on the order of the rows. Where scores are often equal, bins are fewer and uneven.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    proba : ndarray of float32, shape (n,)
        Calibrated probabilities of "yes".
    bins : int
        At most so many; without equal scores their sizes differ by one at most.

    Returns
    -------
    ReliabilityCurve
        Without any bin where there are no rows.

    Raises
    ------
    ValueError
        When fewer than one bin is asked for.
    """
    if bins < 1:
        raise ValueError(f"a curve needs a bin, not {bins}")
    score = proba.astype(np.float64)
    rank = np.searchsorted(np.sort(score), score, side="left")
    _, bin_ = np.unique(rank * bins // max(len(score), 1), return_inverse=True)
    count = np.bincount(bin_)
    share = np.bincount(bin_, weights=truth) / count
    low, high = _wilson(share, count)
    return ReliabilityCurve(
        count.astype(np.int64), np.bincount(bin_, weights=score) / count, share, low, high
    )


def _wilson(share: Floats, count: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Score interval of a share; unlike the normal one it stays within 0 and 1 for few rows."""
    from scipy.stats import norm

    z = float(norm.ppf((1 + LEVEL) / 2))
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    # Rounding must not leave a share of 0 or 1 outside its interval.
    return np.minimum(centre - half, share), np.maximum(centre + half, share)


RECALLS: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Where a table reads the curve."""


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
    """Precision at every threshold, recall rising; empty unless both answers occur.

    Attributes
    ----------
    recall, precision : ndarray of float64, shape (k,)
        Not interpolated. The end at recall 0, where nothing is flagged, is left out: precision is
        undefined there.
    """

    recall: Floats
    precision: Floats

    def at(self, recall: float) -> float:
        """Precision at the highest threshold that finds such a share; NaN without a curve."""
        if not len(self.recall):
            return float("nan")
        return float(self.precision[np.searchsorted(self.recall, recall - 1e-12)])

    def thinned(self, most: int) -> PrecisionRecall:
        """Keep so many points at most, evenly spread, the ends among them."""
        if len(self.recall) <= most:
            return self
        kept = np.unique(np.linspace(0, len(self.recall) - 1, most).round().astype(np.intp))
        return PrecisionRecall(self.recall[kept], self.precision[kept])


def precision_recall(truth: Bools, proba: NDArray[np.float32]) -> PrecisionRecall:
    """Compute the curve of one signal's scores.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    proba : ndarray of float32, shape (n,)
    """
    from sklearn.metrics import precision_recall_curve

    if not truth.any() or truth.all():
        return PrecisionRecall(np.empty(0), np.empty(0))
    precision, recall, _ = precision_recall_curve(truth, proba)
    # scikit-learn goes from the lowest threshold up and ends with a point that is a convention.
    return PrecisionRecall(recall[-2::-1].copy(), precision[-2::-1].copy())
