"""Read the lists of influence networks: which host, which network, who says so, since when."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.sources import host_in, host_parents, is_public_suffix
from classifier.values import Evidence
from training.registry.draft import host_of
from training.registry.evidence import (
    DIMA,
    LAUNDROMAT,
    EvidenceError,
    by_hand,
    files,
    hosts_by_hand,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list's statement about one host.

    Attributes
    ----------
    network : str
    clone_of : str or None
        What the list says it copies, in the list's words: "Bild.de".
    confidence : float
        How firmly the list says that the host belongs to the network.
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

    Parameters
    ----------
    root : pathlib.Path
        The folder of evidence.
    log : list of str
        Gets a line for each thing left out.

    Raises
    ------
    EvidenceError
        When a file is missing or changed, or is not written as it used to be.
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
    """Give the objects of a JavaScript file that have a domain and a report."""
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
