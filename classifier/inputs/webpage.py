"""HTML -> the article on the page, by trafilatura; or all its paragraphs, of a letter or a feed."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import page
from framescope.classifier.inputs.page import letters
from framescope.classifier.records import Article, Imprint, count_words

MIN_WORDS = 25  # of an article's page
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
# Pictures and fonts that a page holds whole.
PICTURE = re.compile(
    rb"data:[a-z]{1,20}/[\w.+-]{1,60}(?:;[\w=.-]{1,60}){0,3};base64,[A-Za-z0-9+/=%\s]{100,}",
    re.IGNORECASE,
)
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
# What stands beside an article: its tag or role, and words in its classes and its id.
_BESIDE = re.compile(
    r"^(?:aside|nav|footer|dialog|form|complementary|contentinfo|navigation|search)$|related"
    r"|recommend|read-?(?:more|next)|more-?(?:from|on|stories|news)|also-?(?:like|read)"
    r"|most-?read|popular|next-?(?:story|article|post)|trending|promo|sponsor|advert|outbrain"
    r"|taboola|newsletter|subscri(?:ber)?|sign-?up|paywall|donat|spenden|support-?us|disturber"
    r"|steady-|comment(?!ary)|kommentar|respond|disqus|author|(?:^|-)bio(?:$|-)|biograph|byline"
    r"|credit|copyright|posted-?on|timestamp|social|shar(?:e|ing)|follow|cookie|consent|gdpr"
    r"|modal|pop-?up|dialog|breadcrumb|tag-?(?:s|list|cloud)|sidebar|widget|footer|(?:^|-)nav"
    r"|menu|toolbar|linkbox|disclaimer|disclosure|affiliate|issn|product_list"
    r"|latest-?(?:news|stories|posts|articles)|(?:^|-)(?:teaser|card)s?(?:$|-)",
    re.IGNORECASE,
)
# Classes that a site's program gives to the article itself.
_LAYOUT = re.compile(r"(?:tag|category|post|type|status|has|no|is|js|wp|with|elementor)-", re.I)
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
_PROSE, _HEADING = 80, 12  # characters of a paragraph at least, words of a heading at most
_LINKED, _TEASERS = 0.8, 3  # of a line's characters in links; blocks of one form under links
_COMMENTS = frozenset({"comment", "kommentar", "respond", "disqus"})
_FOR_SUBSCRIBERS = frozenset({"paywall", "subscriber"})  # prose is the article's
_ASKS = re.compile(r"\byou\b.*\b(?:subscri|log ?in\b|sign (?:in|up)\b)", re.I | re.S)  # or a notice
_SHARE = 0.4  # of a page's prose at most stands in one element beside the article
_MOSTLY, _AGREES = 0.5, 0.8
# Where a page ends that shows the rest to subscribers; calls to the reader in a short line.
_WALL = re.compile(
    r"(?:(?:want )?to (?:view|read|see|continue|unlock)|continue reading|unlock)\b"
    r"(?:.{0,60}\byou\b.{0,60}?\b|.{0,60}?(?:[^\w\s] |\b(?:please|reading|this \w+|or|and) ))"
    r"(?:subscribe|sign (?:in|up)|log ?in|register)\b",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:^|[.!?:•|] )(?:please )?(?:(?:sign up|subscribe|join our|download our|tag us)\b"
    r"|(?:get|read|receive) (?:the|our|more)\b.{0,60}\b(?:newsletters?|inbox|email|editor)\b"
    r"|(?:follow|submit|send|share) (?:us|your)\b|tell us\b.*\b(?:think|comments?|below|story)\b"
    r"|(?:follow|share|tell) (?:\S+ ){1,4}on (?:facebook|twitter|x|instagram|linkedin|youtube"
    r"|tiktok|telegram|whatsapp|threads|bluesky|social media)\b)|(?:click|tap) here"
    r"|^for (?:the latest|more)\b(?! than).*\b(?:download|visit|follow|subscribe|call|email)\b"
    r"|\b(?:our|free) (?:\w+ )?newsletters?\b|\b(?:tag me|leave a comment|all rights reserved)\b"
    r"|\[email\W+protected\]|\S@[^\s@]{1,100}\.\w{2,}",
    re.IGNORECASE,
)
_BY = re.compile(r"By ([A-Z][\w'’-]+(?: [A-Z][\w.'’-]*){1,2})\b")
_CALL_WORDS, _AT_END, _AFTER_WALL = 40, 4, 60
_QUOTES = frozenset('"“”«»„「」')
_TAIL = re.compile(r"\s(?:\||-|–|—|·|»|:)\s(?=[^|–—·»]{1,60}\Z)")
# What the page that says who answers for a site is called.
_IMPRINT = re.compile(
    r"impressum|imprint|mentions légales|aviso legal|note legali|colofon|kolofon|künye|"
    r"publishing information|legal notice|about us|over ons|quem somos|quiénes somos|"
    r"qui sommes-nous|chi siamo|о редакции|о нас|редакция|про нас|redaktion|redakcja|om oss|"
    r"درباره ما|من نحن|关于我们|會社概要|会社概要",
    re.IGNORECASE,
)
_ARTICLES = {"article", "newsarticle", "reportagenewsarticle", "blogposting", "webpage"}
_ARTICLES |= {"liveblogposting"}
_PUBLISHERS = ("newsmediaorganization", "organization", "corporation", "localbusiness", "website")
_SITE_NAMES = ("og:site_name", "application-name", "apple-mobile-web-app-title")  # surest first
_NESTED = ("@graph", "mainEntity", "mainEntityOfPage", "isPartOf")
_MAX_NAME = 100
_DEPTH, _MOST = 6, 200  # of a page's structured data: how deep, and how many in a list
_UNREADABLE = (RecursionError, ValueError, AttributeError, TypeError, AssertionError)


def looks_like_html(head: str) -> bool:
    """Whether a text that begins so is a web page."""
    return _START.match(head) is not None


def has_html(head: str) -> bool:
    """Whether the tags of a page stand anywhere in ``head``, for a file that is called a page."""
    return looks_like_html(head) or _ANYWHERE.search(head) is not None


def plain(value: object) -> str | None:
    """Return a text on one line; None for what is empty or no text."""
    return (" ".join(value.split()) or None) if isinstance(value, str) else None


def articles(
    html: str, source: str, stem: str, url: str | None = None, *, whole: bool = False
) -> Iterator[Article]:
    """Extract the articles of a page, with what stands beside them if `whole`."""
    if url is None and (saved := _SAVED.search(html, 0, 10_000)):
        url = saved[1]
    document, said, tree = _extract(html, url)
    lines = _paragraphs(document.body, _BLOCKS) if document is not None else []
    # Some pages show an article only after scripts have run, and have it whole in JSON-LD.
    found, body = max(_BODY.findall(html), key=len, default=""), list[str]()
    with suppress(ValueError):
        parts = unescape(str(json.loads(found, strict=False))).splitlines() if found else ()
        body = [line for part in parts for line in paragraphs(part)]
    around: list[str] = []
    if document is not None and not whole:
        with suppress(*_UNREADABLE):  # of a page that can't be parted, all that was found stays
            lines, around = _apart(tree, lines, body, plain(document.author))
    lines = body if words(lines) < MIN_WORDS else lines
    if document is None or words(lines) < MIN_WORDS:
        reason = "no article found on the page; give the address or the text of one article"
        raise InputError(source, reason)
    own = plain(document.url)
    claimed = own if url is not None and not same_site(own, url) else None
    address = url if claimed is not None else own or url
    about = _joined(address, said.imprint)
    imprint: dict[str, Any] = {"address": claimed, "company": said.company, "about": about}
    site = plain(document.sitename) or _host(address)
    title = _headline(plain(document.title), site)
    language = _LANG.search(html, 0, 10_000)
    every = page.articles(_with_headline(title, lines), stem, site)
    for number, article in enumerate(every):
        known: dict[str, Any] = {"url": address, "site_name": said.site or said.publisher}
        if number == 0:  # the page's title, date and author are those of its first article
            known |= {
                "title": title or article.title,
                "outlet": article.outlet or said.publisher or said.site or _host(address),
                "date": plain(document.date) or article.date,
                "author": plain(document.author) or article.author,
                "removed": page.left_out((*lines, *around), every),
            }
        if any(imprint.values()):
            known["imprint"] = replace(article.imprint or Imprint(), **imprint)
        yield replace(article, lang=language[1].lower() if language else None, **known)


def words(lines: list[str]) -> int:
    """Count the words of several lines."""
    return sum(map(count_words, lines))


def _extract(html: str, url: str | None) -> tuple[Any, _Said, Any]:
    """Return what the library finds, what the page says of itself, and the tree of what is seen."""
    from lxml.etree import strip_elements
    from trafilatura import load_html

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # errors are reported as ours
    with suppress(*_UNREADABLE):  # a page so broken that the library trips over it has no article
        if (tree := load_html(html)) is not None:
            for speaker in tree.findall(".//blockquote//footer"):  # the library drops any footer
                speaker.tag = "p"
                speaker.attrib.clear()
            said, document = _said_by(tree), _article_of(tree, url)
            tree = deepcopy(tree)
            strip_elements(tree, *_UNSEEN, with_tail=False)
            return document, said, tree
    return None, _Said(), None


def _article_of(tree: Any, url: str | None = None) -> Any:
    from trafilatura import bare_extraction

    return bare_extraction(tree, url=url, include_comments=False, with_metadata=True)


def _apart(
    tree: Any, lines: list[str], body: list[str], author: str | None
) -> tuple[list[str], list[str]]:
    """Part the lines of a page's article from those beside it, and from all others of the page."""
    beside = []
    said = letters("".join(body))
    for one in _beside(tree, said):
        if one.getroottree().getroot() is tree:  # not within one before it
            beside += _paragraphs(one, _HTML_BLOCKS)
            one.drop_tree()
    rest = _paragraphs(tree, _HTML_BLOCKS)
    within, without = (letters("".join(part)) for part in (rest, beside))
    kept, alone = list[str](), set(map(letters, rest))
    for line, known in zip(lines, map(letters, lines), strict=True):
        kept += [line] if known in alone or known in within or known not in without else []
    if words(kept) < _MOSTLY * words(lines):  # most of what was found isn't the article
        with suppress(*_UNREADABLE):
            again = _paragraphs(getattr(_article_of(tree), "body", None), _BLOCKS)
            kept = next((one for one in (again, kept) if words(one) >= MIN_WORDS), lines)
    # The page's data may hold the article, all or the most of it, as one text.
    told = [line for line in rest if count_words(line) > _HEADING and letters(line) in said]
    own = set(map(letters, told))
    if said and len(letters("".join(told))) >= _AGREES * len(said):
        kept = told if words(kept) < _MOSTLY * words(told) else kept
        own.update(_siblings(tree, own))
        ends = (n for n, line in enumerate(kept, 1) if letters(line) in own)
        end = max(ends, default=len(kept))
        kept = kept[:end] if words(kept[end:]) < _MOSTLY * words(kept) else kept
    titles = {letters("".join(one.itertext())) for one in tree.iter(*_HEADINGS)}
    kept = _without_calls(kept, author)
    while len(kept) > 1 and letters(kept[-1]) in titles:  # of what stood below it
        kept.pop()
    return kept, [*rest, *beside]


