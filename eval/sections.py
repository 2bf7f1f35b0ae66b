"""Results as figures, tables and sections, and how they look: terminal, Markdown, JSON, page."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from framescope.classifier.output import opened
from framescope.classifier.records import printable
from framescope.classifier.reports.document import environment_of, style

HIDDEN = {"json": False}  # metadata of a field that no JSON holds
UNDEFINED = "undefined"  # a figure without positives, say, or of a signal that isn't given
STAR = " *"
_FILE_WIDTH = 200  # a file has no edge to wrap at
_LONGEST_HEADING = 18  # of a model, where rows stand in groups: they are to fit 80 columns
Line = tuple[str, ...]


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


Cell = str | int | float | Estimate | None  # None or NaN is undefined: `UNDEFINED`, in JSON null
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, with a note below it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    heads: int = field(default=1, metadata=HIDDEN)  # columns that name the subject of a row
    note: str = field(default="", metadata=HIDDEN)
    digits: int = field(default=3, metadata=HIDDEN)
    interval_digits: int = field(default=3, metadata=HIDDEN)  # differences have 3


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


def table(caption: str, columns: Iterable[str], rows: Iterable[Row], **options: Any) -> Table:
    """Make a table of any iterables; ``options`` are the other fields of `Table`."""
    return Table(caption, tuple(columns), tuple(rows), **options)


def show_section(
    section: Section, form: str = "terminal", output: Path | None = None, record: Any = None
) -> None:
    """Write a section to standard output or to a file; as JSON ``record``, if that holds more."""
    with opened(output) as file:
        if form == "terminal":
            _print_section(section, file)
        elif form == "json":
            file.write(json_text(record or section))
        else:
            file.write(section_to_markdown(section))


def cell(value: Cell, digits: int = 3, interval_digits: int = 3) -> str:
    """Write a cell."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, int):
        return f"{value:,}"
    known = value.value if isinstance(value, Estimate) else value
    if known is None or math.isnan(known):
        return UNDEFINED
    if not isinstance(value, Estimate):
        return f"{known:.{digits}f}"
    low, high = value.low, value.high
    if isinstance(value, Change):
        ends = UNDEFINED if math.isnan(low) else f"{low:+.3f}, {high:+.3f}"
        return f"{known:+.3f} [{ends}]{STAR if low > 0 or high < 0 else ''}"
    form, of_ends = (".2%",) * 2 if isinstance(value, Share) else (".3f", f".{interval_digits}f")
    ends = f"interval {UNDEFINED}" if math.isnan(low) else f"{low:{of_ends}} to {high:{of_ends}}"
    return f"{known:{form}} ({ends})"


def _cells(table: Table) -> list[Line]:
    digits = table.digits, table.interval_digits
    return [tuple(cell(value, *digits) for value in row) for row in table.rows]


def _worded(table: Table) -> Sequence[bool]:
    """Return which columns hold words, which stand on the left; figures stand on the right."""
    columns = zip(*table.rows, strict=True) if table.rows else ("x",) * len(table.columns)
    return [any(isinstance(value, str) and value for value in column) for column in columns]


def _groups(table: Table) -> list[tuple[Line, list[Line]]]:
    """Return each head with the other cells of its rows; one column alone is no head."""
    cut = table.heads
    if cut == 1:
        return [(row[:1], [row[1:]]) for row in _cells(table)]
    groups = groupby(_cells(table), key=lambda row: row[:cut])
    return [(head, [row[cut:] for row in rows]) for head, rows in groups]


