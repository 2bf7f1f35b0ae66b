"""The commands `framescope score` and `framescope signals`."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from framescope.classifier import output as outputs
from framescope.classifier.cli import shared
from framescope.classifier.cli.bundles import write_json
from framescope.classifier.cli.shared import ReportFormat, parse_columns
from framescope.classifier.errors import FramescopeError, InputError, StoppedError
from framescope.classifier.records import Article, ArticleReport, BatchReport, Skipped, counted
from typer import Argument, Option

if TYPE_CHECKING:
    from framescope.classifier.inputs import InputOptions
    from framescope.classifier.scoring import Item, Scorer

_WIDTH = 80  # columns of a report that no terminal shows
_FORMATS = "terminal, json, jsonl, html, or csv: who is cited. Default: by the suffix of --output."


def score(
    inputs: Annotated[
        list[str],
        Argument(
            metavar="INPUT...",
            help="Files, folders, patterns of files, addresses (http, https, s3, gs), or - for "
            "standard input. Text, HTML, saved pages (MHTML), newsletters (EML), feeds, "
            "tables (CSV, TSV, Parquet), web archives (WARC) and JSON; packed with gzip, "
            "bzip2, xz or Zstandard too.",
        ),
    ],
    model: shared.Scoring = None,
    format: Annotated[ReportFormat | None, shared.As(metavar="FORMAT", help=_FORMATS)] = None,
    output: shared.Output = None,
    overwrite: shared.OverReport = False,
    signal: shared.OnlySignals = None,
    experimental: shared.Experimental = False,
    sources: shared.Own = None,
    include: shared.Include = None,
    exclude: shared.Exclude = None,
    follow_links: shared.FollowLinks = False,
    column: shared.Columns = None,
    allow_private: shared.Private = False,
    max_characters: Annotated[int, Option(min=1, help="Skip longer articles.")] = 2_000_000,
    max_seconds: Annotated[
        float, Option(metavar="S", min=0.1, help="Skip an article that takes longer.")
    ] = 300.0,
    full: Annotated[
        bool, Option("--full", help="Print the whole text and every fact in the terminal.")
    ] = False,
    quiet: shared.Quiet = False,
) -> None:
    """Score the sentences of one or more articles."""
    from framescope.classifier.runtime import begin

    begin(model or "transformer")  # beside the imports that follow
    from framescope.classifier.inputs import InputOptions, size_of_inputs
    from framescope.classifier.scoring import load_scorer

    def say(line: str) -> None:
        if not quiet:
            outputs.tell(line)

    columns = parse_columns(column)
    outputs.check(output, inputs, overwrite=overwrite)
    form = outputs.format_for(output, format, "terminal")
    for left in outputs.leftovers(output):
        say(f"{left}: left by an interrupted run, and not whole; it stays until you delete it")
    scorer = load_scorer(model, signal, sources, True, max_seconds, experimental)
    found: list[Item] = []
    counts, read = Counter[str](), deque[int]()
    whole, ending = 0, False

    def drawn() -> Iterator[Article | Skipped]:
        for item in _articles(inputs, reading, max_characters):
            read.append(counts["bytes"])
            yield item

    reading = InputOptions(columns, allow_private, say, lambda size: counts.update(bytes=size))
    reading = replace(reading, include=include or (), exclude=exclude or ())
    reading = replace(reading, follow_links=follow_links)
    size = partial(size_of_inputs, inputs, reading)
    with outputs.progress(size, quiet=quiet) as bar, outputs.drafted(output) as draft:
        try:
            items = _begun(scorer.score(drawn()), single=len(inputs) == 1)
            mark = outputs.CSV_MARK if draft.part else ""
            draft.file.write(mark + outputs.CSV_HEAD if form == "csv" else "")
            for item in items:
                if draft.file.isatty():
                    bar()
                number = counts["articles"] + 1
                if not _write_item(item, number, scorer, form, draft.file, full):
                    found.append(item)
                counts["articles"] += isinstance(item, ArticleReport)
                counts["scored"] += isinstance(item, ArticleReport) and item.note is None
                counts["skipped"] += isinstance(item, Skipped)
                draft.worth = counts["scored"] > 0
                whole = draft.file.tell() if draft.part else 0
                done = read.popleft()
                if read or counts["articles"] > 1:  # a single article shows no bar
                    bar(completed=done, description=counted(counts["articles"], "article", ","))
            bar()
            ending = draft.part is None  # what is written there can't be taken back
            _write_end(found, scorer, form, draft.file, full)
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            bar()
            if ending or (not counts["articles"] and isinstance(error, (FramescopeError, OSError))):
                raise
            if counts["scored"]:
                if draft.part:  # what is half written goes
                    draft.worth = whole > 0
                    draft.file.seek(whole)
                    draft.file.truncate()
                _write_end(found, scorer, form, draft.file, full)
                draft.worth = True
            raise _stopped(error, counts["scored"], draft.part) from error
    noted = counts["articles"] - counts["scored"]
    left_out = (
        (counts["skipped"], "input", "skipped", form in ("jsonl", "csv")),
        (noted, "article", "not scored", form == "csv"),
    )
    for number, noun, what, told in left_out:
        if number:
            was = "was" if number == 1 else "were"
            why = "the lines above say why" if told else "the report says why"
            say(f"{counted(number, noun, ',')} {was} {what}; {why}")
    raise typer.Exit(2 if not counts["scored"] else 1 if counts["skipped"] or noted else 0)


def signals(
    model: shared.Scoring = None,
    language: Annotated[str | None, Option(help="What is measured there: de, or German.")] = None,
    format: shared.AsCard = "terminal",
) -> None:
    """List the signals: what each means, where it comes from, which a model gives."""
    from framescope.classifier import bundles
    from framescope.classifier.records import printable
    from rich.table import Column, Table
    from rich.text import Text

    name, rows = bundles.list_signals(model, language)
    if format == "json":
        write_json(rows)
        return
    if language is not None:
        _print_measured(name, rows)
        return
    groups: dict[str, Table] = {}
    for one in rows:
        about = f"{one['family']}, per {one['level']}: {one.get('defined_in', one['origin'])}"
        group = groups.setdefault(about, Table.grid(Column(min_width=28), "", padding=(0, 1)))
        mark = "?" if one["given"] and one["experimental"] else "*" if one["given"] else " "
        group.add_row(Text(f"{mark} {one['name']}"), Text(printable(one["meaning"])))
    with outputs.on_console(sys.stdout, _WIDTH) as console:
        console.print(Text(f"* given by {name}; ? given, and flagged with --experimental"))
        for about, group in groups.items():
            console.print(Text(f"\n{printable(about)}", style="bold"))
            console.print(group)


_STATES = (
    "Each signal is validated on real text, on text that was written for it, or not at all (none). "
    "? and none: flagged with --experimental alone. AP: average precision."
)


def _print_measured(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    def number(value: float | None, form: str = ".2f") -> str:
        return "" if value is None else f"{value:{form}}"

    table = Table("signal", "state", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for head in ("n", "positives", "AP (95% interval)", "precision"):
        table.add_column(head, justify="right")
    for one in rows:
        ap, low, high = (number(one[key]) for key in ("ap", "low", "high"))
        counts = (number(one[key], ",") for key in ("n", "positives"))
        figures = f"{ap} ({low}-{high})" if low and high else ap, number(one["precision"])
        mark = "?" if one["experimental"] else " "
        table.add_row(f"{mark} {one['name']}", one["state"], *counts, *figures)
    with outputs.on_console(sys.stdout, _WIDTH) as console:
        console.print(f"{name}. {_STATES}", highlight=False)
        console.print(table)


def _articles(inputs: Sequence[str], how: InputOptions, most: int) -> Iterator[Article | Skipped]:
    """Read every input, with unique ids; one that can't be used, or is too long, stops no other."""
    from framescope.classifier.inputs import read_inputs

    seen, told = set[str](), False
    for item in read_inputs(inputs, how):
        if isinstance(item, Article) and len(item.text) > most:
            reason = f"longer than {most:,} characters ({len(item.text):,}); "
            reason += "raise --max-characters, or divide it"
            item = Skipped(str(item.origin or item.id), reason)
        elif isinstance(item, Article):
            names = (f"{item.id}-{number}" for number in count(2))
            name = next(name for name in chain([item.id], names) if name not in seen)
            seen.add(name)
            if name != item.id and not told:
                told, other = True, f"another article is called '{item.id}'"
                where = item.origin or item.id
                how.tell(f"{where}: {other}; this is '{name}' in the report, and so on")
            item = replace(item, id=name)
        yield item


