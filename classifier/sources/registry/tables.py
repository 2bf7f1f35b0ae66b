"""The tables that ship: what a field of their rows may hold, and how they are read.

One description serves every road into the registry. The tables
(`classifier.sources.registry.check`), the rows by hand (`training.registry.hand`) and a user's own
file (`classifier.sources.registry.user`) are all held to it; each says in its own words where the
field stands. The enumerations are those of `classifier.values`.

One file per kind of fact is read when it is first asked for. Reading keeps a line a row, and an
outlet is built when somebody asks for it: a run that meets three outlets must not pay for two
thousand. What the rows hold is checked in the tests, and not at every start.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import urlsplit

from classifier.errors import SourcesError
from classifier.sources.registry import hosts
from classifier.values import (
    Assessment,
    Code,
    Control,
    Domain,
    DomainRole,
    Evidence,
    Holder,
    Medium,
    Name,
    NameKind,
    Outlet,
    Role,
)

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_QID = re.compile(r"Q[1-9][0-9]*")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
#: What no text holds: it would break the line, or show it in another order than it is written.
CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")


@dataclass(frozen=True, slots=True)
class Field:
    """What a field may hold."""

    holds: Callable[[str], bool]  # whether a text is one of the values
    wrong: str  # what is said of another text, behind it: "is no QID"
    wanted: str  # what should stand there: "a QID, as in Q1860"
    required: bool = False  # whether it may not be empty
    # of the value in JSON: text, or a truth value or a number, which a table writes as text
    type: type = str

    def reason(self, cell: str) -> str | None:
        """Say what is wrong with a table's cell; None when nothing is."""
        if cell != " ".join(cell.split()):
            return f"{cell!r} has spaces at an end, or two together"
        if not cell:
            return "is empty" if self.required else None
        return None if self.holds(cell) else f"{cell!r} {self.wrong}"


@cache
def countries() -> Mapping[str, str]:
    """Give the code of each country by every name that the evidence has for it.

    ISO 3166-1 alpha-2, and what is reserved for such use: EU, XK. The names are CLDR's, then
    those that lists call it otherwise.
    """
    return {name: code for code, names in _countries().items() for name in names}


@cache
def _countries() -> Mapping[str, list[str]]:
    path = Path(__file__).parent / "data/countries.tsv"
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[2:])
    return {code: names.split(" | ") for code, names in rows}


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


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _one_of(values: Iterable[str], required: bool = False) -> Field:
    listed = ", ".join(values)
    return Field(
        frozenset(values).__contains__, f"is none of {listed}", f"one of {listed}", required
    )


_TEXT = Field(
    lambda text: bool(text.strip()) and not CONTROL.search(text),
    "is not text on one line",
    "text on one line",
)
NEEDED_TEXT = replace(_TEXT, required=True)
TRUTH = Field(frozenset({"1"}).__contains__, "is none of 1", "true or false", type=bool)
_IDENTIFIER = Field(
    lambda text: _ID.fullmatch(text) is not None,
    "is not lower-case ASCII letters, digits and hyphens",
    "lower-case ASCII letters, digits and hyphens",
    required=True,
)
_HOST = Field(
    lambda text: hosts.host(text) == text,
    "is no host in lower-case ASCII",
    "a host, as in news.example.org",
    required=True,
)
_COUNTRY = Field(
    lambda text: text in _countries(),
    "is no ISO 3166-1 alpha-2 code",
    "a country's two letters of ISO 3166-1, as in GB",
)
_EVIDENCE = {
    "source": NEEDED_TEXT,
    "url": Field(_is_url, "is no http address", "an address, https://..."),
    "date": Field(_is_date, "is no ISO 8601 date", "a date, as in 2026-11-24"),
}
#: What an assessment may be about.
CLAIMS = ("reliability", "influence_network", "impersonation")
_RATING = replace(
    _one_of(
        ("generally_reliable", "no_consensus", "generally_unreliable", "deprecated", "blacklisted"),
        required=True,
    ),
    wrong="is no rating",
)


