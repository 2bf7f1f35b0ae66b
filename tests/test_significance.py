import math

import numpy as np
import pytest
from framescope.eval.metrics.resample import from_draws, holm, mcnemar


def test_mcnemar_is_the_binomial_test_of_the_rows_that_tell_the_models_apart():
    truth = np.ones(20, np.bool_)
    a = np.array([True] * 10 + [False] * 10)
    b = np.array([True] * 8 + [False] * 2 + [True] * 9 + [False])
    # Right alone: a on 2 rows, b on 9. P(at most 2 of 11) = (1 + 11 + 55) / 2048, and both tails.
    assert mcnemar(truth, a, b) == pytest.approx(2 * 67 / 2048, abs=1e-12)
    assert mcnemar(truth, b, a) == mcnemar(truth, a, b)


def test_models_that_never_differ_give_no_p():
    truth = np.array([True, False])
    assert math.isnan(mcnemar(truth, truth, truth))


def test_holm_multiplies_by_what_is_left_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_holm_leaves_out_the_undefined():
    first, second = holm([math.nan, 0.02])
    assert math.isnan(first)
    assert second == 0.02


def test_p_from_draws_is_twice_the_lesser_share_beyond_zero():
    assert from_draws(np.array([1.0] * 99)) == pytest.approx(2 / 100)
    assert from_draws(np.array([-1.0, 1.0] * 50)) == 1.0
    assert from_draws(np.array([1.0] * 90 + [-1.0] * 9)) == pytest.approx(0.2)


def test_p_from_draws_ignores_what_is_undefined():
    assert from_draws(np.array([math.nan] * 50 + [1.0] * 99)) == pytest.approx(2 / 100)
    assert math.isnan(from_draws(np.array([math.nan])))
