"""Read the lists of influence networks: which host, which network, who says so, since when."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from classifier.sources import host_in, host_parents, is_public_suffix
from classifier.values import Evidence
from training.registry.draft import host_of
from training.registry.evidence import DIMA, LAUNDROMAT, EvidenceError, files


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


@dataclass(frozen=True, slots=True)
class _Label:
    network: str
    source: str
    url: str
    confidence: float


# What the labels of the Laundromat's list stand for. EUvsDisinfo's database names whoever has
# published a disputed story, repeaters as well, so that alone makes nobody part of a network.
_LABELS = {
    "EuVsDisinfo": _Label(
        "EUvsDisinfo cases", "EUvsDisinfo", "https://euvsdisinfo.eu/disinformation-cases/", 0.4
    ),
    "Pink Slime": _Label("Pink slime", LAUNDROMAT.name, LAUNDROMAT.url, 0.7),
    "Wikipedia Fake News": _Label(
        "Fake news websites",
        "Wikipedia: list of fake news websites",
        "https://en.wikipedia.org/wiki/List_of_fake_news_websites",
        0.7,
    ),
    "Viginum (Portal Kombat)": _Label(
        "Portal Kombat",
        "VIGINUM",
        "https://www.sgdsn.gouv.fr/files/files/"
        "20240212_NP_SGDSN_VIGINUM_RAPPORT-RESEAU-PORTAL-KOMBAT_VF.pdf",
        0.9,
    ),
    "RT Mirror/Repost": _Label("RT mirrors and reposts", LAUNDROMAT.name, LAUNDROMAT.url, 0.6),
}
# Labels that are not taken over, and why.
_DROPPED = {
    "Wikidata All News": "a plain list of news sites, which says nothing against them",
    "Newsguard AI": "somebody's product",
    "Intel/Suspected": "a suspicion without a report",
}
# The network that each of DIMA's files holds, and how firmly its reports say so.
_NETWORKS = {
    "Baybridge.js": ("Baybridge", 0.8),
    "Copycop.js": ("CopyCop", 0.9),
    "Doppelganger.js": ("Doppelganger", 0.9),
    "InfoRos.js": ("InfoRos", 0.8),
    "PortalKombat.js": ("Portal Kombat", 0.9),
    "Pravda.js": ("Portal Kombat", 0.9),
    "RRN.js": ("RRN", 0.9),
    "Storm1516.js": ("Storm-1516", 0.9),
    "laundromat.js": ("RT mirrors and reposts", 0.7),
}
# Objects of DIMA's arrays hold strings, and a list of them: no braces inside.
_OBJECT = re.compile(r"\{([^{}]*)\}")
_FIELD = re.compile(r'\b(\w+):\s*"((?:[^"\\]|\\.)*)"')
_CLONE = re.compile(
    r"\b(?:clone|copie|usurpation|usurpant|imitation|imitant|typosquatting)\b", re.IGNORECASE
)

_PLATFORMS = """
8kun.top blogger.com blogspot.com dzen.ru facebook.com fb.com gab.com github.com google.com
instagram.com linkedin.com livejournal.com medium.com ok.ru odysee.com patreon.com pinterest.com
quora.com reddit.com rumble.com rutube.ru scribd.com substack.com t.me telegram.me telegra.ph
tiktok.com tumblr.com twitter.com vimeo.com vk.com vk.ru weebly.com wix.com wixsite.com
wordpress.com x.com yandex.ru youtu.be youtube.com bitchute.com dailymotion.com archive.org
change.org docs.google.com sites.google.com wikipedia.org yahoo.com msn.com narod.ru
proza.ru mail.ru discord.com disqus.com 4chan.org
"""
#: Anybody's posts: a list that names one means a page there, and says nothing of the site.
PLATFORMS = frozenset(_PLATFORMS.split())


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
    listings = [
        *_read_laundromat(root, log, allow_changed=allow_changed),
        *_read_dima(root, log, allow_changed=allow_changed),
    ]
    return list(_own_hosts(listings, log))


def _own_hosts(listings: Iterable[Listing], log: list[str]) -> Iterable[Listing]:
    dropped: Counter[str] = Counter()
    for listing in listings:
        if any(part in PLATFORMS for part in host_parents(listing.host)):
            dropped["a page on a platform"] += 1
        elif host_in(listing.evidence.url or "") == listing.host:
            dropped["the list itself"] += 1
        elif is_public_suffix(listing.host):
            dropped["a public suffix"] += 1
        else:
            yield listing
    for reason, count in sorted(dropped.items()):
        log.append(f"networks: {count} rows name {reason}; left out")


def _read_laundromat(root: Path, log: list[str], *, allow_changed: bool) -> Iterable[Listing]:
    (path,) = files(LAUNDROMAT, root, allow_changed=allow_changed)
    dropped: Counter[str] = Counter()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            source = row["Source"]
            if source in _DROPPED:
                dropped[source] += 1
                continue
            host = host_of(row["Domain"])
            if source not in _LABELS:
                raise EvidenceError(
                    f"{path}, row {line}: source {source!r} is unknown; "
                    "name it in training/registry/influence.py"
                )
            if host is None:
                log.append(f"networks: {path.name}, row {line}: {row['Domain']!r} names no host")
                continue
            label = _LABELS[source]
            evidence = Evidence(label.source, label.url, LAUNDROMAT.date)
            yield Listing(host, label.network, None, evidence, label.confidence)
    for source, count in sorted(dropped.items()):
        log.append(f"networks: {count} rows of '{source}' left out: {_DROPPED[source]}")


def _read_dima(root: Path, log: list[str], *, allow_changed: bool) -> Iterable[Listing]:
    for path in files(DIMA, root, allow_changed=allow_changed):
        if path.name not in _NETWORKS:
            raise EvidenceError(
                f"{path}: an unknown network; name it in training/registry/influence.py"
            )
        network, confidence = _NETWORKS[path.name]
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
            yield Listing(host, network, clone, evidence, confidence)


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
