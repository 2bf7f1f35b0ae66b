"""The registry as facts, one row each with source and licence, in the formats that others read."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, NamedTuple

from framescope.classifier import records
from framescope.classifier.errors import SourcesError, how_to_install
from framescope.classifier.outlets.registry.addresses import PLATFORMS
from framescope.classifier.outlets.registry.registry import NetworkSite, Registry, Tables

REGISTRY_SOURCE = "framescope registry"  # of the facts that identify an outlet: its name, its hosts
_PAGE = "none claimed: a fact, cited by its page"


class Fact(NamedTuple):
    """One fact about an outlet, an owner, a network or one of its hosts, as a row of the table."""

    id: str  # of what is no outlet it begins with ``owner:``, ``network:`` or ``site:``
    name: str
    fact: str
    value: str
    detail: str = ""  # of a name its language, of a holding its share
    source: str = REGISTRY_SOURCE
    url: str = ""
    date: str = ""
    confidence: str = ""
    licence: str = ""


@cache
def _licences() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the licences of each source and the date since which each holds, the last first."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in Tables().lines("licences"):
        source, licence, _, since = line.split("\t")
        found[source].append((since, licence))
    return {source: sorted(terms, reverse=True) for source, terms in found.items()}


def licence_of(source: str, date: str | None = None) -> str:
    """Return the licence under which a source's facts of a date are; a page's facts have none."""
    # What a list carries of another is under the list's terms.
    terms = _licences().get(source) or _licences().get(source.rpartition(" via ")[2], ())
    return next((licence for since, licence in terms if since <= (date or "9999")), _PAGE)


def facts(registry: Registry) -> Iterator[Fact]:
    """Return every fact of a registry: of outlets, owners, influence networks and their hosts."""
    return chain(
        chain.from_iterable(map(_of_outlet, registry)),
        chain.from_iterable(map(_of_owner, _owners(registry))),
        chain.from_iterable(map(_of_network, registry.networks())),
        (_of_site(site, registry) for site in registry.sites()),
    )


def _owners(registry: Registry) -> list[records.Owner]:
    """Return every owner of an outlet, and theirs in turn, by id."""
    found: dict[str, records.Owner] = {}
    left = [held.owner for outlet in registry for held in outlet.holdings]
    for owner in left:  # which grows
        if owner.id not in found:
            found[owner.id] = owner
            left += [held.owner for held in owner.holdings]
    return [found[id] for id in sorted(found)]


_OURS = records.Evidence(REGISTRY_SOURCE)
_Who = tuple[str, str]  # id and name


def _fact(
    who: _Who, fact: str, value: str, by: records.Evidence = _OURS, detail: str = "", sure: str = ""
) -> Fact:
    licence = by.licence or licence_of(by.source, by.date)
    cited = (by.source, by.url or "", by.date or "", sure, licence)
    return Fact(*who, str(fact), str(value), detail, *cited)


def _held(who: _Who, holdings: Iterable[records.Holding]) -> Iterator[Fact]:
    for held in holdings:
        share = "" if held.share is None else f"{held.share:g}%"
        yield _fact(who, "owner", f"owner:{held.owner.id}", held.evidence, share)


def _of_outlet(outlet: records.Outlet) -> Iterator[Fact]:
    tell = partial(_fact, (outlet.id, outlet.name))
    for of in ("role", "medium", "country", "wikidata"):
        if value := getattr(outlet, of):
            yield tell(of, value)
    for name in outlet.names:
        if name.kind is not records.NameKind.MAIN:
            yield tell(f"name:{name.kind}", name.text, detail=name.lang or "")
    for domain in outlet.domains:
        yield tell(f"host:{domain.role}", domain.host)
    for account in outlet.accounts:
        yield tell(f"account:{account.platform}", account.handle, account.evidence)
    for one in outlet.statements:
        yield tell(one.about, one.value, one.evidence)
    yield from _held((outlet.id, outlet.name), outlet.holdings)
    for found in outlet.assessments:
        yield tell(found.claim, found.value, found.evidence, sure=f"{found.confidence:g}")


def _of_owner(owner: records.Owner) -> Iterator[Fact]:
    who = (f"owner:{owner.id}", owner.name)
    for of in ("name", "kind", "country"):
        if value := getattr(owner, of):
            yield _fact(who, of, value, owner.evidence or _OURS)
    yield from _held(who, owner.holdings)


def _of_network(network: records.Network) -> Iterator[Fact]:
    rows = [("name:alias", name) for name in network.names]
    rows += [(of, getattr(network, of)) for of in ("operator", "country", "attributed_by")]
    tell = partial(_fact, (f"network:{network.id}", network.name), by=network.evidence)
    return (tell(fact=fact, value=value) for fact, value in rows if value)


def _of_site(site: NetworkSite, registry: Registry) -> Fact:
    network = registry.network_called(site.network)
    value = site.network if network is None else f"network:{network.id}"
    who, of = (f"site:{site.host}", site.host), f"network_{site.kind}"
    return _fact(who, of, value, site.evidence, site.impersonates or "")


def _write_csv(registry: Registry, file: IO[str]) -> None:
    csv.writer(file, lineterminator="\n").writerows(chain([Fact._fields], facts(registry)))


def _write_jsonl(registry: Registry, file: IO[str]) -> None:
    for (id, name), group in groupby(facts(registry), key=lambda fact: (fact.id, fact.name)):
        said = [_known(dict(list(fact._asdict().items())[2:])) for fact in group]
        file.write(json.dumps({"id": id, "name": name, "facts": said}, ensure_ascii=False) + "\n")


def _known(object: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in object.items() if value}


def _write_parquet(registry: Registry, path: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SourcesError(f"Parquet needs pyarrow; {how_to_install('parquet')}") from None
    rows = list(facts(registry))
    columns = {name: [row[at] for row in rows] for at, name in enumerate(Fact._fields)}
    table = pyarrow.table(columns).replace_schema_metadata({"version": registry.version})
    parquet.write_table(table, path, compression="zstd")


_TERMS = "https://schema.org/"  # the context stands inside, so that the graph is read offline
_CONTEXT = {
    **{"@version": 1.1, "@vocab": _TERMS, "id": "@id", "type": "@type"},
    **{term: {"@id": f"{_TERMS}{term}", "@type": "@id"} for term in ("sameAs", "url")},
    "license": {"@id": f"{_TERMS}license"},
    "parentOrganization": {"@id": f"{_TERMS}parentOrganization", "@type": "@id"},
    "names": {"@id": f"{_TERMS}alternateName", "@container": "@language"},
}


def _write_jsonld(registry: Registry, file: IO[str]) -> None:
    # What schema.org has no term for is a PropertyValue, with its citation and licence.
    file.write('{"@context": ' + json.dumps(_CONTEXT) + ',\n"@graph": [\n')
    rows = list(facts(registry))
    names = {fact.id: fact.name for fact in rows}
    for number, (id, said) in enumerate(groupby(rows, key=attrgetter("id"))):
        node = json.dumps(_node(id, list(said), names), ensure_ascii=False)
        file.write((",\n" if number else "") + node)
    file.write("\n]}\n")


_TYPES = {"": "NewsMediaOrganization", "owner": "Organization", "network": "Organization"}


def _node(id: str, said: Sequence[Fact], names: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, list[str]] = defaultdict(list)
    named: dict[str, list[str]] = defaultdict(list)
    same = []
    for fact in said:
        values[fact.fact].append(fact.value)
        of, _, kind = fact.fact.partition(":")
        if of == "name" and kind:
            named[fact.detail or "@none"].append(fact.value)
        elif of == "account" and (page := PLATFORMS[kind][1]) and not fact.value.startswith("UC"):
            same.append(page.format(fact.value))
    of, _, host = id.rpartition(":")
    type = "Person" if "person" in values["kind"] else _TYPES.get(of, "WebSite")
    network = values["network_site"] + values["network_imposter"]
    hosts = [host] if of == "site" else values["host:main"]
    owners = "; ".join(names[one] for one in values["owner"])
    owned = [f"owned by {owners}"] if owners else []
    owned += [f"funding: {value}" for value in values["funding"][:1]]
    node = {
        "id": _urn(id), "type": type, "name": said[0].name, "names": named,
        "url": f"https://{hosts[0]}/" if hosts else None,
        "sameAs": [f"http://www.wikidata.org/entity/{q}" for q in values["wikidata"]] + same,
        "address": [{"type": "PostalAddress", "addressCountry": one} for one in values["country"]],
        "ownershipFundingInfo": "; ".join(owned),
        "parentOrganization": [_urn(one) for one in values["owner"]],
        "isPartOf": [{"id": _urn(one)} for one in network if one.startswith("network:")],
        "additionalProperty": [_property(one) for one in said if one.source != REGISTRY_SOURCE],
    }  # fmt: skip
    return _known(node)


def _urn(id: str) -> str:
    return f"urn:framescope:{id if ':' in id else f'outlet:{id}'}"


def _property(fact: Fact) -> dict[str, Any]:
    cited = {"type": "CreativeWork", "name": fact.source, "license": fact.licence}
    cited |= _known({"url": fact.url, "datePublished": fact.date})
    named = {"type": "PropertyValue", "name": fact.fact, "value": fact.value}
    return _known({**named, "description": fact.detail, "subjectOf": cited})


def export_registry(registry: Registry, format: str, target: IO[str] | Path) -> None:
    """Write a registry as csv, jsonl or jsonld to an open file, or as Parquet to a path."""
    if isinstance(target, Path):
        _write_parquet(registry, target)
    else:
        writers = {"csv": _write_csv, "jsonl": _write_jsonl, "jsonld": _write_jsonld}
        writers[format](registry, target)
