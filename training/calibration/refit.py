"""Fit a bundle's calibration and thresholds again, on a user's few labels.

Labels of one article agree with each other, so they count as fewer than they are: by the design
effect (Kish, 1965). A prior holds the line near the bundle's, which few labels hardly move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from framescope.training.calibration.decisions import Bools, line_loss
from framescope.training.calibration.decisions import Double as Floats
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import t as student

Line = tuple[float, float]

#: Labels of either answer, and their articles, from which a signal is fitted again.
FEWEST, FEWEST_ARTICLES = 20, 10

# Normal priors, as half the inverse of a variance: of the slope's logarithm a standard deviation of
# 0.35, of the shift one of 1, which is odds nearly three times as high.
_OF_SLOPE, _OF_SHIFT = 4.0, 0.5
_FEWEST_FLAGGED = 5  # articles with a flag, below which nothing is said of how many are right


def lacking(positive: Bools, articles: NDArray[np.str_]) -> str | None:
    """Return why the labels of a signal are too few; None if they aren't."""
    for answer, wanted in (("yes", positive), ("no", ~positive)):
        n, of = int(wanted.sum()), len(np.unique(articles[wanted]))
        if n < FEWEST or of < FEWEST_ARTICLES:
            said = f"{n} labelled {answer} in {of} article{'' if of == 1 else 's'}"
            return f"{said}; it takes {FEWEST} in {FEWEST_ARTICLES}"
    return None


def design_effect(residuals: Floats, articles: NDArray[np.str_]) -> float:
    """Return how many labels count as one: the variance of residuals by article over that alone."""
    centred = residuals - residuals.mean()
    _, article = np.unique(articles, return_inverse=True)
    size = np.bincount(article)
    spread = float((np.bincount(article, weights=centred) ** 2).sum())
    found = spread / max(float((centred**2).sum()), 1e-12)
    return float(np.clip(found, 1.0, size.max()))


def refit_line(
    logits: NDArray[np.float32], positive: Bools, articles: NDArray[np.str_], before: Line
) -> Line:
    """Fit Platt scaling again, shrunk towards a bundle's line: slope and intercept."""
    x = before[0] * logits.astype(np.float64) + before[1]
    wanted = positive.astype(np.float64)
    weight = 1.0 / design_effect(wanted - expit(x), articles)

    loss = line_loss(x, wanted, weight, _OF_SLOPE, _OF_SHIFT)
    # The priors hold both, so the search needs no bounds.
    found = minimize(loss, np.zeros(2), jac=True, method="BFGS")
    factor, shift = math.exp(found.x[0]), float(found.x[1])
    return round(factor * before[0], 6), round(factor * before[1] + shift, 6)


def moved(chances: NDArray[np.float32], before: Line, after: Line) -> NDArray[np.float32]:
    """Return the chances under a new line that decide as some did under the old one."""
    odds = logit(np.clip(chances.astype(np.float64), 1e-12, 1 - 1e-12))
    found = expit(after[0] * (odds - before[1]) / before[0] + after[1])
    kept: NDArray[np.float32] = np.where((chances <= 0) | (chances >= 1), chances, found)
    return kept.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Achieved:
    """A threshold, its precision or recall, and whether the lower end of that is enough."""

    threshold: float
    value: float
    low: float
    enough: bool


def threshold_for(
    proba: NDArray[np.float32],
    positive: Bools,
    articles: NDArray[np.str_],
    target: float,
    *,
    confidence: float,
    recall: bool = False,
) -> Achieved | None:
    """Return the lowest threshold that achieves a precision, or the highest of a recall.

    It is achieved where the lower end of its interval reaches the target: Wilson's, one-sided, with
    as many sentences as would give the variance between articles; at a confidence of 0.5 that is
    the estimate itself. Where none is enough the one with the best lower end is returned; None
    where too few articles have a flag (of a recall: a positive).
    """
    steps = np.unique(proba)
    if recall:  # every positive counts, flagged or not: a missed one is a wrong one
        proba, articles = proba[positive], articles[positive]
    _, article = np.unique(articles, return_inverse=True)
    size = np.bincount(article) if recall else np.zeros(int(article.max(initial=-1)) + 1)
    rows, right = size.astype(float), np.zeros(len(size))
    lows, values = np.full(len(steps), math.nan), np.full(len(steps), math.nan)
    order = np.argsort(-proba, kind="stable").tolist()
    at = 0
    for step in range(len(steps) - 1, -1, -1):
        while at < len(order) and proba[order[at]] >= steps[step]:
            row = order[at]
            rows[article[row]] += not recall
            right[article[row]] += recall or bool(positive[row])
            at += 1
        if rows.any():
            values[step] = right.sum() / rows.sum()
            lows[step] = _low(rows[rows > 0], right[rows > 0], confidence)
    if np.isnan(lows).all():
        return None
    best = int(np.nanargmax(lows))
    enough = bool(lows[best] >= target)
    if enough:
        reached = np.flatnonzero(np.nan_to_num(lows, nan=-1.0) >= target)
        best = int(reached[-1 if recall else 0])
    below = steps[best - 1] if best else steps[best]
    # Halfway to the next lower score, so that rounding at serving time changes no decision.
    threshold = float(f"{(float(steps[best]) + float(below)) / 2:.6g}")
    return Achieved(threshold, float(values[best]), float(lows[best]), enough)


def _low(rows: Floats, right: Floats, confidence: float) -> float:
    """Return the lower end of the share of right rows, by article; NaN of too few articles."""
    m, n = len(rows), rows.sum()
    if m < _FEWEST_FLAGGED:
        return math.nan
    p = float(right.sum() / n)
    spread = max(float(right @ right - 2 * p * (rows @ right) + p * p * (rows @ rows)), 0.0)
    variance = m / (m - 1) * spread / n**2
    # Where all are alike their variance isn't known: then articles count.
    alike = variance < 1e-12 or p in (0.0, 1.0)
    size = float(m) if alike else min(n, p * (1 - p) / variance)
    z = _quantile(confidence, m - 1)
    middle = p + z * z / (2 * size)
    half = z * math.sqrt(p * (1 - p) / size + z * z / (4 * size * size))
    return float((middle - half) / (1 + z * z / size))


@lru_cache(maxsize=4096)
def _quantile(confidence: float, freedom: int) -> float:
    return float(student.ppf(confidence, freedom))
