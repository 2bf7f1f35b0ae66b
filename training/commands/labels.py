"""The command `framescope labels`: are labels sound, do annotators agree, and theirs made one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from framescope.classifier.cli.help import SETTINGS, Grouped
from framescope.classifier.cli.shared import CardFormat, Json, OverFile
from framescope.training.options import CorporaFolder, HouseFolder

if TYPE_CHECKING:
    from framescope.training.labels import LabelCheck, LabelledFiles, LabelProblem, Suspects
    from rich.console import Console
    from rich.table import Table

app = typer.Typer(
    cls=Grouped,
    help="Check labels, measure how far annotators agree, merge theirs (extra: annotate).",
    no_args_is_help=True,
    context_settings=SETTINGS,
    rich_markup_mode=None,
)

_MOST_SHOWN = 50  # problems of one file on a terminal
_ERRORS = 20
_WIDTH = 140  # columns of a table that no terminal shows
_ENDED = 1  # the exit status of findings


class Merging(StrEnum):
    """How several labels become one."""

    MAJORITY = "majority"
    DAWID_SKENE = "dawid-skene"


As = Annotated[CardFormat, typer.Option("--format", "-f", help="How to write it.")]
Labelled = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Labelled files (exchange format).")
]


@dataclass
class _Found:
    """What was found in one file, or in a part of the house corpus."""

    check: LabelCheck
    problems: list[LabelProblem]
    balance: Sequence[Any] = ()
    suspects: Suspects | None = None
    unread: list[str] = field(default_factory=list)

    @property
    def findings(self) -> int:
        return len(self.problems) + len(self.suspects.found if self.suspects else ())


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Labelled files (exchange format); without any, the house corpus.",
        ),
    ] = None,
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
    errors: Annotated[
        int | None,
        typer.Option(
            "--errors", min=1, metavar="N", help=f"Show so many likely errors ({_ERRORS})."
        ),
    ] = None,
    no_errors: Annotated[
        bool, typer.Option("--no-errors", help="Look for no likely errors: it reads the text.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Take the probabilities of this bundle, which never saw these labels.",
        ),
    ] = None,
    format: As = CardFormat.TERMINAL,
    as_json: Json = False,
) -> None:
    """Check labels: faults, contradictions, duplicates, balance, likely errors.

    Ends with status 1 when anything was found, with 2 when a file can't be read.
    """
    from framescope.classifier.errors import InputError
    from framescope.training.corpora import given_folder
    from framescope.training.labels import check_house, check_standoff, read_labelled

    if no_errors and (errors is not None or model is not None):
        raise InputError(
            "--no-errors", "looks for no errors; leave it out, or --errors and --model"
        )
    root = given_folder(corpora)
    if files:
        read = [read_labelled([path]) for path in files]
        found = _checked(files, read, root, wanted=not no_errors, model=model, asked=bool(errors))
    else:
        if errors is not None or model is not None:
            what = "is of your files: name some, those of corpus/articles for instance"
            raise InputError("--errors" if errors is not None else "--model", what)
        checks = check_house(), check_standoff(root)
        found = [_Found(one, list(one.problems), unread=list(one.unread)) for one in checks]
    if as_json or format is CardFormat.JSON:
        listed = [_record(one, errors or _ERRORS) for one in found]
        typer.echo(json.dumps({"files": listed}, ensure_ascii=False, indent=2))
    else:
        for one in found:
            _print(one, errors or _ERRORS)
    if count := sum(one.findings for one in found):
        typer.echo(f"framescope: {_counted(count, 'finding')}, named above", err=True)
        raise typer.Exit(_ENDED)


def _checked(
    files: Sequence[Path],
    read: Sequence[LabelledFiles],
    root: Path | None,
    *,
    wanted: bool,
    model: str | None,
    asked: bool,
) -> list[_Found]:
    """Check files, each by itself, and all together for what stands in two of them."""
    from framescope.training.labels import (
        check_labelled,
        class_balance,
        in_benchmarks,
        labelled_otherwise,
        read_benchmarks,
    )

    benchmarks = read_benchmarks(root)
    made = []
    for path, given in zip(files, read, strict=True):
        articles = given.articles
        one = _Found(check_labelled(str(path), given), [], class_balance(articles))
        one.problems += [*one.check.problems, *labelled_otherwise(articles)]
        one.problems += in_benchmarks(articles, benchmarks)
        one.unread += [*one.check.unread, *benchmarks.unread]
        if wanted and articles:
            _suspect(one, given, model, asked=asked or model is not None)
        made.append(one)
    return made


def _suspect(one: _Found, given: LabelledFiles, model: str | None, *, asked: bool) -> None:
    """Look for likely errors; without what that takes, say so unless it was asked for."""
    from framescope.classifier.errors import FramescopeError, need

    try:
        need("cleanlab", "looking for likely label errors needs", "annotate")
    except FramescopeError as error:
        if asked:
            raise
        one.unread.append(f"likely errors: {error}")
        return
    from framescope.classifier.bundles import load
    from framescope.training.labels import find_suspects

    own = model is not None
    one.suspects = find_suspects(given.articles, load(model or "transformer"), own=own)
    one.unread += one.suspects.unread


@app.command()
def agreement(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="A file an annotator, or records that name their 'annotator'; without any, the "
            "part of the house corpus that was labelled twice.",
        ),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of articles.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    citations: Annotated[
        bool, typer.Option("--citations", help="Of citations, not of the sentences' signals.")
    ] = False,
    corpus: HouseFolder = None,
    format: As = CardFormat.TERMINAL,
    as_json: Json = False,
) -> None:
    """How far annotators agree: Krippendorff's alpha of each signal, with an interval.

    With --citations, on who says what: each role, the source it is linked to, and its kind.
    """
    from framescope.training.labels import (
        as_records,
        citation_agreement,
        citation_passes,
        measure_agreement,
        passes,
        read_annotators,
    )

    given = read_annotators(files or (citation_passes() if citations else passes()))
    labels = [as_records(articles) for articles in given.values()]
    rows: Sequence[Any]
    if citations:
        rows = citation_agreement(*labels, draws=draws, seed=seed)
    else:
        rows = measure_agreement(*labels, draws=draws, seed=seed)
    if as_json or format is CardFormat.JSON:
        what = "citations" if citations else "signals"
        listed = {"annotators": list(given), what: [_finite(asdict(row)) for row in rows]}
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=2))
        return
    _console().print(_of_citations(rows) if citations else _of_signals(list(given), rows))


@app.command()
def merge(
    files: Labelled,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the merged labels go.")
    ],
    by: Annotated[
        Merging,
        typer.Option(
            "--by", help="A share of those who labelled it, or Dawid and Skene's probability."
        ),
    ] = Merging.MAJORITY,
    hard: Annotated[
        bool, typer.Option("--hard", help="Round labels to 0 and 1; a half is left out.")
    ] = False,
    overwrite: OverFile = False,
) -> None:
    """Merge several annotators' labels into one record an article.

    What they differ on becomes a label between 0 and 1, which training takes as it is.
    """
    from framescope.classifier import output as outputs
    from framescope.training.labels import merge_annotators, read_annotators

    outputs.check(output, list(map(str, files)), overwrite=overwrite)
    annotators = read_annotators(files)
    merged = merge_annotators(annotators, dawid_skene=by is Merging.DAWID_SKENE, hard=hard)
    with outputs.opened(output) as file:
        file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in merged.records)
    said = f"{_counted(len(merged.records), 'article')} of {len(annotators)} annotators"
    said += f", {merged.labels:,} labels, {merged.soft:,} of them between 0 and 1"
    said += f"; {merged.ties:,} left out as a half" if merged.ties else ""
    said += f"; {merged.alone:,} articles have one annotator" if merged.alone else ""
    typer.echo(said, err=output == outputs.STDOUT)


# --- what is shown --------------------------------------------------------------------------------


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _record(one: _Found, most: int) -> dict[str, Any]:
    suspects = one.suspects
    return {
        "name": one.check.name,
        "articles": one.check.articles,
        "sentences": one.check.sentences,
        "pairs": one.check.pairs,
        "problems": [asdict(problem) for problem in one.problems],
        "balance": [asdict(row) for row in one.balance],
        "likely_errors": None
        if suspects is None
        else {
            "looked_at": suspects.labels,
            "found": len(suspects.found),
            "shown": [_finite(asdict(each)) | {"why": each.why} for each in suspects.found[:most]],
        },
        "not_looked_at": one.unread,
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """NaN is not JSON: what is undefined is null."""
    return {k: None if isinstance(v, float) and v != v else v for k, v in row.items()}


def _console() -> Console:
    """Give what is printed to; a file or a pipe has no width that a table must keep to."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    return console


