"""Raw records, cut out cheaply and read later; here rows (CSV, TSV, Parquet) and JSON."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import exchange, files, webpage
from framescope.classifier.inputs.files import InputOptions, Source
from framescope.classifier.inputs.sentences import detect_language
from framescope.classifier.records import Article, Origin, Skipped, count_words, counted

TEXT, ID = "text", "id"
FIELDS = (TEXT, ID, "title", "outlet", "url", "date", "author", "lang")
EMPTY = "its text is empty; every article needs one"
# In the order of their claim: an export may hold a body beside a summary, a link beside a feed's.
_NAMES: Mapping[str, Sequence[str]] = {
    TEXT: (
        "text", "fulltext", "articletext", "articlebody", "maintext", "bodytext", "contenttext",
        "contenthtml", "body", "content", "article", "articlecontent", "storytext", "story",
        "plaintext", "html",
    ),
    ID: ("id", "articleid", "storiesid", "docid", "documentid", "guid", "uuid", "uid", "key"),
    "title": ("title", "headline", "articletitle", "heading"),
    "outlet": (
        "outlet", "publisher", "publication", "medianame", "source", "sourcename", "newspaper",
        "sitename", "site", "provider", "sourcedomain", "domain",
    ),
    "url": ("url", "link", "articleurl", "sourceurl", "permalink", "address", "webpage"),
    "date": (
        "date", "publishdate", "datepublished", "publicationdate", "published", "publishedat",
        "datepublish", "pubdate", "publishedon", "time", "timestamp", "datetime", "created",
    ),
    "author": ("author", "authors", "byline", "creator"),
    "lang": ("lang", "language", "languagecode"),
}  # fmt: skip
_LONG = 8  # words of a cell on average that make it a text
_LEAST_WORDS = 40  # of a text of JSON that goes by no name that is known
_LANG = re.compile(r"[A-Za-z]{2,3}\b")
_LISTS = ("articles", "items", "results", "data", "docs", "documents", "stories", "hits", "value")
# A file of records begins with a key; prose that begins with a brace or a bracket does not.
_FIRST_KEY = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\n]{1,80}"\s*:|\Z)')


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of an input, not yet read. It is small, and may be pickled."""

    origin: Origin
    size: int  # bytes that it costs to hold or to read, about
    content: Any  # a line, a row, a document, ...: its `read(origin)` yields articles
    least: int = webpage.MIN_WORDS  # of an article that isn't cut into units

    def items(self) -> Iterator[Article | Skipped]:
        """Yield articles, with their language and origin, or `Skipped`. Raises `InputError`."""
        for item in self.content.read(self.origin):
            if isinstance(item, Article):
                words, origin = count_words(item.text), item.origin or self.origin
                lang = detect_language(item.text) or item.lang
                item = replace(item, lang=lang, origin=origin)
                if words < self.least and item.units is None:
                    reason = f"{counted(words, 'word')}, and no article; give {self.least} or more"
                    if origin.record is None:  # a document, which is the whole input
                        raise InputError(str(origin), reason)
                    item = Skipped(str(origin), reason)
            yield item

    def held(self) -> RawRecord:
        """Return the record with the contents of its file, to be read on another machine."""
        load = None if "://" in self.origin.input[:32] else getattr(self.content, "loaded", None)
        return self if load is None else replace(self, content=load(self.origin))


def guess(names: Iterable[str]) -> dict[str, str]:
    """Return for each field the name that it most likely goes by, where there is one."""
    by_key = {webpage.letters(name): name for name in reversed(list(names))}  # the first of several
    found = {field: [key for key in keys if key in by_key] for field, keys in _NAMES.items()}
    return {field: by_key[keys[0]] for field, keys in found.items() if keys}


def is_known(name: str, field: str) -> bool:
    """Return True if a column called so is likely the field."""
    return webpage.letters(name) in _NAMES[field]


