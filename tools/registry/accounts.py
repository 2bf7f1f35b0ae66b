"""Outlets' accounts at platforms, from lists and by hand."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from framescope.classifier.outlets import addresses, schema
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import Account, Evidence

from tools.registry.material import (
    MATRIX,
    NEWSMAP,
    SPEAKERS,
    DataFolder,
    DataSet,
    Draft,
    EvidenceError,
    evidence_of,
    host_of,
    rows_by_hand,
)
from tools.registry.monitor import speakers

_COLUMNS = ("id", "platform", "handle", "source", "url", "date")


_Listed = tuple[str, str, str | None, Account]  # of an outlet by its name in a country, or its host


def read_accounts(data: DataFolder) -> Iterator[_Listed]:
    """Read the accounts of the matrix, of the newsmap and of the database of public speakers."""

    def listed(*at: str | None, cell: str, of: DataSet, page: str) -> Iterator[Any]:
        if found := addresses.account_in(cell.strip()):
            yield (*at, Account(*found, Evidence(of.name, page, of.date)))

    for _, row in data.rows(MATRIX):
        at = (
            schema.countries().get(row["Country"].strip(), ""),
            " ".join(row["Main assets"].split()),
        )
        for column, cell in row.items():
            if column.lower().endswith(" link"):
                page = cell.strip() if cell.strip() in data.addresses() else MATRIX.url
                yield from listed(*at, host_of(row["URL"]), cell=cell, of=MATRIX, page=page)
    (path,) = data.files(NEWSMAP)
    for handle, entry in json.loads(path.read_text(encoding="utf-8")).items():
        at = schema.countries().get(entry["country"].strip(), ""), entry["company_name"]
        page = entry["wikidata_id"]
        yield from listed(*at, None, cell=f"x.com/{handle}", of=NEWSMAP, page=page)
    for row in speakers(data):
        for column, cell in row.items():
            if column.endswith("URL") and "." in cell:
                at = "DE", row["Name"].strip()
                yield from listed(*at, None, cell=cell, of=SPEAKERS, page=SPEAKERS.url)


def add_accounts(data: DataFolder, hand: Path, drafts: Mapping[str, Draft], log: list[str]) -> None:
    """Add every account of a list to its outlet; one that two claim is nobody's.

    Rows by hand tell whose it is, else it goes to the only outlet of its name in its country, else
    to that at its host. A row by hand that no list has is a hint alone.
    """
    listed = list(read_accounts(data))
    known = {(one.platform, one.handle.lower()): one for *_, one in listed}
    owner: dict[tuple[str, str], str] = {}
    for where, row in rows_by_hand(hand, "*.tsv", _COLUMNS, "accounts"):
        id, place = row["id"], (row["platform"], row["handle"].lower())
        if id not in drafts:
            raise EvidenceError(f"{where}, field 'id': no outlet is {id!r}")
        cited = Account(row["platform"], row["handle"], evidence_of(row))
        account = cited if row["url"] in data.addresses() else known.get(place)
        if account is not None:
            owner[place] = id
            drafts[id].accounts.append(account)
    at = {domain.host: draft for draft in drafts.values() for domain in draft.domains}
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for draft in drafts.values():
        for key in draft.folded():
            named[draft.country or "", key].add(draft.id)
    claims: dict[tuple[str, str], dict[str, Account]] = defaultdict(dict)
    nobody = 0
    for country, name, host, account in listed:
        ids = named.get((country, fold(name)), set())
        if len(ids) != 1 and host in at:
            ids = {at[host].id}
        if len(ids) != 1:
            nobody += 1
            continue
        claims[account.platform, account.handle.lower()].setdefault(next(iter(ids)), account)
    for place, claimants in sorted(claims.items()):
        if place in owner:
            continue
        if len(claimants) > 1:
            log.append(f"accounts: {' '.join(place)} could be {', '.join(claimants)}'s; left out")
            continue
        [(id, account)] = claimants.items()
        drafts[id].accounts.append(account)
    log.append(f"accounts: {nobody} listed ones are no outlet's in the registry")
