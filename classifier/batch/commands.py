"""The commands `framescope batch`, `framescope query` and `framescope overview`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier.cli import shared

if TYPE_CHECKING:
    from framescope.classifier.batch.reading import Database


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
    model: shared.ModelName = "transformer",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.")
    ] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Extend a finished run by inputs that it has not.")
    ] = False,
    include: shared.Include = None,
    exclude: shared.Exclude = None,
    format: Annotated[
        shared.TableFormat, typer.Option("--format", "-f", help="How tables are written.")
    ] = shared.TableFormat.PARQUET,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Say why of every flag, not of techniques alone.")
    ] = False,
    signal: shared.OnlySignals = None,
    sources: shared.Own = None,
    column: shared.Columns = None,
    allow_private: shared.Private = False,
    max_characters: Annotated[
        int, typer.Option(metavar="N", min=1, help="Longer articles are errors.")
    ] = 2_000_000,
    max_seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="So is what takes longer to read or score.")
    ] = 120.0,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes that score; else one a core.")
    ] = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="What runs them: this machine, or Ray.")
    ] = EngineName.LOCAL,
    address: Annotated[
        str | None, typer.Option("--address", metavar="HOST:PORT", help="Of a Ray cluster.")
    ] = None,
    quiet: shared.Quiet = False,
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
        columns=shared.parse_columns(column),
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


_Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that batch wrote.")]
_Memory = Annotated[
    str,
    typer.Option(
        metavar="SIZE", help="To use before the disk is used; 2GB unless given.", show_default=False
    ),
]


def query(
    run: _Run,
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="[SQL]",
            help="One SELECT; - reads it from standard input. Without it, list the views and their "
            "columns.",
        ),
    ] = None,
    format: Annotated[
        shared.AnswerFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="Default: by the suffix of --output, else terminal, or csv in a pipe.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there; - is standard output."),
    ] = None,
    overwrite: shared.OverFile = False,
    memory: _Memory = "2GB",
    quiet: shared.Quiet = False,
) -> None:
    """Query a run with SQL over ready views (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import (
        choose_format,
        open_run,
        show_views,
        write_answer,
    )
    from framescope.classifier.output import opened

    form = choose_format(format, output)
    question = sys.stdin.read() if sql == "-" else sql
    with open_run(RunFolder(run), memory) as database:
        _tell_unfinished(database, quiet=quiet)
        if question is None:
            with opened(None) as file:
                show_views(database.views, file)
        else:
            write_answer(lambda: database.ask(question), form, output, overwrite=overwrite)


def overview(
    run: _Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; - is standard output.")
    ],
    overwrite: shared.OverReport = False,
    memory: _Memory = "2GB",
    quiet: shared.Quiet = False,
) -> None:
    """Write a run as one page: outlets side by side, over time, samples (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import open_run, overview_html
    from framescope.classifier.output import check, opened

    check(output, overwrite=overwrite)
    with open_run(RunFolder(run), memory) as database:
        _tell_unfinished(database, quiet=quiet)
        page = overview_html(database)
    with opened(output) as file:
        file.write(page)


def _tell_unfinished(database: Database, *, quiet: bool) -> None:
    if not database.finished and not quiet:
        from framescope.classifier.output import tell
        from framescope.classifier.records import counted

        found = counted(len(database.folder.committed()), "part", ",")
        tell(f"{database.folder.path} is not finished: these are the results of {found}")
