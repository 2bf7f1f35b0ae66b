"""RSS, Atom and JSON Feed: the articles that a feed carries whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import webpage
from framescope.classifier.inputs.newsxml import root_of
from framescope.classifier.records import Article, Origin, Skipped, count_words

_ROOTS = frozenset({"rss", "feed", "RDF"})
_LISTS = frozenset({"urlset", "sitemapindex", "opml"})
_TAG = re.compile(r"<[a-zA-Z/!]")


def looks_like_feed(head: str) -> bool:
    """Whether a document that begins with `head` is a feed."""
    return root_of(head) in _ROOTS


def refuse_list(head: str, source: str) -> None:
    """Refuse a sitemap or a list of feeds, which hold no text: an `InputError`."""
    if root_of(head) in _LISTS:
        raise InputError(source, "is a list of addresses, no article; give the address of one")


def articles(data: bytes, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read the articles of a feed; of an entry that is only a summary, say where the whole is.

    Raises
    ------
    InputError
        When no entry is an article.
    """
    import feedparser

    feed = feedparser.parse(data)
    outlet = _said(feed.feed.get("title"))
    good, number = 0, 0
    for number, entry in enumerate(feed.entries, 1):
        item = _entry(entry, outlet, source, f"{stem}-{number}", number)
        good += isinstance(item, Article)
        yield item
    if not good:
        what = "its entries are only summaries" if number else "it has no entries"
        raise InputError(source, f"is a feed without articles: {what}; give an article's address")


def _entry(
    entry: Mapping[str, Any], outlet: str | None, source: str, name: str, number: int
) -> Article | Skipped:
    origin, url = Origin(source, record=number), _said(entry.get("link"))
    title = _plain(entry.get("title"))
    bodies = [content.get("value") or "" for content in entry.get("content", ())]
    lines = max((webpage.paragraphs(one) for one in bodies), key=_words, default=[])
    lines = max(lines, webpage.paragraphs(entry.get("summary") or ""), key=_words)
    if _words(lines) < webpage.MIN_WORDS:
        where = f"give its address: {url}" if url else "give the article's page or text"
        return Skipped(str(origin), f"only a summary of {_words(lines)} words; {where}")
    if title and lines[0] != title:
        lines = [title, *lines]
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    return Article(
        name,
        "\n".join(lines),
        title=title,
        outlet=_said(_of(entry.get("source"), "title")) or outlet,
        url=url,
        date=f"{parsed[0]:04}-{parsed[1]:02}-{parsed[2]:02}" if parsed else None,
        author=_said(entry.get("author")),
        origin=origin,
    )


def _of(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _plain(value: object) -> str | None:
    said = _said(value)
    return " ".join(webpage.paragraphs(said)) if said and _TAG.search(said) else said


def _said(value: object) -> str | None:
    return (" ".join(value.split()) or None) if isinstance(value, str) else None


def _words(lines: list[str]) -> int:
    return sum(map(count_words, lines))
