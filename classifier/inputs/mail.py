"""What is written as mail is (RFC 5322, MIME): a newsletter, or a page that a browser saved whole.

Browsers save a page with its pictures as MHTML (RFC 2557), which is a mail of several parts.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import page, webpage
from framescope.classifier.records import Article

SUFFIXES = frozenset({".eml", ".mht", ".mhtml"})

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]")
_TELLING = frozenset(
    {"from", "to", "subject", "date", "mime-version", "content-type", "message-id", "received"}
    | {"return-path", "delivered-to", "dkim-signature", "list-unsubscribe", "reply-to"}
    | {"snapshot-content-location", "content-location", "x-sender", "authentication-results"}
)
_ENOUGH = 3  # headers of a mail: a text may begin with a line "Subject: ..."
_MBOX = re.compile(r"From \S+ +\w{3} \w{3} ")
_PARTS = 2_000


@dataclass(frozen=True)
class _Letter:
    """What is read of a mail: its page, its plain text, and what its headers say."""

    html: str | None
    text: str | None
    subject: str | None
    sender: str | None
    date: str | None
    url: str | None  # of a page that a browser saved


def looks_like_mail(head: str) -> bool:
    """Whether a file that begins with `head` is a mail, or a page saved as one."""
    if _MBOX.match(head):
        return True
    names = set()
    for line in head.splitlines():
        if not line:
            break
        if line[0] in " \t":
            continue
        match = _HEADER.match(line + " ")
        if match is None:
            return False
        names.add(match[1].lower())
    return len(names & _TELLING) >= _ENOUGH


def articles(data: bytes, source: str, stem: str) -> Iterator[Article]:
    """Read the article of a newsletter, or those of a saved page.

    Raises
    ------
    InputError
        When it holds none, or is a whole mailbox.
    """
    if _MBOX.match(data[:200].decode("latin-1")):
        raise InputError(source, "is a mailbox; give its mails one by one, as .eml files")
    letter = _read(data, source)
    if letter.url is not None and letter.html is not None:
        # A page that was saved from a file says nothing of where it stood.
        url = letter.url if letter.url.startswith(("http://", "https://")) else None
        yield from webpage.articles(letter.html, source, stem, url)
        return
    found = list(_of_letter(letter, source, stem))
    if not found:
        reason = "a mail without a text that is an article; give the article's page or text"
        raise InputError(source, reason)
    for number, article in enumerate(found):
        if not number:
            article = replace(
                article,
                title=letter.subject or article.title,
                outlet=letter.sender or article.outlet,
                date=letter.date or article.date,
            )
        yield article


def _of_letter(letter: _Letter, source: str, stem: str) -> list[Article]:
    if letter.html is not None:
        try:
            # Its sender is who published it, and not a host that its links lead to.
            found = webpage.articles(letter.html, source, stem)
            return [replace(one, outlet=letter.sender or one.outlet) for one in found]
        except InputError:
            pass
        lines = webpage.paragraphs(letter.html)
        if len(" ".join(lines).split()) >= webpage.MIN_WORDS:
            return page.articles("\n".join(lines), stem, letter.sender)
    if letter.text is not None and letter.text.strip():
        return page.articles(letter.text, stem, letter.sender)
    return []


def _read(data: bytes, source: str) -> _Letter:
    try:
        message = email.message_from_bytes(data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        html, text = _content(message, "text/html"), _content(message, "text/plain")
        location = message.get("Snapshot-Content-Location")
        if location is None and message.get_content_type() == "multipart/related":
            location = _location(message)
        sender = parseaddr(str(message.get("From", "")))[0].strip()
        return _Letter(
            html,
            text,
            _said(message.get("Subject")),
            None if sender.startswith("<") else sender or None,
            _day(message.get("Date")),
            _said(location),
        )
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # The library trips over some headers that no program wrote as it should.
        reason = f"a mail that can't be read ({type(error).__name__}); save its text instead"
        raise InputError(source, reason) from None


def _content(message: EmailMessage, kind: str) -> str | None:
    """Give the first part of a kind that is no attachment, decoded."""
    for number, part in enumerate(message.walk()):
        if number >= _PARTS:
            return None
        if part.get_content_type() != kind or part.get_content_disposition() == "attachment":
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or not payload.strip():
            continue
        charset = part.get_content_charset() or "utf-8"
        try:
            return payload.decode(charset)
        except (UnicodeDecodeError, LookupError):
            return payload.decode("utf-8", errors="framescope_cp1252")
    return None


def _location(message: EmailMessage) -> str | None:
    """Where the page stood that a mail of parts begins with, as older browsers say it."""
    for part in message.iter_parts():
        if part.get_content_type() == "text/html":
            return part.get("Content-Location")
    return None


def _said(value: object) -> str | None:
    return (" ".join(str(value).split()) or None) if value is not None else None


def _day(value: object) -> str | None:
    try:
        return parsedate_to_datetime(str(value)).date().isoformat() if value else None
    except (ValueError, TypeError, IndexError):
        return None
