"""The registry: which outlet publishes at a host, and which is called by a name.

Tables are read, and outlets built, when first asked for: few are met of fifteen thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from framescope.classifier import records
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import addresses
from framescope.classifier.outlets.registry.folding import normal
from framescope.classifier.outlets.registry.names import Names, means_outlet
from framescope.classifier.outlets.registry.schema import COLUMNS, NETWORK
from framescope.classifier.records import Domain, DomainRole, Evidence, Name, NameKind, Outlet

_FIRST_ROW = 2  # after the title and the names of the columns


def shipped_tables() -> Path:
    """Return the folder of the tables that ship with the package."""
    return Path(__file__).parent / "data"


class Tables:
    """A folder with a file ``<kind>.tsv`` for each kind in `COLUMNS`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped_tables()
        self._grouped: dict[str, dict[str, list[str]]] = {}

    @cached_property
    def version(self) -> str:
        """Version of the data, such as ``2026.11``."""
        return self._read("outlets")[0].strip().rpartition(" version ")[2]

    def lines(self, kind: str) -> list[str]:
        """Return the rows of a table; `SourcesError` when it is missing or damaged."""
        lines, columns = self._read(kind), COLUMNS[kind]
        rows = [(n, x) for n, x in enumerate(lines[_FIRST_ROW:], _FIRST_ROW + 1) if x]
        damaged = [number for number, line in rows if line.count("\t") != len(columns) - 1]
        if lines[1:2] != ["\t".join(columns)]:
            damaged = [2]
        if damaged:
            raise SourcesError(
                f"{self.folder / kind}.tsv:{damaged[0]}: is damaged; a row has "
                f"{', '.join(columns)}, with a tab between them; reinstall framescope"
            )
        return [line for _, line in rows]

    def _read(self, kind: str) -> list[str]:
        path = self.folder / f"{kind}.tsv"
        try:
            return path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SourcesError(f"{path}: can't be read ({reason}); reinstall framescope") from None

    def grouped(self, kind: str) -> dict[str, list[str]]:
        """Return the rows of a table by their first cell; read once."""
        if kind not in self._grouped:
            found: dict[str, list[str]] = defaultdict(list)
            for line in self.lines(kind):
                found[line.partition("\t")[0]].append(line)
            self._grouped[kind] = dict(found)
        return self._grouped[kind]

    def rows(self, kind: str, id: str) -> Iterator[list[str]]:
        """Return the cells of the rows of an id."""
        return (line.split("\t") for line in self.grouped(kind).get(id, ()))

    def named(self) -> Iterator[tuple[str, str, bool]]:
        """Return every name as (outlet's id, name, ambiguous), without building the outlets."""
        for id, lines in self.grouped("outlets").items():
            marks = {name: bool(mark) for _, name, _, _, mark in self.rows("names", id)}
            main = lines[-1].split("\t", 2)[1]
            ambiguous = marks.pop(main, False)
            yield from ((id, name, mark) for name, mark in marks.items())
            yield id, main, ambiguous

    def outlet(self, id: str) -> Outlet:
        """Build an outlet from its rows; `KeyError` without it, `SourcesError` if it is damaged."""
        _, name, role, medium, country, wikidata = self.grouped("outlets")[id][-1].split("\t")
        try:
            return Outlet(
                id, name, records.Role(role), records.Medium(medium),
                country or None, wikidata or None, _names(name, self.rows("names", id)),
                tuple(Domain(host, DomainRole(of)) for _, host, of in self.rows("domains", id)),
                tuple(records.Statement(records.About(of), value, _evidence(*cited))
                      for _, of, value, *cited in self.rows("statements", id)),
                self._held("outlet", id),
                tuple(records.Assessment(claim, value, _evidence(*cited), float(sure or 1))
                      for _, claim, value, *cited, sure in self.rows("assessments", id)),
                tuple(records.Account(platform, handle, _evidence(*cited))
                      for _, platform, handle, *cited in self.rows("accounts", id)),
            )  # fmt: skip
        except (ValueError, KeyError, RecursionError) as error:
            raise SourcesError(
                f"{self.folder}: the rows of {id!r} are damaged ({error}); reinstall framescope"
            ) from None

    def _owner(self, id: str) -> records.Owner:
        _, name, kind, country, *cited = self.grouped("owners")[id][-1].split("\t")
        of, above = records.OwnerKind(kind) if kind else None, self._held("owner", id)
        return records.Owner(id, name, of, country or None, above, _evidence(*cited))

    def _held(self, kind: str, id: str) -> tuple[records.Holding, ...]:
        return tuple(
            records.Holding(self._owner(owner), float(share) if share else None, _evidence(*cited))
            for _, of, owner, share, *cited in self.rows("holdings", id)
            if of == kind
        )


