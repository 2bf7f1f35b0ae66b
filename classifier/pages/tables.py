"""CSV and TSV: a row an article."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from classifier.errors import InputError
from classifier.pages import fields
from classifier.values import Article, Origin, Skipped

SUFFIXES = frozenset({".csv", ".tsv", ".tab"})
MAX_CELL = 10_000_000

_DELIMITERS = ",\t;|"
_SAMPLE = 50  # rows that show which column is the text, and which mark parts columns
_LONG = 8  # words of a cell on average that make it a text
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


def read(
    lines: Iterable[str],
    head: str,
    source: str,
    stem: str,
    columns: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[Article | Skipped]:
    """Read the articles of a table, one at a time.

    Parameters
    ----------
    lines : iterable of str
        Without their line ends.
    head : str
        What the file begins with: its columns are found in it.
    source, stem : str
        The file, and what articles without an id are called after.
    columns : mapping of str to str
        What the user calls fields (`classifier.pages.fields`).
    tell : callable
        Is told which columns are read as what, where that was guessed.

    Raises
    ------
    InputError
        When no column holds texts, a column that was named isn't there, or no row is an article.
    """
    mark = _delimiter(head)
    if mark is None:
        reason = "is called a table, but has no header and columns; write CSV with a header"
        raise InputError(source, reason)
    first, *sample = _sample(head, mark)
    chosen = _chosen(first, sample, columns, source)
    guessed = {field: name for field, name in chosen.items() if columns.get(field) != name}
    if guessed:
        said = ", ".join(f"{field} from '{name}'" for field, name in guessed.items())
        tell(f"{source}: {said}; choose others with --text-column NAME and the like")
    places = {field: first.index(name) for field, name in chosen.items()}
    good, reason = 0, ""
    for item in _rows(lines, mark, source, stem, places):
        good += isinstance(item, Article)
        reason = reason or (item.reason if isinstance(item, Skipped) else "")
        yield item
    if not good:
        raise InputError(source, f"no row is an article ({reason or 'there is none'})")


def _rows(
    lines: Iterable[str], mark: str, source: str, stem: str, places: Mapping[str, int]
) -> Iterator[Article | Skipped]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader((line + "\n" for line in _without_sep(lines)), delimiter=mark)
    number = -1  # the header is no record
    while True:
        line = reader.line_num + 1
        where = f"{source}, line {line}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Skipped(where, f"no row of a table ({error}); mend or remove it")
            continue
        if not any(cell.strip() for cell in row):
            continue
        number += 1
        if not number:
            continue
        cells = {field: row[at] if at < len(row) else None for field, at in places.items()}
        origin = Origin(source, line, number)
        try:
            yield from fields.articles(cells, where, f"{stem}-{number}", origin)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _chosen(
    first: Sequence[str], rows: Sequence[Sequence[str]], columns: Mapping[str, str], source: str
) -> dict[str, str]:
    """Say which column is which field: as the user says, by its name, the text by its length."""
    for field, name in columns.items():
        if name not in first:
            listed = ", ".join(f"'{one}'" for one in first[:30])
            reason = f"has no column '{name}' (--{field}-column); its columns: {listed}"
            raise InputError(source, reason)
    taken = set(columns.values())
    found = {**fields.guess(name for name in first if name not in taken), **columns}
    if fields.TEXT not in found:
        means = {
            name: sum(len(row[at].split()) for row in rows if at < len(row)) / max(len(rows), 1)
            for at, name in enumerate(first)
            if name not in found.values()
        }
        longest = max(means, key=lambda name: means[name], default=None)
        if longest is None or means[longest] < _LONG:
            listed = ", ".join(f"'{one}'" for one in first[:30])
            reason = "is a table without a column of texts; name it with --text-column NAME"
            raise InputError(source, f"{reason} (columns: {listed})")
        found[fields.TEXT] = longest
    return {field: found[field] for field in fields.FIELDS if field in found}


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
