"""The command `framescope drift`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import CardFormat, OverReport


def drift(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that batch wrote.")],
    against: Annotated[
        str,
        typer.Option(metavar="RUN|BUNDLE", help="An earlier run, or the bundle that scored it."),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Labels of its articles (exchange format). Repeatable."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write an HTML page there."),
    ] = None,
    overwrite: OverReport = False,
    level: Annotated[
        float,
        typer.Option(
            metavar="P", min=0.001, max=0.2, help="Share of false alarms when nothing has changed."
        ),
    ] = 0.002,
    articles: Annotated[int, typer.Option(min=30, help="Sampled from either run.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Of the permutations.")] = 0,
    format: Annotated[
        CardFormat, typer.Option("--format", "-f", help="How to write the verdict.")
    ] = CardFormat.TERMINAL,
) -> None:
    """Report whether incoming articles have drifted (extra: batch).

    Ends with status 0 when no drift is found, 1 when some is, 2 when there are too few articles.
    """
    from framescope.classifier.errors import need

    for module in ("pyarrow", "duckdb", "statsmodels"):
        need(module, "drift needs", "batch")
    from framescope.classifier.output import check, opened
    from framescope.eval.drift import compare_runs
    from framescope.eval.report import show_section

    check(output, [str(one) for one in data or ()], overwrite=overwrite)
    report = compare_runs(run, against, data or (), level=level, most=articles, seed=seed)
    if output is not None:
        with opened(output) as file:
            file.write(report.page())
    show_section(report.section(), format.value, record=report.record())
    raise typer.Exit(report.status)
