"""Texts that tempt a reader to look again and again: work must grow with their length."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from framescope.classifier.records.article import Article, Imprint

_PROSE = 'The minister said "we won." Prices rose 3.5 percent. According to two bankers, it fell. '
_BODY = (
    "The harbour council said on Tuesday that it had agreed to widen the eastern breakwater after "
    "two ferries were damaged in the winter storms, and that the work would take three years."
)

# What a text begins with, what is repeated, and what it ends with.
PARTS: dict[str, tuple[str, str, str]] = {
    "prose": ("", _PROSE, ""),
    "no stop": ("", "word ", ""),
    "only stops": ("", ".", ""),
    "one word": ("", "a", ""),
    "spaces": ("A.", " ", "B."),
    "line breaks": ("", "\n", "a"),
    "marks": ("", '"', ""),
    "curly marks": ("", "“", ""),
    "never closed": ("", '"a b.\n', ""),
    "said he": ("", '"said he" ', ""),
    "told the head": ("", "told the head of the ", ""),
    "according to": ("", "according to ", ""),
    "according to many": ("", "according to the mayor, ", ""),
    "people": ("", "Rika Vale ", ""),
    "hyphens": ("", "a-", ""),
    "labels": ("", "SMITH: no.\n", ""),
    "brackets": ("", "(", ""),
    "sources": ("", "Source: ", ""),
    "commas": ("", "A, ", ""),
    "datelines": ("", "(AP) - ", ""),
    "footnotes": ("", "[1]", ""),
    "below is": ("Below is ", "a ", ""),
    "text of report": ("Text of report by ", "a ", ""),
    "also in": ("Also in ", "A ", ""),
    "by and": ("By ", "and AP ", ""),
    "reporting by": ("", "Reporting by a; ", ""),
    "press review": ("Below is the Karst Post's article:\n", "[ab] Reuters ", ""),
    "related": ("", "Related Articles\n", ""),
    "headings": ("# " * 100 + "\n", "#a", ""),
    "aggregator": ("", f"Tarn Courier\n3 hours ago\n- Tarn Courier\nMill\n{_BODY}\n", ""),
    "names in a path": ("", "/RT", ""),
    "addresses in Chinese": ("", "新华社a.com/RT", ""),
    "accents": ("", "\u0301", ""),
    "names": ("", "Reuters RT Xinhua TASS ", ""),
}


def text(name: str, size: int) -> str:
    """A text of about ``size`` characters."""
    start, unit, end = PARTS[name]
    return start + unit * (size // len(unit)) + end


def article(name: str, size: int) -> Article:
    """An article of such a text, whose headers are like it."""
    body = text(name, size)
    return Article(
        "a", body, outlet=body[:5_000], author=body[:5_000], imprint=Imprint((body[:300],) * 20),
        url="https://reader.example/" + body[:5_000],
    )  # fmt: skip


def calls(work: Callable[[], Any]) -> int:
    """How many functions run, in Python and in C, while ``work`` does."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
