"""Ratings that a user holds: a rater's table, read as assessments beside those of the registry.

What some raters sell (NewsGuard, MBFC, Ad Fontes, AllSides) is never shipped; who has it may add
it. The rater's own word or number stays in the assessment's source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import hosts
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.schema import FIELDS, RATINGS, RELIABILITY
from framescope.classifier.records import Outlet

MOST_ROWS = 100_000
_MAX_BYTES = 100_000_000
#: Names that columns go by, where they are not said.
_GUESSES = {
    "outlet": (
        "host",
        "domain",
        "url",
        "website",
        "site",
        "source_url",
        "outlet",
        "source",
        "name",
    ),
    "rating": ("rating", "reliability", "score", "label", "factual_reporting", "verdict"),
    "date": ("date", "rated_on", "last_updated", "updated"),
    "url": ("rating_url", "review_url", "page", "reference"),
}


@dataclass(frozen=True)
class Rater:
    """Who rates, and how its file is read.

    Attributes
    ----------
    name, licence : str
    terms : mapping of str to str
        What its words stand for in `RATINGS`; ``40..60`` for a range of numbers, ends included.
    columns : mapping of str to str
        The column for ``outlet``, ``rating``, ``date``, ``url``, where it isn't to be guessed.
    date : str or None
        Of rows without one.
    """

    name: str
    licence: str
    terms: Mapping[str, str]
    columns: Mapping[str, str]
    date: str | None = None


@dataclass(frozen=True)
class Rated:
    """What came of a file: an object an outlet, as a user's file has them, and what was left."""

    objects: Sequence[Mapping[str, Any]]
    unknown: Sequence[str]  # hosts or names that are no outlet's here


def read_ratings(path: Path, rater: Rater, registry: Registry) -> Rated:
    """Read a rater's CSV or TSV.

    Raises `SourcesError` when it can't be read, lacks a column, or a row holds what it may not; it
    names row and field.
    """
    objects: dict[str, dict[str, Any]] = {}
    unknown = []
    for number, cells in _rows(path, rater):
        where = f"{path}, row {number}"
        value = _value(cells["rating"], rater.terms, where)
        date = cells.get("date") or rater.date
        url = cells.get("url") or None
        for name, given in (("date", date), ("url", url)):
            if given and (reason := FIELDS["assessments"][name].reason(given)):
                raise SourcesError(f"{where}, field '{name}': {reason}")
        outlet = _outlet(cells["outlet"], registry)
        if outlet is None:
            unknown.append(cells["outlet"])
            continue
        said = {
            "claim": RELIABILITY,
            "value": value,
            "source": f"{rater.name}: {cells['rating']}",
            "url": url,
            "date": date,
            "licence": rater.licence,
        }
        row = objects.setdefault(outlet.id, {"id": outlet.id, "extends": True, "assessments": []})
        row["assessments"].append({key: text for key, text in said.items() if text})
    return Rated(list(objects.values()), unknown)


def _outlet(text: str, registry: Registry) -> Outlet | None:
    if hosts.host(text) is not None and (found := registry.at(text)) is not None:
        return found.outlet
    named = registry.called(text)
    return named[0] if len(named) == 1 else None


def _value(text: str, terms: Mapping[str, str], where: str) -> str:
    folded = {term.casefold(): rating for term, rating in terms.items()}
    if text.casefold() in folded:
        return folded[text.casefold()]
    if (plain := text.casefold().replace(" ", "_").replace("-", "_")) in RATINGS:
        return plain
    try:
        number = float(text)
    except ValueError:
        number = None
    for term, rating in terms.items():
        low, dots, high = term.partition("..")
        if dots and number is not None and float(low) <= number <= float(high):
            return rating
    raise SourcesError(
        f"{where}, field 'rating': '{text}' stands for no rating; "
        f"say which, as in --term '{text}=generally_reliable' (of: {', '.join(RATINGS)})"
    )


def _rows(path: Path, rater: Rater) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise OSError(f"is longer than {_MAX_BYTES // 1_000_000} MB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (
            getattr(error, "strerror", None) or str(error) if isinstance(error, OSError) else ""
        )
        raise SourcesError(f"{path}: can't be read ({reason or 'it is not UTF-8'})") from None
    first = text.partition("\n")[0]
    separator = next((mark for mark in "\t;" if mark in first), ",")
    rows = _read(path, csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    header = [cell.strip() for cell in next(rows, [])]
    at = {field: _column(path, header, field, rater.columns.get(field)) for field in _GUESSES}
    for number, row in enumerate(rows, 2):
        if number > MOST_ROWS + 1:
            raise SourcesError(f"{path}: more than {MOST_ROWS:,} rows; split the file")
        if not any(cell.strip() for cell in row):
            continue
        cells = {
            field: row[index].strip() if index < len(row) else ""
            for field, index in at.items()
            if index is not None
        }
        for field in ("outlet", "rating"):
            if not cells[field]:
                raise SourcesError(f"{path}, row {number}, field '{field}': is empty")
        yield number, cells


def _read(path: Path, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise SourcesError(f"{path}: is no CSV ({error})") from None


def _column(path: Path, header: list[str], field: str, said: str | None) -> int | None:
    if said is not None:
        if said in header:
            return header.index(said)
        raise SourcesError(f"{path}: has no column '{said}'; its columns: {', '.join(header)}")
    folded = [name.casefold().replace(" ", "_") for name in header]
    found = next((folded.index(name) for name in _GUESSES[field] if name in folded), None)
    if found is None and field in ("outlet", "rating"):
        raise SourcesError(
            f"{path}: no column for the {field}; name it with --column {field}=NAME; its columns: "
            f"{', '.join(header) or 'none'}"
        )
    return found


def rating_terms(given: Sequence[str]) -> dict[str, str]:
    """Read what a rater's words stand for, ``WORD=RATING`` each.

    Raises `SourcesError` when one has another form, or names no rating.
    """
    found = {}
    for text in given:
        term, _, rating = text.rpartition("=")
        if not term or rating not in RATINGS:
            raise SourcesError(
                f"--term '{text}': give WORD=RATING, with one of {', '.join(RATINGS)}"
            )
        low, dots, high = term.partition("..")
        try:
            found[term.strip()] = rating
            if dots and float(low) > float(high):
                raise ValueError
        except ValueError:
            raise SourcesError(f"--term '{text}': {low}..{high} is no range of numbers") from None
    return found
