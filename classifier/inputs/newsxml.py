"""News agencies' XML: NITF, and NewsML in both of its generations, which wrap it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, Origin, Skipped

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROOT = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<\?[^>]{0,500}>\s*){0,5}(?:<!--.{0,5000}?-->\s*){0,5}"
    r"(?:<!DOCTYPE[^>\[]{0,500}(?:\[[^\]]{0,5000}\])?\s*>\s*)?"
    r"<(?:[\w.-]{1,40}:)?([A-Za-z][\w.-]{0,60})",
    re.DOTALL,
)
_ROOTS = frozenset({"nitf", "NewsML", "newsMessage", "newsItem"})
_ITEMS = ("newsItem", "NewsItem")
_BLOCKS = frozenset(
    {"p", "li", "hl2", "h1", "h2", "h3", "h4", "td", "blockquote", "pre", "dt", "dd"}
)
_PROVIDERS = (
    "doc.copyright", "pubdata", "provider", "Provider", "distributor", "copyrightHolder",
)  # fmt: skip
_NAMED = ("holder", "name", "FormalName", "literal")
_LONGEST = 60  # characters of a day as it is written, with its time and zone
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def root_of(head: str) -> str | None:
    """Give the name of an XML document's root, without its prefix; None where it is no XML."""
    match = _ROOT.match(head)
    return match[1] if match else None


def looks_like_news(head: str) -> bool:
    """Whether a document that begins with `head` is NITF or NewsML."""
    return root_of(head) in _ROOTS


def articles(data: bytes, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read the articles of a document.

    Raises
    ------
    InputError
        When it is no XML, or holds no article.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = f"is damaged XML ({error}); save it again"
        raise InputError(source, " ".join(reason.split())) from None
    if root is None:
        raise InputError(source, "is damaged XML; save it again")
    items = [one for one in root.iter() if _name(one) in _ITEMS] or [root]
    # A picture's item has no text, and no item holds another that is not its own.
    found = [one for number, item in enumerate(items, 1) if (one := _article(item, source, number))]
    if not found:
        raise InputError(source, "holds no text of an article; give the item that has it")
    for number, article in enumerate(found, 1):
        name = stem if len(found) == 1 else f"{stem}-{number}"
        place = Origin(source, record=number if len(found) > 1 else None)
        yield Article(name, **article, origin=place)


def _article(item: _Element, source: str, number: int) -> dict[str, Any] | None:
    body = _first(item, "body.content", "body", "DataContent", "inlineData")
    lines = _lines(body) if body is not None else []
    if not lines:
        return None
    title = _text(_first(item, "hl1", "headline", "HeadLine", "hedline", "title"))
    if title and lines[0] != title:
        lines = [title, *lines]
    return {
        "text": "\n".join(lines),
        "title": title,
        "outlet": _outlet(item),
        "author": _text(_first(item, "byline", "by", "ByLine")),
        "date": _date(item),
        "lang": _language(item),
    }


def _lines(body: _Element) -> list[str]:
    blocks = [one for one in body.iter() if _name(one) in _BLOCKS]
    # Of blocks within blocks, the innermost.
    inner = [
        one for one in blocks if not any(_name(child) in _BLOCKS for child in one.iterdescendants())
    ]
    if inner:
        return [line for one in inner if (line := _text(one))]
    whole = "".join(body.itertext())
    return [line for part in re.split(r"\n\s*\n", whole) if (line := " ".join(part.split()))]


def _outlet(item: _Element) -> str | None:
    for name in (
        "doc.copyright",
        "pubdata",
        "provider",
        "Provider",
        "distributor",
        "copyrightHolder",
    ):
        one = _first(item, name)
        if one is None:
            continue
        said = (
            one.get("holder") or one.get("name") or _text(_first(one, "name", "org")) or _text(one)
        )
        party = next((x for x in one.iter() if _name(x) == "Party"), None)
        said = (
            said or (party.get("FormalName") if party is not None else None) or one.get("literal")
        )
        if said:
            return said
    return None


def _date(item: _Element) -> str | None:
    given = (
        ("date.issue", "norm"), ("date.release", "norm"), ("pubdata", "date.publication"),
        ("story.date", "norm"), ("contentCreated", ""), ("versionCreated", ""),
        ("FirstCreated", ""), ("ThisRevisionCreated", ""), ("DateAndTime", ""),
    )  # fmt: skip
    for name, attribute in given:
        one = _first(item, name)
        if one is not None:
            match = _DAY.match(((one.get(attribute) if attribute else _text(one)) or "")[:_LONGEST])
            if match:
                return "-".join(match.groups())
    return None


def _language(item: _Element) -> str | None:
    for name, attribute in (("language", "tag"), ("Language", "FormalName")):
        one = _first(item, name)
        if one is not None and (said := one.get(attribute)):
            return str(said)[:2].lower()
    return None


def _first(item: _Element, *names: str) -> _Element | None:
    """Give the first element of the first of the names that any has; empty ones don't count."""
    for name in names:
        for one in item.iter():
            if _name(one) == name and (len(one) or (one.text or "").strip() or one.attrib):
                return one
    return None


def _name(element: _Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(element: _Element | None) -> str | None:
    if element is None:
        return None
    return " ".join("".join(element.itertext()).split()) or None
