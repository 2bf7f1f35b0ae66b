"""The commands `framescope batch`, `query` and `overview`: options, and one call each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch.answer import AnswerFormat

if TYPE_CHECKING:
    from batch.database import Database

_Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that batch wrote.")]
_Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="To use before the disk is used; 2GB unless given."),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def batch() -> None:
    """Score many articles into a folder of tables."""
    raise NotImplementedError


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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over a file that is there.")
    ] = False,
    memory: _Memory = None,
    quiet: _Quiet = False,
) -> None:
    """Ask a run with SQL: by_outlet, by_day, most_flagged, sourcing_map, and more."""
    from batch.answer import chosen, show_views, write
    from batch.database import MEMORY, opened
    from batch.folder import RunFolder
    from batch.schema import TABLES
    from classifier.output import opened as opened_file

    form = chosen(format, output)
    question = sys.stdin.read() if sql == "-" else sql
    with opened(RunFolder(run), memory or MEMORY) as database:
        _tell_unfinished(database, quiet=quiet)
        if question is None:
            with opened_file(None) as file:
                show_views(database.views, TABLES, file)
        else:
            write(lambda: database.ask(question), form, output, overwrite=overwrite)


def overview(
    run: _Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; - is standard output.")
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over a file that is no report.")
    ] = False,
    memory: _Memory = None,
    quiet: _Quiet = False,
) -> None:
    """Draw a run as one page: outlets side by side and over time, who is cited, samples."""
    from batch.database import MEMORY, opened
    from batch.folder import RunFolder
    from batch.overview import overview_of, to_html
    from classifier.output import check
    from classifier.output import opened as opened_file

    check(output, overwrite=overwrite)
    with opened(RunFolder(run), memory or MEMORY) as database:
        _tell_unfinished(database, quiet=quiet)
        page = to_html(overview_of(database))
    with opened_file(output) as file:
        file.write(page)


def _tell_unfinished(database: Database, *, quiet: bool) -> None:
    if not database.finished and not quiet:
        shards = len(database.folder.committed())
        found = "1 part" if shards == 1 else f"{shards:,} parts"
        typer.echo(
            f"framescope: {database.folder.path} is not finished: this is of {found}", err=True
        )
