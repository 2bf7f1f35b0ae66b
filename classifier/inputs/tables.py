"""Tables with one article per row: CSV and TSV, and Parquet, by pyarrow."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from typing import Any

from framescope.classifier.errors import InputError, how_to_install
from framescope.classifier.inputs import fields
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.records import Origin, Skipped

PARQUET = b"PAR1"  # what such a file begins with
MAX_CELL = 10_000_000
MAX_ROW = 4 * MAX_CELL
"""The longest cell and row, in characters. A stray quote makes one cell of all that follows it."""

_DELIMITERS = ",\t;|"
_SAMPLE = 50  # rows that show which column is the text, and which delimiter parts columns
_HEADING_WORDS = 6
_NAME = re.compile(r"[\w#-]*(?:[ ._/-][\w#()-]+){0,3}")  # of a column, and no clause of prose
_ALIKE = 0.8  # of the rows have as many cells as the first
_SEP = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)  # what Excel writes above a table
_MOST_ROWS = 256  # of a batch of Parquet
_MOST_BYTES = 16_000_000  # of a batch, about


# --- CSV and TSV ----------------------------------------------------------------------------------


def looks_like_table(head: str) -> bool:
    """Whether a file that begins with `head` has a header that names a text and something else."""
    delimiter = _delimiter(head)
    if delimiter is None:
        return False
    names, *rows = _sample(head, delimiter)
    known = fields.guess(names)
    named = all(_NAME.fullmatch(name) for name in names)
    return named and fields.TEXT in known and len(known) > 1 and bool(rows)


def split_csv(
    lines: Iterable[str],
    head: str,
    source: str,
    stem: str,
    columns: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows, one at a time.

    Its columns are found in its `head`; see `fields.choose`, with whose errors. Articles without an
    id are called after `stem`.
    """
    delimiter = _delimiter(head)
    if delimiter is None:
        reason = "is called a table, but has no header and columns; write CSV with a header"
        raise InputError(source, reason)
    names, *sample = _sample(head, delimiter)
    chosen = fields.choose(names, sample, columns, source, tell)
    places = {field: names.index(name) for field, name in chosen.items()}
    csv.field_size_limit(MAX_CELL)
    limited = _Limited(lines)
    reader = csv.reader(limited, delimiter=delimiter)
    number = -1  # the header is no record
    while True:
        line, limited.characters = reader.line_num + 1, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            reason = f"no row of a table ({error}); mend or remove it"
            yield Skipped(f"{source}, line {line}", reason)
            continue
        if not any(cell.strip() for cell in row):
            continue
        number += 1
        if number:
            cells = {field: row[at] if at < len(row) else None for field, at in places.items()}
            yield _record(cells, Origin(source, line, number), f"{stem}-{number}")


class _Limited:
    """Lines as a reader takes them for one row, which has a limit."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.characters = _without_sep(lines), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.characters += len(line)
        if self.characters > MAX_ROW:  # the reader begins a new row after an error
            raise csv.Error(f"row larger than {MAX_ROW:,} characters")
        return line + "\n"


def _record(cells: Mapping[str, str | None], origin: Origin, name: str) -> RawRecord:
    return RawRecord(origin, sum(len(c or "") for c in cells.values()), fields.Row(cells, name))


def _delimiter(head: str) -> str | None:
    """Find the delimiter of a table with a header; None where there is none."""
    best: tuple[int, int, str] | None = None
    given = _SEP.fullmatch(head.partition("\n")[0])
    for delimiter in given[1] if given else _DELIMITERS:
        names, *rows = _sample(head, delimiter) or [[]]
        alike = sum(len(row) == len(names) for row in rows)
        if _is_header(names) and alike >= _ALIKE * len(rows):
            rank = len(fields.guess(names)), len(names), delimiter
            best = max(best or rank, rank)
    return best[2] if best else None


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
        lines = (line + "\n" for line in _without_sep(head.splitlines()))
        for row in islice(csv.reader(lines, delimiter=delimiter), _SAMPLE + 1):
            if any(cell.strip() for cell in row):
                rows.append(row)
    except csv.Error:
        return rows[:1]
    return rows[:-1] if len(rows) > 2 else rows


def _without_sep(lines: Iterable[str]) -> Iterator[str]:
    """Blank what a spreadsheet writes above a table; the lines keep their numbers."""
    for number, line in enumerate(lines):
        yield "" if not number and _SEP.fullmatch(line) else line


# --- Parquet --------------------------------------------------------------------------------------


def split_parquet(
    file: Any,
    source: str,
    stem: str,
    columns: Mapping[str, str],
    tell: Callable[[str], None],
    taken: Callable[[int], None],
) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows, read in batches of the columns that are needed.

    The file is open and seekable; `taken` is told of how many more bytes of it, about, rows were
    read. Raises `InputError` as `split_csv` does, without pyarrow, and when the file is damaged.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        reason = f"Parquet needs a library that isn't there; {how_to_install('batch')}"
        raise InputError(source, reason) from None
    with _explained(source):
        table = pq.ParquetFile(file)
        names = _candidates(table.schema_arrow, columns)
        sample: Sequence[Sequence[str]] = ()
        if fields.TEXT not in columns and fields.TEXT not in fields.guess(names):
            first = next(table.iter_batches(_SAMPLE, columns=names), None)
            read = [] if first is None else [map(str, _plain(first[name])) for name in names]
            sample = list(zip(*read, strict=True))
    chosen = fields.choose(names, sample, columns, source, tell)
    for number, cells in enumerate(_rows(table, chosen, source, taken), start=1):
        origin = Origin(source, record=number)
        if cells[fields.TEXT] is None:
            yield Skipped(str(origin), fields.EMPTY)
        else:
            yield _record(cells, origin, f"{stem}-{number}")


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


def _rows(
    table: Any, chosen: Mapping[str, str], source: str, taken: Callable[[int], None]
) -> Iterator[dict[str, str | None]]:
    names = list(dict.fromkeys(chosen.values()))
    for group in range(table.num_row_groups):
        with _explained(source):
            known = table.metadata.row_group(group)
            packed = sum(known.column(n).total_compressed_size for n in range(known.num_columns))
            rows = max(1, known.num_rows)
            most = max(1, min(_MOST_ROWS, _MOST_BYTES * rows // max(1, known.total_byte_size)))
            batches = table.iter_batches(most, row_groups=[group], columns=names, use_threads=False)
        while True:
            with _explained(source):
                batch = next(batches, None)
                if batch is None:
                    break
                cells = [_plain(batch[name]) for name in chosen.values()]
            for row in zip(*cells, strict=True):
                yield dict(zip(chosen, row, strict=True))
            taken(round(batch.num_rows * max(0, packed) / rows))


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
    """Report a file that can't be read as Parquet: an `InputError`."""
    try:
        yield
    except Exception as error:  # pyarrow's, and those of the libraries of stores
        why = " ".join((str(error) or type(error).__name__).split())[:200]
        reason = f"is damaged, or no Parquet that can be read ({why}); get it again"
        raise InputError(source, reason) from None
