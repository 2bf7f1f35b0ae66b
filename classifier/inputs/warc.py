"""Web archives (WARC, WET) -> their pages, each with its address and date, by fastwarc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from framescope.classifier.errors import InputError, how_to_install
from framescope.classifier.inputs.decoding import CHUNK, Source
from framescope.classifier.inputs.document import MAX_RAW, Document
from framescope.classifier.inputs.fields import RawRecord
from framescope.classifier.records import Article, Origin, Skipped

MAGIC = b"WARC/"

_BEGIN = re.compile(rb"WARC/1\.[01]\r?\n[\w-]{1,60}:")
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
class _Capture:
    """A page, and when it was captured."""

    document: Document
    date: str | None

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        for item in self.document.read(origin):
            if isinstance(item, Article):
                # By the archive's own address, by which it is found there again.
                url = self.document.url or item.url
                item = replace(item, url=url, date=item.date or self.date, origin=origin)
            yield item


def split(source: Source, stem: str) -> Iterator[RawRecord | Skipped]:
    """Cut an archive into its pages; what is no page, too long or damaged is `Skipped`.

    Requests, metadata, and what only refers to another record are passed over. Raises `InputError`
    without fastwarc, or when the stream is damaged where it is packed.
    """
    try:
        from fastwarc.warc import ArchiveIterator
    except ImportError:
        reason = f"web archives need a library that isn't there; {how_to_install('batch')}"
        raise InputError(source.name, reason) from None
    number = 0
    for place, data in _cut(source):
        where = f"{source.name}, at byte {place:,}"
        end = _declared_end(data) or 0
        rest, ends_there = data[end:], end == len(data) or data[end : end + 2] in _LINE_ENDS
        if not end or not (ends_there or len(data) > MAX_RAW):
            yield Skipped(where, "is no record, or damaged; reading goes on behind it")
            continue
        stream = BytesIO(data[:end])
        try:
            for record in ArchiveIterator(stream, quirks_mode=True, auto_decode="all"):
                if str(record.record_type) in _KINDS:
                    number += 1
                    yield _page(record, Origin(source.name, record=number), f"{stem}-{number}")
        except (OSError, EOFError, ValueError) as error:
            yield Skipped(where, f"is damaged ({' '.join(str(error).split())[:200]}); get it again")
        if rest.strip():
            yield Skipped(where, "is followed by what is no record; reading goes on behind it")


def _cut(source: Source) -> Iterator[tuple[int, bytes]]:
    """Cut an archive into its records, each with its place.

    A record ends where its length says if another begins there, otherwise at the next header. One
    that is too long is cut short.
    """
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
            while (found := _BEGIN.search(held, searched)) is None:
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
    length = _LENGTH.search(data, 0, blank.end()) if blank and _BEGIN.match(data) else None
    return blank.end() + int(length[1]) if blank and length else None


def _page(record: Any, origin: Origin, stem: str) -> RawRecord | Skipped:
    """Take the page out of a record."""
    url = (record.headers.get("WARC-Target-URI") or "").strip("<> ") or None
    reason, parts, size = _refusal(record), list[bytes](), 0
    while reason is None and (part := record.reader.read(CHUNK)):
        parts.append(part)
        size += len(part)
        reason = f"unpacks to {_TOO_LONG}" if size > MAX_RAW else None
    if reason is not None:
        return Skipped(str(origin), f"{url or 'a record without an address'}: {reason}")
    at = _DATE.match(record.headers.get("WARC-Date") or "")
    document = Document(stem, "", b"".join(parts), url, record.http_charset)
    return RawRecord(origin, size, _Capture(document, at and at[0]))


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
