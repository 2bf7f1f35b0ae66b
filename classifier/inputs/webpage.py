"""HTML -> the article on the page, by trafilatura; or all its paragraphs, of a letter or a feed."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import page
from framescope.classifier.inputs.publishers import said_by
from framescope.classifier.records import Article, Imprint, count_words

MIN_WORDS = 25
"""A page with fewer words of text holds no article."""

_START = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*){0,3}"
    r"<(?:!doctype\s+html|html|head|body|article|main|section|div|p|h[1-6]|meta|title|span|table"
    r"|header|nav|script|style|link|base|a|ul|img)\b",
    re.IGNORECASE | re.DOTALL,
)
_ANYWHERE = re.compile(r"<(?:!doctype\s+html|html|body|article)\b", re.IGNORECASE)
# What browsers and their extensions write above a page that they save: where it stood.
_SAVED = re.compile(
    r"<!--\s{0,9}(?:Page saved with SingleFile\s{1,9}url:|saved from url=\(\d{1,9}\))\s{0,9}"
    r"(https?://[^\s>]{1,2000})"
)
_PICTURE = re.compile(
    rb"data:[a-z]{1,20}/[\w.+-]{1,60}(?:;[\w=.-]{1,60}){0,3};base64,[A-Za-z0-9+/=%\s]{100,}",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?\s{0,3}([A-Za-z0-9_-]{2,30})", re.IGNORECASE)
_LANG = re.compile(r"<html[^>]{0,500}?\blang\s?=\s?[\"']?([A-Za-z]{2,3})\b", re.IGNORECASE)
_BODY = re.compile(r'"articleBody"\s{0,5}:\s{0,5}("(?:[^"\\]|\\.)*")')
# The blocks of trafilatura's tree, and those of HTML.
_BLOCKS = frozenset({"p", "head", "item", "quote", "cell", "row", "list", "table", "body", "code"})
_HTML_BLOCKS = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "blockquote", "table", "tr"}
    | {"td", "th", "section", "article", "header", "footer", "aside", "figure", "figcaption", "pre"}
    | {"hr", "br", "dt", "dd", "main", "body", "center"}
)
_UNSEEN = ("script", "style", "head", "template", "noscript", "svg")
_TAIL = re.compile(r"\s(?:\||-|–|—|·|»|:)\s(?=[^|–—·»]{1,60}\Z)")


def looks_like_html(head: str) -> bool:
    """Whether a text that begins with ``head`` is a web page."""
    return _START.match(head) is not None


def has_html(head: str) -> bool:
    """Whether the tags of a page stand anywhere in ``head``, for a file that is called a page."""
    return looks_like_html(head) or _ANYWHERE.search(head) is not None


def without_pictures(data: bytes) -> bytes:
    """Take the pictures and fonts out of a page that holds them whole (``data:`` addresses)."""
    return _PICTURE.sub(b"data:,", data)


def declared_charset(data: bytes) -> str | None:
    """Give the encoding that a page names in its first bytes."""
    found = _CHARSET.search(data, 0, 4096)
    return found[1].decode("ascii") if found else None


def articles(html: str, source: str, stem: str, url: str | None = None) -> Iterator[Article]:
    """Extract the articles of a page.

    Their text is the headline, then a paragraph a line. All have the page's URL and site name, the
    first, whose id is ``stem``, its title, date and author too; its outlet is the site's name, or
    the URL's host. Where the page was fetched or saved from ``url``, that decides: what the page
    says of itself is kept beside it. Raises `InputError`, which names the source, when there is no
    article.
    """
    if url is None and (saved := _SAVED.search(html, 0, 10_000)):
        url = saved[1]
    document = _extract(html, url)
    lines = _paragraphs(document.body) if document is not None else []
    if _words(lines) < MIN_WORDS:
        lines = _described_body(html)
    if document is None or _words(lines) < MIN_WORDS:
        reason = "no article found on the page; give the address or the text of one article"
        raise InputError(source, reason)
    own = _known(document.url)
    claimed = own if url is not None and not _same_site(own, url) else None
    address = url if claimed is not None else own or url
    said = said_by(html, address)
    named = said.publisher or said.site
    site = _known(document.sitename) or _host(address)
    title = _headline(_known(document.title), site)
    found = page.articles(_with_headline(title, lines), stem, site)
    language = _LANG.search(html, 0, 10_000)
    for number, article in enumerate(found):
        if number == 0:
            article = replace(
                article,
                title=title or article.title,
                outlet=article.outlet or named or _host(address),
                date=_known(document.date) or article.date,
                author=_known(document.author) or article.author,
            )
        if claimed is not None or said.legal is not None or said.imprint is not None:
            around = article.imprint or Imprint()
            around = replace(around, address=claimed, company=said.legal, about=said.imprint)
            article = replace(article, imprint=around)
        yield replace(
            article,
            url=address,
            site_name=said.site or said.publisher,
            lang=language[1].lower() if language else None,
        )


def _words(lines: list[str]) -> int:
    return sum(map(count_words, lines))


def _described_body(html: str) -> list[str]:
    """Give the paragraphs that a page's description for search engines (JSON-LD) holds.

    Some pages show an article only after scripts have run, and have it whole in there.
    """
    found = _BODY.search(html)
    try:
        text = str(json.loads(found[1], strict=False)) if found else ""
    except ValueError:
        text = ""
    return [line for part in unescape(text).splitlines() if (line := " ".join(part.split()))]


def _extract(html: str, url: str | None) -> Any:
    from trafilatura import bare_extraction

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # the message below says it all
    try:
        return bare_extraction(html, url=url, include_comments=False, with_metadata=True)
    except (RecursionError, ValueError, AttributeError, TypeError, AssertionError):
        return None  # a page so broken that the library trips over it holds no article either


def paragraphs(html: str) -> list[str]:
    """Give all paragraphs of a page or a part of one, each on a line, whatever they are."""
    from lxml.etree import ParserError, strip_elements
    from lxml.html import (
        HTMLParser,
        document_fromstring,
    )

    parser = HTMLParser(remove_comments=True, remove_pis=True)
    try:
        body = document_fromstring(f"<div>{html}</div>", parser)
    except (ParserError, ValueError, AssertionError):  # nothing but a comment, or no text at all
        return []
    strip_elements(body, *_UNSEEN, with_tail=False)
    return _paragraphs(body, _HTML_BLOCKS)


def _paragraphs(body: Any, blocks: Collection[str] = _BLOCKS) -> list[str]:
    """Give the paragraphs of a tree, each on a line, as far as they don't nest."""
    from lxml.etree import iterwalk

    lines: list[str] = []
    words: list[str] = []

    def close() -> None:
        if line := " ".join("".join(words).split()):
            lines.append(line)
        words.clear()

    if body is None:
        return lines
    # Not recursive: pages nest deeper than Python's stack.
    for event, element in iterwalk(body, events=("start", "end")):
        if element.tag in blocks or element.tag == "lb":
            close()
        words.append((element.text if event == "start" else element.tail) or "")
    close()
    return lines


