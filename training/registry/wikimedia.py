"""What Wikimedia's projects say: the ratings of Wikipedia's editors, Wikidata's identifiers."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from classifier.sources import countries
from classifier.sources import fold_name as fold
from classifier.values import Assessment, Domain, DomainRole, Evidence, Medium, Role
from training.registry.draft import Draft, host_of
from training.registry.evidence import (
    NEWSMAP,
    PERENNIAL,
    EvidenceError,
    by_hand,
    files,
    hosts_by_hand,
)

#: The scores of the data set, in the rater's words. It has one score, -1, for what the list calls
#: generally unreliable and what it calls deprecated; -2 is what is on the spam blacklist as well,
#: which the list marks beside one of those two. So neither is said to be deprecated here.
VALUES = {
    1: ("generally_reliable", 0.8),
    0: ("no_consensus", 0.5),
    -1: ("generally_unreliable", 0.8),
    -2: ("generally_unreliable", 0.9),
}


def read_perennial(root: Path, *, allow_changed: bool = False) -> dict[str, Assessment]:
    """Read the assessment of each host.

    Raises
    ------
    EvidenceError
        When the file is missing or changed, or holds a score that `VALUES` doesn't.
    """
    (path,) = files(PERENNIAL, root, allow_changed=allow_changed)
    meant = hosts_by_hand("perennial")
    evidence = Evidence(PERENNIAL.name, PERENNIAL.url, PERENNIAL.date)
    found = {}
    for domain, score in json.loads(path.read_text(encoding="utf-8")).items():
        host = host_of(domain)
        if host is None or score not in VALUES:
            raise EvidenceError(f"{path}: {domain!r} or its score {score!r} is unknown")
        value, confidence = VALUES[score]
        host = meant.get(host, host)
        found[host] = Assessment("reliability", value, evidence, confidence)
    return found


def named_outlets() -> list[Draft]:
    """Give the outlets that only this list has, named by hand in ``hand/lists/perennial.tsv``.

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
    """Give the QIDs of each (folded name, country).

    Raises
    ------
    EvidenceError
        When the file is missing or changed.
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

    Returns
    -------
    int
        How many outlets got one.
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