def _begun(items: Iterator[Item], *, single: bool) -> Iterator[Item]:
    """Make sure that there is an article before anything is written; else raise `InputError`."""
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, ArticleReport):
            return chain(skipped, (item,), items)
        skipped.append(item)
    if not skipped:
        raise InputError("input", "holds no article")
    told, rest = skipped[-1 if single else 0], 0 if single else len(skipped) - 1
    others = f" (and {rest} more that can't be read)" if rest else ""
    raise InputError(told.source, told.reason + others)


def _write_item(item: Item, at: int, scorer: Scorer, form: str, file: TextIO, full: bool) -> bool:
    """Write an item as it is scored, so that memory stays flat; False where it comes at the end."""
    from framescope.classifier.reports import print_article, to_csv, to_line

    bundle, given = scorer.bundle, scorer.thresholds
    if isinstance(item, Skipped):
        if form in ("jsonl", "csv"):
            outputs.tell(f"{item.source}: {item.reason} (skipped)")
        return form in ("jsonl", "csv")
    if form == "jsonl":
        line = to_line(item, model=bundle.name, thresholds=given, runtime=bundle.runtime)
        # Whole, and at once: an interruption leaves no half of a record.
        file.write(line + "\n")
    elif form == "csv":
        if item.note is not None:
            outputs.tell(f"{item.article.origin or item.article.id}: {item.note}")
        file.write(to_csv(item))
    elif form == "terminal":
        with outputs.on_console(file, _WIDTH) as console:
            print_article(item, at, given, console, full=full)
    else:
        return False
    file.flush()
    return True


