"""What the rows of the registry may hold: shipped tables, rows by hand and users' files alike."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from framescope.classifier import records
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry.addresses import PLATFORMS, host_in
from framescope.classifier.outlets.registry.folding import fold_name
from framescope.classifier.records import printable

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
# What would break a line, or show it in another order than it is written.
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")


class Field(NamedTuple):
    """What a field may hold, and how messages name that: "a QID, as in Q1860"."""

    holds: Callable[[str], object]
    wanted: str
    required: bool = False

    def reason(self, cell: str) -> str | None:
        """Return what is wrong with a table's cell; None when nothing is."""
        if cell != " ".join(cell.split()):
            return f"{cell!r} has spaces at an end, or two together"
        if not cell:
            return "is empty" if self.required else None
        return None if self.holds(cell) else f"{cell!r} is not {self.wanted}"


@cache
def countries() -> Mapping[str, str]:
    """Return the ISO 3166-1 alpha-2 code (or EU, XK) of each country by each of its names."""
    path = Path(__file__).parent / "data/countries.tsv"
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[2:])
    return {name: code for code, names in rows for name in names.split(" | ")}


def country_called(text: str) -> str:
    """Return the code of a country by the code or a name, or raise `SourcesError`."""
    wanted = fold_name(text)
    for name, code in countries().items():
        if wanted in (fold_name(name), code.lower()):
            return code
    how = "give its English name, or two letters such as IR"
    raise SourcesError(f"--country {printable(text)}: no such country; {how}")


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    try:
        return match is not None and bool(date(*(int(part or 1) for part in match.groups())))
    except ValueError:
        return False


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        named = "." in (parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and named and not re.search(r"\s", text)


def _number(low: float, high: float, wanted: str, *, above: bool = False) -> Field:
    def holds(text: str) -> bool:
        try:
            return low <= float(text) <= high and not (above and float(text) == low)
        except ValueError:
            return False

    return Field(holds, wanted)


def _one_of(values: Iterable[str], required: bool = True) -> Field:
    return Field(frozenset(values).__contains__, f"one of {', '.join(values)}", required)


def _like(pattern: str, wanted: str, required: bool = False) -> Field:
    return Field(re.compile(pattern).fullmatch, wanted, required)


# Claims of assessments: that something is part of a network, and of what rates it.
NETWORK = "influence_network"
RELIABILITY = "reliability"  # in the rater's words
RATING = "rating"  # in a scale of the rater's own, which counts for no record
#: Ratings of reliability, from the best to the worst; no consensus is none of either.
RATINGS = (
    *("no_consensus", "generally_reliable", "generally_unreliable", "deprecated", "blacklisted"),
)
_ANY_TEXT = Field(lambda text: not _CONTROL.search(text), "text on one line")
_TEXT = _ANY_TEXT._replace(required=True)
_ID = _like("[a-z0-9]+(?:-[a-z0-9]+)*", "lower-case ASCII letters, digits and hyphens", True)
_DAY = Field(_is_date, "a date, as in 2026-11-24", required=True)
_STATED = {RELIABILITY: _one_of(RATINGS)} | {
    str(about): _one_of(values) for about, values in records.VALUES.items()
}


def stated(about: str) -> Field:
    """Return the field of a value, by the claim or by what the statement is about."""
    return _STATED.get(about, _TEXT)


#: What the columns hold, by name; in a table of its own where it differs.
_COLUMNS = {
    **dict.fromkeys(("id", "owner"), _ID),
    **dict.fromkeys(("name", "value", "source", "licence", "network"), _TEXT),
    **dict.fromkeys(("attribution", "names", "operator", "attributed_by"), _ANY_TEXT),
    "date": _DAY,
    "since": _DAY._replace(required=False),
    "role": _one_of(records.Role),
    "medium": _one_of(records.Medium),
    "country": Field(
        lambda text: text in countries().values(), "a country's two letters of ISO 3166-1, as in GB"
    ),
    "wikidata": _like("Q[1-9][0-9]*", "a QID, as in Q1860"),
    "kind": _one_of(records.NameKind),
    "lang": _like("[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", "a language's tag, as in fa"),
    "ambiguous": _one_of("1", required=False),
    "host": Field(lambda text: host_in(text) == text, "a host, as in news.example.org", True),
    "about": _one_of(records.About),
    "url": Field(_is_url, "an address, https://...", required=True),
    "confidence": _number(0, 1, "a number from 0 to 1"),
    "of": _one_of(("outlet", "owner")),
    "share": _number(0, 100, "a number above 0 and up to 100", above=True),
    "platform": _one_of(PLATFORMS),
    "handle": _like(r"[\w.\-/@]+", "an account's name as in its address, without @", True),
    "claim": _one_of((RELIABILITY, RATING, NETWORK, "impersonation")),
    "impersonates": _ID._replace(required=False),
    "domains.role": _one_of(records.DomainRole),
    "owners.kind": _one_of(records.OwnerKind, required=False),
    "sites.kind": _one_of(("site", "imposter")),
}
#: The fields of each table, in the order of its columns.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    table: {name: _COLUMNS.get(f"{table}.{name}") or _COLUMNS[name] for name in columns.split()}
    for table, columns in (
        ("outlets", "id name role medium country wikidata"),
        ("names", "id name kind lang ambiguous"),
        ("domains", "id host role"),
        ("statements", "id about value source url date"),
        ("owners", "id name kind country source url date"),
        ("holdings", "id of owner share source url date"),
        ("accounts", "id platform handle source url date"),
        ("assessments", "id claim value source url date confidence"),
        ("licences", "source licence attribution since"),
        ("networks", "id name names operator country attributed_by source url date"),
        ("sites", "host network kind impersonates source url date"),
    )
}
#: The columns of each table, in order. An empty field is unknown.
COLUMNS: Mapping[str, tuple[str, ...]] = {kind: tuple(fields) for kind, fields in FIELDS.items()}
