"""Results as values without any layout: figures, tables, plots, and the sections that hold them.

Every measurement returns these; `eval.report.layout` alone decides how they look in a terminal, in
Markdown, in JSON and on a page. A cell holds the number itself, so that JSON loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

UNDEFINED = "undefined"
"""How an undefined figure is printed: without positives, say, or of a signal that isn't given."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval; NaN at both ends where undefined."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95% interval; NaN where undefined."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of(cls, value: float, interval: Interval) -> Self:
        """Put a figure and its interval together."""
        return cls(value, interval.low, interval.high)


@dataclass(frozen=True, slots=True)
class Change(Estimate):
    """A difference of two figures: written with its sign, and a star where 0 is left out."""


@dataclass(frozen=True, slots=True)
class Share(Estimate):
    """A share of a whole, written in per cent."""


Cell = str | int | float | Estimate | None
"""Text, a count, a figure, or a figure with its interval; None or NaN is undefined."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    ``rows``: as many cells as there are columns. ``heads``: how many of the first columns name
    the subject of a row; they are written once where the next row has the same. ``note``: stands
    below it. ``digits``, ``interval_digits``: decimals of figures without an interval, and of the
    ends of intervals; differences have 3.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    heads: int = 1
    note: str = ""
    digits: int = 3
    interval_digits: int = 3


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing, and its numbers for readers who can't see it.

    ``svg``: an element for a page, see `eval.report.plots`. ``small``: one of many similar ones,
    which stand side by side.
    """

    title: str
    svg: str
    numbers: tuple[Table, ...]
    small: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Results of one part of the harness.

    ``note``: what was measured and how to read it. ``plots``: shown on a page, before the tables.
    ``signature``: one line that identifies bundles, rows and settings; empty where something else
    does.
    """

    note: str
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    signature: str = ""


def table(
    caption: str, columns: Iterable[str], rows: Iterable[tuple[Cell, ...]], **options: Any
) -> Table:
    """Make a table of any iterables; ``options`` are the other fields of `Table`."""
    return Table(caption, tuple(columns), tuple(rows), **options)
