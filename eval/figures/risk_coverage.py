"""What a model gains by keeping silent where it is unsure: the risk-coverage curve.

Rows are answered in the order of confidence. At each coverage (the share answered) the risk is the
share of wrong decisions among those answered (El-Yaniv & Wiener, 2010); the area under the curve
(AURC; Geifman et al., 2019) is the mean risk over all coverages. Rows of one confidence can't be
told apart: the curve is the mean over all their orders, so the order of the rows does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures.metrics import decide
from eval.rows import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Risk at each coverage; empty without rows.

    Attributes
    ----------
    coverage : ndarray of float64, shape (n,)
        1/n, 2/n, ... 1.
    risk : ndarray of float64, shape (n,)
        Share of wrong decisions among the most confident ones. The last is the error rate.
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
        """Risk when at least this share is answered, as few rows as that takes.

        Parameters
        ----------
        coverage : float
            Above 0, at most 1.

        Returns
        -------
        float
            NaN without rows.

        Raises
        ------
        ValueError
            When the coverage is out of range.
        """
        if not 0 < coverage <= 1:
            raise ValueError(f"a coverage lies above 0 and is at most 1, not {coverage}")
        n = len(self.risk)
        # 0.1 * 30 is a little more than 3, which must not become 4 rows.
        return float(self.risk[max(math.ceil(coverage * n - 1e-9), 1) - 1]) if n else math.nan


def confidence(proba: NDArray[np.float32], threshold: float) -> Floats:
    """How sure a decision is: the probability that it is right, if scores can be believed.

    Parameters
    ----------
    proba : ndarray of float32, shape (n,)
        Calibrated probabilities of "yes".
    threshold : float
        The bundle's. Below one half some flags are less likely right than wrong, and come last.

    Returns
    -------
    ndarray of float64, shape (n,)
        The score of a flagged row, one less the score of another.
    """
    score = proba.astype(np.float64)
    return np.where(decide(proba, threshold), score, 1 - score)


def risk_coverage(wrong: Bools, sure: Floats) -> RiskCoverage:
    """Draw the curve.

    Parameters
    ----------
    wrong : ndarray of bool, shape (n,)
        Whether the decision is wrong.
    sure : ndarray of float64, shape (n,)
        Its confidence, such as that of `confidence`.

    Returns
    -------
    RiskCoverage
    """
    n = len(wrong)
    _, level = np.unique(-sure, return_inverse=True)
    # Among rows of one confidence errors come evenly, on average over their orders: the count of
    # errors is a straight line from the end of one level to that of the next.
    ends = np.concatenate([[0], np.cumsum(np.bincount(level))])
    errors = np.concatenate([[0], np.cumsum(np.bincount(level, weights=wrong))])
    answered = np.arange(1, n + 1)
    return RiskCoverage(answered / max(n, 1), np.interp(answered, ends, errors) / answered)


def of_scores(truth: Bools, proba: NDArray[np.float32], threshold: float) -> RiskCoverage:
    """Draw the curve of a binary signal's decisions.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    proba : ndarray of float32, shape (n,)
        Calibrated probabilities of "yes".
    threshold : float
        The bundle's.

    Returns
    -------
    RiskCoverage
    """
    return risk_coverage(decide(proba, threshold) != truth, confidence(proba, threshold))
