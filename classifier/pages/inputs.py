"""What a user hands over -> articles: files, folders, patterns, addresses, standard input.

The kind of a file is told by its content; its name decides only where the content doesn't.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from classifier.errors import InputError
from classifier.pages import decoding, feeds, files, mail, newsxml, page, records, tables, webpage
from classifier.values import Article, Origin, Skipped

MAX_BYTES = 10_000_000
"""The longest text or page, which should hold one article or a few; pictures within it apart."""

MAX_RAW = 200_000_000
"""The longest page or mail with its pictures. Tables and JSONL have no limit."""

_HEAD = 65_536  # bytes, or characters, that tell what an input is
_CHUNK = 1 << 20
_SCHEMES = ("http", "https")


def _nothing(_: object) -> None:
    pass


@dataclass(frozen=True)
class Options:
    """How inputs are read.

    Attributes
    ----------
    columns : mapping of str to str
        What a table calls the fields of an article (`classifier.pages.fields`), where it isn't to
        be guessed.
    allow_private : bool
        Whether addresses of this machine and its own network are fetched.
    tell : callable
        Is told, a line each, what was guessed and what was left out.
    taken : callable
        Is told, as files are read, of how many more bytes, packed as they are.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    allow_private: bool = False
    tell: Callable[[str], None] = _nothing
    taken: Callable[[int], None] = _nothing


def read(source: str, options: Options | None = None) -> Iterator[Article | Skipped]:
    """Read the articles of one input.

    Parameters
    ----------
    source : str
        A file, a folder, a pattern of files, an ``http`` or ``https`` address, or ``"-"`` for
        standard input. Files hold text, HTML, a page as browsers save it (MHTML, SingleFile), a
        newsletter, a feed, NITF or NewsML, a table (CSV, TSV), or the exchange format; plain, or
        packed with gzip, bzip2 or xz. Tables and the exchange format are never held whole.
    options : Options or None

    Yields
    ------
    Article or Skipped
        Articles with their language, where it can be told, and where they were read from;
        `Skipped` for what of the input can't be read.

    Raises
    ------
    InputError
        On the first step, when the whole input can't be used; for many records without any
        article, at its end.
    """
    options = options or Options()
    scheme = source.partition("://")[0].lower() if "://" in source[:24] else ""
    if scheme in _SCHEMES:
        from classifier.pages.fetching import fetch

        found = fetch(source, MAX_BYTES, allow_private=options.allow_private)
        page_of = _Page(source, _url_stem(source), Path(), options, found.url, found.charset)
        yield from page_of.read(found.data)
    elif source == files.STDIN:
        stream = sys.stdin.buffer
        yield from _Page("standard input", "stdin", Path("stdin"), options).stream(stream)
    elif scheme.isalnum():
        reason = f"{scheme} addresses are not read; give a file or an http(s) address"
        raise InputError(source, reason)
    else:
        yield from _files(source, options)


def read_stream(stream: BinaryIO, name: str) -> Iterator[Article | Skipped]:
    """Read the articles of an open file, which is called so; its name says nothing of its kind."""
    return _Page(name, name, Path(), Options()).stream(stream)


# --- files ----------------------------------------------------------------------------------------


def _files(source: str, options: Options) -> Iterator[Article | Skipped]:
    path = Path(source)
    try:
        folder = path.is_dir()
        several = files.inside(path, options.tell) if folder else []
        if not folder and not path.exists():
            several = files.matching(source)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(source, f"cannot be opened ({why}); check its name and rights") from None
    if folder or several:
        yield from _several(several, source, options)
        return
    name = files.unpacked(path)
    with files.opened(path, source) as stream:
        counted = files.Tallied(stream, options.taken)
        yield from _Page(source, name.stem or name.name, name, options).stream(counted)


def _several(paths: list[Path], source: str, options: Options) -> Iterator[Article | Skipped]:
    if not paths:
        names = " ".join(sorted(files.NAMES))
        raise InputError(source, f"no file there that may hold an article ({names})")
    for path in paths:
        try:
            yield from _files(str(path), options)
        except InputError as error:
            yield Skipped(error.source, error.reason)


