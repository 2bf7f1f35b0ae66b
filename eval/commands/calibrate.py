"""The command `framescope calibrate`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier.cli.shared import ModelName, Quiet, SectionFormat

if TYPE_CHECKING:
    from framescope.eval.calibration import Target


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
        list[str] | None, typer.Option(metavar="NAME", help="Fit only this signal. Repeatable.")
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(metavar="SIGNAL=SHARE", help="Target precision of its flags. Repeatable."),
    ] = None,
    recall: Annotated[
        list[str] | None,
        typer.Option(metavar="SIGNAL=SHARE", help="Target recall of its flags. Repeatable."),
    ] = None,
    confidence: Annotated[
        float,
        typer.Option(
            metavar="SHARE", min=0.5, max=0.999, help="That a target is achieved; 0.5: as measured."
        ),
    ] = 0.9,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of folds and resamples.")] = 0,
    format: Annotated[
        SectionFormat, typer.Option("--format", "-f", help="How to write the figures.")
    ] = SectionFormat.TERMINAL,
    quiet: Quiet = False,
) -> None:
    """Fit a bundle's calibration and thresholds on your own labels (extra: training)."""
    from framescope.classifier.errors import need

    for module in ("datasets", "torch"):
        need(module, "calibrating needs", "training")
    from framescope.classifier.bundles import check_writable, load
    from framescope.eval.calibration import (
        check_output,
        recalibrate,
        recalibration_section,
        write_recalibrated,
    )
    from framescope.eval.report import show_section
    from framescope.eval.rows import held_out_of_files

    targets = _targets(precision or (), recall or (), confidence)
    check_writable(output)
    loaded = load(model)
    check_output(loaded, output)
    rows = held_out_of_files(data).examples
    if not quiet:
        typer.echo(f"scoring {len(rows):,} sentences with {loaded.name}", err=True)
    record = recalibrate(loaded, rows, data, signal or (), targets, seed)
    write_recalibrated(loaded, record, output)
    show_section(recalibration_section(record), format, record=record)
    if not quiet:
        for name, why in record["kept"].items():
            typer.echo(f"framescope: {name} stays as it is: {why}", err=True)
        score = f"framescope score INPUT --model {output}"
        typer.echo(f"wrote {output}; score with it: {score}", err=True)


def _targets(
    precision: Sequence[str], recall: Sequence[str], confidence: float
) -> dict[str, Target]:
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.calibration import CalibrationError, Target

    found: dict[str, Target] = {}
    for figure, given in (("precision", precision), ("recall", recall)):
        for one in given:
            signal, _, share = one.partition("=")
            value = 0.0
            with suppress(ValueError):
                value = float(share)
            if not 0 < value < 1:
                reason = "write SIGNAL=SHARE, with a share between 0 and 1"
                raise CalibrationError(f"--{figure} {one}: {reason}")
            (name,) = in_order([signal])
            if name in found:
                raise CalibrationError(f"--{figure} {one}: {name} has two targets; give one")
            found[name] = Target(figure, value, confidence)
    return found
