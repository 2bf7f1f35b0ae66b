"""What a user hands over -> articles: files, folders, patterns, addresses, standard input.

In two stages: an input is cut into raw records, which is cheap; and each of these is read. The
kind of a file is told by its content; its name decides only where the content doesn't.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import (
    archives,
    decoding,
    document,
    files,
    listing,
    newsxml,
    parquet,
    records,
    stores,
    tables,
    unpacking,
    webpage,
)
from framescope.classifier.inputs.document import MAX_BYTES, Document
from framescope.classifier.inputs.raw import RawRecord, gathered, located
from framescope.classifier.inputs.unpacking import HEAD, Stream
from framescope.classifier.records import Article, Origin, Skipped

_CHUNK = 1 << 20
_STDIN = "standard input"


def _nothing(_: object) -> None:
    pass


@dataclass(frozen=True)
class Options:
    """How inputs are read.

    Attributes
    ----------
    columns : mapping of str to str
        What a table calls the fields of an article (`classifier.inputs.fields`), where it isn't to
        be guessed.
    allow_private : bool
        Whether addresses of this machine and its own network are fetched.
    tell : callable
        Is told, a line each, what was guessed and what was left out.
    taken : callable
        Is told, as files are read, of how many more bytes, packed as they are.
    include, exclude : sequence of str
        What is taken of a folder or a pattern, and what isn't (`classifier.inputs.listing`).
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    allow_private: bool = False
    tell: Callable[[str], None] = _nothing
    taken: Callable[[int], None] = _nothing
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()


