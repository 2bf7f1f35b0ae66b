"""Read Wikidata's identifiers of news companies, to be matched by exact name and country."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from classifier.sources import countries
from classifier.sources import fold_name as fold
from training.registry.draft import Draft
from training.registry.evidence import NEWSMAP, files


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
