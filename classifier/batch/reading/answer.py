"""The answer to a question in SQL, written: for a terminal, or as CSV, JSON, JSONL or Parquet."""

from __future__ import annotations

import csv
import datetime
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from framescope.classifier.cli.shared import AnswerFormat
from framescope.classifier.errors import InputError
from framescope.classifier.output import STDOUT, check, drafted
from framescope.classifier.records import printable, shortened

if TYPE_CHECKING:
    import pyarrow as pa
    from framescope.classifier.batch.reading.views import View
    from rich.console import Console

    Answer = tuple[pa.Schema, Iterator[pa.RecordBatch]]

SHOWN = 50
"""Rows that a terminal shows."""

_LONGEST = 400  # characters of a value that a terminal shows
_LEAST = 9  # of a column's width, below which rows are shown one below the other


_OF_SUFFIX = {f".{one}": one for one in AnswerFormat} | {
    ".ndjson": AnswerFormat.JSONL,
    ".txt": AnswerFormat.TERMINAL,
}


def chosen(given: AnswerFormat | None, output: Path | None) -> AnswerFormat:
    """Say how to write an answer: as given, as the file's suffix says, as suits standard output.

    Raises
    ------
    InputError
        When Parquet is to go to a terminal or a pipe, or format and suffix contradict each other.
    """
    to_file = output is not None and output != STDOUT
    named = _OF_SUFFIX.get(output.suffix.lower()) if output is not None and to_file else None
    if given is not None and named is not None and given is not named:
        reason = f"is called {named}, and --format is {given}; leave one of the two out"
        raise InputError(output or STDOUT, reason)
    form = given or named
    if form is AnswerFormat.PARQUET and not to_file:
        raise InputError("Parquet", "is no text; give --output FILE")
    watched = sys.stdout is not None and sys.stdout.isatty()
    return form or (AnswerFormat.TERMINAL if watched and not to_file else AnswerFormat.CSV)


def write(
    ask: Callable[[], Answer], form: AnswerFormat, output: Path | None, *, overwrite: bool
) -> None:
    """Ask, and write what comes as it comes; but for a terminal, whatever its size.

    Parameters
    ----------
    ask : callable
        Gives the answer's schema and its batches.
    form : AnswerFormat
    output : pathlib.Path or None
        None for standard output.
    overwrite : bool
        Whether a file that is there may be written over.

    Raises
    ------
    InputError
        When it can't be written.
    """
    check(output, overwrite=overwrite)
    schema, batches = ask()
    with drafted(output) as draft:
        if form is AnswerFormat.PARQUET:
            import pyarrow.parquet

            with pyarrow.parquet.ParquetWriter(str(draft.part or output), schema) as writer:
                for one in batches:
                    writer.write_batch(one)
            draft.worth = True
        elif form is AnswerFormat.TERMINAL:
            _show(schema, batches, draft.file)
        else:
            _WRITERS[form](schema.names, _rows(schema, batches), draft.file)


def show_views(views: Sequence[View], tables: Sequence[str], file: TextIO) -> None:
    """Write which views there are, what their columns are, and what each means."""
    from rich.table import Table
    from rich.text import Text

    console = _console(file)
    for view in views:
        console.print(Text(view.name, "bold"), Text(f" - {view.about}"), sep="")
        table = Table.grid(padding=(0, 2))
        shares = [name for name in view.columns if f"{name}_low" in view.columns]
        folded = {f"{name}{end}" for name in shares for end in ("_low", "_high", "_n")}
        for name, meaning in view.columns.items():
            if name not in folded:
                more = Text(" *", "dim") if name in shares else Text()
                table.add_row("", Text(name) + more, Text(meaning))
        console.print(table)
        console.print()
    if any(f"{name}_n" in view.columns for view in views for name in view.columns):
        console.print("* with NAME_low and NAME_high, its 95% interval, and NAME_n, of how many.")
    console.print(f"The run's tables: {', '.join(tables)}. DESCRIBE NAME lists the columns of any.")
    _flush(console, file)


def _show(schema: pa.Schema, batches: Iterator[pa.RecordBatch], file: TextIO) -> None:
    from rich.table import Table
    from rich.text import Text

    rows = _rows(schema, batches)
    shown = list(islice(rows, SHOWN))
    more = next(rows, None) is not None
    console = _console(file)
    cells = [[_cell(value) for value in row] for row in shown]
    number = [any(isinstance(row[at], (int, float)) for row in shown) for at in range(len(schema))]
    if console.width // max(len(schema), 1) >= _LEAST:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
        for name, right in zip(schema.names, number, strict=True):
            table.add_column(
                Text(printable(name)), justify="right" if right else "left", overflow="fold"
            )
        for row in cells:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for row in cells:
            table = Table.grid(padding=(0, 2))
            for name, value in zip(schema.names, row, strict=True):
                table.add_row(Text(printable(name), "bold"), Text(value))
            console.print(table)
            console.print()
    if not shown:
        console.print("No rows.")
    if more:
        console.print(f"The first {SHOWN} rows; --output FILE writes all, LIMIT asks for fewer.")
    _flush(console, file)


def _console(file: TextIO) -> Console:
    from io import StringIO

    from rich.console import Console

    return Console(file=file) if file.isatty() else Console(file=StringIO(), width=110)


def _flush(console: Console, file: TextIO) -> None:
    """Hand on what was drawn for no terminal, without the spaces that fill its lines up."""
    if console.file is not file:
        lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
        file.writelines(line.rstrip() + "\n" for line in lines)


def _rows(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[list[Any]]:
    """Give plain values, a row a list: single precision as it is read, and no number for none."""
    import pyarrow as pa
    from numpy import float32

    def short(value: float | None) -> float | None:
        return value if value is None else float(str(float32(value)))

    single = [pa.types.is_float32(kind) for kind in schema.types]
    for batch in batches:
        columns = [
            list(map(short, column.to_pylist())) if is_single else column.to_pylist()
            for column, is_single in zip(batch.columns, single, strict=True)
        ]
        for row in zip(*columns, strict=True):
            yield [_plain(value) for value in row]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return shortened(value if isinstance(value, str) else str(value), _LONGEST)


def _csv(names: Sequence[str], rows: Iterator[list[Any]], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_field(value) for value in row])


def _field(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def _jsonl(names: Sequence[str], rows: Iterator[list[Any]], file: TextIO) -> None:
    for row in rows:
        file.write(_object(names, row) + "\n")


def _json(names: Sequence[str], rows: Iterator[list[Any]], file: TextIO) -> None:
    before = "[\n"
    for row in rows:
        file.write(before + _object(names, row))
        before = ",\n"
    file.write("\n]\n" if before == ",\n" else "[]\n")


def _object(names: Sequence[str], row: Sequence[Any]) -> str:
    return json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)


_WRITERS = {AnswerFormat.CSV: _csv, AnswerFormat.JSONL: _jsonl, AnswerFormat.JSON: _json}
