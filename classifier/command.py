"""What the commands of scoring do, without the options they are called with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from framescope.classifier import bundles
from framescope.classifier import output as outputs
from framescope.classifier.errors import InputError, StoppedError
from framescope.classifier.inputs import InputOptions, read_input, size_of_inputs
from framescope.classifier.outlets import load_registry as load
from framescope.classifier.records import Article, ArticleReport, BatchReport, Skipped, printable
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import SIGNALS, Signal, defined_in

if TYPE_CHECKING:
    from rich.progress import Progress

Item = ArticleReport | Skipped
_WIDTH = 80  # columns of a report that no terminal shows


@dataclass(frozen=True)
class Run:
    """What is scored, with what, and where the report goes.

    Attributes
    ----------
    inputs : sequence of str
        As `classifier.inputs.read_input` takes them.
    model : str
        As `classifier.bundles.load` takes it.
    format : str or None
        ``terminal``, ``json``, ``jsonl`` or ``html``; None: as the file's suffix says.
    output : pathlib.Path or None
        None for standard output.
    overwrite : bool
        Whether a file that is no report may be written over.
    signals : sequence of str or None
        None for all.
    sources : pathlib.Path or None
        The user's own outlets.
    reading : InputOptions
    max_characters : int
        Longer articles are skipped.
    max_seconds : float
        So is one that takes longer.
    quiet : bool
        Say nothing but errors.
    legend : bool
        Explain a terminal's marks.
    """

    inputs: Sequence[str]
    model: str = "transformer"
    format: str | None = None
    output: Path | None = None
    overwrite: bool = False
    signals: Sequence[str] | None = None
    sources: Path | None = None
    reading: InputOptions = field(default_factory=InputOptions)
    max_characters: int = 2_000_000
    max_seconds: float = 300.0
    quiet: bool = False
    legend: bool = False


@dataclass(frozen=True)
class Outcome:
    """How many articles were scored, how many have only a note why not, and inputs skipped."""

    scored: int = 0
    noted: int = 0
    skipped: int = 0

    def plus(self, item: Item) -> Outcome:
        """Count one more."""
        if isinstance(item, Skipped):
            return replace(self, skipped=self.skipped + 1)
        if item.note is not None:
            return replace(self, noted=self.noted + 1)
        return replace(self, scored=self.scored + 1)


def score(run: Run) -> Outcome:
    """Score what is given, and write the report.

    Raises
    ------
    FramescopeError
        When no article could be read, or the model or a signal is not there.
    StoppedError
        When it was interrupted, or failed on the way: after what was scored is written.
    """
    outputs.check(run.output, run.inputs, overwrite=run.overwrite)
    form = outputs.format_for(run.output, run.format, "terminal")
    tell = _silent if run.quiet else _tell
    for left in outputs.leftovers(run.output):
        tell(f"{left}: left by a run that was stopped, and not whole; it stays until you delete it")
    registry = load(user=run.sources)
    model = bundles.load(run.model, registry)
    scorer = Scorer(model, run.signals, registry, seconds=run.max_seconds)
    with _progress(run) as watched:
        reading = replace(run.reading, tell=tell, taken=watched.taken)
        items = _limited(_unique(_read(run.inputs, reading), tell), run.max_characters)
        begun = _begun(scorer.score(items), single=len(run.inputs) == 1)
        with outputs.drafted(run.output) as draft:
            writer: _Lines | _Whole = _Lines(scorer, draft.file)
            if form != "jsonl":
                writer = _Whole(scorer, form, draft.file, legend=run.legend)
            outcome = Outcome()
            try:
                for item in begun:
                    writer.add(item)
                    outcome = outcome.plus(item)
                    draft.worth = outcome.scored > 0
                    watched.done(item)
            except BrokenPipeError:
                raise
            except (Exception, KeyboardInterrupt) as error:
                writer.close()
                raise StoppedError(*_stopped(error, outcome, draft.part)) from error
            writer.close()
    return outcome


def list_signals(model: str, *, as_json: bool = False) -> None:
    """Print the taxonomy, and which signals a model gives (as of `classifier.bundles.load`)."""
    import json

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    manifest = bundles.read_manifest(bundles.resolve(model))
    if as_json:
        rows = [
            {**asdict(one), "given": one.name in manifest["signals"], **_defined_in(one)}
            for one in SIGNALS
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(title=f"Signals; * given by {manifest['name']}")
    for heading in ("", "signal", "family", "of", "meaning", "origin"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "signal")
    for one in SIGNALS:
        given = "*" if one.name in manifest["signals"] else ""
        origin = "; ".join((one.origin, *_defined_in(one).values()))
        table.add_row(given, one.name, one.family, one.level, one.meaning, Text(printable(origin)))
    Console().print(table)


def _defined_in(signal: Signal) -> dict[str, str]:
    """Tell which file or bundle defines a signal that doesn't ship."""
    where = defined_in(signal.name)
    return {} if where is None else {"defined_in": where}


def _tell(line: str) -> None:
    print(f"framescope: {printable(line)}", file=sys.stderr)


def _silent(_: str) -> None:
    pass


# --- what comes in --------------------------------------------------------------------------------


def _read(inputs: Sequence[str], options: InputOptions) -> Iterator[Article | Skipped]:
    """Read every input; what can't be used is recorded, and takes nothing else along."""
    for source in inputs:
        try:
            yield from read_input(source, options)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _unique(
    items: Iterable[Article | Skipped], tell: Callable[[str], None]
) -> Iterator[Article | Skipped]:
    """Give every article an id of its own: the second of a name is numbered."""
    seen: set[str] = set()
    told = False
    for item in items:
        if isinstance(item, Article):
            name, number = item.id, 1
            while name in seen:
                number += 1
                name = f"{item.id}-{number}"
            if number > 1 and not told:
                tell(f"{item.origin or item.id}: another article is called '{item.id}'; "
                     f"this is '{name}' in the report, and so on")  # fmt: skip
                told = True
            seen.add(name)
            item = item if name == item.id else replace(item, id=name)
        yield item


