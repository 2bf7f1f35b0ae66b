"""The commands `framescope score` and `framescope signals`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import (
    CardFormat,
    Columns,
    Exclude,
    Include,
    ModelName,
    OnlySignals,
    OverReport,
    Own,
    Private,
    Quiet,
    ReportFormat,
    parse_columns,
)

_FORMATS = "terminal, json, jsonl or html; else as the suffix of --output says, else terminal."


def score(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files, folders, patterns of files, addresses (http, https, s3, gs), or - for "
            "standard input. Text, HTML, saved pages (MHTML), newsletters (EML), feeds, "
            "tables (CSV, TSV, Parquet), web archives (WARC) and JSON; packed with gzip, "
            "bzip2, xz or Zstandard too.",
        ),
    ],
    model: ModelName = "transformer",
    format: Annotated[
        ReportFormat | None,
        typer.Option("--format", "-f", metavar="FORMAT", help=_FORMATS),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there; - is standard output."),
    ] = None,
    overwrite: OverReport = False,
    signal: OnlySignals = None,
    sources: Own = None,
    include: Include = None,
    exclude: Exclude = None,
    column: Columns = None,
    allow_private: Private = False,
    max_characters: Annotated[
        int, typer.Option(metavar="N", min=1, help="Skip longer articles.", show_default=True)
    ] = 2_000_000,
    max_seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="Skip an article that takes longer.")
    ] = 300.0,
    legend: Annotated[bool, typer.Option("--legend", help="Explain the terminal's marks.")] = False,
    quiet: Quiet = False,
) -> None:
    """Score the sentences of one or more articles."""
    from framescope.classifier.runtime import begin

    begin(model)  # beside the imports that follow
    from framescope.classifier import command

    status = command.score(
        inputs,
        model,
        format=format,
        output=output,
        overwrite=overwrite,
        signals=signal,
        sources=sources,
        columns=parse_columns(column),
        include=include or (),
        exclude=exclude or (),
        allow_private=allow_private,
        max_characters=max_characters,
        max_seconds=max_seconds,
        quiet=quiet,
        legend=legend,
    )
    raise typer.Exit(status)


def signals(
    model: ModelName = "transformer",
    format: Annotated[
        CardFormat, typer.Option("--format", "-f", help="How to write it.")
    ] = CardFormat.TERMINAL,
) -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    from framescope.classifier import command

    command.list_signals(model, as_json=format is CardFormat.JSON)
