"""RSS and Atom: the articles that a feed carries whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import webpage
from framescope.classifier.records import Article, Origin, Skipped, count_words

_ROOT = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<\?[^>]{0,500}>\s*){0,5}(?:<!--.{0,5000}?-->\s*){0,5}"
    r"(?:<!DOCTYPE[^>\[]{0,500}(?:\[[^\]]{0,5000}\])?\s*>\s*)?"
    r"<(?:[\w.-]{1,40}:)?([A-Za-z][\w.-]{0,60})",
    re.DOTALL,
)
_FEEDS = frozenset({"rss", "feed", "RDF"})
_LISTS = frozenset({"urlset", "sitemapindex", "opml"})
_AGENCIES = frozenset({"nitf", "NewsML", "newsMessage", "newsItem"})
_TAG = re.compile(r"<[a-zA-Z/!]")


def root_of(head: str) -> str | None:
    """Return the name of an XML document's root, without its prefix; None where it is no XML."""
    match = _ROOT.match(head)
    return match[1] if match else None


def looks_like_feed(head: str) -> bool:
    """Whether a document that begins with `head` is a feed."""
    return root_of(head) in _FEEDS


def refuse_other_xml(head: str, source: str) -> None:
    """Refuse XML that is neither a feed nor a page: an `InputError`."""
    root = root_of(head)
    if root in _LISTS:
        raise InputError(source, "is a list of addresses, no article; give the address of one")
    if root in _AGENCIES:
        raise InputError(source, "is NITF or NewsML, which is not read; save its text as .txt")
    if root is not None and head.lstrip().startswith("<?xml"):
        reason = f"is XML of a kind that isn't read (<{root}>); save its text, or give RSS or HTML"
        raise InputError(source, reason)


def articles(data: bytes, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read the articles of a feed; of an entry that is only a summary, say where the whole is.

    Raises `InputError` when it has no entries.
    """
    import feedparser

    feed = feedparser.parse(data)
    if not feed.entries:
        raise InputError(source, "is a feed without entries; give an article's address")
    outlet = webpage.plain(feed.feed.get("title"))
    for number, entry in enumerate(feed.entries, 1):
        yield _entry(entry, outlet, f"{stem}-{number}", Origin(source, record=number))


def _entry(
    entry: Mapping[str, Any], outlet: str | None, name: str, origin: Origin
) -> Article | Skipped:
    url, title = webpage.plain(entry.get("link")), webpage.plain(entry.get("title"))
    if title and _TAG.search(title):
        title = " ".join(webpage.paragraphs(title))
    bodies = [content.get("value") or "" for content in entry.get("content", ())]
    texts = map(webpage.paragraphs, [*bodies, entry.get("summary") or ""])
    lines = max(texts, key=_words, default=[])
    if _words(lines) < webpage.MIN_WORDS:
        where = f"give its address: {url}" if url else "give the article's page or text"
        return Skipped(str(origin), f"only a summary of {_words(lines)} words; {where}")
    source = entry.get("source")
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    original = webpage.plain(source.get("title")) if isinstance(source, Mapping) else None
    return Article(
        name,
        "\n".join([title, *lines] if title and lines[0] != title else lines),
        title=title,
        outlet=original or outlet,
        url=url,
        date=f"{parsed[0]:04}-{parsed[1]:02}-{parsed[2]:02}" if parsed else None,
        author=webpage.plain(entry.get("author")),
        origin=origin,
    )


def _words(lines: list[str]) -> int:
    return sum(map(count_words, lines))