def choose(
    names: Sequence[str], rows: Sequence[Sequence[str]], source: str, options: InputOptions
) -> dict[str, str]:
    """Choose a column for each field of a table; its text is else that with the longest cells."""
    columns, listed = options.columns, ", ".join(f"'{one}'" for one in names[:30])
    for field, name in columns.items():
        if name not in names:
            reason = f"has no column '{name}' (--column {field}); its columns: {listed}"
            raise InputError(source, reason)
    found = {**guess(name for name in names if name not in columns.values()), **columns}
    if TEXT not in found:
        means = {
            name: sum(len(row[at].split()) for row in rows if at < len(row)) / max(len(rows), 1)
            for at, name in enumerate(names)
            if name not in found.values()
        }
        longest = max(means, key=means.__getitem__, default="")
        if means.get(longest, 0) < _LONG:
            reason = "is a table without a column of texts; name it with --column text=NAME"
            raise InputError(source, f"{reason} (columns: {listed})")
        found[TEXT] = longest
    chosen = {field: found[field] for field in FIELDS if field in found}
    guessed = [f"{field} from '{name}'" for field, name in chosen.items() if field not in columns]
    if guessed:
        choose = "choose others with --column text=NAME and the like"
        options.tell(f"{source}: {', '.join(guessed)}; {choose}")
    return chosen


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells by `FIELDS`, and the id of its article if it has none."""

    cells: Mapping[str, str | None]
    name: str

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article; of a text that is a page, the articles on it. Raises `InputError`."""
        stripped = {field: value.strip() for field, value in self.cells.items() if value}
        known: dict[str, Any] = {field: value for field, value in stripped.items() if value}
        if TEXT not in known:
            raise InputError(str(origin), EMPTY)
        text, name = known.pop(TEXT), known.pop(ID, self.name)
        if language := known.pop("lang", None):
            match = _LANG.match(language)
            known |= {"lang": match[0].lower()} if match else {}
        if webpage.looks_like_html(text[:2000]):
            found = webpage.articles(text, str(origin), name, known.get("url"))
            for number, article in enumerate(found):
                yield replace(article, **({} if number else known), origin=origin)
        else:
            # Not stripped: offsets are those of the cell.
            yield Article(name, self.cells[TEXT] or "", **known, origin=origin)


def looks_like_records(head: str) -> bool:
    """Return True if a file that begins with some hundred characters of `head` is JSON."""
    return _FIRST_KEY.match(head) is not None


def is_one_value(head: str) -> bool:
    """Return True if JSON that begins so is one value spread over lines, not an object per line."""
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    return first.startswith("[") or first.endswith(("{", "[", ","))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    text: str
    name: str  # the id of its article, if it has none of its own
    columns: Mapping[str, str]  # the names of fields that the user gave
    likely: str | None  # the name of the text, where the first line has none that is known

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article. Raises `InputError`."""
        record = exchange.parse_line(self.text, str(origin))
        return _of_record(record, origin, self.name, self.columns, self.likely)


def split_lines(found: Source, stem: str, options: InputOptions) -> Iterator[RawRecord | Skipped]:
    """Cut a file of JSON into its lines; a line that is too long is `Skipped`."""
    source, number, likely = found.name, 0, None
    lines = found.lines("surrogateescape", exchange.MOST_CHARACTERS)
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not number and TEXT not in options.columns:
            with suppress(ValueError, RecursionError):  # reading the line reports it
                record = json.loads(line)
                named = not isinstance(record, dict) or TEXT in guess(_texts(record))
                likely = None if named or _listed(record) is not None else _longest(record)
            if likely is not None:
                choose = "choose another with --column text=NAME"
                options.tell(f"{source}: text from '{likely}'; {choose}")
        number += 1
        origin = Origin(source, line_number, number)
        if len(line) > exchange.MOST_CHARACTERS:
            yield Skipped(str(origin), exchange.TOO_LONG.format(exchange.MOST_CHARACTERS))
        else:
            content = Line(line, f"{stem}-{line_number}", options.columns, likely)
            yield RawRecord(origin, len(line), content)
    if not number:
        raise InputError(source, "the file is empty; put one article a line in it, as JSON")


def read_json(text: str, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read one JSON value, as services answer: an article, or a list of them that it may hold."""
    record = exchange.parse_json(text, source, "save it again, or write one object per line")
    items = _listed(record)
    if items is None:
        yield from _of_record(record, Origin(source), stem, {})
    elif not items:
        raise InputError(source, "its list of articles is empty")
    for number, item in enumerate(items or (), start=1):
        try:
            yield from _of_record(item, Origin(source, record=number), f"{stem}-{number}", {})
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _listed(value: Any) -> list[Any] | None:
    """Return the list of articles that a value is, or holds; None where it is one article."""
    if not isinstance(value, dict) or TEXT in guess(_texts(value)):
        return value if isinstance(value, list) else None
    lists = (value[name] for name in _LISTS if isinstance(value.get(name), list))
    return next((one for one in lists if any(isinstance(item, dict) for item in one)), None)


