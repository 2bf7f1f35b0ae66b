"""What differs between two runs: scores, flags, outlets, distance to the training data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from framescope.eval.drift.dealing import Deals, divergence
from framescope.eval.drift.measures import (
    DriftFigure,
    DriftMeasure,
    Floats,
    Pooled,
    Single,
    Z,
    difference_of,
    estimate_of,
    mean_of,
    share_of,
)
from framescope.eval.drift.sides import UNKNOWN, thresholds
from framescope.eval.metrics import Change, Estimate, Share
from scipy.sparse import csr_array
from scipy.special import logit
from scipy.stats import wasserstein_distance

BINS = 16
_LEAST_SHIFT = 0.1  # standard deviations of the log-odds
_LEAST_FLAGS = 0.01
_LEAST_OUTLETS, _LEAST_MIX = 0.05, 0.02
_LEAST_DISTANCE, _LEAST_FAR = 0.05, 0.02


def scores(both: Pooled, deals: Deals) -> DriftMeasure:
    """Compare how each signal's scores are spread."""
    tables = []
    for signal in both.signals:
        values, rows = both.values(signal)
        inner = np.arange(1, BINS) / BINS
        edges = np.unique(np.quantile(values, inner)) if len(values) else np.zeros(0)
        tables.append(both.counts(rows, np.searchsorted(edges, values, side="right"), BINS))
    judged = deals.judge(lambda dealt: _apart(dealt, tables))
    figures = []
    for at, signal in enumerate(both.signals):
        values, rows = both.values(signal)
        odds = logit(np.clip(values.astype(np.float64), 1e-4, 1 - 1e-4))
        now = both.is_now[rows]
        if now.all() or not now.any():
            continue
        spread = max(float(odds[~now].std()), 1e-6)
        (old, old_error), (new, new_error) = (
            mean_of(odds[which], rows[which]) for which in (~now, now)
        )
        shift, error = (new - old) / spread, Z * math.hypot(old_error, new_error) / spread
        old_share, new_share = (estimate_of(*mean_of(values[w], rows[w])) for w in (~now, now))
        figures.append(
            DriftFigure(
                signal,
                old_share,
                new_share,
                Change(shift, shift - error, shift + error),
                float(wasserstein_distance(odds[now], odds[~now])) / spread,
                _LEAST_SHIFT,
                float(judged.p[at]),
                "sd",
            )
        )
    return DriftMeasure("scores", tuple(figures))


def _apart(dealt: Single, tables: Sequence[Single]) -> Floats:
    """Say how far the distributions of both sides lie apart, by the mean gap of their shares."""
    found = np.zeros((len(dealt), len(tables)))
    new = dealt @ np.concatenate(tables, axis=1)
    for at, table in enumerate(tables):
        total = table.sum(axis=0)
        theirs = new[:, at * BINS : (at + 1) * BINS].astype(np.float64)
        ours = total - theirs
        gap = _cumulated(theirs) - _cumulated(ours)
        found[:, at] = np.abs(gap) @ (total / max(total.sum(), 1.0))
    return found


def _cumulated(counts: Floats) -> Floats:
    summed = counts.cumsum(axis=1)
    found: Floats = summed / np.maximum(summed[:, -1:], 1.0)
    return found


def flags(both: Pooled, deals: Deals) -> DriftMeasure:
    """Compare how much of either side is flagged."""
    signals = both.signals
    limits = thresholds(both.now, signals)
    flagged, counted = [], []
    for signal, limit in zip(signals, limits, strict=True):
        values, rows = both.values(signal)
        table = both.counts(rows, (values >= limit).astype(np.intp), 2)
        flagged.append(table[:, 1])
        counted.append(table.sum(axis=1))
    hits, rows_of = np.stack(flagged, axis=1), np.stack(counted, axis=1)

    def apart(dealt: Single) -> Floats:
        new, size = (dealt @ hits).astype(np.float64), (dealt @ rows_of).astype(np.float64)
        old, rest = hits.sum(axis=0) - new, rows_of.sum(axis=0) - size
        gap: Floats = np.abs(new / np.maximum(size, 1) - old / np.maximum(rest, 1))
        return gap

    judged = deals.judge(apart)
    figures = []
    for at, signal in enumerate(signals):
        sides = [share_of(hits[which, at], rows_of[which, at]) for which in both.sides]
        figures.append(difference_of(signal, sides, _LEAST_FLAGS, float(judged.p[at])))
    return DriftMeasure("flags", tuple(figures))