def value_of(claim: str) -> Field:
    """Give what the value of a claim may be: a rating, or whatever the source calls it."""
    return _RATING if claim == "reliability" else NEEDED_TEXT


#: The fields of each table, in the order of its columns.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "outlets": {
        "id": _IDENTIFIER,
        "name": NEEDED_TEXT,
        "role": _one_of(Role, required=True),
        "medium": _one_of(Medium, required=True),
        "country": _COUNTRY,
        "wikidata": Field(
            lambda text: _QID.fullmatch(text) is not None, "is no QID", "a QID, as in Q1860"
        ),
    },
    "names": {
        "id": _IDENTIFIER,
        "name": NEEDED_TEXT,
        "kind": _one_of(NameKind, required=True),
        "lang": Field(
            lambda text: _LANG.fullmatch(text) is not None,
            "is no BCP 47 tag",
            "a language's tag, as in fa",
        ),
        "ambiguous": TRUTH,
    },
    "domains": {"id": _IDENTIFIER, "host": _HOST, "role": _one_of(DomainRole, required=True)},
    "control": {
        "id": _IDENTIFIER,
        "funding": _one_of(Holder, required=True),
        "governance": _one_of(Holder, required=True),
        "editorial": _one_of(Holder, required=True),
        "code": _one_of(Code),
        "owner": _TEXT,
        **_EVIDENCE,
    },
    "assessments": {
        "id": _IDENTIFIER,
        "claim": _one_of(CLAIMS, required=True),
        "value": NEEDED_TEXT,
        **_EVIDENCE,
        "confidence": Field(
            _is_share, "is not between 0 and 1", "a number from 0 to 1", type=float
        ),
    },
    "networks": {
        "host": _HOST,
        "network": NEEDED_TEXT,
        "kind": _one_of(("site", "imposter"), required=True),
        "impersonates": replace(_IDENTIFIER, required=False),
        **_EVIDENCE,
    },
}
#: The columns of each table, in order. An empty field is unknown.
COLUMNS: Mapping[str, tuple[str, ...]] = {kind: tuple(fields) for kind, fields in FIELDS.items()}


_FIRST_ROW = 2  # after the title and the names of the columns


def shipped() -> Path:
    """Where the tables that ship with the package lie."""
    return Path(__file__).parent / "data"


