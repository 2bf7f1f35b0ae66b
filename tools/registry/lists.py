"""What lists say of outlets: influence networks, ratings of Wikipedia's editors, Wikidata's ids."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from framescope.classifier.outlets import addresses, schema
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import Assessment, Domain, DomainRole, Evidence, Medium, Role

from tools.registry.material import (
    DIMA,
    DISCUSSED,
    LAUNDROMAT,
    NEWSMAP,
    PERENNIAL,
    RANKED,
    DataFolder,
    Draft,
    EvidenceError,
    by_hand,
    host_of,
    hosts_by_hand,
    rows_by_hand,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list's statement about one host."""

    host: str
    network: str
    clone_of: str | None  # what it copies, in the list's words: "Bild.de"
    evidence: Evidence
    confidence: float  # how firmly it says that the host belongs to the network


# What stands for a network: the label of a list's row, or the file's name, and its row by hand.
_Labels = Mapping[tuple[str, str], Mapping[str, str]]
# Objects of DIMA's arrays hold strings, and a list of them: no braces inside.
_OBJECT = re.compile(r"\{([^{}]*)\}")
_FIELD = re.compile(r'\b(\w+):\s*"((?:[^"\\]|\\.)*)"')
_ITEM = re.compile(r"https?://www\.wikidata\.org/(?:wiki|entity)/(Q[1-9][0-9]*)")
_CLONE = re.compile(
    r"\b(?:clone|copie|usurpation|usurpant|imitation|imitant|typosquatting)\b", re.IGNORECASE
)


def read_influence(data: DataFolder, log: list[str]) -> list[Listing]:
    """Read the Laundromat's list and DIMA's; the log gets what is left out."""
    labels = {(row["list"], row["label"]): row for row in by_hand("networks")}
    listings = [*_read_laundromat(data, labels, log), *_read_dima(data, labels, log)]
    return list(_own_hosts(listings, log))


def _own_hosts(listings: Iterable[Listing], log: list[str]) -> Iterable[Listing]:
    # Anybody's posts, and the lists themselves: a row that names one says nothing of the site.
    platforms = {host for host, outlet in hosts_by_hand("networks").items() if not outlet}
    dropped: Counter[str] = Counter()
    for listing in listings:
        if any(part in platforms for part in addresses.host_parents(listing.host)):
            dropped["a page on a platform"] += 1
        elif addresses.is_public_suffix(listing.host):
            dropped["a public suffix"] += 1
        else:
            yield listing
    for reason, count in sorted(dropped.items()):
        log.append(f"networks: {count} rows name {reason}; left out")


def _read_laundromat(data: DataFolder, labels: _Labels, log: list[str]) -> Iterable[Listing]:
    dropped: Counter[str] = Counter()
    for where, row in data.rows(LAUNDROMAT):
        label = _label(labels, "laundromat", row["Source"], f"{where}: source")
        if label["why"]:
            dropped[row["Source"]] += 1
            continue
        host = host_of(row["Domain"])
        if host is None:
            log.append(f"networks: {Path(where).name}: {row['Domain']!r} names no host")
            continue
        evidence = Evidence(
            label["source"] or LAUNDROMAT.name, label["url"] or LAUNDROMAT.url, LAUNDROMAT.date
        )
        yield Listing(host, label["network"], None, evidence, float(label["confidence"]))
    for source, count in sorted(dropped.items()):
        why = labels["laundromat", source]["why"]
        log.append(f"networks: {count} rows of '{source}' left out: {why}")


def _read_dima(data: DataFolder, labels: _Labels, log: list[str]) -> Iterable[Listing]:
    for path in data.files(DIMA):
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


def _label(labels: _Labels, of: str, name: str, where: str) -> Mapping[str, str]:
    if (of, name) not in labels:
        raise EvidenceError(
            f"{where} {name!r} is unknown; name it in tools/registry/hand/lists/networks.tsv"
        )
    return labels[of, name]


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


def read_networks(data: DataFolder, folder: Path) -> list[tuple[str, ...]]:
    """Read the networks by hand, in the columns of their table."""
    found = rows_by_hand(folder, "networks.tsv", schema.COLUMNS["networks"], "networks")
    return [tuple(row.values()) for _, row in found if row["url"] in data.addresses()]


_RELIABLE, _DIVIDED = ("generally_reliable", 0.8), ("no_consensus", 0.5)
_UNRELIABLE, _DEPRECATED = ("generally_unreliable", 0.8), ("deprecated", 0.9)
_BLACKLISTED = ("blacklisted", 0.9)
# Of 2021, in the page's own words; a source may be on the blacklist beside a verdict.
_DISCUSSED = {
    "Generally reliable": _RELIABLE,
    "No consensus": _DIVIDED,
    "Generally unreliable": _UNRELIABLE,
    "Deprecated": _DEPRECATED,
    "Blacklisted": _BLACKLISTED,
}
# Of 2023, which has one score for generally unreliable and deprecated; and of 2026.
_SCORES = {1: _RELIABLE, 0: _DIVIDED, -1: _UNRELIABLE, -2: _BLACKLISTED}
_RANKED = {"gr": _RELIABLE, "nc": _DIVIDED, "gu": _UNRELIABLE, "d": _DEPRECATED}
_Verdicts = dict[str, tuple[str, float]]  # by host


