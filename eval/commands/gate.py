"""The commands `framescope eval gate`, `card`, `seeds` and `same`: what a release has to pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier import __version__
from training.options import CorporaFolder, HouseFolder

if TYPE_CHECKING:
    from eval.figures import Section
    from eval.release import FloorCheck


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
        bool, typer.Option("--update", help="Raise the floors to what is measured now.")
    ] = False,
    allow_regression: Annotated[
        str | None,
        typer.Option(
            "--allow-regression",
            metavar="REASON",
            help="With --update: lower floors too, and write down why.",
        ),
    ] = None,
) -> None:
    """Hold a bundle against the floors.

    Ends with status 2 when one is missed. Without a folder of corpora, on the benchmarks that ship:
    they are in the folder corpus/ of a clone, which an installed package lacks. The limits of the
    behavioural suite are held too; no option lowers them.
    """
    from classifier import bundle as bundles
    from eval.release import (
        FLOORS,
        GateError,
        judge_floors,
        measure_benchmarks,
        raised_floors,
        read_floors,
        signature_of,
        write_floors,
    )
    from eval.report import show_section as show
    from eval.rows import Evaluation
    from eval.rows import held_out_of_corpora as of_corpora
    from eval.suite import measure_suite as measure
    from eval.suite import read_behaviours as behaviours
    from eval.suite import suite_verdict as verdict
    from training.corpora import given_folder

    path = floors or FLOORS
    written = read_floors(path)
    model = bundles.load(bundle)
    held_out = of_corpora(given_folder(corpora), [model], allow_other_split=False)
    verdicts = judge_floors(
        list(measure_benchmarks(Evaluation((model,), held_out.examples))), written
    )
    suite = measure(model, behaviours())
    said = signature_of(model, verdicts, suite)
    show(_section(verdicts, f"Behaviour: {verdict(suite)}", said))
    if update:
        write_floors(raised_floors(verdicts, written, allow_regression), path)
        typer.echo(f"wrote {path}")
        return
    missed = [one.measured.benchmark.name for one in verdicts if one.missed]
    changed = [one.measured.benchmark.name for one in verdicts if one.changed]
    if changed:
        raise GateError(
            f"other rows than the floors were measured on: {', '.join(changed)}; "
            "measure anew with --update"
        )
    if missed:
        raise GateError(f"under the floor: {', '.join(missed)}")
    if suite.missed:
        raise GateError(f"{verdict(suite)} `framescope eval robustness {bundle}` shows the cases")
    if not any(one.floor is not None for one in verdicts):
        raise GateError(f"{path}: has no floor for these benchmarks; set some with --update")


def card(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder; its card is rewritten.")
    ],
    corpora: CorporaFolder = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of groups.")] = 2000,
) -> None:
    """Measure a bundle, and write the figures into its card."""
    from classifier import bundle as bundles
    from eval.release import card_records, card_table, write_card
    from eval.release import measure_benchmarks as measured
    from eval.report import markdown_table
    from eval.rows import Evaluation
    from eval.rows import held_out_of_corpora as of_corpora
    from training.corpora import given_folder

    model = bundles.load(bundle)
    held_out = of_corpora(given_folder(corpora), [model], allow_other_split=False)
    found = card_records(measured(Evaluation((model,), held_out.examples, draws=draws)))
    write_card(bundle, found, markdown_table(card_table(found)))
    typer.echo(f"wrote {len(found)} figures into {bundle}")


def seeds(
    bundle: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE...", help="Bundles of one recipe, trained with two or more seeds."
        ),
    ],
    beside: Annotated[
        str | None,
        typer.Option("--beside", metavar="BUNDLE", help="A model to hold them against."),
    ] = None,
    corpora: CorporaFolder = None,
) -> None:
    """Mean and spread of the benchmarks over training seeds.

    Without a folder of corpora, on the benchmarks that ship.
    """
    from classifier import bundle as bundles
    from eval.release import section_of_seeds as section
    from eval.release import seed_spreads as spreads
    from eval.report import show_section as show
    from eval.rows import Evaluation
    from eval.rows import held_out_of_corpora as of_corpora
    from training.corpora import given_folder

    models = [bundles.load(one) for one in bundle]
    other = bundles.load(beside) if beside is not None else None
    judged = [*models, *([other] if other else ())]
    held_out = of_corpora(given_folder(corpora), judged, allow_other_split=False)
    digests = ", ".join(f"{one.name} {one.digest[:12]}" for one in judged)
    said = f"framescope {__version__} | data {held_out.signature} | {digests}"
    evaluation = Evaluation(tuple(judged), held_out.examples)
    beside_it = len(models) if other else None
    found = section(spreads(evaluation, range(len(models)), beside_it), models, other)
    show(replace(found, signature=said))


def same(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A file, or a folder of them.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The same, scored anew.")],
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="FIELD", help="Leave this field out. Repeatable."),
    ] = None,
) -> None:
    """Compare two outputs of `score`, exactly.

    Reads what --format json and --format jsonl wrote; ends with status 1 at the first difference.
    """
    from eval.release import DifferenceError, compare_exactly

    try:
        found = compare_exactly(before, after, ignore or ())
    except DifferenceError as difference:
        typer.echo(str(difference))
        raise typer.Exit(1) from None
    typer.echo(
        f"the same: {found.articles} articles, {found.sentences} sentences, {found.scores} scores"
    )


COMMANDS = (gate, card, seeds, same)


def _section(verdicts: Sequence[FloorCheck], note: str, signature: str) -> Section:
    from eval.figures import Section, table

    benchmarks = table(
        "Benchmarks and their floors",
        ("benchmark", "figure", "n", "yes", "measured", "floor", "verdict"),
        (
            (
                one.measured.benchmark.name, one.measured.benchmark.metric, one.measured.n,
                one.measured.positives, one.measured.value,
                "none" if one.floor is None else one.floor, _verdict(one),
            )
            for one in verdicts
        ),
    )  # fmt: skip
    return Section(note, (benchmarks,), signature=signature)


def _verdict(one: FloorCheck) -> str:
    if one.floor is None:
        return ""
    return "missed" if one.missed else "other rows" if one.changed else "ok"