class Tables:
    """A folder of tables.

    It has a file ``<kind>.tsv`` for each kind in `COLUMNS`; `shipped` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped()

    @cached_property
    def version(self) -> str:
        """Version of the data, such as ``2026.11``."""
        return self._lines("outlets")[0].strip().rpartition(" version ")[2]

    @cached_property
    def outlet_lines(self) -> dict[str, str]:
        """The line of each outlet, by id."""
        return _by_key(self.lines("outlets"))

    @cached_property
    def name_lines(self) -> dict[str, list[str]]:
        """Other names of each outlet; a row with the main name says what holds of that one."""
        return _grouped(self.lines("names"))

    @cached_property
    def domain_lines(self) -> dict[str, list[str]]:
        """Hosts of each outlet."""
        return _grouped(self.lines("domains"))

    @cached_property
    def network_lines(self) -> dict[str, str]:
        """Hosts of influence networks."""
        return _by_key(self.lines("networks"))

    @cached_property
    def _control(self) -> dict[str, str]:
        return _by_key(self.lines("control"))

    @cached_property
    def _assessments(self) -> dict[str, list[str]]:
        return _grouped(self.lines("assessments"))

    def lines(self, kind: str) -> list[str]:
        """Read a table.

        `kind` is one of `COLUMNS`. A line a row, with tabs between the fields. Raises
        `SourcesError` when the table is missing or damaged.
        """
        lines = self._lines(kind)
        columns = COLUMNS[kind]
        if lines[1:2] != ["\t".join(columns)]:
            raise self._damaged(kind, 2)
        tabs = len(columns) - 1
        for number, line in enumerate(lines[_FIRST_ROW:], _FIRST_ROW + 1):
            if line and line.count("\t") != tabs:
                raise self._damaged(kind, number)
        return [line for line in lines[_FIRST_ROW:] if line]

    def named(self) -> Iterator[tuple[str, str, bool]]:
        """Give every name as (outlet's id, name, ambiguous), without building the outlets."""
        for id, line in self.outlet_lines.items():
            main, ambiguous = line.split("\t", 2)[1], False
            for other in self.name_lines.get(id, ()):
                _, name, _, _, mark = other.split("\t")
                if name == main:
                    ambiguous = bool(mark)
                else:
                    yield id, name, bool(mark)
            yield id, main, ambiguous

    def hosts(self) -> Iterator[tuple[str, str, str]]:
        """Give every host as (host, outlet's id, role), without building the outlets."""
        for id, lines in self.domain_lines.items():
            for line in lines:
                _, host, role = line.split("\t")
                yield host, id, role

    def outlet(self, id: str) -> Outlet:
        """Build an outlet from its rows.

        Raises `KeyError` when the tables don't hold it, and `SourcesError` when a row holds what it
        may not.
        """
        _, name, role, medium, country, wikidata = self.outlet_lines[id].split("\t")
        try:
            return Outlet(
                id,
                name,
                Role(role),
                Medium(medium),
                country or None,
                wikidata or None,
                _names(name, self.name_lines.get(id, ())),
                tuple(map(_domain, self.domain_lines.get(id, ()))),
                _control(self._control[id]) if id in self._control else None,
                tuple(map(_assessment, self._assessments.get(id, ()))),
            )
        except ValueError as error:
            raise SourcesError(
                f"{self.folder}: the rows of {id!r} are damaged ({error}); reinstall framescope"
            ) from None

    def _lines(self, kind: str) -> list[str]:
        path = self.folder / f"{kind}.tsv"
        try:
            return path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SourcesError(f"{path}: can't be read ({reason}); reinstall framescope") from None

    def _damaged(self, kind: str, line: int) -> SourcesError:
        columns = ", ".join(COLUMNS[kind])
        return SourcesError(
            f"{self.folder / kind}.tsv:{line}: is damaged; a row has {columns}, with a tab between"
            " them; reinstall framescope"
        )


def _by_key(lines: list[str]) -> dict[str, str]:
    return {line.partition("\t")[0]: line for line in lines}


def _grouped(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        found[line.partition("\t")[0]].append(line)
    return dict(found)


def _names(main: str, lines: Iterable[str]) -> tuple[Name, ...]:
    first = Name(main, NameKind.MAIN)
    others = []
    for line in lines:
        _, text, kind, lang, ambiguous = line.split("\t")
        name = Name(text, NameKind(kind), lang or None, bool(ambiguous))
        if text == main:  # says of the main name what outlets.tsv has no column for
            first = Name(main, NameKind.MAIN, name.lang, name.ambiguous)
        else:
            others.append(name)
    return (first, *others)


def _domain(line: str) -> Domain:
    _, host, role = line.split("\t")
    return Domain(host, DomainRole(role))


def _control(line: str) -> Control:
    _, funding, governance, editorial, code, owner, source, url, date = line.split("\t")
    return Control(
        Holder(funding or "unknown"),
        Holder(governance or "unknown"),
        Holder(editorial or "unknown"),
        Code(code) if code else None,
        owner or None,
        Evidence(source, url or None, date or None),
    )


def _assessment(line: str) -> Assessment:
    _, claim, value, source, url, date, confidence = line.split("\t")
    evidence = Evidence(source, url or None, date or None)
    return Assessment(claim, value, evidence, float(confidence or 1))
