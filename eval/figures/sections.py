"""What one part of the harness found, as tables: printed, laid out as HTML, or written as JSON.

Whatever measures something says it in these values, once; how they look is decided where they are
shown. A cell holds the number itself, so that JSON loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.figures.estimate import Change, Estimate

if TYPE_CHECKING:
    from eval.figures.resample import Interval

UNDEFINED = "undefined"

Cell = str | int | float | Estimate | None
"""Text, a count, a figure, or a figure with its interval; None or NaN is undefined."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its first column names the rows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Results of one part of the harness.

    Attributes
    ----------
    note : str
        What was measured and what to make of it.
    tables : tuple of Table
    """

    note: str
    tables: tuple[Table, ...] = ()


def figure(value: float | None, digits: int = 3) -> str:
    """Write a number; what is undefined is called so."""
    if value is None or math.isnan(value):
        return UNDEFINED
    return f"{value:.{digits}f}"


def estimate(given: Estimate | None) -> str:
    """Write a figure with its interval; None is a signal that a model doesn't give."""
    if given is None:
        return "not given"
    if math.isnan(given.value):
        return UNDEFINED
    form = "+.3f" if isinstance(given, Change) else ".3f"
    if math.isnan(given.low):
        return f"{given.value:{form}} (interval {UNDEFINED})"
    return f"{given.value:{form}} ({given.low:{form}} to {given.high:{form}})"


def cell(value: Cell) -> str:
    """Write a cell."""
    match value:
        case str():
            return value
        case Estimate():
            return estimate(value)
        case int():
            return f"{value:,}"
    return figure(value)


def with_interval(value: float, interval: Interval) -> Estimate:
    """Put a figure and its interval into one cell."""
    return Estimate(value, interval.low, interval.high)


def print_section(section: Section) -> None:
    """Print the tables, then the note, to standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Printed
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        # A file has no edge to wrap at.
        console = Console(highlight=False, width=200)
    for table in section.tables:
        printed = Printed(
            title=table.caption, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        for heading, worded in zip(table.columns, _worded(table), strict=True):
            printed.add_column(heading, justify="left" if worded else "right")
        for row in table.rows:
            printed.add_row(*(Text(cell(value)) for value in row))
        console.print(printed)
    console.print(section.note, markup=False)


def _worded(table: Table) -> Sequence[bool]:
    """Tell which columns hold words, which stand on the left; figures stand on the right."""
    return [
        any(isinstance(value, str) for value in column) for column in zip(*table.rows, strict=True)
    ] or [True] * len(table.columns)
