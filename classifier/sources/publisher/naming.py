"""A name as an article writes it -> the outlet of the registry, where it can only be that one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.values import DomainRole, Medium, Outlet, Place

if TYPE_CHECKING:
    from classifier.sources.registry.registry import Registry
    from classifier.values import Basis

MAX_NAME = 100
"""Characters; longer strings name no outlet."""

_HOST = re.compile(r"(?:https?://)?(?:[\w-]{1,63}\.)+[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)
_SPACED_HOST = re.compile(r"([\w-]{2,40}(?:\s[\w-]{2,40})?)\s(net|com|org|info|tv|ru|ua|ir)", re.I)
_OFFICE = re.compile(
    r"(?:the\s)?(?:(?:[\w-]+\s){0,3}(?:news\s(?:agency|outlet|website|site)|newspaper|broadcaster)\s)",
    re.IGNORECASE,
)
_SECTION = re.compile(r"\s(?:[|–—-]|::|»)\s")


@dataclass(frozen=True, slots=True)
class Credit:
    """An outlet that some words name as a source of the whole article.

    Attributes
    ----------
    name, outlet, evidence, basis, place
        As of a `classifier.values.source_card.Link`.
    agency : bool
        Whether what it sends is wire copy, to be carried by others.
    gathers : bool
        Whether it only gathers what others publish.
    distributes : bool
        Whether the same words name, next, whose article it distributes.
    sure : bool
        Whether the words can't name the publisher's own house, as a copyright can.
    """

    name: str
    outlet: Outlet | None
    evidence: str
    basis: Basis
    place: Place | None = None
    agency: bool = False
    gathers: bool = False
    distributes: bool = False
    sure: bool = True


def resolve(name: str, registry: Registry, near: Outlet | None = None) -> Outlet | None:
    """Give the outlet that a name stands for where an outlet is sure to be meant.

    `name` is a name, a host, or a name with what some pages put around it ("Rudaw Net", "the state
    news agency IRNA"). Of several outlets called so, it is `near`, with which the article has to
    do, or the only one of its country. None where the registry has no such outlet, or several and
    nothing says which.
    """
    if not name or len(name) > MAX_NAME:
        return None
    for variant in _variants(" ".join(name.split())):
        if found := registry.called(variant):
            return _only(found, near)
    return None if (address := _address(name)) is None else at(address, registry)


def site(name: str, registry: Registry, near: Outlet | None = None) -> Outlet | None:
    """Give the outlet that a site's name stands for, with a section or a motto beside it too.

    "Ellery Gazette | World", "Karst Post - Breaking news".
    """
    parts = _SECTION.split(name[:MAX_NAME], maxsplit=2)
    names = (name, *parts) if len(parts) > 1 else (name,)
    return next((found for part in names if (found := resolve(part, registry, near))), None)


def at(address: str, registry: Registry) -> Outlet | None:
    """Give the outlet of a URL or host; None for a stranger's imitation of it too."""
    found = registry.at(address)
    if found is None or found.domain.role is DomainRole.IMPOSTER:
        return None
    return found.outlet


def agency(name: str, registry: Registry, near: Outlet | None = None) -> Outlet | None:
    """Give the news agency that a name stands for; None for anything else."""
    found = resolve(name, registry, near)
    return found if found is not None and found.medium is Medium.AGENCY else None


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
    """Read a name that is a host, also with its dot turned into a space ("Rudaw Net")."""
    if _HOST.fullmatch(name.strip()):
        return name.strip()
    spaced = _SPACED_HOST.fullmatch(name.strip())
    return (
        f"{re.sub(r'[^0-9a-z-]', '', spaced[1].casefold())}.{spaced[2].lower()}" if spaced else None
    )


def _only(found: tuple[Outlet, ...], near: Outlet | None) -> Outlet | None:
    if len(found) == 1:
        return found[0]
    if near is None:
        return None
    same = [outlet for outlet in found if outlet.id == near.id]
    close = same or [outlet for outlet in found if near.country and outlet.country == near.country]
    return close[0] if len(close) == 1 else None