# --- outlets and distance -------------------------------------------------------------------------


def outlets(both: Pooled, deals: Deals) -> DriftMeasure:
    """Compare who published: new outlets, those that no registry knows, the mix of all."""
    names, code = np.unique(both.outlet, return_inverse=True)
    n = len(both.outlet)
    of = csr_array((np.ones(n, np.float32), (code, np.arange(n))), shape=(len(names), n))
    known = names != UNKNOWN
    nobody = both.outlet == UNKNOWN
    registered = np.concatenate([both.before.registered, both.now.registered])
    strange = (~registered & ~nobody).astype(np.float32)

    def figures(dealt: Single) -> Floats:
        new = (of @ dealt.T).T.astype(np.float64)
        old = of.sum(axis=1)[None] - new
        named = np.maximum(new[:, known].sum(axis=1), 1)
        fresh = (new * (old == 0))[:, known].sum(axis=1) / named
        shares = []
        for marks in (strange, nobody.astype(np.float32)):
            there, size = (dealt @ marks).astype(np.float64), dealt.sum(axis=1)
            gap = there / np.maximum(size, 1) - (marks.sum() - there) / np.maximum(n - size, 1)
            shares.append(np.abs(gap))
        return np.stack([fresh, *shares, divergence(old[:, known], new[:, known])], axis=1)

    judged = deals.judge(figures)
    seen, middle = judged.seen, judged.middle
    by_chance = Share(float(middle[0]), float(judged.low[0]), float(judged.high[0]))
    gap = float(judged.beyond[0])
    spread = Change(gap, float(seen[0] - judged.high[0]), float(seen[0] - judged.low[0]))
    found = [
        DriftFigure("new outlets", by_chance, Share(float(seen[0])), spread, gap, _LEAST_OUTLETS,
                    float(judged.p[0]), "chance"),
    ]  # fmt: skip
    for at, (name, marks) in enumerate(
        (("not in the registry", strange), ("nobody named", nobody)), start=1
    ):
        sides = [share_of(marks[w].astype(np.float32), np.ones(int(w.sum()))) for w in both.sides]
        found.append(difference_of(name, sides, _LEAST_OUTLETS, float(judged.p[at])))
    mix = Estimate(float(seen[3]), float(judged.low[3]), float(judged.high[3]))
    found.append(
        DriftFigure("mix", None, None, mix, float(judged.beyond[3]), _LEAST_MIX, float(judged.p[3]),
                    "bits")
    )  # fmt: skip
    return DriftMeasure("outlets", tuple(found))


def distances(both: Pooled, deals: Deals) -> DriftMeasure:
    """Compare how far articles lie from what the model learned from."""
    distance = np.concatenate([both.before.distance, both.now.distance])
    far = np.concatenate([both.before.far, both.now.far])
    rows = np.flatnonzero(~np.isnan(distance))
    now = both.is_now[rows]
    if now.all() or not now.any():
        return DriftMeasure("distance", note="not known of these articles: the bundle doesn't say")
    bins = np.minimum((distance[rows] * BINS).astype(np.intp), BINS - 1)
    table = both.counts(rows, bins, BINS)
    counted = both.counts(rows, far[rows].astype(np.intp), 2)

    def figures(dealt: Single) -> Floats:
        new = (dealt @ counted).astype(np.float64)
        old = counted.sum(axis=0) - new
        gap = new[:, 1] / np.maximum(new.sum(axis=1), 1) - old[:, 1] / np.maximum(
            old.sum(axis=1), 1
        )
        return np.concatenate([_apart(dealt, [table]), np.abs(gap)[:, None]], axis=1)

    judged = deals.judge(figures)
    means = [estimate_of(*mean_of(distance[rows][w], rows[w])) for w in (~now, now)]
    shares = [share_of(far[rows[w]].astype(np.float32), np.ones(int(w.sum()))) for w in (~now, now)]
    apart = float(wasserstein_distance(distance[rows][now], distance[rows][~now]))
    mean = difference_of("distance", means, _LEAST_DISTANCE, float(judged.p[0]))
    return DriftMeasure(
        "distance",
        (replace(mean, size=apart), difference_of("far", shares, _LEAST_FAR, float(judged.p[1]))),
    )
