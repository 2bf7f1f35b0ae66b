"""The command `framescope eval batch`: many bundles on many benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.eval.commands.options import OtherSplit, progress
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
        bool,
        typer.Option("--resume", help="Compute what a run lacks; new --models are added to it."),
    ] = False,
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
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

    Each bundle is scored once on each benchmark, as `run` scores it; the table says which is best,
    how sure that is, and what it costs. A cell that fails is recorded and the others are computed:
    exit status 1, or 2 when all fail.
    """
    from framescope.eval.grid import compute_grid, parse_benchmarks, parse_bundles, ranking_section
    from framescope.eval.report import show_section
    from framescope.training.corpora import given_folder

    wanted = parse_benchmarks(benchmarks or ())
    needed = corpora is not None or not all(one.ships for one in wanted)
    with progress() as bar:
        found, computed = compute_grid(
            output,
            parse_bundles(models or ()),
            wanted,
            resume=resume,
            draws=draws,
            seed=seed,
            allow_other_split=allow_other_split,
            corpora=given_folder(corpora) if needed else None,
            progress=bar,
            failed=_say_why,
        )
    show_section(ranking_section(found))
    failed, cells = len(found.failed), len(found.cells)
    typer.echo(f"{computed} of {cells} cells computed now; {failed} failed", err=True)
    typer.echo(f"wrote {output / 'index.html'}, table.md and table.json", err=True)
    if failed:
        raise typer.Exit(2 if failed == cells else 1)


def _say_why(cell: GridCell) -> None:
    typer.echo(f"framescope: {cell.bundle} on {cell.benchmark} failed: {cell.why}", err=True)
