"""The command `framescope eval robustness`."""

from __future__ import annotations

import typer
from framescope.eval.commands.options import (
    As,
    BundleName,
    Format,
    Output,
    Seed,
    progress,
)


def robustness(
    model: BundleName = "transformer",
    seed: Seed = 0,
    format: As = Format.TERMINAL,
    output: Output = None,
) -> None:
    """Measure how scores change with edits that should not, or should, matter.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships. A missed
    limit is reported, and is no error.
    """
    from framescope.classifier.bundles import load
    from framescope.classifier.output import check
    from framescope.eval.report import show_section
    from framescope.eval.suite import measure_suite

    check(output, overwrite=True)
    loaded = load(model)
    with progress() as bar:
        suite = measure_suite(
            loaded, seed=seed, progress=lambda done, total: bar("texts", done, total)
        )
    show_section(suite.section(), format, output, suite.record())
    if format is not Format.TERMINAL or output is not None:
        typer.echo(suite.verdict, err=True)
