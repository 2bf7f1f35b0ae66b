"""Where a report goes: standard output, or a file that appears only when it is whole."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from framescope.classifier.errors import InputError
from framescope.classifier.records import printable

STDOUT = Path("-")  # as a file's name
PART = ".part"  # ends the name of what isn't whole yet, or of what an interrupted run left
CSV_HEAD = "article,source,kind,sentence,language,model\n"
CSV_MARK = "\ufeff"  # begins a table as a file: without it Excel reads no UTF-8
FORMATS = {f".{form}": form for form in ("html", "json", "jsonl", "csv")}  # by the suffix
FORMATS |= {".htm": "html", ".ndjson": "jsonl"}
_HEAD = 4096
_REPORT = re.compile(  # of the terminal, a page, JSON, citations as CSV, or nothing
    r"\s*\Z|article \d+(: .*)? ─+\n|\{\s*\"schema_version\": \"[\d.]+\",\s*\"model\": "
    rf"|{CSV_MARK}?article,source,kind,sentence[,\n]"
    r"|<!doctype html>[\s\S]*<meta name=\"generator\" content=\"framescope\""
)
_FORMULA = tuple("=+-@\t\r＝＋－＠")  # what a spreadsheet takes for the start of one
_LINE_END = 20_000_000  # bytes within which a line of JSON ends


def format_for(
    path: Path | None, given: str | None, default: str, formats: Mapping[str, str] = FORMATS
) -> str:
    """Return the format of a report: the one given, else that of the file's suffix."""
    named = formats.get(path.suffix.lower()) if path is not None else None
    if path is not None and given and named and given != named:
        other = path.with_suffix(".txt" if given == "terminal" else f".{given}")
        reason = f"is called {named.upper()}, and --format is {given}; type --format {named}, or "
        raise InputError(path, f"{reason}--output {other}")
    return given or named or default


def safe_cell(text: str) -> str:
    """Return text as a cell of CSV that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def check(path: Path | None, inputs: Sequence[str] = (), *, overwrite: bool = False) -> None:
    """Raise `InputError` for a file that is an input, holds something else, or can't be written."""
    if path is None or path == STDOUT:
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(path, "can't be written; give --output a file in a folder that exists")
    if any(_same(path, Path(given)) for given in inputs):
        raise InputError(path, "is an input too; give --output another name")
    if path.is_file() and not overwrite and not _is_report(path):
        reason = "is there already, and no report; add --overwrite, or give another --output"
        raise InputError(path, reason)


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            line = head if b"\n" in head else head + file.readline(_LINE_END)
        if _REPORT.match(head.decode("utf-8", errors="replace")):
            return True
        record = json.loads(line.splitlines()[0])
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and isinstance(record.get("report"), dict)


def _same(path: Path, given: Path) -> bool:
    with suppress(OSError, ValueError):  # no name that a file can have
        return path.exists() and given.exists() and path.samefile(given)
    return False


def leftovers(path: Path | None) -> list[Path]:
    """List what interrupted runs left beside a file."""
    if path is None:
        return []
    name = re.compile(re.escape(path.name + PART) + r"(?:-\d+)?")
    names = sorted(one.name for one in path.absolute().parent.glob(f"*{PART}*"))
    return [path.with_name(one) for one in names if name.fullmatch(one)]


@dataclass
class Writing:
    """What is being written."""

    file: TextIO
    part: Path | None = None  # where it lies until it is whole; None for what is written straight
    worth: bool = False  # whether it is to be kept should the writing be interrupted


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Open what `drafted` opens, to write text."""
    with drafted(path) as draft:
        yield draft.file


@contextmanager
def drafted(path: Path | None) -> Iterator[Writing]:
    """Open standard output (None or `STDOUT`), or a draft that replaces `path` if all goes well."""
    name = "standard output" if path is None or path == STDOUT else path
    try:
        if path is None or path == STDOUT:
            if sys.stdout is None:
                raise InputError("standard output", "is closed; open it, or give --output")
            # Reports hold any character; a terminal of another encoding must not stop them.
            if hasattr(sys.stdout, "reconfigure"):
                sys.stdout.reconfigure(errors="replace")
            yield Writing(sys.stdout)
            sys.stdout.flush()  # what can't be written is to be found out here, not at exit
        elif path.exists() and not path.is_file() and not path.is_dir():
            # A device or a pipe, which is written to and not replaced.
            with path.open("w", encoding="utf-8", errors="replace") as file:
                yield Writing(file)
        else:
            yield from _beside(path)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise InputError(name, reason) from None


def _beside(path: Path) -> Iterator[Writing]:
    """Open a file beside `path` that takes its place at the end, or is left if it is worth it."""
    target = path.resolve()
    names = (f"{target.name}{PART}{f'-{n}' if n > 1 else ''}" for n in count(1))
    part = next(one for one in map(target.with_name, names) if not one.exists())
    draft = Writing(part.open("x", encoding="utf-8", errors="replace"), path.with_name(part.name))
    try:
        with draft.file:
            yield draft
        part.replace(target)
    except BaseException:
        if not draft.worth:
            part.unlink(missing_ok=True)
        raise


@contextmanager
def on_console(file: TextIO, width: int = 110) -> Iterator[Any]:
    """Draw on a terminal, or for a file, without the spaces that fill up its lines."""
    from rich.console import Console

    if file.isatty():
        console = Console(file=file)
        with console.capture() as capture:
            yield console
        file.write(capture.get())  # whole, and at once: an interruption leaves no half
        return
    drawn = StringIO()
    # A variable of the environment may ask for colours in a pipe, but in no file.
    yield Console(file=drawn, width=width, color_system="auto" if file is sys.stdout else None)
    file.writelines(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines())


def tell(line: str) -> None:
    """Say a line on standard error."""
    print(f"framescope: {printable(line)}", file=sys.stderr)


@contextmanager
def progress(
    total: Callable[[], float | None] = lambda: None, *, quiet: bool = False
) -> Iterator[Callable[..., None]]:
    """Yield what updates a bar on standard error as rich's `Progress`, or hides it if called bare.

    `total`, how much there is to do, isn't called where nobody watches.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda **_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    left = TimeRemainingColumn(compact=True), TextColumn("left")
    columns = BarColumn(bar_width=24), TextColumn("{task.description}"), *left
    # What is written to the same terminal as standard output is not to be taken for the bar's.
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = bar.add_task("", total=total())

    def show(**state: Any) -> None:
        if state:
            bar.update(task, **state)
            bar.start()
        else:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()
