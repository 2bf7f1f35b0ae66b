"""Parquet: a row an article, read in batches of the columns that are needed, by pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from framescope.classifier.errors import InputError, how_to_install
from framescope.classifier.inputs import fields
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.records import Origin, Skipped

MAGIC = b"PAR1"

_SAMPLE = 50  # rows that show which column is the text
_MOST_ROWS = 256  # of a batch
_MOST_BYTES = 16_000_000  # of a batch, about


def split(
    file: Any,
    source: str,
    stem: str,
    columns: Mapping[str, str],
    tell: Callable[[str], None],
    taken: Callable[[int], None],
) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows.

    Parameters
    ----------
    file : file-like
        Open, and seekable.
    source, stem : str
        The file, and what articles without an id are called after.
    columns : mapping of str to str
        What the user calls fields (`classifier.inputs.fields`).
    tell : callable
        Is told which columns are read as what, where that was guessed.
    taken : callable
        Is told of how many more bytes of the file, about, rows were given.

    Yields
    ------
    RawRecord or Skipped
        `Skipped` for a row without a text.

    Raises
    ------
    InputError
        When pyarrow isn't installed, the file is damaged, no column holds texts, or a column that
        was named isn't there.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        reason = f"Parquet needs a library that isn't there; {how_to_install('batch')}"
        raise InputError(source, reason) from None
    with _refused(source):
        table = pq.ParquetFile(file)
        kinds = _candidates(table.schema_arrow, columns)
    if fields.TEXT in columns or fields.TEXT in fields.guess(kinds):
        sample: Sequence[Sequence[str]] = ()
    else:
        sample = _sample(table, list(kinds), source)
    chosen = fields.choose(list(kinds), sample, columns, source)
    fields.tell_guessed(chosen, columns, source, tell)
    for number, cells in enumerate(_rows(table, chosen, source, taken), start=1):
        origin = Origin(source, record=number)
        size = sum(len(cell or "") for cell in cells.values())
        if cells[fields.TEXT] is None:
            yield Skipped(str(origin), "its text is empty; every article needs one")
        else:
            yield RawRecord(origin, size, fields.Row(cells, f"{stem}-{number}"))


def _candidates(schema: Any, columns: Mapping[str, str]) -> list[str]:
    """Name the columns that may be fields: texts, a number as an id, a time as a date."""
    import pyarrow as pa

    found = []
    for column in schema:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        text = any(
            check(kind)
            for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        )
        named = column.name in columns.values() and pa.types.is_primitive(kind)
        number = pa.types.is_integer(kind) and fields.is_known(column.name, fields.ID)
        time = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        if text or named or number or (time and fields.is_known(column.name, "date")):
            found.append(column.name)
    return [name for name in found if schema.names.count(name) == 1]


def _sample(table: Any, names: list[str], source: str) -> list[list[str]]:
    with _refused(source):
        for batch in table.iter_batches(_SAMPLE, columns=names):
            taken = batch.select(names).slice(0, _SAMPLE).to_pydict()
            rows = zip(*(taken[name] for name in names), strict=True)
            return [[cell if isinstance(cell, str) else "" for cell in row] for row in rows]
    return []


def _rows(
    table: Any, chosen: Mapping[str, str], source: str, taken: Callable[[int], None]
) -> Iterator[dict[str, str | None]]:
    names = list(dict.fromkeys(chosen.values()))
    for group in range(table.num_row_groups):
        with _refused(source):
            known = table.metadata.row_group(group)
            each = max(1, known.total_byte_size // max(1, known.num_rows))
            size = max(1, min(_MOST_ROWS, _MOST_BYTES // each))
            packed = sum(known.column(n).total_compressed_size for n in range(known.num_columns))
            each_packed = max(0, packed) / max(1, known.num_rows)
            batches = table.iter_batches(size, row_groups=[group], columns=names, use_threads=False)
        while True:
            with _refused(source):
                batch = next(batches, None)
                if batch is None:
                    break
                cells = {
                    field: list(map(_said, _values(batch.column(name))))
                    for field, name in chosen.items()
                }
            for row in zip(*cells.values(), strict=True):
                yield dict(zip(cells, row, strict=True))
            taken(round(batch.num_rows * each_packed))


def _values(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        # Python's own times end at microseconds.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):  # one of them is no text, or no date that there is
        return [_value(cell) for cell in column]


def _value(cell: Any) -> Any:
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        return None


def _said(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date):  # and a time, which is one
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)


@contextmanager
def _refused(source: str) -> Iterator[None]:
    """Say of a file that can't be read as Parquet so: an `InputError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError, MemoryError) as error:
        why = " ".join((str(error) or type(error).__name__).split())[:200]
        reason = f"is damaged, or no Parquet that can be read ({why}); get it again"
        raise InputError(source, reason) from None
