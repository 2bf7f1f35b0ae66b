"""The figures of eval, and the intervals of their differences."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from framescope.eval.metrics import resample
from framescope.eval.metrics import scores as metrics
from framescope.eval.rows.scored import is_positive
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score

NOBODY = np.zeros(4, np.bool_)
EVERYBODY = np.ones(4, np.bool_)
SCORES = np.array([0.9, 0.6, 0.4, 0.1], np.float32)


def intervals(truth, a, b, groups, **options):
    """Intervals of ``b - a`` for every compared figure, by name."""
    return resample.resample(truth, a, b, groups, **options).difference


def toy(n: int, groups: int, seed: int = 0, clustered: float = 0.0):
    """Labels, two models' scores and groups.

    Each model finds some groups easier than others: ``clustered`` says by how much.
    """
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(groups, size=n))
    truth = rng.random(n) < 0.3

    def scores(skill: float) -> np.ndarray:
        ease = clustered * rng.normal(size=groups)[group]
        logit = (2 * truth - 1) * (skill + ease) + rng.normal(size=n)
        return np.round(1 / (1 + np.exp(-logit)), 2).astype(np.float32)

    return truth, scores(0.5), scores(1.0), group


# By hand


def test_f1_of_two_hits_one_false_alarm_one_miss():
    truth = np.array([1, 1, 1, 0, 0], np.bool_)
    flagged = np.array([1, 1, 0, 1, 0], np.bool_)
    assert metrics.f1(truth, flagged) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    # The negative class has one hit, one false alarm, one miss: 2 / 4.
    assert metrics.macro_f1(truth, flagged) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_average_precision_is_the_mean_precision_at_each_positive():
    truth = np.array([1, 0, 1, 0], np.bool_)
    assert metrics.average_precision(truth, SCORES) == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_average_precision_of_one_score_for_all_is_the_share_of_positives():
    truth = np.array([1, 0, 0, 0], np.bool_)
    same = np.full(4, 0.3, np.float32)
    assert metrics.average_precision(truth, same) == pytest.approx(0.25)


def test_auc_counts_the_pairs_in_order():
    truth = np.array([1, 0, 1, 0], np.bool_)
    assert metrics.auc(truth, SCORES) == pytest.approx(3 / 4)


def test_calibration_error_of_two_bins():
    # Bin of 0.1: mean score 0.1, no positive of 4. Bin of 0.8: mean 0.8, 3 positives of 6.
    proba = np.array([0.1] * 4 + [0.8] * 6, np.float32)
    truth = np.array([0] * 4 + [1, 1, 1, 0, 0, 0], np.bool_)
    assert metrics.calibration_error(truth, proba) == pytest.approx(0.4 * 0.1 + 0.6 * 0.3, abs=1e-7)


def test_errors_of_opposite_sign_cancel_within_a_bin_only():
    truth = np.array([1, 0], np.bool_)
    assert metrics.calibration_error(truth, np.array([0.5, 0.5], np.float32)) == 0
    # 2/15 and 3/15 bound a bin: these two scores are in different ones.
    assert metrics.calibration_error(truth, np.array([0.12, 0.15], np.float32)) == pytest.approx(
        (0.88 + 0.15) / 2, abs=1e-6
    )


def test_certain_and_right_is_perfectly_calibrated():
    truth = np.array([1, 0, 1], np.bool_)
    assert metrics.calibration_error(truth, truth.astype(np.float32)) == 0
    assert metrics.brier(truth, truth.astype(np.float32)) == 0


def test_brier_is_the_mean_square():
    truth = np.array([1, 0], np.bool_)
    proba = np.array([0.7, 0.4], np.float32)
    assert metrics.brier(truth, proba) == pytest.approx((0.09 + 0.16) / 2)


def test_always_yes_has_full_recall_and_the_base_rate_as_precision():
    truth = np.array([1, 0, 0, 0], np.bool_)
    assert metrics.always_yes_f1(truth) == pytest.approx(2 * 0.25 / 1.25)


def test_a_score_on_the_threshold_is_flagged():
    # 0.7 in single precision lies below 0.7 in double: in double it would not be flagged.
    proba = np.array([0.7], np.float32)
    assert proba[0].astype(float) < 0.7
    assert metrics.decide(proba, np.float64(0.7)).all()
    assert not metrics.decide(proba, 0.70001).any()


def test_graded_labels_count_from_one_half():
    assert is_positive([0, 0.4, 0.5, 1]).tolist() == [False, False, True, True]


# Undefined


@pytest.mark.parametrize("name", ["f1", "macro_f1", "average_precision", "auc"])
def test_without_positives_these_are_undefined(name):
    assert math.isnan(metrics.measure(NOBODY, SCORES, 0.5)[name])


@pytest.mark.parametrize("name", ["macro_f1", "average_precision", "auc"])
def test_without_negatives_these_are_undefined(name):
    assert math.isnan(metrics.measure(EVERYBODY, SCORES, 0.5)[name])


def test_without_negatives_f1_and_calibration_are_defined():
    found = metrics.measure(EVERYBODY, SCORES, 0.5)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["ece"] == pytest.approx(0.5, abs=1e-7)


def test_missing_every_positive_is_zero_and_not_undefined():
    truth = np.array([0, 0, 1, 1], np.bool_)
    assert metrics.measure(truth, SCORES, 0.5)["f1"] == 0


def test_without_rows_everything_is_undefined():
    found = metrics.measure(np.empty(0, np.bool_), np.empty(0, np.float32), 0.5)
    assert all(math.isnan(value) for value in found.values())
    assert list(found) == [metric.name for metric in metrics.METRICS]


@pytest.mark.parametrize("n", [219, 3177])
def test_debiased_a_perfect_model_has_no_calibration_error(n):
    rng = np.random.default_rng(0)
    plain, square, beyond = [], [], []
    for _ in range(200):
        score = rng.beta(0.5, 0.8, n).astype(np.float32)
        truth = rng.random(n) < score
        plain.append(metrics.calibration_error(truth, score))
        error = metrics.debiased_error(truth, score)
        square.append(error**2)
        if len(beyond) < 60:
            beyond.append(error > metrics.error_by_chance(score))
    assert np.mean(plain) > 1 / np.sqrt(n)  # plain, it has one
    assert np.sqrt(np.mean(square)) < np.mean(plain)
    assert np.mean(beyond) < 0.15


def test_debiased_an_error_stays_what_it_is():
    rng = np.random.default_rng(0)
    score = rng.uniform(0.1, 0.9, 20_000)
    truth = rng.random(20_000) < score
    shifted = (score + 0.08).astype(np.float32)
    assert metrics.debiased_error(truth, shifted) == pytest.approx(0.08, abs=0.01)
    assert metrics.debiased_error(truth, shifted) > metrics.error_by_chance(shifted)


def test_debiased_error_of_one_bin():
    truth = np.array([1, 1, 1, 0], np.bool_)
    proba = np.full(4, 0.5, np.float32)
    # The share is 0.75, and of four even chances it varies by 0.25 * 0.25.
    assert metrics.debiased_error(truth, proba) == 0.0
    truth, proba = np.repeat(truth, 100), np.repeat(proba, 100)
    assert metrics.debiased_error(truth, proba) == pytest.approx(np.sqrt(0.0625 - 0.000625))


# Resampling agrees with the figures


def test_with_every_group_drawn_once_resampled_figures_are_the_figures():
    truth, proba, _, group = toy(400, 30)
    found = resample._Resampled(truth, proba, 0.4, group).figures(np.ones((1, 30)))
    expected = metrics.measure(truth, proba, 0.4)
    assert set(found) == set(metrics.COMPARED)
    for name, values in found.items():
        assert values[0] == pytest.approx(expected[name], abs=1e-12), name


def test_with_any_draw_resampled_figures_are_scikit_learns_weighted_ones():
    truth, proba, _, group = toy(300, 20, seed=3)
    (weights,) = resample.draw(20, 6, seed=1, block=6)
    found = resample._Resampled(truth, proba, 0.4, group).figures(weights)
    flagged = metrics.decide(proba, 0.4)
    for row, weight in enumerate(weights):
        w = weight[group]
        expected = {
            "f1": f1_score(truth, flagged, sample_weight=w),
            "macro_f1": f1_score(truth, flagged, average="macro", sample_weight=w),
            "average_precision": average_precision_score(truth, proba, sample_weight=w),
            "brier": brier_score_loss(truth, proba.astype(float), sample_weight=w),
        }
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value, abs=1e-9), name
        # A draw is the rows repeated.
        repeated = np.repeat(np.arange(len(truth)), w.astype(int))
        error = metrics.calibration_error(truth[repeated], proba[repeated])
        assert found["ece"][row] == pytest.approx(error, abs=1e-9)
        error = metrics.debiased_error(truth[repeated], proba[repeated])
        assert found["debiased_error"][row] == pytest.approx(error, abs=1e-9)


def test_draws_are_whole_samples_and_do_not_depend_on_the_block():
    (whole,) = resample.draw(13, 50, seed=5, block=50)
    parts = np.concatenate(list(resample.draw(13, 50, seed=5, block=7)))
    assert (whole.sum(axis=1) == 13).all()
    assert whole.std() > 0.5
    np.testing.assert_array_equal(whole, parts)


def test_memory_is_bounded_by_blocks_without_changing_the_interval(monkeypatch):
    truth, a, b, group = toy(200, 20)
    arguments = {"draws": 150, "seed": 2}
    whole = intervals(truth, (a, 0.5), (b, 0.5), group, **arguments)
    monkeypatch.setattr(resample, "_BLOCK", 1000)
    assert intervals(truth, (a, 0.5), (b, 0.5), group, **arguments) == whole


# Intervals


def test_a_figure_asked_for_alone_is_the_same():
    truth, a, b, group = toy(300, 30)
    whole = resample.resample(truth, (a, 0.5), (b, 0.5), group, draws=100, seed=0)
    for name in metrics.COMPARED:
        alone = resample.resample(
            truth, (a, 0.5), (b, 0.5), group, draws=100, seed=0, names=(name,)
        )
        assert alone.a == {name: whole.a[name]}
        assert alone.difference == {name: whole.difference[name]}


def test_one_model_against_itself_differs_by_exactly_nothing():
    truth, a, _, group = toy(300, 30)
    found = intervals(truth, (a, 0.5), (a.copy(), 0.5), group, draws=200, seed=0)
    assert all(i == resample.Interval(0.0, 0.0) for i in found.values())


def test_a_plain_gain_has_an_interval_above_zero_and_its_mirror_below():
    truth, a, b, group = toy(2000, 60)
    forth = intervals(truth, (a, 0.5), (b, 0.5), group, draws=300, seed=0)
    back = intervals(truth, (b, 0.5), (a, 0.5), group, draws=300, seed=0)
    for name in ("f1", "macro_f1", "average_precision"):
        assert forth[name].low > 0
        assert back[name].low == pytest.approx(-forth[name].high)
    assert forth["brier"].high < 0


def test_the_interval_holds_the_observed_difference():
    truth, a, b, group = toy(600, 40, seed=4)
    found = intervals(truth, (a, 0.5), (b, 0.5), group, draws=300, seed=0)
    observed = metrics.differences(metrics.measure(truth, a, 0.5), metrics.measure(truth, b, 0.5))
    for name, value in observed.items():
        assert found[name].low < value < found[name].high, name


def test_a_seed_gives_the_same_interval_and_another_nearly_the_same():
    truth, a, b, group = toy(500, 30)
    first, again, other = (
        intervals(truth, (a, 0.5), (b, 0.5), group, draws=500, seed=seed)["f1"]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.02)


def test_resampling_articles_is_wider_than_sentences_where_articles_differ():
    truth, a, b, group = toy(1500, 50, clustered=1.0)
    rows = np.arange(len(truth))
    by_article, by_sentence = (
        intervals(truth, (a, 0.5), (b, 0.5), groups, draws=400, seed=0)["f1"]
        for groups in (group, rows)
    )
    assert by_article.high - by_article.low > 1.2 * (by_sentence.high - by_sentence.low)


@pytest.mark.parametrize("groups", [6, 40])
@pytest.mark.parametrize("name", ["f1", "average_precision", "ece", "debiased_error"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(name, groups):
    truth, a, b, _ = toy(60_000, 3000, seed=99, clustered=0.7)
    expected = metrics.differences(metrics.measure(truth, a, 0.5), metrics.measure(truth, b, 0.5))[
        name
    ]
    hits = 0
    for seed in range(60):
        truth, a, b, group = toy(20 * groups, groups, seed=seed, clustered=0.7)
        found = intervals(truth, (a, 0.5), (b, 0.5), group, draws=200, seed=seed)[name]
        hits += found.low <= expected <= found.high
    # Of 60 at 0.9 to 0.95: fewer than 48 has a chance below 1 in 100, and always is too wide.
    assert hits >= 48


def test_too_few_articles_give_no_interval():
    truth, a, b, group = toy(200, resample.MIN_GROUPS - 1)
    found = intervals(truth, (a, 0.5), (b, 0.5), group, draws=100, seed=0)
    assert all(math.isnan(i.low) and math.isnan(i.high) for i in found.values())


def test_positives_in_a_single_article_give_no_interval_for_f1_but_one_for_brier():
    truth, a, b, group = toy(300, 30)
    truth = truth & (group == 0)
    assert truth.any()
    found = intervals(truth, (a, 0.5), (b, 0.5), group, draws=300, seed=0)
    assert math.isnan(found["f1"].low)
    assert found["brier"].low < found["brier"].high


def test_percentiles_are_of_the_defined_draws():
    values = np.arange(1000, dtype=float)
    values[:10] = math.nan
    found = resample.percentile(values, n_groups=1_000_000)
    assert (found.low, found.high) == pytest.approx((10 + 0.025 * 989, 10 + 0.975 * 989), abs=0.01)


def test_few_groups_widen_an_interval_to_that_of_students_t():
    # On draws from a normal distribution the half width must become t * sqrt(n / (n - 1)).
    values = NormalDist().inv_cdf
    draws = np.array([values(share) for share in (np.arange(50_000) + 0.5) / 50_000])
    found = resample.percentile(draws, n_groups=6)
    assert found.high == pytest.approx(2.5706 * math.sqrt(6 / 5), abs=0.01)
    assert found.low == pytest.approx(-found.high)