def _siblings(tree: Any, told: Collection[str]) -> list[str]:
    """Return the letters of the paragraphs of prose that share a parent with one of ``told``."""
    under = [(one.getparent(), letters(one.text_content())) for one in tree.iter("p")]
    parents = {parent for parent, text in under if text in told}
    return [text for parent, text in under if parent in parents and len(text) >= _PROSE]


def _without_calls(lines: list[str], author: str | None) -> list[str]:
    """Drop calls to subscribe or to follow, and what an article says of its author at its end."""
    bylines = (by[1] for by in map(_BY.match, lines[:_AT_END]) if by)
    names = "|".join(re.escape(x) for x in (*(author or "").split("; "), *bylines) if " " in x)
    said = re.compile(rf"(?:{names or '(?!)'}) (?:is|was|covers|writes|reports|lives|works|can)\b")
    last = max(1, len(lines) - _AT_END)
    about = (n for n, line in enumerate(lines) if n >= last and said.match(line))
    walls = {n for n, line in enumerate(lines) if _is_call(line) and _WALL.match(line)}
    prose = [line if len(line) >= _PROSE and "subscri" not in line else "" for line in lines]
    after = {n: words(prose[n + 1 :]) for n in walls}
    last_wall = min((n for n in walls if after[n] < _AFTER_WALL), default=len(lines))
    end = min(next(about, len(lines)), last_wall)
    kept = range(end if words(lines[:end]) >= MIN_WORDS else len(lines))
    calls = {n for n in kept if _is_call(lines[n]) and _CALL.search(lines[n])}
    return [lines[n] for n in kept if n not in walls | calls]


