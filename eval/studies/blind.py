"""What a figure is worth: predictors that haven't read the text, and labels that are shuffled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures import (
    Bools,
    Floats,
    auc,
    average_precision,
    brier,
    calibration_error,
    decide,
    f1_score,
    macro_f1,
    precision_score,
    recall_score,
)
from training.data import Text

SMOOTHING = 5.0
"""Rows at the overall rate that every outlet is given besides its own."""
SHUFFLES = 100

Single = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A bundle judged by labels that are permuted within the part.

    Attributes
    ----------
    mean, spread : float
        Of the figure, over `SHUFFLES` permutations; ``spread`` is the standard deviation.
    chance : float
        What it must come to.
    p : float
        Share of permutations that reach the figure with the true labels, one added to both counts.
    """

    mean: float
    spread: float
    chance: float
    p: float

    @property
    def fell(self) -> bool:
        """Whether the figure falls to chance; where it doesn't, the harness itself is wrong."""
        return abs(self.mean - self.chance) <= 4 * self.spread / math.sqrt(SHUFFLES) + 0.01


def figure(metric: str, truth: Bools, proba: Single, threshold: float) -> float:
    """Give one figure of `eval.figures.metrics.METRICS`; NaN where a row has no score."""
    if np.isnan(proba).any():
        return math.nan
    scored = {
        "average_precision": average_precision,
        "auc": auc,
        "brier": brier,
        "ece": calibration_error,
    }
    if metric in scored:
        return scored[metric](truth, proba)
    decided = {
        "f1": f1_score,
        "macro_f1": macro_f1,
        "precision": precision_score,
        "recall": recall_score,
    }
    return decided[metric](truth, decide(proba, threshold))


def outlet_rates(taught: Text, labels: Bools, asked: Text) -> Single:
    """Predict from the outlet's name: its share of yes in training, drawn to that of all.

    NaN for an outlet that is unknown, or wasn't met in training.
    """
    known = taught != ""
    names, index = np.unique(taught[known], return_inverse=True)
    if not len(names):
        return np.full(len(asked), math.nan, np.float32)
    yes = np.bincount(index, weights=labels[known], minlength=len(names))
    rates = (yes + SMOOTHING * labels[known].mean()) / (np.bincount(index) + SMOOTHING)
    place = np.minimum(np.searchsorted(names, asked), len(names) - 1)
    found: Single = np.where(names[place] == asked, rates[place], math.nan).astype(np.float32)
    return found


def length_scores(taught: Floats, labels: Bools, asked: Floats) -> Single:
    """Predict from the logarithm of the length, by logistic regression.

    NaN where training has not both answers.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return np.full(len(asked), math.nan, np.float32)
    model = LogisticRegression().fit(np.log1p(taught)[:, None], labels)
    proba: Single = model.predict_proba(np.log1p(asked)[:, None])[:, 1].astype(np.float32)
    return proba


def best_threshold(metric: str, truth: Bools, proba: Single) -> float:
    """Find the threshold that is best where the predictor was fitted, as bundles have theirs.

    By F1 for a benchmark of F1, else by macro-F1; rows without a score are left out.
    """
    known = ~np.isnan(proba)
    truth, proba = truth[known], proba[known]
    if not truth.any():
        return 0.5
    order = np.argsort(-proba, kind="stable")
    # All rows of one score are flagged together: only where the score falls can a threshold lie.
    last = np.append(np.flatnonzero(np.diff(proba[order])), len(proba) - 1)
    hits, flagged = np.cumsum(truth[order])[last], last + 1
    yes, n = int(truth.sum()), len(truth)
    value = 2 * hits / (flagged + yes)
    if metric != "f1":
        right = n - yes - (flagged - hits)
        value = value + 2 * right / np.maximum(2 * n - flagged - yes, 1)
    steps = proba[order][last]
    best = int(np.argmax(value))
    # Halfway to the next score below, which is as good here, and less of an accident elsewhere.
    return float(steps[best : best + 2].mean())


def shuffled(metric: str, truth: Bools, proba: Single, threshold: float, *, seed: int) -> Shuffled:
    """Judge by permuted labels: any figure that is left doesn't come from the scores."""
    true = figure(metric, truth, proba, threshold)
    if math.isnan(true):
        return Shuffled(math.nan, math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    values = np.array(
        [figure(metric, rng.permutation(truth), proba, threshold) for _ in range(SHUFFLES)]
    )
    p = (int((values >= true).sum()) + 1) / (SHUFFLES + 1)
    chance = _chance(metric, truth, decide(proba, threshold))
    return Shuffled(float(values.mean()), float(values.std()), chance, p)


def _chance(metric: str, truth: Bools, flagged: Bools) -> float:
    """Expected figure of these scores when labels are permuted.

    Of average precision without ties: Bestgen (2015), "Exact expected average precision of the
    random baseline for system evaluation".
    """
    n, yes, q = len(truth), int(truth.sum()), float(flagged.mean())
    share = yes / n
    if metric == "average_precision":
        harmonic = float((1 / np.arange(1, n + 1)).sum())
        return ((yes - 1) / max(n - 1, 1) * (n - harmonic) + harmonic) / n
    f1 = 2 * share * q / (share + q)
    other = 2 - share - q
    of_no = 2 * (1 - share) * (1 - q) / other if other else 0.0
    known = {
        "auc": 0.5,
        "f1": f1,
        "macro_f1": (f1 + of_no) / 2,
        "precision": share,
        "recall": q,
    }
    return known.get(metric, math.nan)
