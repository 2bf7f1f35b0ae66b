"""Prediction sets that hold the right answer nine times in ten, whatever the model is worth.

Split conformal prediction (Angelopoulos & Bates, 2021, doi:10.48550/arXiv.2107.07511), with answers
"yes" and "no". How strange an answer is for a row is one less its probability. On n rows that the
model was not fitted on, the k-th smallest strangeness of the right answers, k = ⌈(n + 1) · 0.9⌉, is
the limit, and a set holds every answer that is no stranger. A new row's right answer is then in its
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

from eval.figures.metrics import Bools, Floats

LEVEL = 0.9
_MIDDLE = 0.95


@dataclass(frozen=True, slots=True)
class Conformal:
    """Limits on how strange an answer in a set may be.

    Attributes
    ----------
    level : float
        The coverage aimed at.
    yes, no : float
        The limit of each answer; equal unless fitted by class. Infinite where there were too few
        rows for one: that answer is then in every set.
    rows_yes, rows_no : int
        Rows that each limit was fitted on; equal unless fitted by class.
    """

    level: float
    yes: float
    no: float
    rows_yes: int
    rows_no: int

    def sets(self, proba: NDArray[np.float32]) -> tuple[Bools, Bools]:
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
    """How often sets hold the right answer, and how large they are; shares are NaN without rows.

    Attributes
    ----------
    rows : int
    coverage : float
        Share of rows whose set holds the right answer.
    coverage_yes, coverage_no : float
        The same among the rows of which that is the right answer; NaN without such rows.
    mean_size : float
        Mean number of answers in a set, 0 to 2.
    both, none : float
        Shares of sets with both answers, and with none.
    """

    rows: int
    coverage: float
    coverage_yes: float
    coverage_no: float
    mean_size: float
    both: float
    none: float


@dataclass(frozen=True, slots=True, eq=False)
class GroupCoverage:
    """Coverage of each group, as columns.

    Attributes
    ----------
    group : ndarray, shape (g,)
        Their names, sorted.
    rows : ndarray of int64, shape (g,)
    coverage : ndarray of float64, shape (g,)
        Share of the group's rows whose set holds the right answer.
    mean_size : ndarray of float64, shape (g,)
    """

    group: NDArray[np.generic]
    rows: NDArray[np.int64]
    coverage: Floats
    mean_size: Floats


def fit(
    truth: Bools, proba: NDArray[np.float32], level: float = LEVEL, *, by_class: bool = False
) -> Conformal:
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
    strange = _strangeness(truth, proba)
    if not by_class:
        limit = _limit(strange, level)
        return Conformal(level, limit, limit, len(strange), len(strange))
    yes, no = strange[truth], strange[~truth]
    return Conformal(level, _limit(yes, level), _limit(no, level), len(yes), len(no))


def coverage(conformal: Conformal, truth: Bools, proba: NDArray[np.float32]) -> Coverage:
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
    size = yes.astype(np.int64) + no
    return Coverage(
        rows=len(truth),
        coverage=_mean(held),
        coverage_yes=_mean(held[truth]),
        coverage_no=_mean(held[~truth]),
        mean_size=_mean(size),
        both=_mean(size == 2),
        none=_mean(size == 0),
    )


def coverage_by(
    conformal: Conformal, truth: Bools, proba: NDArray[np.float32], groups: ArrayLike
) -> GroupCoverage:
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
    GroupCoverage
    """
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    yes, no = conformal.sets(proba)
    rows = np.bincount(group, minlength=len(names))
    held = np.bincount(group, weights=np.where(truth, yes, no), minlength=len(names))
    size = np.bincount(group, weights=yes.astype(np.float64) + no, minlength=len(names))
    return GroupCoverage(names, rows.astype(np.int64), held / rows, size / rows)


def expected_range(
    fitted_on: int, rows: ArrayLike, level: float = LEVEL, *, share: float = 0.95
) -> tuple[Floats, Floats]:
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
        Rows that coverage is measured on, such as `GroupCoverage.rows`.
    level : float
        The coverage aimed at.
    share : float
        How much of the chance the range holds.

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
        tail = (1 - share) / 2
        low, high = (
            betabinom.ppf(chance, measured, k, fitted_on + 1 - k) / measured
            for chance in (tail, 1 - tail)
        )
    return np.where(count > 0, low, np.nan), np.where(count > 0, high, np.nan)


def _strangeness(truth: Bools, proba: NDArray[np.float32]) -> Floats:
    score = proba.astype(np.float64)
    return np.where(truth, 1 - score, score)


def _rank(n: int, level: float) -> int:
    # (n + 1) * level may come out a little above a whole number; that must not become the next.
    return math.ceil((n + 1) * level - 1e-9)


def _limit(strange: Floats, level: float) -> float:
    """The k-th smallest; numpy's quantile of k/n, method "higher", would take the next one."""
    k = _rank(len(strange), level)
    return math.inf if k > len(strange) else float(np.partition(strange, k - 1)[k - 1])


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else math.nan
