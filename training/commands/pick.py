"""The commands `framescope annotate pick` and `simulate`: options, and one call each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import ModelName, OverReport, Quiet
from framescope.training.options import CorporaFolder, HouseFolder


class SavingsFormat(StrEnum):
    """How what picking saved is written."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


def pick(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|FILE...",
            help="A folder that batch wrote, or all that score reads, which is scored.",
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
    signal: Annotated[
        list[str] | None,
        typer.Option(metavar="SIGNAL", help="Pick for this signal only; may be repeated."),
    ] = None,
    per_outlet: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="The most of all picks that an outlet has, 0 to 1; a fifth unless given.",
        ),
    ] = None,
    per_article: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The most of an article; 5 where that is enough."),
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
        typer.Option(metavar="MODEL", help="That may disagree; else the other of those that ship."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn by lot.")] = 0,
    overwrite: OverReport = False,
    quiet: Quiet = False,
) -> None:
    """Pick the sentences that are worth labelling, of a run or of files."""
    from framescope.classifier.output import check, opened
    from framescope.classifier.records import printable
    from framescope.classifier.reports import dumps
    from framescope.training.picking import PickRequest, Quotas
    from framescope.training.picking import pick as picked_of

    def tell(line: str) -> None:
        if not quiet:
            typer.echo(f"framescope: {printable(line)}", err=True)

    check(output, [*inputs, *map(str, not_in or ())], overwrite=overwrite)
    request = PickRequest(
        inputs, n, by, signal, model, second, Quotas(per_outlet, per_article), not_in or (), seed
    )
    found = picked_of(request, tell)
    with opened(output) as file:
        file.writelines(dumps(record) + "\n" for record in found.records())
    if not quiet:
        from rich.console import Console

        Console(stderr=True).print(found.summary())


def simulate(
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    corpus: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="METHOD", help="Only this; may be repeated.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="How often all is drawn anew.")] = 20,
    pool: Annotated[int, typer.Option(min=1500, help="Sentences to pick from.")] = 3000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the encoder's vectors there for the next time."),
    ] = None,
    format: Annotated[
        SavingsFormat, typer.Option("--format", "-f", help="How it is written.")
    ] = SavingsFormat.TERMINAL,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there.")
    ] = None,
    overwrite: OverReport = False,
    quiet: Quiet = False,
) -> None:
    """Measure how many labels each way of picking saves, on labelled corpora (extra: training)."""
    from framescope.classifier.output import check, opened
    from framescope.training.corpora import root_folder
    from framescope.training.picking import WRITERS, SimulationPlan, run_simulation

    def tell(line: str) -> None:
        if not quiet:
            typer.echo(f"framescope: {line}", err=True)

    check(output, overwrite=overwrite)
    named = {
        key: tuple(value)
        for key, value in {"corpora": corpus, "methods": by}.items()
        if value is not None
    }
    trial = SimulationPlan(repeats=repeats, pool=pool, seed=seed, **named)
    settings = run_simulation(trial, root_folder(corpora), cache, tell)
    with opened(output) as file:
        file.write(WRITERS[format.value](settings, seed))
