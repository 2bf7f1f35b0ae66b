"""The command `framescope annotate`: articles to annotation tools and back, and what to label."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import ModelName, OverFile, OverReport

app = typer.Typer(
    help="Send articles to an annotation tool, and get their labels back (extra: annotate).",
    no_args_is_help=True,
)


class ToolName(StrEnum):
    """An annotation tool."""

    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    CSV = "csv"


Signals = Annotated[
    list[str] | None,
    typer.Option("--signal", metavar="SIGNAL", help="Only this signal; may be repeated."),
]


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
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Score with it, and add its labels; else those that the files carry.",
        ),
    ] = None,
    no_predictions: Annotated[
        bool, typer.Option("--no-predictions", help="Add no model's labels.")
    ] = False,
    signal: Signals = None,
    citations: Annotated[
        bool, typer.Option("--citations/--no-citations", help="Whether to ask who says what.")
    ] = True,
    annotator: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Send this annotator's labels, of several."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a folder that an export made.")
    ] = False,
) -> None:
    """Write articles as an annotation tool imports them, with its labelling configuration."""
    from framescope.training.annotation import FORMATS, export

    tasks = export(
        FORMATS[to],
        inputs,
        output,
        model=model,
        predictions=not no_predictions,
        signals=signal,
        citations=citations,
        annotator=annotator,
        overwrite=overwrite,
        tell=_tell,
    )
    sentences = sum(len(task.article.units or ()) for task in tasks)
    labelled = sum(task.labelled is not None for task in tasks)
    predicted = sum(task.predicted is not None for task in tasks)
    typer.echo(
        f"{output}: {_counted(len(tasks), 'article')}, {_counted(sentences, 'sentence')}; "
        f"{labelled:,} with labels, {predicted:,} with a model's; its README.md has the next steps"
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
) -> None:
    """Read what an annotation tool exported: a record per article and annotator."""
    from framescope.training.annotation import FORMATS, import_labels

    records = import_labels(
        FORMATS[of],
        paths,
        output,
        annotator=annotator,
        articles=articles,
        overwrite=overwrite,
        tell=_tell,
    )
    units = [unit for record in records for unit in record["sentences"]]
    counts = {
        "labelled sentence": sum(bool(unit["labels"]) for unit in units),
        "span": sum(len(record["spans"]) for record in records),
        "citation": sum(len(unit.get("citations") or ()) for unit in units),
    }
    typer.echo(
        f"{output}: {_counted(len(records), 'record')} of "
        f"{_counted(len({record['id'] for record in records}), 'article')} and "
        f"{_counted(len({record.get('annotator') for record in records}), 'annotator')}; "
        + ", ".join(_counted(count, what) for what, count in counts.items()),
        err=True,
    )


@app.command("pick")
def pick_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|FILE...",
            help="A folder that batch wrote, or anything that score reads, which is scored.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="What to label; - is standard output."),
    ],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Sentences.")] = 200,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="METHOD", help="mix, uncertainty, disagreement, rare, random."
        ),
    ] = "mix",
    signal: Signals = None,
    per_outlet: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="The largest share of an outlet, 0 to 1; a fifth unless given.",
        ),
    ] = None,
    not_in: Annotated[
        list[Path] | None,
        typer.Option(
            "--not-in",
            metavar="FILE",
            help="Leave out what is labelled there, or was picked; may be repeated.",
        ),
    ] = None,
    model: ModelName = "transformer",
    second: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="To compare with; else the other of those that ship."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is sampled.")] = 0,
    overwrite: OverReport = False,
) -> None:
    """Pick the sentences that are most worth labelling, from a run or from files."""
    from framescope.classifier.output import check, opened
    from framescope.classifier.reports import dumps
    from framescope.training.picking import pick
    from rich.console import Console

    check(output, [*inputs, *map(str, not_in or ())], overwrite=overwrite)
    found = pick(
        inputs,
        n,
        by,
        signals=signal,
        model=model,
        second=second,
        per_outlet=per_outlet,
        known=not_in or (),
        seed=seed,
        tell=_tell,
    )
    with opened(output) as file:
        file.writelines(dumps(record) + "\n" for record in found.records())
    Console(stderr=True).print(found.summary())


def _tell(line: str) -> None:
    from framescope.classifier.records import printable

    typer.echo(f"framescope: {printable(line)}", err=True)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
