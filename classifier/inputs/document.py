"""One document -> its articles: a text, a page, a mail, a feed, JSON; and web archives of them."""

from __future__ import annotations

import email
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from email import policy
from email.utils import parseaddr, parsedate_to_datetime
from functools import cache
from io import BytesIO
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from framescope.classifier.errors import ChangedError, InputError
from framescope.classifier.inputs import fields, files, page, webpage
from framescope.classifier.inputs.fields import RawRecord
from framescope.classifier.inputs.files import CHUNK, HEAD, ListedFile, Source, library, unpacked
from framescope.classifier.records import Article, Origin, Skipped

MAX_BYTES = 10_000_000  # of a text or page, which should hold one article or a few, no pictures
MAX_RAW = 200_000_000  # of a page or mail with its pictures; tables and JSONL have no limit
_MAIL_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]")
_TELLING = frozenset(
    {"from", "to", "subject", "date", "mime-version", "content-type", "message-id", "received"}
    | {"return-path", "delivered-to", "dkim-signature", "list-unsubscribe", "reply-to"}
    | {"snapshot-content-location", "content-location", "x-sender", "authentication-results"}
)
_ENOUGH = 3  # headers of a mail: a text may begin with a line "Subject: ..."
_MBOX = re.compile(r"From \S+ +\w{3} \w{3} ")
_PARTS = 2_000
_ROOT = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<\?[^>]{0,500}>\s*){0,5}(?:<!--.{0,5000}?-->\s*){0,5}"
    r"(?:<!DOCTYPE[^>\[]{0,500}(?:\[[^\]]{0,5000}\])?\s*>\s*)?"
    r"<(?:[\w.-]{1,40}:)?([A-Za-z][\w.-]{0,60})",
    re.DOTALL,
)
_FEEDS = frozenset({"rss", "feed", "RDF"})
_LIST = "is a list of addresses, no article; give the address of one"
_AGENCY = "is NITF or NewsML, which is not read; save its text as .txt"
_OTHERS = dict.fromkeys(("urlset", "sitemapindex", "opml"), _LIST)
_OTHERS |= dict.fromkeys(("nitf", "NewsML", "newsMessage", "newsItem"), _AGENCY)
_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?\s{0,3}([A-Za-z0-9_-]{2,30})", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!]")
WARC = b"WARC/"
_RECORD = re.compile(rb"WARC/1\.[01]\r?\n[\w-]{1,60}:")
_FOLLOWING = re.compile(rb"(?:\r?\n){0,2}(?=WARC/1|\Z)")  # what stands behind a record
_LINE_ENDS = (b"\r\n", b"\n\n", b"\n")
_HEADER = 80  # bytes that tell a header
_LONGEST_HEAD = 1 << 16
_LENGTH = re.compile(rb"\nContent-Length:[ \t]*(\d{1,15})[ \t\r]*\n", re.IGNORECASE)
_BLANK = re.compile(rb"\r?\n\r?\n")
_DATE = re.compile(r"\d{4}(?:-\d\d){0,2}(?:T[\d:.]{5,20}(?:Z|[+-]\d\d:\d\d)?)?")
_KINDS = frozenset({"response", "resource", "conversion"})
_TEXTS = frozenset(
    {"text/html", "application/xhtml+xml", "text/plain", "text/xml", "application/xml"}
    | {"application/rss+xml", "application/atom+xml"}
)
_TOO_LONG = f"more than {MAX_RAW // 1_000_000} MB, too long for a page"


