"""The dateline of an article -> the agency that sent it: "KYLLOS, July 3 (Reuters) -"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from framescope.classifier.inputs import is_headline
from framescope.classifier.outlets.publisher.naming import Credit, Naming
from framescope.classifier.records import Basis, Outlet, Place

if TYPE_CHECKING:
    pass

_HEAD = 8  # lines in which the first paragraph begins
_WINDOW = 140  # characters of a line in which a dateline ends
_PREFIX = 80  # of place and date
_TOKENS = 14
_LONG = 300  # characters of a line that are read to tell a headline

_BRACKETED = re.compile(
    r"[(（]([^()（）\n]{2,50})[)）]\s?(--?|[–—:]|(?=\s?[^\W\d_a-z]|\s?[\"“«]))?"
)
_SLASHED = re.compile(r"/\s?([^/\n]{2,40}?)\s?/\s?(?:\.|--?|[–—])")
_DOUBLED = re.compile(r"--\(([A-Za-z ]{4,30})\)--")
_DASH = re.compile(r"\s?(?:--|[–—])\s?|\s-\s?|-\s")
_CHINESE = re.compile(r"[（(【]?([\u4e00-\u9fff]{1,6}(?:社|网))[^。\n]{0,24}?[电電][】)）]?")
_TOKEN = re.compile(
    r"[^\W\d_a-zß-öø-ÿа-я][^\W\d_]*(?:['’.-][^\W\d_]+)*\.?"  # a capitalised word
    r"|\d{1,4}(?:st|nd|rd|th|h)?\.?|(?:of|de|del|al|el|la|the|and|ibn|[а-я]{3,9}\.?)|[–-]|\d{4}[-/]\d\d?[-/]\d\d?"
)
# Brackets after a place that are no agency: what country, what day, what edition.
_NO_AGENCY = re.compile(
    r"(?:USA|UAE|DRC|PRC|ROK|DPRK|CAR|NATO|GMT|UTC|EDT|EST|CET|BST|IST|LIVE|UPDATED?|OPINION)\Z"
)
_ACRONYM = re.compile(r"[A-Z]{3,6}\Z|[A-Z][a-z]+[A-Z]\w+\Z")
_PRESS = re.compile(r"\b(?:news|press|agency|wire|newswire|media|radio)\b", re.IGNORECASE)


def find(
    text: str,
    lines: Sequence[tuple[int, int]],
    naming: Naming,
    title: str | None = None,
) -> Credit | None:
    """Find the agency in an article's dateline.

    `lines` are start and end of those that are not blank; `title` is the headline, which has no
    dateline. It is the first dateline in the article's first lines. An agency that the registry
    doesn't hold is taken only from brackets after place and dash, and only if it looks like one.
    """
    for index, (start, end) in enumerate(lines[:_HEAD]):
        head = text[start : min(end, start + _WINDOW)]
        if index == 0 and title is not None and head == title[:_WINDOW] and len(lines) > 1:
            continue
        # "TASS - What it is" may be a headline; brackets make it a dateline.
        headline = index == 0 and len(lines) > 1 and is_headline(text[start:end][:_LONG])
        if found := _read(head, naming, plain=not headline):
            name, outlet, first, last = found
            place = Place(start + first, start + last)
            words = text[place.start : place.end]
            return Credit(name, outlet, words, Basis.DATELINE, place, agency=True)
    return None


_Found = tuple[str, Outlet | None, int, int]


def _read(head: str, naming: Naming, *, plain: bool) -> _Found | None:
    return (
        _bracketed(head, naming)
        or _slashed(head, naming)
        or (_plain(head, naming) if plain else None)
        or _chinese(head, naming)
    )


def _bracketed(head: str, naming: Naming) -> _Found | None:
    match = _DOUBLED.search(head) or _BRACKETED.search(head)
    if match is None or match.start() > _PREFIX:
        return None
    prefix = head[: match.start()].strip().rstrip("-–— ")
    dash = match.re is _DOUBLED or bool(match[2])
    if match.re is _BRACKETED and not dash and match[2] is None:
        return None
    if not _is_place(prefix):
        return None
    name, outlet = _sender(match[1], naming)
    if outlet is None:
        city = dash and match[match.lastindex or 1] != ":" and prefix.split()[:1]
        if not (city and city[0].isupper() and _looks_like_agency(match[1])):
            return None
    elif not dash and prefix:
        return None  # "Karst Press (Reuters) said"
    elif _explains(prefix, match[1], outlet):
        return None
    return name, outlet, 0, len(head[: match.end()].rstrip())


def _slashed(head: str, naming: Naming) -> _Found | None:
    match = _SLASHED.search(head)
    if match is None or not 2 < match.start() <= _PREFIX or not _is_place(head[: match.start()]):
        return None
    outlet = naming.resolve(match[1])
    newswire = match[1].casefold().endswith(("newswire", "wire"))
    if outlet is None and not newswire and not match[1].isupper():
        return None
    return match[1], outlet, 0, match.end()


def _plain(head: str, naming: Naming) -> _Found | None:
    """Read "Tarnstad, IRNA -", "NNA -", "KYLLOS, 12 Mar - RIA Novosti."."""
    match = _DASH.search(head)
    if match is None or match.start() > _PREFIX or not match.start():
        return None
    before, after = head[: match.start()], head[match.end() :]
    if not after[:1].isalpha() or after[:1].islower():
        return None
    parts = [part for part in re.split(r"[,.:]\s", before) if part.strip()]
    last = parts[-1].strip() if parts else ""
    if last and _is_place(before):
        outlet = naming.agency(last)
        if outlet is not None and (len(parts) > 1 or last.isupper()):
            return last, outlet, 0, len(head[: match.end()].rstrip())
    sender = re.match(r"([^.:,/\n]{2,40})[.:]\s", after)
    if sender and re.search(r"\d", before) and _is_place(before):
        outlet = naming.agency(sender[1])
        if outlet is not None:
            return sender[1], outlet, 0, match.end() + sender.end(1) + 1
    return None


def _chinese(head: str, naming: Naming) -> _Found | None:
    match = _CHINESE.match(head)
    outlet = Naming(naming.registry).resolve(match[1]) if match else None
    return None if match is None or outlet is None else (match[1], outlet, 0, match.end())


def _sender(words: str, naming: Naming) -> tuple[str, Outlet | None]:
    """Return whom the brackets name; of two ("CBSDC/AP"), the agency."""
    words = words.strip()
    if (whole := naming.resolve(words)) is not None:
        return words, whole
    for part in re.split(r"\s?[/|,]\s?|\s[-–—]\s", words):
        if (outlet := naming.agency(part)) is not None:
            return part.strip(), outlet
    return words, None


def _is_place(prefix: str) -> bool:
    """Whether words are of places and days, all capitalised, and no sentence."""
    if len(prefix) > _PREFIX:
        return False
    tokens = [token for token in re.split(r"[\s,/]+", prefix) if token]
    return len(tokens) <= _TOKENS and all(_TOKEN.fullmatch(token) for token in tokens)


def _looks_like_agency(words: str) -> bool:
    if _NO_AGENCY.match(words) or len(words.split()) > 4:
        return False
    return _ACRONYM.match(words) is not None or _PRESS.search(words) is not None


def _explains(prefix: str, words: str, outlet: Outlet) -> bool:
    """Whether the brackets abbreviate what stands before them: "Advanced Placement (AP)"."""
    tokens = re.findall(r"[^\W\d_]+", prefix)
    initials = "".join(token[0] for token in tokens if token[0].isupper())
    named = {name.text.casefold() for name in outlet.names} | {outlet.name.casefold()}
    bare = prefix.casefold().removeprefix("the ")
    return (len(words) > 1 and initials == words.upper()) or bool(named & {bare, f"the {bare}"})
