"""What lists say of outlets: influence networks, ratings of Wikipedia's editors, Wikidata's ids."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from framescope.classifier.outlets import (
    RATINGS,
    countries,
    host_in,
    host_parents,
    is_public_suffix,
)
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import Assessment, Domain, DomainRole, Evidence, Medium, Role

from tools.registry.material import (
    DIMA,
    DISCUSSED,
    LAUNDROMAT,
    NEWSMAP,
    PERENNIAL,
    RANKED,
    Draft,
    EvidenceError,
    by_hand,
    files,
    host_of,
    hosts_by_hand,
    rows_by_hand,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list's statement about one host.

    `clone_of` is what the list says it copies, in the list's words: "Bild.de". `confidence` is how
    firmly it says that the host belongs to the network.
    """

    host: str
    network: str
    clone_of: str | None
    evidence: Evidence
    confidence: float


# What stands for a network: the label of a list's row, or the file's name, and its row by hand.
_Labels = Mapping[tuple[str, str], Mapping[str, str]]
# Objects of DIMA's arrays hold strings, and a list of them: no braces inside.
_OBJECT = re.compile(r"\{([^{}]*)\}")
_FIELD = re.compile(r'\b(\w+):\s*"((?:[^"\\]|\\.)*)"')
_CLONE = re.compile(
    r"\b(?:clone|copie|usurpation|usurpant|imitation|imitant|typosquatting)\b", re.IGNORECASE
)


def read_influence(root: Path, log: list[str], *, allow_changed: bool = False) -> list[Listing]:
    """Read the Laundromat's list and DIMA's.

    The log gets a line for each thing left out. Raises `EvidenceError` when a file is missing or
    changed, or is not written as it used to be.
    """
    labels = {(row["list"], row["label"]): row for row in by_hand("networks")}
    listings = [
        *_read_laundromat(root, labels, log, allow_changed=allow_changed),
        *_read_dima(root, labels, log, allow_changed=allow_changed),
    ]
    return list(_own_hosts(listings, log))


def _own_hosts(listings: Iterable[Listing], log: list[str]) -> Iterable[Listing]:
    # Anybody's posts: a list that names one means a page there, and says nothing of the site.
    platforms = {host for host, outlet in hosts_by_hand("networks").items() if not outlet}
    dropped: Counter[str] = Counter()
    for listing in listings:
        if any(part in platforms for part in host_parents(listing.host)):
            dropped["a page on a platform"] += 1
        elif host_in(listing.evidence.url or "") == listing.host:
            dropped["the list itself"] += 1
        elif is_public_suffix(listing.host):
            dropped["a public suffix"] += 1
        else:
            yield listing
    for reason, count in sorted(dropped.items()):
        log.append(f"networks: {count} rows name {reason}; left out")


def _read_laundromat(
    root: Path, labels: _Labels, log: list[str], *, allow_changed: bool
) -> Iterable[Listing]:
    (path,) = files(LAUNDROMAT, root, allow_changed=allow_changed)
    dropped: Counter[str] = Counter()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            label = _label(labels, "laundromat", row["Source"], f"{path}, row {line}: source")
            if label["why"]:
                dropped[row["Source"]] += 1
                continue
            host = host_of(row["Domain"])
            if host is None:
                log.append(f"networks: {path.name}, row {line}: {row['Domain']!r} names no host")
                continue
            evidence = Evidence(
                label["source"] or LAUNDROMAT.name, label["url"] or LAUNDROMAT.url, LAUNDROMAT.date
            )
            yield Listing(host, label["network"], None, evidence, float(label["confidence"]))
    for source, count in sorted(dropped.items()):
        why = labels["laundromat", source]["why"]
        log.append(f"networks: {count} rows of '{source}' left out: {why}")


def _read_dima(
    root: Path, labels: _Labels, log: list[str], *, allow_changed: bool
) -> Iterable[Listing]:
    for path in files(DIMA, root, allow_changed=allow_changed):
        label = _label(labels, "dima", path.name, f"{path.parent}: network")
        for fields in _objects(path):
            host = host_of(fields["domain"])
            if host is None or fields.get("matchType") == "pattern":
                log.append(f"networks: {path.name}: {fields['domain']!r} names no host")
                continue
            reason = fields.get("reason", "")
            evidence = Evidence(
                fields["source"].split(" - ")[0], fields["reportUrl"], fields["identifiedDate"]
            )
            clone = reason if _CLONE.search(reason) else None
            yield Listing(host, label["network"], clone, evidence, float(label["confidence"]))


def _label(labels: _Labels, data: str, name: str, where: str) -> Mapping[str, str]:
    if (data, name) not in labels:
        raise EvidenceError(
            f"{where} {name!r} is unknown; name it in training/registry/hand/lists/networks.tsv"
        )
    return labels[data, name]


