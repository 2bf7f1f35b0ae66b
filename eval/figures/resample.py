"""How sure a difference is: the paired bootstrap over articles.

Sentences of one article share their author, topic and outlet, so they are no independent witnesses:
resampling sentences gives intervals that are too narrow (by a quarter on the propaganda corpus).
Whole groups are drawn instead, with replacement, and the same draw serves both models, so that
what makes an article hard for both cancels out (percentile intervals: Efron & Tibshirani, 1993,
chapter 13; the paired comparison of classifiers: Berg-Kirkpatrick et al., 2012).

All draws of a block are computed at once from sums by group; blocks keep the memory bounded. The
signals of one part have the same groups, so that the draws themselves are made once for all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.figures.metrics import BINS, COMPARED, bin_of, decide
from eval.figures.significance import from_draws
from eval.rows import Bools, Floats

LEVEL = 0.95
MIN_GROUPS = 5
"""Below this, no interval from resampling can be trusted, and none is shown."""
MAX_UNDEFINED = 0.05
"""The share of draws without a figure (no positive drawn, say) above which there's no interval."""
_BLOCK = 4_000_000  # numbers held at once: 32 MB
_RANKED = 256  # draws ranked at once: few enough for a processor's cache


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval; NaN at both ends where the data can't give one."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Resamples:
    """What the draws say of every compared figure, by name.

    Attributes
    ----------
    a, b : dict of str to Interval
        Of each model's own figure; empty for a model that wasn't given.
    difference : dict of str to Interval
        Of ``b - a``; empty unless both were given.
    p : dict of str to float
        Two-sided, of the differences, see `eval.figures.significance.from_draws`.
    """

    a: dict[str, Interval]
    b: dict[str, Interval]
    difference: dict[str, Interval]
    p: dict[str, float]


def resample(
    truth: Bools,
    a: tuple[NDArray[np.float32], float] | None,
    b: tuple[NDArray[np.float32], float] | None,
    groups: ArrayLike,
    *,
    draws: int,
    seed: int,
    names: Sequence[str] = COMPARED,
) -> Resamples:
    """Draw whole groups, and give the intervals of both models' figures and of their difference.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    a, b : tuple of ndarray of float32, shape (n,), and float, or None
        Each model's calibrated probabilities and threshold; None for one without.
    groups : array_like, shape (n,)
        What is resampled: rows with one value are drawn together.
    draws : int
        Number of resamples.
    seed : int
        Of the draws; the same for the same rows gives the same intervals.
    names : sequence of str
        The figures wanted, of `eval.figures.metrics.COMPARED`; a figure doesn't depend on the others.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(group.max()) + 1 if len(group) else 0
    models = [None if given is None else _Resampled(truth, *given, group) for given in (a, b)]
    drawn: list[dict[str, Floats]] = [{}, {}]
    if n_groups >= MIN_GROUPS:
        blocks = list(draw(n_groups, draws, seed, block=_BLOCK // max(len(truth), n_groups)))
        drawn = [{} if model is None else _figures(model, blocks, names) for model in models]
    of_a, of_b = (
        _own(model, values, n_groups, names) for model, values in zip(models, drawn, strict=True)
    )
    if a is None or b is None:
        return Resamples(of_a, of_b, {}, {})
    if not drawn[0]:
        unknown = Interval(math.nan, math.nan)
        return Resamples(of_a, of_b, dict.fromkeys(names, unknown), dict.fromkeys(names, math.nan))
    values = {name: drawn[1][name] - drawn[0][name] for name in names}
    between = {name: percentile(found, n_groups) for name, found in values.items()}
    if "ece" in between:
        error = _as_is(models[1], n_groups) - _as_is(models[0], n_groups)
        between["ece"] = _with_mirror(between["ece"], error)
    return Resamples(of_a, of_b, between, {n: from_draws(found) for n, found in values.items()})


def _figures(
    model: _Resampled, blocks: Sequence[Floats], names: Sequence[str]
) -> dict[str, Floats]:
    found = [model.figures(weights, names) for weights in blocks]
    return {name: np.concatenate([block[name] for block in found]) for name in names}


def _own(
    model: _Resampled | None, drawn: Mapping[str, Floats], n_groups: int, names: Sequence[str]
) -> dict[str, Interval]:
    """Intervals of one model's own figures; undefined where there are too few groups."""
    if model is None:
        return {}
    if not drawn:
        return dict.fromkeys(names, Interval(math.nan, math.nan))
    found = {name: percentile(values, n_groups) for name, values in drawn.items()}
    if "ece" in found:
        found["ece"] = _with_mirror(found["ece"], _as_is(model, n_groups))
    return found


def _as_is(model: _Resampled | None, n_groups: int) -> float:
    """Calibration error with every group drawn once."""
    if model is None:
        return math.nan
    return float(model.figures(np.ones((1, n_groups)), ("ece",))["ece"][0])


def draw(n_groups: int, draws: int, seed: int, block: int) -> Iterator[Floats]:
    """How often each group is drawn, in blocks of shape (up to ``block``, n_groups)."""
    counts = _counts(n_groups, draws, seed)
    for start in range(0, draws, max(block, 1)):
        yield counts[start : start + max(block, 1)].astype(np.float64)


