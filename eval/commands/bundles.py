"""The command `framescope bundles promote`, added to the other commands of that name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.bundles import By, app, write_json
from framescope.classifier.cli.shared import AsCard, CardFormat
from framescope.training.options import CorporaFolder, HouseFolder


@app.command()
def promote(
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="The folder that training wrote.")
    ],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Its name; else its folder's.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Your own held-out labels (exchange format). Repeatable."
        ),
    ] = None,
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE",
            help="Compare with this one; else with the current one, at first what ships.",
        ),
    ] = None,
    allow: Annotated[
        str | None, typer.Option(metavar="REASON", help="Promote it whatever is worse; with --by.")
    ] = None,
    by: By = None,
    draws: Annotated[int, typer.Option(min=100, help="Resamples of articles.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    format: AsCard = CardFormat.TERMINAL,
) -> None:
    """Make a bundle the current one of a name, if nothing is worse.

    It must pass the gate, and no signal may be worse beyond its interval, on what ships (or on the
    corpora) and on your own held-out labels. A refusal ends with status 1 and says what is worse.
    """
    from framescope.classifier.bundles import ModelStore
    from framescope.eval.commands.judge import progress
    from framescope.eval.release import promote as judge_and_promote
    from framescope.eval.report import show_section

    with progress() as bar:
        found = judge_and_promote(
            candidate, ModelStore.of_user(), name, data=data or (), corpora=corpora,
            against=against, allow=allow, by=by, draws=draws, seed=seed, progress=bar,
        )  # fmt: skip
    if format is CardFormat.JSON:
        write_json({"name": found.name, "version": found.version, **found.record})
    else:
        if found.judgement is not None:
            show_section(found.judgement.section())
            lines = found.judgement.objections
            typer.echo("\nagainst it:\n  " + "\n  ".join(lines) if lines else "", nl=bool(lines))
        typer.echo(_decision(found.name, found.version, found.decision))
    if found.decision == "refused":
        raise typer.Exit(1)


def _decision(name: str, version: int | None, decision: str) -> str:
    if decision == "current":
        return f"{name}@{version} is this bundle already; nothing to do"
    if decision == "refused":
        stays = f"{name}@{version} stays current" if version is not None else "nothing is current"
        return (
            f"refused: {stays}. To promote it all the same: --allow REASON --by WHO; both are kept"
        )
    return f"{name}@{version} is current ({decision}); framescope score --model {name}"