def _objects(path: Path) -> Iterable[dict[str, str]]:
    """Return the objects of a JavaScript file that have a domain and a report."""
    text = re.sub(r"(?m)^\s*//.*$", "", path.read_text(encoding="utf-8"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found = 0
    for match in _OBJECT.finditer(text):
        fields = {key: value.replace('\\"', '"') for key, value in _FIELD.findall(match[1])}
        if fields.keys() >= {"domain", "source", "reportUrl", "identifiedDate"}:
            found += 1
            yield fields
    if not found:
        raise EvidenceError(f"{path}: no domains in it; has its layout changed?")


_NETWORKS = ("id", "name", "names", "operator", "country", "attributed_by", "source", "url", "date")


def read_networks(folder: Path) -> list[tuple[str, ...]]:
    """Read the networks by hand, in the columns of their table.

    Raises `EvidenceError` when a row can't be read; it names file, row, field and reason.
    """
    found = rows_by_hand(folder, "networks.tsv", _NETWORKS, "networks")
    return [tuple(row.values()) for _, row in found]


# --- Wikimedia's projects -------------------------------------------------------------------------

#: The scores of the data set, in the rater's words. It has one score, -1, for what the list calls
#: generally unreliable and what it calls deprecated; -2 is what is on the spam blacklist as well,
#: which the list marks beside one of those two. So neither is said to be deprecated here.
VALUES = {
    1: ("generally_reliable", 0.8),
    0: ("no_consensus", 0.5),
    -1: ("generally_unreliable", 0.8),
    -2: ("generally_unreliable", 0.9),
}


_RANKED = {
    "gr": ("generally_reliable", 0.8),
    "nc": ("no_consensus", 0.5),
    "gu": ("generally_unreliable", 0.8),
    "d": ("deprecated", 0.9),
}
# Of 2021, in the page's own words; a source may be on the blacklist beside a verdict.
_DISCUSSED = {
    "Generally reliable": ("generally_reliable", 0.8),
    "No consensus": ("no_consensus", 0.5),
    "Generally unreliable": ("generally_unreliable", 0.8),
    "Deprecated": ("deprecated", 0.9),
    "Blacklisted": ("blacklisted", 0.9),
}


def read_perennial(root: Path, *, allow_changed: bool = False) -> list[dict[str, Assessment]]:
    """Read the assessments of each host, a mapping a year: 2021, 2023, 2026.

    Raises `EvidenceError` when a file is missing or changed, or holds a verdict that is unknown.
    """
    meant = hosts_by_hand("perennial")
    found: list[dict[str, Assessment]] = []
    for data, read in ((DISCUSSED, _read_2021), (PERENNIAL, _read_2023), (RANKED, _read_2026)):
        (path,) = files(data, root, allow_changed=allow_changed)
        evidence = Evidence(data.name, data.url, data.date)
        year: dict[str, Assessment] = {}
        for domain, verdict in read(path):
            host = host_of(domain)
            if host is not None:
                year[meant.get(host, host)] = Assessment("reliability", *_given(verdict, evidence))
        found.append(year)
    return found


_Verdict = tuple[str, float]


def _given(verdict: _Verdict, evidence: Evidence) -> tuple[str, Evidence, float]:
    return verdict[0], evidence, verdict[1]


def _read_2021(path: Path) -> Iterator[tuple[str, _Verdict]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            said = [_DISCUSSED[one] for one in json.loads(row["status"]) if one in _DISCUSSED]
            for host in json.loads(row["urls"]) if said else ():
                # The worst of two: what is deprecated may be on the blacklist as well.
                yield host, max(said, key=lambda verdict: RATINGS.index(verdict[0]))


def _read_2023(path: Path) -> Iterator[tuple[str, _Verdict]]:
    for domain, score in json.loads(path.read_text(encoding="utf-8")).items():
        if host_of(domain) is None or score not in VALUES:
            raise EvidenceError(f"{path}: {domain!r} or its score {score!r} is unknown")
        yield domain, VALUES[score]


def _read_2026(path: Path) -> Iterator[tuple[str, _Verdict]]:
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            if row["status"] not in _RANKED:
                raise EvidenceError(f"{path}, row {line}: status {row['status']!r} is unknown")
            yield row["domain"], _RANKED[row["status"]]


def named_outlets() -> list[Draft]:
    """Return the outlets that only this list has, named by hand in ``hand/lists/perennial.tsv``.

    What is no outlet (shops, dictionaries, databases, think tanks) is left out of it.
    """
    drafts = []
    for row in by_hand("perennial"):
        draft = Draft(row["name"], "perennial", country=row["country"] or None)
        draft.role = Role(row["role"] or Role.PUBLISHER)
        draft.medium = Medium(row["medium"] or Medium.WEBSITE)
        for index, host in enumerate(row["hosts"].split()):
            role = DomainRole.EDITION if index else DomainRole.MAIN
            draft.add_domain(Domain(host, role))
        drafts.append(draft)
    return drafts


def read_newsmap(root: Path, *, allow_changed: bool = False) -> dict[tuple[str, str], set[str]]:
    """Return the QIDs of each (folded name, country).

    Raises `EvidenceError` when the file is missing or changed.
    """
    (path,) = files(NEWSMAP, root, allow_changed=allow_changed)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in json.loads(path.read_text(encoding="utf-8")).values():
        qid = entry["wikidata_id"].rpartition("/")[2]
        country = countries().get(entry["country"].strip())
        if country and entry["company_name"] != qid:  # those without a label have the QID there
            found[(fold(entry["company_name"]), country)].add(qid)
    return dict(found)


def identify(
    drafts: list[Draft], identifiers: dict[tuple[str, str], set[str]], log: list[str]
) -> int:
    """Fill in QIDs by exact name and country; leave out whatever two of either could mean.

    Gives the number of outlets that got one.
    """
    taken = {draft.wikidata for draft in drafts if draft.wikidata}
    claims: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.wikidata or not draft.country:
            continue
        qids = identifiers.get((fold(draft.name), draft.country), set())
        if not qids:  # by another name, as long as all of them mean the same
            keys = sorted(draft.folded())
            qids = set().union(*(identifiers.get((key, draft.country), set()) for key in keys))
        if len(qids) == 1 and not qids & taken:
            claims[qids.copy().pop()].append(draft)
        elif len(qids) > 1:
            log.append(f"wikidata: {draft.name} could be {', '.join(sorted(qids))}; left empty")
    for qid, claimants in claims.items():
        if len(claimants) == 1:
            claimants[0].wikidata = qid
        else:
            names = ", ".join(draft.name for draft in claimants)
            log.append(f"wikidata: {qid} could be {names}; left empty")
    return sum(len(claimants) == 1 for claimants in claims.values())