def _is_call(line: str) -> bool:
    """Whether a line may be a call to the reader: it is short, and quotes nobody."""
    return count_words(line) <= _CALL_WORDS and not set(line) & _QUOTES


def _beside(tree: Any, said: str) -> list[Any]:
    """Find the elements beside an article, the outer first; nothing of its letters, as ``said``."""
    from lxml.etree import iterwalk

    # Of each block: its own characters, those in links, those of all prose in it; linked headings.
    own, linked, prose, heads = (Counter[Any]() for _ in range(4))
    stack, links, with_text = [tree], 0, set[Any]()
    for event, one in iterwalk(tree, events=("start", "end")):
        step = one.tag == "a" and not (one.get("href") or "#").startswith("#")
        begins, block = event == "start", one is not tree and one.tag in _HTML_BLOCKS
        links += step if begins else -step
        if block and begins:
            stack.append(one)
        elif block:
            stack.pop()
            link = 0 < _LINKED * own[one] <= linked[one]
            prose[one] += own[one] * (own[one] >= _PROSE and not link)
            heads[one] += link and one.tag in _HEADINGS
            prose[stack[-1]] += prose[one]
            heads[stack[-1]] += heads[one]
        if size := len(((one.text if begins else one.tail) or "").strip()):
            own[stack[-1]] += size
            linked[stack[-1]] += size * (links > 0)
            with_text.add(one if begins else one.getparent())
    most, kept = _SHARE * prose[tree], {tree, *tree.iter("html", "body", "main", "h1")}
    kept |= {each for title in tree.iter("h1") for each in title.iterancestors()}
    alike: dict[Any, list[int]] = {}
    for one in (each for each in heads if heads[each] and each is not tree):
        alike.setdefault((one.getparent(), one.tag, one.get("class")), []).append(prose[one])

    named = {one: key for one in tree.iter("*") if (key := _beside_key(one, prose[one] > 0))}
    shares = Counter[Any]()  # of the prose, by parent and keyword: an article's own parts have one
    for one, key in named.items():
        shares[one.getparent(), key] += prose[one]

    def is_named(one: Any) -> bool:
        if one not in named or not prose[one]:
            return one in named
        key = named[one]
        thread = key in _COMMENTS and any(named.get(each) == key for each in one.iterancestors())
        whole = shares[one.getparent(), key] > most and not (thread or heads[one])
        return not whole and not (said and letters("".join(one.itertext())) in said)

    def is_beside(one: Any) -> bool:
        inline = one.tag not in _HTML_BLOCKS and one.getparent() in with_text
        if one in kept or prose[one] > most or inline:
            return False  # it holds the article, or stands among the words of a sentence
        leaf = one.tag not in _HEADINGS and not any(each.tag in _HTML_BLOCKS for each in one)
        link = leaf and 0 < _LINKED * own[one] <= linked[one]
        group = alike.get((one.getparent(), one.tag, one.get("class")), []) if heads[one] else []
        teaser = len(group) >= _TEASERS and not sum(group) and one.tag not in _HEADINGS
        return is_named(one) or link or teaser

    return list(filter(is_beside, tree.iter("*")))


