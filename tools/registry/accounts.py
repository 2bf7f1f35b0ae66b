"""Outlets' accounts at platforms, from lists and by hand."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from framescope.classifier.outlets import account_in, countries
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import Account, Evidence

from tools.registry.material import (
    MATRIX,
    NEWSMAP,
    SPEAKERS,
    DataSet,
    Draft,
    EvidenceError,
    evidence_of,
    files,
    host_of,
    rows_by_hand,
)
from tools.registry.monitor import speakers

_COLUMNS = ("id", "platform", "handle", "source", "url", "date")


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as a list has it: of an outlet by its name in a country, or at a host."""

    country: str
    names: tuple[str, ...]
    host: str | None
    account: Account


def read_accounts(root: Path, *, allow_changed: bool = False) -> Iterator[Listed]:
    """Read the accounts of the matrix, of the newsmap and of the database of public speakers.

    Raises `EvidenceError` when a file is missing or changed.
    """
    (path,) = files(MATRIX, root, allow_changed=allow_changed)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            country = countries().get(row["Country"].strip(), "")
            names = (" ".join(row["Main assets"].split()), " ".join(row["Media company"].split()))
            for column, cell in row.items():
                if column.lower().endswith(" link") and cell.strip():
                    yield from _listed(country, names[:1], host_of(row["URL"]), cell, MATRIX)
    (path,) = files(NEWSMAP, root, allow_changed=allow_changed)
    for handle, entry in json.loads(path.read_text(encoding="utf-8")).items():
        country = countries().get(entry["country"].strip(), "")
        address = f"x.com/{handle}"
        yield from _listed(country, (entry["company_name"],), None, address, NEWSMAP)
    for row in speakers(root, allow_changed=allow_changed):
        for column, cell in row.items():
            if column.endswith("URL") and "." in cell:
                yield from _listed("DE", (row["Name"].strip(),), None, cell, SPEAKERS)


def _listed(
    country: str, names: tuple[str, ...], host: str | None, address: str, data: DataSet
) -> Iterator[Listed]:
    found = account_in(address.strip())
    if found is not None:
        evidence = Evidence(data.name, data.url, data.date)
        yield Listed(country, names, host, Account(*found, evidence))


def read_by_hand(folder: Path) -> Iterator[tuple[str, str, Account]]:
    """Read accounts by hand: where each stands, the outlet's id, the account.

    Raises `EvidenceError` when a row can't be read; it names file, row, field and reason.
    """
    for where, row in rows_by_hand(folder, "*.tsv", _COLUMNS, "accounts"):
        yield where, row["id"], Account(row["platform"], row["handle"], evidence_of(row))


def add_accounts(
    root: Path,
    hand: Path,
    drafts: Mapping[str, Draft],
    log: list[str],
    *,
    allow_changed: bool = False,
) -> None:
    """Add every account to the outlet that it is of; one that two outlets claim is nobody's.

    Rows by hand win. A list's account goes to the outlet at its host, else to the only one of its
    name in its country.
    """
    owner: dict[tuple[str, str], str] = {}
    for where, id, account in read_by_hand(hand):
        if id not in drafts:
            raise EvidenceError(f"{where}, field 'id': no outlet is {id!r}")
        owner[account.platform, account.handle.lower()] = id
        drafts[id].accounts.append(account)
    at = {domain.host: draft for draft in drafts.values() for domain in draft.domains}
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for draft in drafts.values():
        for key in draft.folded():
            named[draft.country or "", key].add(draft.id)
    claims: dict[tuple[str, str], dict[str, Account]] = defaultdict(dict)
    nobody = 0
    for one in read_accounts(root, allow_changed=allow_changed):
        ids = {id for name in one.names for id in named.get((one.country, fold(name)), ())}
        if len(ids) != 1 and one.host in at:
            ids = {at[one.host].id}
        if len(ids) != 1:
            nobody += 1
            continue
        account = one.account
        claims[account.platform, account.handle.lower()].setdefault(ids.pop(), account)
    for place, claimants in sorted(claims.items()):
        if place in owner:
            continue
        if len(claimants) > 1:
            log.append(f"accounts: {' '.join(place)} could be {', '.join(claimants)}'s; left out")
            continue
        [(id, account)] = claimants.items()
        drafts[id].accounts.append(account)
    log.append(f"accounts: {nobody} listed ones are no outlet's in the registry")