@dataclass(frozen=True, slots=True)
class Document:
    """One document, in a file or in memory."""

    stem: str  # what its articles are called after
    name: str = ""  # of its file, unpacked, by which its kind is told where its content doesn't
    data: bytes | None = None  # None: that is in the file, which its origin names
    url: str | None = None  # where it was fetched
    charset: str | None = None  # as the server names it
    is_capture: bool = False  # of a web archive, in which its articles are found by its address
    captured: str | None = None  # when
    whole: bool = False  # with what stands beside the article of a page
    listed: ListedFile | None = None  # the file, as it was when its kind was told

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        """Read its articles. Raises `InputError`."""
        for item in self._items(origin):
            if self.is_capture and isinstance(item, Article):
                url, date = self.url or item.url, item.date or self.captured
                item = replace(item, url=url, date=date, origin=origin)
            yield item

    def _items(self, origin: Origin) -> Iterator[Article | Skipped]:
        source, data = str(origin), self.loaded(origin).data or b""
        files.refuse_binary(data, source)
        head = files.first_characters(data[:HEAD])
        if is_value(head, self.name) or (self.url and fields.looks_like_records(head)):
            yield from fields.read_json(self._decoded(data, source), source, self.stem)
        elif _looks_like_mail(head):
            yield from _of_mail(data, source, self.stem)
        elif xml_root(head) in _FEEDS:
            yield from _of_feed(data, source, self.stem)
        else:
            yield from self._prose(data, source)

    def loaded(self, origin: Origin, /) -> Document:
        """Return it with what its file holds. Raises `InputError`."""
        if self.data is not None:
            return self
        source = str(origin)
        with files.opened(source) as stream:
            data = whole(unpacked(stream, source), self.name)
        if self.listed is not None and files.has_changed(self.listed):
            raise ChangedError(source, "changed while it was being read; read it again")
        return replace(self, data=data)

    def _prose(self, data: bytes, source: str) -> Iterator[Article]:
        if len(data) > MAX_BYTES:
            data = webpage.PICTURE.sub(b"data:,", data)
        if len(data) > MAX_BYTES:
            raise _too_long(MAX_BYTES, source)
        text = self._decoded(data, source)
        if not text.strip():
            raise InputError(source, "is empty; give a file with an article's text")
        head = text[:HEAD]
        named = Path(self.name).suffix.lower() in files.PAGES
        if webpage.looks_like_html(head) or (named and webpage.has_html(head)):
            found = list(webpage.articles(text, source, self.stem, self.url, whole=self.whole))
        else:
            if (root := xml_root(head)) in _OTHERS:
                raise InputError(source, _OTHERS[root])
            if root is not None and head.lstrip().startswith("<?xml"):
                reason = f"is XML of a kind that isn't read (<{root}>); "
                raise InputError(source, reason + "save its text, or give RSS or HTML")
            found = page.articles(page.unwrapped(text), self.stem)
        if not found:
            reason = "no article in it, only what surrounds one on a page; give the article's text"
            raise InputError(source, reason)
        for article in found:
            yield replace(article, url=article.url or self.url)

    def _decoded(self, data: bytes, source: str) -> str:
        named = None if self.charset else _CHARSET.search(data, 0, 4096)
        return files.decode(data, source, named[1].decode("ascii") if named else self.charset)


def is_json(head: str, name: str) -> bool:
    """Return True if a file that begins so is JSON: one value, or an object per line."""
    named = Path(name).suffix.lower() in files.RECORDS
    return (named and not webpage.looks_like_html(head)) or fields.looks_like_records(head)


def is_value(head: str, name: str) -> bool:
    """Return True if a file of that name that begins so is one JSON value."""
    return is_json(head, name) and fields.is_one_value(head)


def whole(source: Source, name: str) -> bytes:
    """Read a document of that name. Raises `InputError` when it is longer than its limit."""
    head = files.first_characters(source.head)
    value = is_value(head, name)
    pictured = value or webpage.has_html(head) or _looks_like_mail(head)
    limit = MAX_RAW if pictured else MAX_BYTES
    if (data := _within(limit, source.read)) is not None:
        return data
    if value:
        reason = f"is one JSON value of more than {MAX_RAW // 1_000_000} MB; "
        raise InputError(source.name, reason + "write one object a line (jq -c '.[]' FILE)")
    raise _too_long(limit, source.name)


def _within(limit: int, read: Callable[[int], bytes]) -> bytes | None:
    parts, size = list[bytes](), 0
    while size <= limit and (part := read(CHUNK)):
        parts.append(part)
        size += len(part)
    return b"".join(parts) if size <= limit else None


def _too_long(limit: int, source: str) -> InputError:
    reason = f"is longer than {limit // 1_000_000} MB, too long for an article; "
    return InputError(source, reason + "give one article a file, or many as JSONL")


def xml_root(head: str) -> str | None:
    """Return the name of an XML document's root, without its prefix; None where it is no XML."""
    return match[1] if (match := _ROOT.match(head)) else None