def _print(one: _Found, most: int) -> None:
    from rich.markup import escape

    console = _console()
    of = one.check
    pairs = f", {of.pairs} contrast pairs" if of.pairs else ""
    console.print(
        f"[bold]{escape(of.name)}[/]: {_counted(of.articles, 'article')}, "
        f"{_counted(of.sentences, 'sentence')}{pairs}; {_counted(len(one.problems), 'problem')}"
    )
    for problem in one.problems[:_MOST_SHOWN]:
        console.print(f"  {escape(problem.where)}: {escape(problem.what)}")
    if len(one.problems) > _MOST_SHOWN:
        console.print(f"  and {len(one.problems) - _MOST_SHOWN} more; --json lists them all")
    if one.balance:
        console.print(_of_balance(one.balance))
    if one.suspects is not None:
        found = one.suspects.found
        count = _counted(len(found), "likely error")
        console.print(f"{count} among {one.suspects.labels:,} labels" + (":" if found else ""))
        for each in found[:most]:
            console.print(f"  {escape(each.article)}, sentence {each.sentence}, {each.signal}:")
            console.print(f"    {escape(each.text)}", style="italic")
            console.print(f"    {escape(each.why)}")
        if len(found) > most:
            console.print(f"  and {len(found) - most:,} more; --errors N shows more")
    for line, times in _once(one.unread).items():
        more = f" ({times} times)" if times > 1 else ""
        console.print(f"  not looked at: {escape(line)}{more}")


