"""Lines of a page, no part of an article, that say who publishes what it shows.

They are taken off the text as furniture, and kept for who asks where the article comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
    """Give the name that a page calls itself by in a line of furniture.

    Parameters
    ----------
    line : str
        Such as ``Discover what Ellery Reader AI can answer``, ``Get the Karst Post app``.

    Returns
    -------
    str or None
        None where the line names nobody.
    """
    for pattern in _SELF:
        if (match := pattern.match(line)) and not _NOBODY.fullmatch(match[1]):
            return match[1]
    return None


def is_credit(line: str) -> bool:
    """Whether a line of furniture names who wrote or owns the text: ``© 2025 Karst Press``."""
    return _CREDIT.search(line) is not None


def credits(lines: Iterable[str]) -> tuple[str, ...]:
    """Give those of a page's lines of furniture that say where it comes from, each once."""
    kept = dict.fromkeys(line for line in lines if is_credit(line) or own_name(line))
    return tuple(kept)[:MAX_LINES]