# --- what is in one -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    """One file or address: its name in messages and results, and how it is to be read.

    `name` is that of the file, unpacked, by which its kind is told where its content doesn't; `url`
    where it was fetched, and `charset` what the server says.
    """

    source: str
    stem: str
    name: Path
    options: Options
    url: str | None = None
    charset: str | None = None

    def stream(self, stream: files.Stream, depth: int = 0) -> Iterator[Article | Skipped]:
        """Read an open file."""
        head = files.take(stream, _HEAD, self.source)
        packed = files.unpack(head, stream)
        if packed is not None:
            if depth > 1:
                raise InputError(self.source, "is packed more than twice; unpack it first")
            yield from self.stream(packed, depth + 1)
            return
        if not head.strip(b"\x00 \t\r\n\x0b\x0c") and len(head) < _HEAD:
            raise InputError(self.source, "is empty; give a file with an article's text")
        decoding.refuse_binary(head, self.source)
        text = decoding.first_characters(head)
        called_so = self._called(files.RECORD_NAMES) and not webpage.looks_like_html(text)
        if called_so or records.looks_like_records(text):
            if records.is_one_value(text):
                value = self._whole(head, stream)
                yield from self._located(records.read_value(value, self.source, self.stem))
            else:
                yield from self._records(head, stream)
        elif not self._is_marked_up(text) and tables.looks_like_table(
            text, called_so=self._called(tables.SUFFIXES)
        ):
            lines = self._lines(head, stream, "framescope_cp1252")
            given = self.options
            yield from self._located(
                tables.read(lines, text, self.source, self.stem, given.columns, given.tell)
            )
        else:
            pictured = webpage.has_html(text) or mail.looks_like_mail(text)
            limit = MAX_RAW if pictured else MAX_BYTES
            data = head + files.take(stream, limit + 1 - len(head), self.source)
            if len(data) > limit:
                raise InputError(self.source, self._too_long(limit))
            yield from self.read(data)

    def read(self, data: bytes) -> Iterator[Article | Skipped]:
        """Read the articles of a whole document."""
        decoding.refuse_binary(data, self.source)
        text = decoding.first_characters(data[:_HEAD])
        if mail.looks_like_mail(text):
            yield from self._located(mail.articles(data, self.source, self.stem))
            return
        feeds.refuse_list(text, self.source)
        if feeds.looks_like_feed(text):
            yield from self._located(feeds.articles(data, self.source, self.stem))
        elif newsxml.looks_like_news(text):
            yield from self._located(newsxml.articles(data, self.source, self.stem))
        elif records.looks_like_records(text) and self.url:
            yield from self._located(
                records.read_value(self._decoded(data), self.source, self.stem)
            )
        else:
            yield from self._located(self._document(data))

    def _document(self, data: bytes) -> Iterator[Article]:
        """Read a text or a web page."""
        if len(data) > MAX_BYTES:
            data = webpage.without_pictures(data)
        if len(data) > MAX_BYTES:
            raise InputError(self.source, self._too_long(MAX_BYTES))
        text = self._decoded(data)
        if not text.strip():
            raise InputError(self.source, "is empty; give a file with an article's text")
        head = text[:_HEAD]
        if webpage.looks_like_html(head) or (
            self._called(files.PAGE_NAMES) and webpage.has_html(head)
        ):
            found = list(webpage.articles(text, self.source, self.stem, self.url))
        else:
            self._refuse_markup(head)
            found = page.articles(text, self.stem)
        if not found:
            reason = "no article in it, only what surrounds one on a page; give the article's text"
            raise InputError(self.source, reason)
        for article in found:
            yield replace(article, url=article.url or self.url)

    def _is_marked_up(self, text: str) -> bool:
        return webpage.looks_like_html(text) or newsxml.root_of(text) is not None

    def _refuse_markup(self, head: str) -> None:
        """Refuse XML that is neither a page nor news: an `InputError`."""
        root = newsxml.root_of(head)
        if root is not None and head.lstrip().startswith("<?xml"):
            reason = (
                f"is XML of a kind that isn't read (<{root}>); save its text, or give NITF, NewsML"
            )
            raise InputError(self.source, f"{reason}, RSS or HTML")

    def _called(self, suffixes: frozenset[str]) -> bool:
        return self.name.suffix.lower() in suffixes

    def _too_long(self, limit: int) -> str:
        reason = f"is longer than {limit // 1_000_000} MB, too long for an article; "
        return reason + "give one article a file, or many as JSONL"

    def _decoded(self, data: bytes) -> str:
        return decoding.decode(data, self.source, self.charset or webpage.declared_charset(data))

    def _whole(self, head: bytes, stream: files.Stream) -> str:
        data = head + files.take(stream, MAX_RAW + 1 - len(head), self.source)
        if len(data) > MAX_RAW:
            reason = f"is one JSON value of more than {MAX_RAW // 1_000_000} MB; "
            raise InputError(self.source, reason + "write one object a line (jq -c '.[]' FILE)")
        return self._decoded(data)

    def _records(self, head: bytes, stream: files.Stream) -> Iterator[Article | Skipped]:
        lines = self._lines(head, stream, "surrogateescape")
        yield from self._located(records.read_lines(lines, self.source, self.stem))

    def _located(self, items: Iterator[Article | Skipped]) -> Iterator[Article | Skipped]:
        """Add to articles their language, and where they were read from."""
        for item in items:
            if isinstance(item, Article):
                lang = decoding.detect_language(item.text) or item.lang
                item = replace(item, lang=lang, origin=item.origin or Origin(self.source))
            yield item

    def _lines(self, head: bytes, stream: files.Stream, errors: str) -> Iterator[str]:
        """Split a stream into lines; of a line that is too long, only as much as shows that."""
        encoding = "utf-16" if head.startswith(_UTF16) else "utf-8"
        decoder = codecs.getincrementaldecoder(encoding)(errors)
        rest, chunk = "", head.removeprefix(codecs.BOM_UTF8)
        try:
            while chunk:
                *whole, rest = (rest + decoder.decode(chunk)).split("\n")
                yield from whole
                rest = rest[: records.MAX_CHARS + 1]
                chunk = files.take(stream, _CHUNK, self.source)
            yield rest + decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            yield rest
            reason = f"is damaged {encoding.upper()} from there on; save it again as UTF-8"
            raise InputError(self.source, reason) from None


_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _url_stem(url: str) -> str:
    parts = urlsplit(url)
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return Path(last).stem or parts.hostname or "page"