def _of_feed(data: bytes, source: str, stem: str) -> Iterator[Article | Skipped]:
    import feedparser

    feed = feedparser.parse(data)
    if not feed.entries:
        raise InputError(source, "is a feed without entries; give an article's address")
    outlet, own = webpage.plain(feed.feed.get("title")), webpage.plain(feed.feed.get("link"))
    for number, entry in enumerate(feed.entries, 1):
        origin = Origin(source, record=number)
        url = webpage.plain(entry.get("feedburner_origlink") or entry.get("link"))
        title = webpage.plain(entry.get("title"))
        if title and _TAG.search(title):
            title = " ".join(webpage.paragraphs(title))
        bodies = [content.get("value") or "" for content in entry.get("content", ())]
        texts = map(webpage.paragraphs, [*bodies, entry.get("summary") or ""])
        lines = max(texts, key=webpage.words)
        if webpage.words(lines) < webpage.MIN_WORDS:
            where = f"give its address: {url}" if url else "give the article's page or text"
            reason = f"only a summary of {webpage.words(lines)} words; {where}"
            yield Skipped(str(origin), reason)
            continue
        known, parsed = entry.get("source"), entry.get("published_parsed")
        parsed = parsed or entry.get("updated_parsed")
        original = webpage.plain(known.get("title")) if isinstance(known, Mapping) else None
        if original is None and (url is None or own is None or webpage.same_site(own, url)):
            original = outlet  # a feed of links to others names none of them
        text = "\n".join([title, *lines] if title and lines[0] != title else lines)
        yield Article(
            f"{stem}-{number}", text, title=title, outlet=original, url=url,
            date=f"{parsed[0]:04}-{parsed[1]:02}-{parsed[2]:02}" if parsed else None,
            author=webpage.plain(entry.get("author")), origin=origin,
        )  # fmt: skip


def _looks_like_mail(head: str) -> bool:
    """Return True for a mail, or a page that a browser saved as one, with its pictures (MHTML)."""
    if _MBOX.match(head):
        return True
    lines = takewhile(bool, head.splitlines())
    matches = [_MAIL_HEADER.match(line + " ") for line in lines if line[0] not in " \t"]
    names = {match[1].lower() for match in matches if match}
    return all(matches) and len(names & _TELLING) >= _ENOUGH


def _of_mail(data: bytes, source: str, stem: str) -> Iterator[Article]:
    if _MBOX.match(data[:200].decode("latin-1")):
        raise InputError(source, "is a mailbox; give its mails one by one, as .eml files")
    try:
        message: Any = email.message_from_bytes(data, policy=policy.default)
        html, text = _content(message, "text/html"), _content(message, "text/plain")
        subject, location = webpage.plain(message.get("Subject")), _location(message)
        sender, address = map(str.strip, parseaddr(str(message.get("From", ""))))
        date = None
        with suppress(ValueError, TypeError, IndexError):
            date = parsedate_to_datetime(str(message.get("Date"))).date().isoformat()
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # The library trips over some headers that no program wrote as it should.
        reason = f"a mail that can't be read ({type(error).__name__}); save its text instead"
        raise InputError(source, reason) from None
    if location is not None and html is not None:
        # A page that was saved from a file says nothing of where it stood.
        url = location if location.startswith(("http://", "https://")) else None
        yield from webpage.articles(html, source, stem, url)
        return
    host = address.rpartition("@")[2].lower()
    # A program writes the address where a sender gives no name.
    unnamed = sender.startswith("<") or f"@{host}" in sender.lower()
    outlet = None if unnamed else sender or None
    found = _of_newsletter(html, text, outlet, source, stem)
    if not found:
        reason = "a mail without a text that is an article; give the article's page or text"
        raise InputError(source, reason)
    said: dict[str, Any] = {"title": subject, "outlet": outlet, "date": date}
    host = "" if host in _free_mail() else host
    found = [replace(one, site_name=host or one.site_name) for one in found]
    yield replace(found[0], **{key: value for key, value in said.items() if value})
    yield from found[1:]


@cache
def _free_mail() -> frozenset[str]:
    """Return the hosts at which anybody may have an address: they don't say who publishes."""
    path = Path(__file__).parent / "freemail.tsv"
    return frozenset(path.read_text(encoding="utf-8").split()[1:])


def _of_newsletter(
    html: str | None, text: str | None, outlet: str | None, source: str, stem: str
) -> list[Article]:
    if html is not None:
        try:
            # Its sender is who published it, and not a host that its links lead to.
            found = webpage.articles(html, source, stem)
            return [replace(one, outlet=outlet or one.outlet) for one in found]
        except InputError:
            lines = webpage.paragraphs(html)
        if len(" ".join(lines).split()) >= webpage.MIN_WORDS:
            return page.articles("\n".join(lines), stem, outlet)
    return page.articles(text, stem, outlet) if text is not None and text.strip() else []


def _content(message: Any, kind: str) -> str | None:
    for part in islice(message.walk(), _PARTS):
        attached = part.get_content_disposition() == "attachment"
        payload = part.get_payload(decode=True) if part.get_content_type() == kind else None
        if isinstance(payload, bytes) and payload.strip() and not attached:
            with suppress(UnicodeDecodeError, LookupError):
                return payload.decode(part.get_content_charset() or "utf-8")
            return payload.decode("utf-8", errors="framescope_cp1252")
    return None


