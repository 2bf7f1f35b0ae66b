"""Read the State Media Matrix row by row, and clean what its cells hold beside names."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.sources import countries
from classifier.sources import fold_name as fold
from classifier.values import Code, DomainRole, Medium, Name, NameKind
from training.registry.draft import host_of
from training.registry.evidence import EvidenceError

_HERE = Path(__file__).parent

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
class Row:
    """A row of the matrix, cleaned.

    Attributes
    ----------
    asset : str
        The cell "Main assets" as it stands.
    name : str
        The outlet's main name.
    company, abbreviation : str
        The company without and the bracketed part of it; both may be empty.
    role : DomainRole or None
        What the host is, where `matrix.tsv` says so; otherwise an outlet's first host is its main
        one and the rest are editions.
    """

    line: int
    country: str
    company: str
    abbreviation: str
    asset: str
    name: str
    names: tuple[Name, ...]
    medium: Medium
    host: str | None
    code: Code
    role: DomainRole | None


def read_rows(path: Path, log: list[str]) -> Iterator[Row]:
    """Read the matrix's rows.

    What a rule can't clean stands in tables beside this module: ``matrix.tsv`` (an asset's name
    and its other names, or the outlet that it is an edition of), ``companies.tsv`` (companies that
    go by two names, or by none), ``hosts.tsv`` (addresses that are somebody else's site).

    Raises
    ------
    EvidenceError
        When a row's country or code isn't one that is known.
    """
    companies = {entry["company"]: entry["name"] for entry in _table("companies.tsv")}
    fixes = {(fix["country"], fix["asset"]): fix for fix in _table("matrix.tsv")}
    foreign = {entry["host"]: entry["why"] for entry in _table("hosts.tsv")}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, cells in enumerate(csv.DictReader(file), 2):
            asset = _squeeze(cells["Main assets"])
            if not asset:
                continue
            country = countries().get(cells["Country"].strip())
            typology = cells["Typology"].strip().rstrip("?")
            if country is None or typology not in {code.value for code in Code}:
                raise EvidenceError(
                    f"{path}, row {line}: country {cells['Country']!r} or code "
                    f"{cells['Typology']!r} is unknown; name it in training/registry"
                )
            host = host_of(cells["URL"])
            if host in foreign:
                log.append(f"matrix: {host} is not {asset}'s: {foreign[host]}")
                host = None
            company = _squeeze(cells["Media company"]).rstrip("*")
            owner = companies.get(company, company)
            medium = _medium(asset, company)
            yield _row(line, country, owner, asset, medium, host, Code(typology), fixes)


def _row(
    line: int,
    country: str,
    company: str,
    asset: str,
    guessed: Medium,
    host: str | None,
    code: Code,
    fixes: Mapping[tuple[str, str], Mapping[str, str]],
) -> Row:
    cleaned, medium = asset.rstrip("*"), None
    if prefix := _PREFIX.match(cleaned):
        medium = _PREFIXES[prefix[1]]
        cleaned = cleaned[prefix.end() :]
    owner, abbreviation = _brackets(company)
    fix = fixes.get((country, asset)) or fixes.get((country, cleaned))
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
    medium = medium or guessed
    role = DomainRole(fix["role"]) if fix and fix["role"] else None
    return Row(
        line, country, owner, abbreviation, asset, name, tuple(names), medium, host, code, role
    )


def _medium(asset: str, company: str) -> Medium:
    name = _brackets(asset.rstrip("*"))[0]
    for medium, pattern in _MEDIA:
        if re.search(pattern, name, re.IGNORECASE):
            return medium
    if _PAPER_COMPANY.search(company):
        return Medium.NEWSPAPER
    for medium, pattern in _MEDIA:
        if re.search(pattern, company, re.IGNORECASE):
            return medium
    return Medium.OTHER


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


def _table(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
