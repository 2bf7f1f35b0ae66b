"""The commands `framescope score` and `framescope signals`."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import (
    AsCard,
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
    from framescope.classifier import bundles, command
    from framescope.classifier import output as outputs
    from framescope.classifier.inputs import InputOptions, size_of_inputs
    from framescope.classifier.outlets import load_registry
    from framescope.classifier.records import Skipped, counted
    from framescope.classifier.scoring import Scorer

    def say(line: str) -> None:
        if not quiet:
            outputs.tell(line)

    columns = parse_columns(column)
    outputs.check(output, inputs, overwrite=overwrite)
    form = outputs.format_for(output, format, "terminal")
    for left in outputs.leftovers(output):
        say(f"{left}: left by an interrupted run, and not whole; it stays until you delete it")
    registry = load_registry(user=sources)
    scorer = Scorer(bundles.load(model, registry), signal, registry, seconds=max_seconds)
    found: list[command.Item] = []
    counts = Counter[str]()
    with outputs.progress(lambda: size_of_inputs(inputs), quiet=quiet) as update:
        reading = InputOptions(
            columns,
            allow_private,
            tell=say,
            taken=lambda size: update(advance=size),
            include=include or (),
            exclude=exclude or (),
        )
        items = scorer.score(command.read(inputs, reading, max_characters))
        begun, start = command.begun(items, single=len(inputs) == 1), time.monotonic()
        with outputs.drafted(output) as draft:
            try:
                for item in begun:
                    if form == "jsonl":
                        command.write_line(item, scorer, draft.file)
                    else:
                        found.append(item)
                    if isinstance(item, Skipped):
                        counts["skipped"] += 1
                    else:
                        counts["articles"] += 1
                        counts["scored"] += item.note is None
                    draft.worth = counts["scored"] > 0
                    rate = counts["articles"] / max(time.monotonic() - start, 1)
                    update(description=f"{counts['articles']} articles {rate:.1f}/s")
            except BrokenPipeError:
                raise
            except (Exception, KeyboardInterrupt) as error:
                command.write(found, scorer, form, draft.file, legend=legend)
                raise command.stopped(error, counts["articles"], draft.part) from error
            command.write(found, scorer, form, draft.file, legend=legend)
    noted = counts["articles"] - counts["scored"]
    for number, noun, what in (
        (counts["skipped"], "input", "skipped"),
        (noted, "article", "not scored"),
    ):
        if number:
            was = "was" if number == 1 else "were"
            say(f"{counted(number, noun, ',')} {was} {what}; the report says why")
    raise typer.Exit(2 if not counts["scored"] else 1 if counts["skipped"] or noted else 0)


def signals(model: ModelName = "transformer", format: AsCard = CardFormat.TERMINAL) -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    import json
    from dataclasses import asdict

    from framescope.classifier import bundles
    from framescope.classifier.records import printable
    from framescope.classifier.taxonomy import SIGNALS, defined_in
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    manifest = bundles.read_manifest(bundles.resolve(model))
    where = {one.name: place for one in SIGNALS if (place := defined_in(one.name)) is not None}
    if format is CardFormat.JSON:
        rows = [
            {**asdict(one), "given": one.name in manifest["signals"]}
            | ({"defined_in": where[one.name]} if one.name in where else {})
            for one in SIGNALS
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(title=f"Signals; * given by {manifest['name']}")
    for heading in ("", "signal", "family", "of", "meaning", "origin"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "signal")
    for one in SIGNALS:
        given = "*" if one.name in manifest["signals"] else ""
        origin = f"{one.origin}; {where[one.name]}" if one.name in where else one.origin
        table.add_row(given, one.name, one.family, one.level, one.meaning, Text(printable(origin)))
    Console().print(table)
