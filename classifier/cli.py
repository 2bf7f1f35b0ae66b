"""The command line: options, and one call each. Everything heavy is imported when it is needed."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from classifier import __version__
from classifier.errors import FramescopeError
from classifier.sources_cli import app as sources_app

# typer carries its own copy of click; this is that copy's UsageError, by public means.
_UsageError = typer.BadParameter.mro()[1]
_INTERRUPTED = 130  # 128 and the number of the signal, as shells have it

app = typer.Typer(
    name="framescope",
    help="Who says so, how it is framed, and whose words they are, sentence by sentence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help costs a third of a second
)


app.add_typer(sources_app, name="sources")


class ReportFormat(StrEnum):
    """How a report is written."""

    TERMINAL = "terminal"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


@app.command()
def score(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Text, HTML or JSONL files, http(s) addresses, or - for standard input.",
        ),
    ],
    model: Annotated[
        str, typer.Option(help="baseline, transformer, or a bundle's folder.")
    ] = "transformer",
    format: Annotated[
        ReportFormat, typer.Option(help="How to write the report.")
    ] = ReportFormat.TERMINAL,
    output: Annotated[
        Path | None, typer.Option(help="Write to this file instead of standard output.")
    ] = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="Report this signal only; may be repeated.")
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own outlets, one a line (JSONL).")
    ] = None,
) -> None:
    """Score the sentences of one or more articles."""
    from classifier import command

    skipped = command.score(inputs, model, format.value, output, signal, sources)
    if skipped:
        what = "input was" if skipped == 1 else "inputs were"
        typer.echo(f"framescope: {skipped} {what} skipped; the report says why", err=True)


@app.command()
def signals(
    model: Annotated[
        str, typer.Option(help="baseline, transformer, or a bundle's folder.")
    ] = "transformer",
) -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    from classifier import command

    command.list_signals(model)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"framescope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


def _add_commands() -> None:
    """Add the commands of the rooms that this package must not import (``framescope.commands``)."""
    for point in sorted(entry_points(group="framescope.commands"), key=lambda p: p.name):
        app.add_typer(point.load(), name=point.name)


def main() -> None:
    """Run the command line; every error a user can meet is one line and exit status 2."""
    _add_commands()
    try:
        status = app(standalone_mode=False)
        if status == _INTERRUPTED:  # which typer keeps to itself
            raise KeyboardInterrupt
    except FramescopeError as error:
        _fail(" ".join(str(error).split()))
    except _UsageError as error:  # type: ignore[misc]
        context = getattr(error, "ctx", None)
        if context is not None and error.format_message() == context.get_help():
            typer.echo(error.format_message(), err=True)  # called without a command
            sys.exit(2)
        name = context.command_path if context is not None else "framescope"
        _fail(f"{error.format_message().rstrip('.')}; see: {name} --help")
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("framescope: interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except OSError as error:  # a full disk, say; a reader that has stopped is typer's business
        _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> None:
    typer.echo(f"framescope: {message}", err=True)
    sys.exit(2)
