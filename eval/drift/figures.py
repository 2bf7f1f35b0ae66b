"""Figures before and now, their intervals, and tests whether they have changed.

The unit is the article: sentences of one article are not independent. A figure has changed when
its p, corrected for all figures and measures, is at most the level, and the effect is large enough
to matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from framescope.eval.metrics import wilson
from framescope.eval.rows import Bools, Floats, Single
from framescope.eval.sections import HIDDEN, Change, Estimate, Share
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.special import logit
from scipy.stats import permutation_test


@dataclass(frozen=True, slots=True)
class DriftFigure:
    """One figure before and now, with 95% intervals over articles.

    ``effect``: the change, in ``unit``: "sd", "bits", "chance" (``before`` is what chance gives),
    "error" (of calibration, with expected and observed share), or that of the figure. It matters
    from a ``size`` of ``least``. ``p``: corrected for the measure's figures; NaN where not tested.
    """

    name: str
    before: Estimate | None
    now: Estimate | None
    effect: Estimate
    size: float
    least: float
    p: float = math.nan
    unit: str = ""

    @property
    def words(self) -> tuple[str, str, str]:
        """Before, now and effect as text."""
        before, now = ("" if one is None else _text(one) for one in (self.before, self.now))
        effect, one = _text(self.effect), self.effect
        if self.unit == "bits":
            effect = f"{one.value:.3f} bits, by chance {one.low:.3f} to {one.high:.3f}"
        elif self.unit == "sd":
            effect = effect.replace(" (", " sd (", 1)
        elif self.unit == "chance":
            before = f"by chance {before}"
        elif self.unit == "error":
            before, now, effect = f"expected {before}", f"observed {now}", f"error {effect}"
        return before, now, effect


@dataclass(frozen=True, slots=True)
class ShiftedWord:
    """A word, the share of articles with it before and now, and the z of the change."""

    word: str
    before: float
    now: float
    z: float


@dataclass(frozen=True, slots=True)
class DriftMeasure:
    """Figures that are tested together; of the vocabulary, with the words that shifted most.

    ``p``: the least of the figures', corrected for the number of measures; NaN where nothing is
    tested. ``found``: the figures that have changed.
    """

    name: str
    figures: tuple[DriftFigure, ...] = ()
    note: str = ""
    p: float = math.nan
    found: tuple[str, ...] = ()
    more: tuple[ShiftedWord, ...] = field(default=(), metadata=HIDDEN)
    less: tuple[ShiftedWord, ...] = field(default=(), metadata=HIDDEN)

    @property
    def least_p(self) -> float:
        """The least p of the figures; NaN without any."""
        return min((one.p for one in self.figures if not math.isnan(one.p)), default=math.nan)

    @property
    def ordered(self) -> list[DriftFigure]:
        """The figures, those that have changed first, then by p."""
        return sorted(self.figures, key=lambda f: (f.name not in self.found, f.p, -f.size))

    def decided(self, corrected: float, level: float) -> DriftMeasure:
        """Decide by a p that is corrected for all measures."""
        if math.isnan(corrected):
            return self
        factor = corrected / self.least_p
        found = (f.name for f in self.figures if f.p * factor <= level and f.size >= f.least)
        return replace(self, p=corrected, found=tuple(found))


def _text(value: Estimate) -> str:
    form = {Share: "{:.1%}", Change: "{:+.3f}"}.get(type(value), "{:.3f}")
    shown, low, high = map(form.format, (value.value, value.low, value.high))
    return shown if math.isnan(value.low) else f"{shown} ({low} to {high})"


def mean_of(values: NDArray[Any]) -> Estimate:
    """Return the mean of a value of each article, with its interval."""
    mean, half = float(values.mean()), 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def share_of(values: NDArray[Any]) -> Share:
    """Return the mean of a share of each article, 0 to 1, with Wilson's interval."""
    share = values.mean(dtype=np.float64)
    return Share(float(share), *map(float, wilson(share, len(values))))


