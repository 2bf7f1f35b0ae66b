"""The command `framescope annotate`: articles to annotation tools and back, and what to label."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from framescope.classifier import output as outputs
from framescope.classifier.cli.shared import ModelName, OverFile, OverReport
from framescope.classifier.records import counted
from framescope.training.commands import File, Files, Text, Texts
from typer import Argument, Option

app = typer.Typer(
    help="Send articles to an annotation tool, and get their labels back.", no_args_is_help=True
)
ToolName = Literal["label-studio", "doccano", "prodigy", "csv"]
Out = Annotated[Path, Option("--output", "-o", metavar="FILE", help="File; - is standard output.")]
Signals = Annotated[Texts, Option(help="Only this signal. Repeatable.")]
_SHARE = "Largest share of one outlet; else a fifth."
PerOutlet = Annotated[float | None, Option(metavar="SHARE", min=0.0, max=1.0, help=_SHARE)]


@app.command("export")
def export_command(
    inputs: Annotated[
        list[str], Argument(metavar="FILE...", help="Labelled articles, or what score reads.")
    ],
    to: Annotated[ToolName, Option(help="The tool.")],
    output: Annotated[Path, Option("--output", "-o", metavar="DIR", help="Folder to write.")],
    model: Annotated[
        Text, Option("--model", "-m", help="Add its labels; else those that files carry.")
    ] = None,
    plain: Annotated[bool, Option("--no-predictions", help="Add no model's labels.")] = False,
    signal: Signals = None,
    citations: Annotated[
        bool, Option("--citations/--no-citations", help="Whether to ask who says what.")
    ] = True,
    annotator: Annotated[Text, Option(metavar="NAME", help="Only this annotator's labels.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace an earlier export.")] = False,
) -> None:
    """Write articles as an annotation tool imports them, with its labelling configuration."""
    from framescope.training.annotation import FORMATS, export

    tasks = export(
        FORMATS[to], inputs, output, model=model, predictions=not plain, signals=signal,
        citations=citations, annotator=annotator, overwrite=overwrite,
    )  # fmt: skip
    sentences = sum(len(task.article.units or ()) for task in tasks)
    labelled = sum(task.labelled is not None for task in tasks)
    predicted = sum(task.predicted is not None for task in tasks)
    sent = f"{counted(len(tasks), 'article', ',')}, {counted(sentences, 'sentence', ',')}"
    held = f"{labelled:,} with labels, {predicted:,} with a model's"
    typer.echo(f"{output}: {sent}; {held}; its README.md has the next steps")


@app.command("import")
def import_command(
    paths: Annotated[
        list[Path], Argument(metavar="PATH...", help="Files, folders, ZIPs that it exported.")
    ],
    of: Annotated[ToolName, Option("--from", help="The tool.")],
    output: Out,
    annotator: Annotated[Text, Option(metavar="NAME", help="Name of the annotator.")] = None,
    articles: Annotated[
        File, Option(metavar="FILE", help="articles.jsonl of the export, if elsewhere.")
    ] = None,
    overwrite: OverFile = False,
) -> None:
    """Read what an annotation tool exported: a record per article and annotator."""
    from framescope.training.annotation import FORMATS, import_labels

    more: dict[str, Any] = {"annotator": annotator, "articles": articles, "overwrite": overwrite}
    records = import_labels(FORMATS[of], paths, output, **more)
    units = [unit for record in records for unit in record["sentences"]]
    counts = {
        "record": len(records),
        "article": len({record["id"] for record in records}),
        "annotator": len({record.get("annotator") for record in records}),
        "labelled sentence": sum(bool(unit["labels"]) for unit in units),
        "span": sum(len(record["spans"]) for record in records),
        "citation": sum(len(unit.get("citations") or ()) for unit in units),
    }
    read, by, people, *rest = (counted(count, what, ",") for what, count in counts.items())
    typer.echo(f"{output}: {read} of {by} and {people}; {', '.join(rest)}", err=True)


@app.command("pick")
def pick_command(
    inputs: Annotated[
        list[str], Argument(metavar="RUN|FILE...", help="A run of batch, or what score reads.")
    ],
    output: Out,
    n: Annotated[int, Option("--n", "-n", min=1, help="Sentences.")] = 200,
    by: Annotated[
        str, Option(metavar="METHOD", help="mix, uncertainty, disagreement, rare, random.")
    ] = "mix",
    signal: Signals = None,
    per_outlet: PerOutlet = None,
    not_in: Annotated[
        Files, Option(metavar="FILE", help="Leave out sentences of this file. Repeatable.")
    ] = None,
    model: ModelName = "transformer",
    second: Annotated[
        Text, Option(metavar="MODEL", help="Model to compare with; else the other one.")
    ] = None,
    seed: Annotated[int, Option(min=0, help="Seed of the sampling.")] = 0,
    overwrite: OverReport = False,
) -> None:
    """Pick the sentences that are most worth labelling, from a run or from files."""
    from framescope.classifier.reports.document import dumps
    from framescope.training.picking import pick
    from rich.console import Console

    outputs.check(output, [*inputs, *map(str, not_in or ())], overwrite=overwrite)
    found = pick(
        inputs, n, by, signals=signal, model=model, second=second, per_outlet=per_outlet,
        known=not_in or (), seed=seed,
    )  # fmt: skip
    with outputs.opened(output) as file:
        file.writelines(dumps(record) + "\n" for record in found.records())
    Console(stderr=True).print(found.summary())