def _beside_key(one: Any, prose: bool) -> str | None:
    """Return the word in an element's tag, role, classes or id that sets it beside the article."""
    names = f"{one.tag} {one.get('role')} {one.get('class')} {one.get('id')}".split()
    found = (_BESIDE.search(name) for name in names if not _LAYOUT.match(name))
    keys = [each[0].lower() for each in found if each]
    if prose and not _FOR_SUBSCRIBERS.isdisjoint(keys) and not _ASKS.search(one.text_content()):
        keys = [key for key in keys if key not in _FOR_SUBSCRIBERS]
    return next(iter(keys), None)


def paragraphs(html: str) -> list[str]:
    """Return all paragraphs of a page or a part of one, one per line."""
    from lxml.etree import ParserError, strip_elements
    from lxml.html import HTMLParser, document_fromstring

    parser = HTMLParser(remove_comments=True, remove_pis=True)
    try:
        body = document_fromstring(f"<div>{html}</div>", parser)
    except (ParserError, ValueError, AssertionError):  # nothing but a comment, or no text at all
        return []
    strip_elements(body, *_UNSEEN, with_tail=False)
    return _paragraphs(body, _HTML_BLOCKS)


def _paragraphs(body: Any, blocks: Collection[str]) -> list[str]:
    from lxml.etree import iterwalk

    text: list[str] = []
    # Not recursive: pages nest deeper than Python's stack.
    for event, element in () if body is None else iterwalk(body, events=("start", "end")):
        if element.tag in blocks or element.tag == "lb":
            text.append("\n")
        part = (element.text if event == "start" else element.tail) or ""
        text.append(part.replace("\n", " "))
    return [line for one in "".join(text).split("\n") if (line := " ".join(one.split()))]


