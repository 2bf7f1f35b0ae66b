"""How sections look in a terminal, in Markdown, in JSON and on a page.

An undefined number is `eval.sections.UNDEFINED` everywhere but in JSON, where it is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from framescope.classifier.output import opened
from framescope.classifier.records import printable
from framescope.classifier.reports import environment_of, style
from framescope.eval.sections import UNDEFINED, Cell, Change, Estimate, Section, Share, Table

if TYPE_CHECKING:
    from rich.console import Console

Line = tuple[str, ...]
STAR = " *"
_FILE_WIDTH = 200  # a file has no edge to wrap at
_LONGEST_HEADING = 18  # of a model, where rows stand in groups: they are to fit 80 columns


def show_section(
    section: Section,
    form: str = "terminal",
    output: Path | None = None,
    record: Mapping[str, Any] | None = None,
) -> None:
    """Write a section to standard output or to a file; as JSON ``record``, if that holds more."""
    with opened(output) as file:
        if form == "terminal":
            print_section(section, file)
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
        return f"{value:.{digits}f}"
    low, high = value.low, value.high
    if isinstance(value, Change):
        star = STAR if low > 0 or high < 0 else ""
        ends = UNDEFINED if math.isnan(low) else f"{low:+.3f}, {high:+.3f}"
        return f"{value.value:+.3f} [{ends}]{star}"
    form = ".2%" if isinstance(value, Share) else f".{interval_digits}f"
    ends = f"interval {UNDEFINED}" if math.isnan(low) else f"{low:{form}} to {high:{form}}"
    return f"{value.value:{'.2%' if isinstance(value, Share) else '.3f'}} ({ends})"


def _cells(table: Table) -> list[Line]:
    digits = table.digits, table.interval_digits
    return [tuple(cell(value, *digits) for value in row) for row in table.rows]


def _worded(table: Table) -> Sequence[bool]:
    """Return which columns hold words, which stand on the left; figures stand on the right."""
    columns = zip(*table.rows, strict=True) if table.rows else ("x",) * len(table.columns)
    return [any(isinstance(value, str) and value for value in column) for column in columns]


def _groups(table: Table) -> list[tuple[Line, list[Line]]]:
    """Return each head with the other cells of its rows; one column alone is no head."""
    cut, cells = table.heads, _cells(table)
    if cut == 1:
        return [(row[:1], [row[1:]]) for row in cells]
    groups = groupby(cells, key=lambda row: row[:cut])
    return [(head, [row[cut:] for row in rows]) for head, rows in groups]


def print_section(section: Section, file: TextIO | None = None, width: int | None = None) -> None:
    """Print the tables, then the note and the signature, to a file or standard output."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, width=width, highlight=False)
    if width is None and not console.is_terminal:
        console = Console(file=file, width=_FILE_WIDTH, highlight=False)
    for table in section.tables:
        (_print_groups if table.heads > 1 else _print_table)(table, console)
        if table.note:
            console.print(Text(table.note), "\n", sep="")
    if section.note:
        console.print(Text(section.note))
    if section.signature:
        console.print(Text(section.signature, "dim"), soft_wrap=True)


def _print_table(table: Table, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Printed
    from rich.text import Text

    printed = Printed(
        title=table.caption, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for heading, worded in zip(table.columns, _worded(table), strict=True):
        printed.add_column(heading, justify="left" if worded else "right")
    for row in _cells(table):
        printed.add_row(*map(Text, row))
    console.print(printed)


def _print_groups(table: Table, console: Console) -> None:
    """Print each head on lines of its own, and its rows below, so that they fit 80 columns."""
    from rich.text import Text

    cut, sides = table.heads, _worded(table)[table.heads :]
    columns = zip(table.columns[cut:], *(row[cut:] for row in _cells(table)), strict=True)
    widths = [
        max(min(len(heading), _LONGEST_HEADING), *map(len, values)) for heading, *values in columns
    ]

    def print_line(row: Line, style: str) -> None:
        cells = []
        for value, width, worded in zip(row, widths, sides, strict=True):
            fitting = value if len(value) <= width else f"{value[: width - 1]}…"
            cells.append(fitting.ljust(width) if worded else fitting.rjust(width))
        console.print(Text(f"  {'  '.join(cells)}".rstrip(), style), soft_wrap=True)

    console.print(Text(table.caption, "bold underline"), soft_wrap=True)
    print_line(table.columns[cut:], "underline")
    for head, rows in _groups(table):
        console.print(Text(head[0], "bold"))
        counts = zip(table.columns[1:cut], head[1:], strict=True)
        counted = "; ".join(f"{name}: {value}" for name, value in counts)
        console.print(Text(f"  {counted}", "dim"))
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
    sides = ["---" if worded else "---:" for worded in _worded(table)]
    lines = [table.columns, sides]
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

    def cells(table: Table) -> Iterator[list[tuple[str, bool]]]:
        for row, line in zip(table.rows, _cells(table), strict=True):
            yield [(value, isinstance(one, str)) for one, value in zip(row, line, strict=True)]

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
