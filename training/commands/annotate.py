"""The command `framescope annotate`: articles out to annotation tools, and their labels in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import Exclude, Include, OverFile, Quiet
from framescope.training.commands.pick import pick, simulate

app = typer.Typer(
    help="Send articles to an annotation tool, and get their labels back (extra: annotate).",
    no_args_is_help=True,
)


class ToolName(StrEnum):
    """An annotation tool."""

    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    POTATO = "potato"
    INCEPTION = "inception"
    BRAT = "brat"
    CSV = "csv"


@app.callback()
def annotate() -> None:
    """Send articles to an annotation tool, and get their labels back (extra: annotate)."""


@app.command("export")
def export_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Articles of the exchange format, scored or not, or anything that score reads.",
        ),
    ],
    to: Annotated[ToolName, typer.Option("--to", help="The tool.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder that is made.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Score with it, and send along what it says; else what the files carry.",
        ),
    ] = None,
    no_predictions: Annotated[
        bool, typer.Option("--no-predictions", help="Send along nothing that a model says.")
    ] = False,
    signal: Annotated[
        list[str] | None,
        typer.Option(metavar="SIGNAL", help="Ask for this signal only; may be repeated."),
    ] = None,
    citations: Annotated[
        bool, typer.Option("--citations/--no-citations", help="Whether to ask who says what.")
    ] = True,
    annotator: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Send this annotator's labels, of several."),
    ] = None,
    include: Include = None,
    exclude: Exclude = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a folder that an export made.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write articles as an annotation tool imports them, with its labelling configuration."""
    from framescope.classifier.inputs import InputOptions
    from framescope.training.annotation import Sending, send, tool_named

    def tell(line: str) -> None:
        typer.echo(f"framescope: {line}", err=True)

    sent = send(
        tool_named(to.value),
        Sending(
            inputs,
            output,
            model,
            signal,
            citations,
            not no_predictions,
            annotator,
            overwrite,
            InputOptions(include=include or (), exclude=exclude or ()),
            tell,
        ),
    )
    if not quiet:
        typer.echo(
            f"{output}: {_counted(sent.articles, 'article')}, "
            f"{_counted(sent.sentences, 'sentence')}; {sent.labelled:,} with labels, "
            f"{sent.predicted:,} with a model's; what to do next stands in its README.md"
        )


@app.command("import")
def import_command(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="What the tool exported: files, folders, ZIPs."),
    ],
    of: Annotated[ToolName, typer.Option("--from", help="The tool.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; - is standard output.")
    ],
    annotator: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose labels they are, whatever the tool says."),
    ] = None,
    articles: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The articles.jsonl of the export, if it isn't there."),
    ] = None,
    overwrite: OverFile = False,
    quiet: Quiet = False,
) -> None:
    """Read what an annotation tool exported: a record an article and annotator."""
    from framescope.training.annotation import Bringing, bring, tool_named

    def tell(line: str) -> None:
        typer.echo(f"framescope: {line}", err=True)

    found = bring(
        tool_named(of.value), Bringing(paths, output, annotator, articles, overwrite, tell)
    )
    if not quiet:
        typer.echo(
            f"{output}: {_counted(found.records, 'record')} of "
            f"{_counted(found.articles, 'article')} and {_counted(found.annotators, 'annotator')}; "
            f"{_counted(found.sentences, 'labelled sentence')}, {_counted(found.spans, 'span')}, "
            f"{_counted(found.citations, 'citation')}",
            err=True,
        )


def _counted(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


app.command("pick")(pick)
app.command("simulate")(simulate)
