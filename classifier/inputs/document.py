"""A file that is one document: a text, a page, a mail, a feed, a JSON value -> its articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import (
    decoding,
    feeds,
    files,
    mail,
    newsxml,
    page,
    records,
    unpacking,
    webpage,
)
from framescope.classifier.inputs.unpacking import HEAD, Stream
from framescope.classifier.records import Article, Origin, Skipped

MAX_BYTES = 10_000_000
"""The longest text or page, which should hold one article or a few; pictures within it apart."""

MAX_RAW = 200_000_000
"""The longest page or mail with its pictures. Tables and JSONL have no limit."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document, in a file or in memory.

    Attributes
    ----------
    stem : str
        What its articles are called after.
    name : str
        The name of its file, unpacked, by which its kind is told where its content doesn't.
    data : bytes or None
        What it holds; None where that is in the file, which its origin names.
    url : str or None
        Where it was fetched.
    charset : str or None
        What the server says of its encoding.
    """

    stem: str
    name: str = ""
    data: bytes | None = None
    url: str | None = None
    charset: str | None = None

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        """Read its articles. Raises `InputError`."""
        source, data = str(origin), self.held(origin).data or b""
        decoding.refuse_binary(data, source)
        text = decoding.first_characters(data[:HEAD])
        if is_value(text, self.name):
            yield from records.read_value(self._decoded(data, source), source, self.stem)
        elif mail.looks_like_mail(text):
            yield from mail.articles(data, source, self.stem)
        else:
            feeds.refuse_list(text, source)
            if feeds.looks_like_feed(text):
                yield from feeds.articles(data, source, self.stem)
            elif newsxml.looks_like_news(text):
                yield from newsxml.articles(data, source, self.stem)
            elif records.looks_like_records(text) and self.url:
                yield from records.read_value(self._decoded(data, source), source, self.stem)
            else:
                yield from self._prose(data, source)

    def held(self, origin: Origin, /) -> Document:
        """Give it with what its file holds. Raises `InputError`."""
        if self.data is not None:
            return self
        source = str(origin)
        with files.opened(source) as stream:
            head, rest = unpacking.unpacked(stream, source)
            return replace(self, data=whole(head, rest, self.name, source))

    def _prose(self, data: bytes, source: str) -> Iterator[Article]:
        """Read a text or a web page."""
        if len(data) > MAX_BYTES:
            data = webpage.without_pictures(data)
        if len(data) > MAX_BYTES:
            raise _too_long(MAX_BYTES, source)
        text = self._decoded(data, source)
        if not text.strip():
            raise InputError(source, "is empty; give a file with an article's text")
        head = text[:HEAD]
        called_so = Path(self.name).suffix.lower() in files.PAGE_NAMES
        if webpage.looks_like_html(head) or (called_so and webpage.has_html(head)):
            found = list(webpage.articles(text, source, self.stem, self.url))
        else:
            _refuse_markup(head, source)
            found = page.articles(text, self.stem)
        if not found:
            reason = "no article in it, only what surrounds one on a page; give the article's text"
            raise InputError(source, reason)
        for article in found:
            yield replace(article, url=article.url or self.url)

    def _decoded(self, data: bytes, source: str) -> str:
        return decoding.decode(data, source, self.charset or webpage.declared_charset(data))


def is_json(head: str, name: str) -> bool:
    """Whether a file of that name that begins so is JSON: one value, or an object a line."""
    named = Path(name).suffix.lower() in files.RECORD_NAMES
    return (named and not webpage.looks_like_html(head)) or records.looks_like_records(head)


def is_value(head: str, name: str) -> bool:
    """Whether a file of that name that begins so is one JSON value."""
    return is_json(head, name) and records.is_one_value(head)


def whole(head: bytes, rest: Stream, name: str, source: str) -> bytes:
    """Read a document of that name as far as its limit; `InputError` where it is longer."""
    text = decoding.first_characters(head)
    value = is_value(text, name)
    pictured = value or webpage.has_html(text) or mail.looks_like_mail(text)
    limit = MAX_RAW if pictured else MAX_BYTES
    data = head + unpacking.take(rest, limit + 1 - len(head), source)
    if len(data) <= limit:
        return data
    if value:
        reason = f"is one JSON value of more than {MAX_RAW // 1_000_000} MB; "
        raise InputError(source, reason + "write one object a line (jq -c '.[]' FILE)")
    raise _too_long(limit, source)


def _too_long(limit: int, source: str) -> InputError:
    reason = f"is longer than {limit // 1_000_000} MB, too long for an article; "
    return InputError(source, reason + "give one article a file, or many as JSONL")


def _refuse_markup(head: str, source: str) -> None:
    """Refuse XML that is neither a page nor news: an `InputError`."""
    root = newsxml.root_of(head)
    if root is not None and head.lstrip().startswith("<?xml"):
        reason = f"is XML of a kind that isn't read (<{root}>); save its text, or give NITF, NewsML"
        raise InputError(source, f"{reason}, RSS or HTML")