def _location(message: Any) -> str | None:
    """Return the address of a saved page; older browsers write it above its first part."""
    location = message.get("Snapshot-Content-Location")
    if location is None and message.get_content_type() == "multipart/related":
        pages = (p for p in message.iter_parts() if p.get_content_type() == "text/html")
        location = next((part.get("Content-Location") for part in pages), None)
    return webpage.plain(location)


def split_warc(source: Source, stem: str) -> Iterator[RawRecord | Skipped]:
    """Cut an archive (WARC, WET) into its pages; what is damaged or no page is `Skipped`."""
    fastwarc, number = library("fastwarc.warc", "web archives need", source.name), 0
    for place, data in _cut(source):
        where = f"{source.name}, at byte {place:,}"
        end = _declared_end(data) or 0
        rest, ends_there = data[end:], end == len(data) or data[end : end + 2] in _LINE_ENDS
        if not end or not (ends_there or len(data) > MAX_RAW):
            yield Skipped(where, "is no record, or damaged; reading goes on behind it")
            continue
        stream = BytesIO(data[:end])
        try:
            for record in fastwarc.ArchiveIterator(stream, quirks_mode=True, auto_decode="all"):
                if str(record.record_type) in _KINDS:
                    number += 1
                    yield _page(record, Origin(source.name, record=number), f"{stem}-{number}")
        except (OSError, EOFError, ValueError) as error:
            yield Skipped(where, f"is damaged ({' '.join(str(error).split())[:200]}); get it again")
        if rest.strip():
            yield Skipped(where, "is followed by what is no record; reading goes on behind it")


def _cut(source: Source) -> Iterator[tuple[int, bytes]]:
    # A record ends where its length says if another begins there, otherwise at the next header.
    # One that is too long is cut short.
    held, place = bytearray(source.read()), 0
    while held:
        end, dropped = _declared_end(held), 0
        if end is not None and end <= MAX_RAW:
            _fill(held, end + _HEADER, source)
        following = _FOLLOWING.match(held, end) if end is not None and end <= len(held) else None
        if following is not None:
            end = following.end()
        else:
            searched = 1
            while (found := _RECORD.search(held, searched)) is None:
                searched = max(1, len(held) - _HEADER)
                over = max(0, searched - MAX_RAW)
                del held[MAX_RAW : MAX_RAW + over]
                searched, dropped = searched - over, dropped + over
                if not _fill(held, len(held) + 1, source):
                    break
            end = found.start() if found else len(held)
        yield place, bytes(held[:end])
        place += end + dropped
        del held[:end]
        _fill(held, _LONGEST_HEAD, source)
    source.read()  # raises what ended it


def _fill(held: bytearray, size: int, source: Source) -> bool:
    """Read on until so many bytes are held; False at the end, or where the stream is damaged."""
    with suppress(InputError):
        while len(held) < size and (part := source.read()):
            held += part
    return len(held) >= size


def _declared_end(data: bytes | bytearray) -> int | None:
    """Return where a record ends by its own header; None where that is damaged."""
    blank = _BLANK.search(data, 0, _LONGEST_HEAD)
    length = _LENGTH.search(data, 0, blank.end()) if blank and _RECORD.match(data) else None
    return blank.end() + int(length[1]) if blank and length else None


def _page(record: Any, origin: Origin, stem: str) -> RawRecord | Skipped:
    url = (record.headers.get("WARC-Target-URI") or "").strip("<> ") or None
    reason = _refusal(record)
    data = None if reason else _within(MAX_RAW, record.reader.read)
    if data is None:
        reason = reason or f"unpacks to {_TOO_LONG}"
        return Skipped(str(origin), f"{url or 'a record without an address'}: {reason}")
    at = _DATE.match(record.headers.get("WARC-Date") or "")
    document = Document(stem, "", data, url, record.http_charset, True, at and at[0])
    return RawRecord(origin, len(data), document)


def _refusal(record: Any) -> str | None:
    """Return why a record is no page that was there; None where it may be one."""
    kind = record.headers.get("Content-Type") or ""
    if str(record.record_type) == "response":
        http: Any = record.http_headers if record.is_http else None
        if http is None or http.status_code is None:
            return "is no answer of a web server"
        if not 200 <= http.status_code < 300:
            return f"is the answer {http.status_code}, and no page"
        kind = http.get("Content-Type") or ""
    kind = kind.partition(";")[0].strip().lower()
    if kind and kind not in _TEXTS:
        return f"is of type {kind[:60]}, and no page"
    return f"is {_TOO_LONG}" if record.content_length > MAX_RAW else None
