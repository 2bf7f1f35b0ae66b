"""What a user hands over -> articles: it is cut into raw records, and each of these is read."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import document, exchange, fields, files, webpage
from framescope.classifier.inputs.document import MAX_BYTES, Document
from framescope.classifier.inputs.fields import RawRecord
from framescope.classifier.inputs.files import HEAD, PLAIN, InputOptions, first_characters, unpacked
from framescope.classifier.records import Article, Origin, Skipped

if TYPE_CHECKING:
    import pandas

Input: TypeAlias = "str | os.PathLike[str] | Article | Skipped"  # see `read_value`
_FIELDS = ("title", "outlet", "url", "date", "lang", "author", "site_name")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_SUFFIX = re.compile(
    r"\.(?:txt|text|md|x?html?|jsonl?|ndjson|csv|tsv|xml|pdf|docx?|odt|rtf|epub|gz|zip|parquet)",
    re.IGNORECASE,
)
_ROOTED = re.compile(r"[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_SENTENCE_ENDS = tuple(".!?…\"'”’)")
_LONGEST_NAME, _LONGEST_PATH = 255, 4096  # characters, on the common systems
_MOST_RECORDS = 100_000  # of packed data that are fewer bytes than that
_MISSING = frozenset({"NoneType", "NAType", "NaTType"})
Items: TypeAlias = "Iterator[Article | Skipped]"


def read_input(source: str, options: InputOptions = PLAIN) -> Items:
    """Read the articles of one input, and `Skipped`; raises `InputError` where it has none."""
    listed = files.files_within(source, options)
    if listed is None:
        yield from _read(split_input(source, options), source)
    for one in listed or ():
        said = False
        try:
            for item in _read(split_input(one.name, options), one.name):
                said = said or isinstance(item, Skipped)
                yield item
        except InputError as error:
            if not said:  # what was skipped of it says so already
                yield Skipped(error.source, error.reason)


def read_inputs(sources: Iterable[str], options: InputOptions = PLAIN) -> Items:
    """Read several inputs; one that can't be used is `Skipped`."""
    for source in sources:
        yield from _skipping(read_input(source, options))


def _skipping(items: Items) -> Items:
    try:
        yield from items
    except InputError as error:
        yield Skipped(error.source, error.reason)


def read_stream(stream: Any, name: str) -> Items:
    """Read the articles of an open file, however short; its name is for messages and ids only."""
    found = _split_file(stream, name, name, "", PLAIN, held=True)
    return _read((replace(x, least=0) if isinstance(x, RawRecord) else x for x in found), name)


def split_input(source: str, options: InputOptions = PLAIN) -> Iterator[RawRecord | Skipped]:
    """Cut one file or address into its records; raises `InputError` first if it can't be used."""
    begun = False
    try:
        for record in _split(source, options):
            yield record
            begun = True
    except InputError as error:
        if not begun:
            raise
        yield Skipped(error.source, error.reason)


def _read(records: Iterable[RawRecord | Skipped], source: str) -> Items:
    """Read records; one of several that can't be used is `Skipped`."""
    good, why = 0, ""
    for record in records:
        try:
            for item in [record] if isinstance(record, Skipped) else record.items():
                good += isinstance(item, Article)
                if isinstance(item, Skipped) and not why:
                    why = f"{item.source}: {item.reason}".removeprefix(source).lstrip(",: ")
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
    allow_private: bool

    def read(self, origin: Origin, /) -> Items:
        from framescope.classifier.inputs.fetching import fetch

        found = fetch(origin.input, MAX_BYTES, allow_private=self.allow_private)
        parts = urlsplit(origin.input)
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
            held = not (files.is_store(source) or Path(source).is_file())  # a pipe is read once
            stem = name.stem or name.name
            yield from _split_file(stream, source, stem, str(name), options, held=held)


def _split_file(
    stream: Any, source: str, stem: str, name: str, options: InputOptions, *, held: bool
) -> Iterator[RawRecord | Skipped]:
    """Cut an open file, of whose records a few bytes of packed data may not make millions."""
    found = unpacked(stream, source, options.taken)
    for number, record in enumerate(_cut(found, stream, stem, name, options, held=held)):
        if found.is_packed and number >= max(_MOST_RECORDS, found.of_file):
            reason = f"unpacks to more than {number:,} records, and more than it has bytes"
            raise InputError(source, f"{reason}; unpack it, and look into it")
        yield record