def _once(lines: Sequence[str]) -> dict[str, int]:
    times: dict[str, int] = defaultdict(int)
    for line in lines:
        times[line] += 1
    return times


def _table(left: Sequence[str], right: Sequence[str], caption: str | None = None) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.caption_justify = "left"
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _of_balance(rows: Sequence[Any]) -> Table:
    soft = any(row.soft for row in rows)
    headings = ("labels", "articles", "yes", "share", *(("between",) if soft else ()))
    table = _table(("signal",), headings)
    table.add_column("")
    for row in rows:
        cells = f"{row.labels:,}", f"{row.articles:,}", f"{row.positives:,}"
        share = f"{row.positives / row.labels:.0%}"
        between = (f"{row.soft:,}",) if soft else ()
        table.add_row(row.signal, *cells, share, *between, row.lacks)
    return table


def _of_signals(names: Sequence[str], rows: Sequence[Any]) -> Table:
    caption = f"{', '.join(names)}: sentences that each labelled 1; intervals resample articles"
    table = _table(("signal",), ("n", "articles", *names, "alpha", "95% interval"), caption)
    for row in rows:
        defined = row.alpha == row.alpha
        table.add_row(
            row.signal,
            f"{row.sentences:,}",
            f"{row.articles:,}",
            *map(str, row.positive),
            f"{row.alpha:.3f}" if defined else "undefined",
            f"{row.low:.3f} to {row.high:.3f}" if defined else "",
        )
    return table


def _of_citations(rows: Sequence[Any]) -> Table:
    columns = ("n", "articles", "value", "95% interval")
    table = _table(("of", "measure"), columns, "intervals resample articles")
    for row in rows:
        found = "undefined", ""
        if row.value == row.value:
            found = f"{row.value:.3f}", f"{row.low:.3f} to {row.high:.3f}"
        table.add_row(row.what, row.measure, f"{row.n:,}", f"{row.articles:,}", *found)
    return table