def _print_section(section: Section, file: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    for table in section.tables:
        (_print_groups if table.heads > 1 else _print_table)(table, console)
        if table.note:
            console.print(Text(table.note), "\n", sep="")
    if section.note:
        console.print(Text(section.note))
    if section.signature:
        console.print(Text(section.signature, "dim"), soft_wrap=True)


def _print_table(table: Table, console: Any) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Printed
    from rich.text import Text

    printed = Printed(title=table.caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    printed.title_justify = "left"
    for heading, worded in zip(table.columns, _worded(table), strict=True):
        printed.add_column(heading, justify="left" if worded else "right")
    for row in _cells(table):
        printed.add_row(*map(Text, row))
    console.print(printed)


def _print_groups(table: Table, console: Any) -> None:
    """Print each head on lines of its own, and its rows below, so that they fit 80 columns."""
    from rich.text import Text

    cut, sides = table.heads, _worded(table)[table.heads :]
    columns = zip(table.columns[cut:], *(row[cut:] for row in _cells(table)), strict=True)
    widths = [max(min(len(one[0]), _LONGEST_HEADING), *map(len, one[1:])) for one in columns]

    def print_line(row: Line, style: str) -> None:
        line = ""
        for value, width, worded in zip(row, widths, sides, strict=True):
            fitting = value if len(value) <= width else f"{value[: width - 1]}…"
            line += f"  {fitting:{'<' if worded else '>'}{width}}"
        console.print(Text(line.rstrip(), style), soft_wrap=True)

    console.print(Text(table.caption, "bold underline"), soft_wrap=True)
    print_line(table.columns[cut:], "underline")
    for head, rows in _groups(table):
        console.print(Text(head[0], "bold"))
        counts = map(": ".join, zip(table.columns[1:cut], head[1:], strict=True))
        console.print(Text(f"  {'; '.join(counts)}", "dim"))
        for row in rows:
            print_line(row, "bold" if any(value.endswith(STAR) for value in row) else "")


def section_to_markdown(section: Section) -> str:
    """Write a section for a document."""
    parts = []
    for table in section.tables:
        caption = f"### {table.caption}\n" if table.caption else ""
        parts += [caption, markdown_table(table) + "\n", table.note and f"{table.note}\n"]
    parts.append(section.note and section.note.replace("*", "\\*") + "\n")
    parts.append(section.signature and f"`{section.signature}`\n")
    return "\n".join(filter(None, parts))


def markdown_table(table: Table) -> str:
    """Write a table without its caption."""
    lines = [table.columns, tuple("---" if worded else "---:" for worded in _worded(table))]
    for head, rows in _groups(table):
        blank = ("",) * len(head)
        lines += [((blank if at else head) + row) for at, row in enumerate(rows)]
    escaped = ([value.replace("|", "\\|") for value in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def json_text(value: Any) -> str:
    """Write values, sections among them, as JSON."""
    return json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Convert values to what JSON can express; undefined numbers are null."""
    match value:
        case float():
            return None if math.isnan(value) else value
        case str() | int() | None:
            return value
        case np.ndarray() | np.generic():
            return plain(value.tolist())
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence():
            return [plain(item) for item in value]
    if is_dataclass(value):
        shown = (item.name for item in fields(value) if item.metadata.get("json", True))
        return {name: plain(getattr(value, name)) for name in shown}
    raise TypeError(f"nothing in JSON for {type(value).__name__}")


def page(template: str, **values: Any) -> str:
    """Lay out a page of this package; in templates ``section | page | safe`` lays one out."""
    made = environment_of("framescope.eval.report")

    def cells(table: Table) -> Iterator[Iterator[tuple[str, bool]]]:
        for row, line in zip(table.rows, _cells(table), strict=True):
            yield zip(line, (isinstance(one, str) for one in row), strict=True)

    made.filters |= {
        "cell": cell,
        "cells": cells,
        "sided": lambda table: zip(table.columns, _worded(table), strict=True),
        "page": lambda section: made.get_template("section.html").render(section=section),
    }
    values |= {"style": style("framescope.eval.report", "report.css"), "script": ""}
    return made.get_template(template).render(**values)


def sections_to_html(title: str, lead: str, sections: Mapping[str, Section], signature: str) -> str:
    """Lay sections out as one HTML page, by their headings, with a sentence below its title."""
    return page("sections.html", title=title, lead=lead, sections=sections, signature=signature)
