"""Tables with one article per row: CSV and TSV, and Parquet, by pyarrow."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import exchange, fields
from framescope.classifier.inputs.decoding import Source, first_characters, ignore, library
from framescope.classifier.inputs.fields import InputOptions, RawRecord
from framescope.classifier.records import Origin, Skipped

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
    delimiter = _delimiter(head)
    if delimiter is None:
        return False
    names, *rows = _sample(head, delimiter)
    known = fields.guess(names)
    named = all(_NAME.fullmatch(name) for name in names)
    return named and fields.TEXT in known and len(known) > 1 and bool(rows)


def split_csv(found: Source, stem: str, options: InputOptions) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows, one at a time; errors are those of `fields.choose`."""
    source, head = found.name, first_characters(found.head)
    delimiter = _delimiter(head)
    if delimiter is None:
        reason = "is called a table, but has no header and columns; write CSV with a header"
        raise InputError(source, reason)
    names, *sample = _sample(head, delimiter)
    chosen = fields.choose(names, sample, source, options)
    places = {field: names.index(name) for field, name in chosen.items()}
    csv.field_size_limit(MAX_CELL)
    limited = _Limited(found.lines("framescope_cp1252", exchange.MOST_CHARACTERS))
    reader = csv.reader(limited, delimiter=delimiter)
    number = -1  # the header is no record
    row: list[str] | None = []
    while row is not None:
        line, limited.characters = reader.line_num + 1, 0
        try:
            row = next(reader, None)
        except csv.Error as error:
            number += 1
            reason = f"no row of a table ({error}); mend or remove it"
            yield Skipped(f"{source}, line {line}", reason)
            continue
        if row is None or not any(map(str.strip, row)):
            continue
        number += 1
        if number:
            cells = {field: row[at] if at < len(row) else None for field, at in places.items()}
            yield _record(cells, Origin(source, line, number), f"{stem}-{number}")


class _Limited:
    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.characters = _without_sep(lines), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.characters += len(line)
        if self.characters > MAX_ROW:  # the reader begins a new row after an error
            raise csv.Error(f"row larger than {MAX_ROW:,} characters")
        return line


def _record(cells: Mapping[str, str | None], origin: Origin, name: str) -> RawRecord:
    return RawRecord(origin, sum(len(c or "") for c in cells.values()), fields.Row(cells, name))


def _delimiter(head: str) -> str | None:
    ranks: list[tuple[int, int, str]] = []
    given = _SEP.fullmatch(head.partition("\n")[0])
    for delimiter in given[1] if given else _DELIMITERS:
        names, *rows = _sample(head, delimiter) or [[]]
        alike = sum(len(row) == len(names) for row in rows)
        if _is_header(names) and alike >= _ALIKE * len(rows):
            ranks.append((len(fields.guess(names)), len(names), delimiter))
    return max(ranks)[2] if ranks else None


def _is_header(row: Sequence[str]) -> bool:
    names = [name.strip() for name in row]
    if len(names) < 2:
        return bool(names) and fields.is_known(names[0], fields.TEXT)
    # An index without a name often stands first.
    return (
        len(set(names)) == len(names)
        and all(names[1:])
        and all(len(name.split()) <= _HEADING_WORDS and len(name) <= 60 for name in names)
        and not any(re.fullmatch(r"[-+\d.,\s]+", name) for name in names[1:])
    )


def _sample(head: str, delimiter: str) -> list[list[str]]:
    """Return the first rows, without the last that the sample may have cut."""
    csv.field_size_limit(MAX_CELL)
    rows: list[list[str]] = []
    try:
        reader = csv.reader(_without_sep(head.splitlines()), delimiter=delimiter)
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
            file, taken = kept, ignore
            while part := found.read():
                kept.write(part)
        file.seek(0)
        pq = library("pyarrow.parquet", "Parquet needs", found.name)
        with _explained(found.name):
            table = pq.ParquetFile(file)
            names = _candidates(table.schema_arrow, options.columns)
            sample: Sequence[Sequence[str]] = ()
            if fields.TEXT not in options.columns and fields.TEXT not in fields.guess(names):
                first = next(table.iter_batches(_SAMPLE, columns=names), None)
                read = [] if first is None else [map(str, _plain(first[name])) for name in names]
                sample = list(zip(*read, strict=True))
        chosen = fields.choose(names, sample, found.name, options)
        number = 0
        for size, rows in _batches(table, list(chosen.values()), found.name):
            for row in rows:
                number += 1
                cells = dict(zip(chosen, row, strict=True))
                origin = Origin(found.name, record=number)
                if cells[fields.TEXT] is None:
                    yield Skipped(str(origin), fields.EMPTY)
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
        number = pa.types.is_integer(kind) and fields.is_known(column.name, fields.ID)
        time = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        if text or named or number or (time and fields.is_known(column.name, "date")):
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
