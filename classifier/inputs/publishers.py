"""Who a page says published it: its structured data, its meta tags, its imprint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

_SCRIPT = re.compile(
    r"<script\b[^>]{0,300}application/ld\+json[^>]{0,300}>(.{2,500000}?)</script",
    re.IGNORECASE | re.DOTALL,
)
_META = re.compile(r"<meta\b[^>]{1,2000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-z:-]{1,30})\s{0,3}=\s{0,3}(?:"([^"]{0,1000})"|'([^']{0,1000})')""", re.I
)
_LINK = re.compile(
    r"<a\b[^>]{0,1000}?href\s{0,3}=\s{0,3}[\"']([^\"'\s]{1,500})[\"'][^>]{0,1000}>(.{1,300}?)</a",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^>]{0,500}>")
# What the page that says who answers for a site is called.
_IMPRINT = re.compile(
    r"impressum|imprint|mentions légales|aviso legal|note legali|colofon|kolofon|künye|"
    r"publishing information|legal notice|about us|over ons|quem somos|quiénes somos|"
    r"qui sommes-nous|"
    r"chi siamo|о редакции|о нас|редакция|про нас|redaktion|redakcja|om oss|درباره ما|من نحن|"
    r"关于我们|會社概要|会社概要",
    re.IGNORECASE,
)
_ARTICLES = (
    "article",
    "newsarticle",
    "reportagenewsarticle",
    "blogposting",
    "webpage",
    "liveblogposting",
)
_ORGANISATIONS = (
    "newsmediaorganization",
    "organization",
    "corporation",
    "localbusiness",
    "website",
)
#: Of `name` properties in meta tags, the surest first.
_SITE_NAMES = ("og:site_name", "application-name", "apple-mobile-web-app-title")
_MAX_NAME = 100
_DEPTH = 6
_MOST = 200  # objects of a page's structured data that are looked at


@dataclass(frozen=True, slots=True)
class PageSays:
    """What a page says of its publisher; each None where it says nothing."""

    publisher: str | None = None  # as its structured data name it
    site: str | None = None  # as its meta tags do
    legal: str | None = None  # the company's name
    imprint: str | None = None  # the address of the page that says who answers for it


def said_by(html: str, url: str | None) -> PageSays:
    """Read who a page says published it.

    Handles (``@ellery``, ``Ellery_News``), addresses and what is longer than a line are no names.

    Parameters
    ----------
    html : str
    url : str or None
        What the imprint's address is relative to.
    """
    publisher = legal = None
    for found in _publishers(html):
        publisher = publisher or _name(found.get("name"))
        legal = legal or _name(found.get("legalName"))
    return PageSays(publisher, _site(html), legal, _imprint(html, url))


def _publishers(html: str) -> Iterator[Mapping[str, Any]]:
    """Give what the structured data say of a publisher: the article's, then the site's."""
    objects: list[Mapping[str, Any]] = []
    for match in _SCRIPT.finditer(html):
        try:
            objects += _objects(json.loads(match[1].strip(), strict=False))
        except (ValueError, RecursionError):
            continue
    by_id = {one["@id"]: one for one in objects if isinstance(one.get("@id"), str) and len(one) > 1}
    for one in objects:
        if _types(one) & set(_ARTICLES):
            yield from _resolved(one.get("publisher"), by_id)
    for kind in _ORGANISATIONS:
        for one in objects:
            if kind in _types(one):
                yield from _resolved(one.get("publisher"), by_id)
                yield one


def _objects(given: object, depth: int = 0) -> list[Mapping[str, Any]]:
    if depth > _DEPTH:
        return []
    if isinstance(given, list):
        return [one for part in given[:_MOST] for one in _objects(part, depth + 1)]
    if not isinstance(given, dict):
        return []
    inner = [
        given[name]
        for name in ("@graph", "mainEntity", "mainEntityOfPage", "isPartOf")
        if name in given
    ]
    return [given, *_objects(inner, depth + 1)]


def _types(one: Mapping[str, Any]) -> set[str]:
    kinds = one.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return {kind.lower().rpartition("/")[2] for kind in listed if isinstance(kind, str)}


def _resolved(given: object, by_id: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, str):
            yield by_id.get(one, {"name": one})
        elif isinstance(one, dict):
            yield one if "name" in one else by_id.get(str(one.get("@id")), one)


def _site(html: str) -> str | None:
    found: dict[str, str] = {}
    for tag in _META.finditer(html, 0, 300_000):
        given = {name.lower(): a or b for name, a, b in _ATTRIBUTE.findall(tag[0])}
        name = (given.get("property") or given.get("name") or "").lower()
        if name in _SITE_NAMES and (text := _name(given.get("content"))):
            found.setdefault(name, text)
    return next((found[name] for name in _SITE_NAMES if name in found), None)


def _name(given: object) -> str | None:
    """Give a name that may be shown; None for handles, addresses, and what is no name."""
    text = " ".join(unescape(given).split()) if isinstance(given, str) else ""
    if not 1 < len(text) <= _MAX_NAME or text.startswith("@") or "://" in text:
        return None
    if "_" in text and " " not in text:  # KGK_News
        return None
    return text if any(letter.isalpha() for letter in text) else None


def _imprint(html: str, url: str | None) -> str | None:
    found = None
    for match in _LINK.finditer(html, max(0, len(html) - 400_000)):
        if _IMPRINT.fullmatch(" ".join(_TAG.sub(" ", match[2]).split())):
            found = match[1]  # the last: it stands in the foot
    if found is None:
        return None
    address = urljoin(url or "", unescape(found))
    return address if urlsplit(address).scheme in ("http", "https") else None
