"""Articles dealt anew between two runs, as they could as well have come, and what that says.

Where nothing has changed, the articles of both runs could as well be in the other: the number of
deals that part them further than the runs do is what tells chance from change (Good, 2005).
Sentences stay with their article. Articles of one outlet are alike, so those of an outlet that is
in both runs are dealt among themselves: that one run has more of it is told of the outlets, and of
nothing else. Articles of outlets that are in one run alone are dealt among those.

Several figures are judged together by their largest: each is put on the scale of its deals, and its
p is the share of deals whose largest is as large (Westfall & Young, 1993, single step).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_BLOCK = 500  # deals at a time


@dataclass(frozen=True)
class Deals:
    """Ways to deal the articles of both runs, n in all.

    Attributes
    ----------
    now : ndarray of bool, shape (n,)
        Which of them are in the run that is judged.
    strata : ndarray of int, shape (n,)
        What is dealt among itself.
    draws, seed : int
    """

    now: Bools
    strata: NDArray[np.intp]
    draws: int
    seed: int

    @classmethod
    def of(cls, now: Bools, outlet: NDArray[np.str_], draws: int, seed: int) -> Deals:
        """Deal within outlets that are in both runs, and among those that are in one alone."""
        names, code = np.unique(outlet, return_inverse=True)
        count = np.bincount(code, weights=now, minlength=len(names))
        alone = (count == 0) | (count == np.bincount(code, minlength=len(names)))
        return cls(now, np.where(alone[code], len(names), code), draws, seed)

    @classmethod
    def freely(cls, now: Bools, draws: int, seed: int) -> Deals:
        """Deal every article by itself."""
        return cls(now, np.zeros(len(now), np.intp), draws, seed)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Give the deals, 1 for what is in the judged run, in blocks of shape (up to 500, n)."""
        return (block.astype(np.float32) for block in self._dealt)

    @cached_property
    def _dealt(self) -> list[NDArray[np.uint8]]:
        rng = np.random.default_rng(self.seed)
        order = np.argsort(self.strata, kind="stable")
        edges = np.flatnonzero(np.r_[True, np.diff(self.strata[order]) != 0, True])
        found: list[NDArray[np.uint8]] = []
        for start in range(0, self.draws, _BLOCK):
            rows = min(_BLOCK, self.draws - start)
            dealt = np.empty((rows, len(order)), np.uint8)
            for low, high in pairwise(edges.tolist()):
                own = order[low:high]
                as_is = self.now[own].astype(np.uint8)
                dealt[:, own] = rng.permuted(np.tile(as_is, (rows, 1)), axis=1)
            found.append(dealt)
        return found

    def judge(self, figures: Callable[[NDArray[np.float32]], Floats]) -> Judged:
        """Hold figures against what deals give.

        Parameters
        ----------
        figures : callable
            Of deals, shape (b, n): shape (b, k), larger where both sides differ more.
        """
        seen = figures(self.now[None].astype(np.float32))[0]
        drawn = np.concatenate([figures(block) for block in self.blocks()])
        middle, spread = drawn.mean(axis=0), drawn.std(axis=0)
        known = spread > 1e-12
        scale = np.where(known, spread, 1.0)
        # Rounding in the sums must not tell a deal from one that is the same.
        z = np.where(known, (seen - middle) / scale, 0.0)
        largest = np.where(known, (drawn - middle) / scale, -np.inf).max(axis=1, initial=-np.inf)
        above = (largest[:, None] >= z[None] - 1e-6).sum(axis=0)
        p = np.where(known, (1 + above) / (1 + len(drawn)), 1.0)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        return Judged(seen, middle, low, high, p)


@dataclass(frozen=True)
class Judged:
    """Figures, each of shape (k,).

    ``seen``: of the runs. ``middle``, ``low``, ``high``: mean and middle 95% of the deals. ``p``:
    corrected for how many figures there are.
    """

    seen: Floats
    middle: Floats
    low: Floats
    high: Floats
    p: Floats

    @property
    def beyond(self) -> Floats:
        """What the runs differ by more than deals do on average."""
        return self.seen - self.middle


def divergence(one: Floats, other: Floats) -> Floats:
    """Give the Jensen-Shannon divergence of distributions, in bits, 0 to 1; along the last axis.

    Both are counts, or shares: they are made to add up to 1.
    """
    p = one / np.maximum(one.sum(axis=-1, keepdims=True), 1e-12)
    q = other / np.maximum(other.sum(axis=-1, keepdims=True), 1e-12)
    middle = (p + q) / 2

    def entropy(x: Floats) -> Floats:
        found: Floats = -(x * np.log2(np.maximum(x, 1e-300))).sum(axis=-1)
        return found

    return np.maximum(entropy(middle) - (entropy(p) + entropy(q)) / 2, 0.0)
