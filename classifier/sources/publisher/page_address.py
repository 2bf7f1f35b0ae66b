"""The address of a page -> whose it is: an outlet's, an account's on a platform, an imitation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.sources.publisher.naming import Credit
from classifier.sources.registry import hosts
from classifier.values import Basis, DomainRole, Role

if TYPE_CHECKING:
    from classifier.sources.registry.registry import Registry

_MAX = 2_000

# Archives and caches, whose address holds that of the page.
_KEPT = re.compile(
    r"https?://(?:web\.archive\.org/web/[\w*]{1,20}/|(?:www\.)?google\.[a-z.]{2,6}/amp/(?:s/)?"
    r"|archive\.(?:ph|today|is|md)/(?:\d{1,14}/|o/\w{1,9}/))(?=\S)",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?:https?://)?[^/?#]{1,253}/(?:(?:c|user|s)/)?(@?[\w.-]{2,60})(?:[/?#]|\Z)")
# First parts of a platform's addresses that are no account.
_PLACES = re.compile(
    r"watch|posts?|status|p|reels?|channel|videos?|story|stories|share|groups|pages|i|search"
    r"|hashtag|tag|events|shorts|embed|live|playlist|topic|news|r|comments|joinchat|a|wiki"
    r"|index\.(?:html|php)|(?:photo|permalink|story)(?:\.php)?|home|explore|en|\d+",
    re.IGNORECASE,
)

_IMITATIONS = frozenset({DomainRole.IMPOSTER.value})  # kinds of a network's sites


@dataclass(frozen=True, slots=True)
class PageOwner:
    """Whose page an address is.

    Attributes
    ----------
    credit : Credit
        The outlet of the host; named by the host where the registry doesn't hold it.
    account : str or None
        On a platform, the account in the address.
    impostor : bool
        The host is made to look like an outlet's, or belongs to a network that is.
    """

    credit: Credit
    account: str | None = None
    impostor: bool = False


def find(url: str | None, registry: Registry) -> PageOwner | None:
    """Find whose page an address is.

    Of an archived page, the page's own address is read from the archive's. None where there is no
    address, or nothing in it is a host.
    """
    if url is None or len(url) > _MAX or not url.strip():
        return None
    address = url.strip()
    if kept := _KEPT.match(address):
        address = address[kept.end() :]
    host = hosts.host(address)
    if host is None:
        return None
    found = registry.at(address)
    network = registry.network(address)
    impostor = network is not None and network.kind in _IMITATIONS
    if found is None:
        return PageOwner(Credit(host, None, address, Basis.URL), impostor=impostor)
    if impostor or found.domain.role is DomainRole.IMPOSTER:
        return PageOwner(Credit(host, None, address, Basis.URL), impostor=True)
    outlet = found.outlet
    gathers = outlet.role is Role.AGGREGATOR
    credit = Credit(outlet.name, outlet, address, Basis.URL, gathers=gathers)
    account = _account(address, host, found.domain.host) if outlet.role is Role.PLATFORM else None
    return PageOwner(credit, account)


def _account(address: str, host: str, domain: str) -> str | None:
    """Read the account from an address: its first part, or the label before the platform's host."""
    if host != domain and host.endswith(f".{domain}"):
        label = host.removesuffix(f".{domain}")
        return None if label in ("m", "mobile", "en", "amp") or "." in label else label
    match = _ACCOUNT.match(address)
    if match is None or _PLACES.fullmatch(match[1]):
        return None
    return match[1].removeprefix("@")
