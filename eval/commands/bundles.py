"""The commands `framescope calibrate`, `drift` and `bundles promote`."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from framescope.classifier.cli import shared
from framescope.classifier.cli.bundles import By, app, write_json
from framescope.classifier.errors import FramescopeError, need
from framescope.training.options import CorporaFolder, HouseFolder
from typer import Argument, Option


@app.command()
def promote(
    candidate: Annotated[
        str, Argument(metavar="CANDIDATE", help="The folder that training wrote.")
    ],
    name: Annotated[
        str | None, Option("--as", metavar="NAME", help="Promoted name; else its folder's.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Your own held-out labels (exchange format). Repeatable."),
    ] = None,
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    against: Annotated[
        str | None,
        Option(
            metavar="BUNDLE",
            help="Compare with this one; else with the current one, at first what ships.",
        ),
    ] = None,
    allow: Annotated[
        str | None, Option(metavar="REASON", help="Promote it although it is worse; needs --by.")
    ] = None,
    by: By = None,
    allow_seen: shared.AllowSeen = False,
    draws: Annotated[int, Option(min=100, help="Resamples of articles.")] = 10_000,
    seed: Annotated[int, Option(min=0, help="Seed of the resamples.")] = 0,
    format: shared.AsCard = "terminal",
) -> None:
    """Promote a bundle under a name, if no signal gets worse.

    It must pass the gate, and no signal may be worse beyond its interval, on what ships (or on the
    corpora) and on your own held-out labels. A refusal ends with status 1 and says what is worse.
    """
    from framescope.classifier.bundles import ModelStore
    from framescope.eval.commands.judge import progress
    from framescope.eval.release import promote as judge_and_promote
    from framescope.eval.sections import show_section

    with progress() as bar:
        found = judge_and_promote(
            candidate, ModelStore(), name, data=data or (), corpora=corpora,
            against=against, allow=allow, by=by, allow_seen=allow_seen, draws=draws, seed=seed,
            progress=bar,
        )  # fmt: skip
    if format == "json":
        write_json({"name": found.name, "version": found.version, **found.record})
    else:
        if found.judgement is not None:
            show_section(found.judgement.section())
            if lines := found.judgement.objections:
                typer.echo("\n  ".join(("\nagainst it:", *lines)))
        typer.echo(_decision(found.name, found.version, found.decision))
    if found.decision == "refused":
        raise typer.Exit(1)


def _decision(name: str, version: int | None, decision: str) -> str:
    if decision == "current":
        return f"{name}@{version} is this bundle already; nothing to do"
    if decision == "refused":
        stays = f"{name}@{version} stays current" if version is not None else "nothing is current"
        remedy = "To promote it all the same: --allow REASON --by WHO; both are kept"
        return f"refused: {stays}. {remedy}"
    return f"{name}@{version} is current ({decision}); framescope score --model {name}"


def calibrate(
    data: Annotated[
        list[Path], Option(metavar="FILE", help="Your labelled file (exchange format). Repeatable.")
    ],
    output: Annotated[Path, shared.To(metavar="FOLDER", help="Where to write the bundle.")],
    model: shared.ModelName = "transformer",
    signal: Annotated[
        list[str] | None, Option(metavar="NAME", help="Fit only this signal. Repeatable.")
    ] = None,
    precision: Annotated[
        list[str] | None,
        Option(metavar="SIGNAL=SHARE", help="Target precision of its flags. Repeatable."),
    ] = None,
    recall: Annotated[
        list[str] | None,
        Option(metavar="SIGNAL=SHARE", help="Target recall of its flags. Repeatable."),
    ] = None,
    confidence: Annotated[
        float,
        Option(
            metavar="SHARE", min=0.5, max=0.999, help="That a target is achieved; 0.5: as measured."
        ),
    ] = 0.9,
    allow_seen: shared.AllowSeen = False,
    seed: Annotated[int, Option("--seed", min=0, help="Seed of folds and resamples.")] = 0,
    format: Annotated[
        shared.SectionFormat, shared.As(help="How to write the figures.")
    ] = "terminal",
    quiet: shared.Quiet = False,
) -> None:
    """Fit a bundle's calibration and thresholds on your own labels."""
    from framescope.classifier.bundles import check_writable, load
    from framescope.eval import calibration
    from framescope.eval.rows import held_out_of_files
    from framescope.eval.sections import show_section

    targets = _targets(precision or (), recall or (), confidence)
    check_writable(output)
    loaded = load(model)
    calibration.check_output(loaded, output)
    rows = held_out_of_files(data, () if allow_seen else (loaded,))
    if not quiet:
        typer.echo(f"scoring {len(rows.examples):,} sentences with {loaded.name}", err=True)
    record = calibration.recalibrate(loaded, rows.examples, data, signal or (), targets, seed)
    calibration.write_recalibrated(loaded, record, output, rows.digests)
    show_section(calibration.recalibration_section(record), format, record=record)
    if not quiet:
        for name, why in record["kept"].items():
            typer.echo(f"framescope: {name} stays as it is: {why}", err=True)
        score = f"framescope score INPUT --model {output}"
        typer.echo(f"wrote {output}; score with it: {score}", err=True)


def _targets(precision: Sequence[str], recall: Sequence[str], confidence: float) -> dict[str, Any]:
    from framescope.classifier.taxonomy import in_order
    from framescope.eval.calibration import Target

    found = dict[str, Target]()
    for figure, given in (("precision", precision), ("recall", recall)):
        for one in given:
            signal, _, share = one.partition("=")
            value = 0.0
            with suppress(ValueError):
                value = float(share)
            if not 0 < value < 1:
                reason = "write SIGNAL=SHARE, with a share between 0 and 1"
                raise FramescopeError(f"--{figure} {one}: {reason}")
            (name,) = in_order([signal])
            if name in found:
                raise FramescopeError(f"--{figure} {one}: {name} has two targets; give one")
            found[name] = Target(figure, value, confidence)
    return found


def drift(
    run: Annotated[Path, Argument(metavar="RUN", help="A folder that batch wrote.")],
    against: Annotated[
        str, Option(metavar="RUN|BUNDLE", help="An earlier run, or the bundle that scored it.")
    ],
    data: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Labels of its articles (exchange format). Repeatable."),
    ] = None,
    output: Annotated[Path | None, shared.To(metavar="FILE", help="HTML page to write.")] = None,
    overwrite: shared.OverReport = False,
    level: Annotated[
        float,
        Option(
            metavar="P", min=0.001, max=0.2, help="Share of false alarms when nothing has changed."
        ),
    ] = 0.002,
    articles: Annotated[int, Option(min=30, help="Articles sampled from each run.")] = 3000,
    seed: Annotated[int, Option(min=0, help="Seed of the permutations.")] = 0,
    format: Annotated[shared.CardFormat, shared.As(help="How to write the verdict.")] = "terminal",
) -> None:
    """Report whether incoming articles have drifted (extra: batch).

    Ends with status 0 when no drift is found, 1 when some is, 2 when there are too few articles.
    """
    for module in ("pyarrow", "duckdb"):
        need(module, "drift needs", "batch")
    from framescope.classifier.output import check, opened
    from framescope.eval.drift import compare_runs
    from framescope.eval.sections import show_section

    check(output, [str(one) for one in data or ()], overwrite=overwrite)
    report = compare_runs(run, against, data or (), level=level, most=articles, seed=seed)
    if output is not None:
        with opened(output) as file:
            file.write(report.page())
    show_section(report.section(), format, record=report.record())
    raise typer.Exit(2 if report.few else int(bool(report.found)))
