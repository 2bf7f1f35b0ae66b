"""The commands below `framescope eval` that study what figures are worth, and what is found."""

from __future__ import annotations

from dataclasses import replace

import typer
from framescope.eval.commands.options import (
    As,
    BundleName,
    First,
    Format,
    OtherSplit,
    Output,
    Second,
    Seed,
    Signals,
    evaluation_of,
    progress,
)
from framescope.training.options import CorporaFolder


def controls(
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    signal: Signals = None,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TERMINAL,
) -> None:
    """What predictors reach that haven't read the text.

    Without a folder of corpora, on the benchmarks that ship.
    """
    from framescope.classifier.errors import SignalError
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.report import show_section
    from framescope.eval.rows import BENCHMARKS
    from framescope.eval.studies import study_controls

    signals = in_order(signal) if signal else None
    asked = tuple(one for one in BENCHMARKS if signals is None or one.signal in signals)
    evaluation = evaluation_of([a, b], corpora, None, None, allow_other_split, seed=seed)
    found = study_controls(replace(evaluation, benchmarks=asked))
    if found is None:
        raise SignalError("no benchmark has one of these signals; leave --signal out")
    section, record = found
    show_section(section, format, record=record)


def robustness(
    model: BundleName = "transformer",
    seed: Seed = 0,
    format: As = Format.TERMINAL,
    output: Output = None,
) -> None:
    """How scores change with changes that should do nothing, or something.

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


COMMANDS = (controls, robustness)
