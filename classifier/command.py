"""What the commands of scoring do, without the options they are called with."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from classifier import bundle as bundles
from classifier.errors import InputError
from classifier.output import check, opened
from classifier.pages import read_input
from classifier.scoring import Scorer
from classifier.sources import load_registry as load
from classifier.taxonomy import SIGNALS
from classifier.values import Article, ArticleReport, BatchReport, Skipped

if TYPE_CHECKING:
    from rich.progress import Progress


def score(
    inputs: Sequence[str],
    model: str,
    format: str,
    output: Path | None,
    signals: Sequence[str] | None,
    sources: Path | None = None,
) -> int:
    """Score files, addresses or ``"-"``, and write the report; give how many were skipped.

    `model` is as `classifier.bundle.load` takes it, `format` one of `classifier.cli.ReportFormat`;
    `output` is None for standard output, `signals` None for all. Raises `FramescopeError` when
    nothing could be scored, or the model or a signal is not there.
    """
    check(output)
    registry = load(user=sources)
    scorer = Scorer(bundles.load(model, registry), signals, registry)
    with _progress() as progress:
        items = _begun(scorer.score(_counted(_read(inputs), progress)))
        if format == "jsonl":
            with opened(output) as file:
                return _write_lines(items, scorer, file)
        found = list(items)
    report = BatchReport(
        tuple(item for item in found if isinstance(item, ArticleReport)),
        scorer.bundle.name,
        scorer.signals,
        scorer.thresholds,
        tuple(item for item in found if isinstance(item, Skipped)),
        scorer.bundle.runtime,
    )
    with opened(output) as file:
        _write(report, format, file)
    return len(report.skipped)


def list_signals(model: str) -> None:
    """Print the taxonomy, and which signals a model gives (as of `classifier.bundle.load`)."""
    from rich.console import Console
    from rich.table import Table

    manifest = bundles.read_manifest(bundles.resolve(model))
    table = Table(title=f"Signals; * given by {manifest['name']}")
    for heading in ("", "signal", "family", "of", "meaning", "origin"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "signal")
    for one in SIGNALS:
        given = "*" if one.name in manifest["signals"] else ""
        table.add_row(given, one.name, one.family, one.level, one.meaning, one.origin)
    Console().print(table)


def _read(inputs: Sequence[str]) -> Iterator[Article | Skipped]:
    """Read every input; one of several that can't be used is recorded, not raised."""
    for source in inputs:
        try:
            yield from read_input(source)
        except InputError as error:
            if len(inputs) == 1:
                raise
            yield Skipped(error.source, error.reason)


def _begun(items: Iterator[ArticleReport | Skipped]) -> Iterator[ArticleReport | Skipped]:
    """Make sure that there is an article before anything is written; else raise `InputError`."""
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, ArticleReport):
            return chain(skipped, [item], items)
        skipped.append(item)
    if not skipped:
        raise InputError("input", "holds no article")
    others = f" (and {len(skipped) - 1} more that can't be read)" if len(skipped) > 1 else ""
    raise InputError(skipped[0].source, skipped[0].reason + others)


def _counted(items: Iterable[Article | Skipped], progress: Progress) -> Iterator[Article | Skipped]:
    task = progress.add_task("articles", total=None)
    for item in items:
        progress.advance(task)
        yield item


def _progress() -> Progress:
    """A count of articles on standard error, where somebody watches; gone when done."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = SpinnerColumn(), MofNCompleteColumn(), "articles", TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _write_lines(items: Iterable[ArticleReport | Skipped], scorer: Scorer, file: TextIO) -> int:
    """Write lines as articles are scored, so that memory stays flat however many there are."""
    from classifier.render import to_line

    name, runtime, skipped = scorer.bundle.name, scorer.bundle.runtime, 0
    for item in items:
        if isinstance(item, Skipped):
            skipped += 1
            print(f"framescope: {item.source}: {item.reason} (skipped)", file=sys.stderr)
        else:
            line = to_line(item, model=name, thresholds=scorer.thresholds, runtime=runtime)
            file.write(line + "\n")
    return skipped


def _write(report: BatchReport, format: str, file: TextIO) -> None:
    if format == "json":
        from classifier.render import to_json

        file.write(to_json(report) + "\n")
    elif format == "html":
        from classifier.render import to_html

        file.write(to_html(report))
    else:
        from rich.console import Console

        from classifier.render import print_report

        print_report(report, Console(file=file))
