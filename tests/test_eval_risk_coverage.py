"""Reliability and risk-coverage curves. Expected values are worked out by hand beside each test."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from framescope.eval.metrics.scores import reliability_curve
from framescope.eval.studies.uncertainty import confidence, of_scores, risk_coverage
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


# Risk and coverage


def test_risk_of_the_most_confident_first():
    # By confidence: right, wrong, right, wrong. Risks 0/1, 1/2, 1/3, 2/4.
    # AURC = (0 + 1/2 + 1/3 + 1/2) / 4 = 1/3.
    # At best the two wrong ones come last: 0, 0, 1/3, 1/2; area 5/24.
    curve = risk_coverage(bools(1, 0, 1, 0), np.array([0.6, 0.9, 0.8, 0.7]))
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2], abs=1e-9)
    assert curve.area == exactly(1 / 3)
    assert curve.best_area == exactly(5 / 24)


def test_a_perfect_order_has_the_best_area():
    curve = risk_coverage(bools(0, 0, 0, 1, 1), np.array([5.0, 4, 3, 2, 1]))
    assert curve.area == exactly(curve.best_area)


def test_equal_confidence_is_the_mean_over_all_orders():
    # After one right row come three of one confidence, one of them wrong.
    wrong, sure = [0, 1, 0, 0], np.array([0.9, 0.5, 0.5, 0.5])
    apart = np.array([4.0, 3, 2, 1])
    orders = [risk_coverage(bools(0, *rest), apart) for rest in itertools.permutations(wrong[1:])]
    curve = risk_coverage(bools(*wrong), sure)
    assert curve.risk == pytest.approx(np.mean([o.risk for o in orders], axis=0), abs=1e-9)
    assert curve.area == exactly(float(np.mean([o.area for o in orders])))


def test_confidence_that_says_nothing_has_the_error_rate_as_area():
    curve = risk_coverage(bools(1, 0, 0, 0), np.zeros(4))
    assert curve.area == exactly(1 / 4)


def test_a_decision_is_as_sure_as_its_own_side_says():
    # At threshold .25 the flags are .75 and .25; .125 is a no, sure by .875.
    proba = np.array([0.75, 0.25, 0.125], np.float32)
    assert confidence(proba, 0.25).tolist() == [0.75, 0.25, 0.875]
    # Order: the no (right), .75 (right), .25 (wrong): risks 0, 0, 1/3.
    curve = of_scores(bools(1, 0, 0), proba, 0.25)
    assert curve.risk == pytest.approx([0, 0, 1 / 3], abs=1e-9)


def test_risk_is_read_at_a_coverage():
    curve = risk_coverage(bools(*[0] * 3, *[1] * 27), -np.arange(30.0))
    assert curve.risk_at(0.1) == 0
    assert curve.risk_at(0.11) == exactly(1 / 4)
    assert curve.risk_at(1) == exactly(0.9)
    with pytest.raises(ValueError, match="coverage"):
        curve.risk_at(0)


def test_without_rows_risk_is_undefined():
    curve = risk_coverage(bools(), np.array([]))
    assert len(curve.risk) == 0
    assert math.isnan(curve.area)
    assert math.isnan(curve.best_area)
    assert math.isnan(curve.risk_at(0.5))
