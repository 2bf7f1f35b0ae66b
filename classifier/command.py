"""What `framescope score` and `framescope signals` do, without their options."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from typing import TextIO

from framescope.classifier import bundles
from framescope.classifier import output as outputs
from framescope.classifier.errors import InputError, StoppedError
from framescope.classifier.inputs import InputOptions, read_input, size_of_inputs
from framescope.classifier.outlets import load_registry
from framescope.classifier.output import tell
from framescope.classifier.records import (
    Article,
    ArticleReport,
    BatchReport,
    Skipped,
    counted,
    printable,
)
from framescope.classifier.scoring import Item, Scorer
from framescope.classifier.taxonomy import SIGNALS, defined_in

_WIDTH = 80  # columns of a report that no terminal shows


def score(
    inputs: Sequence[str],
    model: str = "transformer",
    *,
    format: str | None = None,
    output: Path | None = None,
    overwrite: bool = False,
    signals: Sequence[str] | None = None,
    sources: Path | None = None,
    columns: Mapping[str, str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    allow_private: bool = False,
    max_characters: int = 2_000_000,
    max_seconds: float = 300.0,
    quiet: bool = False,
    legend: bool = False,
) -> int:
    """Score inputs, write the report, and return the exit status; the options are the command's.

    Raises
    ------
    FramescopeError
        When no article could be read, or the model or a signal is not there.
    StoppedError
        When it was interrupted, or failed on the way: after what was scored is written.
    """
    outputs.check(output, inputs, overwrite=overwrite)
    form = outputs.format_for(output, format, "terminal")
    say = _ignore if quiet else tell
    for left in outputs.leftovers(output):
        say(f"{left}: left by an interrupted run, and not whole; it stays until you delete it")
    registry = load_registry(user=sources)
    scorer = Scorer(bundles.load(model, registry), signals, registry, seconds=max_seconds)
    found: list[Item] = []
    scored = noted = skipped = 0
    with outputs.progress(lambda: size_of_inputs(inputs), quiet=quiet) as update:
        reading = InputOptions(
            columns or {},
            allow_private,
            tell=say,
            taken=lambda size: update(advance=size),
            include=include,
            exclude=exclude,
        )
        items = _limited(_unique(_read(inputs, reading), say), max_characters)
        begun, start = _begun(scorer.score(items), single=len(inputs) == 1), time.monotonic()
        with outputs.drafted(output) as draft:
            try:
                for item in begun:
                    if form == "jsonl":
                        _write_line(item, scorer, draft.file)
                    else:
                        found.append(item)
                    skipped += isinstance(item, Skipped)
                    noted += isinstance(item, ArticleReport) and item.note is not None
                    scored += isinstance(item, ArticleReport) and item.note is None
                    draft.worth = scored > 0
                    rate = (scored + noted) / max(time.monotonic() - start, 1)
                    update(description=f"{scored + noted} articles {rate:.1f}/s")
            except BrokenPipeError:
                raise
            except (Exception, KeyboardInterrupt) as error:
                _write(found, scorer, form, draft.file, legend=legend)
                raise _stopped(error, scored + noted, draft.part) from error
            _write(found, scorer, form, draft.file, legend=legend)
    if skipped:
        was = "input was" if skipped == 1 else "inputs were"
        say(f"{skipped:,} {was} skipped; the report says why")
    if noted:
        was = "article was" if noted == 1 else "articles were"
        say(f"{noted:,} {was} not scored; the report says why")
    return 2 if not scored else 1 if skipped or noted else 0


def list_signals(model: str, *, as_json: bool = False) -> None:
    """Print the taxonomy, and which signals a model gives (as of `classifier.bundles.load`)."""
    import json

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    manifest = bundles.read_manifest(bundles.resolve(model))
    where = {one.name: place for one in SIGNALS if (place := defined_in(one.name)) is not None}
    if as_json:
        rows = [
            {**asdict(one), "given": one.name in manifest["signals"]}
            | ({"defined_in": where[one.name]} if one.name in where else {})
            for one in SIGNALS
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(title=f"Signals; * given by {manifest['name']}")
    for heading in ("", "signal", "family", "of", "meaning", "origin"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "signal")
    for one in SIGNALS:
        given = "*" if one.name in manifest["signals"] else ""
        origin = f"{one.origin}; {where[one.name]}" if one.name in where else one.origin
        table.add_row(given, one.name, one.family, one.level, one.meaning, Text(printable(origin)))
    Console().print(table)


def _ignore(_: str) -> None:
    pass


# --- what comes in --------------------------------------------------------------------------------


def _read(inputs: Sequence[str], options: InputOptions) -> Iterator[Article | Skipped]:
    """Read every input; one that can't be used is recorded and stops no other."""
    for source in inputs:
        try:
            yield from read_input(source, options)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _unique(
    items: Iterable[Article | Skipped], say: Callable[[str], None]
) -> Iterator[Article | Skipped]:
    """Make every article's id unique: the second of a name is numbered."""
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


def _limited(items: Iterable[Article | Skipped], most: int) -> Iterator[Article | Skipped]:
    for item in items:
        if isinstance(item, Article) and len(item.text) > most:
            reason = f"longer than {most:,} characters ({len(item.text):,}); "
            reason += "raise --max-characters, or divide it"
            item = Skipped(str(item.origin or item.id), reason)
        yield item


def _begun(items: Iterator[Item], *, single: bool) -> Iterator[Item]:
    """Make sure that there is an article before anything is written; else raise `InputError`.

    Of a single input, what is said of the whole of it comes last.
    """
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, ArticleReport):
            return _chained([*skipped, item], items)
        skipped.append(item)
    if not skipped:
        raise InputError("input", "holds no article")
    if single:
        raise InputError(skipped[-1].source, skipped[-1].reason)
    others = f" (and {len(skipped) - 1} more that can't be read)" if len(skipped) > 1 else ""
    raise InputError(skipped[0].source, skipped[0].reason + others)


def _chained(first: Sequence[Item], rest: Iterator[Item]) -> Iterator[Item]:
    yield from first
    yield from rest


# --- what goes out --------------------------------------------------------------------------------


def _write_line(item: Item, scorer: Scorer, file: TextIO) -> None:
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


def _write(found: Sequence[Item], scorer: Scorer, form: str, file: TextIO, *, legend: bool) -> None:
    """Write what was scored as one report."""
    from framescope.classifier.reports import print_report, to_html, to_json

    if form == "jsonl":
        return
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
    else:
        from rich.console import Console

        if file.isatty():
            print_report(report, Console(file=file), legend=legend)
            return
        # What is piped or kept has no line filled up with spaces.
        plain = StringIO()
        print_report(report, Console(file=plain, width=_WIDTH), legend=legend)
        file.writelines(line.rstrip() + "\n" for line in plain.getvalue().splitlines())


def _stopped(error: BaseException, done: int, part: Path | None) -> StoppedError:
    """Return what stopped a run, where its results are, and the exit status."""
    interrupted = isinstance(error, KeyboardInterrupt)
    status = getattr(error, "status", 130 if interrupted else 2)
    why = "interrupted" if interrupted else str(error) or type(error).__name__
    if not done:
        return StoppedError(f"{why}; nothing had been scored yet", status)
    have = "had been scored, and is" if done == 1 else "had been scored, and are"
    where = f"kept in {part}" if part is not None else "written"
    return StoppedError(f"{why}; {counted(done, 'article', ',')} {have} {where}", status)
