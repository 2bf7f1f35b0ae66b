"""Build the registry: evidence and hand rows in, tables out, and what was decided on the way.

The tables are sorted, one file for each kind of fact, the same bytes each time.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from framescope.classifier.outlets import addresses, shipped_tables
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.outlets.registry.check import ambiguous_names
from framescope.classifier.records import Assessment, Domain, DomainRole, Role

from tools.registry.accounts import add_accounts
from tools.registry.lists import (
    Listing,
    identify,
    named_outlets,
    read_influence,
    read_networks,
    read_newsmap,
    read_perennial,
    settle,
)
from tools.registry.material import DataFolder, Draft, EvidenceError, Held, hosts_by_hand
from tools.registry.matrix import read_matrix
from tools.registry.merge import FOLDER, merge, read_hand
from tools.registry.monitor import add_financing, add_monitor, read_statements
from tools.registry.owners import Owners, read_owners
from tools.registry.writing import evidence_cells, write_tables

#: Of the data; a new one when the evidence or the rows by hand change what a look-up gives.
VERSION = "2026.11.30"
_COPIES = frozenset({"Doppelganger", "RRN"})  # networks whose copies are of somebody's site


@dataclass
class Built:
    """The number of rows in each table, and a log of what was merged, dropped or left open."""

    rows: dict[str, int]
    log: list[str]


def build(
    evidence: Path, output: Path | None = None, *, hand: Path = FOLDER, allow_changed: bool = False
) -> Built:
    """Build the tables from the folder of the public data sets (docs/registry.md).

    Raises `EvidenceError` when a data set is missing or changed, or a row can't be read.
    """
    data, owners, log = DataFolder(evidence, allow_changed), Owners(), list[str]()
    held = read_owners(data, owners, hand / "owners")
    matrix = read_matrix(data, owners, log)
    drafts = merge(read_hand(hand), [*matrix, *named_outlets()], log)
    by_id = {draft.id: draft for draft in drafts}
    _control(data, hand, by_id, owners, held, log)
    add_accounts(data, hand / "accounts", by_id, log)
    found = identify(drafts, read_newsmap(data), log)
    log.append(f"wikidata: {found} outlets identified by name and country")
    whose = _Hosts(drafts)
    for year in read_perennial(data):
        _assess(whose, year, log)
    settle(drafts)
    listings = read_influence(data, log)
    sites = _sites(whose, listings, log)
    _mark_ambiguous(drafts, ambiguous_names(shipped_tables()))
    for draft in drafts:
        _prune(draft, log)
    networks = read_networks(data, hand / "networks")
    rows = write_tables(output or shipped_tables(), VERSION, drafts, sites, owners, networks)
    return Built(rows, log)


def _control(
    data: DataFolder,
    hand: Path,
    drafts: dict[str, Draft],
    owners: Owners,
    held: dict[str, list[Held]],
    log: list[str],
) -> None:
    """Tell who owns, funds and steers each outlet: lists, rows by hand, and what follows."""
    add_monitor(data, drafts, owners, log)
    for id, holdings in held.items():
        if id not in drafts:
            raise EvidenceError(f"{hand}/owners: holdings: no outlet and no owner is {id!r}")
        for one in holdings:
            drafts[id].hold(one)
    for where, id, statement in read_statements(data, hand / "statements"):
        if id not in drafts:
            raise EvidenceError(f"{where}, field 'id': no outlet is {id!r}")
        drafts[id].statements.append(statement)
    add_financing(data, drafts, log)


class _Hosts:
    """Whose a host is: an outlet's, by the host or one above it."""

    def __init__(self, drafts: list[Draft]) -> None:
        self.drafts = drafts
        self._hosts = {domain.host: (draft, domain) for draft in drafts for domain in draft.domains}
        self._labels: dict[str, set[str]] = defaultdict(set)
        self._by_id = {draft.id: draft for draft in drafts}
        self._meant = hosts_by_hand("networks")
        for draft in drafts:
            for domain in draft.domains:
                if domain.role is not DomainRole.IMPOSTER:
                    self._labels[addresses.host_label(domain.host)].add(draft.id)

    def at(self, host: str) -> tuple[Draft, Domain] | None:
        """Return the outlet and the entry that a host falls under."""
        return next(
            (self._hosts[h] for h in addresses.host_parents(host) if h in self._hosts), None
        )

    def copied(self, host: str, reason: str) -> str | None:
        """Return the outlet that a host is said to copy, if the registry has it and only one."""
        if meant := self._meant.get(host):
            return meant if meant in self._by_id else None
        for address in re.findall(r"[\w-]+(?:\.[\w-]+)+", reason):
            named = addresses.host_in(address)
            if named and (owner := self.at(named)):
                return owner[0].id
        label = addresses.host_label(host)
        found = self._labels.get(label, set()) | self._labels.get(label.replace("-", ""), set())
        return next(iter(found)) if len(found) == 1 else None


