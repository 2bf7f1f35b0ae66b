"""The registry as facts, one row each, with source and licence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from framescope.classifier.outlets.registry.registry import NetworkSite, Registry
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.records import Evidence, Holding, NameKind, Network, Outlet, Owner

OURS = "framescope registry"
"""What the facts that identify an outlet cite: its name, its hosts, its country."""

_PAGE = "none claimed: a fact, cited by its page"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about an outlet, an owner, a network or one of its hosts, as a row of the table.

    The id of what is no outlet says what it is: ``owner:``, ``network:``, ``site:``.
    """

    id: str
    name: str
    fact: str
    value: str
    detail: str = ""  # of a name its language, of a holding its share, of a statement its owner
    source: str = OURS
    url: str = ""
    date: str = ""
    confidence: str = ""
    licence: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row, in the order of `COLUMNS`."""
        return tuple(str(getattr(self, column)) for column in COLUMNS)


COLUMNS = tuple(field.name for field in fields(Fact))


@cache
def licences(folder: Path | None = None) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Read the licences of each source, each with the date since which it holds, the last first.

    Raises `SourcesError` when the table can't be read.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in Tables(folder).lines("licences"):
        source, licence, _, since = line.split("\t")
        found[source].append((since, licence))
    return {source: sorted(terms, reverse=True) for source, terms in found.items()}


def licence_of(source: str, date: str | None = None) -> str:
    """Return the licence under which a source's facts of a date are; a page's facts have none."""
    terms = licences().get(source, ())
    return next((licence for since, licence in terms if since <= (date or "9999")), _PAGE)


def facts(registry: Registry) -> Iterator[Fact]:
    """Return every fact of a registry: of outlets, owners, influence networks and their hosts."""
    for outlet in registry:
        yield from facts_of_outlet(outlet)
    for owner in owners_of(registry):
        yield from facts_of_owner(owner)
    for network in registry.networks():
        yield from facts_of_network(network)
    for site in registry.sites():
        yield from facts_of_site(site, registry)


def owners_of(registry: Registry) -> list[Owner]:
    """Return every owner of an outlet, and theirs in turn, by id."""
    found: dict[str, Owner] = {}
    for outlet in registry:
        _gather(outlet.holdings, found)
    return [found[id] for id in sorted(found)]


def _gather(holdings: Iterable[Holding], owners: dict[str, Owner]) -> None:
    for held in holdings:
        if held.owner.id not in owners:
            owners[held.owner.id] = held.owner
            _gather(held.owner.holdings, owners)


def facts_of_outlet(outlet: Outlet) -> Iterator[Fact]:
    """Return the facts of an outlet: what it is, its names and hosts, and what is said of it."""
    who = (outlet.id, outlet.name)
    ours = {"licence": licence_of(OURS)}
    yield Fact(*who, "role", outlet.role, **ours)
    yield Fact(*who, "medium", outlet.medium, **ours)
    if outlet.country:
        yield Fact(*who, "country", outlet.country, **ours)
    if outlet.wikidata:
        yield Fact(*who, "wikidata", outlet.wikidata, **ours)
    for name in outlet.names:
        if name.kind is not NameKind.MAIN:
            yield Fact(*who, f"name:{name.kind}", name.text, name.lang or "", **ours)
    for domain in outlet.domains:
        yield Fact(*who, f"host:{domain.role}", domain.host, **ours)
    for account in outlet.accounts:
        yield _said(who, f"account:{account.platform}", account.handle, "", account.evidence)
    for one in outlet.statements:
        sure = f"{one.confidence:g}"
        yield _said(who, one.about, one.value, one.through or "", one.evidence, sure)
    yield from _held(who, outlet.holdings)
    for found in outlet.assessments:
        sure = f"{found.confidence:g}"
        yield _said(who, found.claim, found.value, "", found.evidence, sure)


def facts_of_owner(owner: Owner) -> Iterator[Fact]:
    """Return the facts of an owner, its own owners among them."""
    who = (f"owner:{owner.id}", owner.name)
    ours = {"licence": licence_of(OURS)}
    if owner.kind:
        yield Fact(*who, "kind", owner.kind, **ours)
    if owner.country:
        yield Fact(*who, "country", owner.country, **ours)
    yield from _held(who, owner.holdings)


def facts_of_network(network: Network) -> Iterator[Fact]:
    """Return the facts of an influence network."""
    who = (f"network:{network.id}", network.name)
    for name in network.names:
        yield _said(who, "name:alias", name, "", network.evidence)
    told = (
        ("operator", network.operator),
        ("country", network.country),
        ("attributed_by", network.attributed_by),
    )
    for fact, value in told:
        if value:
            yield _said(who, fact, value, "", network.evidence)


def facts_of_site(site: NetworkSite, registry: Registry) -> Iterator[Fact]:
    """Return the facts of a host of an influence network."""
    network = registry.network_called(site.network)
    value = site.network if network is None else f"network:{network.id}"
    yield _said((f"site:{site.host}", site.host), f"network_{site.kind}", value,
                site.impersonates or "", site.evidence)  # fmt: skip


def _held(who: tuple[str, str], holdings: Iterable[Holding]) -> Iterator[Fact]:
    for held in holdings:
        share = "" if held.share is None else f"{held.share:g}%"
        yield _said(who, "owner", f"owner:{held.owner.id}", share, held.evidence)


def _said(
    who: tuple[str, str], fact: str, value: str, detail: str, evidence: Evidence, sure: str = ""
) -> Fact:
    return Fact(
        *who,
        str(fact),
        str(value),
        detail,
        evidence.source,
        evidence.url or "",
        evidence.date or "",
        sure,
        evidence.licence or licence_of(evidence.source, evidence.date),
    )