def _with_headline(title: str | None, lines: list[str]) -> str:
    known = letters(title or "")
    for index, line in enumerate(lines[:3] if title else ()):
        if letters(line) == known:
            return "\n".join([line, *lines[:index], *lines[index + 1 :]])
    begins = lines and letters(lines[0]).startswith(known)
    return "\n".join(lines if begins or not title else [title, *lines])


def _headline(title: str | None, site: str | None) -> str | None:
    """Take the site's name off a title: "Council votes | Ellery Gazette"."""
    known = letters(site or "")
    while title and (tail := _TAIL.search(title)):
        name = letters(title[tail.end() :])
        if not name.isdigit() and not (known and (name in known or known in name)):
            break
        title = title[: tail.start()].rstrip()
    return title or None


def same_site(own: str | None, url: str) -> bool:
    """Return whether two addresses are of one host, or of one below the other."""
    here, there = _host(url), _host(own)
    if here is None or there is None or there in url:
        return True
    return here.endswith(f".{there}") or there.endswith(f".{here}")


def _host(url: str | None) -> str | None:
    with suppress(ValueError):
        if host := urlsplit(url or "").hostname:
            return host.removeprefix("www.")
    return None


def _joined(url: str | None, link: str | None) -> str | None:
    with suppress(ValueError):
        found = urljoin(url or "", link or "")
        return found if link and urlsplit(found).scheme in ("http", "https") else None
    return None


class _Said(NamedTuple):
    publisher: str | None = None  # as the page's structured data name it
    site: str | None = None  # as its meta tags do
    company: str | None = None
    imprint: str | None = None  # the address of the page that says who answers for it


def _said_by(tree: Any) -> _Said:
    publisher = company = imprint = None
    for found in _publishers(tree):
        publisher = publisher or _name(found.get("name"))
        company = company or _name(found.get("legalName"))
    names: dict[str, str] = {}
    for tag in tree.iter("meta"):
        if text := _name(tag.get("content")):
            names.setdefault((tag.get("property") or tag.get("name") or "").lower(), text)
    for link in tree.iter("a"):
        if link.get("href") and _IMPRINT.fullmatch(" ".join(link.text_content().split())):
            imprint = link.get("href")  # the last: it stands in the foot
    site = next((names[name] for name in _SITE_NAMES if name in names), None)
    return _Said(publisher, site, company, imprint)


def _publishers(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what the structured data say of a publisher: the article's, then the site's."""
    objects: list[Mapping[str, Any]] = []
    for script in tree.iter("script"):
        if "application/ld+json" in (script.get("type") or "").lower():
            with suppress(ValueError, RecursionError):
                objects += _objects(json.loads((script.text or "").strip(), strict=False))
    by_id = {one["@id"]: one for one in objects if isinstance(one.get("@id"), str) and len(one) > 1}
    for one in objects:
        if _types(one) & _ARTICLES:
            yield from _resolved(one.get("publisher"), by_id)
    for kind in _PUBLISHERS:
        for one in objects:
            if kind in _types(one):
                yield from _resolved(one.get("publisher"), by_id)
                yield one


def _objects(value: object, depth: int = 0) -> list[Mapping[str, Any]]:
    if depth <= _DEPTH and isinstance(value, list):
        return [one for part in value[:_MOST] for one in _objects(part, depth + 1)]
    if depth <= _DEPTH and isinstance(value, dict):
        return [value, *_objects([value[name] for name in _NESTED if name in value], depth + 1)]
    return []


def _types(one: Mapping[str, Any]) -> set[str]:
    kinds = one.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return {kind.lower().rpartition("/")[2] for kind in listed if isinstance(kind, str)}


def _resolved(value: object, by_id: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield by_id.get(one, {"name": one})
        elif isinstance(one, dict):
            yield one if "name" in one else by_id.get(str(one.get("@id")), one)


def _name(value: object) -> str | None:
    """Return a name that may be shown; None for handles (KGK_News), addresses, and no name."""
    text = " ".join(unescape(value).split()) if isinstance(value, str) else ""
    handle = text.startswith("@") or "://" in text or ("_" in text and " " not in text)
    named = 1 < len(text) <= _MAX_NAME and any(map(str.isalpha, text))
    return text if named and not handle else None