def difference(
    name: str,
    sides: Sequence[NDArray[Any]],
    least: float,
    of: Callable[[NDArray[Any]], Estimate] = mean_of,
) -> DriftFigure:
    """Compare two runs; the interval follows from those of both means (Newcombe, 1998)."""
    before, now = map(of, sides)
    gap = now.value - before.value
    down = math.hypot(now.value - now.low, before.high - before.value)
    up = math.hypot(now.high - now.value, before.value - before.low)
    return DriftFigure(name, before, now, Change(gap, gap - down, gap + up), abs(gap), least)


def log_odds(values: NDArray[Any]) -> Floats:
    """Return the log-odds of probabilities, bounded where these are 0 or 1."""
    return np.asarray(logit(np.clip(values.astype(np.float64), 1e-4, 1 - 1e-4)))


def permuted(
    statistic: Callable[[Single], Floats], is_now: Bools, draws: int, seed: int
) -> tuple[float, float, Share, Floats]:
    """Test a statistic of membership in the second run, (b, n) to (b,), by permuting articles.

    Return its value, p, the mean and the middle 95% by chance, and the value of each permutation.
    """

    def of_numbers(before: NDArray[Any], now: NDArray[Any], axis: int) -> Floats:
        members = np.zeros((*now.shape[:-1], len(is_now)), np.float32)
        np.put_along_axis(members, now.astype(np.intp), 1, axis=-1)
        return statistic(members)

    test = permutation_test(
        (np.flatnonzero(~is_now), np.flatnonzero(is_now)), of_numbers, vectorized=True,
        n_resamples=draws, batch=500, alternative="greater", axis=-1,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    null = test.null_distribution
    chance = Share(float(null.mean()), *np.quantile(null, [0.025, 0.975]).tolist())
    return float(test.statistic), float(test.pvalue), chance, null


def mean_shift_ps(values: Floats, is_now: Bools, draws: int, seed: int) -> list[float]:
    """Return the p of each column's difference in means, corrected (Westfall & Young, 1993)."""
    values = values - np.nanmean(values, axis=0)
    spread = np.nanstd(values, axis=0)
    scaled = np.nan_to_num(values / np.where(spread > 1e-9, spread, np.inf)).astype(np.float32)
    now, n = int(is_now.sum()), len(is_now)

    def gaps(members: Single) -> Floats:
        return np.asarray(np.abs(members @ scaled).astype(np.float64) * n / (now * (n - now)))

    *_, null = permuted(lambda members: gaps(members).max(axis=-1), is_now, draws, seed)
    # Rounding of the sums must not part a permutation from one that is the same.
    above = (null[None] >= gaps(is_now.astype(np.float32))[:, None] - 1e-6).sum(axis=1)
    return [float(p) for p in (1 + above) / (1 + len(null))]


def centred(values: Floats, outlet: NDArray[np.str_], is_now: Bools) -> Floats:
    """Subtract each outlet's mean, so that another mix of outlets is no change of scores."""
    names, code = np.unique(outlet, return_inverse=True)
    count, total = np.bincount(code, weights=is_now), np.bincount(code)
    stratum = np.where(((count == 0) | (count == total))[code], len(names), code)
    found = values.copy()
    for one in np.unique(stratum):
        found[stratum == one] -= np.nanmean(values[stratum == one], axis=0)
    return found


def now_counts(counts: Any, members: Single) -> Floats:
    """Return the counts, shape (n, k), of the articles of the second run: shape (b, k)."""
    return np.asarray(counts.T @ members.T, np.float64).T


def divergence(
    name: str, counts: Any, is_now: Bools, least: float, draws: int, seed: int
) -> DriftFigure:
    """Test the Jensen-Shannon divergence of two runs' counts, shape (n, k), in bits."""
    total = np.asarray(counts.sum(axis=0), np.float64)

    def bits(members: Single) -> Floats:
        now = now_counts(counts, members)
        return np.asarray(np.nan_to_num(jensenshannon(total - now, now, base=2, axis=-1) ** 2))

    value, p, chance, _ = permuted(bits, is_now, draws, seed)
    effect, size = Estimate(value, chance.low, chance.high), value - chance.value
    return DriftFigure(name, None, None, effect, size, least, p, "bits")