def _write_end(found: Sequence[Item], scorer: Scorer, form: str, file: TextIO, full: bool) -> None:
    """Write what was kept as one report, or the end of one."""
    from framescope.classifier.reports import print_end, to_html, to_json

    articles = tuple(item for item in found if isinstance(item, ArticleReport))
    skipped = tuple(item for item in found if isinstance(item, Skipped))
    bundle, given = scorer.bundle, (scorer.signals, scorer.thresholds)
    report = BatchReport(articles, bundle.name, *given, skipped, bundle.runtime, bundle.digest)
    if form == "json":
        file.write(to_json(report) + "\n")
    elif form == "html":
        file.write(to_html(report))
    elif form == "terminal":
        with outputs.on_console(file, _WIDTH) as console:
            print_end(report, console, full=full)


def _stopped(error: BaseException, done: int, part: Path | None) -> StoppedError:
    """Return what stopped a run, where its results are, and the exit status."""
    interrupted = isinstance(error, KeyboardInterrupt)
    status = getattr(error, "status", 130 if interrupted else 2)
    why = "interrupted" if interrupted else str(error) or type(error).__name__
    if not done:
        return StoppedError(f"{why}; nothing was kept", status)
    have = "had been scored, and is" if done == 1 else "had been scored, and are"
    where = f"kept in {part}" if part is not None else "written"
    return StoppedError(f"{why}; {counted(done, 'article', ',')} {have} {where}", status)
