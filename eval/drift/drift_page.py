"""A comparison as one page: the verdict, and what has changed drawn beside what has not.

Every drawing stands in a table or has one behind it, and none says by colour alone what it says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.records import shortened
from framescope.classifier.reports import environment_of, style
from framescope.classifier.taxonomy import BY_NAME
from framescope.eval.drift.measures import DriftFigure, DriftMeasure, said
from framescope.eval.drift.sides import UNKNOWN, DriftSide
from framescope.eval.drift.verdicts import NAMES, DriftReport, ordered, shown_p
from framescope.eval.metrics import Estimate
from scipy.special import logit

WIDTH, HEIGHT = 220, 74
_ODDS = np.linspace(-5, 5, 25)
_OUTLETS, _NEW = 12, 6  # the largest, and the largest that are new
_BINS = 10
_NAME = 40


@dataclass(frozen=True, slots=True)
class DrawnSpread:
    """How a figure is spread on both sides: paths of SVG."""

    title: str
    label: str
    changed: bool
    before: str
    now: str
    left: str
    right: str
    said: str


@dataclass(frozen=True, slots=True)
class PairedDots:
    """A figure of both sides on one scale, in per cent of its width."""

    label: str
    changed: bool
    sides: tuple[tuple[str, float, float, float, str], ...]  # which, at, left, right, in words
    effect: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was observed of what was expected, by parts of equal size."""

    label: str
    changed: bool
    points: tuple[tuple[float, float, float, float, str], ...]  # x, y, low, high, in words
    said: str


def to_html(report: DriftReport) -> str:
    """Write a comparison as one HTML page that needs nothing else."""
    environment = environment_of("upkeep.drift")
    environment.filters |= {
        "name": lambda key: NAMES[key],
        "p": shown_p,
        "number": lambda value: f"{value:,}",
        "short": lambda text: shortened(str(text), _NAME),
    }
    both = isinstance(report.before, DriftSide)
    measures = {one.name: one for one in report.measures}
    return environment.get_template("drift.html").render(
        report=report,
        both=both,
        measures=measures,
        ordered=ordered,
        spreads=tuple(_spreads(report, measures)),
        distances=_distances(report, measures),
        flags=tuple(_dots(measures.get("flags"))),
        outlets=tuple(_outlets(report)),
        reliability=tuple(_reliability(report, measures.get("calibration"))),
        size=(WIDTH, HEIGHT),
        version=__version__,
        style=style("upkeep.drift", "drift.css"),
        script="",
    )


def _steps(shares: Sequence[float], top: float) -> str:
    """Draw a histogram's outline."""
    width = WIDTH / len(shares)
    path = [f"M0 {HEIGHT - 14}"]
    for at, share in enumerate(shares):
        y = (HEIGHT - 14) * (1 - share / top) + 2 * share / top
        path.append(f"L{at * width:.1f} {y:.1f}L{(at + 1) * width:.1f} {y:.1f}")
    return "".join(path) + f"L{WIDTH} {HEIGHT - 14}"


def _pair(before: np.ndarray | None, now: np.ndarray, edges: np.ndarray) -> tuple[str, str]:
    parts = [
        None if one is None else np.histogram(one, edges)[0] / max(len(one), 1)
        for one in (before, now)
    ]
    top = max(float(one.max()) for one in parts if one is not None) or 1.0
    old, new = ("" if one is None else _steps(one.tolist(), top) for one in parts)
    return old, new


def _spreads(report: DriftReport, measures: dict[str, DriftMeasure]) -> Iterator[DrawnSpread]:
    scores, before = measures.get("scores"), report.before
    if scores is None or not scores.figures or not isinstance(before, DriftSide):
        return
    for figure in ordered(scores):
        sides = []
        for side in (before, report.now):
            values = side.scores[figure.name]
            odds = logit(np.clip(values[~np.isnan(values)].astype(float), 1e-4, 1 - 1e-4))
            sides.append(np.clip(odds, _ODDS[0], _ODDS[-1]))
        old, new = _pair(sides[0], sides[1], _ODDS)
        yield DrawnSpread(
            figure.name, BY_NAME[figure.name].label, figure.name in scores.found, old, new,
            "0.01", "0.99",
            f"moved by {figure.effect.value:+.2f} standard deviations",
        )  # fmt: skip


