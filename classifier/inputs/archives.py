"""Web archives (WARC, WET) -> their pages, each with its address and date, by fastwarc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from framescope.classifier.errors import InputError, how_to_install
from framescope.classifier.inputs.document import MAX_RAW, Document
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.unpacking import Stream, take_sound
from framescope.classifier.records import Article, Origin, Skipped

MAGIC = b"WARC/"

_CHUNK = 1 << 20
_WINDOW = 1 << 18  # bytes that are kept of what the library has read, to begin again in
_MOST_BEGUN = 500  # times that a file is begun again behind what is damaged
_BEGIN = re.compile(rb"WARC/1\.[01]\r?\n")
_SWALLOWED = re.compile(rb"\r\n\r\nWARC/1\.[01]\r\nWARC-")
_DATE = re.compile(r"\d{4}(?:-\d\d){0,2}(?:T[\d:.]{5,20}(?:Z|[+-]\d\d:\d\d)?)?")
_KINDS = frozenset({"response", "resource", "conversion"})
_TEXTS = frozenset(
    {"text/html", "application/xhtml+xml", "text/plain", "text/xml", "application/xml"}
    | {"application/rss+xml", "application/atom+xml"}
)


class _DamagedError(Exception):
    """A record that can't be read whole."""


@dataclass(frozen=True, slots=True)
class _Capture:
    """A page as it was captured: what it holds, where it stood and when that was."""

    document: Document
    date: str | None

    def read(self, origin: Origin, /) -> Iterator[Article | Skipped]:
        for item in self.document.read(origin):
            if isinstance(item, Article):
                # By the archive's own address, by which it is found there again.
                url = self.document.url or item.url
                item = replace(item, url=url, date=item.date or self.date, origin=origin)
            yield item


def split(head: bytes, rest: Stream, source: str, stem: str) -> Iterator[RawRecord | Skipped]:
    """Cut an archive into its pages.

    Requests, metadata, and what only refers to another record are passed over. `Skipped` is what
    was no page, is too long, or is damaged; what follows it is read.

    Parameters
    ----------
    head, rest : bytes, stream
        What was read of the file already, and the rest; unpacked.
    source, stem : str
        The file, and what its articles are called after.

    Raises
    ------
    InputError
        When the library isn't installed, or the stream is damaged where it is packed.
    """
    try:
        from fastwarc.warc import ArchiveIterator
    except ImportError:
        reason = f"web archives need a library that isn't there; {how_to_install('batch')}"
        raise InputError(source, reason) from None
    read, number = _Read(head, rest, source), 0
    for _ in range(_MOST_BEGUN):
        start, told = read.begin, False
        end = start + 1  # of the last record, at the least
        try:
            given: Any = read
            for record in ArchiveIterator(given, quirks_mode=True, auto_decode="all"):
                place, told = start + int(record.stream_pos), False
                if read.missed(end, place):
                    break
                end = place + max(1, int(record.content_length))
                kind = str(record.record_type)
                if kind == "unknown":
                    where = f"{source}, at byte {place:,}"
                    yield Skipped(where, "has a header that is damaged; reading goes on behind it")
                    told = True
                if kind not in _KINDS:
                    continue
                number += 1
                origin = Origin(source, record=number)
                try:
                    yield _page(record, origin, f"{stem}-{number}")
                except _DamagedError as error:
                    yield Skipped(str(origin), f"is damaged ({error}); get it again")
                    end, told = place + 1, True
                    break
        except (OSError, UnicodeError):
            pass  # a header or a block that can't be read, at which the library stops
        if not read.again(end):
            return
        if not told:
            where = f"{source}, before byte {read.begin:,}"
            yield Skipped(where, "is no record, or damaged; reading goes on behind it")
    yield Skipped(source, f"is damaged in more than {_MOST_BEGUN} places; the rest is left out")


def no_page(source: str, first: Skipped | None) -> InputError:
    """Say that no page of an archive is an article, and of the first why."""
    reason = first.reason if first is not None else "there is none"
    return InputError(source, f"is a web archive without a page that is an article ({reason})")


def _page(record: Any, origin: Origin, stem: str) -> RawRecord | Skipped:
    """Take the page out of a record. Raises `_DamagedError`."""
    url = (record.headers.get("WARC-Target-URI") or "").strip("<> ") or None
    reason = _refusal(record)
    if reason is None and record.content_length > MAX_RAW:
        reason = f"is longer than {MAX_RAW // 1_000_000} MB, too long for a page"
    if reason is None:
        data = _payload(record)
        if data is not None:
            at = _DATE.match(record.headers.get("WARC-Date") or "")
            document = Document(stem, "", data, url, record.http_charset)
            return RawRecord(origin, len(data), _Capture(document, at and at[0]))
        reason = f"unpacks to more than {MAX_RAW // 1_000_000} MB, too long for a page"
    return Skipped(str(origin), f"{url or 'a record without an address'}: {reason}")


def _refusal(record: Any) -> str | None:
    """Say why a record is no page that was there; None where it may be one."""
    kind = record.headers.get("Content-Type") or ""
    if str(record.record_type) == "response":
        http: Any = record.http_headers if record.is_http else None
        status = http.status_code if http is not None else None
        if status is None:
            return "is no answer of a web server"
        if not 200 <= status < 300:
            return f"is the answer {status}, and no page"
        kind = http.get("Content-Type") or ""
    kind = kind.partition(";")[0].strip().lower()
    return None if not kind or kind in _TEXTS else f"is of type {kind[:60]}, and no page"


def _payload(record: Any) -> bytes | None:
    """Read what a record holds, unpacked; None where that is too long. Raises `_DamagedError`."""
    parts, size = [], 0
    try:
        while part := record.reader.read(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > MAX_RAW:
                return None
    except (OSError, EOFError, ValueError) as error:
        raise _DamagedError(" ".join(str(error).split())[:200]) from None
    data = b"".join(parts)
    if _SWALLOWED.search(data):
        raise _DamagedError("its length is not that in its header: another record is in it")
    return data


class _Read:
    """A stream as the library reads it, of which the last part is kept."""

    def __init__(self, head: bytes, rest: Stream, source: str) -> None:
        self._ahead, self._stream, self._source = head, rest, source
        self._kept, self._end = b"", 0
        self.begin = 0  # where what the library reads begins

    def read(self, size: int = -1, /) -> bytes:
        """Read up to so many bytes."""
        size = size if size >= 0 else _CHUNK
        if self._ahead:
            part, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            part = take_sound(self._stream, size, self._source)
        self._kept = (self._kept + part)[-_WINDOW:]
        self._end += len(part)
        return part

    def tell(self) -> int:
        """Say how many bytes the library has read since it began."""
        return self._end - self.begin

    def missed(self, start: int, end: int) -> bool:
        """Whether there is a header between two places, which the library has read over."""
        first = self._end - len(self._kept)
        return _BEGIN.search(self._kept, max(0, start - first), max(0, end - first)) is not None

    def again(self, after: int) -> bool:
        """Begin again at the next header that stands at ``after`` or behind it, if there is one."""
        while True:
            first = self._end - len(self._kept)
            if found := _BEGIN.search(self._kept, max(0, after - first)):
                self._ahead = self._kept[found.start() :] + self._ahead
                self.begin = self._end = first + found.start()
                self._kept = b""
                return True
            after = max(after, self._end - 10)  # a header may be cut there
            if not self.read(_CHUNK // 8):
                return False
