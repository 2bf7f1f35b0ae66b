"""The command line: options, and one call each. Everything heavy is imported when it is needed."""

from __future__ import annotations

import signal as signal_module
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier import __version__
from framescope.classifier.cli.help import SETTINGS, Grouped, renewed
from framescope.classifier.cli.shared import (
    CardFormat,
    Columns,
    Exclude,
    Include,
    Json,
    ModelName,
    OnlySignals,
    OverReport,
    Own,
    Private,
    Quiet,
    ReportFormat,
    parse_columns,
)
from framescope.classifier.cli.sources import sources_app
from framescope.classifier.errors import FramescopeError, StoppedError, Terminated

if TYPE_CHECKING:
    from framescope.classifier.command import Outcome

# typer carries its own copy of click; this is that copy's UsageError, by public means.
_UsageError = typer.BadParameter.mro()[1]
_INTERRUPTED = 130  # 128 and the number of the signal, as shells have it

app = typer.Typer(
    name="framescope",
    cls=Grouped,
    help="Who says so, how it is framed, and whose words they are, sentence by sentence.",
    no_args_is_help=True,
    context_settings=SETTINGS,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help costs a third of a second
)
EVERYONE, MANY, LABEL, TRAIN, JUDGE = (
    "For everyone", "For many articles, and for other software", "For those who label",
    "For those who train", "For those who judge",
)  # fmt: skip
_OF = {
    "batch": MANY, "query": MANY, "overview": MANY, "serve": MANY,
    "drift": MANY, "annotate": LABEL, "labels": LABEL, "corpora": TRAIN, "train": TRAIN,
    "calibrate": TRAIN, "eval": JUDGE, "bundles": JUDGE,
}  # fmt: skip

_COMMANDS = {
    "batch": "classifier.batch.commands:batch",
    "query": "classifier.batch.commands:query",
    "overview": "classifier.batch.commands:overview",
    "serve": "classifier.service.commands:serve",
    "drift": "eval.commands.drift:drift",
    "annotate": "training.commands.annotate:app",
    "labels": "training.commands.labels:app",
    "corpora": "training.commands.corpora:app",
    "train": "training.commands.train:app",
    "calibrate": "eval.commands.calibrate:calibrate",
    "eval": "eval.commands.judge:app",
    "bundles": "eval.commands.bundles:app",
}

_FORMATS = "terminal, json, jsonl or html; else as the suffix of --output says, else terminal."


@app.command(rich_help_panel=EVERYONE)
def score(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files, folders, patterns of files, addresses (http, https, s3, gs), or - for "
            "standard input. Text, HTML, saved pages (MHTML), newsletters (EML), feeds, NITF and "
            "NewsML, tables (CSV, TSV, Parquet), web archives (WARC) and JSON; packed with gzip, "
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


@app.command(rich_help_panel=EVERYONE)
def signals(
    model: ModelName = "transformer",
    format: Annotated[
        CardFormat, typer.Option("--format", "-f", help="How to write it.")
    ] = CardFormat.TERMINAL,
    as_json: Json = False,
) -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    from framescope.classifier import command

    command.list_signals(model, as_json=as_json or format is CardFormat.JSON)


app.add_typer(sources_app, name="sources", rich_help_panel=EVERYONE)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"framescope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    pass


def _add_commands() -> None:
    """Add the commands of the packages that this one must not import."""
    for name, place in _COMMANDS.items():
        module, _, attribute = place.partition(":")
        found = getattr(import_module(f"framescope.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=_OF[name])
        elif name not in {command.name for command in app.registered_commands}:
            app.command(name, rich_help_panel=_OF[name])(found)


def main() -> None:
    """Run the command line; every error a user can meet is one line and exit status 2."""
    _add_commands()
    signal_module.signal(signal_module.SIGTERM, _terminate)
    try:
        status = app(renewed(sys.argv[1:]), standalone_mode=False)
        if status == _INTERRUPTED:  # which typer keeps to itself
            raise KeyboardInterrupt
    except StoppedError as error:
        typer.echo(f"framescope: {' '.join(str(error).split())}", err=True)
        sys.exit(error.status)
    except FramescopeError as error:
        _fail(" ".join(str(error).split()))
    except _UsageError as error:  # type: ignore[misc]
        context = getattr(error, "ctx", None)
        if context is not None and error.format_message() == context.get_help():
            typer.echo(error.format_message(), err=True)  # called without a command
            sys.exit(2)
        name = context.command_path if context is not None else "framescope"
        _fail(f"{error.format_message().rstrip('.')}; see: {name} --help")
    except (KeyboardInterrupt, typer.Abort) as error:
        typer.echo("framescope: interrupted", err=True)
        sys.exit(getattr(error, "status", _INTERRUPTED))
    except OSError as error:  # a full disk, say; a reader that has stopped is typer's business
        _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    sys.exit(status if isinstance(status, int) else 0)


def _terminate(*_: object) -> None:
    raise Terminated


def _fail(message: str) -> None:
    typer.echo(f"framescope: {message}", err=True)
    sys.exit(2)
