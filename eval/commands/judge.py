"""The commands `framescope eval`, `eval report` and `eval errors`: options, and one call each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from framescope.classifier.cli.help import Grouped, Several
from framescope.eval.commands import gate as gate_cli
from framescope.eval.commands import studies as study_cli
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
from framescope.training.options import CorporaFolder, refuse_options


def report(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Where report.html and report.json go.")
    ],
    corpora: CorporaFolder = None,
    data: Data = None,
    a: First = "baseline",
    b: Second = "transformer",
    part: Parts = None,
    signal: Signals = None,
    slice: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="NAME", help="Cut this signal into slices. Repeatable."),
    ] = None,
    without: Annotated[
        list[SectionName] | None,
        typer.Option("--without", help="Leave this section out. Repeatable."),
    ] = None,
    draws: Draws = 10_000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
) -> None:
    """Compare two bundles, as a page and as JSON.

    The page holds sentences of the corpora; the JSON holds none.
    """
    from framescope.classifier.errors import InputError
    from framescope.classifier.output import opened
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.report import MAIN, build_report, chosen_sections, report_to_html, to_json

    chosen = in_order(signal) if signal else None
    sliced = in_order(slice) if slice else MAIN
    if output.exists() and not output.is_dir():
        raise InputError(output, "is a file; give --output a folder")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(output, f"can't be made ({error.strerror}); choose another") from None
    evaluation = evaluation_of(
        [a, b], corpora, data, part, allow_other_split, draws=draws, seed=seed
    )
    made = build_report(
        evaluation,
        signals=chosen,
        sliced=sliced,
        genres=_genres(data),
        sections=chosen_sections(set(without or ())),
        progress=_Said(),
    )
    for name, write in (("report.json", to_json), ("report.html", report_to_html)):
        with opened(output / name) as file:
            file.write(write(made))
        typer.echo(f"wrote {output / name}")
    typer.echo(made.comparison.signature)


def errors(
    signal: Annotated[str, typer.Option("--signal", metavar="NAME", help="Of which signal.")],
    output: Output = None,
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="How many.")] = 20,
    model: Annotated[
        str, typer.Option("--model", metavar="BUNDLE", help="Whose errors.")
    ] = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    allow_other_split: OtherSplit = False,
) -> None:
    """Export a model's worst errors for relabelling.

    Whole articles in the exchange format.

    A sentence in error has a key `error` beside its labels. Other sentences keep theirs.
    """
    from framescope.classifier.errors import SignalError
    from framescope.classifier.output import check, opened
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.compare import error_lines, error_records, originals, worst_errors
    from framescope.training.corpora import given_folder

    (name,) = in_order([signal])
    check(output, overwrite=True)
    evaluation = evaluation_of([model], corpora, data, part, allow_other_split)
    (loaded,), examples, parts = evaluation.bundles, evaluation.examples, evaluation.parts
    if name not in loaded.signals:
        given = ", ".join(loaded.signals)
        raise SignalError(f"{loaded.name} doesn't give '{name}'; it gives {given}")
    samples, said = [], _Said()
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        said(f"{corpus}: {loaded.name}", 0, 0)
        scored = evaluation.articles(corpus, parts, [name])
        samples += [scored.sample(one, name) for one in parts]
    found = worst_errors(samples, 0, n)
    if not found:
        raise SignalError(f"no row of part {' or '.join(parts)} is labelled with {name}")
    # A user's labelled files need no folder of corpora, and what ships has none.
    root = None if data else given_folder(corpora)
    articles = originals({error.article for error in found}, root, data or ())
    with opened(output) as file:
        file.write(error_lines(error_records(found, examples, articles, loaded.name)))


class _Said:
    """Names on standard error what is being measured, once each."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self.last:
            self.last = what
            typer.echo(f"measuring {what}", err=True)


def _genres(data: Sequence[Path] | None) -> dict[str, str]:
    """Read the genres of the user's files, or of the house corpus."""
    from framescope.eval.compare import genres_of
    from framescope.training.corpora import find_corpus as find

    if data:
        # Whatever a file goes by: a name, or a path where two have one name.
        return {
            key: genre
            for path in data
            for name in (path.name, str(path))
            for key, genre in genres_of([path], f"exchange/{name}/").items()
        }
    house = find("house")
    place = house.place(None)
    return {} if place is None else genres_of(house.files(place), "house/")


class _Judging(Grouped):
    """Leaves the options of `run` to its own help."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Options"):
            formatter.write_dl([
                ("-h, --help", "Show this message and exit."),
                ("others", "As of `run`: framescope eval run --help."),
            ])  # fmt: skip
        self.format_commands(ctx, formatter)


app = typer.Typer(
    help="Judge bundles by what they were not trained on (extra: training).", cls=_Judging
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
    """Compare two bundles on what neither was trained on.

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


# The same under a name of its own, as the other measurements have one.
app.command("run", rich_help_panel="Judge")(evaluate)
app.command(rich_help_panel="Judge", cls=Several)(batch)
for panel, commands in (
    ("Judge", (report, errors)),
    ("Release", gate_cli.COMMANDS),
    ("Study", study_cli.COMMANDS),
):
    for command in commands:
        app.command(rich_help_panel=panel)(command)