def _assess(owners: _Hosts, found: dict[str, Assessment], log: list[str]) -> None:
    """Return outlets their ratings; that of the main host, when two hosts have different ones."""
    ratings: dict[str, list[tuple[bool, str, Assessment]]] = defaultdict(list)
    unknown = 0
    by_id = {draft.id: draft for draft in owners.drafts}
    for host, assessment in found.items():
        owner = owners.at(host)
        if owner is None or owner[1].role is DomainRole.IMPOSTER:
            unknown += 1
            continue
        draft, domain = owner
        ratings[draft.id].append((domain.role is not DomainRole.MAIN, host, assessment))
    for id, given in ratings.items():
        given.sort(key=lambda entry: entry[:2])
        by_id[id].assessments.append(given[0][2])
        if len({assessment.value for *_, assessment in given}) > 1:
            listed = ", ".join(f"{host} {rating.value}" for _, host, rating in given)
            log.append(f"perennial: {id} has several ratings ({listed}); the first stands")
    log.append(f"perennial: {unknown} of {len(found)} hosts are no outlet's in the registry")


def _sites(owners: _Hosts, listings: list[Listing], log: list[str]) -> list[tuple[str, ...]]:
    """Settle which hosts are an outlet's own, and what the rest are."""
    by_host: dict[str, list[Listing]] = defaultdict(list)
    listed: dict[tuple[str, str], list[Listing]] = defaultdict(list)
    by_id = {draft.id: draft for draft in owners.drafts}
    own = pages = 0
    for listing in listings:
        owner = owners.at(listing.host)
        if owner is None or owner[1].role is DomainRole.IMPOSTER:
            by_host[listing.host].append(listing)
        elif owner[0].role is Role.PLATFORM:
            pages += 1
        else:
            own += 1
            listed[(owner[0].id, listing.network)].append(listing)
    for (id, network), said in listed.items():
        strongest = max(said, key=lambda s: (s.confidence, s.evidence.date or "", s.host))
        by_id[id].assessments.append(
            Assessment("influence_network", network, strongest.evidence, strongest.confidence)
        )
    log.append(f"networks: {own} rows name an outlet's own host; they are assessments of it")
    log.append(f"networks: {pages} rows name a page on an outlet that is a platform; left out")
    rows = [_site(owners, host, said) for host, said in by_host.items()]
    log.append(f"networks: {sum(map(len, by_host.values())) - len(rows)} rows repeat a host")
    return rows


def _site(owners: _Hosts, host: str, said: list[Listing]) -> tuple[str, ...]:
    def strength(listing: Listing) -> tuple[bool, float, str]:
        return listing.clone_of is not None, listing.confidence, listing.evidence.date or ""

    best = max(said, key=strength)
    owner = owners.at(host)  # an imposter that a row by hand names
    copied = owner[0].id if owner else None
    if copied is None and best.clone_of is not None:
        copied = owners.copied(host, best.clone_of)
    # A "copy" of no outlet in particular is a site with an invented title.
    copies = copied is not None or (best.clone_of is not None and best.network in _COPIES)
    kind = "imposter" if copies else "site"
    return (host, best.network, kind, copied or "", *evidence_cells(best.evidence))


def _mark_ambiguous(drafts: list[Draft], known: dict[str, str]) -> None:
    """Mark the names that two share or that mean other things; "NBC" is one outlet's alone."""
    ids = {draft.id for draft in drafts}
    known = {key: holder if holder in ids else "" for key, holder in known.items()}
    for draft in drafts:
        draft.names = [
            name for name in draft.names if known.get(fold(name.text)) in (None, "", draft.id)
        ]
    sharers: dict[str, set[str]] = defaultdict(set)
    taken = {key for draft in drafts if not draft.lesser for key in draft.folded()}
    for draft in drafts:
        if draft.lesser:
            draft.names = [name for name in draft.names if fold(name.text) not in taken]
            draft.main_ambiguous |= fold(draft.name) in taken
        for key in draft.folded() if not draft.lesser else draft.folded() - taken:
            sharers[key].add(draft.id)

    def ambiguous(text: str, id: str, marked: bool) -> bool:
        key = fold(text)
        holder = known.get(key)
        if holder:
            return holder != id
        return marked or key in known or len(sharers[key]) > 1

    for draft in drafts:
        draft.main_ambiguous = ambiguous(draft.name, draft.id, draft.main_ambiguous)
        draft.names = [
            replace(name, ambiguous=ambiguous(name.text, draft.id, name.ambiguous))
            for name in draft.names
        ]


def _prune(draft: Draft, log: list[str]) -> None:
    """Leave out names that only repeat another, and hosts that are public suffixes (``gov.cn``)."""
    for domain in draft.domains:
        if addresses.is_public_suffix(domain.host):
            log.append(f"hosts: {domain.host} of {draft.id} is a public suffix; left out")
    draft.domains = [
        domain for domain in draft.domains if not addresses.is_public_suffix(domain.host)
    ]
    seen = {fold(draft.name): draft.name}
    kept = []
    for name in draft.names:
        key = fold(name.text)
        if key in seen and not _differs(seen[key], name.text):
            continue
        seen.setdefault(key, name.text)
        kept.append(name)
    draft.names = kept


def _differs(known: str, text: str) -> bool:
    """Whether the case of two spellings differs in a way that a search in text would miss."""
    shouted = known.isupper() != text.isupper()
    mixed = known[:1].islower() and known[-1:].isupper()  # teleSUR, which others write Telesur
    return (shouted or (mixed and text.istitle())) and " " not in text
