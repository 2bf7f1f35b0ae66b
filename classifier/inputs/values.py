"""Python values -> articles: a path, a text, an `Article`, a column of a table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import exchange, files, jsonl, reading, webpage
from framescope.classifier.inputs.unpacking import HEAD
from framescope.classifier.records import Article, Skipped

if TYPE_CHECKING:
    import pandas

Input: TypeAlias = "str | os.PathLike[str] | Article | Skipped"
"""What an article is read from; see `read_value`."""

_FIELDS = ("title", "outlet", "url", "date", "lang", "author", "site_name")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_SUFFIX = re.compile(
    r"\.(?:txt|text|md|x?html?|jsonl?|ndjson|csv|tsv|xml|pdf|docx?|odt|rtf|epub|gz|zip|parquet)",
    re.IGNORECASE,
)
_ROOTED = re.compile(r"[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_SENTENCE_ENDS = tuple(".!?…\"'”’)")
_LONGEST_NAME, _LONGEST_PATH = 255, 4096  # characters, on the common systems
_MISSING = frozenset({"NoneType", "NAType", "NaTType"})


def read_values(values: Input | Iterable[Input]) -> Iterator[Article | Skipped]:
    """Read one input, or several; one of several that can't be used is `Skipped`, not raised.

    Raises `InputError` when a single input can't be used, or a table is given.
    """
    single = isinstance(values, str | bytes | os.PathLike | Article | Skipped)
    if single or not isinstance(values, Iterable):
        yield from read_value(values, "text")
        return
    if hasattr(values, "columns"):
        raise InputError("table", "give it to score_frame, or one of its columns to score")
    for number, value in enumerate(values):
        yield from _read_or_skip(value, f"input {number}")


def read_frame(df: pandas.DataFrame, text: str) -> Iterator[tuple[int, Article | Skipped]]:
    """Read the articles of a table, each with the number of its row; its index names them.

    Plain text in the column `text` is the article as it stands, character by character. Columns
    called as keys of the exchange format (``title``, ``outlet``, ...) say what is known of it,
    where they hold text or a date. Raises `InputError` at once, when there is no such column.
    """
    columns = list(getattr(df, "columns", ()))
    if columns.count(text) != 1:
        found = ", ".join(map(str, columns[:20])) or "none"
        raise InputError("table", f"needs one column '{text}'; its columns: {found}")
    known = [name for name in _FIELDS if columns.count(name) == 1 and name != text]
    rows = zip(df.index, df[text], *(df[field] for field in known), strict=True)
    return (
        (number, item)
        for number, (label, value, *cells) in enumerate(rows)
        for item in _read_or_skip(
            value,
            str(label).encode(errors="replace").decode(),  # as UTF-8 can write it
            dict(zip(known, map(_plain, cells), strict=True)),
        )
    )


def read_value(
    value: object, name: str, known: Mapping[str, str | None] | None = None
) -> Iterator[Article | Skipped]:
    """Read one input.

    A string is a file when there is one of that name, or an address. It is refused when it looks
    like a file that isn't there: one line with a file's suffix, or a path. Any other is read as a
    file of that content is. A path is always a file; an article is itself; anything else is
    refused.

    Parameters
    ----------
    value : object
    name : str
        What to call it in messages, and an article that has no name of its own.
    known : mapping, or None
        What a row of a table says of it besides (`read_frame`).
    """
    if isinstance(value, Skipped):
        yield value
    elif isinstance(value, Article):
        yield _checked(value, name)
    elif isinstance(value, str | os.PathLike):
        found = _text(value, name, known) if isinstance(value, str) else _path(value)
        for item in found:
            if known and isinstance(item, Article):
                values: dict[str, Any] = {k: getattr(item, k) or v for k, v in known.items()}
                item = _checked(replace(item, **values), name)
            yield item
    elif type(value).__name__ in _MISSING or (isinstance(value, float) and value != value):
        raise InputError(name, "is missing; every article needs a text")
    else:
        raise InputError(name, f"is of type {type(value).__name__}, no text, path or address")


def _read_or_skip(
    value: object, name: str, known: Mapping[str, str | None] | None = None
) -> Iterator[Article | Skipped]:
    try:
        yield from read_value(value, name, known)
    except InputError as error:
        yield Skipped(error.source, error.reason)


def _plain(cell: object) -> str | None:
    """Return a cell's text, or its date; None for anything else."""
    if isinstance(cell, str):
        return str(cell).strip() or None
    if not hasattr(cell, "isoformat") or cell != cell:  # a missing date is not itself
        return None
    return str(cell.isoformat()).removesuffix("T00:00:00")


def _text(
    text: str, name: str, known: Mapping[str, str | None] | None
) -> Iterator[Article | Skipped]:
    line = text.strip()
    if line and len(line) <= _LONGEST_PATH and len(line.splitlines()) == 1:
        if _ADDRESS.fullmatch(line):
            return reading.read_input(line)
        with suppress(OSError, ValueError):  # no name that a file can have
            if Path(text).exists():
                return _path(text)
        if _looks_like_file(line):
            reason = "no such file; if that is the article itself, give it as Article(id, text)"
            raise InputError(line, reason)
    head = text[:HEAD]
    if known is not None and not (webpage.looks_like_html(head) or jsonl.looks_like_records(head)):
        return iter([_checked(Article(name, text), name)])
    try:
        return reading.read_stream(BytesIO(text.encode()), name)
    except UnicodeEncodeError:
        raise InputError(name, exchange.HALF_CHARACTER) from None


def _path(path: str | os.PathLike[str]) -> Iterator[Article | Skipped]:
    place = os.fsdecode(path)
    return reading.read_input(f"./{place}" if place == files.STDIN else place)


def _looks_like_file(line: str) -> bool:
    """Whether a line is rather the name of a file than prose."""
    named = _SUFFIX.fullmatch(Path(line).suffix) is not None
    path = "/" in line or "\\" in line
    if len(line.split()) == 1:
        return named or path
    prose = line.endswith(_SENTENCE_ENDS) and not _ROOTED.match(line)
    return len(line) <= _LONGEST_NAME and (named or (path and not prose))


def _checked(article: Article, name: str) -> Article:
    """Refuse an article that a file couldn't hold: Python's own values aren't checked yet."""
    exchange.read_record(exchange.to_record(article), name)
    return article