def _cut(
    found: files.Source, stream: Any, stem: str, name: str, options: InputOptions, *, held: bool
) -> Iterator[RawRecord | Skipped]:
    """Tell what a file is, and cut it; the record of a document holds it if `held`."""
    source = found.name
    head, text = found.head, first_characters(found.head)
    if not head.strip(b"\x00 \t\r\n\x0b\x0c") and len(head) < HEAD:
        raise InputError(source, "is empty; give a file with an article's text")
    if head.startswith(document.WARC):
        yield from document.split_warc(found, stem)
        return
    if head.startswith(fields.PARQUET):
        yield from fields.split_parquet(found, stream, stem, options)
        return
    files.refuse_binary(head, source)
    is_json = document.is_json(text, name)
    is_markup = webpage.looks_like_html(text) or document.xml_root(text)
    named = Path(name).suffix.lower() in files.TABLES
    if is_json and not fields.is_one_value(text):
        yield from fields.split_lines(found, stem, options)
    elif not (is_json or is_markup) and (named or fields.looks_like_table(text)):
        yield from fields.split_csv(found, stem, options)
    else:
        data = document.whole(found, name) if held else None
        size = len(data or b"")
        if data is None:
            size = stream.seek(0, 2)
            options.taken(size)
            size = max(len(head), size)
        local = data is None and not files.is_store(source)
        listed = files.as_listed(source) if local else None
        yield RawRecord(Origin(source), size, Document(stem, name, data, listed=listed))


def read_values(values: Input | Iterable[Input]) -> Items:
    """Read one input, or several, of which one that can't be used is `Skipped`, not raised."""
    single = isinstance(values, str | bytes | os.PathLike | Article | Skipped)
    if single or not isinstance(values, Iterable):
        yield from read_value(values, "text")
        return
    if hasattr(values, "columns"):
        raise InputError("table", "give it to score_frame, or one of its columns to score")
    for number, value in enumerate(values):
        yield from _skipping(read_value(value, f"input {number}"))


def read_frame(df: pandas.DataFrame, text: str) -> Iterator[tuple[int, Article | Skipped]]:
    """Read the articles of a table, each with the number of its row; its index names them."""
    columns = list(getattr(df, "columns", ()))
    if columns.count(text) != 1:
        found = ", ".join(map(str, columns[:20])) or "none"
        raise InputError("table", f"needs one column '{text}'; its columns: {found}")
    known = [name for name in _FIELDS if columns.count(name) == 1 and name != text]
    names = (str(label).encode(errors="replace").decode() for label in df.index)  # fit for UTF-8
    rows = zip(names, df[text], *(map(_plain, df[field]) for field in known), strict=True)
    return (
        (number, item)
        for number, (name, value, *cells) in enumerate(rows)
        for item in _skipping(read_value(value, name, dict(zip(known, cells, strict=True))))
    )


def read_value(value: object, name: str, known: Mapping[str, str | None] | None = None) -> Items:
    """Read one input, called `name` if it has no name; `known` is what a table's row says of it."""
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


def _plain(cell: object) -> str | None:
    if isinstance(cell, str):
        return str(cell).strip() or None
    if not hasattr(cell, "isoformat") or cell != cell:  # a missing date is not itself
        return None
    return str(cell.isoformat()).removesuffix("T00:00:00")


def _text(text: str, name: str, known: Mapping[str, str | None] | None) -> Items:
    # An address, or a file that is there, or looks like one that isn't; or the content of a file.
    line = text.strip()
    if line and len(line) <= _LONGEST_PATH and len(line.splitlines()) == 1:
        if _ADDRESS.fullmatch(line):
            return read_input(line)
        with suppress(OSError, ValueError):  # no name that a file can have
            if Path(text).exists():
                return _path(text)
        if _looks_like_file(line):
            reason = "no such file; if that is the article itself, give it as Article(id, text)"
            raise InputError(line, reason)
    head = text[:HEAD]
    if known is not None and not (webpage.looks_like_html(head) or fields.looks_like_records(head)):
        return iter([_checked(Article(name, text), name)])
    try:
        return read_stream(BytesIO(text.encode()), name)
    except UnicodeEncodeError:
        raise InputError(name, exchange.HALF_CHARACTER) from None


def _path(path: str | os.PathLike[str]) -> Items:
    place = os.fsdecode(path)
    return read_input(f"./{place}" if place == files.STDIN else place)


def _looks_like_file(line: str) -> bool:
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
