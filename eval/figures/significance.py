"""Whether a difference is more than chance: McNemar's test on decisions, Holm over the signals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eval.rows import Bools, Floats


def mcnemar(truth: Bools, flagged_a: Bools, flagged_b: Bools) -> float:
    """Test whether two models are wrong equally often, by the exact form of McNemar's test.

    Only rows on which one model is right and the other wrong tell them apart (McNemar, 1947); with
    both equally good, either is right on half of those. Rows of one article are no independent
    witnesses, so that p is too small where errors come in clusters: the interval by resampled
    articles stands beside it.

    Parameters
    ----------
    truth, flagged_a, flagged_b : ndarray of bool, shape (n,)

    Returns
    -------
    float
        Two-sided p; NaN where the models never differ in being right.
    """
    from scipy.stats import binomtest

    right_a, right_b = flagged_a == truth, flagged_b == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if not only_a + only_b:
        return math.nan
    return float(binomtest(only_a, only_a + only_b).pvalue)


def from_draws(differences: Floats) -> float:
    """Give the two-sided p of a bootstrapped difference: twice the share of draws beyond 0.

    One is added to both counts, so that p is never 0 (Davison & Hinkley, 1997, section 4.2).

    Parameters
    ----------
    differences : ndarray, shape (n_draws,)
        Undefined draws are NaN, and left out.

    Returns
    -------
    float
        NaN without a defined draw.
    """
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan
    below, above = int((defined <= 0).sum()), int((defined >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(defined) + 1))


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm, 1979); NaN stays, and is not counted.

    Parameters
    ----------
    p : sequence of float

    Returns
    -------
    list of float
        In the order given; each is the least level of the whole family at which that hypothesis
        would be rejected.
    """
    values = np.asarray(p, np.float64)
    defined = np.flatnonzero(~np.isnan(values))
    order = defined[np.argsort(values[defined], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(values), math.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in corrected]
