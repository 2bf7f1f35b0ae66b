"""The commands `framescope query` and `framescope overview`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier.cli.shared import AnswerFormat, OverFile, OverReport, Quiet

if TYPE_CHECKING:
    from framescope.classifier.batch.reading import Database

_Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that batch wrote.")]
_Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="To use before the disk is used; 2GB unless given."),
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
        AnswerFormat | None,
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
    overwrite: OverFile = False,
    memory: _Memory = None,
    quiet: Quiet = False,
) -> None:
    """Query a run with SQL over ready views (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import (
        MEMORY,
        choose_format,
        open_run,
        show_views,
        write_answer,
    )
    from framescope.classifier.batch.schema import TABLES
    from framescope.classifier.output import opened

    form = choose_format(format, output)
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
    """Write a run as one page: outlets side by side, over time, samples (extra: batch)."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import MEMORY, open_run, overview_html
    from framescope.classifier.output import check, opened

    check(output, overwrite=overwrite)
    with open_run(RunFolder(run), memory or MEMORY) as database:
        _tell_unfinished(database, quiet=quiet)
        page = overview_html(database)
    with opened(output) as file:
        file.write(page)


def _tell_unfinished(database: Database, *, quiet: bool) -> None:
    if not database.finished and not quiet:
        shards = len(database.folder.committed())
        found = "1 part" if shards == 1 else f"{shards:,} parts"
        typer.echo(
            f"framescope: {database.folder.path} is not finished: these are the results of {found}",
            err=True,
        )
