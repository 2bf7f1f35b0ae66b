"""The command `framescope batch`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import (
    Columns,
    Exclude,
    Include,
    ModelName,
    OnlySignals,
    Own,
    Private,
    Quiet,
    parse_columns,
)


class TableFormat(StrEnum):
    """How a run's tables are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class EngineName(StrEnum):
    """What runs the stages of a batch."""

    LOCAL = "local"
    RAY = "ray"


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
    from framescope.classifier.errors import need

    need("pyarrow", "a run's tables need", "batch")
    need("pebble", "a batch's processes need", "batch")
    from framescope.classifier.batch.job import Job
    from framescope.classifier.batch.run import report, run, status
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
