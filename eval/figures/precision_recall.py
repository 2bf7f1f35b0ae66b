"""The precision-recall curve: what precision each share of the positives costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures.metrics import Bools, Floats

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
