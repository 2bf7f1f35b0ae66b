"""The command line: options, and one call each. Everything heavy is imported when it is needed."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier import __version__
from classifier.errors import FramescopeError, SourcesError
from classifier.values import Role, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console

    from classifier.sources import Answer

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
sources_app = typer.Typer(
    help="The registry of outlets: look one up, list them, check them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(sources_app, name="sources")

_Model = Annotated[str, typer.Option(help="baseline, transformer, or a bundle's folder.")]
_Own = Annotated[
    Path | None,
    typer.Option("--sources", metavar="FILE", help="Your own outlets, in JSON Lines, as well."),
]


class ReportFormat(StrEnum):
    """How a report is written."""

    TERMINAL = "terminal"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


class CardFormat(StrEnum):
    """How a card is written."""

    TERMINAL = "terminal"
    JSON = "json"


class ListFormat(StrEnum):
    """How a list is written."""

    TSV = "tsv"
    JSON = "json"


@app.command()
def score(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Text, HTML or JSONL files, http(s) addresses, or - for standard input.",
        ),
    ],
    model: _Model = "transformer",
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
def signals(model: _Model = "transformer") -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    from classifier import command

    command.list_signals(model)


@sources_app.command()
def show(
    queries: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help="A host, URL, name in any script, id or QID."),
    ],
    sources: _Own = None,
    format: Annotated[CardFormat, typer.Option(help="How to write it.")] = CardFormat.TERMINAL,
) -> None:
    """Show what is on record about an outlet or a host."""
    from classifier.sources import answers_to_json, load_registry, look_up

    registry = load_registry(user=sources)
    answers = [look_up(registry, query) for query in queries]

    def on(console: Console) -> None:
        from classifier.render import print_answer

        for answer in answers:
            print_answer(answer, registry, console)

    _write(format, map(answers_to_json, answers), on)
    _refuse([answer for answer in answers if not answer.found])


def _write(
    format: CardFormat, objects: Iterable[dict[str, Any]], on: Callable[[Console], None]
) -> None:
    """Write objects to standard output, or what ``on`` makes of them for a terminal."""
    import json

    from classifier.output import opened

    with opened(None) as file:
        if format is CardFormat.JSON:
            json.dump(list(objects), file, ensure_ascii=False, indent=2)
            file.write("\n")
        else:
            from rich.console import Console

            on(Console(file=file, highlight=False))


def _refuse(missing: Sequence[Answer]) -> None:
    """Complain of queries that nothing answers."""
    if missing:
        asked = ", ".join(f"'{printable(answer.query)}'" for answer in missing)
        meant = {outlet.id: outlet for answer in missing for outlet in answer.close}
        listed = ", ".join(f"{outlet.name} ({id})" for id, outlet in meant.items())
        hint = f"did you mean {listed}?" if meant else "see: framescope sources list"
        raise SourcesError(f"{asked}: no outlet has this host, name, id or QID; {hint}")


@sources_app.command("list")
def list_(
    sources: _Own = None,
    country: Annotated[
        str | None, typer.Option(help="Published from this country; two letters, as in IR.")
    ] = None,
    state_media: Annotated[
        bool | None,
        typer.Option("--state-media/--no-state-media", help="State media only, or without them."),
    ] = None,
    role: Annotated[Role | None, typer.Option(help="With this role only.")] = None,
    format: Annotated[ListFormat, typer.Option(help="How to write it.")] = ListFormat.TSV,
) -> None:
    """List the outlets, one a line."""
    import json

    from classifier.output import opened
    from classifier.sources import (
        LOOKUP_COLUMNS,
        load_registry,
        outlet_row,
        outlet_to_object,
        select_outlets,
    )

    registry = load_registry(user=sources)
    found = list(select_outlets(registry, country, state_media, role))
    with opened(None) as file:
        if format is ListFormat.TSV:
            rows = (LOOKUP_COLUMNS, *map(outlet_row, found))
            file.writelines("\t".join(row) + "\n" for row in rows)
        else:
            for outlet in found:
                file.write(json.dumps(outlet_to_object(outlet), ensure_ascii=False) + "\n")
    if sys.stderr.isatty():
        typer.echo(f"{len(found)} of {len(registry)} outlets", err=True)


@sources_app.command()
def check(
    sources: _Own = None,
    format: Annotated[CardFormat, typer.Option(help="How to write it.")] = CardFormat.TERMINAL,
) -> None:
    """Check the tables, or a file of your own against them; exit status 1 on errors."""
    from dataclasses import asdict

    from classifier.sources import clashes, load_registry, problems_of_tables, read_outlets

    if sources is None:
        found = problems_of_tables()
    else:
        found = clashes(registry := load_registry(), read_outlets(sources, registry))

    def on(console: Console) -> None:
        from classifier.render import print_problems

        print_problems(found, console)

    _write(format, map(asdict, found), on)
    if any(problem.level == "error" for problem in found):
        raise typer.Exit(1)


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
