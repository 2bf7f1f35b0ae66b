"""The figures of eval, the intervals and tests of their differences, and the curves, by hand."""

import math

import numpy as np
import pytest
from framescope.eval import metrics
from framescope.eval.metrics import decide, draw, holm, resample_figures, single_figure
from framescope.eval.rows import Scores
from sklearn import metrics as sk

SCORES = np.array([0.9, 0.6, 0.4, 0.1], np.float32)


def bools(*values: int) -> np.ndarray:
    return np.array(values, np.bool_)


def of_scores(name: str, truth, proba) -> float:
    return single_figure(name, truth, proba, 0.5)


def intervals(truth, a, b, groups, **options):
    """Intervals of ``b - a`` for every compared figure, by name."""
    return resample_figures(truth, (a, 0.5), (b, 0.5), groups, **options).difference


def toy(n: int, groups: int, seed: int = 0, clustered: float = 0.0):
    """Labels, two models' scores and groups, of which some are easier: by ``clustered``."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(groups, size=n))
    truth = rng.random(n) < 0.3

    def scored(skill: float) -> np.ndarray:
        ease = clustered * rng.normal(size=groups)[group]
        logit = (2 * truth - 1) * (skill + ease) + rng.normal(size=n)
        return np.round(1 / (1 + np.exp(-logit)), 2).astype(np.float32)

    return truth, scored(0.5), scored(1.0), group


def test_calibration_error_by_hand():
    # Bin of 0.1: mean score 0.1, no positive of 4. Bin of 0.8: mean 0.8, 3 positives of 6.
    proba = np.array([0.1] * 4 + [0.8] * 6, np.float32)
    truth = bools(*[0] * 4, 1, 1, 1, 0, 0, 0)
    assert of_scores("ece", truth, proba) == pytest.approx(0.4 * 0.1 + 0.6 * 0.3, abs=1e-7)
    # Errors of opposite sign cancel within a bin only; 2/15 and 3/15 bound a bin.
    assert of_scores("ece", bools(1, 0), np.array([0.5, 0.5], np.float32)) == 0
    apart = of_scores("ece", bools(1, 0), np.array([0.12, 0.15], np.float32))
    assert apart == pytest.approx((0.88 + 0.15) / 2, abs=1e-6)
    brier = of_scores("brier", bools(1, 0), np.array([0.7, 0.4], np.float32))
    assert brier == pytest.approx(0.125)


def test_a_score_on_the_threshold_is_flagged():
    # 0.7 in single precision lies below 0.7 in double: in double it would not be flagged.
    proba = np.array([0.7], np.float32)
    assert proba[0].astype(float) < 0.7
    assert decide(proba, np.float64(0.7)).all()
    assert not decide(proba, 0.70001).any()


@pytest.mark.parametrize(
    ("truth", "undefined"),
    [
        (bools(0, 0, 0, 0), {"f1", "recall", "macro_f1", "average_precision", "auc"}),
        (bools(1, 1, 1, 1), {"macro_f1", "average_precision", "auc"}),
        (bools(0, 0, 1, 1), set()),  # missing every positive is 0, and defined
        (bools(), set(metrics.METRICS)),
    ],
)
def test_figures_that_labels_cannot_support_are_undefined(truth, undefined):
    found = {name: of_scores(name, truth, SCORES[: len(truth)]) for name in metrics.METRICS}
    assert {name for name, value in found.items() if math.isnan(value)} == undefined


def test_debiased_a_perfect_model_has_no_calibration_error():
    n, rng = 219, np.random.default_rng(0)
    plain, square, beyond = [], [], []
    for number in range(100):
        score = rng.beta(0.5, 0.8, n).astype(np.float32)
        truth = rng.random(n) < score
        plain.append(of_scores("ece", truth, score))
        error = of_scores("debiased_error", truth, score)
        square.append(error**2)
        if number < 60:
            beyond.append(error > metrics.error_by_chance(score))
    assert np.mean(plain) > 1 / np.sqrt(n)  # plain, it has one
    assert np.sqrt(np.mean(square)) < np.mean(plain)
    assert np.mean(beyond) < 0.15


def test_with_any_draw_resampled_figures_are_scikit_learns_weighted_ones():
    truth, proba, _, group = toy(300, 20, seed=3)
    weights = draw(20, 6, seed=1)
    found = metrics.Resampled(truth, proba, 0.4, group).figures(weights, metrics.COMPARED)
    flagged = decide(proba, 0.4)
    for row, weight in enumerate(weights):
        w = weight[group]
        repeated = np.repeat(np.arange(len(truth)), w.astype(int))  # a draw is rows repeated
        expected = {
            "f1": sk.f1_score(truth, flagged, sample_weight=w),
            "precision": sk.precision_score(truth, flagged, sample_weight=w),
            "recall": sk.recall_score(truth, flagged, sample_weight=w),
            "macro_f1": sk.f1_score(truth, flagged, average="macro", sample_weight=w),
            "average_precision": sk.average_precision_score(truth, proba, sample_weight=w),
            "brier": sk.brier_score_loss(truth, proba.astype(float), sample_weight=w),
            "ece": of_scores("ece", truth[repeated], proba[repeated]),
            "debiased_error": of_scores("debiased_error", truth[repeated], proba[repeated]),
        }
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize(("name", "groups"), [("f1", 6), ("average_precision", 40), ("ece", 40)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(name, groups):
    truth, a, b, _ = toy(60_000, 3000, seed=99, clustered=0.7)
    expected = single_figure(name, truth, b, 0.5) - single_figure(name, truth, a, 0.5)
    hits = 0
    for seed in range(60):
        truth, a, b, group = toy(20 * groups, groups, seed=seed, clustered=0.7)
        found = intervals(truth, a, b, group, draws=200, seed=seed, names=(name,))[name]
        hits += found.low <= expected <= found.high
    # Of 60 at 0.9 to 0.95: fewer than 48 has a chance below 1 in 100, and always is too wide.
    assert hits >= 48


def test_few_groups_or_positives_give_no_interval():
    truth, a, b, group = toy(200, metrics.MIN_GROUPS - 1)
    found = intervals(truth, a, b, group, draws=100, seed=0)
    assert all(math.isnan(one.low) and math.isnan(one.high) for one in found.values())
    truth, a, b, group = toy(300, 30)
    found = intervals(truth & (group == 0), a, b, group, draws=300, seed=0)
    assert math.isnan(found["f1"].low)
    assert found["brier"].low < found["brier"].high


def test_holm_multiplies_by_what_is_left_never_falls_and_leaves_out_the_undefined():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([math.nan, 0.02]) == pytest.approx([math.nan, 0.02], nan_ok=True)
    assert holm([]) == []


@pytest.mark.parametrize("groups", [8, 30])
def test_equal_models_are_seldom_told_apart_even_of_few_groups(groups):
    names, found = ("f1", "average_precision"), []
    for seed in range(60):
        truth, _, one, group = toy(8 * groups, groups, seed=seed, clustered=0.7)
        noise = np.random.default_rng(seed + 99).normal(0, 0.2, len(truth)).astype(np.float32)
        given = [Scores((one + k).clip(0, 1), 0.5) for k in (noise, noise[::-1])]
        p = resample_figures(truth, *given, group, draws=199, seed=seed, names=names).p
        found.append([p[name] <= 0.1 for name in names])
    assert 1 <= np.sum(found, axis=0).min() <= np.sum(found, axis=0).max() <= 14, "6 expected"


def test_bins_hold_equally_many_rows_and_their_means():
    # Sorted scores .125 .25 | .5 .75 with labels 0 1 | 0 1, given in another order.
    proba = np.array([0.75, 0.125, 0.5, 0.25], np.float32)
    curve = metrics.reliability_curve(bools(1, 0, 0, 1), proba, bins=2)
    assert curve.count.tolist() == [2, 2]
    assert curve.score.tolist() == [0.1875, 0.625]
    assert curve.share.tolist() == [0.5, 0.5]


def test_precision_is_read_at_the_highest_threshold_that_finds_enough():
    curve = metrics.precision_recall(bools(1, 0, 1, 0), np.array([0.9, 0.8, 0.7, 0.1], np.float32))
    assert curve.at(0.5) == 1
    assert curve.at(1.0) == pytest.approx(2 / 3)
    assert math.isnan(metrics.precision_recall(bools(0, 0), np.zeros(2, np.float32)).at(0.5))
