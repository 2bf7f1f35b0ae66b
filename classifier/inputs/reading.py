"""What a user hands over -> articles: files, folders, patterns, addresses, standard input.

In two stages: an input is cut into raw records, which is cheap; and each of these is read. The
kind of a file is told by its content; its name decides only where the content doesn't.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import (
    decoding,
    document,
    exchange,
    feeds,
    files,
    jsonl,
    tables,
    warc,
    webpage,
)
from framescope.classifier.inputs.document import MAX_BYTES, Document
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.unpacking import HEAD, Source, unpacked
from framescope.classifier.records import Article, Origin, Skipped

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read.

    Attributes
    ----------
    columns : mapping of str to str
        The names that a table gives the fields of an article (`fields`), instead of a guess.
    allow_private : bool
        Whether addresses of this machine and its own network are fetched.
    tell : callable
        Is told, in one line each, what was guessed and what was left out.
    taken : callable
        Is told of the number of bytes, packed as they are, each time some are read.
    include, exclude : sequence of str
        Which files of a folder or a pattern are taken (`list_inputs`).
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    allow_private: bool = False
    tell: Callable[[str], None] = _ignore
    taken: Callable[[int], None] = _ignore
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()


def read_input(source: str, options: InputOptions | None = None) -> Iterator[Article | Skipped]:
    """Read the articles of one input.

    Parameters
    ----------
    source : str
        A file, a folder, a pattern of files, an address, or ``"-"`` for standard input. Addresses
        are ``http``, ``https``, and those of stores (``s3``, ``gs``), of which folders and patterns
        are read too. Files hold text, HTML, a page as browsers save it (MHTML, SingleFile), a
        newsletter, a feed, a table (CSV, TSV, Parquet), a web archive (WARC), or the exchange
        format; plain, or packed with gzip, bzip2, xz or Zstandard. Tables, archives and the
        exchange format are never held whole.
    options : InputOptions or None

    Yields
    ------
    Article or Skipped
        Articles with their language, where it can be told, and their origin; `Skipped` for
        whatever of the input can't be read.

    Raises
    ------
    InputError
        On the first step, when the whole input can't be used; for many records without any
        article, at its end.
    """
    options = options or InputOptions()
    listed = files.files_within(source, options.include, options.exclude, options.tell)
    if listed is None:
        yield from _read(split_input(source, options), source)
        return
    for one in listed:
        try:
            yield from _read(split_input(one.name, options), one.name)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def read_stream(stream: Any, name: str) -> Iterator[Article | Skipped]:
    """Read the articles of an open file; its name is used for messages and ids only."""
    return _read(_split_file(stream, name, name, "", InputOptions(), held=True), name)


def split_input(source: str, options: InputOptions | None = None) -> Iterator[RawRecord | Skipped]:
    """Cut one file or address into its records, in order, without reading them.

    Parameters
    ----------
    source : str
        As for `read_input`, but no folder and no pattern: `list_inputs` lists their files.
    options : InputOptions or None

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
    begun = False
    try:
        for record in _split(source, options or InputOptions()):
            yield record
            begun = True
    except InputError as error:
        if not begun:
            raise
        yield Skipped(error.source, error.reason)


def _read(records: Iterable[RawRecord | Skipped], source: str) -> Iterator[Article | Skipped]:
    """Read records; one of several that can't be used is `Skipped`."""
    good, why = 0, ""
    for record in records:
        try:
            for item in [record] if isinstance(record, Skipped) else record.items():
                good += isinstance(item, Article)
                if isinstance(item, Skipped) and not why:
                    why = f"{item.source}: {item.reason}".removeprefix(f"{source}, ")
                yield item
        except InputError as error:
            if isinstance(record, RawRecord) and record.origin.record is None:
                raise  # a document, which is the whole input
            why = why or f"{error}".removeprefix(f"{source}, ")
            yield Skipped(error.source, error.reason)
    if not good:
        raise InputError(source, f"no article in it ({why or 'it is empty'})")


