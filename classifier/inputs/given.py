"""What Python hands over -> articles: a path, a text, an `Article`, a column of a table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import exchange, files, reading, records, webpage
from framescope.classifier.records import Article, Skipped

if TYPE_CHECKING:
    import pandas

Input: TypeAlias = "str | os.PathLike[str] | Article | Skipped"
"""What an article is read from; see `articles`."""

FIELDS = ("title", "outlet", "url", "date", "lang", "author", "site_name")
"""What may be known of an article besides its text: keys of the exchange format."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_SUFFIX = re.compile(
    r"\.(?:txt|text|md|x?html?|jsonl?|ndjson|csv|tsv|xml|pdf|docx?|odt|rtf|epub|gz|zip|parquet)",
    re.IGNORECASE,
)
_ROOTED = re.compile(r"[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_SENTENCE_ENDS = tuple(".!?…\"'”’)")
_LONGEST_NAME, _LONGEST_PATH = 255, 4096  # characters, on the common systems
_LONGEST_HEAD = 65_536  # characters that tell what a text is
_MISSING = frozenset({"NoneType", "NAType", "NaTType"})


def several(given: Input | Iterable[Input]) -> Iterator[Article | Skipped]:
    """Read one input, or several: one of these that can't be used is `Skipped`, not raised.

    Raises
    ------
    InputError
        On the first step, when a single input can't be used, or a table is given.
    """
    single = isinstance(given, str | bytes | os.PathLike | Article | Skipped)
    if single or not isinstance(given, Iterable):
        yield from articles(given, "text")
        return
    if hasattr(given, "columns"):
        raise InputError("table", "give it to score_frame, or one of its columns to score")
    for number, value in enumerate(given):
        yield from one_of_several(value, f"input {number}")


def one_of_several(
    value: object, name: str, known: Mapping[str, str | None] | None = None
) -> Iterator[Article | Skipped]:
    """Read one input; see `articles`. What can't be used is `Skipped`, not raised."""
    try:
        yield from articles(value, name, known)
    except InputError as error:
        yield Skipped(error.source, error.reason)


def of_table(df: pandas.DataFrame, text: str) -> Iterator[tuple[int, Article | Skipped]]:
    """Read the articles of a table, each with the number of its row; its index names them.

    Parameters
    ----------
    df : pandas.DataFrame
        Columns called as in `FIELDS` say what is known of an article, where they hold text or a
        date.
    text : str
        The column with the articles. Plain text is the article as it stands, character by
        character, as ``text`` in the exchange format is.

    Raises
    ------
    InputError
        At once, when there is no such column.
    """
    columns = list(getattr(df, "columns", ()))
    if columns.count(text) != 1:
        found = ", ".join(map(str, columns[:20])) or "none"
        raise InputError("table", f"needs one column '{text}'; its columns: {found}")
    fields = [name for name in FIELDS if columns.count(name) == 1 and name != text]
    # As UTF-8 can write them.
    names = (str(label).encode(errors="replace").decode() for label in df.index)
    rows = zip(names, df[text], *(df[field] for field in fields), strict=True)
    return (
        (number, item)
        for number, (name, value, *cells) in enumerate(rows)
        for item in one_of_several(value, name, dict(zip(fields, map(_said, cells), strict=True)))
    )


def _said(cell: object) -> str | None:
    """What a cell says of an article: text, or a date; None for anything else."""
    if isinstance(cell, str):
        return str(cell).strip() or None
    if not hasattr(cell, "isoformat") or cell != cell:  # a missing date is not itself
        return None
    return str(cell.isoformat()).removesuffix("T00:00:00")


def articles(
    value: object, name: str, known: Mapping[str, str | None] | None = None
) -> Iterator[Article | Skipped]:
    """Read one input.

    Parameters
    ----------
    value : object
        A string is a file when there is one of that name, or an address. It is refused when it
        looks like a file that isn't there: one line with a file's suffix, or a path. Any other is
        read as a file of that content is. A path is always a file; an article is itself; anything
        else is refused.
    name : str
        What to call it in messages, and an article that has no name of its own.
    known : mapping, or None
        What a row of a table says of it besides, by `FIELDS`; see `of_table`.

    Raises
    ------
    InputError
    """
    if isinstance(value, Skipped):
        yield value
    elif isinstance(value, Article):
        yield _checked(value, name)
    elif isinstance(value, str | os.PathLike):
        found = _text(str(value), name, known) if isinstance(value, str) else _path(value)
        for item in found:
            if known and isinstance(item, Article):
                said: dict[str, Any] = {k: getattr(item, k) or cell for k, cell in known.items()}
                item = _checked(replace(item, **said), name)
            yield item
    elif type(value).__name__ in _MISSING or (isinstance(value, float) and value != value):
        raise InputError(name, "is missing; every article needs a text")
    else:
        raise InputError(name, f"is of type {type(value).__name__}, no text, path or address")


def _text(
    text: str, name: str, known: Mapping[str, str | None] | None
) -> Iterator[Article | Skipped]:
    line = text.strip()
    if line and len(line) <= _LONGEST_PATH and len(line.splitlines()) == 1:
        if _ADDRESS.fullmatch(line):
            return reading.read(line)
        if _exists(text):
            return _path(text)
        if _looks_like_file(line):
            reason = "no such file; if that is the article itself, give it as Article(id, text)"
            raise InputError(line, reason)
    head = text[:_LONGEST_HEAD]
    if known is None or webpage.looks_like_html(head) or records.looks_like_records(head):
        return _of_text(text, name)
    return iter([_checked(Article(name, text), name)])


def _of_text(text: str, name: str) -> Iterator[Article | Skipped]:
    """Read a text as a file that holds it."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        reason = "holds half a character (a lone surrogate); write it again as UTF-8"
        raise InputError(name, reason) from None
    return reading.read_stream(BytesIO(data), name)


def _path(path: str | os.PathLike[str]) -> Iterator[Article | Skipped]:
    place = os.fsdecode(path)
    return reading.read(f"./{place}" if place == files.STDIN else place)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # not to be looked at, or no name that a file can have
        return False


def _looks_like_file(line: str) -> bool:
    """Whether a line is rather the name of a file than prose."""
    named = _SUFFIX.fullmatch(Path(line).suffix) is not None
    path = "/" in line or "\\" in line
    if len(line.split()) == 1:
        return named or path
    prose = line.endswith(_SENTENCE_ENDS) and not _ROOTED.match(line)
    return len(line) <= _LONGEST_NAME and (named or (path and not prose))


def _checked(article: Article, name: str) -> Article:
    """Refuse an article that a file couldn't hold: what was made in Python isn't checked yet."""
    exchange.RecordReader(exchange.to_record(article), name).article()
    return article
