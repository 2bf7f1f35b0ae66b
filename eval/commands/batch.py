"""The command `framescope eval batch`: many bundles over many benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.eval.commands.options import OtherSplit, Parts, progress
from framescope.training.options import CorporaFolder, HouseFolder

if TYPE_CHECKING:
    from framescope.eval.grid import GridCell


def batch(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN", help="The folder of the run.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", metavar="BUNDLE...", help="baseline, transformer, or bundles' folders."
        ),
    ] = None,
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmarks",
            metavar="NAME...",
            help="Corpora (house), parts of one (house/test), all (corpora), or labelled files.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run: compute what is missing.")
    ] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Give a run these bundles or benchmarks too.")
    ] = False,
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
    part: Parts = None,
    draws: Annotated[
        int | None,
        typer.Option("--draws", min=100, help="Resamples of whole groups; 2,000 unless given."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of the resamples; 0 unless given.")
    ] = None,
    allow_other_split: OtherSplit = False,
) -> None:
    """Judge many bundles on many benchmarks, cell by cell.

    Each bundle is scored once on each benchmark, as `run` scores it, and kept; the table says who
    is best, how sure that is, and what it costs.

    A cell that fails is recorded and the others go on: exit status 1, or 2 when none is left.
    """
    from framescope.eval.grid import (
        Wanted,
        benchmarks_asked,
        brief_of_grid,
        bundles_asked,
        fill_grid,
    )
    from framescope.eval.report import show_section
    from framescope.training.corpora import given_folder

    asked = benchmarks_asked(benchmarks or (), tuple(part) if part else None)
    needed = any(not one.ships and one.corpus for one in asked)
    wanted = Wanted(
        output,
        bundles_asked(models or ()),
        asked,
        resume=resume,
        add=add,
        draws=draws,
        seed=seed,
        allow_other_split=allow_other_split,
        corpora=given_folder(corpora) if needed or corpora is not None else None,
    )
    with progress() as shown:
        filled = fill_grid(wanted, shown, _say_why)
    found = filled.standings
    show_section(brief_of_grid(found))
    failed, cells = len(found.failed), len(found.cells)
    typer.echo(f"{filled.computed} of {cells} cells computed now; {failed} failed", err=True)
    typer.echo(f"wrote {output / 'index.html'}, table.md and table.json", err=True)
    if failed:
        raise typer.Exit(2 if failed == cells else 1)


def _say_why(cell: GridCell) -> None:
    typer.echo(f"framescope: {cell.bundle} on {cell.benchmark} failed: {cell.why}", err=True)
