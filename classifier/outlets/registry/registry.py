"""The registry: which outlet publishes at a host, and which is called by a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from framescope.classifier.outlets.registry import addresses, hosts
from framescope.classifier.outlets.registry.folding import normal
from framescope.classifier.outlets.registry.names import Names
from framescope.classifier.outlets.registry.schema import NETWORK
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.records import (
    DomainRole,
    Evidence,
    Found,
    Mention,
    Network,
    Outlet,
    Owner,
    Role,
)


@dataclass(frozen=True, slots=True)
class NetworkSite:
    """A host of an influence network, which no outlet of the registry owns."""

    host: str
    network: str
    kind: str  # ``site``, or ``imposter`` when it is made to look like an outlet's
    impersonates: str | None  # id of that outlet, where it is in the registry
    evidence: Evidence  # who reported it


class Registry:
    """Outlets, by id, by host and by name. Immutable; indexes are made when first needed.

    Parameters
    ----------
    tables : Tables or None
        The shipped ones by default.
    own : mapping of str to Outlet
        Outlets by id that stand beside those of the tables, or in their place.
    """

    def __init__(
        self, tables: Tables | None = None, own: Mapping[str, Outlet] | None = None
    ) -> None:
        self._tables = tables or Tables()
        self._own = dict(own or {})
        self._built: dict[str, Outlet] = {}
        self._found: dict[str, Found] = {}

    @property
    def version(self) -> str:
        """Version of the tables, such as ``2026.11``."""
        return self._tables.version

    @cached_property
    def _ids(self) -> list[str]:
        return sorted(self._tables.outlet_lines.keys() | self._own.keys())

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Outlet]:
        return map(self.__getitem__, self._ids)

    def __contains__(self, id: object) -> bool:
        return id in self._own or id in self._tables.outlet_lines

    def __getitem__(self, id: str) -> Outlet:
        """Return the outlet of an id.

        Raises
        ------
        KeyError
            When there is none.
        """
        outlet = self._own.get(id) or self._built.get(id)
        if outlet is None:
            outlet = self._built[id] = self._tables.outlet(id)
        return outlet

    def get(self, id: str) -> Outlet | None:
        """Return the outlet of an id, or None."""
        try:
            return self[id]
        except KeyError:
            return None

    def with_outlets(self, extra: Sequence[Outlet]) -> Registry:
        """Return a registry with further outlets; one with the id of another takes its place."""
        return Registry(self._tables, self._own | {outlet.id: outlet for outlet in extra})

    # --- by host ----------------------------------------------------------------------------------

    @cached_property
    def _hosts(self) -> dict[str, str]:
        found = {host: id for host, id, _ in self._tables.hosts() if id not in self._own}
        found.update(
            (domain.host, id) for id, outlet in self._own.items() for domain in outlet.domains
        )
        return found

    def at(self, address: str) -> Found | None:
        """Find whose host a URL or a bare address names.

        Parameters
        ----------
        address : str
            See `classifier.outlets.registry.hosts.host`.

        Returns
        -------
        Found or None
            By the host itself, or by the nearest parent down to the registrable domain: an
            edition on record comes before its outlet's main domain. Below a public suffix only
            a platform answers for its users' sites.
        """
        host = hosts.host(addresses.unwrapped(address))
        if host is None:
            return None
        known = self._hosts
        for parent in hosts.parents(host):
            id = known.get(parent)
            if id is not None:
                found = self._found_at(parent, id)
                if parent == host or not hosts.is_suffix(parent):
                    return found
                return found if found.outlet.role is Role.PLATFORM else None
        return None

    def _found_at(self, host: str, id: str) -> Found:
        found = self._found.get(host)
        if found is None:
            outlet = self[id]
            domain = next(domain for domain in outlet.domains if domain.host == host)
            found = self._found[host] = Found(outlet, domain)
        return found

    def network(self, address: str) -> NetworkSite | None:
        """Find the influence network that a host is of; matched as `at` matches."""
        host = hosts.host(addresses.unwrapped(address))
        if host is None:
            return None
        for parent in hosts.parents(host):
            row = self._tables.site_lines.get(parent)
            if row is not None and (parent == host or not hosts.is_suffix(parent)):
                return _site(row)
        return None

    def sites(self) -> Iterator[NetworkSite]:
        """Return every host of an influence network, by host."""
        return map(_site, self._tables.site_lines.values())

    def networks(self) -> Iterator[Network]:
        """Return every influence network, by id."""
        return iter(self._tables.networks.values())

    @cached_property
    def _networks(self) -> dict[str, Network]:
        networks = self._tables.networks.values()
        called = ((name, one) for one in networks for name in (one.id, one.name, *one.names))
        return {normal(name).casefold(): one for name, one in called}

    def network_called(self, name: str) -> Network | None:
        """Return the influence network of an id or a name, in any case.

        None for a mere list of cases.
        """
        return self._networks.get(normal(name).casefold())

    def members(self, network: Network) -> tuple[list[Outlet], list[str]]:
        """Return what is found to be part of an influence network: outlets, and hosts."""
        ids = {
            id
            for id, lines in self._tables.assessment_lines.items()
            for _, claim, value, _ in (line.split("\t", 3) for line in lines)
            if claim == NETWORK and self.network_called(value) is network
        }
        ids -= self._own.keys()
        ids |= {
            id
            for id, outlet in self._own.items()
            for one in outlet.assessments
            if one.claim == NETWORK and self.network_called(one.value) is network
        }
        hosts = [site.host for site in self.sites() if self.network_called(site.network) is network]
        return [self[id] for id in sorted(ids)], hosts

    def owner(self, id: str) -> Owner | None:
        """Return the owner of an id, with its own owners, or None."""
        try:
            return self._tables.owner(id)
        except KeyError:
            return None

    # --- by account -------------------------------------------------------------------------------

    @cached_property
    def _accounts(self) -> dict[str, dict[str, str]]:
        """Outlets' ids by platform, by handle in lower case."""
        found: dict[str, dict[str, str]] = {}
        for id, lines in self._tables.account_lines.items():
            for line in lines if id not in self._own else ():
                _, platform, handle, _ = line.split("\t", 3)
                found.setdefault(handle.lower(), {}).setdefault(platform, id)
        for id, outlet in self._own.items():
            for one in outlet.accounts:
                found.setdefault(one.handle.lower(), {})[one.platform] = id
        return found

    def account(self, address: str) -> Outlet | None:
        """Find whose account an address at a platform is, or a bare ``@handle``.

        A bare handle is nobody's where two outlets have it, at different platforms.
        """
        if (bare := addresses.handle(address.strip())) is not None:
            ids = set(self._accounts.get(bare.lower(), {}).values())
            return self[ids.pop()] if len(ids) == 1 else None
        named = addresses.account(address.strip())
        if named is None:
            return None
        platform, handle = named
        id = self._accounts.get(handle.lower(), {}).get(platform)
        return None if id is None else self[id]

    def domains(self) -> Iterator[tuple[str, str]]:
        """Return every outlet's host and the outlet's id, without the imposters'."""
        for host, id, role in self._tables.hosts():
            if id not in self._own and role != DomainRole.IMPOSTER:
                yield host, id
        for id, outlet in self._own.items():
            yield from ((d.host, id) for d in outlet.domains if d.role is not DomainRole.IMPOSTER)

    # --- by name ----------------------------------------------------------------------------------

    @cached_property
    def names(self) -> Names:
        """The index of names."""
        shipped = (name for name in self._tables.named() if name[0] not in self._own)
        own = (
            (id, name.text, name.ambiguous)
            for id, outlet in self._own.items()
            for name in outlet.names
        )
        media = {id: line.split("\t")[3] for id, line in self._tables.outlet_lines.items()}
        media |= {id: str(outlet.medium) for id, outlet in self._own.items()}
        return Names([*shipped, *own], media)

    def called(self, name: str) -> tuple[Outlet, ...]:
        """Return the outlets that are called so: several when the name is ambiguous.

        Parameters
        ----------
        name : str
            A main name, an alias, an abbreviation, in any script; with or without "the" and a
            possessive 's. A name of several words matches in any case, one of a single word with
            its capital, an abbreviation in capitals.
        """
        return tuple(map(self.__getitem__, self.names.called(name)))

    def namesakes(self, name: str) -> tuple[Outlet, ...]:
        """Return the outlets that are called so as well, less known than those of `called`."""
        return tuple(map(self.__getitem__, self.names.sharers(name)))

    def mentions(self, text: str) -> list[Mention]:
        """Find names in running text, leftmost and longest.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of Mention
            In order, not overlapping: names that mean an outlet where they stand, told from what
            stands around them; none inside an address or a word.
        """
        return [Mention(*found) for found in self.names.found(text)]


