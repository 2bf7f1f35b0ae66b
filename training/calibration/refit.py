"""A bundle's calibration and thresholds fitted again, on the few labels that a desk has.

Labels of one article agree with each other, so that they count as fewer than they are: by the
design effect, the variance of the residuals by article over that of as many that were independent
(Kish, 1965). What they say is held near what the bundle says by a prior, which few labels hardly
move and many leave behind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from scipy.stats import t as student

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Line = tuple[float, float]

FEWEST = 20
"""Labels of either answer from which a signal is fitted again, of `FEWEST_ARTICLES` articles."""
FEWEST_ARTICLES = 10

# Normal priors, as half the inverse of a variance: of the slope's logarithm a standard deviation of
# 0.35, of the shift one of 1, which is odds nearly three times as high.
_OF_SLOPE, _OF_SHIFT = 4.0, 0.5
_STEEPEST = 5.0  # logarithm of a slope, that the search tries on its way
_FEWEST_FLAGGED = 5  # articles with a flag, below which nothing is said of how many are right


def lacking(positive: Bools, articles: NDArray[np.str_]) -> str | None:
    """Say what labels of a signal are too few of; None where there are enough.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    articles : ndarray of str, shape (n,)
    """
    for answer, wanted in (("yes", positive), ("no", ~positive)):
        n, of = int(wanted.sum()), len(np.unique(articles[wanted]))
        if n < FEWEST or of < FEWEST_ARTICLES:
            said = f"{n} labelled {answer} in {of} article{'' if of == 1 else 's'}"
            return f"{said}; it takes {FEWEST} in {FEWEST_ARTICLES}"
    return None


def design_effect(residuals: Floats, articles: NDArray[np.str_]) -> float:
    """Say how many labels, taken together by articles, count as one: at least 1.

    Residuals, of shape (n,), are labels less chances; `articles` has the same shape.
    """
    centred = residuals - residuals.mean()
    _, article = np.unique(articles, return_inverse=True)
    size = np.bincount(article)
    spread = float((np.bincount(article, weights=centred) ** 2).sum())
    found = spread / max(float((centred**2).sum()), 1e-12)
    return float(np.clip(found, 1.0, size.max()))


def refit_line(
    logits: NDArray[np.float32], positive: Bools, articles: NDArray[np.str_], before: Line
) -> Line:
    """Fit Platt scaling anew, shrunk towards the line that a bundle has.

    Parameters
    ----------
    logits : ndarray of float32, shape (n,)
        Before calibration.
    positive : ndarray of bool, shape (n,)
    articles : ndarray of str, shape (n,)
    before : (float, float)
        Slope and intercept.

    Returns
    -------
    (float, float)
        The most likely slope and intercept under the priors; the slope keeps its sign.
    """
    x = before[0] * logits.astype(np.float64) + before[1]
    wanted = positive.astype(np.float64)
    weight = 1.0 / design_effect(wanted - expit(x), articles)

    def loss(line: Floats) -> float:
        z = math.exp(min(line[0], _STEEPEST)) * x + line[1]
        fit = -(wanted * log_expit(z) + (1 - wanted) * log_expit(-z)).sum()
        return float(weight * fit + _OF_SLOPE * line[0] ** 2 + _OF_SHIFT * line[1] ** 2)

    def gradient(line: Floats) -> Floats:
        scaled = math.exp(min(line[0], _STEEPEST)) * x
        error = weight * (expit(scaled + line[1]) - wanted)
        slope = (error * scaled).sum() + 2 * _OF_SLOPE * line[0]
        return np.array([slope, error.sum() + 2 * _OF_SHIFT * line[1]])

    # The priors hold both, so that the search needs no bounds.
    found = minimize(loss, np.zeros(2), jac=gradient, method="BFGS")
    factor, shift = math.exp(found.x[0]), float(found.x[1])
    return round(factor * before[0], 6), round(factor * before[1] + shift, 6)


def moved(chances: NDArray[np.float32], before: Line, after: Line) -> NDArray[np.float32]:
    """Give the chances under a new line that decide as some did under the old one; NaN stays.

    Both are lines of one signal; `chances`, of any shape, are 0 to 1.
    """
    odds = logit(np.clip(chances.astype(np.float64), 1e-12, 1 - 1e-12))
    found = expit(after[0] * (odds - before[1]) / before[0] + after[1])
    kept: NDArray[np.float32] = np.where((chances <= 0) | (chances >= 1), chances, found)
    return kept.astype(np.float32)


# --- a wanted precision, or recall ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reached:
    """A threshold, and what it comes to on the rows it was chosen on.

    Attributes
    ----------
    threshold : float
    value, low : float
        Precision or recall, and the end of its one-sided interval.
    enough : bool
        Whether `low` is what was wanted.
    """

    threshold: float
    value: float
    low: float
    enough: bool


def threshold_reaching(
    proba: NDArray[np.float32],
    positive: Bools,
    articles: NDArray[np.str_],
    wanted: float,
    *,
    confidence: float,
    recall: bool = False,
) -> Reached | None:
    """Find the lowest threshold that reaches a precision, or the highest that reaches a recall.

    It is reached where the lower end of its interval is at least what is wanted: Wilson's,
    one-sided, with as many sentences as would give the variance between articles.

    Parameters
    ----------
    proba : ndarray of float32, shape (n,)
        Calibrated.
    positive : ndarray of bool, shape (n,)
    articles : ndarray of str, shape (n,)
    wanted : float
        Precision, or recall, from 0 to 1.
    confidence : float
        Of the lower end, from 0.5, which is the estimate itself, to 1.
    recall : bool
        Whether it is recall that is wanted.

    Returns
    -------
    Reached or None
        The one with the best lower end where none is enough; None where nothing can be said of any,
        as too few articles have a flag (of a recall: a positive).
    """
    steps = np.unique(proba)
    if recall:
        proba, articles = proba[positive], articles[positive]
    _, article = np.unique(articles, return_inverse=True)
    lows, values = np.full(len(steps), math.nan), np.full(len(steps), math.nan)
    tally = _Tally(int(article.max(initial=-1)) + 1, recall=recall)
    if recall:  # every positive counts, flagged or not: a missed one is a wrong one
        for one in article.tolist():
            tally.count(one, right=False)
    order = np.argsort(-proba, kind="stable").tolist()
    at = 0
    for step in range(len(steps) - 1, -1, -1):
        while at < len(order) and proba[order[at]] >= steps[step]:
            row = order[at]
            if recall:
                tally.find(int(article[row]))
            else:
                tally.count(int(article[row]), right=bool(positive[row]))
            at += 1
        values[step], lows[step] = tally.value, tally.low(confidence)
    if np.isnan(lows).all():
        return None
    best = int(np.nanargmax(lows))
    enough = bool(lows[best] >= wanted)
    if enough:
        reached = np.flatnonzero(np.nan_to_num(lows, nan=-1.0) >= wanted)
        best = int(reached[-1 if recall else 0])
    below = steps[best - 1] if best else steps[best]
    # Halfway to the next lower score, so that rounding at serving time changes no decision.
    threshold = float(f"{(float(steps[best]) + float(below)) / 2:.6g}")
    return Reached(threshold, float(values[best]), float(lows[best]), enough)


class _Tally:
    """Counts by article, as rows come in, and the interval of their share."""

    def __init__(self, n_articles: int, *, recall: bool) -> None:
        self.rows, self.right = np.zeros(n_articles), np.zeros(n_articles)
        self.n = self.k = self.nn = self.kk = self.nk = 0.0
        self.articles = 0

    def count(self, article: int, *, right: bool) -> None:
        """Count a row of an article."""
        n, k, one = self.rows[article], self.right[article], float(right)
        self.articles += not n
        self.n, self.k = self.n + 1, self.k + one
        self.nn += 2 * n + 1
        self.kk += (2 * k + 1) * one
        self.nk += (n + 1) * (k + one) - n * k
        self.rows[article], self.right[article] = n + 1, k + one

    def find(self, article: int) -> None:
        """Take a row that was counted as wrong for right."""
        n, k = self.rows[article], self.right[article]
        self.k += 1
        self.kk += 2 * k + 1
        self.nk += n
        self.right[article] = k + 1

    @property
    def value(self) -> float:
        return self.k / self.n if self.n else math.nan

    def low(self, confidence: float) -> float:
        """Give the lower end; NaN of too few articles."""
        m = self.articles
        if m < _FEWEST_FLAGGED:
            return math.nan
        p = self.k / self.n
        spread = max(self.kk - 2 * p * self.nk + p * p * self.nn, 0.0)
        variance = m / (m - 1) * spread / self.n**2
        # Where all are alike nothing is known of how they vary: then articles count.
        alike = variance < 1e-12 or p in (0.0, 1.0)
        size = float(m) if alike else min(self.n, p * (1 - p) / variance)
        z = _quantile(confidence, m - 1)
        middle = p + z * z / (2 * size)
        half = z * math.sqrt(p * (1 - p) / size + z * z / (4 * size * size))
        return (middle - half) / (1 + z * z / size)


@lru_cache(maxsize=4096)
def _quantile(confidence: float, freedom: int) -> float:
    return float(student.ppf(confidence, freedom))
