"""The commands below `framescope eval` that study what figures are worth, and what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from framescope.eval.commands.options import (
    As,
    BundleName,
    Draws,
    First,
    Format,
    OtherSplit,
    Output,
    Parts,
    Second,
    Seed,
    Signals,
    evaluation_of,
    progress,
)
from framescope.training.options import CorporaFolder

Corpora = Annotated[
    list[str] | None, typer.Option("--corpus", metavar="NAME", help="Only this one. Repeatable.")
]


def controls(
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    corpus: Corpora = None,
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
    names = _named(corpus)
    asked = tuple(
        one
        for one in BENCHMARKS
        if (signals is None or one.signal in signals) and (names is None or one.corpus in names)
    )
    evaluation = evaluation_of([a, b], corpora, None, None, allow_other_split, seed=seed)
    found = study_controls(replace(evaluation, benchmarks=asked))
    if found is None:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    section, record = found
    show_section(section, format, record=record)


def axes(
    corpora: CorporaFolder = None,
    corpus: Corpora = None,
    signal: Signals = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of groups.")] = 1000,
    seed: Seed = 0,
    format: As = Format.TERMINAL,
) -> None:
    """What splits by article, outlet, topic and time cost.

    Measured by two cheap stand-ins of the models, refitted for every split: no bundle is judged.
    The main signal of each corpus, unless signals are named.
    """
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.report import show_section
    from framescope.eval.studies import study_axes
    from framescope.training.corpora import given_folder

    signals = in_order(signal) if signal else None
    names, root = _named(corpus), given_folder(corpora)
    section, record = study_axes(root, names, signals, draws=draws, seed=seed)
    show_section(section, format, record=record)


def _named(corpus: Sequence[str] | None) -> list[str] | None:
    """Give the names of known corpora."""
    from framescope.training.corpora import find_corpus

    return [find_corpus(name).card.name for name in corpus] if corpus else None


def robustness(
    model: BundleName = "transformer",
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of the cases.")] = 2000,
    seed: Seed = 0,
    format: As = Format.TERMINAL,
    output: Output = None,
) -> None:
    """What changes do that ought to do nothing, or something.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.

    A missed limit is said, and is no error.
    """
    from framescope.classifier import bundles
    from framescope.classifier.output import check
    from framescope.eval.report import show_section
    from framescope.eval.suite import (
        measure_suite,
        record_of_suite,
        section_of_suite,
        suite_verdict,
    )

    check(output, overwrite=True)
    loaded = bundles.load(model)
    with progress() as shown:
        suite = measure_suite(
            loaded, draws=draws, seed=seed,
            progress=lambda done, total: shown("texts", done, total),
        )  # fmt: skip
    show_section(section_of_suite(suite), format, output, record_of_suite(suite))
    if format is not Format.TERMINAL or output is not None:
        typer.echo(suite_verdict(suite), err=True)


def placeholders(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BUNDLE]...", help="The two models that ship unless given."),
    ] = None,
    corpora: CorporaFolder = None,
    cases: Annotated[
        Path | None,
        typer.Option("--cases", metavar="FILE", help="JSON Lines with text and state_media."),
    ] = None,
) -> None:
    """What becomes of scores when outlets are swapped.

    BUNDLE is a bundle's folder, or `baseline` or `transformer`.
    """
    from framescope.eval.report import show_section
    from framescope.eval.studies import study_placeholders
    from framescope.training.corpora import root_folder

    names = bundles or ["baseline", "transformer"]
    for section in study_placeholders(names, root_folder(corpora), cases):
        show_section(section, Format.MARKDOWN)


def sourcing(
    model: BundleName = "transformer",
    corpora: CorporaFolder = None,
    part: Parts = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TERMINAL,
    output: Output = None,
) -> None:
    """Who says what, held against the annotators.

    Source, cue and content, which content is whose, what kind of source, and where it is named.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.
    """
    from framescope.classifier.output import check
    from framescope.eval.report import show_section
    from framescope.eval.studies import study_sourcing

    check(output, overwrite=True)
    evaluation = evaluation_of(
        [model], corpora, None, part, allow_other_split, draws=draws, seed=seed
    )
    with progress() as shown:
        section, record = study_sourcing(
            evaluation, lambda done, total: shown("sentences", done, total)
        )
    show_section(section, format, output, record)


def familiarity(
    model: BundleName = "transformer",
    corpora: CorporaFolder = None,
    part: Parts = None,
    pages: Annotated[
        list[Path] | None,
        typer.Option("--pages", metavar="PATH", help="Pages without labels, too. Repeatable."),
    ] = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TERMINAL,
    output: Output = None,
) -> None:
    """What is unlike what a model learned from, and what holds there.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.
    """
    import numpy as np
    from framescope.classifier.output import check
    from framescope.eval.report import show_section
    from framescope.eval.studies import study_familiarity

    check(output, overwrite=True)
    evaluation = evaluation_of([model], corpora, None, part, allow_other_split)
    rows = evaluation.examples
    with progress() as shown:
        section = study_familiarity(
            evaluation.bundles[0],
            rows.where(np.isin(rows.part, evaluation.parts)),
            pages or (),
            draws=draws,
            seed=seed,
            progress=lambda done, total: shown("parts", done, total),
        )
    show_section(section, format, output)


def cascade(
    model: BundleName = "transformer",
    corpora: CorporaFolder = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TERMINAL,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write there what batch --cascade goes by: cascade.json in the bundle's folder.",
        ),
    ] = None,
) -> None:
    """What `framescope batch --cascade` settles, and what it costs.

    The baseline settles what is clear, and the transformer reads the rest. Fitted on validation
    articles, measured on articles that no model has seen.

    BUNDLE is a bundle's folder, or `transformer` for the one that ships.
    """
    from framescope.classifier.output import check, opened
    from framescope.eval.report import json_text, show_section
    from framescope.eval.studies import study_cascade

    if output is not None:
        check(output, overwrite=True)
    evaluation = evaluation_of(
        ["baseline", model], corpora, None, None, allow_other_split, draws=draws, seed=seed
    )
    with progress() as shown:
        section, known = study_cascade(
            evaluation, lambda done, total: shown("sentences", done, total)
        )
    if output is not None:
        with opened(output) as file:
            file.write(json_text(known.to_record()))
    show_section(section, format, record=known.to_record())


def unresolved(
    articles: Annotated[
        Path,
        typer.Option("--articles", metavar="FILE", help="JSON Lines with text, or their folder."),
    ],
    model: BundleName = "transformer",
    shown: Annotated[
        int, typer.Option("--shown", min=0, metavar="N", help="Names of each list.")
    ] = 60,
) -> None:
    """Which cited outlets are not in the registry.

    BUNDLE is the bundle that finds who is cited: a folder, or `baseline` or `transformer` for the
    one that ships.
    """
    from framescope.eval.report import show_section
    from framescope.eval.studies import study_unresolved

    with progress() as told:
        section = study_unresolved(
            articles, model, shown, lambda done, total: told("articles", done, total)
        )
    show_section(section)


COMMANDS = (
    *(controls, axes, robustness, familiarity, sourcing, placeholders),
    *(cascade, unresolved),
)