def _of_record(
    record: Any, origin: Origin, name: str, columns: Mapping[str, str], likely: str | None = None
) -> Iterator[Article]:
    """Read what is one record: as the format has it, or by other names for the same."""
    if not isinstance(record, dict):
        raise InputError(str(origin), 'not a JSON object; write {"id": ..., "text": ...}')
    if not columns and isinstance(record.get(TEXT), str):
        yield replace(exchange.read_record(record, str(origin), name), origin=origin)
        return
    if (listed := _listed(record)) is not None:  # a service's answer on one line
        for number, item in enumerate(listed, start=1):
            yield from _of_record(item, replace(origin, record=number), f"{name}-{number}", {})
        return
    texts = _texts(record)
    if (wanted := columns.get(TEXT)) is not None and wanted not in texts:
        known = ", ".join(f"'{key}'" for key in list(texts)[:30])
        raise InputError(str(origin), f"has no text '{wanted}' (--column text); it has: {known}")
    chosen = {one: key for one, key in columns.items() if key in texts}
    found = guess(key for key in texts if key not in chosen.values()) | chosen
    if TEXT not in found:
        longest = likely if likely in texts else _longest(record)
        if longest is None:
            exchange.read_record(record, str(origin), name)  # says what is wrong
        found[TEXT] = str(longest)
    cells = {one: texts[key] for one, key in found.items()}
    if any(exchange.SURROGATE.search(value) for value in cells.values()):
        raise InputError(str(origin), exchange.HALF_CHARACTER)
    yield from Row(cells, name).read(origin)


def _longest(record: Mapping[str, Any]) -> str | None:
    """Return the name of the longest text; None where none is as long as an article."""
    known = guess(texts := _texts(record)).values()
    words = {key: len(value.split()) for key, value in texts.items() if key not in known}
    longest = max(words, key=words.__getitem__, default="")
    return longest if words.get(longest, 0) >= _LEAST_WORDS else None


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    whole = {k for k, v in record.items() if type(v) is int and abs(v) < 10**18}
    ids = {key for key in whole if is_known(key, ID)}
    return {k: str(v) for k, v in record.items() if isinstance(v, str) or k in ids}


PARQUET = b"PAR1"  # what such a file begins with
# The longest cell and row, in characters. A stray quote makes one cell of all that follows it.
MAX_CELL = 10_000_000
MAX_ROW = 4 * MAX_CELL
_DELIMITERS = ",\t;|"
_SAMPLE = 50  # rows that show which column is the text, and which delimiter parts columns
_HEADING_WORDS = 6
_NAME = re.compile(r"[\w#-]*(?:[ ._/-][\w#()-]+){0,3}")  # of a column, and no clause of prose
_ALIKE = 0.8  # of the rows have as many cells as the first
_SEP = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)  # what Excel writes above a table
_MOST_ROWS, _MOST_BYTES = 256, 16_000_000  # of a batch of Parquet, about


