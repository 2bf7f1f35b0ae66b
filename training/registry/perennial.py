"""Read Wikipedia's perennial sources: what its editors decided about a source's reliability."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from classifier.values import Assessment, Domain, DomainRole, Evidence, Medium, Role
from training.registry.draft import Draft, host_of
from training.registry.evidence import PERENNIAL, EvidenceError, files

#: The scores of the data set, in the rater's words. It has one score, -1, for what the list calls
#: generally unreliable and what it calls deprecated; -2 is what is on the spam blacklist as well,
#: which the list marks beside one of those two. So neither is said to be deprecated here.
VALUES = {
    1: ("generally_reliable", 0.8),
    0: ("no_consensus", 0.5),
    -1: ("generally_unreliable", 0.8),
    -2: ("generally_unreliable", 0.9),
}
# The list gives the registrable domain where it means a part of the site.
_MEANT = {"go.com": "abcnews.go.com", "sky.com": "news.sky.com", "yahoo.com": "news.yahoo.com"}
_NAMED = Path(__file__).parent / "perennial.tsv"


def read_perennial(root: Path, *, allow_changed: bool = False) -> dict[str, Assessment]:
    """Read the assessment of each host.

    Raises
    ------
    EvidenceError
        When the file is missing or changed, or holds a score that `VALUES` doesn't.
    """
    (path,) = files(PERENNIAL, root, allow_changed=allow_changed)
    evidence = Evidence(PERENNIAL.name, PERENNIAL.url, PERENNIAL.date)
    found = {}
    for domain, score in json.loads(path.read_text(encoding="utf-8")).items():
        host = host_of(domain)
        if host is None or score not in VALUES:
            raise EvidenceError(f"{path}: {domain!r} or its score {score!r} is unknown")
        value, confidence = VALUES[score]
        host = _MEANT.get(host, host)
        found[host] = Assessment("reliability", value, evidence, confidence)
    return found


def named_outlets() -> list[Draft]:
    """Give the outlets that only this list has, named by hand in ``perennial.tsv``.

    What is no outlet (shops, dictionaries, databases, think tanks) is left out of it.
    """
    drafts = []
    with _NAMED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            draft = Draft(row["name"], "perennial", country=row["country"] or None)
            draft.role = Role(row["role"] or Role.PUBLISHER)
            draft.medium = Medium(row["medium"] or Medium.WEBSITE)
            for index, host in enumerate(row["hosts"].split()):
                role = DomainRole.EDITION if index else DomainRole.MAIN
                draft.add_domain(Domain(host, role))
            drafts.append(draft)
    return drafts
