"""The commands `framescope batch`, `query` and `overview`: options, and one call each."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier.cli.shared import (
    AnswerFormat,
    Columns,
    Exclude,
    Include,
    ModelName,
    OnlySignals,
    OverFile,
    OverReport,
    Own,
    Private,
    Quiet,
    parse_columns,
)

if TYPE_CHECKING:
    from framescope.classifier.batch.reading import Database


class TableFormat(StrEnum):
    """How a run's tables are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class EngineName(StrEnum):
    """What runs the stages of a batch."""

    LOCAL = "local"
    RAY = "ray"


_Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that batch wrote.")]
_Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="To use before the disk is used; 2GB unless given."),
]


def batch(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN", help="The folder of the run.")
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT]...",
            help="Files, folders, patterns of files, addresses (s3://, gs://, http://): all that "
            "score reads. - is a list of them on standard input, one a line.",
        ),
    ] = None,
    model: ModelName = "transformer",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.")
    ] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Extend a finished run by inputs that it has not.")
    ] = False,
    include: Include = None,
    exclude: Exclude = None,
    format: Annotated[
        TableFormat, typer.Option("--format", "-f", help="How tables are written.")
    ] = TableFormat.PARQUET,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Say why of every flag, not of techniques alone.")
    ] = False,
    signal: OnlySignals = None,
    sources: Own = None,
    column: Columns = None,
    allow_private: Private = False,
    max_characters: Annotated[
        int, typer.Option(metavar="N", min=1, help="Longer articles are errors.")
    ] = 2_000_000,
    max_seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="So is what takes longer to read or score.")
    ] = 120.0,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes that score; else one a core."),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="What runs them: this machine, or Ray.")
    ] = EngineName.LOCAL,
    address: Annotated[
        str | None, typer.Option("--address", metavar="HOST:PORT", help="Of a Ray cluster.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Score very many articles into a folder of tables (extra: batch)."""
    from framescope.classifier.batch.ending import report, status
    from framescope.classifier.batch.job import Job
    from framescope.classifier.batch.run import run
    from framescope.classifier.batch.stages import Setup
    from framescope.classifier.bundles import pinned

    own = None if sources is None else str(sources)
    model = pinned(model)  # which stays, whatever is promoted while it runs
    setup = Setup(model, signal, own, evidence, max_characters, max_seconds, format.value)
    job = Job(
        inputs=inputs or (),
        output=output,
        setup=setup,
        columns=parse_columns(column),
        include=include or (),
        exclude=exclude or (),
        allow_private=allow_private,
        workers=workers,
        resume=resume,
        add=add,
        quiet=quiet,
        engine=engine.value,
        address=address,
    )
    summary = run(job)
    if not quiet:
        typer.echo(report(summary, output), err=True)
    raise typer.Exit(status(summary))


def query(
    run: _Run,
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="[SQL]",
            help="One question; - reads it from standard input. Without it the views that there "
            "are, and what their columns mean.",
        ),
    ] = None,
    format: Annotated[
        AnswerFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="Else as the suffix of --output says, else terminal, or csv where it is piped.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there; - is standard output."),
    ] = None,
    overwrite: OverFile = False,
    memory: _Memory = None,
    quiet: Quiet = False,
) -> None:
    """Ask a run with SQL, over ready views (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import (
        MEMORY,
        chosen_format,
        open_run,
        show_views,
        write_answer,
    )
    from framescope.classifier.batch.schema import TABLES
    from framescope.classifier.output import opened

    form = chosen_format(format, output)
    question = sys.stdin.read() if sql == "-" else sql
    with open_run(RunFolder(run), memory or MEMORY) as database:
        _tell_unfinished(database, quiet=quiet)
        if question is None:
            with opened(None) as file:
                show_views(database.views, TABLES, file)
        else:
            write_answer(lambda: database.ask(question), form, output, overwrite=overwrite)


def overview(
    run: _Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; - is standard output.")
    ],
    overwrite: OverReport = False,
    memory: _Memory = None,
    quiet: Quiet = False,
) -> None:
    """Draw a run as one page: outlets side by side, over time, samples (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import MEMORY, open_run, overview_of, overview_to_html
    from framescope.classifier.output import check, opened

    check(output, overwrite=overwrite)
    with open_run(RunFolder(run), memory or MEMORY) as database:
        _tell_unfinished(database, quiet=quiet)
        page = overview_to_html(overview_of(database))
    with opened(output) as file:
        file.write(page)


def _tell_unfinished(database: Database, *, quiet: bool) -> None:
    if not database.finished and not quiet:
        shards = len(database.folder.committed())
        found = "1 part" if shards == 1 else f"{shards:,} parts"
        typer.echo(
            f"framescope: {database.folder.path} is not finished: this is of {found}", err=True
        )