def looks_like_table(head: str) -> bool:
    """Return True if a file that begins so has a header that names a text and something else."""
    if (delimiter := _delimiter(head)) is None:
        return False
    names, *rows = _sample(head, delimiter)
    named = all(_NAME.fullmatch(name) for name in names)
    return named and {TEXT} < guess(names).keys() and bool(rows)


def split_csv(found: Source, stem: str, options: InputOptions) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows, one at a time; errors are those of `choose`."""
    source, head = found.name, files.first_characters(found.head)
    delimiter = _delimiter(head)
    if delimiter is None:
        reason = "is called a table, but has no header and columns; write CSV with a header"
        raise InputError(source, reason)
    names, *sample = _sample(head, delimiter)
    chosen = choose(names, sample, source, options)
    places = {field: names.index(name) for field, name in chosen.items()}
    csv.field_size_limit(MAX_CELL)
    number, characters, ended = -1, 0, False  # the header is no record

    def limited(line: str) -> str:
        nonlocal characters
        characters += len(line)
        if characters > MAX_ROW:  # the reader begins a new row after an error
            raise csv.Error(f"row larger than {MAX_ROW:,} characters")
        return line

    def end() -> Iterator[str]:
        nonlocal ended
        ended = True
        yield from ()

    lines = _without_sep(found.lines("framescope_cp1252", exchange.MOST_CHARACTERS))
    reader = csv.reader(chain(map(limited, lines), end()), delimiter=delimiter)
    row: list[str] | None = []
    while row is not None:
        line, characters = reader.line_num + 1, 0
        try:
            row = next(reader, None)
        except csv.Error as error:
            number += 1
            reason = f"no row of a table ({error}); mend or remove it"
            yield Skipped(f"{source}, line {line}", reason)
            continue
        if row is not None and ended:  # the reader asks for no line behind a row that is whole
            reason = "opens a quotation mark that nothing closes, up to the end of the file"
            yield Skipped(f"{source}, line {line}", f"{reason}; close or remove it")
            return
        if row is None or not any(map(str.strip, row)):
            continue
        number += 1
        if number:
            cells = {field: row[at] if at < len(row) else None for field, at in places.items()}
            yield _record(cells, Origin(source, line, number), f"{stem}-{number}")


def _record(cells: Mapping[str, str | None], origin: Origin, name: str) -> RawRecord:
    return RawRecord(origin, sum(len(c or "") for c in cells.values()), Row(cells, name))


def _delimiter(head: str) -> str | None:
    ranks: list[tuple[int, int, str]] = []
    given = _SEP.fullmatch(head.partition("\n")[0])
    for delimiter in given[1] if given else _DELIMITERS:
        names, *rows = _sample(head, delimiter) or [[]]
        alike = sum(len(row) == len(names) for row in rows)
        if _is_header(names) and alike >= _ALIKE * len(rows):
            ranks.append((len(guess(names)), len(names), delimiter))
    return max(ranks)[2] if ranks else None


def _is_header(row: Sequence[str]) -> bool:
    names = [name.strip() for name in row]
    if len(names) < 2:
        return bool(names) and is_known(names[0], TEXT)
    short = all(len(name.split()) <= _HEADING_WORDS and len(name) <= 60 for name in names)
    # An index without a name often stands first.
    named = not any(re.fullmatch(r"[-+\d.,\s]*", name) for name in names[1:])
    return short and named and len(set(names)) == len(names)


def _sample(head: str, delimiter: str) -> list[list[str]]:
    """Return the first rows, without the last that the sample may have cut."""
    csv.field_size_limit(MAX_CELL)
    rows: list[list[str]] = []
    reader = csv.reader(_without_sep(head.splitlines()), delimiter=delimiter)
    try:
        rows.extend(row for row in islice(reader, _SAMPLE + 1) if any(map(str.strip, row)))
    except csv.Error:
        return rows[:1]
    return rows[:-1] if len(rows) > 2 else rows


def _without_sep(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield "\n" if not number and _SEP.fullmatch(line) else line + "\n"


def split_parquet(
    found: Source, stream: Any, stem: str, options: InputOptions
) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows, read in batches; packed, or from a pipe, it is kept first."""
    with TemporaryFile() as kept:
        file, taken = stream, options.taken
        if found.is_packed or not stream.seekable():
            file, taken = kept, files.ignore
            while part := found.read():
                kept.write(part)
        file.seek(0)
        pq = files.library("pyarrow.parquet", "Parquet needs", found.name)
        with _explained(found.name):
            table = pq.ParquetFile(file)
            names = _candidates(table.schema_arrow, options.columns)
            sample: Sequence[Sequence[str]] = ()
            if TEXT not in options.columns and TEXT not in guess(names):
                first = next(table.iter_batches(_SAMPLE, columns=names), None)
                read = [] if first is None else [map(str, _plain(first[name])) for name in names]
                sample = list(zip(*read, strict=True))
        chosen = choose(names, sample, found.name, options)
        number = 0
        for size, rows in _batches(table, list(chosen.values()), found.name):
            for row in rows:
                number += 1
                cells = dict(zip(chosen, row, strict=True))
                origin = Origin(found.name, record=number)
                if cells[TEXT] is None:
                    yield Skipped(str(origin), EMPTY)
                else:
                    yield _record(cells, origin, f"{stem}-{number}")
            taken(size)


