"""Results as values without any layout: figures, tables, plots, and the sections that hold them.

`eval.report.layout` decides how they look. A cell holds the number itself: JSON loses nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

HIDDEN = {"json": False}  # metadata of a field that no JSON holds
UNDEFINED = "undefined"  # a figure without positives, say, or of a signal that isn't given


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95% interval; NaN where undefined."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class Change(Estimate):
    """A difference of two figures: written with its sign, and a star where 0 is left out."""


@dataclass(frozen=True, slots=True)
class Share(Estimate):
    """A share of a whole, written in per cent."""


Cell = str | int | float | Estimate | None  # None or NaN is undefined


@dataclass(frozen=True, slots=True)
class Table:
    """A table, with a note below it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    # How many of the first columns name the subject of a row; digits of figures, and of the ends of
    # intervals (differences have 3).
    heads: int = field(default=1, metadata=HIDDEN)
    note: str = field(default="", metadata=HIDDEN)
    digits: int = field(default=3, metadata=HIDDEN)
    interval_digits: int = field(default=3, metadata=HIDDEN)


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing (an SVG element), and its numbers for readers who can't see it."""

    title: str
    svg: str
    numbers: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Results, and how to read them; ``signature`` identifies bundles, rows and settings."""

    note: str
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = field(default=(), metadata=HIDDEN)
    signature: str = field(default="", metadata=HIDDEN)


def table(
    caption: str, columns: Iterable[str], rows: Iterable[tuple[Cell, ...]], **options: Any
) -> Table:
    """Make a table of any iterables; ``options`` are the other fields of `Table`."""
    return Table(caption, tuple(columns), tuple(rows), **options)
