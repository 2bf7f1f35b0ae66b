"""What the registry answers to a host, a URL, a name, an id or a QID."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from classifier.errors import SourcesError
from classifier.sources.registry import hosts
from classifier.sources.registry.registry import NetworkSite, Registry
from classifier.sources.registry.suggest import LookAlike, close, look_alike
from classifier.sources.registry.user import to_object
from classifier.values import Domain, DomainRole, Outlet, Role, printable

_QID = re.compile(r"[Qq][1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a query.

    Attributes
    ----------
    query : str
    outlets : tuple of Outlet
        Every outlet that fits; none when nothing but a network or a likeness does.
    domain : Domain or None
        The host on record, when the query is an address.
    network : NetworkSite or None
    alike : LookAlike or None
        Whose host it looks like, when it is nobody's.
    close : tuple of Outlet
        What may have been meant, when nothing fits.
    """

    query: str
    outlets: tuple[Outlet, ...] = ()
    domain: Domain | None = None
    network: NetworkSite | None = None
    alike: LookAlike | None = None
    close: tuple[Outlet, ...] = ()

    @property
    def found(self) -> bool:
        """Whether anything at all fits."""
        return bool(self.outlets or self.network or self.alike)


def look_up(registry: Registry, query: str) -> Answer:
    """Answer a query.

    Parameters
    ----------
    registry : Registry
    query : str
        An address first of all, then an id, a QID, a name.
    """
    query = query.strip()
    host = hosts.host(query)
    if host is not None:
        found = registry.at(host)
        network = registry.network(host)
        if found is not None:
            return Answer(query, (found.outlet,), found.domain, network)
    outlet = registry.get(query)
    named = (outlet,) if outlet is not None else _by_qid(registry, query) or registry.called(query)
    if named:
        return Answer(query, tuple(named))
    if host is not None:
        alike = look_alike(registry, host)
        if network is not None or alike is not None:
            return Answer(query, network=network, alike=alike)
    return Answer(query, close=tuple(close(registry, query)))


def sole(answer: Answer) -> Outlet | None:
    """Give the one outlet that is meant; None when there is none, as behind an imposter's host.

    Raises
    ------
    SourcesError
        When several are called so; it names them.
    """
    if answer.domain is not None and answer.domain.role is DomainRole.IMPOSTER:
        return None
    if len(answer.outlets) > 1:
        asked = printable(answer.query)
        listed = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.outlets)
        raise SourcesError(f"'{asked}' is the name of several; give the id of one: {listed}")
    return answer.outlets[0] if answer.outlets else None


def _by_qid(registry: Registry, query: str) -> tuple[Outlet, ...]:
    if not _QID.fullmatch(query):
        return ()
    return tuple(outlet for outlet in registry if outlet.wikidata == query.upper())


def select(
    registry: Registry,
    country: str | None = None,
    state_media: bool | None = None,
    role: Role | None = None,
) -> Iterator[Outlet]:
    """Give the outlets of a country, of a role, that are state media or not; sorted by id."""
    for outlet in registry:
        if (
            (country is None or outlet.country == country.upper())
            and (role is None or outlet.role is role)
            and (state_media is None or outlet.state_media is state_media)
        ):
            yield outlet


COLUMNS = ("id", "name", "role", "medium", "country", "code", "host", "wikidata")


def row(outlet: Outlet) -> Sequence[str]:
    """An outlet in the columns of `COLUMNS`; empty where nothing is known."""
    code = outlet.control.code if outlet.control else None
    host = next((d.host for d in outlet.domains if d.role is DomainRole.MAIN), "")
    return (
        outlet.id,
        outlet.name,
        outlet.role,
        outlet.medium,
        outlet.country or "",
        code or "",
        host,
        outlet.wikidata or "",
    )


def to_json(answer: Answer) -> dict[str, Any]:
    """An answer as an object; the outlets as a user's own file has them."""
    network, alike = answer.network, answer.alike
    return {
        "query": answer.query,
        "outlets": [to_object(outlet) for outlet in answer.outlets],
        "domain": answer.domain and {"host": answer.domain.host, "role": str(answer.domain.role)},
        "network": network
        and {
            "host": network.host,
            "network": network.network,
            "kind": network.kind,
            "impersonates": network.impersonates,
            "source": network.evidence.source,
            "url": network.evidence.url,
            "date": network.evidence.date,
        },
        "looks_like": alike
        and {
            "host": alike.host,
            "id": alike.outlet.id,
            "original": alike.original,
            "how": alike.how,
        },
        "close": [outlet.id for outlet in answer.close],
    }