def _candidates(schema: Any, columns: Mapping[str, str]) -> list[str]:
    """Name the columns that may be fields: texts, a number as an id, a time as a date."""
    import pyarrow as pa

    found = []
    for column in schema:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        text = text or pa.types.is_string_view(kind)
        named = column.name in columns.values() and pa.types.is_primitive(kind)
        number = pa.types.is_integer(kind) and is_known(column.name, ID)
        time = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        if text or named or number or (time and is_known(column.name, "date")):
            found.append(column.name)
    return [name for name in found if schema.names.count(name) == 1]


def _batches(
    table: Any, names: Sequence[str], source: str
) -> Iterator[tuple[int, list[tuple[str | None, ...]]]]:
    """Yield rows, with the bytes of the file that they take, about."""
    for group in range(table.num_row_groups):
        wanted = {"row_groups": [group], "columns": list(dict.fromkeys(names))}
        with _explained(source):
            known = table.metadata.row_group(group)
            packed = sum(known.column(n).total_compressed_size for n in range(known.num_columns))
            rows = max(1, known.num_rows)
            most = max(1, min(_MOST_ROWS, _MOST_BYTES * rows // max(1, known.total_byte_size)))
            batches = table.iter_batches(most, use_threads=False, **wanted)
        while True:
            with _explained(source):
                if (batch := next(batches, None)) is None:
                    break
                cells = [_plain(batch[name]) for name in names]
            size = round(batch.num_rows * max(0, packed) / rows)
            yield size, list(zip(*cells, strict=True))


def _plain(column: Any) -> list[str | None]:
    """Return cells as text; None for one that is missing, no text, or no date that there is."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        # Python's own times end at microseconds.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    cells: list[str | None] = []
    for cell in column:
        try:
            value = cell.as_py()
        except (ValueError, OverflowError):
            value = None
        if isinstance(value, date):  # and a time, which is one
            value = value.isoformat().removesuffix("T00:00:00")
        cells.append(None if value is None else str(value))
    return cells


@contextmanager
def _explained(source: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # pyarrow's, and those of the libraries of stores
        why = " ".join((str(error) or type(error).__name__).split())[:200]
        reason = f"is damaged, or no Parquet that can be read ({why}); get it again"
        raise InputError(source, reason) from None