def read_perennial(data: DataFolder) -> list[dict[str, Assessment]]:
    """Read the assessments of each host, a mapping a year: 2021, 2023, 2026."""
    meant = hosts_by_hand("perennial")
    found: list[dict[str, Assessment]] = []
    for of, read in ((DISCUSSED, _read_2021), (PERENNIAL, _read_2023), (RANKED, _read_2026)):
        evidence = Evidence(of.name, of.url, of.date)
        found.append(
            {
                meant.get(host, host): Assessment("reliability", value, evidence, sure)
                for host, (value, sure) in read(data).items()
            }
        )
    return found


def settle(drafts: Iterable[Draft]) -> None:
    """Settle what the score of 2023 for generally unreliable and deprecated means of each outlet.

    What was deprecated in 2021 still was; of what only 2026 calls so, 2023 tells nothing.
    """
    for draft in drafts:
        rated = {one.evidence.date: one for one in draft.assessments if one.claim == "reliability"}
        said, earlier, later = (rated.get(of.date) for of in (PERENNIAL, DISCUSSED, RANKED))
        if said is not None and said.value == _UNRELIABLE[0]:
            if earlier is not None and earlier.value == _DEPRECATED[0]:
                draft.assessments.remove(said)
                draft.assessments.append(replace(said, value=earlier.value))
            elif later is not None and later.value == _DEPRECATED[0]:
                draft.assessments.remove(said)


def _read_2021(data: DataFolder) -> _Verdicts:
    found: _Verdicts = {}
    for _, row in data.rows(DISCUSSED):
        said = [_DISCUSSED[one] for one in json.loads(row["status"]) if one in _DISCUSSED]
        for host in filter(None, map(host_of, json.loads(row["urls"]) if said else ())):
            # The worst of two: what is deprecated may be on the blacklist as well.
            found[host] = max(said, key=lambda verdict: schema.RATINGS.index(verdict[0]))
    return found


def _read_2023(data: DataFolder) -> _Verdicts:
    found: _Verdicts = {}
    (path,) = data.files(PERENNIAL)
    for domain, score in json.loads(path.read_text(encoding="utf-8")).items():
        host = host_of(domain)
        if host is None or score not in _SCORES:
            raise EvidenceError(f"{path}: {domain!r} or its score {score!r} is unknown")
        found[host] = _SCORES[score]
    return found


def _read_2026(data: DataFolder) -> _Verdicts:
    found: _Verdicts = {}
    for where, row in data.rows(RANKED):
        if row["status"] not in _RANKED:
            raise EvidenceError(f"{where}: status {row['status']!r} is unknown")
        if host := host_of(row["domain"]):
            found[host] = _RANKED[row["status"]]
    return found


def named_outlets() -> list[Draft]:
    """Return the outlets that only this list has, named by hand in ``hand/lists/perennial.tsv``."""
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


def read_newsmap(data: DataFolder) -> dict[tuple[str, str], set[str]]:
    """Return the QIDs of each (folded name, country), and of each (folded name, handle at X)."""
    (path,) = data.files(NEWSMAP)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for handle, entry in json.loads(path.read_text(encoding="utf-8")).items():
        qid = entry["wikidata_id"].rpartition("/")[2]
        country = schema.countries().get(entry["country"].strip())
        if country and entry["company_name"] != qid:  # those without a label have the QID there
            for told in (country, f"@{handle.lower()}"):
                found[(fold(entry["company_name"]), told)].add(qid)
    return dict(found)


def identify(
    drafts: list[Draft], identifiers: dict[tuple[str, str], set[str]], log: list[str]
) -> int:
    """Fill in QIDs where nothing else fits; return how many.

    By the exact name and the country; of what is left by the item that statements cite, or by name
    and account at X.
    """

    def by_name(draft: Draft) -> set[str]:
        country = draft.country or ""
        qids = identifiers.get((fold(draft.name), country), set())
        if qids:
            return qids
        # By another name, as long as all of them mean the same.
        keys = sorted(draft.folded())
        return set().union(*(identifiers.get((key, country), set()) for key in keys))

    def by_page(draft: Draft) -> set[str]:
        pages = (one.evidence.url or "" for one in draft.statements)
        found = {item[1] for page in pages if (item := _ITEM.match(page))}
        handles = [f"@{one.handle.lower()}" for one in draft.accounts if one.platform == "x"]
        keys = product(sorted(draft.folded()), handles)
        return found.union(*(identifiers.get(key, set()) for key in keys))

    found, doubtful = 0, set[Draft]()
    for of in (by_name, by_page):
        taken = {draft.wikidata for draft in drafts if draft.wikidata}
        claims: dict[str, list[Draft]] = defaultdict(list)
        for draft in drafts:
            qids = set() if draft.wikidata or draft in doubtful else of(draft)
            if len(qids) == 1 and not qids & taken:
                claims[next(iter(qids))].append(draft)
            elif len(qids) > 1:
                doubtful.add(draft)
                log.append(f"wikidata: {draft.name} could be {', '.join(sorted(qids))}; left empty")
        for qid, claimants in claims.items():
            if len(claimants) == 1:
                claimants[0].wikidata = qid
                found += 1
            else:
                names = ", ".join(draft.name for draft in claimants)
                log.append(f"wikidata: {qid} could be {names}; left empty")
    return found
