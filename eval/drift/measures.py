"""Figures on either side, how much they have changed, and whether that matters and is sure.

A measure is some figures that are judged together. A figure has an effect in plain units, and a
least one, below which a change is none that matters however sure it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from framescope.eval.drift.sides import DriftSide
from framescope.eval.metrics import Change, Estimate, Share
from numpy.typing import NDArray

Single = NDArray[np.float32]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
Z = 1.96


@dataclass(frozen=True, slots=True)
class DriftFigure:
    """One figure.

    Attributes
    ----------
    name : str
        A signal, or what is counted.
    before, now : Estimate or None
        On either side, with 95% intervals over articles.
    effect : Estimate
        How much it has changed, in `unit`.
    size, least : float
        How large that is, and from what on it matters.
    p : float
        Corrected for the figures of its measure; NaN of one that nothing is judged by.
    unit : str
        ``sd``, ``bits``, ``chance`` (what was before is what chance gives), ``error`` (expected,
        observed, and the calibration error); else of the figures themselves.
    """

    name: str
    before: Estimate | None
    now: Estimate | None
    effect: Estimate
    size: float
    least: float
    p: float
    unit: str = ""

    @property
    def large(self) -> bool:
        """Whether the effect is one that matters."""
        return self.size >= self.least

    @property
    def words(self) -> tuple[str, str, str]:
        """Before, now and effect, as they are said."""
        first = {"chance": "by chance ", "error": "expected "}.get(self.unit, "")
        before, now = ((one and said(one)) or "" for one in (self.before, self.now))
        effect = said(self.effect)
        if self.unit == "bits":
            low, high = self.effect.low, self.effect.high
            effect = f"{self.effect.value:.3f} bits, by chance {low:.3f} to {high:.3f}"
        elif self.unit == "sd":
            effect = effect.replace(" (", " sd (", 1)
        elif self.unit == "error":
            effect, now = f"error {effect}", f"observed {now}"
        return (f"{first}{before}" if before else ""), now, effect


@dataclass(frozen=True, slots=True)
class DriftMeasure:
    """Some figures that are judged together.

    Attributes
    ----------
    name : str
    figures : tuple of DriftFigure
    note : str
        What more is to be said; of a measure without figures, why there are none.
    p : float
        Corrected for how many measures there are; NaN where nothing is judged.
    found : tuple of str
        The figures that have changed.
    """

    name: str
    figures: tuple[DriftFigure, ...] = ()
    note: str = ""
    p: float = math.nan
    found: tuple[str, ...] = ()

    @property
    def least_p(self) -> float:
        """The least p of its figures; NaN without any."""
        known = [one.p for one in self.figures if not math.isnan(one.p)]
        return min(known, default=math.nan)

    def held(self, corrected: float, level: float) -> DriftMeasure:
        """Decide, by a p that is corrected for all measures."""
        if math.isnan(corrected):
            return self
        factor = corrected / self.least_p
        found = tuple(one.name for one in self.figures if one.p * factor <= level and one.large)
        return replace(self, p=corrected, found=found)


@dataclass(frozen=True)
class Pooled:
    """Both sides' articles, one after the other."""

    before: DriftSide
    now: DriftSide

    @property
    def is_now(self) -> Marks:
        """Which are of the run that is judged."""
        found: Marks = np.r_[np.zeros(len(self.before), np.bool_), np.ones(len(self.now), np.bool_)]
        return found

    @property
    def outlet(self) -> NDArray[np.str_]:
        """Their outlets' keys."""
        return np.concatenate([self.before.outlet, self.now.outlet])

    @property
    def signals(self) -> tuple[str, ...]:
        """That both give."""
        return tuple(one for one in self.now.signals if one in self.before.signals)

    def values(self, signal: str) -> tuple[Single, NDArray[np.intp]]:
        """Give a signal's scores that are known, and the article of each."""
        both = [(side.scores[signal], side.rows(signal)) for side in (self.before, self.now)]
        scores = np.concatenate([one for one, _ in both])
        rows = np.concatenate([both[0][1], both[1][1] + len(self.before)])
        known = ~np.isnan(scores)
        return scores[known], rows[known]

    def counts(self, rows: NDArray[np.intp], bins: NDArray[np.intp], width: int) -> Single:
        """Count by article and bin, shape (n, width)."""
        n = len(self.before) + len(self.now)
        found = np.bincount(rows * width + bins, minlength=n * width)
        return found.reshape(n, width).astype(np.float32)

    @property
    def sides(self) -> tuple[Marks, Marks]:
        """Which are of either side."""
        return ~self.is_now, self.is_now


def said(value: Estimate) -> str:
    """Write a figure with its interval, as far as there is one."""

    def one(x: float) -> str:
        if isinstance(value, Share):
            return f"{x:.1%}"
        return f"{x:+.3f}" if isinstance(value, Change) else f"{x:.3f}"

    if math.isnan(value.value):
        return "unknown"
    if math.isnan(value.low):
        return one(value.value)
    return f"{one(value.value)} ({one(value.low)} to {one(value.high)})"


# --- figures with intervals -----------------------------------------------------------------------


def mean_of(values: NDArray[np.floating[Any]], articles: NDArray[np.intp]) -> tuple[float, float]:
    """Give the mean of values, and its standard error over articles."""
    _, article = np.unique(articles, return_inverse=True)
    sums = np.bincount(article, weights=values).astype(np.float64)
    return _error(sums, np.bincount(article).astype(np.float64))


def _error(sums: Floats, sizes: Floats) -> tuple[float, float]:
    """Give a ratio of sums over articles, and its standard error (Cochran, 1977, section 6.3)."""
    total, m = float(sizes.sum()), int((sizes > 0).sum())
    mean = float(sums.sum()) / max(total, 1e-12)
    if m < 2:
        return mean, math.nan
    spread = float(((sums - mean * sizes) ** 2).sum())
    return mean, math.sqrt(m / (m - 1) * spread) / total


def share_of(hits: NDArray[np.floating[Any]], sizes: NDArray[np.floating[Any]]) -> Share:
    """Give a share and its interval over articles: Wilson's, by as many as would vary as much."""
    share, error = _error(hits.astype(np.float64), sizes.astype(np.float64))
    if math.isnan(error):
        return Share(share)
    m = int((sizes > 0).sum())
    alike = error < 1e-9 or share in (0.0, 1.0)
    size = float(m) if alike else min(share * (1 - share) / error**2, float(sizes.sum()))
    z2 = Z**2
    middle = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = Z * math.sqrt(share * (1 - share) / size + z2 / (4 * size**2)) / (1 + z2 / size)
    return Share(share, max(middle - half, 0.0), min(middle + half, 1.0))


def estimate_of(value: float, error: float) -> Estimate:
    """Put a figure and its standard error together."""
    return Estimate(value, value - Z * error, value + Z * error)


def difference_of(name: str, sides: Sequence[Estimate], least: float, p: float) -> DriftFigure:
    """Hold two figures against each other; the interval by Newcombe (1998) from those of both."""
    old, new = sides
    gap = new.value - old.value
    down = math.hypot(new.value - new.low, old.high - old.value)
    up = math.hypot(new.high - new.value, old.value - old.low)
    return DriftFigure(name, old, new, Change(gap, gap - down, gap + up), abs(gap), least, p)