def _distances(report: DriftReport, measures: dict[str, DriftMeasure]) -> DrawnSpread | None:
    found, before = measures.get("distance"), report.before
    if found is None or not found.figures:
        return None
    now = report.now.distance[~np.isnan(report.now.distance)]
    edges = np.linspace(0, 1, 21)
    # Of articles that were held out, every distance is as frequent.
    even = (np.arange(200) + 0.5) / 200
    old = before.distance[~np.isnan(before.distance)] if isinstance(before, DriftSide) else even
    paths = _pair(old, now, edges)
    mean = next(one for one in found.figures if one.name == "distance")
    what = "mean {} before, {} now".format(*mean.words[:2])
    return DrawnSpread("distance", "distance", bool(found.found), *paths, "near", "far", what)


def _dots(measure: DriftMeasure | None) -> Iterator[PairedDots]:
    if measure is None or not measure.figures:
        return
    for figure in ordered(measure):
        ends = [one.high for one in (figure.before, figure.now) if one is not None]
        top = max(0.02, *(one for one in ends if not math.isnan(one)))
        sides = tuple(
            (which, *_places(one, top), said(one))
            for which, one in (("before", figure.before), ("now", figure.now))
            if one is not None
        )
        yield PairedDots(
            BY_NAME[figure.name].label, figure.name in measure.found, sides, _points(figure)
        )


def _places(one: Estimate, top: float) -> tuple[float, float, float]:
    low, high = (one.value if math.isnan(x) else x for x in (one.low, one.high))
    at, left, right = (100 * min(max(x / top, 0.0), 1.0) for x in (one.value, low, high))
    return at, left, right


def _points(figure: DriftFigure) -> str:
    one = figure.effect
    return f"{100 * one.value:+.1f} points ({100 * one.low:+.1f} to {100 * one.high:+.1f})"


def _outlets(report: DriftReport) -> Iterator[dict[str, Any]]:
    """Give the outlets with the most articles, then new ones, and their share on either side."""
    now, before = report.now, report.before
    sides: list[Counter[str]] = [Counter(now.outlet.tolist())]
    sides.append(Counter(before.outlet.tolist()) if isinstance(before, DriftSide) else Counter())
    together = sum(sides, Counter())
    named = {**(before.called if isinstance(before, DriftSide) else {}), **now.called}
    top = max(max(side.values(), default=0) / max(side.total(), 1) for side in sides) or 1.0
    fresh = Counter({key: n for key, n in sides[0].items() if not sides[1][key]})
    shown = [key for key, _ in together.most_common(_OUTLETS)]
    shown += [key for key, _ in fresh.most_common(_NEW) if sides[1] and key not in shown]
    for key in shown:
        shares = [side[key] / max(side.total(), 1) for side in sides]
        yield {
            "name": "nobody named" if key == UNKNOWN else named.get(key) or key,
            "now": shares[0],
            "before": shares[1],
            "widths": [100 * one / top for one in shares],
            "new": not sides[1][key] and bool(sides[1]) and key != UNKNOWN,
        }


def _reliability(report: DriftReport, measure: DriftMeasure | None) -> Iterator[Reliability]:
    if measure is None:
        return
    for figure in ordered(measure):
        one = report.labels[figure.name]
        order = np.argsort(one.proba, kind="stable")
        points = []
        for rows in np.array_split(order, min(_BINS, max(len(order) // 10, 1))):
            expected, seen = float(one.proba[rows].mean()), float(one.positive[rows].mean())
            half = 1.96 * math.sqrt(max(seen * (1 - seen), 0.01) / len(rows))
            low, high = max(seen - half, 0.0), min(seen + half, 1.0)
            words = f"expected {expected:.0%}, observed {seen:.0%}, of {len(rows):,}"
            points.append(
                (100 * expected, 100 - 100 * seen, 100 - 100 * low, 100 - 100 * high, words)
            )
        yield Reliability(
            BY_NAME[figure.name].label, figure.name in measure.found, tuple(points),
            figure.words[2],
        )  # fmt: skip
