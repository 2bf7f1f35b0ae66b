"""What a user hands over -> articles: a text, a web page, an address, standard input, or JSONL.

The kind is told by the content; a file's name decides only where the content doesn't.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias
from urllib.parse import unquote, urlsplit

from classifier.errors import InputError
from classifier.pages import decoding, exchange, page, webpage
from classifier.values import Article, Skipped

if TYPE_CHECKING:
    import pandas


MAX_BYTES = 10_000_000
"""The longest text or page, which should hold one article or a few. JSONL has no limit."""

STDIN = "-"

_HEAD = 65_536  # bytes, or characters, that tell what an input is
_CHUNK = 1 << 20
_URL = re.compile(r"https?://", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,20})://", re.IGNORECASE)
_RECORD_NAMES = frozenset({".jsonl", ".ndjson"})
_PAGE_NAMES = frozenset({".html", ".htm", ".xhtml"})


def read(source: str) -> Iterator[Article | Skipped]:
    """Read the articles of one input.

    Parameters
    ----------
    source : str
        A file, an ``http`` or ``https`` address, or ``"-"`` for standard input. Files hold plain
        text, HTML, or the exchange format, which is read line by line and never held whole.

    Yields
    ------
    Article or Skipped
        Articles with their language, where it can be told; `Skipped` for a line of the exchange
        format that can't be read.

    Raises
    ------
    InputError
        On the first step, when the whole input can't be used; for an exchange-format file without
        any article, at its end.
    """
    if _URL.match(source):
        data, charset = webpage.fetch(source, MAX_BYTES)
        yield from _document(data, source, _url_stem(source), url=source, charset=charset)
    elif source == STDIN:
        yield from _stream(sys.stdin.buffer, "standard input", Path("stdin"))
    elif scheme := _SCHEME.match(source):
        reason = f"{scheme[1]} addresses are not read; give a file or an http(s) address"
        raise InputError(source, reason)
    else:
        yield from _file(source)


def read_text(text: str, name: str) -> Iterator[Article | Skipped]:
    """Read the articles of a text, as `read` does those of a file that holds it.

    Its name stands in messages, and is the first article's id. Raises `InputError`.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        reason = "holds half a character (a lone surrogate); write it again as UTF-8"
        raise InputError(name, reason) from None
    # The suffix keeps the name from deciding what kind of input it is.
    yield from _stream(BytesIO(data), name, Path(f"{name}.txt"))


def _file(source: str) -> Iterator[Article | Skipped]:
    path = Path(source)
    try:
        if path.is_dir():
            example = next((str(child) for child in sorted(path.iterdir()) if child.is_file()), "")
            what = f"framescope score {example or source + '/FILE'}"
            raise InputError(source, f"is a folder; give the files in it, one by one ({what})")
        stream = path.open("rb")
    except FileNotFoundError:
        reason = "no such file; give a file, an http(s) address, or - for standard input"
        raise InputError(source, reason) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(source, f"cannot be opened ({why}); check its name and rights") from None
    with stream:
        yield from _stream(stream, source, path)


def _stream(stream: BinaryIO, source: str, name: Path) -> Iterator[Article | Skipped]:
    head = _read(stream, _HEAD, source)
    if not head.strip(b"\x00 \t\r\n\x0b\x0c") and len(head) < _HEAD:
        raise InputError(source, "is empty; give a file with an article's text")
    decoding.refuse_binary(head, source)
    if _holds_records(head, name):
        yield from _records(head, stream, source)
        return
    data = head + _read(stream, MAX_BYTES + 1 - len(head), source)
    if len(data) > MAX_BYTES:
        reason = f"is longer than {MAX_BYTES // 1_000_000} MB, too long for an article; "
        raise InputError(source, reason + "give one article a file, or many as JSONL")
    called_page = name.suffix.lower() in _PAGE_NAMES
    yield from _document(data, source, name.stem or name.name, called_page=called_page)


