"""The commands `batch`, `query` and `overview`, and how the answer to a query is written."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from framescope.classifier import output as outputs
from framescope.classifier.cli import shared
from framescope.classifier.errors import InputError, need
from framescope.classifier.records import counted, printable, shortened
from typer import Argument, Option

if TYPE_CHECKING:
    import pyarrow as pa
    from framescope.classifier.batch.reading import Database, View
    from rich.console import Console

_SHOWN = 50  # rows that a terminal shows
_LONGEST = 400  # characters of a value that a terminal shows
_NARROWEST = 9  # columns of a terminal for each column of an answer; narrower rows are stacked
_SUFFIXES = {f".{form}": form for form in get_args(shared.AnswerFormat)}
_SUFFIXES |= {".ndjson": "jsonl", ".txt": "terminal"}


def batch(
    output: Annotated[Path, shared.To(metavar="RUN", help="The folder of the run.")],
    inputs: Annotated[
        list[str] | None,
        Argument(
            metavar="[INPUT]...",
            help="Files, folders, patterns of files, addresses (s3://, gs://, http://): all that "
            "score reads. - is a list of them on standard input, one a line.",
        ),
    ] = None,
    model: shared.Scoring = None,
    resume: Annotated[bool, Option("--resume", help="Resume an interrupted run.")] = False,
    retry_failed: Annotated[
        bool, Option("--retry-failed", help="Resume, and read what failed again.")
    ] = False,
    add: Annotated[bool, Option("--add", help="Add new inputs to a finished run.")] = False,
    include: shared.Include = None,
    exclude: shared.Exclude = None,
    follow_links: shared.FollowLinks = False,
    format: shared.AsTables = "parquet",
    evidence: Annotated[
        bool, Option("--evidence", help="Write evidence for every flag, not only techniques.")
    ] = False,
    signal: shared.OnlySignals = None,
    experimental: shared.Experimental = False,
    sources: shared.Own = None,
    column: shared.Columns = None,
    allow_private: shared.Private = False,
    max_characters: Annotated[
        int, Option(min=1, help="Record longer articles as errors.")
    ] = 2_000_000,
    max_seconds: Annotated[
        float, Option(metavar="S", min=0.1, help="Record articles that take longer as errors.")
    ] = 120.0,
    workers: Annotated[
        int | None, Option(min=1, help="Scoring processes; by default one per core.")
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], Option(help="Run on this machine, or on Ray.")
    ] = "local",
    address: Annotated[
        str | None, Option(metavar="HOST:PORT", help="Address of a Ray cluster.")
    ] = None,
    quiet: shared.Quiet = False,
) -> None:
    """Score very many articles into a folder of tables (extra: batch)."""
    need("pyarrow", "a run's tables need", "batch")
    need("pebble", "a batch's processes need", "batch")
    from framescope.classifier.batch.run import report, run, status
    from framescope.classifier.batch.stages import Job, Setup
    from framescope.classifier.bundles import pinned

    own = None if sources is None else str(sources)
    model = pinned(model)  # which stays, whatever is promoted while it runs
    setup = Setup(model, signal, own, evidence, max_characters, max_seconds, format, experimental)
    job = Job(
        inputs or (), output, setup, shared.parse_columns(column), include or (), exclude or (),
        follow_links, allow_private, workers, resume=resume, retry_failed=retry_failed, add=add,
        quiet=quiet, engine=engine, address=address,
    )  # fmt: skip
    summary = run(job)
    if not quiet:
        typer.echo(report(summary, output), err=True)
    raise typer.Exit(status(summary))


_Run = Annotated[Path, Argument(metavar="RUN", help="A folder that batch wrote.")]
_Memory = Annotated[
    str,
    Option(
        metavar="SIZE", help="Memory to use before the disk; 2GB unless given.", show_default=False
    ),
]
_Disk = Annotated[
    str,
    Option(metavar="SIZE", help="Disk to use beyond it; 20GB unless given.", show_default=False),
]


def query(
    run: _Run,
    sql: Annotated[
        str | None,
        Argument(
            metavar="[SQL]",
            help="One SELECT; - reads it from standard input. Without it, list the views and their "
            "columns.",
        ),
    ] = None,
    format: Annotated[
        shared.AnswerFormat | None,
        shared.As(help="Default: by the suffix of --output, else terminal, or csv in a pipe."),
    ] = None,
    output: shared.Output = None,
    overwrite: shared.OverFile = False,
    memory: _Memory = "2GB",
    disk: _Disk = "20GB",
    max_seconds: Annotated[
        float, Option(metavar="S", min=0.1, help="Stop a query that takes longer.")
    ] = 600.0,
    quiet: shared.Quiet = False,
) -> None:
    """Query a run with SQL over ready views (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import open_run
    from framescope.classifier.batch.reading.views import views

    to_file = output is not None and output != outputs.STDOUT
    watched = sys.stdout is not None and sys.stdout.isatty() and not to_file
    form = outputs.format_for(output, format, "terminal" if watched else "csv", _SUFFIXES)
    if form == "parquet" and not to_file:
        raise InputError("Parquet", "is not text; give --output FILE")
    question = sys.stdin.read() if sql == "-" else sql
    with open_run(RunFolder(run), memory, disk, max_seconds) as database:
        _tell_unfinished(database, quiet=quiet)
        if question is None:
            with outputs.opened(None) as file, outputs.on_console(file) as console:
                _show_views(views(database.manifest), console)
        else:
            outputs.check(output, overwrite=overwrite)
            _write_answer(database, question, form, output)


def overview(
    run: _Run,
    output: Annotated[Path, shared.To(metavar="FILE", help="HTML page; - is standard output.")],
    overwrite: shared.OverReport = False,
    memory: _Memory = "2GB",
    disk: _Disk = "20GB",
    quiet: shared.Quiet = False,
) -> None:
    """Write a run as one page: outlets side by side, over time, samples (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import open_run, overview_html

    outputs.check(output, overwrite=overwrite)
    with open_run(RunFolder(run), memory, disk) as database:
        _tell_unfinished(database, quiet=quiet)
        page = overview_html(database)
    with outputs.opened(output) as file:
        file.write(page)


def _tell_unfinished(database: Database, *, quiet: bool) -> None:
    if not database.manifest.get("finished") and not quiet:
        found = counted(len(database.folder.committed()), "part", ",")
        outputs.tell(f"{database.folder.path} is not finished: these are the results of {found}")


def _write_answer(database: Database, sql: str, form: str, output: Path | None) -> None:
    """Ask, and write the answer batch by batch; a terminal gets its first rows."""
    schema, batches = database.ask(sql)
    with outputs.drafted(output) as draft:
        if form == "parquet":
            from pyarrow.parquet import ParquetWriter

            with ParquetWriter(str(draft.part or output), schema) as parquet:
                for batch in batches:
                    parquet.write_batch(batch)
            draft.worth = True
            return
        rows = (row for batch in batches for row in _rows(batch))
        if form == "terminal":
            with outputs.on_console(draft.file) as console:
                _show(schema.names, rows, console)
        elif form == "csv":
            table = csv.writer(draft.file, lineterminator="\n")
            table.writerow(map(outputs.safe_cell, schema.names))
            table.writerows([_csv_value(value) for value in row] for row in rows)
        else:
            objects = (
                json.dumps(dict(zip(schema.names, row, strict=True)), ensure_ascii=False)
                for row in rows
            )
            if form == "jsonl":
                draft.file.writelines(f"{line}\n" for line in objects)
            else:
                first = next(objects, None)
                draft.file.write("[]\n" if first is None else f"[\n{first}")
                draft.file.writelines(f",\n{line}" for line in objects)
                draft.file.write("" if first is None else "\n]\n")


def _show_views(views: Sequence[View], console: Console) -> None:
    from framescope.classifier.batch.schema import TABLES
    from rich.table import Table
    from rich.text import Text

    for view in views:
        console.print(Text(view.name, "bold"), Text(f" - {view.about}"), sep="")
        grid = Table.grid(padding=(0, 2))
        shares = {name for name in view.columns if f"{name}_low" in view.columns}
        hidden = {f"{name}{end}" for name in shares for end in ("_low", "_high", "_n")}
        for name, meaning in view.columns.items():
            if name not in hidden:
                mark = Text(" *", "dim") if name in shares else Text()
                grid.add_row("", Text(name) + mark, Text(meaning))
        console.print(grid)
        console.print()
    console.print("* with NAME_low and NAME_high, its 95% interval, and NAME_n, the base.")
    console.print(f"Tables of the run: {', '.join(TABLES)}. DESCRIBE NAME lists their columns.")


def _show(names: Sequence[str], rows: Iterator[list[Any]], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = list(islice(rows, _SHOWN))
    heads = [Text(printable(name), "bold") for name in names]
    if console.width // max(len(names), 1) >= _NARROWEST:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
        for at, head in enumerate(heads):
            numeric = any(isinstance(row[at], int | float) for row in shown)
            table.add_column(head, justify="right" if numeric else "left", overflow="fold")
        for row in shown:
            table.add_row(*(Text(_terminal_value(value)) for value in row))
        console.print(table)
    else:
        for row in shown:
            grid = Table.grid(padding=(0, 2))
            for head, value in zip(heads, row, strict=True):
                grid.add_row(head, Text(_terminal_value(value)))
            console.print(grid)
            console.print()
    if not shown:
        console.print("No rows.")
    if next(rows, None) is not None:
        console.print(f"The first {_SHOWN} rows; --output FILE writes all, LIMIT asks for fewer.")


def _rows(batch: pa.RecordBatch) -> Iterator[list[Any]]:
    """Return the rows of a batch as plain values, single precision as short as it is read."""
    import pyarrow as pa
    from numpy import float32

    columns = [
        [None if value is None else float(str(float32(value))) for value in column.to_pylist()]
        if pa.types.is_float32(column.type)
        else column.to_pylist()
        for column in batch.columns
    ]
    yield from ([_plain(value) for value in row] for row in zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _csv_value(value: Any) -> Any:
    if isinstance(value, str):
        return outputs.safe_cell(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else value


def _terminal_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_terminal_value, value))
    return "" if value is None else shortened(str(value), _LONGEST)
