"""Lines of a page that say whose article it is: those above it, and what the page says of itself.

Outlet, time, author and headline tell where an article begins. Furniture that names the publisher
or owner of a text is taken off the text, and kept for the source card.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from framescope.classifier.inputs.furniture import LineKind, kind


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line of a page that isn't blank."""

    text: str  # without the space around it
    kind: LineKind
    blanks: int  # how many blank lines stand before it


@dataclass(frozen=True, slots=True)
class Header:
    """The lines above an article, and what they say."""

    start: int  # index of the first of them
    body: int  # index of the headline, where the article's text begins
    outlet: str | None = None
    date: str | None = None


MAX_HEADLINE = 200
_BODY_WORDS = 25  # the least that stands below a headline
_TIMES = (LineKind.AGO, LineKind.TIME)
_SEARCH = 4  # lines below a headline in which its article begins

_DASH = re.compile(r"[-–—•·|]\s?(?=\S)")
_END = re.compile(r"[.;,:][\"'”’)\]]{0,2}\Z")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]{0,3}\Z")
_ITEM = re.compile(r"(?:[-*•·]|\d{1,3}[.)]|\(\w{1,3}\)|[#>])\s")
_HOST = re.compile(r"(?:[a-z0-9-]{1,40}\.)+[a-z]{2,12}\Z", re.IGNORECASE)
_PRESS = re.compile(
    r"\b(?:news|times|post|herald|tribune|gazette|courier|journal|daily|weekly|press|agency|net"
    r"|tv|radio|business|observer|chronicle|mail|standard|telegraph|guardian|review|monitor|today"
    r"|express|dispatch|independent|reuters|afp|ap|bbc|cnn|tass|xinhua|irna)\b",
    re.IGNORECASE,
)
_OUTLET_TIME = re.compile(r"(.{2,50}?)\s?[·•|,–—-]\s?(\S.{3,40})\Z")
_DAY = re.compile(r"\d{4}|\d\s?(?:h|hrs?|hours?|d|days?|w|wks?|weeks?|months?|years?)\sago")
_DATES = (
    (re.compile(r"(\d{4}-\d{2}-\d{2})"), "%Y-%m-%d"),
    (re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s([A-Za-z]{3})[a-z]*\.?,?\s(\d{4})"), "%d %b %Y"),
    (re.compile(r"([A-Za-z]{3})[a-z]*\.?\s(\d{1,2})(?:st|nd|rd|th)?,?\s(\d{4})"), "%b %d %Y"),
)
_AFTER_NAME = re.compile(r"\s?[,|·•]\s|\s[–-]\s")
_BY = re.compile(r"(?:(?:words|text|story|written|reported)\s)?by:?\s", re.IGNORECASE)


def is_headline(text: str) -> bool:
    """Whether a line can be a headline: short, and no sentence that a full stop ends."""
    ellipsis = text.endswith(("...", "…"))
    return (
        len(text) <= MAX_HEADLINE
        and not text[:1].islower()
        and any(character.isalpha() for character in text)
        and (ellipsis or not _END.search(text))
        and not _ITEM.match(text)
    )


def ends_sentence(text: str) -> bool:
    """Whether a line closes a sentence."""
    return _SENTENCE_END.search(text) is not None


def author(byline: str) -> str:
    """Return the name in a byline."""
    return _AFTER_NAME.split(_BY.sub("", byline, count=1), maxsplit=1)[0].strip()


def iso_date(text: str) -> str | None:
    """Read the day from a line such as ``Updated: 12 March 2025``; None where it is ambiguous."""
    for pattern, form in _DATES:
        if found := pattern.search(text):
            try:
                return datetime.strptime(" ".join(found.groups()), form).date().isoformat()
            except ValueError:
                return None
    return None


def find(lines: Sequence[PageLine]) -> list[Header]:
    """Find the headers on a page.

    An article inside a page is announced by its outlet and time ("Ellery Gazette / 4 hours ago /
    - Ellery Gazette"), by a drawn rule or a byline around its headline.
    """
    headers: list[Header] = []
    index = 0
    while index < len(lines):
        header = _outlet_header(lines, index) or _byline_header(lines, index)
        if header is not None:
            headers.append(header)
            index = header.body
        index += 1
    return headers


def _outlet_header(lines: Sequence[PageLine], index: int) -> Header | None:
    """Read outlet and time, in this order, above a headline."""
    first = lines[index]
    joined = _OUTLET_TIME.match(first.text) if len(first.text) <= 100 else None
    outlet, following = _bare(first.text), lines[index + 1] if index + 1 < len(lines) else None
    if joined and kind(joined[2]) in _TIMES and _could_be_name(joined[1]):
        outlet, when, at = _bare(joined[1]), joined[2], index + 1
    elif (
        following is not None
        and following.kind in _TIMES
        and first.kind is LineKind.TEXT
        and _could_be_name(outlet)
    ):
        when, at = following.text, index + 2
    else:
        return None
    repeated = at < len(lines) and _bare(lines[at].text).casefold() == outlet.casefold()
    at += repeated
    apart = first.blanks >= 2 or (
        index > 0 and lines[index - 1].kind in (LineKind.RELATED, LineKind.RULE)
    )
    press = _HOST.match(outlet) or _PRESS.search(outlet)
    # A time that names a day, and not only the minute, as a live blog does.
    trusted = repeated or (_DAY.search(when) and (apart or press))
    return Header(index, at, outlet, iso_date(when)) if trusted and _begins(lines, at) else None


def _byline_header(lines: Sequence[PageLine], index: int) -> Header | None:
    """Read a headline below a drawn rule or a blank line, with a byline under it."""
    if index == 0 or index + 2 >= len(lines):
        return None
    ruled = lines[index - 1].kind is LineKind.RULE
    signed = lines[index + 1].kind is LineKind.BYLINE
    dated = lines[index + 1].kind is LineKind.TIME and lines[index + 1].text[-4:].isdigit()
    announced = (signed or (ruled and dated)) and (ruled or lines[index].blanks)
    return Header(index, index) if announced and _begins(lines, index) else None


def _begins(lines: Sequence[PageLine], at: int) -> bool:
    """Whether a headline and, under it, an article stand here."""
    if at >= len(lines) or lines[at].kind is not LineKind.TEXT or not is_headline(lines[at].text):
        return False
    below = [line for line in lines[at + 1 : at + 1 + _SEARCH] if line.kind is LineKind.TEXT]
    return sum(len(line.text.split(None, 2 * _BODY_WORDS)) for line in below) >= _BODY_WORDS


def _bare(text: str) -> str:
    return _DASH.sub("", text, count=1) if _DASH.match(text) else text


def _could_be_name(text: str) -> bool:
    words = text.split()
    if not 1 <= len(words) <= 6 or ends_sentence(text) or _END.search(text):
        return False
    return _HOST.match(text) is not None or not words[0][:1].islower()


MAX_LINES = 24
"""The most lines that are kept of an article's page."""

_WORD = r"[A-Z0-9][\w.&'’+-]{0,30}"
_NAME = rf"((?:(?:The|the)\s)?{_WORD}(?:\s{_WORD}){{0,3}})"

# What only the page's own publisher writes: offers of its own, and no line about others.
_SELF = [
    re.compile(pattern)
    for pattern in (
        rf"(?:Explore|Discover|See|Try|Find\sout)\s(?:what\s)?{_NAME}(?:['’]s)?\sAI\b",
        rf"Ask\s{_NAME}\sAI\b",
        rf"(?:Download|Get|Install|Try)\s(?:the\s)?(?:free\s)?{_NAME}\s(?i:app)\b",
        rf"(?:Open|Read|Continue|View)\s(?:this\s)?(?:in|on)\s(?:the\s)?{_NAME}\s(?i:app)\b",
        rf"(?:Sign|Log)\sin\s(?:to|with)\s(?:your\s)?{_NAME}(?:\saccount)?\Z",
        rf"{_NAME}\suses\scookies\b",
    )
]
_NOBODY = re.compile(
    r"(?:the\s)?(?:our|us|your|ai|free|new|google(?:\splay)?|apple|facebook|android|ios|iphone"
    r"|twitter|x|whatsapp|telegram|app\sstore|mobile|(?:free\s)?news)",
    re.IGNORECASE,
)
# Words in a line of furniture that give an agency or a copyright holder.
_CREDIT = re.compile(
    r"©|\(c\)\s|\bcopyright\b|\breporting\sby\b|\bwriting\sby\b|\bour\sstandards:"
    r"|\bsyndicat|\bdistributed\sby\b|\ball\srights\sreserved\b.{4}",
    re.IGNORECASE,
)


def own_name(line: str) -> str | None:
    """Return the name of a page itself in a line such as ``Get the Karst Post app``."""
    for pattern in _SELF:
        if (match := pattern.match(line)) and not _NOBODY.fullmatch(match[1]):
            return match[1]
    return None


def credits(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the lines of furniture that name an agency, an owner, or the page itself."""
    kept = dict.fromkeys(line for line in lines if _CREDIT.search(line) or own_name(line))
    return tuple(kept)[:MAX_LINES]
