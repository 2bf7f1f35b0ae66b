"""Reliability and risk-coverage curves. Expected values are worked out by hand beside each test."""

from __future__ import annotations

import numpy as np
import pytest
from framescope.eval.metrics.scores import reliability_curve
from scipy.stats import binomtest


def exactly(value: float):
    return pytest.approx(value, abs=1e-9, rel=0)


def bools(*values: int) -> np.ndarray:
    return np.array(values, np.bool_)


# Reliability


def test_bins_hold_equally_many_rows_and_their_means():
    # Sorted scores .125 .25 | .5 .75 with labels 0 1 | 0 1, given in another order.
    # Means .1875 and .625, shares 1/2 and 1/2.
    proba = np.array([0.75, 0.125, 0.5, 0.25], np.float32)
    curve = reliability_curve(bools(1, 0, 0, 1), proba, bins=2)
    assert curve.count.tolist() == [2, 2]
    assert curve.score.tolist() == [0.1875, 0.625]
    assert curve.share.tolist() == [0.5, 0.5]


def test_bins_differ_by_one_row_at_most():
    proba = np.random.default_rng(0).permutation(103).astype(np.float32) / 103
    count = reliability_curve(np.zeros(103, np.bool_), proba).count
    assert len(count) == 10
    assert set(count.tolist()) == {10, 11}
    assert count.sum() == 103


def test_equal_scores_stay_in_one_bin():
    # Five rows of .25 begin in the first of two bins and all stay there; .75 is the second.
    proba = np.array([0.25, 0.75, 0.25, 0.25, 0.25, 0.25], np.float32)
    curve = reliability_curve(bools(1, 1, 0, 0, 0, 0), proba, bins=2)
    assert curve.count.tolist() == [5, 1]
    assert curve.share.tolist() == [exactly(0.2), 1]


def test_one_score_for_all_is_one_bin():
    curve = reliability_curve(bools(1, 0, 0, 0), np.full(4, 0.25, np.float32))
    assert curve.count.tolist() == [4]


def test_shares_come_with_wilson_intervals():
    curve = reliability_curve(bools(1, 0, 0, 0, 0), np.full(5, 0.5, np.float32))
    expected = binomtest(1, 5).proportion_ci(0.95, method="wilson")
    assert curve.share_low[0] == exactly(expected.low)
    assert curve.share_high[0] == exactly(expected.high)


def test_an_interval_holds_a_share_of_none_or_all():
    curve = reliability_curve(bools(0, 0, 1, 1), np.array([0.1, 0.1, 0.9, 0.9], np.float32), 2)
    assert curve.share_low[0] == 0
    assert curve.share_high[1] == 1


def test_a_curve_without_rows_has_no_bin():
    curve = reliability_curve(bools(), np.array([], np.float32))
    assert len(curve.count) == 0


def test_a_curve_without_bins_is_refused():
    with pytest.raises(ValueError, match="bin"):
        reliability_curve(bools(1), np.array([0.5], np.float32), bins=0)
