"""Outlets of the State Media Matrix: every state-affiliated one, its owner, and who steers it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from framescope.classifier.outlets import addresses, schema, slug
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import (
    About,
    Code,
    Domain,
    DomainRole,
    Evidence,
    Medium,
    Name,
    NameKind,
    Statement,
)

from tools.registry.material import MATRIX, DataFolder, Draft, EvidenceError, Held, by_hand, host_of
from tools.registry.owners import Owners

# A part of a site that is a language of it, not another site.
_SECTION = re.compile(r"(?:en|eng|english|old|v2|ru|uk)\.")

# What stands before an asset's name in the matrix, and the medium it tells.
_PREFIXES = {
    "Television": Medium.TELEVISION,
    "Print": Medium.NEWSPAPER,
    "Print media": Medium.NEWSPAPER,
    "Radio": Medium.RADIO,
    "News agency": Medium.AGENCY,
    "Online": Medium.WEBSITE,
    "News portals": Medium.WEBSITE,
}
_PREFIX = re.compile(rf"^({'|'.join(map(re.escape, _PREFIXES))}): ")

_MEDIA = (
    (Medium.AGENCY, r"news agency|press agency|agence|agencia|agência|news service|\bagency\b"),
    (Medium.BROADCASTER, r"broadcast|radio.*t[eé]l[eé]vi|radiotelevi|rundfunk"),
    (Medium.TELEVISION, r"\btv\b|\btv[ -]?\d|tv$|^tv|t[eé]l[eé]vi[sz]|canal|channel|\bkanal\b"),
    (Medium.RADIO, r"radi[oójt]|r[àáa]di[oóu]|\bfm\b"),
    (Medium.WEBSITE, r"\.[a-z]{2,4}$|online|digital"),
    (Medium.NEWSPAPER, r"daily|times|gazet|newspaper|post$|herald|courier|tribune|sinmun|sinbo"),
)
_PAPER_COMPANY = re.compile(
    r"newspaper|press unit|government press|press department|printing|press foundation|polska press"
    r"|publications de presse|department of information",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A row of the matrix, cleaned."""

    country: str
    company: str  # without its bracketed part, the abbreviation; may be empty
    asset: str  # the cell "Main assets" as it stands
    host: str | None
    code: Code
    abbreviation: str = ""
    name: str = ""  # the outlet's main one
    names: tuple[Name, ...] = ()
    medium: Medium = Medium.OTHER
    role: DomainRole | None = None  # of the host, where `matrix.tsv` says so


def read_matrix(data: DataFolder, owners: Owners, log: list[str]) -> list[Draft]:
    """Read the outlets of the matrix, and take the companies that own them into `owners`."""
    rows = list(_read_rows(data, log))
    outlets: dict[tuple[str, str], Draft] = {}
    members: dict[tuple[str, str], list[Asset]] = defaultdict(list)
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
            _control(members[key], draft, owners, log)
    for key, assets in companies.items():
        draft = outlets[key]
        if not draft.statements:  # only the house: as all of its outlets are
            codes = {row.code for row in assets}
            if len(codes) == 1:
                draft.statements.append(_coded(codes.pop()))
            else:
                log.append(f"matrix: {draft.name}'s outlets have several codes; it gets none")
    return list(outlets.values())


def _companies(
    rows: list[Asset], outlets: dict[tuple[str, str], Draft]
) -> dict[tuple[str, str], list[Asset]]:
    """Return each company its outlet: its only one, the one of its name, or a house of its own."""
    by_company: dict[tuple[str, str], list[Asset]] = defaultdict(list)
    for row in rows:
        if row.company:
            by_company[(row.country, fold(row.company))].append(row)
    for key, assets in by_company.items():
        company, abbreviation = assets[0].company, assets[0].abbreviation
        names = {(row.country, fold(row.name)) for row in assets}
        if key not in outlets and len(names) == 1:
            outlets[names.pop()].add_name(typed(company))
            outlets[(key[0], fold(assets[0].name))].add_name(typed(abbreviation))
            continue
        if key not in outlets:
            broadcaster = re.search(r"broadcast|radio|tele[vw]i|rundfunk", company, re.IGNORECASE)
            medium = Medium.BROADCASTER if broadcaster else Medium.PUBLISHER
            outlets[key] = Draft(company, "matrix", medium=medium, country=key[0])
        outlets[key].add_name(typed(abbreviation))  # which takes none that is empty
    return {key: assets for key, assets in by_company.items() if key in outlets}


def _place_hosts(
    rows: list[Asset],
    outlets: dict[tuple[str, str], Draft],
    companies: Mapping[tuple[str, str], list[Asset]],
    log: list[str],
) -> None:
    """Return each host to one outlet: the house, when several of its outlets share it."""
    claims: dict[str, list[Asset]] = defaultdict(list)
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
        if (
            (root := addresses.registrable_host(host))
            and root not in claims
            and _SECTION.match(host)
        ):
            # The site as such is theirs too, when what is listed is a language of it.
            draft.add_domain(Domain(root, _role(draft, None)))
        given = next((row.role for row in claimants if row.role), None)
        draft.add_domain(Domain(host, _role(draft, given)))
    for draft in outlets.values():
        draft.domains.sort(key=lambda domain: domain.role is not DomainRole.MAIN)


