"""The tables that ship, and how they are read.

One file per kind of fact is read when it is first asked for. Reading keeps a line a row, and an
outlet is built when somebody asks for it: a run that meets three outlets must not pay for five
thousand. What the rows hold is checked in the tests, and not at every start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry.schema import COLUMNS
from framescope.classifier.records import (
    About,
    Account,
    Assessment,
    Domain,
    DomainRole,
    Evidence,
    Holding,
    Medium,
    Name,
    NameKind,
    Network,
    Outlet,
    Owner,
    OwnerKind,
    Role,
    Statement,
)

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
    def site_lines(self) -> dict[str, str]:
        """Hosts of influence networks."""
        return _by_key(self.lines("sites"))

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Influence networks, by id."""
        return {line.partition("\t")[0]: _network(line) for line in self.lines("networks")}

    @cached_property
    def _statements(self) -> dict[str, list[str]]:
        return _grouped(self.lines("statements"))

    @cached_property
    def account_lines(self) -> dict[str, list[str]]:
        """Accounts of each outlet."""
        return _grouped(self.lines("accounts"))

    @cached_property
    def owner_lines(self) -> dict[str, str]:
        """The line of each owner, by id."""
        return _by_key(self.lines("owners"))

    @cached_property
    def _holdings(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for line in self.lines("holdings"):
            id, of, _ = line.split("\t", 2)
            found[of, id].append(line)
        return dict(found)

    @cached_property
    def assessment_lines(self) -> dict[str, list[str]]:
        """What is found of each outlet."""
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
        """Return every name as (outlet's id, name, ambiguous), without building the outlets."""
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
        """Return every host as (host, outlet's id, role), without building the outlets."""
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
                tuple(map(_statement, self._statements.get(id, ()))),
                self._held("outlet", id),
                tuple(map(_assessment, self.assessment_lines.get(id, ()))),
                tuple(map(_account, self.account_lines.get(id, ()))),
            )
        except (ValueError, KeyError, RecursionError) as error:
            raise SourcesError(
                f"{self.folder}: the rows of {id!r} are damaged ({error}); reinstall framescope"
            ) from None

    def owner(self, id: str) -> Owner:
        """Build an owner from its rows, and those that own it in turn.

        Raises `KeyError` when the tables don't hold it.
        """
        _, name, kind, country = self.owner_lines[id].split("\t")
        held = self._held("owner", id)
        return Owner(id, name, OwnerKind(kind) if kind else None, country or None, held)

    def _held(self, of: str, id: str) -> tuple[Holding, ...]:
        return tuple(self._holding(line) for line in self._holdings.get((of, id), ()))

    def _holding(self, line: str) -> Holding:
        _, _, owner, share, source, url, date = line.split("\t")
        evidence = Evidence(source, url or None, date or None)
        return Holding(self.owner(owner), float(share) if share else None, evidence)

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


def _statement(line: str) -> Statement:
    _, about, value, through, source, url, date, confidence = line.split("\t")
    evidence = Evidence(source, url or None, date or None)
    return Statement(About(about), value, evidence, float(confidence or 1), through or None)


def _account(line: str) -> Account:
    _, platform, handle, source, url, date = line.split("\t")
    return Account(platform, handle, Evidence(source, url or None, date or None))


def _network(line: str) -> Network:
    id, name, names, operator, country, by, source, url, date = line.split("\t")
    others = tuple(filter(None, names.split(" | ")))
    evidence = Evidence(source, url or None, date or None)
    return Network(id, name, others, operator or None, country or None, by or None, evidence)


def _assessment(line: str) -> Assessment:
    _, claim, value, source, url, date, confidence = line.split("\t")
    evidence = Evidence(source, url or None, date or None)
    return Assessment(claim, value, evidence, float(confidence or 1))
