"""The command `framescope calibrate`: options, and one call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier.cli.shared import Json, ModelName, Quiet

if TYPE_CHECKING:
    from framescope.eval.calibration import Wish


class CalibrationFormat(StrEnum):
    """How the figures of a calibration are written."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"


def calibrate(
    data: Annotated[
        list[Path],
        typer.Option(
            "--data", metavar="FILE", help="Your labelled file (exchange format). Repeatable."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write the bundle.")
    ],
    model: ModelName = "transformer",
    signal: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Fit this signal only; may be repeated."),
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIGNAL=SHARE", help="Of its flags, this share is to be right. Repeatable."
        ),
    ] = None,
    recall: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIGNAL=SHARE", help="Of what has it, this share is to be flagged. Repeatable."
        ),
    ] = None,
    confidence: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0.5,
            max=0.999,
            help="How sure a wanted precision or recall is to be reached; 0.5: as measured.",
        ),
    ] = 0.9,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of articles.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    format: Annotated[
        CalibrationFormat, typer.Option("--format", "-f", help="How to write the figures.")
    ] = CalibrationFormat.TERMINAL,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a bundle's calibration and thresholds on your own labels (extra: training)."""
    from framescope.classifier.errors import need

    for module in ("datasets", "torch"):
        need(module, "calibrating needs", "training")
    from framescope.classifier import bundles
    from framescope.eval.calibration import check_source, recalibrate, write_recalibrated
    from framescope.eval.report import show_section
    from framescope.eval.rows import held_out_of_files

    wishes = _wishes(precision or (), recall or (), confidence)
    bundles.check_writable(output)
    loaded = bundles.load(model)
    check_source(loaded, output)
    rows = held_out_of_files(data).examples
    if not quiet:
        typer.echo(f"scoring {len(rows):,} sentences with {loaded.name}", err=True)
    done = recalibrate(loaded, rows, data, signal or (), wishes, draws=draws, seed=seed)
    write_recalibrated(done, output)
    if not quiet:
        for name, why in done.kept.items():
            typer.echo(f"framescope: {name} stays as it is: {why}", err=True)
    form = CalibrationFormat.JSON if json else format
    show_section(done.section(), form.value, record=done.record())
    if not quiet:
        typer.echo(
            f"wrote {output}; score with it: framescope score INPUT --model {output}", err=True
        )


def _wishes(
    precision: list[str] | tuple[()], recall: list[str] | tuple[()], confidence: float
) -> dict[str, Wish]:
    """Read what is wished, by signal; raises `CalibrationError` where that can't be."""
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.calibration import CalibrationError, Wish

    found: dict[str, Wish] = {}
    for figure, given in (("precision", precision), ("recall", recall)):
        for one in given:
            signal, _, share = one.partition("=")
            try:
                value = float(share)
            except ValueError:
                value = 0.0
            if not 0 < value < 1:
                raise CalibrationError(
                    f"--{figure} {one}: write SIGNAL=SHARE, with a share between 0 and 1"
                )
            (name,) = in_order([signal])
            if name in found:
                raise CalibrationError(
                    f"--{figure} {one}: wished twice of {name}; give one of them"
                )
            found[name] = Wish(figure, value, confidence)
    return found
