"""The registry for others, in the formats that they read.

CSV and Parquet have a row a fact, JSON Lines an object an outlet, JSON-LD a graph in the terms of
schema.org, with its context inside, so that it can be read offline.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry.facts import (
    COLUMNS,
    OURS,
    Fact,
    facts,
    facts_of_network,
    facts_of_outlet,
    facts_of_owner,
    facts_of_site,
    owners_of,
)
from framescope.classifier.outlets.registry.registry import NetworkSite, Registry
from framescope.classifier.records import About, DomainRole, NameKind, Network, Outlet, Owner


def write_csv(registry: Registry, file: IO[str]) -> None:
    """Write a row a fact, with the columns of `COLUMNS`."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(fact.cells for fact in facts(registry))


def write_jsonl(registry: Registry, file: IO[str]) -> None:
    """Write an object an outlet or owner, its facts in it, each with source and licence."""
    waiting: dict[str, Any] = {}
    for fact in facts(registry):
        if waiting.get("id") != fact.id:
            _line(waiting, file)
            waiting = {"id": fact.id, "name": fact.name, "facts": []}
        said = asdict(fact)
        waiting["facts"].append({key: said[key] for key in COLUMNS[2:] if said[key]})
    _line(waiting, file)


def _line(given: Mapping[str, Any], file: IO[str]) -> None:
    if given:
        file.write(json.dumps(given, ensure_ascii=False) + "\n")


def write_parquet(registry: Registry, path: Path) -> None:
    """Write a row a fact, all columns text, with the registry's version in the metadata.

    Raises `SourcesError` when PyArrow is missing.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        from framescope.classifier.errors import how_to_install

        raise SourcesError(f"Parquet needs pyarrow; {how_to_install('parquet')}") from None
    rows = [fact.cells for fact in facts(registry)]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
    table = pyarrow.table(columns).replace_schema_metadata({"version": registry.version})
    parquet.write_table(table, path, compression="zstd")


_CONTEXT = {
    "@version": 1.1,
    "@vocab": "https://schema.org/",
    "id": "@id",
    "type": "@type",
    "sameAs": {"@id": "https://schema.org/sameAs", "@type": "@id"},
    "url": {"@id": "https://schema.org/url", "@type": "@id"},
    "license": {"@id": "https://schema.org/license"},
    "parentOrganization": {"@id": "https://schema.org/parentOrganization", "@type": "@id"},
    "names": {"@id": "https://schema.org/alternateName", "@container": "@language"},
}
_SITES = {
    "x": "https://x.com/{}",
    "telegram": "https://t.me/{}",
    "youtube": "https://www.youtube.com/@{}",
    "facebook": "https://www.facebook.com/{}",
    "instagram": "https://www.instagram.com/{}/",
    "tiktok": "https://www.tiktok.com/@{}",
    "vk": "https://vk.com/{}",
    "weibo": "https://weibo.com/{}",
    "substack": "https://{}.substack.com",
    "threads": "https://www.threads.net/@{}",
    "bluesky": "https://bsky.app/profile/{}",
}


def write_jsonld(registry: Registry, file: IO[str]) -> None:
    """Write one graph in schema.org's terms: NewsMediaOrganization, and Organization of owners.

    What schema.org has no term for is a PropertyValue, with its citation and licence.
    """
    file.write('{"@context": ' + json.dumps(_CONTEXT) + ',\n"@graph": [\n')
    first = True
    for outlet in registry:
        file.write(("" if first else ",\n") + json.dumps(_news(outlet), ensure_ascii=False))
        first = False
    others = list(map(_organisation, owners_of(registry)))
    others += map(_network, registry.networks())
    others += (_website(site, registry) for site in registry.sites())
    file.writelines(",\n" + json.dumps(one, ensure_ascii=False) for one in others)
    file.write("\n]}\n")


def _news(outlet: Outlet) -> dict[str, Any]:
    named: dict[str, list[str]] = {}
    for name in outlet.names:
        if name.kind is not NameKind.MAIN:
            named.setdefault(name.lang or "@none", []).append(name.text)
    same = [f"http://www.wikidata.org/entity/{outlet.wikidata}"] if outlet.wikidata else []
    same += [
        _SITES[one.platform].format(one.handle)
        for one in outlet.accounts
        if one.platform in _SITES and not one.handle.startswith("UC")
    ]
    main = next((d.host for d in outlet.domains if d.role is DomainRole.MAIN), None)
    funding = next((one.value for one in outlet.said(About.FUNDING)), None)
    found: dict[str, Any] = {
        "id": f"urn:framescope:outlet:{outlet.id}",
        "type": "NewsMediaOrganization",
        "name": outlet.name,
        "names": named,
        "url": f"https://{main}/" if main else None,
        "sameAs": same,
        "address": outlet.country and {"type": "PostalAddress", "addressCountry": outlet.country},
        "ownershipFundingInfo": _ownership(outlet, funding),
        "parentOrganization": [f"urn:framescope:owner:{held.owner.id}" for held in outlet.holdings],
        "additionalProperty": [
            _property(fact) for fact in facts_of_outlet(outlet) if fact.source != OURS
        ],
    }
    return {key: value for key, value in found.items() if value}


def _ownership(outlet: Outlet, funding: str | None) -> str:
    owned = "; ".join(held.owner.name for held in outlet.holdings)
    parts = [f"owned by {owned}" if owned else "", f"funding: {funding}" if funding else ""]
    return "; ".join(filter(None, parts))


def _organisation(owner: Owner) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": f"urn:framescope:owner:{owner.id}",
        "type": "Person" if owner.kind == "person" else "Organization",
        "name": owner.name,
        "parentOrganization": [f"urn:framescope:owner:{held.owner.id}" for held in owner.holdings],
        "additionalProperty": [_property(fact) for fact in facts_of_owner(owner)],
    }
    return {key: value for key, value in found.items() if value}


def _network(network: Network) -> dict[str, Any]:
    return {
        "id": f"urn:framescope:network:{network.id}",
        "type": "Organization",
        "name": network.name,
        "additionalProperty": [_property(fact) for fact in facts_of_network(network)],
    }


def _website(site: NetworkSite, registry: Registry) -> dict[str, Any]:
    network = registry.network_called(site.network)
    found = {
        "id": f"urn:framescope:site:{site.host}",
        "type": "WebSite",
        "url": f"https://{site.host}/",
        "additionalProperty": [_property(fact) for fact in facts_of_site(site, registry)],
    }
    return found | (
        {} if network is None else {"isPartOf": {"id": f"urn:framescope:network:{network.id}"}}
    )


def _property(fact: Fact) -> dict[str, Any]:
    cited = {"type": "CreativeWork", "name": fact.source, "license": fact.licence}
    cited |= {"url": fact.url} if fact.url else {}
    cited |= {"datePublished": fact.date} if fact.date else {}
    return {
        "type": "PropertyValue",
        "name": fact.fact,
        "value": fact.value,
        **({"description": fact.detail} if fact.detail else {}),
        "subjectOf": cited,
    }


_WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "jsonld": write_jsonld}


def export(registry: Registry, format: str, target: IO[str] | Path) -> None:
    """Write a registry in a format: to an open file, Parquet to a path.

    Raises `SourcesError` when what it needs is missing.
    """
    if isinstance(target, Path):
        write_parquet(registry, target)
    else:
        _WRITERS[format](registry, target)
