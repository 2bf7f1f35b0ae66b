"""Outlets of the State Media Matrix: every state-affiliated one, its owner, and who steers it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classifier.sources import fold_name as fold
from classifier.sources import host_label, registrable_host
from classifier.values import Code, Control, Domain, DomainRole, Evidence, Holder, Medium
from training.registry.draft import Draft, slug
from training.registry.evidence import MATRIX, files
from training.registry.matrix_rows import Row, read_rows, typed

#: Who holds funding, governance and the editorial line by the code, as the matrix's README has
#: it. "Yes/No" stands for captured private media: it differs between them, so it is unknown.
HOLDERS: Mapping[Code, tuple[Holder, Holder, Holder]] = {
    Code.SC: (Holder.STATE, Holder.STATE, Holder.STATE),
    Code.CAPU: (Holder.NOT_STATE, Holder.STATE, Holder.STATE),
    Code.CAPR: (Holder.UNKNOWN, Holder.NOT_STATE, Holder.STATE),
    Code.ISFM: (Holder.STATE, Holder.STATE, Holder.NOT_STATE),
    Code.ISF: (Holder.STATE, Holder.NOT_STATE, Holder.NOT_STATE),
    Code.ISM: (Holder.NOT_STATE, Holder.STATE, Holder.NOT_STATE),
    Code.IP: (Holder.NOT_STATE, Holder.NOT_STATE, Holder.NOT_STATE),
}

# A part of a site that is a language of it, not another site.
_SECTION = re.compile(r"(?:en|eng|english|old|v2|ru|uk)\.")


@dataclass
class Matrix:
    """What the matrix gives: the outlets, and what was merged or dropped on the way."""

    drafts: list[Draft]
    rows: list[Row]
    log: list[str] = field(default_factory=list)


def read_matrix(root: Path, *, allow_changed: bool = False) -> Matrix:
    """Read the matrix.

    Raises
    ------
    EvidenceError
        When it is missing or changed, or a row's country or code isn't one that is known.
    """
    (path,) = files(MATRIX, root, allow_changed=allow_changed)
    log: list[str] = []
    rows = list(read_rows(path, log))
    return Matrix(_outlets(rows, log), rows, log)


def _outlets(rows: list[Row], log: list[str]) -> list[Draft]:
    outlets: dict[tuple[str, str], Draft] = {}
    members: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        key = (row.country, fold(row.name))
        members[key].append(row)
        if key not in outlets:
            outlets[key] = Draft(row.name, "matrix", medium=row.medium, country=row.country)
        for name in row.names:
            outlets[key].add_name(name)
    companies = _companies(rows, outlets)
    _place_hosts(rows, outlets, companies, log)
    for key, draft in outlets.items():
        if key in members:
            draft.control = _control(members[key], draft, log)
    for key, assets in companies.items():
        draft = outlets[key]
        if draft.control is None:  # only the house: as all of its outlets are
            codes = {row.code for row in assets}
            if len(codes) == 1:
                draft.control = _controlled(codes.pop(), None)
            else:
                log.append(f"matrix: {draft.name}'s outlets have several codes; it gets none")
    return list(outlets.values())


def _companies(
    rows: list[Row], outlets: dict[tuple[str, str], Draft]
) -> dict[tuple[str, str], list[Row]]:
    """Give each company its outlet: its only one, the one of its name, or a house of its own."""
    by_company: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.company:
            by_company[(row.country, fold(row.company))].append(row)
    for key, assets in by_company.items():
        company, abbreviation = assets[0].company, assets[0].abbreviation
        names = {(row.country, fold(row.name)) for row in assets}
        if key not in outlets and len(names) == 1:
            outlets[names.pop()].add_name(typed(company))
            _abbreviate(outlets[(key[0], fold(assets[0].name))], abbreviation)
            continue
        if key not in outlets:
            broadcaster = re.search(r"broadcast|radio|tele[vw]i|rundfunk", company, re.IGNORECASE)
            medium = Medium.BROADCASTER if broadcaster else Medium.PUBLISHER
            outlets[key] = Draft(company, "matrix", medium=medium, country=key[0])
        _abbreviate(outlets[key], abbreviation)
    return {key: assets for key, assets in by_company.items() if key in outlets}


def _abbreviate(draft: Draft, abbreviation: str) -> None:
    if abbreviation:
        draft.add_name(typed(abbreviation))


def _place_hosts(
    rows: list[Row],
    outlets: dict[tuple[str, str], Draft],
    companies: Mapping[tuple[str, str], list[Row]],
    log: list[str],
) -> None:
    """Give each host to one outlet: the house, when several of its outlets share it."""
    claims: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.host:
            claims[row.host].append(row)
    for host, claimants in claims.items():
        keys = list(dict.fromkeys((row.country, fold(row.name)) for row in claimants))
        houses = list(dict.fromkeys((row.country, fold(row.company)) for row in claimants))
        owner = keys[0]
        if len(keys) > 1:
            # The company's own outlet, or the one that the host is named after, or the house that
            # all of them belong to, or the first.
            own = [key for key in keys if key in companies and key in houses]
            shared = houses if len(houses) == 1 and houses[0] in companies else []
            titled = [key for key in keys if _compact(outlets[key].name) in _labels(host)]
            owner = (own or titled or shared or keys)[0]
            others = [outlets[key].name for key in keys if key != owner]
            log.append(f"matrix: {host} is {outlets[owner].name}'s, not {', '.join(others)}'s")
        draft = outlets[owner]
        if (root := registrable_host(host)) and root not in claims and _SECTION.match(host):
            # The site as such is theirs too, when what is listed is a language of it.
            draft.add_domain(Domain(root, _role(draft, None)))
        given = next((row.role for row in claimants if row.role), None)
        draft.add_domain(Domain(host, _role(draft, given)))
    for draft in outlets.values():
        draft.domains.sort(key=lambda domain: domain.role is not DomainRole.MAIN)


def _role(draft: Draft, given: DomainRole | None) -> DomainRole:
    if not draft.domains:
        return DomainRole.MAIN
    if any(domain.role is DomainRole.MAIN for domain in draft.domains):
        return given or DomainRole.EDITION
    return given or DomainRole.MAIN


def _labels(host: str) -> set[str]:
    return {host_label(host), host.split(".")[0], "".join(host.split(".")[-2:])}


def _compact(name: str) -> str:
    return slug(name).replace("-", "")


def _control(rows: list[Row], draft: Draft, log: list[str]) -> Control:
    codes = list(dict.fromkeys(row.code for row in rows))
    if len(codes) > 1:
        listed = ", ".join(codes)
        log.append(f"matrix: {draft.name} has several codes ({listed}); the first stands")
    owner = next((row.company for row in rows if row.company), None)
    if owner and fold(owner) == fold(draft.name):
        owner = None
    return _controlled(codes[0], owner)


def _controlled(code: Code, owner: str | None) -> Control:
    evidence = Evidence(MATRIX.name, MATRIX.url, MATRIX.date)
    return Control(*HOLDERS[code], code, owner, evidence)
