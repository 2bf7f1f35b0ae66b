"""The commands `framescope score` and `framescope signals`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from framescope.classifier.command import Outcome

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
    from framescope.classifier.inputs import InputOptions

    reading = InputOptions(
        parse_columns(column), allow_private, include=include or (), exclude=exclude or ()
    )
    run = command.Run(
        inputs,
        model,
        None if format is None else format.value,
        output,
        overwrite,
        signal,
        sources,
        reading,
        max_characters,
        max_seconds,
        quiet,
        legend,
    )
    _end(command.score(run), quiet=quiet)


def _end(outcome: Outcome, *, quiet: bool) -> None:
    """Say what was not scored, and end with the status that says so."""
    if not quiet and outcome.skipped:
        what = "input was" if outcome.skipped == 1 else "inputs were"
        typer.echo(f"framescope: {outcome.skipped:,} {what} skipped; the report says why", err=True)
    if not quiet and outcome.noted:
        what = "article was" if outcome.noted == 1 else "articles were"
        typer.echo(
            f"framescope: {outcome.noted:,} {what} not scored; the report says why", err=True
        )
    if not outcome.scored:
        raise typer.Exit(2)
    if outcome.skipped or outcome.noted:
        raise typer.Exit(1)


def signals(
    model: ModelName = "transformer",
    format: Annotated[
        CardFormat, typer.Option("--format", "-f", help="How to write it.")
    ] = CardFormat.TERMINAL,
) -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    from framescope.classifier import command

    command.list_signals(model, as_json=format is CardFormat.JSON)
