"""The shipped tables: one file per kind of fact, read when it is first asked for.

Reading is `str.split` and nothing more, and an outlet is built when somebody asks for it: a run
that meets three outlets must not pay for two thousand. What the rows may hold is checked by
`classifier.sources.check`, in the tests, and not at every start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from classifier.errors import SourcesError
from classifier.sources.facts import (
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

#: The columns of each table, in order. An empty field is unknown.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "outlets": ("id", "name", "role", "medium", "country", "wikidata"),
    "names": ("id", "name", "kind", "lang", "ambiguous"),
    "domains": ("id", "host", "role"),
    "control": (
        "id",
        "funding",
        "governance",
        "editorial",
        "code",
        "owner",
        "source",
        "url",
        "date",
    ),
    "assessments": ("id", "claim", "value", "source", "url", "date", "confidence"),
    "networks": ("host", "network", "kind", "impersonates", "source", "url", "date"),
}
_FIRST_ROW = 2  # after the title and the names of the columns

Row = list[str]


def shipped() -> Path:
    """Where the tables that ship with the package lie."""
    return Path(__file__).parent / "data"


class Tables:
    """A folder of tables.

    Parameters
    ----------
    folder : pathlib.Path
        With a file ``<kind>.tsv`` for each kind in `COLUMNS`; `shipped` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped()

    @cached_property
    def version(self) -> str:
        """Version of the data, such as ``2026.11``."""
        return self._title.rpartition(" version ")[2]

    @cached_property
    def outlets(self) -> dict[str, Row]:
        """The row of each outlet, by id."""
        return {row[0]: row for row in self.rows("outlets")}

    @cached_property
    def names(self) -> dict[str, list[Row]]:
        """Other names of each outlet; a row with the main name says what holds of that one."""
        return self._by_id("names")

    @cached_property
    def domains(self) -> dict[str, list[Row]]:
        """Hosts of each outlet."""
        return self._by_id("domains")

    @cached_property
    def _control(self) -> dict[str, Row]:
        return {row[0]: row for row in self.rows("control")}

    @cached_property
    def _assessments(self) -> dict[str, list[Row]]:
        return self._by_id("assessments")

    @cached_property
    def networks(self) -> dict[str, Row]:
        """Hosts of influence networks."""
        return {row[0]: row for row in self.rows("networks")}

    @cached_property
    def _title(self) -> str:
        return self._lines("outlets")[0].strip()

    def rows(self, kind: str) -> list[Row]:
        """Read a table.

        Parameters
        ----------
        kind : str
            One of `COLUMNS`.

        Raises
        ------
        SourcesError
            When the table is missing or damaged.
        """
        lines = self._lines(kind)
        columns = COLUMNS[kind]
        if lines[1:2] != ["\t".join(columns)]:
            raise self._damaged(kind, 2)
        rows = [line.split("\t") for line in lines[_FIRST_ROW:] if line]
        if any(len(row) != len(columns) for row in rows):
            body = enumerate(lines[_FIRST_ROW:], start=_FIRST_ROW + 1)
            raise self._damaged(
                kind, next(n for n, line in body if line and line.count("\t") != len(columns) - 1)
            )
        return rows

    def outlet(self, id: str) -> Outlet:
        """Build an outlet from its rows.

        Raises
        ------
        KeyError
            When the tables don't hold it.
        SourcesError
            When a row holds what it may not.
        """
        _, name, role, medium, country, wikidata = self.outlets[id]
        try:
            return Outlet(
                id,
                name,
                Role(role),
                Medium(medium),
                country or None,
                wikidata or None,
                _names(name, self.names.get(id, [])),
                tuple(Domain(row[1], DomainRole(row[2])) for row in self.domains.get(id, [])),
                _control(self._control[id]) if id in self._control else None,
                tuple(_assessment(row) for row in self._assessments.get(id, [])),
            )
        except ValueError as error:
            raise SourcesError(
                f"{self.folder}: the rows of {id!r} are damaged ({error}); reinstall framescope"
            ) from None

    def _by_id(self, kind: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows(kind):
            found[row[0]].append(row)
        return dict(found)

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


def _names(main: str, rows: list[Row]) -> tuple[Name, ...]:
    first = Name(main, NameKind.MAIN)
    others = []
    for _, text, kind, lang, ambiguous in rows:
        name = Name(text, NameKind(kind), lang or None, bool(ambiguous))
        if text == main:  # says of the main name what outlets.tsv has no column for
            first = Name(main, NameKind.MAIN, name.lang, name.ambiguous)
        else:
            others.append(name)
    return (first, *others)


def _control(row: Row) -> Control:
    _, funding, governance, editorial, code, owner, source, url, date = row
    return Control(
        Holder(funding or "unknown"),
        Holder(governance or "unknown"),
        Holder(editorial or "unknown"),
        Code(code) if code else None,
        owner or None,
        Evidence(source, url or None, date or None),
    )


def _assessment(row: Row) -> Assessment:
    _, claim, value, source, url, date, confidence = row
    return Assessment(
        claim, value, Evidence(source, url or None, date or None), float(confidence or 1)
    )


def named(tables: Tables) -> Iterator[tuple[str, str, bool]]:
    """Give every name of every outlet as (id, name, ambiguous), without building the outlets."""
    for id, row in tables.outlets.items():
        main, ambiguous = row[1], False
        for name in tables.names.get(id, ()):
            if name[1] == main:
                ambiguous = bool(name[4])
            else:
                yield id, name[1], bool(name[4])
        yield id, main, ambiguous
