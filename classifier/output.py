"""Where a report goes: standard output, or a file that appears only when it is whole.

What an interrupted run had written is kept beside it, under the name of a part.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from framescope.classifier.errors import InputError

STDOUT = Path("-")
"""Standard output, as a file's name."""

PART = ".part"
"""Ends the name of what isn't whole yet, or of what a run that was stopped left."""

FORMATS = {".html": "html", ".htm": "html", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""The format that a file's suffix says."""

_SUFFIXES = {"html": ".html", "json": ".json", "jsonl": ".jsonl", "terminal": ".txt"}
_HEAD = 4096
_TERMINAL = re.compile(r"\W*article \d+ of \d+\W*\n|No article was scored\.")
_LINE_END = 20_000_000  # bytes within which a line of JSON ends


def format_for(path: Path | None, given: str | None, default: str) -> str:
    """Say in which format a report is written: the one given, else that of the file's suffix.

    Raises
    ------
    InputError
        When the two contradict each other.
    """
    named = FORMATS.get(path.suffix.lower()) if path is not None else None
    if given is not None and named is not None and given != named:
        assert path is not None
        other = path.with_suffix(_SUFFIXES.get(given, f".{given}"))
        reason = f"is called {named.upper()}, and --format is {given}; type --format {named}, or "
        raise InputError(path, f"{reason}--output {other}")
    return given or named or default


def check(path: Path | None, inputs: Sequence[str] = (), *, overwrite: bool = False) -> None:
    """Refuse a file that can't be written, or holds something else, before the work.

    Parameters
    ----------
    path : pathlib.Path or None
    inputs : sequence of str
        What is read, none of which may be written over.
    overwrite : bool
        Whether a file that is no report may be.

    Raises
    ------
    InputError
        When `path` is a folder, or lies in none that exists; is one of the inputs, or within one;
        or holds what no report is.
    """
    if path is None or path == STDOUT:
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(path, "can't be written; give --output a file in a folder that exists")
    for given in map(Path, inputs):
        if _same(path, given):
            raise InputError(path, "is an input too; give --output another name")
    if path.is_file() and not overwrite and not is_report(path):
        reason = "is there already, and no report; add --overwrite, or give another --output"
        raise InputError(path, reason)


def is_report(path: Path) -> bool:
    """Tell whether a file holds a report that this program wrote, or nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            line = head if b"\n" in head else head + file.readline(_LINE_END)
    except OSError:
        return False
    text = head.decode("utf-8", errors="replace")
    if not text.strip() or _TERMINAL.match(text) or '<meta name="generator" content="fram' in text:
        return True
    if re.match(r'\s*\{\s*"schema_version"', text):
        return True
    try:
        record = json.loads(line.splitlines()[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and isinstance(record.get("report"), dict)


def leftovers(path: Path | None) -> list[Path]:
    """List what runs that were stopped left beside a file."""
    if path is None or not path.absolute().parent.is_dir():
        return []
    name = re.compile(re.escape(path.name + PART) + r"(?:-\d+)?")
    found = (one for one in path.absolute().parent.iterdir() if name.fullmatch(one.name))
    return [path.with_name(one.name) for one in sorted(found)]


def _same(path: Path, given: Path) -> bool:
    try:
        return path.exists() and given.exists() and path.samefile(given)
    except (OSError, ValueError):  # no name that a file can have
        return False


@dataclass
class Writing:
    """What is being written.

    Attributes
    ----------
    file : TextIO
    part : pathlib.Path or None
        Where it lies until it is whole; None for what is written straight.
    worth : bool
        Whether it is to be kept should the writing be stopped.
    """

    file: TextIO
    part: Path | None = None
    worth: bool = False


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Open standard output, or a draft that replaces `path` when all went well; see `drafted`."""
    with drafted(path) as draft:
        yield draft.file


@contextmanager
def drafted(path: Path | None) -> Iterator[Writing]:
    """Open standard output, or a draft that replaces `path` when all went well.

    Parameters
    ----------
    path : pathlib.Path or None
        None, or `STDOUT`, for standard output.

    Raises
    ------
    InputError
        When it can't be written.
    BrokenPipeError
        When whoever reads standard output has stopped.
    """
    name = "standard output" if path is None or path == STDOUT else path
    try:
        with _begun(path) as draft:
            yield draft
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise InputError(name, reason) from None


@contextmanager
def _begun(path: Path | None) -> Iterator[Writing]:
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


def _beside(path: Path) -> Iterator[Writing]:
    """Open a file beside `path` that takes its place at the end, or is left if it is worth it."""
    target = path.resolve()
    part = _free(target)
    draft = Writing(part.open("x", encoding="utf-8", errors="replace"), path.with_name(part.name))
    try:
        with draft.file:
            yield draft
        part.replace(target)
    except BaseException:
        if not draft.worth:
            part.unlink(missing_ok=True)
        raise


def _free(target: Path) -> Path:
    part = target.with_name(target.name + PART)
    number = 2
    while part.exists():
        part = target.with_name(f"{target.name}{PART}-{number}")
        number += 1
    return part
