"""The command `framescope drift`: options, and one call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from framescope.classifier.cli.shared import Json, OverReport


class DriftFormat(StrEnum):
    """How a comparison of runs is written."""

    TERMINAL = "terminal"
    JSON = "json"


def drift(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that batch wrote.")],
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="RUN|BUNDLE", help="An earlier run, or the bundle that scored it."
        ),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data", metavar="FILE", help="Labels of its articles (exchange format). Repeatable."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write a page with plots there."),
    ] = None,
    overwrite: OverReport = False,
    level: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            min=0.0001,
            max=0.2,
            help="Of comparisons without any change, this share may find one; 0.002 unless given.",
        ),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option("--draws", min=99, help="Deals of the articles; 4,999 unless given."),
    ] = None,
    articles: Annotated[
        int | None,
        typer.Option(
            "--articles", metavar="N", min=30, help="Of either run, by lot; 3,000 unless given."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the deals.")] = 0,
    format: Annotated[
        DriftFormat, typer.Option("--format", "-f", help="How to write the verdict.")
    ] = DriftFormat.TERMINAL,
    json: Json = False,
) -> None:
    """Say whether what comes in has changed (extra: batch).

    Ends with status 0 when no drift is found, 1 when some is, 2 when there is too little to say.
    """
    from framescope.classifier.errors import need

    for module in ("pyarrow", "duckdb"):
        need(module, "drift needs", "batch")
    from framescope.classifier.output import check, opened
    from framescope.eval.drift import compare_runs, drift_to_html
    from framescope.eval.report import show_section

    check(output, [str(one) for one in data or ()], overwrite=overwrite)
    given = {"level": level, "draws": draws, "most": articles}
    limits: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    report = compare_runs(run, against, data or (), seed=seed, **limits)
    if output is not None:
        page = drift_to_html(report)
        with opened(output) as file:
            file.write(page)
    form = DriftFormat.JSON if json else format
    show_section(report.section(), form.value, record=report.record())
    raise typer.Exit(report.status)
