"""Mail (RFC 5322, MIME): a newsletter, or a page that a browser saved whole.

Browsers save a page with its pictures as MHTML (RFC 2557), which is a mail of several parts.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import page, webpage
from framescope.classifier.records import Article

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]")
_TELLING = frozenset(
    {"from", "to", "subject", "date", "mime-version", "content-type", "message-id", "received"}
    | {"return-path", "delivered-to", "dkim-signature", "list-unsubscribe", "reply-to"}
    | {"snapshot-content-location", "content-location", "x-sender", "authentication-results"}
)
_ENOUGH = 3  # headers of a mail: a text may begin with a line "Subject: ..."
_MBOX = re.compile(r"From \S+ +\w{3} \w{3} ")
_PARTS = 2_000


def looks_like_mail(head: str) -> bool:
    """Whether a file that begins with `head` is a mail, or a page saved as one."""
    if _MBOX.match(head):
        return True
    names = set()
    for line in head.splitlines():
        if not line:
            break
        if line[0] not in " \t":
            match = _HEADER.match(line + " ")
            if match is None:
                return False
            names.add(match[1].lower())
    return len(names & _TELLING) >= _ENOUGH


def articles(data: bytes, source: str, stem: str) -> Iterator[Article]:
    """Read the article of a newsletter, or those of a saved page.

    Raises `InputError` when it holds none, or is a whole mailbox.
    """
    if _MBOX.match(data[:200].decode("latin-1")):
        raise InputError(source, "is a mailbox; give its mails one by one, as .eml files")
    try:
        message = email.message_from_bytes(data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        html, text = _content(message, "text/html"), _content(message, "text/plain")
        subject, location = webpage.plain(message.get("Subject")), _location(message)
        sender = parseaddr(str(message.get("From", "")))[0].strip()
        date = _day(message.get("Date"))
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # The library trips over some headers that no program wrote as it should.
        reason = f"a mail that can't be read ({type(error).__name__}); save its text instead"
        raise InputError(source, reason) from None
    if location is not None and html is not None:
        # A page that was saved from a file says nothing of where it stood.
        url = location if location.startswith(("http://", "https://")) else None
        yield from webpage.articles(html, source, stem, url)
        return
    outlet = None if sender.startswith("<") else sender or None
    found = _of_newsletter(html, text, outlet, source, stem)
    if not found:
        reason = "a mail without a text that is an article; give the article's page or text"
        raise InputError(source, reason)
    said: dict[str, Any] = {"title": subject, "outlet": outlet, "date": date}
    yield replace(found[0], **{key: value for key, value in said.items() if value})
    yield from found[1:]


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


def _content(message: EmailMessage, kind: str) -> str | None:
    """Return the first part of a kind that is no attachment, decoded."""
    for _, part in zip(range(_PARTS), message.walk(), strict=False):
        if part.get_content_type() != kind or part.get_content_disposition() == "attachment":
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or not payload.strip():
            continue
        try:
            return payload.decode(part.get_content_charset() or "utf-8")
        except (UnicodeDecodeError, LookupError):
            return payload.decode("utf-8", errors="framescope_cp1252")
    return None


def _location(message: EmailMessage) -> str | None:
    """Return the address of a saved page; older browsers write it above its first part."""
    location = message.get("Snapshot-Content-Location")
    if location is None and message.get_content_type() == "multipart/related":
        pages = (p for p in message.iter_parts() if p.get_content_type() == "text/html")
        location = next((part.get("Content-Location") for part in pages), None)
    return webpage.plain(location)


def _day(value: object) -> str | None:
    try:
        return parsedate_to_datetime(str(value)).date().isoformat() if value else None
    except (ValueError, TypeError, IndexError):
        return None
