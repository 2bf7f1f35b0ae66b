"""CSV and TSV: a row an article."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import fields
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.records import Origin, Skipped

SUFFIXES = frozenset({".csv", ".tsv", ".tab"})
MAX_CELL = 10_000_000
MAX_ROW = 4 * MAX_CELL
"""The longest cell and row, in characters. A stray quote makes one cell of all that follows it."""

_DELIMITERS = ",\t;|"
_SAMPLE = 50  # rows that show which column is the text, and which mark parts columns
_HEADING_WORDS = 6
_NAME = re.compile(r"[\w#-]*(?:[ ._/-][\w#()-]+){0,3}")  # of a column, and no clause of prose
_ALIKE = 0.8  # of the rows have as many cells as the first
_SEP = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)  # what Excel writes above a table


def looks_like_table(head: str, *, called_so: bool) -> bool:
    """Whether a file that begins with `head` is a table with a column of texts.

    One that isn't called so must have a header that names its text and something else.
    """
    if called_so:
        return True
    mark = _delimiter(head)
    if mark is None:
        return False
    first, *rows = _sample(head, mark)
    known = fields.guess(first)
    named = all(_NAME.fullmatch(name) for name in first)
    return named and fields.TEXT in known and len(known) > 1 and bool(rows)


def split(
    lines: Iterable[str],
    head: str,
    source: str,
    stem: str,
    columns: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[RawRecord | Skipped]:
    """Cut a table into its rows, one at a time.

    Parameters
    ----------
    lines : iterable of str
        Without their line ends.
    head : str
        What the file begins with: its columns are found in it.
    source, stem : str
        The file, and what articles without an id are called after.
    columns : mapping of str to str
        What the user calls fields (`classifier.inputs.fields`).
    tell : callable
        Is told which columns are read as what, where that was guessed.

    Raises
    ------
    InputError
        When no column holds texts, or a column that was named isn't there.
    """
    mark = _delimiter(head)
    if mark is None:
        reason = "is called a table, but has no header and columns; write CSV with a header"
        raise InputError(source, reason)
    first, *sample = _sample(head, mark)
    chosen = fields.choose(first, sample, columns, source)
    fields.tell_guessed(chosen, columns, source, tell)
    places = {field: first.index(name) for field, name in chosen.items()}
    csv.field_size_limit(MAX_CELL)
    taken = _Taken(lines)
    reader = csv.reader(taken, delimiter=mark)
    number = -1  # the header is no record
    while True:
        line, taken.characters = reader.line_num + 1, 0
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
        if not number:
            continue
        cells = {field: row[at] if at < len(row) else None for field, at in places.items()}
        size = sum(len(cell or "") for cell in cells.values())
        content = fields.Row(cells, f"{stem}-{number}")
        yield RawRecord(Origin(source, line, number), size, content)


class _Taken:
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


def no_row(source: str, first: Skipped | None) -> InputError:
    """Say that no row is an article, and of the first why."""
    reason = first.reason if first is not None else "there is none"
    return InputError(source, f"no row is an article ({reason})")


def _delimiter(head: str) -> str | None:
    """Find the mark that parts the columns of a table with a header; None where there is none."""
    best: tuple[int, int, str] | None = None
    given = _SEP.fullmatch(head.partition("\n")[0])
    for mark in given[1] if given else _DELIMITERS:
        rows = _sample(head, mark)
        if not rows or not _is_header(rows[0]):
            continue
        first, *rest = rows
        alike = sum(len(row) == len(first) for row in rest)
        if alike < _ALIKE * len(rest):
            continue
        rank = len(fields.guess(first)), len(first), mark
        best = max(best or rank, rank)
    return best[2] if best else None


def _is_header(row: Sequence[str]) -> bool:
    names = [name.strip() for name in row]
    if len(names) == 1:
        return fields.is_known(names[0], fields.TEXT)
    # An index without a name often stands first.
    return (
        len(set(names)) == len(names)
        and all(names[1:])
        and all(len(name.split()) <= _HEADING_WORDS and len(name) <= 60 for name in names)
        and not any(re.fullmatch(r"[-+\d.,\s]+", name) for name in names[1:])
    )


def _sample(head: str, mark: str) -> list[list[str]]:
    """Give the first rows, without the last that the sample may have cut."""
    csv.field_size_limit(MAX_CELL)
    lines = head.splitlines()
    rows: list[list[str]] = []
    try:
        reader = csv.reader((line + "\n" for line in _without_sep(lines)), delimiter=mark)
        for row in islice(reader, _SAMPLE + 1):
            if any(cell.strip() for cell in row):
                rows.append(row)
    except csv.Error:
        return rows[:1]
    return rows[:-1] if len(rows) > 2 else rows


def _without_sep(lines: Iterable[str]) -> Iterator[str]:
    """Blank what a spreadsheet writes above a table; the lines keep their numbers."""
    for number, line in enumerate(lines):
        yield "" if not number and _SEP.fullmatch(line) else line