def _limited(items: Iterable[Article | Skipped], most: int) -> Iterator[Article | Skipped]:
    for item in items:
        if isinstance(item, Article) and len(item.text) > most:
            reason = f"longer than {most:,} characters ({len(item.text):,}); "
            item = Skipped(
                str(item.origin or item.id), reason + "raise --max-characters, or divide it"
            )
        yield item


def _begun(items: Iterator[Item], *, single: bool) -> Iterator[Item]:
    """Make sure that there is an article before anything is written; else raise `InputError`.

    Of a single input, what is said of the whole of it comes last.
    """
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, ArticleReport):
            return _after(skipped, item, items)
        skipped.append(item)
    if not skipped:
        raise InputError("input", "holds no article")
    if single:
        raise InputError(skipped[-1].source, skipped[-1].reason)
    others = f" (and {len(skipped) - 1} more that can't be read)" if len(skipped) > 1 else ""
    raise InputError(skipped[0].source, skipped[0].reason + others)


def _after(
    skipped: Sequence[Skipped], first: ArticleReport, rest: Iterator[Item]
) -> Iterator[Item]:
    yield from skipped
    yield first
    yield from rest


# --- what goes out --------------------------------------------------------------------------------


class _Lines:
    """Writes lines as articles are scored, so that memory stays flat however many there are."""

    def __init__(self, scorer: Scorer, file: TextIO) -> None:
        self.scorer, self.file = scorer, file

    def add(self, item: Item) -> None:
        from framescope.classifier.reports import to_line

        if isinstance(item, Skipped):
            _tell(f"{item.source}: {item.reason} (skipped)")
            return
        bundle = self.scorer.bundle
        line = to_line(
            item, model=bundle.name, thresholds=self.scorer.thresholds, runtime=bundle.runtime
        )
        # Whole, and at once: what is stopped later leaves no half of a record.
        self.file.write(line + "\n")
        self.file.flush()

    def close(self) -> None:
        """Nothing is left to be written."""


class _Whole:
    """Gathers what is scored, and writes it as one report."""

    def __init__(self, scorer: Scorer, form: str, file: TextIO, *, legend: bool) -> None:
        self.scorer, self.form, self.file, self.legend = scorer, form, file, legend
        self.found: list[Item] = []

    def add(self, item: Item) -> None:
        self.found.append(item)

    def close(self) -> None:
        """Write the report."""
        bundle = self.scorer.bundle
        report = BatchReport(
            tuple(item for item in self.found if isinstance(item, ArticleReport)),
            bundle.name,
            self.scorer.signals,
            self.scorer.thresholds,
            tuple(item for item in self.found if isinstance(item, Skipped)),
            bundle.runtime,
            bundle.digest,
        )
        _write(report, self.form, self.file, legend=self.legend)


def _write(report: BatchReport, form: str, file: TextIO, *, legend: bool) -> None:
    if form == "json":
        from framescope.classifier.reports import to_json

        file.write(to_json(report) + "\n")
    elif form == "html":
        from framescope.classifier.reports import to_html

        file.write(to_html(report))
    else:
        from framescope.classifier.reports import print_report
        from rich.console import Console

        if file.isatty():
            print_report(report, Console(file=file), legend=legend)
            return
        # What is piped or kept has no line filled up with spaces.
        plain = Console(file=StringIO(), width=_WIDTH)
        print_report(report, plain, legend=legend)
        assert isinstance(plain.file, StringIO)
        lines = plain.file.getvalue().splitlines()
        file.writelines(line.rstrip() + "\n" for line in lines)


def _stopped(error: BaseException, outcome: Outcome, part: Path | None) -> tuple[str, int]:
    """Say what stopped a run and where what it had done is; and the exit status."""
    status = getattr(error, "status", 130 if isinstance(error, KeyboardInterrupt) else 2)
    why = (
        "interrupted"
        if isinstance(error, KeyboardInterrupt)
        else str(error) or type(error).__name__
    )
    done = outcome.scored + outcome.noted
    articles = "1 article" if done == 1 else f"{done:,} articles"
    if not done:
        return f"{why}; nothing had been scored yet", status
    where = f"kept in {part}" if part is not None else "written"
    return f"{why}; {articles} had been scored, and are {where}", status


# --- how far it is --------------------------------------------------------------------------------


class _Watched:
    """A bar on standard error, where somebody watches; gone when done."""

    def __init__(self, progress: Progress, sizes: int | None) -> None:
        self.progress = progress
        self.task = progress.add_task("reading", total=sizes, articles=0, rate="")
        self.articles = 0

    def taken(self, size: int) -> None:
        """So many more bytes of the inputs were read."""
        self.progress.advance(self.task, size)

    def done(self, item: Item) -> None:
        """One more was scored."""
        self.articles += isinstance(item, ArticleReport)
        elapsed = self.progress.tasks[0].elapsed or 0.0
        rate = f"{self.articles / elapsed:.1f}/s" if elapsed > 1 else ""
        self.progress.update(self.task, articles=self.articles, rate=rate)


@contextmanager
def _progress(run: Run) -> Iterator[_Watched]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    watched = console.is_terminal and not run.quiet
    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.fields[articles]} articles"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not watched) as progress:
        yield _Watched(progress, size_of_inputs(run.inputs) if watched else None)
