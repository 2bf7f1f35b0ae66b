"""The command `framescope labels`: check labels, measure agreement, merge annotators."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from framescope.classifier import records
from framescope.classifier.cli.shared import SETTINGS, AllowSeen, AsCard, Grouped, OverFile
from framescope.classifier.errors import InputError
from framescope.training.commands import Files, Text
from framescope.training.options import CorporaFolder, HouseFolder, table
from typer import Argument, Option

if TYPE_CHECKING:
    from framescope.training.labels import LabelCheck, LikelyErrors
    from rich.console import Console
    from rich.table import Table

app = typer.Typer(
    help="Check labels; measure how far annotators agree, and merge theirs (extra: annotate).",
    cls=Grouped, no_args_is_help=True, context_settings=SETTINGS, rich_markup_mode=None,
)  # fmt: skip

_MOST_SHOWN = 50  # problems of one file on a terminal
_ERRORS = 20
_WIDTH = 140  # columns of a table in a file or pipe
_FINDINGS = 1  # the exit status

_counted = partial(records.counted, form=",")


@app.command()
def check(
    files: Annotated[
        Files, Argument(metavar="[FILE]...", help="Labelled files; without any, the house corpus.")
    ] = None,
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    errors: Annotated[
        int | None,
        Option(min=0, metavar="N", help=f"Show this many likely errors ({_ERRORS}); 0: none."),
    ] = None,
    model: Annotated[
        Text, Option("--model", "-m", help="Use its probabilities; it never saw these labels.")
    ] = None,
    allow_seen: AllowSeen = False,
    format: AsCard = "terminal",
) -> None:
    """Check labels: faults, contradictions, duplicates, balance, likely errors.

    Ends with status 1 when anything was found, with 2 when a file can't be read, or holds articles
    of another of the files, or ones that the model has seen.
    """
    from framescope.classifier.bundles import load, refuse_seen
    from framescope.training import labels
    from framescope.training.corpora import given_folder

    root = given_folder(corpora)
    checks: list[tuple[LabelCheck, LikelyErrors | None]] = []
    if files:
        read = {path: labels.read_labelled([path]) for path in files}
        if not allow_seen:
            labels.refuse_shared(read)
        used = None if errors == 0 else load(model or "transformer")
        if used is not None and not allow_seen:
            for path, labelled in read.items():
                refuse_seen([used], [one.article for one in labelled.articles], [path])
        benchmarks = labels.read_benchmarks(root)
        for path, labelled in read.items():
            one, found = labels.check_labelled(str(path), labelled, benchmarks), None
            if used is not None and labelled.articles:
                found = labels.find_errors(labelled.articles, used, own=model is not None)
            checks.append((one, found))
    elif errors is not None or model is not None:
        option = "--errors" if errors is not None else "--model"
        raise InputError(option, "needs files; name some")
    else:
        real = (labels.check_standoff(root, one) for one in ("standoff", "judged", "techniques"))
        written = labels.check_house(), labels.check_house("house_languages", "languages")
        checks = [(one, None) for one in (*written, *real)]
    shown = _ERRORS if errors is None else errors
    if format == "json":
        listed = [_record(one, found, shown) for one, found in checks]
        typer.echo(json.dumps({"files": listed}, ensure_ascii=False, indent=2))
    else:
        for one, found in checks:
            _print(one, found, shown)
    count = sum(len(one.problems) + (found.sure if found else 0) for one, found in checks)
    if count:
        typer.echo(f"framescope: {_counted(count, 'finding')}, listed above", err=True)
        raise typer.Exit(_FINDINGS)


@app.command()
def agreement(
    files: Annotated[
        Files,
        Argument(metavar="[FILE]...", help="One per annotator, or with 'annotator' in records."),
    ] = None,
    cited: Annotated[bool, Option("--citations", help="Measure citations, not signals.")] = False,
    house: HouseFolder = None,
    format: AsCard = "terminal",
) -> None:
    """Measure agreement: Krippendorff's alpha of each signal, with a 95% interval.

    Without files, of the part of the house corpus that was labelled twice. With --citations, on who
    says what: each role, the source it is linked to, its kind, and who the speaker is.
    """
    from framescope.training import labels

    given = labels.read_annotators(files or labels.passes(citations=cited))
    measure = labels.citation_agreement if cited else labels.measure_agreement
    rows: Sequence[Any] = measure(*([one.record for one in of] for of in given.values()))
    if format == "json":
        listed = [_finite(row._asdict()) for row in rows]
        found = {"annotators": list(given), "citations" if cited else "signals": listed}
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _console().print(_of_agreement(list(given), rows, citations=cited))


@app.command()
def merge(
    files: Annotated[
        list[Path], Argument(metavar="FILE...", help="Labelled files (exchange format).")
    ],
    output: Annotated[Path, Option("--output", "-o", metavar="FILE", help="Merged labels.")],
    by: Annotated[
        Literal["majority", "dawid-skene"],
        Option(help="Share of yes, or Dawid and Skene's probability."),
    ] = "majority",
    hard: Annotated[
        bool, Option("--hard", help="Round to 0 and 1; leave out exact halves.")
    ] = False,
    overwrite: OverFile = False,
) -> None:
    """Merge several annotators' labels into one record per article.

    Where they differ, the label lies between 0 and 1, which training uses as it is.
    """
    from framescope.classifier import output as outputs
    from framescope.training.labels import merge_annotators, read_annotators

    outputs.check(output, list(map(str, files)), overwrite=overwrite)
    annotators = read_annotators(files)
    merged = merge_annotators(annotators, dawid_skene=by == "dawid-skene", hard=hard)
    with outputs.opened(output) as file:
        file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in merged.records)
    summary = f"{_counted(len(merged.records), 'article')} of {len(annotators)} annotators"
    summary += f", {_counted(merged.labels, 'label')}, {merged.soft:,} of them between 0 and 1"
    summary += f"; {merged.ties:,} exact halves left out" if merged.ties else ""
    alone = f"; {_counted(merged.alone, 'article')} with only one annotator"
    typer.echo(summary + (alone if merged.alone else ""), err=output == outputs.STDOUT)


def _record(one: LabelCheck, errors: LikelyErrors | None, most: int) -> dict[str, Any]:
    record = asdict(one)
    unread = [*record.pop("unread"), *(errors.unread if errors else ())]
    likely = errors and {
        "looked_at": errors.labels,
        "found": len(errors.found),
        "likelier_wrong_than_right": errors.sure,
        "shown": [_finite(asdict(each)) | {"why": each.why} for each in errors.found[:most]],
    }
    return record | {"likely_errors": likely, "not_looked_at": unread}


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and v != v else v for k, v in row.items()}


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    return console


def _print(one: LabelCheck, errors: LikelyErrors | None, most: int) -> None:
    from rich.markup import escape

    console = _console()
    pairs = f", {one.pairs} contrast pairs" if one.pairs else ""
    console.print(
        f"[bold]{escape(one.name)}[/]: {_counted(one.articles, 'article')}, "
        f"{_counted(one.sentences, 'sentence')}{pairs}; {_counted(len(one.problems), 'problem')}"
    )
    for problem in one.problems[:_MOST_SHOWN]:
        console.print(f"  {escape(problem.where)}: {escape(problem.what)}")
    if len(one.problems) > _MOST_SHOWN:
        hidden = len(one.problems) - _MOST_SHOWN
        console.print(f"  and {hidden:,} more; --format json lists them all")
    if one.balance:
        console.print(_of_balance(one.balance))
    if errors is not None:
        count = _counted(errors.sure, "likely error")
        end = "; the likeliest first:" if errors.found and most else ""
        console.print(f"{count} (more likely wrong than right) among {errors.labels:,} labels{end}")
        for each in errors.found[:most]:
            console.print(f"  {escape(each.article)}, sentence {each.sentence}, {each.signal}:")
            console.print(f"    {escape(each.text)}", style="italic")
            console.print(f"    {escape(each.why)}")
        if len(errors.found) > most:
            console.print(f"  and {len(errors.found) - most:,} more; --errors N shows more")
    for line, times in Counter([*one.unread, *(errors.unread if errors else ())]).items():
        more = f" ({times} times)" if times > 1 else ""
        console.print(f"  not checked: {escape(line)}{more}")


def _of_balance(rows: Sequence[Any]) -> Table:
    soft = any(row.soft for row in rows)
    headings = ("labels", "articles", "yes", "share", *(("between",) if soft else ()))
    shown = table(("signal",), headings)
    shown.add_column("")
    for row in rows:
        cells = f"{row.labels:,}", f"{row.articles:,}", f"{row.positives:,}"
        between = (f"{row.soft:,}",) if soft else ()
        share = f"{row.positives / row.labels:.0%}"
        shown.add_row(row.signal, *cells, share, *between, row.lacks)
    return shown


def _of_agreement(annotators: Sequence[str], rows: Sequence[Any], *, citations: bool) -> Table:
    caption, names = "intervals resample articles", () if citations else tuple(annotators)
    if names:
        caption = f"{', '.join(names)}: sentences that each labelled 1; {caption}"
    left, value = (("of", "measure"), "value") if citations else (("signal",), "alpha")
    shown = table(left, ("n", "articles", *names, value, "95% interval"), caption=caption)
    for row in rows:
        cells = [row.what, row.measure, f"{row.n:,}"] if citations else [row.signal]
        cells += [f"{row.articles:,}"] if citations else [f"{row.sentences:,}", f"{row.articles:,}"]
        cells += [] if citations else map(str, row.positive)
        found, bounds = getattr(row, value), f"{row.low:.3f} to {row.high:.3f}"
        shown.add_row(*cells, *((f"{found:.3f}", bounds) if found == found else ("undefined", "")))
    return shown