def _site(row: str) -> NetworkSite:
    host, network, kind, impersonates, source, url, date = row.split("\t")
    evidence = Evidence(source, url or None, date or None)
    return NetworkSite(host, network, kind, impersonates or None, evidence)


def load(*, user: Path | None = None) -> Registry:
    """Load the shipped tables and the user's own files.

    Parameters
    ----------
    user : pathlib.Path or None
        A file of outlets in JSON Lines (docs/sources.md), which comes after those in the
        configuration folder, ``framescope/sources/*.jsonl``.

    Returns
    -------
    Registry
        The same one at each call without ``user``.

    Raises
    ------
    SourcesError
        When a table or a user's file can't be read, or holds what it may not.
    """
    registry = _default()
    return registry if user is None else _extended(registry, user)


@lru_cache(maxsize=1)
def _default() -> Registry:
    registry = Registry()
    for path in sorted(own_folder().glob("*.jsonl")):
        registry = _extended(registry, path)
    return registry


def own_folder() -> Path:
    """Where a user's own files are looked for."""
    from platformdirs import user_config_path

    return user_config_path("framescope") / "sources"


def _extended(registry: Registry, path: Path) -> Registry:
    from framescope.classifier.outlets.registry.user import read

    return registry.with_outlets(read(path, registry))
