"""Prediction sets that hold the right answer nine times in ten, whatever the model is worth.

Split conformal prediction (Angelopoulos & Bates, 2021, doi:10.48550/arXiv.2107.07511), with answers
"yes" and "no". The nonconformity score of an answer is one less its probability. On n rows that the
model was not fitted on, the k-th smallest score of the right answers, k = ⌈(n + 1) · 0.9⌉, is the
limit, and a set holds every answer that scores no more. A new row's right answer is then in its
set with probability 0.9 or more, if the row is exchangeable with those n. Rows of another outlet or
year are not, and how much of the coverage is lost there is what is measured.

A set may hold one answer, both (the model can't tell) or none (the row is unlike the others). Where
n is too small for any limit (k > n), every set holds both.

Of a rare signal nearly all rows are "no", and nine in ten is reached without one right "yes". With
``by_class`` each answer gets its own limit, from the rows of which it is the right one, and the
coverage holds for each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.rows import Bools, Floats, Single

LEVEL = 0.9
"""The coverage aimed at: nine in ten."""
_CHANCE = 0.95  # of the range of coverage that chance alone explains
_ROUNDING = 1e-9  # (n + 1) * level may come out this much above a whole number


@dataclass(frozen=True, slots=True)
class Conformal:
    """Limits on the nonconformity scores of the answers in a set.

    Attributes
    ----------
    yes, no : float
        The limit of each answer; equal unless fitted by class. Infinite where there were too few
        rows for one: that answer is then in every set.
    """

    yes: float
    no: float

    def sets(self, proba: Single) -> tuple[Bools, Bools]:
        """Say which answers each set holds.

        Parameters
        ----------
        proba : ndarray of float32, shape (n,)
            Probabilities of "yes", of the model that the limits were fitted for.

        Returns
        -------
        tuple of ndarray of bool, shape (n,)
            Whether "yes" is in it, and whether "no" is.
        """
        score = proba.astype(np.float64)
        return 1 - score <= self.yes, score <= self.no


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often sets hold the right answer, and how large they are; NaN without rows.

    Attributes
    ----------
    coverage : float
        Share of rows whose set holds the right answer.
    coverage_yes : float
        The same among the rows of which that is "yes"; NaN without such rows.
    mean_size : float
        Mean number of answers in a set, 0 to 2.
    """

    coverage: float
    coverage_yes: float
    mean_size: float


def fit(truth: Bools, proba: Single, level: float = LEVEL, *, by_class: bool = False) -> Conformal:
    """Fit the limits.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Of validation rows, which the model did not learn from.
    proba : ndarray of float32, shape (n,)
        Its probabilities of "yes" there.
    level : float
        The coverage to aim at.
    by_class : bool
        Fit a limit for each answer, on the rows of which it is the right one.

    Returns
    -------
    Conformal

    Raises
    ------
    ValueError
        When the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not {level}")
    scores = _nonconformity(truth, proba)
    if not by_class:
        return Conformal(_limit(scores, level), _limit(scores, level))
    return Conformal(_limit(scores[truth], level), _limit(scores[~truth], level))


def coverage(conformal: Conformal, truth: Bools, proba: Single) -> Coverage:
    """Judge the sets of held-out rows.

    Parameters
    ----------
    conformal : Conformal
    truth : ndarray of bool, shape (n,)
    proba : ndarray of float32, shape (n,)

    Returns
    -------
    Coverage
    """
    yes, no = conformal.sets(proba)
    held = np.where(truth, yes, no)
    return Coverage(_mean(held), _mean(held[truth]), _mean(yes.astype(np.int64) + no))


def coverage_by(
    conformal: Conformal, truth: Bools, proba: Single, groups: ArrayLike
) -> tuple[NDArray[np.int64], Floats]:
    """Judge the sets of each group of held-out rows apart.

    Parameters
    ----------
    conformal : Conformal
    truth : ndarray of bool, shape (n,)
    proba : ndarray of float32, shape (n,)
    groups : array_like, shape (n,)
        The article, or the outlet, of each row.

    Returns
    -------
    rows : ndarray of int64, shape (g,)
        Of each group, by its name.
    coverage : ndarray of float64, shape (g,)
        Share of the group's rows whose set holds the right answer.
    """
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

    Parameters
    ----------
    fitted_on : int
        Rows the limit was fitted on.
    rows : array_like of int, shape (g,)
        Rows that coverage is measured on.
    level : float
        The coverage aimed at.

    Returns
    -------
    low, high : ndarray of float64, shape (g,)
        Both 1 where there were too few rows for a limit; NaN where there are no rows to measure on.
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


def _nonconformity(truth: Bools, proba: Single) -> Floats:
    """How badly the right answer of each row fits it, by the model."""
    score = proba.astype(np.float64)
    return np.where(truth, 1 - score, score)


def _rank(n: int, level: float) -> int:
    return math.ceil((n + 1) * level - _ROUNDING)


def _limit(scores: Floats, level: float) -> float:
    """The k-th smallest; numpy's quantile of k/n, method "higher", would take the next one."""
    k = _rank(len(scores), level)
    return math.inf if k > len(scores) else float(np.partition(scores, k - 1)[k - 1])


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else math.nan