@dataclass(frozen=True, slots=True)
class _Address:
    """A page that is fetched when it is read."""

    allow_private: bool

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        from framescope.classifier.inputs.fetching import fetch

        url = origin.input
        found = fetch(url, MAX_BYTES, allow_private=self.allow_private)
        parts = urlsplit(url)
        last = unquote(parts.path).rstrip("/").rpartition("/")[2]
        stem = Path(last).stem or parts.hostname or "page"
        yield from Document(stem, "", found.data, found.url, found.charset).read(origin)


def _split(source: str, options: InputOptions) -> Iterator[RawRecord | Skipped]:
    if source == files.STDIN:
        stream = sys.stdin.buffer
        yield from _split_file(stream, "standard input", "stdin", "stdin", options, held=True)
    elif files.is_address(source):
        yield RawRecord(Origin(source), MAX_BYTES // 100, _Address(options.allow_private))
    else:
        name = files.unpacked_name(source)
        with files.opened(source) as stream:
            held, stem = not files.is_regular(source), name.stem or name.name
            yield from _split_file(stream, source, stem, str(name), options, held=held)


def _split_file(
    stream: Any, source: str, stem: str, name: str, options: InputOptions, *, held: bool
) -> Iterator[RawRecord | Skipped]:
    """Tell what an open file is, and cut it. Raises `InputError`.

    With `held` the record of a document holds it, otherwise the name of its file.
    """
    columns, tell = options.columns, options.tell
    found = unpacked(stream, source, options.taken)
    head, text = found.head, decoding.first_characters(found.head)
    if not head.strip(b"\x00 \t\r\n\x0b\x0c") and len(head) < HEAD:
        raise InputError(source, "is empty; give a file with an article's text")
    if head.startswith(warc.MAGIC):
        yield from warc.split(found, stem)
    elif head.startswith(tables.PARQUET):
        yield from _split_parquet(found, stream, stem, options)
    else:
        decoding.refuse_binary(head, source)
        is_json = document.is_json(text, name)
        if is_json and not jsonl.is_one_value(text):
            yield from jsonl.split(_lines(found, "surrogateescape"), source, stem, columns, tell)
        elif not (is_json or webpage.looks_like_html(text) or feeds.root_of(text)) and (
            Path(name).suffix.lower() in files.TABLES or tables.looks_like_table(text)
        ):
            lines = _lines(found, "framescope_cp1252")
            yield from tables.split_csv(lines, text, source, stem, columns, tell)
        else:
            data = document.whole(found, name) if held else None
            size = len(head if data is None else data)
            if data is None:
                size = max(size, stream.seek(0, 2))
            yield RawRecord(Origin(source), size, Document(stem, name, data))


def _split_parquet(
    found: Source, stream: Any, stem: str, options: InputOptions
) -> Iterator[RawRecord | Skipped]:
    """Cut a table that is read from its end: packed, or from a pipe, it is kept first."""
    with TemporaryFile() as kept:
        file, taken = stream, options.taken
        if found.is_packed or not stream.seekable():
            file, taken = kept, _ignore
            while part := found.read():
                kept.write(part)
        file.seek(0)
        columns, tell = options.columns, options.tell
        yield from tables.split_parquet(file, found.name, stem, columns, tell, taken)


def _lines(found: Source, errors: str) -> Iterator[str]:
    """Split a stream into lines; of a line that is too long, only as much as shows that."""
    encoding = "utf-16" if found.head.startswith(_UTF16) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    most = exchange.MOST_CHARACTERS + 1
    begun, length = list[str](), 0  # of the line that isn't ended
    try:
        chunk = found.read().removeprefix(codecs.BOM_UTF8)
        while chunk:
            first, *others = decoder.decode(chunk).split("\n")
            if length < most:
                begun.append(first[: most - length])
                length += len(begun[-1])
            if others:
                yield "".join(begun)
                yield from others[:-1]
                begun, length = [others[-1]], len(others[-1])
            chunk = found.read()
        yield "".join(begun) + decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        yield "".join(begun)
        reason = f"is damaged {encoding.upper()} from there on; save it again as UTF-8"
        raise InputError(found.name, reason) from None
