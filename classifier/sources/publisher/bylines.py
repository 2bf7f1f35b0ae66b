"""A byline -> the agency or other outlet whose people wrote the article."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.sources.publisher import naming
from classifier.sources.publisher.naming import Credit
from classifier.values import Basis, Medium, Outlet

if TYPE_CHECKING:
    from classifier.sources.registry.registry import Registry

MAX_BYLINE = 200
"""Characters that are read."""

_BY = re.compile(r"\s*(?:(?:words|text|story|written|reported|from)\s)?(?:by:?|from:?)\s", re.I)
_COMMA = re.compile(r"\s*[,;|/·•()]\s*|\s[-–—]\s")
# What joins somebody to another, and what places somebody with an outlet.
_WORDS = re.compile(
    r"\s(and|&|\+|with|for|of|at|via|in|from|additional\sreporting\sby|contributed\sby)\s",
    re.IGNORECASE,
)
_STAFF = re.compile(
    r"\b(?:staff|our\s(?:own\s)?(?:correspondents?|reporters?)|newsroom|online\sdesk|web\sdesk"
    r"|news\sdesk|editors?)\b",
    re.IGNORECASE,
)
_AGENCIES = re.compile(
    r"(?:the\s)?(?:news\s)?agenc(?:y|ies)(?:\sreports?)?|(?:news\s)?wires?"
    r"|wire\s(?:services?|reports?)|syndicated\sfeed",
    re.IGNORECASE,
)
_DESK = re.compile(
    r"\s(?:(?:news\s)?staff|writers?|correspondents?|reporters?|contributors?|bureau|desk|newsroom"
    r"|wires?|news\sservice|staff\s(?:writers?|reporters?)|editors?)\Z",
    re.IGNORECASE,
)
_CONTRIBUTION = re.compile(r"\b(?:contributed|additional|inputs?\sfrom)\b", re.IGNORECASE)

_MANY = 4  # segments: more are the names of everybody on the page


def find(byline: str, registry: Registry, publisher: Outlet | None = None) -> Credit | None:
    """Find the outlet that a byline gives the article to.

    It is such as "By Reuters", "Ann Ray, Associated Press", "Agence France-Presse in Kyllos". None
    for persons, for `publisher` (whose own byline credits nobody else), for the publisher's own
    people, and for an agency that only helped ("Ann Ray and agencies", "Staff with AFP").
    """
    byline = " ".join(byline.split())
    if len(byline) > MAX_BYLINE or _CONTRIBUTION.search(byline):
        return None
    name = _BY.sub("", byline, count=1).strip()
    units = _units(name, registry, publisher)
    outlets = {outlet.id: outlet for _, _, outlet in units if outlet is not None}
    if publisher is not None and publisher.id in outlets:
        return None
    if len(outlets) > 1 or len(units) > _MANY:
        return None
    if units and units[0][2] is None and any(o is None and _STAFF.search(p) for _, p, o in units):
        return None  # the publisher's own, whoever helped
    for index, (joint, part, outlet) in enumerate(units):
        generic = _AGENCIES.fullmatch(part) is not None
        if outlet is None and not generic:
            continue
        if index and (joint or generic):
            return None
        if outlet is not None and outlet.medium is not Medium.AGENCY:
            if naming.is_ambiguous(part, outlet):
                return None
            return Credit(part, outlet, byline, Basis.BYLINE)
        return Credit(part, outlet, byline, Basis.BYLINE, agency=True)
    return None


def _units(
    name: str, registry: Registry, publisher: Outlet | None
) -> list[tuple[bool, str, Outlet | None]]:
    """Take a byline apart: whether a part only joins the one before it, its words, its outlet."""
    whole = _outlet(name, registry, publisher)
    if whole is not None:
        return [(False, name, whole)]
    units: list[tuple[bool, str, Outlet | None]] = []
    for segment in filter(None, _COMMA.split(name)):
        outlet = _outlet(segment, registry, publisher)
        if outlet is not None:
            units.append((False, segment, outlet))
            continue
        joint = False
        for position, part in enumerate(_WORDS.split(f" {segment} ".replace("  ", " "))):
            if position % 2:
                joint = part.casefold() in ("and", "&", "+", "with")
            elif part.strip():
                found = _outlet(part.strip(), registry, publisher)
                units.append((joint, part.strip(), found))
    return units


def _outlet(words: str, registry: Registry, publisher: Outlet | None) -> Outlet | None:
    """Give the outlet of a byline's part; of one with a desk ("Reuters Staff"), agencies only.

    A "Science Correspondent" is not the journal's.
    """
    outlet = naming.resolve(words, registry, publisher)
    desk = _DESK.sub("", words)
    return outlet or (naming.agency(desk, registry, publisher) if desk != words else None)
