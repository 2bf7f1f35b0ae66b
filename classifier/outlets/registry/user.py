"""Files that users bring: outlets of their own, and ratings that they hold."""

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry.addresses import host_in
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.schema import FIELDS, RATING, RATINGS, RELIABILITY
from framescope.classifier.records import Holding, Outlet

Row = dict[str, Any]  # a line of a user's file
_MAX_BYTES = 100_000_000
_MOST_ROWS = 100_000


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise OSError("is no file")
        if path.exists() and path.stat().st_size > _MAX_BYTES:
            raise OSError(f"is longer than {_MAX_BYTES // 1_000_000} MB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourcesError(f"{path}: can't be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        broken = path.read_bytes()[: error.start].count(b"\n") + 1
        raise SourcesError(f"{path}:{broken}: is not UTF-8; save the file as UTF-8") from None


def read_outlets(path: Path, registry: Registry) -> tuple[Outlet, ...]:
    """Read a file of outlets in JSON Lines; `SourcesError` names the line and field at fault."""
    from framescope.classifier.outlets.registry.rows import outlet_of_line

    found: dict[str, tuple[Outlet, int]] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            outlet = outlet_of_line(line, registry)
            if known := found.get(outlet.id):
                said = f"id '{outlet.id}' stands in line {known[1]} already; put the two together"
                raise ValueError(said)
        except ValueError as error:
            raise SourcesError(f"{path}:{number}: {error}") from None
        found[outlet.id] = outlet, number
    return tuple(outlet for outlet, _ in found.values())


def load(*, user: Path | None = None) -> Registry:
    """Load the shipped tables, the user's own folder, and then the `user` file, if given."""
    registry = _default()
    return registry if user is None else registry.with_outlets(read_outlets(user, registry))


@lru_cache(maxsize=1)
def _default() -> Registry:
    registry = Registry()
    for path in sorted(own_folder().glob("*.jsonl")):
        registry = registry.with_outlets(read_outlets(path, registry))
    return registry


def own_folder() -> Path:
    """Return the folder of a user's own files."""
    from platformdirs import user_config_path

    return user_config_path("framescope") / "sources"


def outlet_to_object(outlet: Outlet) -> Row:
    """Return the object that `read_outlets` reads as this outlet."""
    found = {name: value for name, value in asdict(outlet).items() if name != "holdings"}
    for name in ("statements", "assessments", "accounts"):
        found[name] = [flat(given) for given in found[name]]
    return found | {"owners": [_held(holding) for holding in outlet.holdings]}


def _held(holding: Holding) -> Row:
    known = {name: getattr(holding.owner, name) for name in ("name", "kind", "country")}
    above = [_held(one) for one in holding.owner.holdings]
    return {**known, "share": holding.share, **asdict(holding.evidence), "owners": above}


def flat(part: Mapping[str, Any]) -> Row:
    """Put the fields of the evidence where it stands."""
    named = ((value if name == "evidence" else {name: value}) for name, value in part.items())
    return {name: value for fields in named for name, value in fields.items()}


# The fields of a table of ratings, each with the names that its column goes by.
RATING_COLUMNS = {
    field: names.split()
    for field, names in (
        ("outlet", "host domain url website site source_url outlet source name"),
        ("rating", "rating reliability score label factual_reporting verdict"),
        ("criteria", "criteria details breakdown pillars"),
        ("date", "date rated_on last_updated updated"),
        ("url", "rating_url review_url page reference"),
    )
}


class Rater(NamedTuple):
    """Who rates, and how its file is read."""

    name: str
    licence: str
    # The rating for a word, or for a range of numbers such as ``40..60``; none keeps the scale.
    terms: Mapping[str, str]
    columns: Mapping[str, str]  # of fields of `RATING_COLUMNS`, where they aren't to be guessed
    date: str | None = None  # of rows without one


def read_ratings(path: Path, rater: Rater, registry: Registry) -> tuple[list[Row], list[str]]:
    """Read a rater's table: an object for each outlet, as in a user's file, and unknown ones."""
    objects: dict[str, Row] = {}
    unknown = []
    for number, cells in _rows(path, rater):
        where = f"{path}, row {number}"
        words = cells["rating"] + (f" ({cells['criteria']})" if cells["criteria"] else "")
        term = _rating(cells["rating"], rater.terms, where) if rater.terms else ""
        said = {
            "claim": RELIABILITY if term else RATING,
            "value": term or words,
            "source": f"{rater.name}: {words}" if term else rater.name,
            "url": cells["url"],
            "date": _day(cells["date"]) or rater.date or "",
            "licence": rater.licence,
        }
        for name in ("value", "date", "url"):
            if said[name] and (reason := FIELDS["assessments"][name].reason(said[name])):
                raise SourcesError(f"{where}, field '{name}': {reason}")
        outlet = _rated(cells["outlet"], registry)
        if outlet is None:
            unknown.append(cells["outlet"])
            continue
        row = objects.setdefault(outlet.id, {"id": outlet.id, "extends": True, "assessments": []})
        row["assessments"].append({key: text for key, text in said.items() if text})
    return list(objects.values()), unknown


def _day(text: str) -> str:
    """Return a date without its time; a spreadsheet has the number of days since 1899-12-30."""
    if re.fullmatch(r"[2-7][0-9]{4}(?:\.[0-9]+)?", text):
        return str(date(1899, 12, 30) + timedelta(int(float(text))))
    return re.sub(r"(?<=[0-9])[T ].*", "", text)


def _rated(text: str, registry: Registry) -> Outlet | None:
    if host_in(text) is not None and (found := registry.at(text)) is not None:
        return found.outlet
    named = registry.called(text)
    return named[0] if len(named) == 1 else None


def _rating(text: str, terms: Mapping[str, str], where: str) -> str:
    folded = {term.casefold(): rating for term, rating in terms.items()}
    plain = text.casefold().replace(" ", "_").replace("-", "_")
    if rating := folded.get(text.casefold()) or (plain if plain in RATINGS else None):
        return rating
    try:
        number = float(text)
    except ValueError:
        number = float("nan")  # in no range
    for term, rating in terms.items():
        low, dots, high = term.partition("..")
        if dots and float(low) <= number <= float(high):
            return rating
    raise SourcesError(
        f"{where}, field 'rating': '{text}' stands for no rating; "
        f"say which, as in --term '{text}=generally_reliable' (of: {', '.join(RATINGS)})"
    )


def _rows(path: Path, rater: Rater) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the number of each row and its cells by field."""
    kinds = {".json": _objects, ".jsonl": _objects, ".xlsx": _sheet}
    rows = kinds.get(path.suffix.lower(), _delimited)(path)
    header = [cell.strip() for cell in next(rows, [])]
    at = {field: _column(path, header, field, rater.columns) for field in RATING_COLUMNS}
    for number, row in enumerate(rows, 2):
        if number > _MOST_ROWS + 1:
            raise SourcesError(f"{path}: more than {_MOST_ROWS:,} rows; split the file")
        cells = dict(enumerate(" ".join(cell.split()) for cell in row))
        if not any(cells.values()):
            continue
        known = {field: cells.get(index, "") for field, index in at.items()}
        for field in ("outlet", "rating"):
            if not known[field]:
                raise SourcesError(f"{path}, row {number}, field '{field}': is empty")
        yield number, known


def _delimited(path: Path) -> Iterator[list[str]]:
    text = _text(path)
    separator = next((mark for mark in "\t;" if mark in text.partition("\n")[0]), ",")
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error as error:
        raise SourcesError(f"{path}: is no CSV ({error})") from None


def _objects(path: Path) -> Iterator[list[str]]:
    """Read a list of objects, one that stands in an object, or objects by outlet."""
    text = _text(path)
    if path.suffix.lower() == ".jsonl":
        lines = filter(str.strip, text.split("\n"))  # other ends of lines stand in strings
        text = f"[{','.join(lines)}]"
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourcesError(f"{path}: is no JSON that can be read ({error})") from None
    if isinstance(rows, dict):
        lists = (value for value in rows.values() if _is_table(value))
        by_host = [{"host": key, **one} for key, one in rows.items() if isinstance(one, dict)]
        rows = next(lists, by_host)
    if not _is_table(rows):
        raise SourcesError(f"{path}: holds no list of objects, one for each outlet")
    header = list(dict.fromkeys(key for row in rows for key in row))
    yield header
    yield from ([_cell(row.get(key)) for key in header] for row in rows)


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_cell(one)}" for key, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _sheet(path: Path) -> Iterator[list[str]]:
    """Read the first sheet of a workbook, by the columns of its first row."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False)
    try:
        with zipfile.ZipFile(path) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
            wanted = {"xl/sharedStrings.xml", min(sheets, key=lambda name: (len(name), name))}
            found = [book.getinfo(name) for name in sorted(wanted & set(book.namelist()))]
            if sum(part.file_size for part in found) > _MAX_BYTES:
                raise ValueError
            *strings, sheet = (etree.fromstring(book.read(part), parser) for part in found)
        for root in (*strings, sheet):
            etree.strip_elements(root, "{*}rPh", with_tail=False)  # how a word is pronounced
        shared = ["".join(one.itertext("{*}t")) for root in strings for one in root.iter("{*}si")]
        columns: list[str] = []
        for row in sheet.iter("{*}row"):
            cells = {}
            for cell in row.iter("{*}c"):
                text = "".join(cell.itertext("{*}v", "{*}t"))
                if cell.get("t") == "s":
                    text = shared[int(text)]
                elif cell.get("t", "n") == "n" and text:
                    text = format(float(text), ".15g")  # the digits that a spreadsheet shows
                cells[cell.get("r", "").rstrip("0123456789")] = text
            columns = columns or list(cells)
            yield [cells.get(column, "") for column in columns]
    except (
        *(OSError, EOFError, ValueError, LookupError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError),
    ):
        raise SourcesError(f"{path}: is no .xlsx that can be read; save it as CSV") from None


def _column(path: Path, header: list[str], field: str, said: Mapping[str, str]) -> int:
    """Return the index of a field's column, -1 for one that isn't there and needn't be."""
    if (name := said.get(field)) is not None:
        if name in header:
            return header.index(name)
        raise SourcesError(f"{path}: has no column '{name}'; its columns: {', '.join(header)}")
    folded = [name.casefold().replace(" ", "_") for name in header]
    found = next((folded.index(name) for name in RATING_COLUMNS[field] if name in folded), -1)
    if found < 0 and field in ("outlet", "rating"):
        raise SourcesError(
            f"{path}: no column for the {field}; name it with --column {field}=NAME; its columns: "
            f"{', '.join(header) or 'none'}"
        )
    return found


def rating_terms(given: Sequence[str]) -> dict[str, str]:
    """Parse what a rater's words stand for, ``WORD=RATING`` each; else `SourcesError`."""
    found = {}
    for text in given:
        term, _, rating = text.rpartition("=")
        if not term or rating not in RATINGS:
            raise SourcesError(
                f"--term '{text}': give WORD=RATING, with one of {', '.join(RATINGS)}"
            )
        low, dots, high = term.partition("..")
        try:
            if dots and float(low) > float(high):
                raise ValueError
        except ValueError:
            raise SourcesError(f"--term '{text}': {low}..{high} is no range of numbers") from None
        found[term.strip()] = rating
    return found
