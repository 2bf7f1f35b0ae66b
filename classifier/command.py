"""The steps of `framescope score`: what it reads, writes, and says when it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import TextIO

from framescope.classifier.errors import InputError, StoppedError
from framescope.classifier.inputs import InputOptions, read_input
from framescope.classifier.output import tell
from framescope.classifier.records import Article, ArticleReport, BatchReport, Skipped, counted
from framescope.classifier.scoring import Item, Scorer

_WIDTH = 80  # columns of a report that no terminal shows


def read(inputs: Sequence[str], options: InputOptions, most: int) -> Iterator[Article | Skipped]:
    """Read every input, with unique ids; one that can't be used, or is too long, stops no other."""
    for item in _unique(_read(inputs, options), options.tell):
        if isinstance(item, Article) and len(item.text) > most:
            reason = f"longer than {most:,} characters ({len(item.text):,}); "
            reason += "raise --max-characters, or divide it"
            item = Skipped(str(item.origin or item.id), reason)
        yield item


def _read(inputs: Sequence[str], options: InputOptions) -> Iterator[Article | Skipped]:
    for source in inputs:
        try:
            yield from read_input(source, options)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _unique(
    items: Iterable[Article | Skipped], say: Callable[[str], None]
) -> Iterator[Article | Skipped]:
    seen: set[str] = set()
    told = False
    for item in items:
        if isinstance(item, Article):
            name, number = item.id, 1
            while name in seen:
                number += 1
                name = f"{item.id}-{number}"
            if number > 1 and not told:
                say(f"{item.origin or item.id}: another article is called '{item.id}'; "
                    f"this is '{name}' in the report, and so on")  # fmt: skip
                told = True
            seen.add(name)
            item = item if name == item.id else replace(item, id=name)
        yield item


def begun(items: Iterator[Item], *, single: bool) -> Iterator[Item]:
    """Make sure that there is an article before anything is written; else raise `InputError`.

    Of a single input, what is said of the whole of it comes last.
    """
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, ArticleReport):
            return chain(skipped, (item,), items)
        skipped.append(item)
    if not skipped:
        raise InputError("input", "holds no article")
    if single:
        raise InputError(skipped[-1].source, skipped[-1].reason)
    others = f" (and {len(skipped) - 1} more that can't be read)" if len(skipped) > 1 else ""
    raise InputError(skipped[0].source, skipped[0].reason + others)


def write_line(item: Item, scorer: Scorer, file: TextIO) -> None:
    """Write an article as it is scored, so that memory stays flat however many there are."""
    from framescope.classifier.reports import to_line

    if isinstance(item, Skipped):
        tell(f"{item.source}: {item.reason} (skipped)")
        return
    bundle = scorer.bundle
    line = to_line(item, model=bundle.name, thresholds=scorer.thresholds, runtime=bundle.runtime)
    # Whole, and at once: an interruption leaves no half of a record.
    file.write(line + "\n")
    file.flush()


def write(found: Sequence[Item], scorer: Scorer, form: str, file: TextIO, *, legend: bool) -> None:
    """Write what was scored as one report; JSON Lines are written as they come."""
    from framescope.classifier.reports import print_report, to_html, to_json
    from rich.console import Console

    report = BatchReport(
        tuple(item for item in found if isinstance(item, ArticleReport)),
        scorer.bundle.name,
        scorer.signals,
        scorer.thresholds,
        tuple(item for item in found if isinstance(item, Skipped)),
        scorer.bundle.runtime,
        scorer.bundle.digest,
    )
    if form == "json":
        file.write(to_json(report) + "\n")
    elif form == "html":
        file.write(to_html(report))
    elif form == "terminal" and file.isatty():
        print_report(report, Console(file=file), legend=legend)
    elif form == "terminal":
        # What is piped or kept has no line filled up with spaces.
        plain = StringIO()
        print_report(report, Console(file=plain, width=_WIDTH), legend=legend)
        file.writelines(line.rstrip() + "\n" for line in plain.getvalue().splitlines())


def stopped(error: BaseException, done: int, part: Path | None) -> StoppedError:
    """Return what stopped a run, where its results are, and the exit status."""
    interrupted = isinstance(error, KeyboardInterrupt)
    status = getattr(error, "status", 130 if interrupted else 2)
    why = "interrupted" if interrupted else str(error) or type(error).__name__
    if not done:
        return StoppedError(f"{why}; nothing had been scored yet", status)
    have = "had been scored, and is" if done == 1 else "had been scored, and are"
    where = f"kept in {part}" if part is not None else "written"
    return StoppedError(f"{why}; {counted(done, 'article', ',')} {have} {where}", status)