def read(source: str, options: Options | None = None) -> Iterator[Article | Skipped]:
    """Read the articles of one input.

    Parameters
    ----------
    source : str
        A file, a folder, a pattern of files, an address, or ``"-"`` for standard input. Addresses
        are ``http``, ``https``, and those of stores (``s3``, ``gs``), of which folders and patterns
        are read too. Files hold text, HTML, a page as browsers save it (MHTML, SingleFile), a
        newsletter, a feed, NITF or NewsML, a table (CSV, TSV, Parquet), a web archive (WARC), or
        the exchange format; plain, or packed with gzip, bzip2, xz or Zstandard. Tables, archives
        and the exchange format are never held whole.
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
    listed = listing.within(source, options.include, options.exclude, options.tell)
    if listed is None:
        yield from _read_one(source, options)
        return
    for one in listed:
        try:
            yield from _read_one(one.name, options)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def split(source: str, options: Options | None = None) -> Iterator[RawRecord | Skipped]:
    """Cut one file or address into its records, in order, without reading them.

    Parameters
    ----------
    source : str
        As for `read`, but no folder and no pattern: `listing.listed` gives their files.
    options : Options or None

    Yields
    ------
    RawRecord or Skipped
        A line of JSON, a row, a page of an archive, each by itself; any other file as one record.
        `Skipped` for a place that holds none: a damaged row, the rest of a damaged stream.

    Raises
    ------
    InputError
        On the first step, when the whole input can't be used.
    """
    options, begun = options or Options(), False
    try:
        with _cut(source, options, held=False) as cut:
            for record in cut.records:
                yield record
                begun = True
    except InputError as error:
        if not begun:
            raise
        yield Skipped(error.source, error.reason)


def read_stream(stream: BinaryIO, name: str) -> Iterator[Article | Skipped]:
    """Read the articles of an open file, which is called so; its name says nothing of its kind."""
    cut = _File(name, name, "", Options(), held=True).cut(stream)
    return located(cut.read(), Origin(name))


def _read_one(source: str, options: Options) -> Iterator[Article | Skipped]:
    with _cut(source, options, held=True) as cut:
        yield from located(cut.read(), Origin(_STDIN if source == files.STDIN else source))


# --- files ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cut:
    """The records of one file, and what is said where none of them holds an article.

    `none` makes that of the first that was skipped; None where the file is one record, and so its
    error that of the file.
    """

    records: Iterator[RawRecord | Skipped]
    none: Callable[[Skipped | None], InputError] | None = None

    def read(self) -> Iterator[Article | Skipped]:
        if self.none is not None:
            return gathered(self.records, self.none)
        return (
            item
            for record in self.records
            if isinstance(record, RawRecord)
            for item in record.content.read(record.origin)
        )


@dataclass(frozen=True, slots=True)
class _Address:
    """A page that is fetched when it is read."""

    allow_private: bool

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        from framescope.classifier.inputs.fetching import fetch

        url = origin.input
        found = fetch(url, MAX_BYTES, allow_private=self.allow_private)
        page = Document(_url_stem(url), "", found.data, found.url, found.charset)
        return page.read(origin)


@contextmanager
def _cut(source: str, options: Options, *, held: bool) -> Iterator[_Cut]:
    """Open a file, and cut it into its records.

    `held` says whether the record of a whole document holds it, or only its name.
    """
    if source == files.STDIN:
        yield _File(_STDIN, "stdin", "stdin", options, held=True).cut(sys.stdin.buffer)
    elif stores.scheme_of(source) in {"http", "https"}:
        record = RawRecord(Origin(source), MAX_BYTES // 100, _Address(options.allow_private))
        yield _Cut(iter([record]))
    else:
        path = source.rpartition("/")[2] if stores.is_store(source) else source
        name = files.unpacked(Path(path))
        held = held or not files.is_regular(source)
        with files.opened(source) as stream:
            file = _File(source, name.stem or name.name, str(name), options, held=held)
            yield file.cut(stream)


# --- what is in one -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    """One file: what it is called in messages and results, and how it is to be read.

    `name` is that of the file, unpacked, by which its kind is told where its content doesn't.
    """

    source: str
    stem: str
    name: str
    options: Options
    held: bool

    def cut(self, stream: Stream) -> _Cut:
        """Tell what an open file is, and cut it. Raises `InputError`."""
        source, stem, options = self.source, self.stem, self.options
        counted = files.Tallied(stream, options.taken)
        head, rest = unpacking.unpacked(counted, source)
        if not head.strip(b"\x00 \t\r\n\x0b\x0c") and len(head) < HEAD:
            raise InputError(source, "is empty; give a file with an article's text")
        if head.startswith(archives.MAGIC):
            pages = archives.split(head, rest, source, stem)
            return _Cut(pages, partial(archives.no_page, source))
        if head.startswith(parquet.MAGIC):
            return _Cut(self._parquet(head, rest, stream), partial(tables.no_row, source))
        decoding.refuse_binary(head, source)
        text = decoding.first_characters(head)
        if document.is_json(text, self.name):
            if not document.is_value(text, self.name):
                lines = _lines(head, rest, "surrogateescape", source)
                return _Cut(
                    records.split(lines, source, stem, options.columns, options.tell),
                    partial(records.no_line, source),
                )
        elif not _is_marked_up(text) and tables.looks_like_table(
            text, called_so=Path(self.name).suffix.lower() in tables.SUFFIXES
        ):
            lines = _lines(head, rest, "framescope_cp1252", source)
            rows = tables.split(lines, text, source, stem, options.columns, options.tell)
            return _Cut(rows, partial(tables.no_row, source))
        return _Cut(self._document(head, rest, stream))

    def _document(self, head: bytes, rest: Stream, stream: Stream) -> Iterator[RawRecord]:
        data = document.whole(head, rest, self.name, self.source) if self.held else None
        size = len(data) if data is not None else max(_length(stream), len(head))
        yield RawRecord(Origin(self.source), size, Document(self.stem, self.name, data))

    def _parquet(self, head: bytes, rest: Stream, stream: Stream) -> Iterator[RawRecord | Skipped]:
        """Cut a table that is read from its end: packed, or from a pipe, it is kept first."""
        columns, tell = self.options.columns, self.options.tell
        with TemporaryFile() as kept:
            file: Any = kept
            taken: Callable[[int], None] = _nothing
            if isinstance(rest, unpacking.Packed) or not stream.seekable():
                kept.write(head)
                while part := unpacking.take(rest, _CHUNK, self.source):
                    kept.write(part)
            else:
                file, taken = stream, self.options.taken
            file.seek(0)
            yield from parquet.split(file, self.source, self.stem, columns, tell, taken)


def _length(stream: Stream) -> int:
    """Give the bytes of an open file; 0 where that can't be told."""
    try:
        return stream.seek(0, 2) if stream.seekable() else 0
    except (OSError, ValueError):
        return 0


def _is_marked_up(text: str) -> bool:
    return webpage.looks_like_html(text) or newsxml.root_of(text) is not None


_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _lines(head: bytes, rest: Stream, errors: str, source: str) -> Iterator[str]:
    """Split a stream into lines; of a line that is too long, only as much as shows that."""
    encoding = "utf-16" if head.startswith(_UTF16) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    most = records.MAX_CHARS + 1
    begun, length = [], 0  # of the line that isn't ended
    chunk = head.removeprefix(codecs.BOM_UTF8)
    try:
        while chunk:
            first, *others = decoder.decode(chunk).split("\n")
            if length < most:
                begun.append(first[: most - length])
                length += len(begun[-1])
            if others:
                yield "".join(begun)
                yield from others[:-1]
                begun = [others[-1]]
                length = len(begun[0])
            chunk = unpacking.take_sound(rest, _CHUNK, source)
        yield "".join(begun) + decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        yield "".join(begun)
        reason = f"is damaged {encoding.upper()} from there on; save it again as UTF-8"
        raise InputError(source, reason) from None


def _url_stem(url: str) -> str:
    parts = urlsplit(url)
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return Path(last).stem or parts.hostname or "page"