def _role(draft: Draft, given: DomainRole | None) -> DomainRole:
    if not draft.domains:
        return DomainRole.MAIN
    main = any(domain.role is DomainRole.MAIN for domain in draft.domains)
    return given or (DomainRole.EDITION if main else DomainRole.MAIN)


def _labels(host: str) -> set[str]:
    return {addresses.host_label(host), host.split(".")[0], "".join(host.split(".")[-2:])}


def _compact(name: str) -> str:
    return slug(name).replace("-", "")


def _control(rows: list[Asset], draft: Draft, owners: Owners, log: list[str]) -> None:
    codes = list(dict.fromkeys(row.code for row in rows))
    if len(codes) > 1:
        listed = ", ".join(codes)
        log.append(f"matrix: {draft.name} has several codes ({listed}); the first stands")
    draft.statements.append(_coded(codes[0]))
    owner = next((row.company for row in rows if row.company), None)
    if owner and fold(owner) != fold(draft.name):
        draft.held.append(Held(owners.take(owner, rows[0].country, _EVIDENCE), None, _EVIDENCE))


_EVIDENCE = Evidence(MATRIX.name, MATRIX.url, MATRIX.date)


def _coded(code: Code) -> Statement:
    return Statement(About.CODE, code, _EVIDENCE)


def _read_rows(data: DataFolder, log: list[str]) -> Iterator[Asset]:
    # What a rule can't clean stands in tables by hand: an asset's names, or the outlet that it is
    # an edition of; companies of two names, or none; addresses of somebody else's site.
    companies = {entry["company"]: entry["name"] for entry in by_hand("companies")}
    fixes = {(fix["country"], fix["asset"]): fix for fix in by_hand("matrix")}
    foreign = {row["host"]: row["why"] for row in by_hand("hosts") if row["list"] == "matrix"}
    for where, cells in data.rows(MATRIX):
        asset = _squeeze(cells["Main assets"])
        if not asset:
            continue
        country = schema.countries().get(cells["Country"].strip())
        typology = cells["Typology"].strip().rstrip("?")
        if country is None or typology not in set(Code):
            raise EvidenceError(
                f"{where}: country {cells['Country']!r} or code "
                f"{cells['Typology']!r} is unknown; name it in tools/registry"
            )
        host = host_of(cells["URL"])
        if host in foreign:
            log.append(f"matrix: {host} is not {asset}'s: {foreign[host]}")
            host = None
        company = _squeeze(cells["Media company"]).rstrip("*")
        row = Asset(country, companies.get(company, company), asset, host, Code(typology))
        yield _cleaned(replace(row, medium=_medium(asset, company)), fixes)


def _cleaned(row: Asset, fixes: Mapping[tuple[str, str], Mapping[str, str]]) -> Asset:
    """Tell names from what stands around them, by the rules and by hand."""
    cleaned, medium = row.asset.rstrip("*"), None
    if prefix := _PREFIX.match(cleaned):
        medium = _PREFIXES[prefix[1]]
        cleaned = cleaned[prefix.end() :]
    owner, abbreviation = _brackets(row.company)
    fix = fixes.get((row.country, row.asset)) or fixes.get((row.country, cleaned))
    names: list[Name] = []
    if fix:
        name = fix["name"] or cleaned
        names = [typed(text) for text in fix["names"].split(" | ") if text]
        if fix["role"] == DomainRole.EDITION and "(" not in cleaned:
            names.append(typed(cleaned))
        medium = Medium(fix["medium"]) if fix["medium"] else medium
    else:
        name, bracketed = _brackets(cleaned)
        if bracketed:
            names = [typed(bracketed)]
    # "APP" of "Associated Press of Pakistan (APP)" is the company itself.
    if not (fix and fix["name"]) and owner and fold(name) == fold(abbreviation):
        names.append(typed(name))
        name = owner
    role = DomainRole(fix["role"]) if fix and fix["role"] else None
    known = replace(row, company=owner, abbreviation=abbreviation, role=role)
    return replace(known, name=name, names=tuple(names), medium=medium or row.medium)


def _medium(asset: str, company: str) -> Medium:
    def told_by(text: str) -> Medium | None:
        return next((m for m, said in _MEDIA if re.search(said, text, re.IGNORECASE)), None)

    paper = Medium.NEWSPAPER if _PAPER_COMPANY.search(company) else None
    return told_by(_brackets(asset.rstrip("*"))[0]) or paper or told_by(company) or Medium.OTHER


def typed(text: str) -> Name:
    """Make a name, of the kind that its letters show."""
    if not re.search(r"[A-Za-zÀ-ɏ]", text):
        return Name(text, NameKind.NATIVE)
    short = re.fullmatch(r"[A-Z0-9][\w/:+.-]{0,9}", text)
    letters = [letter for letter in text if letter.isalpha()]
    if short and sum(letter.isupper() for letter in letters) * 2 > len(letters):
        return Name(text, NameKind.ABBREVIATION)
    return Name(text, NameKind.ALIAS)


def _brackets(name: str) -> tuple[str, str]:
    """Split "China Media Group (CMG)" in two; without brackets the second is empty."""
    match = re.fullmatch(r"(.+?) \(([^()]+)\)", name)
    return (match[1], match[2]) if match else (name, "")


def _squeeze(cell: str) -> str:
    return " ".join(cell.split())
