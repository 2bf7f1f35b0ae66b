"""The mean of several figures over resamples of whole groups, for models that are held together.

A benchmark has several signals, and a run several benchmarks. Within one the same draw of groups
serves every signal and every model, so that what makes an article hard for all cancels out;
benchmarks have no article in common and are drawn apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from framescope.eval.metrics.resample import MIN_GROUPS, _Resampled, draw, percentile
from framescope.eval.metrics.scores import figure
from framescope.eval.metrics.sections import Change, Estimate
from framescope.eval.rows import Bools, Floats, Given
from numpy.typing import NDArray

_BLOCK = 4_000_000  # numbers held at once: 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class MeanPart:
    """One figure that a mean is of: its name, its rows (n of them), and what the model says.

    ``group`` of shape (n,): what is resampled whole, by numbers that all parts of a mean share.
    """

    metric: str
    truth: Bools
    group: NDArray[np.int64]
    given: Given


@dataclass(frozen=True, slots=True, eq=False)
class DrawnMean:
    """A mean of figures, and what it is on each draw.

    ``draws`` of shape (n_draws,): empty where there are too few groups to draw from.
    """

    value: float
    draws: Floats
    n_groups: int

    def estimate(self) -> Estimate:
        """Give the mean with its interval."""
        return Estimate.of(self.value, percentile(self.draws, self.n_groups))

    def less(self, other: DrawnMean) -> Change:
        """Give the difference with its interval, draw by draw; of the same rows."""
        value, values = self.value - other.value, self.draws - other.draws
        return Change.of(value, percentile(values, self.n_groups))


def mean_of_figures(parts: Sequence[MeanPart], draws: int, seed: int) -> DrawnMean:
    """Average figures of one benchmark, draw by draw.

    Where a draw leaves a figure undefined (it has no positive of that signal), it is averaged over
    the others there: for every model alike, since that depends on the labels alone.

    Parameters
    ----------
    parts : sequence of MeanPart
        At least one.
    draws, seed : int
        The same ones give a single figure the interval that `eval.metrics.resample` gives it.
    """
    value = float(np.mean([figure(one.metric, one.truth, *one.given) for one in parts]))
    known, numbers = np.unique(np.concatenate([one.group for one in parts]), return_inverse=True)
    n_groups = len(known)
    if n_groups < MIN_GROUPS:
        return DrawnMean(value, np.empty(0), n_groups)
    cuts = np.cumsum([len(one.group) for one in parts])[:-1]
    models = [
        (one.metric, _Resampled(one.truth, *one.given, group))
        for one, group in zip(parts, np.split(numbers, cuts), strict=True)
    ]
    found = []
    rows = max(len(one.group) for one in parts)
    for weights in draw(n_groups, draws, seed, block=_BLOCK // max(rows, n_groups)):
        figures = [
            model.figures(weights[:, : len(model.cells)], (metric,))[metric]
            for metric, model in models
        ]
        found.append(_mean_of_known(np.stack(figures)))
    return DrawnMean(value, np.concatenate(found), n_groups)


def mean_of_means(means: Sequence[DrawnMean], seed: int) -> DrawnMean:
    """Average the means of several benchmarks, which weigh the same.

    The draws of each are shuffled before they are put beside the others', as the benchmarks are
    drawn apart; of the same benchmarks in the same order always alike, so that two models can be
    held together. The groups counted are those of the benchmark with the fewest.
    """
    value = float(np.mean([one.value for one in means]))
    n_groups = min(one.n_groups for one in means)
    if any(not len(one.draws) for one in means):
        return DrawnMean(value, np.empty(0), n_groups)
    shuffled = [
        np.random.default_rng([seed, place]).permutation(one.draws)
        for place, one in enumerate(means)
    ]
    if len(means) == 1:
        shuffled = [means[0].draws]
    return DrawnMean(value, np.mean(shuffled, axis=0), n_groups)


def _mean_of_known(figures: Floats) -> Floats:
    """Average over the first axis what isn't NaN; NaN where all is."""
    known = ~np.isnan(figures)
    count = known.sum(axis=0)
    total = np.where(known, figures, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full(total.shape, math.nan), where=count > 0)
    return mean
