"""Whole groups of rows drawn with replacement: what a figure would be on other articles.

Sentences of one article are not independent: resampling them gives intervals that are too narrow.
Whole groups are drawn instead (percentile intervals: Efron & Tibshirani, 1993, chapter 13).
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]

LEVEL = 0.95  # of every interval
MIN_GROUPS = 5  # below this, no interval from resampling can be trusted, and none is shown
MAX_UNDEFINED = 0.05  # the share of draws without a figure above which there is no interval
BLOCK = 4_000_000  # numbers held at once: 32 MB
_TOGETHER = 256  # draws ranked at once: few enough for a processor's cache


class Interval(NamedTuple):
    """An interval; NaN at both ends where undefined."""

    low: float = math.nan
    high: float = math.nan


def ratio(part: Floats, whole: Floats, empty: float = math.nan) -> Floats:
    """``part / whole``; ``empty`` where there is nothing to divide by."""
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0))


@lru_cache(maxsize=1)
def draw(n_groups: int, draws: int, seed: int) -> Floats:
    """Return how often each group is drawn, shape (draws, n_groups)."""
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, n_groups))
    block = max(BLOCK // n_groups, 1)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        drawn = rng.integers(n_groups, size=(size, n_groups))
        drawn += n_groups * np.arange(size)[:, None]
        found = np.bincount(drawn.ravel(), minlength=size * n_groups)
        counts[start : start + size] = found.reshape(size, n_groups)
    return counts


def percentile(values: Floats, n_groups: int, level: float = LEVEL) -> Interval:
    """Return the middle of the defined draws, 95% of them; undefined when too many draws are.

    For few groups it is widened as a normal distribution is to Student's t, and n - 1 to n (the
    expanded percentile interval of Hesterberg, 2015).
    """
    from scipy.stats import norm, t

    defined = values[~np.isnan(values)]
    if len(values) == 0 or len(defined) < (1 - MAX_UNDEFINED) * len(values):
        return Interval()
    widened = math.sqrt(n_groups / (n_groups - 1)) * t.ppf((1 - level) / 2, n_groups - 1)
    tail = float(norm.cdf(widened))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))


class Ranking:
    """Average precision for each draw: rows are sorted once, draws only change their weights."""

    def __init__(
        self, truth: NDArray[np.bool_], proba: NDArray[np.float32], group: NDArray[np.intp], n: int
    ) -> None:
        order = np.argsort(-proba, kind="stable")
        proba, truth, group = proba[order], truth[order], group[order]
        self.group_of_positives = group[truth]
        # Rows of one score are one step: precision is taken where the last of them is in. Only
        # steps with a positive count; the rows of those between come in with the next.
        last_of_score = np.searchsorted(-proba, -proba, side="right") - 1
        ends, self.step = np.unique(last_of_score[truth], return_inverse=True)
        self.last_positive = np.searchsorted(self.step, np.arange(len(ends)), side="right") - 1
        step_of_row = np.searchsorted(ends, np.arange(len(proba)))
        ranked = step_of_row < len(ends)  # below the last positive nothing is asked for
        self.rows_of_step = csr_array(
            (np.ones(int(ranked.sum())), (step_of_row[ranked], group[ranked])), shape=(len(ends), n)
        )

    def precision(self, weights: Floats) -> Floats:
        """Return average precision of each draw; NaN where no positive was drawn."""
        found = np.full(len(weights), math.nan)
        if not len(self.group_of_positives):
            return found
        for start in range(0, len(weights), _TOGETHER):
            drawn = np.ascontiguousarray(weights[start : start + _TOGETHER].T)
            rows_in = np.cumsum(self.rows_of_step @ drawn, axis=0)
            weight = drawn[self.group_of_positives]
            cumulated = np.cumsum(weight, axis=0)
            # Where nothing is drawn so far the precision is 0/0, and its weight 0.
            weight *= ratio(cumulated[self.last_positive], rows_in, 0.0)[self.step]
            # Summed draw by draw, in one stretch each: a sum's rounding depends on its layout.
            total = np.ascontiguousarray(weight.T).sum(axis=1)
            found[start : start + _TOGETHER] = ratio(total, cumulated[-1])
        return found
