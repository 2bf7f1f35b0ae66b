"""What a user's own outlets take from those of the registry, or share with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from classifier.sources.registry import hosts
from classifier.sources.registry.check import Problem
from classifier.sources.registry.registry import Registry
from classifier.values import Outlet


def clashes(registry: Registry, own: Sequence[Outlet]) -> list[Problem]:
    """Check a user's outlets against the registry.

    Parameters
    ----------
    registry : Registry
        Without them.
    own : sequence of Outlet

    Returns
    -------
    list of Problem
        Errors first: what makes a look-up give nothing. Warnings: hosts, names and QIDs that
        another outlet has as well.
    """
    owners: dict[str, list[str]] = defaultdict(list)
    ids = {outlet.id for outlet in own}
    for host, id in registry.domains():
        if id not in ids:
            owners[host].append(id)
    qids = {outlet.wikidata: outlet.id for outlet in registry if outlet.id not in ids}
    both = registry.with_outlets(own)
    found: list[Problem] = []
    for outlet in own:
        found += _of_hosts(outlet, owners)
        found += _of_names(outlet, both)
        for domain in outlet.domains:
            owners[domain.host].append(outlet.id)
        other = qids.get(outlet.wikidata) if outlet.wikidata else None
        if other is not None:
            said = f"wikidata {outlet.wikidata} is that of {other} too"
            found.append(Problem("warning", "duplicate", outlet.id, said))
        qids[outlet.wikidata] = outlet.id
    return sorted(found, key=lambda p: (p.level, p.kind, p.subject, p.message))


def _of_hosts(outlet: Outlet, owners: dict[str, list[str]]) -> Iterator[Problem]:
    for domain in outlet.domains:
        if hosts.is_suffix(domain.host):
            said = f"{domain.host} is a public suffix, nobody's own"
            yield Problem("error", "host", outlet.id, said)
        for other in owners.get(domain.host, ()):
            said = f"{domain.host} is a host of {other} too; the last one read has it"
            yield Problem("warning", "duplicate", outlet.id, said)


def _of_names(outlet: Outlet, both: Registry) -> Iterator[Problem]:
    for name in outlet.names:
        others = [other.id for other in both.called(name.text) if other.id != outlet.id]
        if others and not name.ambiguous:
            said = f"{name.text!r} is a name of {', '.join(others)} too; mark it ambiguous"
            yield Problem("warning", "ambiguous", outlet.id, said)
