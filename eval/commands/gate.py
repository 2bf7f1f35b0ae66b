"""The commands `framescope eval gate`, `card`, `seeds`, `median`, `same`: before a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier import __version__
from framescope.eval.commands.options import evaluation_of
from framescope.training.options import CorporaFolder, HouseFolder


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
        list[str] | None,
        typer.Option(
            "--allow-regression",
            metavar="BENCHMARK=REASON",
            help="With --update: lower this floor too, and write down why. Repeatable.",
        ),
    ] = None,
) -> None:
    """Hold a bundle against the floors.

    Ends with status 2 when one is missed. Without a folder of corpora, on the benchmarks that ship:
    they are in the folder corpus/ of a clone, which an installed package lacks. The limits of the
    behavioural suite are held too; no option lowers them.
    """
    from framescope.eval.release import FLOORS, Gate
    from framescope.eval.report import show_section

    reasons = dict(map(_reason, allow_regression or ()))
    if reasons and not update:
        raise typer.BadParameter(
            "lowers floors only with --update", param_hint="--allow-regression"
        )
    held = Gate.of(evaluation_of([bundle], corpora), floors or FLOORS)
    show_section(held.section())
    if update:
        held.update(reasons)
        typer.echo(f"wrote {held.path}")
    else:
        held.check(bundle)


def _reason(given: str) -> tuple[str, str]:
    """Split a benchmark's name from why its floor may fall; typer's error where there is none."""
    name, _, reason = given.partition("=")
    if not (name.strip() and reason.strip()):
        raise typer.BadParameter(
            f"{given!r}: give BENCHMARK=REASON, one for each floor that falls",
            param_hint="--allow-regression",
        )
    return name.strip(), reason.strip()


def card(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder; its card is rewritten.")
    ],
    corpora: CorporaFolder = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of groups.")] = 2000,
) -> None:
    """Measure a bundle, and write the figures into its card."""
    from framescope.eval.release import card_records, card_table, measure_benchmarks, write_card
    from framescope.eval.report import markdown_table

    found = card_records(measure_benchmarks(evaluation_of([bundle], corpora, draws=draws)))
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
        str | None, typer.Option("--beside", metavar="BUNDLE", help="A model to hold them against.")
    ] = None,
    corpora: CorporaFolder = None,
) -> None:
    """Mean and spread of the benchmarks over training seeds.

    Without a folder of corpora, on the benchmarks that ship.
    """
    from framescope.eval.release import section_of_seeds
    from framescope.eval.report import show_section

    evaluation = evaluation_of([*bundle, *([] if beside is None else [beside])], corpora)
    digests = ", ".join(f"{one.name} {one.digest[:12]}" for one in evaluation.bundles)
    said = f"framescope {__version__} | data {evaluation.data} | {digests}"
    other = None if beside is None else len(bundle)
    show_section(section_of_seeds(evaluation, range(len(bundle)), other, signature=said))


def median(
    bundle: Annotated[
        list[Path],
        typer.Argument(metavar="BUNDLE...", help="Bundles of one recipe, trained with seeds."),
    ],
    record: Annotated[
        Path | None, typer.Option(help="Write figures and digests to this JSON file.")
    ] = None,
) -> None:
    """Say which of several seeds ships: the median by validation."""
    from framescope.classifier.bundle import read_manifest
    from framescope.eval.release import median_of_seeds, record_of_seeds

    found, chosen = median_of_seeds([read_manifest(folder) for folder in bundle])
    for one in found:
        mark = "  <- ships" if one is chosen else ""
        typer.echo(f"seed {one.seed}  {one.encoder[:16]}  {one.validation:.4f}{mark}")
    if record is not None:
        text = json.dumps(record_of_seeds(found, chosen), indent=2) + "\n"
        record.write_text(text, encoding="utf-8")


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
    from framescope.eval.release import DifferenceError, compare_exactly

    try:
        found = compare_exactly(before, after, ignore or ())
    except DifferenceError as difference:
        typer.echo(str(difference))
        raise typer.Exit(1) from None
    typer.echo(
        f"the same: {found.articles} articles, {found.sentences} sentences, {found.scores} scores"
    )


COMMANDS = (gate, card, seeds, median, same)
