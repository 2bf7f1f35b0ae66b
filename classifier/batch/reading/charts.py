"""What the overview's charts are drawn from: places in per cent or in units, and words beside them.

Every chart stands in a table, or has one behind it; none says by colour alone what it says.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from framescope.classifier.batch.reading.shares import Measure

WIDTH, HEIGHT = 320, 96
"""Of a chart over time, in its own units."""

_LEFT, _TOP, _BOTTOM = 34, 8, 18
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Portion:
    """A share, its interval, and of how many; None where it isn't known."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def words(self) -> str:
        """The share and its interval: "12% (9.1% to 15%)"."""
        if self.value is None:
            return "unknown"
        if self.low is None or self.high is None:
            return f"{percent(self.value)} (no interval)"
        return f"{percent(self.value)} ({percent(self.low)} to {percent(self.high)})"


@dataclass(frozen=True, slots=True)
class Dot:
    """A row of a chart of shares; places are in per cent of its width."""

    label: str
    share: Portion
    at: float
    left: float
    right: float
    cut: bool  # the interval goes on beyond the chart


@dataclass(frozen=True, slots=True)
class Dots:
    """A measure of outlets side by side."""

    measure: Measure
    top: float  # the share at its right end
    all: Dot
    rows: tuple[Dot, ...]  # the largest share first, then those without interval, or share


@dataclass(frozen=True, slots=True)
class Moment:
    """A share of a day, week, month or year, in the units of its chart."""

    label: str
    share: Portion
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Course:
    """A measure of one outlet, or of all, over time."""

    label: str
    top: float
    moments: tuple[Moment, ...]  # those that have a share
    line: str  # paths of SVG
    band: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Stack:
    """An outlet's claims by the best source that is given for them."""

    label: str
    claims: int
    parts: tuple[tuple[str, float, float, Portion], ...]  # name, start and width in per cent, share


def percent(value: float) -> str:
    """Write a share: one decimal below ten per cent, and never nothing for what is something."""
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{100 * value:.1f}%" if 0 < value < 0.0995 else f"{100 * value:.0f}%"


def share(row: Mapping[str, Any], name: str) -> Portion:
    """Take a measure's share out of a row of `batch.reading.shares.shares`."""
    return Portion(row[name], row[f"{name}_low"], row[f"{name}_high"], row[f"{name}_n"] or 0)


def dots(
    measure: Measure,
    of_all: Mapping[str, Any],
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    last: str | None,
) -> Dots | None:
    """Lay a measure out, outlets side by side; None where nothing of it is known.

    The row that is labelled `last` is.
    """
    found = [(label, share(row, measure.name)) for label, row in rows]
    known = [one for _, one in found if one.value is not None]
    if not known:
        return None
    top = _top(known)
    # What stands on a single text is no match for the rest, however large.
    found.sort(
        key=lambda pair: (
            pair[0] == last,
            pair[1].value is None,
            pair[1].low is None,
            -(pair[1].value or 0),
            -pair[1].n,
        )
    )
    placed = tuple(_dot(label, one, top) for label, one in found)
    return Dots(measure, top, _dot("All outlets", share(of_all, measure.name), top), placed)


def courses(
    name: str,
    periods: Sequence[datetime.date],
    unit: str,
    groups: Iterable[tuple[str, Mapping[datetime.date, Mapping[str, Any]]]],
) -> tuple[Course, ...]:
    """Lay a measure out over time: charts of one scale, of all and of some outlets."""
    found = [
        (label, [(at, share(rows[at], name)) for at in periods if at in rows])
        for label, rows in groups
    ]
    known = [one for _, pairs in found for _, one in pairs if one.value is not None]
    if not known:
        return ()
    top = _top(known)
    return tuple(_course(label, pairs, periods, unit, top) for label, pairs in found)


def stack(label: str, row: Mapping[str, Any], names: Mapping[str, str]) -> Stack:
    """Lay an outlet's claims out; `names` are measures that add up, with their keys."""
    start, parts = 0.0, []
    for key, name in names.items():
        one = share(row, name)
        width = 100 * (one.value or 0)
        parts.append((key, start, width, one))
        start += width
    return Stack(label, int(share(row, next(iter(names.values()))).n), tuple(parts))


def period(at: datetime.date, unit: str) -> str:
    """Name a day, week, month or year."""
    if unit == "week":
        return f"week of {at.isoformat()}"
    return at.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]


def _top(known: Sequence[Portion]) -> float:
    """Choose where a scale ends: with room for every share, and for most intervals."""
    highs = [one.high for one in known if one.high is not None]
    need = max(1.15 * max(one.value or 0 for one in known), 1.1 * median(highs) if highs else 0)
    return next((step for step in _STEPS if step >= need), 1.0)


def _dot(label: str, one: Portion, top: float) -> Dot:
    def at(value: float | None) -> float:
        return round(100 * min((value or 0) / top, 1), 2)

    cut = one.high is not None and one.high > top
    return Dot(label, one, at(one.value), at(one.low), at(one.high), cut)


def _course(
    label: str,
    pairs: Sequence[tuple[datetime.date, Portion]],
    periods: Sequence[datetime.date],
    unit: str,
    top: float,
) -> Course:
    step = (WIDTH - _LEFT - 8) / max(len(periods) - 1, 1)
    column = {day: _LEFT + step * number for number, day in enumerate(periods)}

    def y(value: float) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - min(value / top, 1)), 1)

    moments, line, bands = [], [], []
    before = -2
    places = {day: number for number, day in enumerate(periods)}
    for day, one in pairs:
        if one.value is None:
            continue
        x = round(column[day], 1)
        moments.append(Moment(period(day, unit), one, x, y(one.value)))
        # What lies on both sides of a day without articles isn't joined.
        line.append(f"{'L' if places[day] == before + 1 else 'M'}{x} {y(one.value)}")
        before = places[day]
        if one.low is not None and one.high is not None:
            half = min(step / 2, 4)
            bands.append(
                f"M{x - half:.1f} {y(one.low)}H{x + half:.1f}V{y(one.high)}H{x - half:.1f}Z"
            )
    return Course(
        label, top, tuple(moments), "".join(line), "".join(bands),
        period(periods[0], "day"), period(periods[-1], "day"),
    )  # fmt: skip


def ticks(top: float) -> Iterator[tuple[float, str]]:
    """Give a scale's marks: places in per cent of it, and what stands there."""
    for part in (0, 0.5, 1):
        yield 100 * part, percent(part * top) if part else "0"


def unit_for(days: int) -> str:
    """Choose what an overview over so many days counts by."""
    limits = {"day": 45, "week": 45 * 7, "month": 60 * 31}
    return next((unit for unit, limit in limits.items() if days <= limit), "year")


def steps(first: datetime.date, last: datetime.date, unit: str) -> list[datetime.date]:
    """List the periods from one to another; both begin one."""
    found = [first]
    while found[-1] < last:
        at = found[-1]
        if unit == "day":
            found.append(at + datetime.timedelta(1))
        elif unit == "week":
            found.append(at + datetime.timedelta(7))
        elif unit == "month":
            found.append((at.replace(day=1) + datetime.timedelta(32)).replace(day=1))
        else:
            found.append(at.replace(year=at.year + 1))
    return found
