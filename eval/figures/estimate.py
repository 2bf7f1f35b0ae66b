"""A figure with its interval, and what a difference means in words."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95% interval; NaN where undefined."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class Change(Estimate):
    """A difference of two figures, which is written with its sign."""


ALPHA = 0.05


def in_words(
    difference: Estimate,
    p: float,
    a: str,
    b: str,
    *,
    higher_is_better: bool = True,
    tests: int = 1,
) -> str:
    """Say what a difference means, in one sentence.

    "One of more than 0.05 would have shown" means that no true difference beyond 0.05 agrees with
    the interval; it is rounded up, so as not to promise too much.

    Parameters
    ----------
    difference : Estimate
        ``b - a``.
    p : float
        Corrected for the number of tests.
    a, b : str
        What to call the models.
    higher_is_better : bool
    tests : int
        For how many the correction was made.
    """
    if math.isnan(difference.value):
        return "undefined: there is no difference to speak of"
    if math.isnan(difference.low):
        return "undefined: too few groups, or too few positives, for an interval"
    low, high = difference.low, difference.high
    if low <= 0 <= high:
        missed = max(abs(low), abs(high))
        if missed == 0:
            return "no detectable difference: both are the same on every resample"
        return f"no detectable difference; one of more than {_up(missed)} would have shown"
    better = b if (difference.value > 0) is higher_is_better else a
    size = sorted((abs(low), abs(high)))
    digits = 2 if abs(difference.value) >= 0.005 and size[0] >= 0.005 else 3
    amount = f"{abs(difference.value):.{digits}f} ({size[0]:.{digits}f} to {size[1]:.{digits}f})"
    # A NaN is no evidence either.
    if not p < ALPHA:
        return f"{better} looks better by {amount}, but not once corrected for {tests} tests"
    return f"{better} is better by {amount}"


def _up(value: float) -> str:
    digits = 2 if value >= 0.005 else 3
    return f"{math.ceil(value * 10**digits - 1e-9) / 10**digits:.{digits}f}"
