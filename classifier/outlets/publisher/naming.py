"""Find the outlet that a name or an address in an article surely stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from framescope.classifier.outlets.registry.addresses import (
    SUBDOMAINS,
    first_part,
    host_in,
    unwrapped,
)
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records import Basis, DomainRole, Medium, Outlet, Place, Role

_MAX_NAME = 100  # characters; longer strings name no outlet
_MAX_ADDRESS = 2_000
_HOST = re.compile(r"(?:https?://)?(?:[\w-]{1,63}\.)+[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)
_SPACED_HOST = re.compile(r"([\w-]{2,40}(?:\s[\w-]{2,40})?)\s(net|com|org|info|tv|ru|ua|ir)", re.I)
_OFFICE = re.compile(
    r"(?:the\s)?(?:(?:[\w-]+\s){0,3}(?:news\s(?:agency|outlet|website|site)|newspaper|broadcaster)\s)",
    re.IGNORECASE,
)
_SECTION = re.compile(r"\s(?:[|–—-]|::|»)\s")


@dataclass(frozen=True, slots=True)
class Credit:
    """An outlet that some words name as a source of the whole article."""

    # name, outlet, evidence, basis and place: as of a `classifier.records.article.Link`
    name: str
    outlet: Outlet | None
    evidence: str
    basis: Basis
    place: Place | None = None
    agency: bool = False  # whether what it sends is wire copy, to be carried by others
    gathers: bool = False  # whether it only gathers what others publish
    distributes: bool = False  # whether the same words name, next, whose article it distributes
    sure: bool = True  # whether the words can't name the publisher's own house, as a copyright can


@dataclass(frozen=True, slots=True)
class Naming:
    """What names stand for in an article: of namesakes, the outlet `near` or of its country."""

    registry: Registry
    near: Outlet | None = None

    def resolve(self, name: str) -> Outlet | None:
        """Return the outlet that a name surely stands for, if any.

        It may be a host, or have around it what some pages put there ("Rudaw Net", "the state news
        agency IRNA").
        """
        if not name or len(name) > _MAX_NAME:
            return None
        for variant in _variants(" ".join(name.split())):
            if found := self.registry.called(variant):
                return _only(found, self.near)
        return None if (address := _address(name)) is None else at(address, self.registry)

    def site(self, name: str) -> Outlet | None:
        """Return the outlet of a site's name, also of "Karst Post - Breaking news"."""
        parts = _SECTION.split(name[:_MAX_NAME], maxsplit=2)
        names = (name, *parts) if len(parts) > 1 else (name,)
        return next((found for part in names if (found := self.resolve(part))), None)

    def agency(self, name: str) -> Outlet | None:
        """Return the news agency that a name stands for, if any."""
        found = self.resolve(name)
        return found if found is not None and found.medium is Medium.AGENCY else None


def at(address: str, registry: Registry) -> Outlet | None:
    """Return the outlet of a URL or host; None for a stranger's imitation of it too."""
    found = registry.at(address)
    return found.outlet if found and found.domain.role is not DomainRole.IMPOSTER else None


def gathers(outlet: Outlet | None) -> bool:
    """Return whether an outlet only gathers what others publish."""
    return outlet is not None and outlet.role is Role.AGGREGATOR


def is_ambiguous(name: str, outlet: Outlet) -> bool:
    """Whether an outlet's name means other things too."""
    key = name.casefold().strip()
    return any(known.ambiguous and known.text.casefold() == key for known in outlet.names)


def _variants(name: str) -> Iterator[str]:
    bare = name.strip(" \"'“”‘’«»()[]*").rstrip(".,;:")
    yield bare
    if bare[:4].casefold() == "the ":
        yield bare[4:]
    if office := _OFFICE.match(bare):
        yield bare[office.end() :]
    if bare.endswith(("'s", "’s")):
        yield bare[:-2]


def _address(name: str) -> str | None:
    """Return the host that a name is, also with its dot turned into a space ("Rudaw Net")."""
    if _HOST.fullmatch(name.strip()):
        return name.strip()
    if spaced := _SPACED_HOST.fullmatch(name.strip()):
        return f"{re.sub(r'[^0-9a-z-]', '', spaced[1].casefold())}.{spaced[2].lower()}"
    return None


def _only(found: tuple[Outlet, ...], near: Outlet | None) -> Outlet | None:
    if len(found) == 1:
        return found[0]
    if near is None:
        return None
    same = [outlet for outlet in found if outlet.id == near.id]
    close = same or [outlet for outlet in found if near.country and outlet.country == near.country]
    return close[0] if len(close) == 1 else None


@dataclass(frozen=True, slots=True)
class PageOwner:
    """Whose page an address is."""

    credit: Credit  # the outlet of the host; named by the host where the registry doesn't hold it
    account: str | None = None  # on a platform, the account in the address
    # the host is made to look like an outlet's, or belongs to a network that is
    imposter: bool = False
    imitated: Outlet | None = None  # that outlet, where it is on record


def page_owner(url: str | None, registry: Registry) -> PageOwner | None:
    """Return whose page an address is; of an archived page, by the page's own address."""
    if url is None or len(url) > _MAX_ADDRESS or not url.strip():
        return None
    address = unwrapped(url.strip())
    host = host_in(address)
    if host is None:
        return None
    found, network = registry.at(address), registry.network(address)
    stranger = Credit(host, None, address, Basis.URL)
    if network is not None and network.kind == DomainRole.IMPOSTER:
        whose = registry.get(network.impersonates) if network.impersonates else None
        return PageOwner(stranger, imposter=True, imitated=whose)
    if found is None:
        return PageOwner(stranger)
    if found.domain.role is DomainRole.IMPOSTER:
        return PageOwner(stranger, imposter=True, imitated=found.outlet)
    outlet = registry.account(address) or found.outlet
    credit = Credit(outlet.name, outlet, address, Basis.URL, gathers=gathers(outlet))
    account = _account(address, host, found.domain.host) if outlet.role is Role.PLATFORM else None
    return PageOwner(credit, account)


def _account(address: str, host: str, domain: str) -> str | None:
    """Return the account in an address: its first part, or the label before the platform's host."""
    if host != domain and host.endswith(f".{domain}"):
        label = host.removesuffix(f".{domain}")
        return None if label in SUBDOMAINS or "." in label else label
    return first_part(address)
