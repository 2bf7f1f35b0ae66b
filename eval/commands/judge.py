"""The command `framescope eval` and those below it: options, and one call each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from framescope.classifier.cli.shared import AllowSeen, As, Grouped, SectionFormat, Several, To
from framescope.classifier.errors import InputError, SignalError, need
from framescope.classifier.output import check, opened
from framescope.classifier.taxonomy import in_order
from framescope.training.options import CorporaFolder, HouseFolder, refuse_options
from typer import Argument, Option

if TYPE_CHECKING:
    from framescope.eval.compare.comparison import Progress
    from framescope.eval.rows import Evaluation


Part = StrEnum("Part", ["test", "unseen_outlet", "validation"])
Slice = StrEnum("Slice", ["language"])
SectionName = StrEnum("SectionName", "marks techniques controls sourcing languages robustness")
"""The sections of a report besides the comparison; see `eval.report.evaluation.SECTIONS`."""

First = Annotated[str, Option("--a", metavar="BUNDLE", help="The model to compare with.")]
Second = Annotated[str, Option("--b", metavar="BUNDLE", help="The model to compare.")]
Data = Annotated[
    list[Path] | None,
    Option(
        metavar="FILE",
        help="Your own labelled file (exchange format), instead of the corpora. Repeatable.",
    ),
]
Parts = Annotated[
    list[Part] | None,
    Option(
        help="The rows to judge by: test and unseen_outlet unless given. "
        "Thresholds were fitted on validation. Repeatable."
    ),
]
Signals = Annotated[
    list[str] | None,
    Option(
        "--signal", metavar="NAME", help="Only this signal. Repeatable.",
        callback=lambda given: in_order(given) if given else None,
    ),
]  # fmt: skip
Draws = Annotated[int, Option("--draws", min=100, help="Resamples of whole groups.")]
Seed = Annotated[int, Option("--seed", min=0, help="Seed of the resamples.")]
AsSection = Annotated[SectionFormat, As(help="Format of the output.")]
Output = Annotated[Path | None, To(metavar="FILE", help="Write to a file, not to the terminal.")]

_ALLOW = "--allow-regression"
app = typer.Typer(help="Evaluate bundles on articles they were not trained on.", cls=Grouped)


def evaluation_of(
    bundles: Sequence[str | Path],
    corpora: Path | None,
    data: Sequence[Path] | None = None,
    part: Sequence[Part] | None = None,
    allow_seen: bool = False,
    **settings: Any,
) -> Evaluation:
    """Load bundles and the rows to judge them by: by default those of the corpora that ship."""
    from framescope.classifier import bundles as bundle_files
    from framescope.eval import rows
    from framescope.training.corpora import given_folder

    if data and (corpora is not None or part):
        raise InputError(data[0], "with --data every row is judged; leave out --corpora and --part")
    loaded = tuple(map(bundle_files.load, bundles))
    parts: tuple[str, ...] = (rows.FILE_PART,)
    if data:
        held_out = rows.held_out_of_files(data, () if allow_seen else loaded)
    else:
        folder = given_folder(corpora)
        held_out = rows.held_out_of_corpora(folder, loaded, allow_seen=allow_seen)
        parts = tuple(dict.fromkeys(part or rows.HELD_OUT))
    signature = held_out.signature + ", seen articles accepted" * bool(data and allow_seen)
    return rows.Evaluation(loaded, held_out.examples, signature, parts, **settings)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show a progress bar on standard error, where that is a terminal."""
    from framescope.classifier import output

    with output.progress() as bar:
        yield lambda what, done, total: bar(description=what, completed=done, total=total or None)


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    signal: Signals = None,
    slice: Annotated[
        Slice | None, Option(help="Judge --b alone, in each language of its corpora.")
    ] = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_seen: AllowSeen = False,
    format: AsSection = "terminal",
    output: Output = None,
) -> None:
    """Compare two bundles on articles that neither was trained on.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    from framescope.eval.compare import comparison
    from framescope.eval.sections import show_section
    from framescope.eval.studies import section_of_languages

    check(output, overwrite=True)
    judged = [b] if slice else [a, b]
    evaluation = evaluation_of(judged, corpora, data, part, allow_seen, draws=draws, seed=seed)
    with progress() as shown:
        if slice:
            shown(f"by {slice}", 0, 0)
            if (by_language := section_of_languages(evaluation, signal)) is None:
                raise SignalError(f"{b}: is judged in English alone; leave --slice out")
            show_section(by_language, format, output)
            return
        found = comparison.compare_models(evaluation, signal, shown)
    tables = comparison.section_of_comparison(found, intervals=format != "terminal")
    show_section(tables, format, output, comparison.record_of_comparison(found))


@app.command(rich_help_panel="Judge", cls=Several)
def batch(
    output: Annotated[Path, To(metavar="RUN", help="The folder of the run.")],
    models: Annotated[
        list[str] | None,
        Option(metavar="BUNDLE...", help="baseline, transformer, or bundles' folders."),
    ] = None,
    benchmarks: Annotated[
        list[str] | None,
        Option(
            metavar="NAME...",
            help="Corpora (house), parts of one (house/test), all (corpora), or labelled files.",
        ),
    ] = None,
    resume: Annotated[
        bool, Option("--resume", help="Compute what a run lacks; new --models are added to it.")
    ] = False,
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
    draws: Annotated[
        int | None, Option(min=100, help="Resamples of whole groups; 2,000 unless given.")
    ] = None,
    seed: Annotated[int | None, Option(min=0, help="Of the resamples; 0 by default.")] = None,
    allow_seen: AllowSeen = False,
) -> None:
    """Evaluate many bundles on many benchmarks.

    Each bundle is scored once on each benchmark, as by `eval` alone; the table says which is best,
    how sure that is, and what it costs. A cell that fails is recorded and the others are computed:
    exit status 1, or 2 when all fail.
    """
    from framescope.eval.grid import compute_grid, parse_benchmarks, parse_bundles, ranking_section
    from framescope.eval.sections import show_section
    from framescope.training.corpora import given_folder

    wanted = parse_benchmarks(benchmarks or ())
    needed = corpora is not None or not all(one.ships for one in wanted)
    with progress() as bar:
        found, computed = compute_grid(
            output, parse_bundles(models or ()), wanted, resume=resume, draws=draws, seed=seed,
            allow_seen=allow_seen, progress=bar,
            corpora=given_folder(corpora) if needed else None,
        )  # fmt: skip
    show_section(ranking_section(found))
    failed, cells = len(found["failed"]), found["cells"]
    typer.echo(f"{computed} of {cells} cells computed now; {failed} failed", err=True)
    typer.echo(f"wrote {output / 'index.html'}, table.md and table.json", err=True)
    if failed:
        raise typer.Exit(2 if failed == cells else 1)


@app.command(rich_help_panel="Judge")
def report(
    output: Annotated[Path, Option(metavar="DIR", help="The folder for both files.")],
    corpora: CorporaFolder = None,
    data: Data = None,
    a: First = "baseline",
    b: Second = "transformer",
    part: Parts = None,
    signal: Signals = None,
    without: Annotated[
        list[SectionName] | None, Option(help="Leave this section out. Repeatable.")
    ] = None,
    draws: Draws = 10_000,
    seed: Seed = 0,
    allow_seen: AllowSeen = False,
) -> None:
    """Compare two bundles: report.html and report.json (extra: training).

    The page holds sentences of the corpora; the JSON holds none.
    """
    need("matplotlib", "the report's plots need", "training")
    from framescope.eval.compare.slices import genres_of
    from framescope.eval.report.evaluation import SECTIONS, build_report, to_html, to_json

    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(output, f"can't be made ({error.strerror}); choose another") from None
    evaluation = evaluation_of([a, b], corpora, data, part, allow_seen, draws=draws, seed=seed)
    sections = {name: one for name, (_, one) in SECTIONS.items() if name not in (without or ())}
    genres = genres_of(data or ())
    with progress() as shown:
        made = build_report(evaluation, signal, genres, sections, shown)
    for name, write in (("report.json", to_json), ("report.html", to_html)):
        with opened(output / name) as file:
            file.write(write(made))
        typer.echo(f"wrote {output / name}")
    typer.echo(f"{made.verdict}\n{made.comparison.signature}")


@app.command(rich_help_panel="Judge")
def errors(
    signal: Annotated[str, Option("--signal", metavar="NAME", help="The signal.")],
    output: Output = None,
    n: Annotated[int, Option("--n", min=1, metavar="N", help="Number of errors.")] = 20,
    model: Annotated[str, Option(metavar="BUNDLE", help="The model.")] = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    allow_seen: AllowSeen = False,
) -> None:
    """Export a model's worst errors for relabelling.

    Whole articles in the exchange format. A sentence in error has a key `error` next to its labels.
    """
    from framescope.eval.compare.slices import error_records, originals, worst_errors
    from framescope.training.corpora import given_folder

    (name,) = in_order([signal])
    check(output, overwrite=True)
    evaluation = evaluation_of([model], corpora, data, part, allow_seen)
    (loaded,), examples, parts = evaluation.bundles, evaluation.examples, evaluation.parts
    if name not in (given := loaded.signals):
        raise SignalError(f"{loaded.name} doesn't give '{name}'; it gives {', '.join(given)}")
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


@app.command(rich_help_panel="Release")
def gate(
    bundle: Annotated[
        str, Argument(metavar="[BUNDLE]", help="A bundle's folder; the shipped transformer.")
    ] = "transformer",
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
    floors: Annotated[
        Path | None, Option(metavar="FILE", help="Default: eval/release/floors.json.")
    ] = None,
    update: Annotated[
        bool, Option("--update", help="Raise the floors, and write the figures into the card.")
    ] = False,
    allow_regression: Annotated[
        list[str] | None,
        Option(
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
    from framescope.eval.release import Gate, floors_of
    from framescope.eval.sections import show_section

    reasons = dict(map(_reason, allow_regression or ()))
    if reasons and not update:
        raise typer.BadParameter("lowers floors only with --update", param_hint=_ALLOW)
    if update and not (bundle in KINDS or Path(bundle).is_dir()):
        reason = f"writes into the bundle's card; {bundle} is no folder"
        raise typer.BadParameter(reason, param_hint="--update")
    draws = 2000 if update else 0  # of the intervals in a card; floors need none
    evaluation = evaluation_of([bundle], corpora, draws=draws)
    result = Gate.of(evaluation, floors or floors_of(evaluation.bundles[0]))
    show_section(result.section())
    if not update:
        result.check(bundle)
        return
    result.update(reasons)
    typer.echo(f"wrote {result.path} and the card of {result.bundle.path}")


def _reason(given: str) -> tuple[str, str]:
    name, _, reason = map(str.strip, given.partition("="))
    if not (name and reason):
        reason = f"{given!r}: give BENCHMARK=REASON, one for each floor that falls"
        raise typer.BadParameter(reason, param_hint=_ALLOW)
    return name, reason


@app.command(rich_help_panel="Study")
def controls(
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    signal: Signals = None,
    allow_seen: AllowSeen = False,
    format: AsSection = "terminal",
) -> None:
    """Compare two bundles with predictors that don't read the text.

    Without a folder of corpora, on the benchmarks that ship.
    """
    from framescope.eval.rows import BENCHMARKS
    from framescope.eval.sections import show_section
    from framescope.eval.studies import study_controls

    asked = tuple(one for one in BENCHMARKS if signal is None or one.signal in signal)
    evaluation = evaluation_of([a, b], corpora, None, None, allow_seen)
    found = study_controls(replace(evaluation, benchmarks=asked))
    if found is None:
        raise SignalError("no benchmark has one of these signals; leave --signal out")
    section, record = found
    show_section(section, format, record=record)


@app.command(rich_help_panel="Study")
def robustness(
    model: Annotated[
        str, Argument(metavar="[BUNDLE]", help="The model to judge.", show_default=True)
    ] = "transformer",
    seed: Seed = 0,
    format: AsSection = "terminal",
    output: Output = None,
) -> None:
    """Measure how scores change with edits that should not, or should, matter.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships. A missed
    limit is reported, and is no error.
    """
    from framescope.classifier.bundles import load
    from framescope.eval.sections import show_section
    from framescope.eval.suite import measure_suite

    check(output, overwrite=True)
    with progress() as bar:
        suite = measure_suite(load(model), seed=seed, progress=partial(bar, "texts"))
    show_section(suite.section(), format, output, suite.record())
    if format != "terminal" or output is not None:
        typer.echo(suite.verdict, err=True)
