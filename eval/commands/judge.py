"""The commands `framescope eval`, `eval run`, `report`, `errors` and `controls`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.help import Grouped, Several
from framescope.eval.commands import gate as gate_cli
from framescope.eval.commands.batch import batch
from framescope.eval.commands.options import (
    As,
    Data,
    Draws,
    First,
    Format,
    OtherSplit,
    Output,
    Parts,
    Second,
    SectionName,
    Seed,
    Signals,
    evaluation_of,
    progress,
)
from framescope.eval.commands.robustness import robustness
from framescope.training.options import CorporaFolder, refuse_options


def report(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="The folder for both files.")
    ],
    corpora: CorporaFolder = None,
    data: Data = None,
    a: First = "baseline",
    b: Second = "transformer",
    part: Parts = None,
    signal: Signals = None,
    without: Annotated[
        list[SectionName] | None,
        typer.Option("--without", help="Leave this section out. Repeatable."),
    ] = None,
    draws: Draws = 10_000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
) -> None:
    """Compare two bundles: report.html and report.json.

    The page holds sentences of the corpora; the JSON holds none.
    """
    from framescope.classifier.errors import InputError
    from framescope.classifier.output import opened
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.compare import genres_of
    from framescope.eval.report import SECTIONS, build_report, report_to_html, report_to_json

    chosen = in_order(signal) if signal else None
    if output.exists() and not output.is_dir():
        raise InputError(output, "is a file; give --output a folder")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(output, f"can't be made ({error.strerror}); choose another") from None
    evaluation = evaluation_of(
        [a, b], corpora, data, part, allow_other_split, draws=draws, seed=seed
    )
    left_out = {name.value for name in without or ()}
    sections = {name: one for name, (_, one) in SECTIONS.items() if name not in left_out}
    genres = genres_of(data or ())
    with progress() as shown:
        made = build_report(
            evaluation, signals=chosen, genres=genres, sections=sections, progress=shown
        )
    for name, write in (("report.json", report_to_json), ("report.html", report_to_html)):
        with opened(output / name) as file:
            file.write(write(made))
        typer.echo(f"wrote {output / name}")
    typer.echo(made.comparison.signature)


def errors(
    signal: Annotated[str, typer.Option("--signal", metavar="NAME", help="The signal.")],
    output: Output = None,
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="Number of errors.")] = 20,
    model: Annotated[
        str, typer.Option("--model", metavar="BUNDLE", help="The model.")
    ] = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    allow_other_split: OtherSplit = False,
) -> None:
    """Export a model's worst errors for relabelling.

    Whole articles in the exchange format. A sentence in error has a key `error` next to its labels.
    """
    import json

    from framescope.classifier.errors import SignalError
    from framescope.classifier.output import check, opened
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.compare import error_records, originals, worst_errors
    from framescope.training.corpora import given_folder

    (name,) = in_order([signal])
    check(output, overwrite=True)
    evaluation = evaluation_of([model], corpora, data, part, allow_other_split)
    (loaded,), examples, parts = evaluation.bundles, evaluation.examples, evaluation.parts
    if name not in loaded.signals:
        given = ", ".join(loaded.signals)
        raise SignalError(f"{loaded.name} doesn't give '{name}'; it gives {given}")
    samples = []
    with progress() as shown:
        for corpus in dict.fromkeys(examples.corpus.tolist()):
            shown(corpus, 0, 0)
            scored = evaluation.articles(corpus, parts, [name])
            samples += [scored.sample(one, name) for one in parts]
    found = worst_errors(samples, 0, n)
    if not found:
        raise SignalError(f"no row of part {' or '.join(parts)} is labelled with {name}")
    root = None if data else given_folder(corpora)
    articles = originals({error.article for error in found}, root, data or ())
    with opened(output) as file:
        for record in error_records(found, examples, articles, loaded.name):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def controls(
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    signal: Signals = None,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TERMINAL,
) -> None:
    """Compare two bundles with predictors that don't read the text.

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


app = typer.Typer(
    help="Judge bundles by articles they were not trained on (extra: training).", cls=Grouped
)


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    signal: Signals = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TERMINAL,
    output: Output = None,
) -> None:
    """Compare two bundles on articles that neither was trained on.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    from framescope.classifier.output import check
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.compare import compare_models, record_of_comparison, section_of_comparison
    from framescope.eval.report import show_section

    signals = in_order(signal) if signal else None
    check(output, overwrite=True)
    evaluation = evaluation_of(
        [a, b], corpora, data, part, allow_other_split, draws=draws, seed=seed
    )
    with progress() as shown:
        found = compare_models(evaluation, signals, shown)
    tables = section_of_comparison(found, intervals=format is not Format.TERMINAL)
    show_section(tables, format, output, record_of_comparison(found))


# `eval` alone is `eval run`.
app.command("run", rich_help_panel="Judge")(evaluate)
app.command(rich_help_panel="Judge", cls=Several)(batch)
for panel, commands in (
    ("Judge", (report, errors)),
    ("Release", gate_cli.COMMANDS),
    ("Study", (controls, robustness)),
):
    for command in commands:
        app.command(rich_help_panel=panel)(command)
