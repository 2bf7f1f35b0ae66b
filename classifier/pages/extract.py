"""What a user hands over -> articles: a text, a web page, an address, standard input, or JSONL.

The kind is told by the content; a file's name decides only where the content doesn't.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from classifier.errors import InputError
from classifier.pages import decoding, exchange, exchange_record, language, page, webpage
from classifier.values import Article, Skipped

MAX_BYTES = 10_000_000
"""The longest text or page, which should hold one article or a few. JSONL has no limit."""

STDIN = "-"

_HEAD = 65_536
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

    Parameters
    ----------
    text : str
    name : str
        What to call it in messages; the first article's id.

    Raises
    ------
    InputError
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
        reason = (
            f"is longer than {MAX_BYTES // 1_000_000} MB, too long for an article; "
            "give one article a file, or many as JSONL"
        )
        raise InputError(source, reason)
    yield from _document(data, source, name.stem or name.name, called_page=_called_page(name))


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


def _called_page(name: Path) -> bool:
    return name.suffix.lower() in _PAGE_NAMES


def _holds_records(head: bytes, name: Path) -> bool:
    text = head.decode(_record_encoding(head), errors="replace").lstrip("\ufeff")
    if name.suffix.lower() in _RECORD_NAMES and not webpage.looks_like_html(text):
        return True
    return exchange.looks_like_records(text)


def _record_encoding(head: bytes) -> str:
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"


def _records(head: bytes, stream: BinaryIO, source: str) -> Iterator[Article | Skipped]:
    for item in exchange.read_lines(_lines(head, stream, source), source):
        if isinstance(item, Article) and item.lang is None:
            item = replace(item, lang=language.detect(item.text))
        yield item


def _lines(head: bytes, stream: BinaryIO, source: str) -> Iterator[str]:
    """Split a stream into lines; of a line that is too long, only as much as shows that."""
    decoder = codecs.getincrementaldecoder(_record_encoding(head))("surrogateescape")
    rest, chunk = "", head.removeprefix(codecs.BOM_UTF8)
    while chunk:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from whole
        rest = rest[: exchange_record.MAX_CHARS + 1]
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
    if webpage.looks_like_html(head) or (called_page and webpage.has_html(head)):
        found = list(webpage.articles(text, source, stem, url))
    else:
        found = page.articles(text, stem)
    if not found:
        reason = "no article in it, only what surrounds one on a page; give the article's text"
        raise InputError(source, reason)
    for article in found:
        yield replace(
            article, lang=language.detect(article.text) or article.lang, url=article.url or url
        )


def _url_stem(url: str) -> str:
    parts = urlsplit(url)
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return Path(last).stem or parts.hostname or "page"