def _with_headline(title: str | None, lines: list[str]) -> str:
    if title is None:
        return "\n".join(lines)
    for index, line in enumerate(lines[:3]):
        if _letters(line) == _letters(title):
            return "\n".join([line, *lines[:index], *lines[index + 1 :]])
    begins = lines and _letters(lines[0]).startswith(_letters(title))
    return "\n".join(lines if begins else [title, *lines])


def _headline(title: str | None, site: str | None) -> str | None:
    """Take the site's name off a title: "Council votes | Ellery Gazette"."""
    while title and (tail := _TAIL.search(title)):
        name = _letters(title[tail.end() :])
        known = _letters(site or "")
        if not name.isdigit() and not (known and (name in known or known in name)):
            break
        title = title[: tail.start()].rstrip()
    return title or None


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())


def _known(value: object) -> str | None:
    return (" ".join(value.split()) or None) if isinstance(value, str) else None


def _same_site(own: str | None, url: str) -> bool:
    """Whether a page's own address is of the site that it was fetched from, or of its archive."""
    here, there = _host(url), _host(own)
    if here is None or there is None or there in url:
        return True
    return here.endswith(f".{there}") or there.endswith(f".{here}")


def _host(url: str | None) -> str | None:
    host = urlsplit(url).hostname if url else None
    return host.removeprefix("www.") if host else None
