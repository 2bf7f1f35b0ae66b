"""A file that is one document: a text, a page, a mail, a feed, a JSON value -> its articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import decoding, feeds, files, jsonl, mail, page, webpage
from framescope.classifier.inputs.unpacking import HEAD, Source, unpacked
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
        The encoding that the server names.
    """

    stem: str
    name: str = ""
    data: bytes | None = None
    url: str | None = None
    charset: str | None = None

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        """Read its articles. Raises `InputError`."""
        source, data = str(origin), self.loaded(origin).data or b""
        decoding.refuse_binary(data, source)
        head = decoding.first_characters(data[:HEAD])
        if is_value(head, self.name) or (self.url and jsonl.looks_like_records(head)):
            yield from jsonl.read_value(self._decoded(data, source), source, self.stem)
        elif mail.looks_like_mail(head):
            yield from mail.articles(data, source, self.stem)
        elif feeds.looks_like_feed(head):
            yield from feeds.articles(data, source, self.stem)
        else:
            yield from self._prose(data, source)

    def loaded(self, origin: Origin, /) -> Document:
        """Return it with what its file holds. Raises `InputError`."""
        if self.data is not None:
            return self
        source = str(origin)
        with files.opened(source) as stream:
            return replace(self, data=whole(unpacked(stream, source), self.name))

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
        named = Path(self.name).suffix.lower() in files.PAGES
        if webpage.looks_like_html(head) or (named and webpage.has_html(head)):
            found = list(webpage.articles(text, source, self.stem, self.url))
        else:
            feeds.refuse_other_xml(head, source)
            found = page.articles(text, self.stem)
        if not found:
            reason = "no article in it, only what surrounds one on a page; give the article's text"
            raise InputError(source, reason)
        for article in found:
            yield replace(article, url=article.url or self.url)

    def _decoded(self, data: bytes, source: str) -> str:
        return decoding.decode(data, source, self.charset or webpage.declared_charset(data))


def is_json(head: str, name: str) -> bool:
    """Whether a file of that name that begins so is JSON: one value, or an object per line."""
    named = Path(name).suffix.lower() in files.RECORDS
    return (named and not webpage.looks_like_html(head)) or jsonl.looks_like_records(head)


def is_value(head: str, name: str) -> bool:
    """Whether a file of that name that begins so is one JSON value."""
    return is_json(head, name) and jsonl.is_one_value(head)


def whole(source: Source, name: str) -> bytes:
    """Read a document of that name. Raises `InputError` when it is longer than its limit."""
    head = decoding.first_characters(source.head)
    value = is_value(head, name)
    pictured = value or webpage.has_html(head) or mail.looks_like_mail(head)
    limit, parts, size = MAX_RAW if pictured else MAX_BYTES, list[bytes](), 0
    while size <= limit and (part := source.read()):
        parts.append(part)
        size += len(part)
    if size <= limit:
        return b"".join(parts)
    if value:
        reason = f"is one JSON value of more than {MAX_RAW // 1_000_000} MB; "
        raise InputError(source.name, reason + "write one object a line (jq -c '.[]' FILE)")
    raise _too_long(limit, source.name)


def _too_long(limit: int, source: str) -> InputError:
    reason = f"is longer than {limit // 1_000_000} MB, too long for an article; "
    return InputError(source, reason + "give one article a file, or many as JSONL")