def _evidence(source: str, url: str, date: str) -> Evidence:
    return Evidence(source, url or None, date or None)


def _names(main: str, rows: Iterable[list[str]]) -> tuple[Name, ...]:
    known = {main: Name(main, NameKind.MAIN)}
    for _, text, kind, lang, ambiguous in rows:
        # Of the main name a row says what outlets.tsv has no column for.
        of = NameKind.MAIN if text == main else NameKind(kind)
        known[text] = Name(text, of, lang or None, bool(ambiguous))
    return tuple(known.values())


@dataclass(frozen=True, slots=True)
class NetworkSite:
    """A host of an influence network, which no outlet of the registry owns."""

    host: str
    network: str
    kind: str  # ``site``, or ``imposter`` when it is made to look like an outlet's
    impersonates: str | None  # id of that outlet, where it is in the registry
    evidence: Evidence  # who reported it


def _site(line: str) -> NetworkSite:
    host, network, kind, impersonates, *cited = line.split("\t")
    return NetworkSite(host, network, kind, impersonates or None, _evidence(*cited))


class Registry:
    """Outlets by id, host and name: those of tables, beside or replaced by a user's `own` by id."""

    def __init__(
        self, tables: Tables | None = None, own: Mapping[str, Outlet] | None = None
    ) -> None:
        self._tables = tables or Tables()
        self._own = dict(own or {})
        self._built: dict[str, Outlet] = {}

    @property
    def version(self) -> str:
        """Version of the tables, such as ``2026.11``."""
        return self._tables.version

    @cached_property
    def _ids(self) -> list[str]:
        return sorted(self._tables.grouped("outlets").keys() | self._own.keys())

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Outlet]:
        return map(self.__getitem__, self._ids)

    def __getitem__(self, id: str) -> Outlet:
        """Return the outlet of an id; `KeyError` when there is none."""
        outlet = self._own.get(id) or self._built.get(id)
        if outlet is None:
            outlet = self._built[id] = self._tables.outlet(id)
        return outlet

    def get(self, id: str) -> Outlet | None:
        """Return the outlet of an id, or None."""
        return self[id] if id in self._own or id in self._tables.grouped("outlets") else None

    def with_outlets(self, extra: Sequence[Outlet]) -> Registry:
        """Return a registry with further outlets; one with the id of another takes its place."""
        return Registry(self._tables, self._own | {outlet.id: outlet for outlet in extra})

    @cached_property
    def _hosts(self) -> dict[str, str]:
        return {host: id for host, id, _ in self._all_hosts()}

    def _all_hosts(self) -> Iterator[tuple[str, str, str]]:
        tables = self._tables
        rows = (row for id in tables.grouped("domains") for row in tables.rows("domains", id))
        yield from ((host, id, role) for id, host, role in rows if id not in self._own)
        for id, outlet in self._own.items():
            yield from ((domain.host, id, domain.role) for domain in outlet.domains)

    def at(self, address: str) -> records.Found | None:
        """Return whose host a URL or a bare address names, by the nearest parent on record."""
        host = addresses.host_in(addresses.unwrapped(address)) or ""
        for parent in addresses.host_parents(host):
            if (id := self._hosts.get(parent)) is not None:
                domain = next(domain for domain in self[id].domains if domain.host == parent)
                found = records.Found(self[id], domain)
                # Below a public suffix only a platform answers for its users' sites.
                own = parent == host or not addresses.is_public_suffix(parent)
                return found if own or found.outlet.role is records.Role.PLATFORM else None
        return None

    def domains(self) -> Iterator[tuple[str, str]]:
        """Return every outlet's host and the outlet's id, without the imposters'."""
        return ((host, id) for host, id, role in self._all_hosts() if role != DomainRole.IMPOSTER)

    def network(self, address: str) -> NetworkSite | None:
        """Return the influence network's host that an address names; matched as `at` matches."""
        host = addresses.host_in(addresses.unwrapped(address)) or ""
        sites = self._tables.grouped("sites")
        for parent in addresses.host_parents(host):
            if parent in sites and (parent == host or not addresses.is_public_suffix(parent)):
                return _site(sites[parent][-1])
        return None

    def sites(self) -> Iterator[NetworkSite]:
        """Return every host of an influence network, by host."""
        return (_site(lines[-1]) for lines in self._tables.grouped("sites").values())

    def networks(self) -> list[records.Network]:
        """Return every influence network, by id."""
        found = []
        for line in self._tables.lines("networks"):
            id, name, names, operator, country, by, *cited = line.split("\t")
            others = tuple(filter(None, names.split(" | ")))
            known = (operator or None, country or None, by or None)
            found.append(records.Network(id, name, others, *known, _evidence(*cited)))
        return found

    @cached_property
    def _networks(self) -> dict[str, records.Network]:
        called = ((name, one) for one in self.networks() for name in (one.id, one.name, *one.names))
        return {normal(name).casefold(): one for name, one in called}

    def network_called(self, name: str) -> records.Network | None:
        """Return the influence network of an id or a name in any case; None for a mere list."""
        return self._networks.get(normal(name).casefold())

    def members(self, network: records.Network) -> tuple[list[Outlet], list[str]]:
        """Return what is found to be part of an influence network: outlets, and hosts."""
        claimed = (line.split("\t", 3) for line in self._tables.lines("assessments"))
        claims = [(id, claim, value) for id, claim, value, _ in claimed if id not in self._own]
        own = self._own.items()
        claims += [(id, one.claim, one.value) for id, o in own for one in o.assessments]
        called = self.network_called
        ids = {id for id, claim, value in claims if claim == NETWORK and called(value) == network}
        hosts = [site.host for site in self.sites() if called(site.network) == network]
        return [self[id] for id in sorted(ids)], hosts

    @cached_property
    def _accounts(self) -> dict[str, dict[str, str]]:
        """Outlets' ids by platform, by handle in lower case."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for id, lines in self._tables.grouped("accounts").items():
            for line in lines if id not in self._own else ():
                _, platform, handle, _ = line.split("\t", 3)
                found[handle.lower()].setdefault(platform, id)
        for id, outlet in self._own.items():
            for one in outlet.accounts:
                found[one.handle.lower()][one.platform] = id
        return dict(found)

    def account(self, address: str) -> Outlet | None:
        """Return the one outlet whose account an address or a bare ``@handle`` is, if any."""
        if (bare := addresses.handle(address.strip())) is not None:
            ids = set(self._accounts.get(bare.lower(), {}).values())
            return self[ids.pop()] if len(ids) == 1 else None
        platform, name = addresses.account_in(address.strip()) or ("", "")
        id = self._accounts.get(name.lower(), {}).get(platform)
        return None if id is None else self[id]

    @cached_property
    def names(self) -> Names:
        """The index of names."""
        own = self._own.items()
        names = [name for name in self._tables.named() if name[0] not in self._own]
        names += [(id, name.text, name.ambiguous) for id, outlet in own for name in outlet.names]
        outlets = self._tables.grouped("outlets").items()
        media = {id: lines[-1].split("\t")[3] for id, lines in outlets}
        return Names(names, media | {id: str(outlet.medium) for id, outlet in own})

    def called(self, name: str) -> tuple[Outlet, ...]:
        """Return the outlets of a name, with or without "the" and 's; several where in doubt."""
        return tuple(map(self.__getitem__, self.names.called(name)))

    def namesakes(self, name: str) -> tuple[Outlet, ...]:
        """Return the outlets that are called so as well, less known than those of `called`."""
        return tuple(map(self.__getitem__, self.names.sharers(name)))

    def mentions(self, text: str, language: str | None = None) -> list[records.Mention]:
        """Return the names in running text that mean an outlet, in order, not overlapping."""
        means = partial(means_outlet, language=language)
        return [records.Mention(*met[:3]) for met in self.names.met(text, means)]