def _read(stream: BinaryIO, size: int, source: str) -> bytes:
    """Read up to ``size`` bytes; a pipe gives them in pieces."""
    parts: list[bytes] = []
    try:
        while size > 0 and (part := stream.read(min(size, _CHUNK))):
            parts.append(part)
            size -= len(part)
    except OSError as error:
        raise InputError(source, f"cannot be read ({error.strerror}); check the file") from None
    return b"".join(parts)


def _holds_records(head: bytes, name: Path) -> bool:
    text = head.decode(_record_encoding(head), errors="replace").lstrip("\ufeff")
    called_so = name.suffix.lower() in _RECORD_NAMES and not webpage.looks_like_html(text)
    return called_so or exchange.looks_like_records(text)


def _record_encoding(head: bytes) -> str:
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"


def _records(head: bytes, stream: BinaryIO, source: str) -> Iterator[Article | Skipped]:
    for item in exchange.read_lines(_lines(head, stream, source), source):
        if isinstance(item, Article) and item.lang is None:
            item = replace(item, lang=decoding.detect_language(item.text))
        yield item


def _lines(head: bytes, stream: BinaryIO, source: str) -> Iterator[str]:
    """Split a stream into lines; of a line that is too long, only as much as shows that."""
    decoder = codecs.getincrementaldecoder(_record_encoding(head))("surrogateescape")
    rest, chunk = "", head.removeprefix(codecs.BOM_UTF8)
    while chunk:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from whole
        rest = rest[: exchange.MAX_CHARS + 1]
        chunk = _read(stream, _CHUNK, source)
    yield rest + decoder.decode(b"", final=True)


def _document(
    data: bytes,
    source: str,
    stem: str,
    *,
    url: str | None = None,
    charset: str | None = None,
    called_page: bool = False,
) -> Iterator[Article]:
    """Read a text or a web page."""
    decoding.refuse_binary(data, source)
    text = decoding.decode(data, source, charset or webpage.declared_charset(data))
    if not text.strip():
        raise InputError(source, "is empty; give a file with an article's text")
    head = text[:_HEAD]
    webpage.refuse_feed(head, source)
    html = webpage.looks_like_html(head) or (called_page and webpage.has_html(head))
    found = list(webpage.articles(text, source, stem, url)) if html else page.articles(text, stem)
    if not found:
        reason = "no article in it, only what surrounds one on a page; give the article's text"
        raise InputError(source, reason)
    for article in found:
        lang = decoding.detect_language(article.text) or article.lang
        yield replace(article, lang=lang, url=article.url or url)


def _url_stem(url: str) -> str:
    parts = urlsplit(url)
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return Path(last).stem or parts.hostname or "page"


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
_MISSING = frozenset({"NoneType", "NAType", "NaTType"})


def several(inputs: Input | Iterable[Input]) -> Iterator[Article | Skipped]:
    """Read one input, or several: one of these that can't be used is `Skipped`, not raised.

    Raises
    ------
    InputError
        On the first step, when a single input can't be used, or a table is given.
    """
    single = isinstance(inputs, str | bytes | os.PathLike | Article | Skipped)
    if single or not isinstance(inputs, Iterable):
        yield from articles(inputs, "text")
        return
    if hasattr(inputs, "columns"):
        raise InputError("table", "give it to score_frame, or one of its columns to score")
    for number, value in enumerate(inputs):
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
            return read(line)
        if _exists(text):
            return _path(text)
        if _looks_like_file(line):
            reason = "no such file; if that is the article itself, give it as Article(id, text)"
            raise InputError(line, reason)
    head = text[:_HEAD]
    if known is None or webpage.looks_like_html(head) or exchange.looks_like_records(head):
        return read_text(text, name)
    return iter([_checked(Article(name, text), name)])


def _path(path: str | os.PathLike[str]) -> Iterator[Article | Skipped]:
    place = os.fsdecode(path)
    return read(f"./{place}" if place == STDIN else place)


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
