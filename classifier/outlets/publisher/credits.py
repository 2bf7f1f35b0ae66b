"""What gives an article to another outlet: its byline, and lines of credit.

"By Reuters", "Ann Ray, Associated Press"; "(Source: Karst Post)", "© 2025 AFP", "- Reuters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from framescope.classifier.outlets.publisher.naming import Credit, Naming, is_ambiguous
from framescope.classifier.records import Basis, Medium, Outlet, Place, Role

if TYPE_CHECKING:
    pass


_NEAR = 4  # lines at the head or the foot in which a credit stands
_LINE = 300  # characters of a line of credit
_TAIL = 90  # characters at the end of a paragraph in which one stands

_SOURCE = re.compile(
    r"[(\[]?\s?(?:Source|Via|Credit)\s?:\s?([^\n|()\[\]]{2,60}?)\s?[)\]]?\s?(?:\|[^\n]{0,120})?\.?\Z"
)
_SOURCE_TAIL = re.compile(r"[(\[]\s?Source\s?:\s?([^\n()\[\]]{2,60}?)\s?[)\]]\.?\Z")
_SIGNED = re.compile(r"[(\[/]?\s?(?:--?|[–—])?\s?([^\W\d_][^\n.()\[\]/]{0,40}?)\s?[)\]/]?\Z")
_SIGNED_TAIL = re.compile(
    r"[.!?”\"’'»]\s?([(\[]\s?([^\n()\[\]]{2,40}?)\s?[)\]]|/([^\n/]{2,40})/"
    r"|(?:--?|[–—])\s?([^\W\d_][^\n.()\[\]–—-]{1,40}))\Z"
)
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)(?:\s?(?:©|\(c\)|copyright|by|\d{4}(?:\s?[-–]\s?\d{2,4})?),?){0,4}\s?"
    r"([^\W\d_][^\n|©]{1,100})",
    re.IGNORECASE,
)
_MARKED = re.compile(r"\b\d{4}\b|rights\sreserved", re.IGNORECASE)
_HOLDER_END = re.compile(
    r"[.,]\s|\s\d{4}|[.,]?\s(?:all\srights|inc\b|llc|ltd|plc|gmbh|and/or)|[.,]\Z|\s?[|;]",
    re.IGNORECASE,
)
_DISTRIBUTED = re.compile(r"\b[Dd]istributed\sby\s([^\W\d_][^\n.]{1,60})")
_PRINCIPLES = re.compile(r"Our\sStandards:\sThe\s(Thomson\sReuters)\sTrust\sPrinciples", re.I)
_REUTERS_DESK = re.compile(
    r"\(?Reporting\sby\s[^\n]{2,200}?[;,.]\s(?:[Ww]riting\sby\s[^\n;]{2,80};\s)?[Ee]diting\sby\s[^\n]{2,80}"
)
_FEED = re.compile(
    r"[^\n]{0,120}\b(?:(?:published|auto-generated)\s(?:directly\s)?from\s(?:an?\s|the\s)?"
    r"(?:[\w-]+\s){0,2}?(?:syndicated\sfeed|agency\sfeed|wire\sfeed))[^\n]{0,80}",
    re.IGNORECASE,
)
_PRESS = re.compile(
    r"\b(?:news|press|times|post|agency|gazette|herald|tribune|journal|courier|daily|tv|radio)\b",
    re.IGNORECASE,
)


def credited(
    text: str,
    lines: Sequence[tuple[int, int]],
    imprint: Sequence[str],
    naming: Naming,
) -> Iterator[Credit]:
    """Find the credits at an article's head and foot, and on the page around it.

    `lines` are start and end of those that are not blank, `imprint` the lines of the page that
    stood around the text. The surest kind comes first: sources and signatures, then copyright, then
    the desk's line. A credit to a ministry or a company is none: only outlets are links of the
    chain.
    """
    near = [*lines[:_NEAR], *lines[max(_NEAR, len(lines) - _NEAR) :]]
    short = [(text[a:b], Place(a, b)) for a, b in near if b - a <= _LINE]
    around: list[tuple[str, Place | None]] = [*short, *((line, None) for line in imprint)]
    yield from _sources(text, lines, short, naming)
    yield from _signatures(text, lines, naming)
    for line, place in around:
        yield from _copyrights(line, place, naming)
    named = Naming(naming.registry)
    for line, place in around:
        if match := _PRINCIPLES.search(line):
            reuters = named.resolve("Reuters")
            yield _credit("Reuters", reuters, match[0], place, match, agency=True)
    # Others than Reuters sign with the same words.
    reuters = named.agency("Reuters") if re.search(r"\bReuters\b", text) else None
    for line, place in around:
        if reuters is not None and (match := _REUTERS_DESK.match(line)):
            yield _credit("Reuters", reuters, match[0], place, match, agency=True)
        elif match := _FEED.match(line):
            yield _credit("syndicated feed", None, match[0], place, match, agency=True)


def _sources(
    text: str,
    lines: Sequence[tuple[int, int]],
    short: Sequence[tuple[str, Place]],
    naming: Naming,
) -> Iterator[Credit]:
    for line, place in short:
        if match := _SOURCE.match(line):
            yield from _named(match, place, naming)
    for start, end in lines[-2:]:
        first = max(start, end - _TAIL)
        if match := _SOURCE_TAIL.search(text[first:end]):
            yield from _named(match, Place(first, end), naming)


def _named(match: re.Match[str], place: Place, naming: Naming) -> Iterator[Credit]:
    name = match[1].strip()
    outlet = naming.resolve(name)
    agency = outlet is not None and outlet.medium is Medium.AGENCY
    if outlet is not None and not agency and is_ambiguous(name, outlet):
        return  # "Source: Science" under a figure
    if outlet is not None or (
        _PRESS.search(name) and name[:1].isupper() and len(name.split()) <= 5
    ):
        yield _credit(name, outlet, match[0], place, match, agency=agency)


def _signatures(text: str, lines: Sequence[tuple[int, int]], naming: Naming) -> Iterator[Credit]:
    """Find an agency's name that stands alone after the text: "(Xinhua)", "- AFP"."""
    for start, end in lines[max(1, len(lines) - 3) :]:
        match = _SIGNED.match(text[start:end]) if end - start <= 60 else None
        if match and (outlet := naming.agency(match[1])) is not None:
            place = Place(start, end)
            yield Credit(match[1], outlet, text[start:end], Basis.TEXT, place, agency=True)
    for start, end in lines[-1:]:
        first = max(start, end - _TAIL)
        if match := _SIGNED_TAIL.search(text[first:end]):
            name = (match[2] or match[3] or match[4]).strip()
            if (outlet := naming.agency(name)) is not None:
                place = Place(first + match.start(1), first + match.end(1))
                yield Credit(name, outlet, match[1], Basis.TEXT, place, agency=True)


