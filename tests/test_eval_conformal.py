"""Conformal sets of a binary signal. Expected values are worked out by hand beside each test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from framescope.eval.studies.uncertainty import (
    Conformal,
    coverage,
    coverage_by,
    expected_range,
    fit,
)
from scipy.stats import betabinom


def exactly(value: float):
    return pytest.approx(value, abs=1e-9, rel=0)


def bools(*values: int) -> np.ndarray:
    return np.array(values, np.bool_)


def sixteenths(*values: int) -> np.ndarray:
    """Scores that both precisions hold exactly."""
    return np.array(values, np.float32) / np.float32(16)


LIMITS = Conformal(yes=0.5, no=0.25)


# Limits


def test_the_limit_is_the_kth_smallest_nonconformity_score():
    # Scores of the right answers, in sixteenths: 1 2 3 4 5 6 7 8 9 (five are "no", four "yes").
    # n = 9, k = ceil(10 * 0.8) = 8: the limit is 8/16.
    truth = bools(0, 0, 0, 0, 0, 1, 1, 1, 1)
    found = fit(truth, sixteenths(1, 3, 5, 7, 9, 14, 12, 10, 8), level=0.8)
    assert (found.yes, found.no) == (8 / 16, 8 / 16)


def test_nine_rows_are_just_enough_for_nine_in_ten():
    # k = ceil(10 * 0.9) = 9 of 9: the largest. With eight rows k = ceil(8.1) = 9 > 8: no limit.
    scores = sixteenths(1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert fit(np.zeros(9, np.bool_), scores).no == 9 / 16
    assert fit(np.zeros(8, np.bool_), scores[:8]).no == math.inf


@pytest.mark.parametrize("n", [9, 19, 29, 69, 99, 999])
def test_rounding_does_not_take_the_next_rank(n):
    # (n + 1) * 0.9 is whole for these n.
    scores = np.arange(n, dtype=np.float32) / 1024
    k = (n + 1) * 9 // 10
    assert fit(np.zeros(n, np.bool_), scores).no == (k - 1) / 1024


def test_by_class_each_answer_has_its_own_limit():
    # "no": scores 1 2 3, k = ceil(4 * 0.5) = 2: 2/16.
    # "yes": 16 less 15, 10, 6 = 1, 6, 10: 6/16.
    truth = bools(0, 0, 0, 1, 1, 1)
    found = fit(truth, sixteenths(1, 2, 3, 15, 10, 6), level=0.5, by_class=True)
    assert (found.yes, found.no) == (6 / 16, 2 / 16)


def test_an_answer_never_seen_is_in_every_set():
    found = fit(np.zeros(20, np.bool_), np.linspace(0, 0.4, 20, dtype=np.float32), by_class=True)
    assert found.yes == math.inf
    yes, _ = found.sets(np.array([0.0, 0.01], np.float32))
    assert yes.all()


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1])
def test_a_level_out_of_range_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        fit(bools(1), sixteenths(8), level=level)


# Sets


def test_a_set_holds_what_scores_no_more_than_the_limit():
    # "yes" from 8/16 on, "no" up to 4/16; between them none, and both where limits overlap.
    yes, no = LIMITS.sets(sixteenths(4, 5, 7, 8))
    assert yes.tolist() == [False, False, False, True]
    assert no.tolist() == [True, False, False, False]
    yes, no = Conformal(0.75, 0.75).sets(sixteenths(3, 4, 12, 13))
    assert yes.tolist() == [False, True, True, True]
    assert no.tolist() == [True, True, True, False]


def test_coverage_by_hand():
    # Sets: {yes}, {yes}, {}, {no}, {no}; right answers yes, no, yes, no, yes.
    # Held: 1 0 0 1 0. Coverage 2/5; of yes 1/3. Size 4/5.
    found = coverage(LIMITS, bools(1, 0, 1, 0, 1), sixteenths(15, 8, 6, 2, 4))
    assert found.coverage == exactly(2 / 5)
    assert found.coverage_yes == exactly(1 / 3)
    assert found.mean_size == exactly(4 / 5)


def test_coverage_of_each_group():
    # Same rows: group x has 1 0 held, y has 0 1 0.
    counts, found = coverage_by(
        LIMITS, bools(1, 0, 1, 0, 1), sixteenths(15, 8, 6, 2, 4), ["x", "x", "y", "y", "y"]
    )
    assert counts.tolist() == [2, 3]
    assert found == pytest.approx([1 / 2, 1 / 3], abs=1e-9)


def test_without_limits_sets_hold_both_answers():
    nobody = fit(bools(), sixteenths())
    found = coverage(nobody, bools(1, 0), sixteenths(1, 9))
    assert (found.coverage, found.mean_size) == (1, 2)


def test_without_rows_coverage_is_undefined():
    found = coverage(LIMITS, bools(), sixteenths())
    assert math.isnan(found.coverage)
    assert math.isnan(found.mean_size)
    assert len(coverage_by(LIMITS, bools(), sixteenths(), [])[0]) == 0


def test_coverage_of_an_answer_that_does_not_occur_is_undefined():
    found = coverage(LIMITS, bools(0, 0), sixteenths(1, 2))
    assert math.isnan(found.coverage_yes)
    assert found.coverage == 1


# The guarantee


def simulate(seed: int, n: int, *, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a model that is poor and overconfident; the guarantee asks for neither."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < rate
    logit = 3 * (2 * truth - 1) + 5 * rng.normal(size=n)
    return truth, (1 / (1 + np.exp(-logit))).astype(np.float32)


def test_coverage_is_what_was_aimed_at_on_average():
    held = []
    for seed in range(300):
        truth, proba = simulate(seed, 250, rate=0.4)
        limits = fit(truth[:50], proba[:50])
        held.append(coverage(limits, truth[50:], proba[50:]).coverage)
    # k / (n + 1) = ceil(51 * 0.9) / 51 = 46/51 without ties. One draw's deviation is about 0.045,
    # that of the mean of 300 about 0.0026.
    assert np.mean(held) == pytest.approx(46 / 51, abs=0.01)


def test_by_class_a_rare_answer_is_covered_too():
    truth, proba = simulate(1, 40_000, rate=0.03)
    half = len(truth) // 2
    learn, judge = slice(None, half), slice(half, None)
    together = coverage(fit(truth[learn], proba[learn]), truth[judge], proba[judge])
    apart = coverage(fit(truth[learn], proba[learn], by_class=True), truth[judge], proba[judge])
    assert together.coverage == pytest.approx(0.9, abs=0.02)
    assert apart.coverage_yes == pytest.approx(0.9, abs=0.05)
    assert apart.coverage == pytest.approx(0.9, abs=0.02)


def test_the_range_of_chance_holds_what_it_says():
    # k = ceil(51 * 0.9) = 46 of 50: the coverage of 20 rows is beta-binomial (20, 46, 5).
    low, high = expected_range(50, [20])
    chance = betabinom(20, 46, 5)
    inside = chance.cdf(round(high[0] * 20)) - chance.cdf(round(low[0] * 20) - 1)
    assert inside >= 0.95
    assert low[0] < 0.9 < high[0]


def test_many_rows_leave_little_to_chance():
    low, high = expected_range(100_000, [100_000, 10])
    assert (low[0], high[0]) == (pytest.approx(0.9, abs=0.005), pytest.approx(0.9, abs=0.005))
    assert high[1] - low[1] > 0.2


def test_the_range_of_chance_without_limit_or_without_rows():
    low, high = expected_range(5, [3])
    assert (low[0], high[0]) == (1, 1)
    assert np.isnan(expected_range(50, [0])).all()