@lru_cache(maxsize=1)
def _counts(n_groups: int, draws: int, seed: int) -> NDArray[np.unsignedinteger]:
    """How often each group is drawn, shape (draws, n_groups)."""
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, n_groups), np.min_scalar_type(n_groups))
    block = max(_BLOCK // n_groups, 1)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        drawn = rng.integers(n_groups, size=(size, n_groups))
        drawn += n_groups * np.arange(size)[:, None]
        found = np.bincount(drawn.ravel(), minlength=size * n_groups)
        counts[start : start + size] = found.reshape(size, n_groups)
    return counts


def percentile(values: Floats, n_groups: int) -> Interval:
    """Take the middle of the draws that have a value; undefined when too many have none.

    The middle is 95% for many groups. For few it is more: the bootstrap is too narrow there, by
    what tells a normal distribution from Student's t and n from n - 1, and the share is raised to
    make up for it (the expanded percentile interval of Hesterberg, 2015).
    """
    from scipy.stats import norm, t

    defined = values[~np.isnan(values)]
    if len(values) == 0 or len(defined) < (1 - MAX_UNDEFINED) * len(values):
        return Interval(math.nan, math.nan)
    widened = math.sqrt(n_groups / (n_groups - 1)) * t.ppf((1 - LEVEL) / 2, n_groups - 1)
    tail = float(norm.cdf(widened))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _with_mirror(interval: Interval, value: float) -> Interval:
    """Widen an interval to hold its mirror image at the value.

    Calibration error is a sum of distances, so noise raises it: draws lie above the value they
    were made from, and the percentile interval misses the truth too often (in simulations up to
    one time in five, not in twenty). The mirror image leans the other way; together they come as
    close as the intervals of the other figures do.
    """
    low, high = 2 * value - interval.high, 2 * value - interval.low
    return Interval(min(interval.low, low), max(interval.high, high))


class _Resampled:
    """One model's figures as functions of how often each group was drawn."""

    def __init__(
        self, truth: Bools, proba: NDArray[np.float32], threshold: float, group: NDArray[np.intp]
    ) -> None:
        flagged = decide(proba, threshold)
        error: Floats = truth - proba.astype(np.float64)
        n_groups = int(group.max()) + 1
        self.cells = np.stack(
            [
                np.bincount(group, weights=cell, minlength=n_groups)
                for cell in (truth & flagged, ~truth & flagged, truth & ~flagged, ~truth & ~flagged)
            ],
            axis=1,
        )
        self.squared = np.bincount(group, weights=error**2, minlength=n_groups)
        residual = np.bincount(
            group * BINS + bin_of(proba), weights=error, minlength=n_groups * BINS
        )
        self.residual = residual.reshape(n_groups, BINS)
        self.ranking = _Ranking(truth, proba, group, n_groups)

    def figures(self, weights: Floats, names: Sequence[str] = COMPARED) -> dict[str, Floats]:
        """Compared figures for each draw; weights of shape (draws, n_groups)."""
        tp, fp, fn, tn = (weights @ self.cells).T
        positives, negatives = tp + fn, fp + tn
        rows = positives + negatives
        both = (positives > 0) & (negatives > 0)
        f1 = _ratio(2 * tp, 2 * tp + fp + fn)

        def of(name: str) -> Floats:
            match name:
                case "f1":
                    return np.where(positives > 0, f1, math.nan)
                case "precision":
                    return _ratio(tp, tp + fp, empty=math.nan)
                case "recall":
                    return _ratio(tp, positives, empty=math.nan)
                case "macro_f1":
                    f1_of_negatives = _ratio(2 * tn, 2 * tn + fp + fn)
                    return np.where(both, (f1 + f1_of_negatives) / 2, math.nan)
                case "average_precision":
                    return np.where(both, self.ranking.precision(weights), math.nan)
                case "ece":
                    ece: Floats = np.abs(weights @ self.residual).sum(axis=1) / rows
                    return ece
                case "brier":
                    brier: Floats = (weights @ self.squared) / rows
                    return brier
            raise ValueError(f"no figure '{name}' of {', '.join(COMPARED)}")

        return {name: of(name) for name in names}


class _Ranking:
    """Average precision for each draw: rows are sorted once, draws only change their weights."""

    def __init__(
        self, truth: Bools, proba: NDArray[np.float32], group: NDArray[np.intp], n_groups: int
    ) -> None:
        from scipy.sparse import csr_array

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
            (np.ones(int(ranked.sum())), (step_of_row[ranked], group[ranked])),
            shape=(len(ends), n_groups),
        )

    def precision(self, weights: Floats) -> Floats:
        """Average precision of each draw; NaN where no positive was drawn."""
        found = np.full(len(weights), math.nan)
        if not len(self.group_of_positives):
            return found
        for start in range(0, len(weights), _RANKED):
            drawn = np.ascontiguousarray(weights[start : start + _RANKED].T)
            rows_in = np.cumsum(self.rows_of_step @ drawn, axis=0)
            weight = drawn[self.group_of_positives]
            cumulated = np.cumsum(weight, axis=0)
            # Where nothing is drawn so far the precision is 0/0, and its weight 0.
            weight *= _ratio(cumulated[self.last_positive], rows_in)[self.step]
            # Summed draw by draw, in one stretch each: a sum's rounding depends on its layout.
            total = np.ascontiguousarray(weight.T).sum(axis=1)
            found[start : start + _RANKED] = _ratio(total, cumulated[-1], empty=math.nan)
        return found


def _ratio(part: Floats, whole: Floats, empty: float = 0.0) -> Floats:
    """``part / whole``, and ``empty`` where there is nothing to divide by."""
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0)
    return ratio
