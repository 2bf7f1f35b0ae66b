"""The command `framescope eval gate`: whether a bundle may be released."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from framescope.eval.commands.options import evaluation_of
from framescope.training.options import CorporaFolder, HouseFolder

_DRAWS = 2000  # of the intervals in a card; floors need none


def gate(
    bundle: Annotated[
        str, typer.Argument(metavar="[BUNDLE]", help="A bundle's folder; the shipped transformer.")
    ] = "transformer",
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
    floors: Annotated[
        Path | None, typer.Option("--floors", metavar="FILE", help="Else eval/release/floors.json.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Raise the floors, and write the figures into the card."),
    ] = False,
    allow_regression: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-regression",
            metavar="BENCHMARK=REASON",
            help="With --update: lower this floor too, and record why. Repeatable.",
        ),
    ] = None,
) -> None:
    """Compare a bundle with the floors and the limits of the behavioural suite.

    Ends with status 2 when one is missed. Without a folder of corpora, uses the benchmarks that
    ship: they are in the folder corpus/ of a clone, which an installed package lacks. No option
    lowers the limits of the behavioural suite.
    """
    from framescope.classifier.bundles import KINDS
    from framescope.eval.release import FLOORS, Gate
    from framescope.eval.report import show_section

    reasons = dict(map(_reason, allow_regression or ()))
    if reasons and not update:
        raise typer.BadParameter(
            "lowers floors only with --update", param_hint="--allow-regression"
        )
    if update and not (bundle in KINDS or Path(bundle).is_dir()):
        raise typer.BadParameter(
            f"writes into the bundle's card; {bundle} is no folder", param_hint="--update"
        )
    draws = _DRAWS if update else 0
    result = Gate.of(evaluation_of([bundle], corpora, draws=draws), floors or FLOORS)
    show_section(result.section())
    if not update:
        result.check(bundle)
        return
    result.update(reasons)
    typer.echo(f"wrote {result.path} and the card of {result.bundle.path}")


def _reason(given: str) -> tuple[str, str]:
    name, _, reason = given.partition("=")
    if not (name.strip() and reason.strip()):
        raise typer.BadParameter(
            f"{given!r}: give BENCHMARK=REASON, one for each floor that falls",
            param_hint="--allow-regression",
        )
    return name.strip(), reason.strip()


COMMANDS = (gate,)