def _copyrights(line: str, place: Place | None, naming: Naming) -> Iterator[Credit]:
    match = _COPYRIGHT.search(line, 0, _LINE)
    if match is None or not _MARKED.search(line, 0, _LINE):
        return  # "copyright AFP" alone stands under pictures
    holder = _HOLDER_END.split(match[1], maxsplit=1)[0].rstrip(" .,")
    outlet = naming.resolve(holder)
    distributed = _DISTRIBUTED.search(line, 0, _LINE)
    if outlet is None and distributed is None and match.start() > 0:
        return
    if distributed is not None:
        name = re.split(r",|\s(?:Inc|LLC|Ltd)\b", distributed[1], maxsplit=1)[0].strip()
        via = naming.resolve(name)
        words = _credit(name, via, distributed[0], place, distributed, agency=True)
        yield replace(words, distributes=True)
    if 1 < len(holder) <= 60 and len(holder.split()) <= 7:
        agency = outlet is not None and outlet.medium is Medium.AGENCY
        shown = line[match.start() : match.start(1) + len(holder)]
        words = _credit(holder, outlet, shown, place, match, agency=agency)
        yield replace(words, sure=distributed is not None)


def _credit(
    name: str,
    outlet: Outlet | None,
    words: str,
    place: Place | None,
    match: re.Match[str],
    *,
    agency: bool,
) -> Credit:
    """Make a credit of words found in a line that stands at ``place``, or on the page around."""
    if place is not None:
        start = place.start + match.start()
        place = Place(start, start + len(words))
    gathers = outlet is not None and outlet.role is Role.AGGREGATOR
    return Credit(name, outlet, words, Basis.TEXT, place, agency=agency, gathers=gathers)


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


def of_byline(byline: str, naming: Naming) -> Credit | None:
    """Find the outlet that a byline gives the article to.

    It is such as "By Reuters", "Ann Ray, Associated Press", "Agence France-Presse in Kyllos". None
    for persons, for the publisher (whose own byline credits nobody else), for the publisher's own
    people, and for an agency that only helped ("Ann Ray and agencies", "Staff with AFP").
    """
    byline = " ".join(byline.split())
    if len(byline) > MAX_BYLINE or _CONTRIBUTION.search(byline):
        return None
    name = _BY.sub("", byline, count=1).strip()
    units = _units(name, naming)
    outlets = {outlet.id: outlet for _, _, outlet in units if outlet is not None}
    if naming.near is not None and naming.near.id in outlets:
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
            if is_ambiguous(part, outlet):
                return None
            return Credit(part, outlet, byline, Basis.BYLINE)
        return Credit(part, outlet, byline, Basis.BYLINE, agency=True)
    return None


def _units(name: str, naming: Naming) -> list[tuple[bool, str, Outlet | None]]:
    """Take a byline apart: whether a part only joins the one before it, its words, its outlet."""
    whole = _outlet(name, naming)
    if whole is not None:
        return [(False, name, whole)]
    units: list[tuple[bool, str, Outlet | None]] = []
    for segment in filter(None, _COMMA.split(name)):
        outlet = _outlet(segment, naming)
        if outlet is not None:
            units.append((False, segment, outlet))
            continue
        joint = False
        for position, part in enumerate(_WORDS.split(f" {segment} ".replace("  ", " "))):
            if position % 2:
                joint = part.casefold() in ("and", "&", "+", "with")
            elif part.strip():
                found = _outlet(part.strip(), naming)
                units.append((joint, part.strip(), found))
    return units


def _outlet(words: str, naming: Naming) -> Outlet | None:
    """Return the outlet of a byline's part; of one with a desk ("Reuters Staff"), agencies only.

    A "Science Correspondent" is not the journal's.
    """
    outlet = naming.resolve(words)
    desk = _DESK.sub("", words)
    return outlet or (naming.agency(desk) if desk != words else None)
