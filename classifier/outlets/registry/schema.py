"""What the rows of the registry may hold: one description for every road into it.

The shipped tables (`classifier.outlets.registry.check`), the rows by hand (`training.registry`) and
a user's own file (`classifier.outlets.registry.user`) are all held to it; each says in its own
words where the field stands. The enumerations are those of `classifier.records`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from framescope.classifier.outlets.registry import hosts
from framescope.classifier.records import (
    VALUES,
    About,
    DomainRole,
    Medium,
    NameKind,
    OwnerKind,
    Role,
)

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_QID = re.compile(r"Q[1-9][0-9]*")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_HANDLE = re.compile(r"[\w.\-/@]+")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
#: What no text holds: it would break the line, or show it in another order than it is written.
CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")


@dataclass(frozen=True, slots=True)
class Field:
    """What a field may hold."""

    holds: Callable[[str], bool]  # whether a text is one of the values
    wrong: str  # what is said of another text, behind it: "is no QID"
    wanted: str  # what should stand there: "a QID, as in Q1860"
    required: bool = False  # whether it may not be empty
    # of the value in JSON: text, or a truth value or a number, which a table writes as text
    type: type = str

    def reason(self, cell: str) -> str | None:
        """Tell what is wrong with a table's cell; None when nothing is."""
        if cell != " ".join(cell.split()):
            return f"{cell!r} has spaces at an end, or two together"
        if not cell:
            return "is empty" if self.required else None
        return None if self.holds(cell) else f"{cell!r} {self.wrong}"


@cache
def countries() -> Mapping[str, str]:
    """Return the code of each country by every name that the evidence has for it.

    ISO 3166-1 alpha-2, and what is reserved for such use: EU, XK. The names are CLDR's, then
    those that lists call it otherwise.
    """
    return {name: code for code, names in _countries().items() for name in names}


@cache
def _countries() -> Mapping[str, list[str]]:
    path = Path(__file__).parent / "data/countries.tsv"
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[2:])
    return {code: names.split(" | ") for code, names in rows}


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    try:
        return match is not None and bool(date(*(int(part or 1) for part in match.groups())))
    except ValueError:
        return False


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        named = "." in (parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and named and not re.search(r"\s", text)


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _is_percent(text: str) -> bool:
    try:
        return 0 < float(text) <= 100
    except ValueError:
        return False


def one_of(values: Iterable[str], required: bool = False) -> Field:
    """Make the field that holds one of some values."""
    listed = ", ".join(values)
    return Field(
        frozenset(values).__contains__, f"is none of {listed}", f"one of {listed}", required
    )


_TEXT = Field(
    lambda text: bool(text.strip()) and not CONTROL.search(text),
    "is not text on one line",
    "text on one line",
)
NEEDED_TEXT = replace(_TEXT, required=True)
TRUTH = Field(frozenset({"1"}).__contains__, "is none of 1", "true or false", type=bool)
_IDENTIFIER = Field(
    lambda text: _ID.fullmatch(text) is not None,
    "is not lower-case ASCII letters, digits and hyphens",
    "lower-case ASCII letters, digits and hyphens",
    required=True,
)
_HOST = Field(
    lambda text: hosts.host(text) == text,
    "is no host in lower-case ASCII",
    "a host, as in news.example.org",
    required=True,
)
_COUNTRY = Field(
    lambda text: text in _countries(),
    "is no ISO 3166-1 alpha-2 code",
    "a country's two letters of ISO 3166-1, as in GB",
)
_EVIDENCE = {
    "source": NEEDED_TEXT,
    "url": Field(_is_url, "is no http address", "an address, https://..."),
    "date": Field(_is_date, "is no ISO 8601 date", "a date, as in 2026-11-24"),
}
_SHARE_OF_ONE = Field(_is_share, "is not between 0 and 1", "a number from 0 to 1", type=float)
#: Where an outlet may have an account.
PLATFORMS = (
    *("x", "telegram", "youtube", "facebook", "instagram", "tiktok", "vk", "weibo", "substack"),
    *("threads", "bluesky", "mastodon"),
)
#: What an assessment may be about.
NETWORK = "influence_network"
"""The claim of an assessment that finds something to be part of a network."""
RELIABILITY = "reliability"
"""That of one that rates it, in the rater's words."""
CLAIMS = (RELIABILITY, NETWORK, "impersonation")
#: Ratings of reliability, from the best to the worst; no consensus is none of either.
RATINGS = (
    "no_consensus",
    "generally_reliable",
    "generally_unreliable",
    "deprecated",
    "blacklisted",
)
_RATING = replace(one_of(RATINGS, required=True), wrong="is no rating")


def value_of(claim: str) -> Field:
    """Return what the value of a claim may be: a rating, or whatever the source calls it."""
    return _RATING if claim == RELIABILITY else NEEDED_TEXT


_STATED = {about: one_of(values, required=True) for about, values in VALUES.items()}


def stated(about: str) -> Field:
    """Return what the value of a statement may be, by what it is about."""
    return _STATED[About(about)] if about in VALUES else NEEDED_TEXT


#: The fields of each table, in the order of its columns.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "outlets": {
        "id": _IDENTIFIER,
        "name": NEEDED_TEXT,
        "role": one_of(Role, required=True),
        "medium": one_of(Medium, required=True),
        "country": _COUNTRY,
        "wikidata": Field(
            lambda text: _QID.fullmatch(text) is not None, "is no QID", "a QID, as in Q1860"
        ),
    },
    "names": {
        "id": _IDENTIFIER,
        "name": NEEDED_TEXT,
        "kind": one_of(NameKind, required=True),
        "lang": Field(
            lambda text: _LANG.fullmatch(text) is not None,
            "is no BCP 47 tag",
            "a language's tag, as in fa",
        ),
        "ambiguous": TRUTH,
    },
    "domains": {"id": _IDENTIFIER, "host": _HOST, "role": one_of(DomainRole, required=True)},
    "statements": {
        "id": _IDENTIFIER,
        "about": one_of(About, required=True),
        "value": NEEDED_TEXT,
        "through": _TEXT,
        **_EVIDENCE,
        "confidence": _SHARE_OF_ONE,
    },
    "owners": {
        "id": _IDENTIFIER,
        "name": NEEDED_TEXT,
        "kind": one_of(OwnerKind),
        "country": _COUNTRY,
    },
    "holdings": {
        "id": _IDENTIFIER,
        "of": one_of(("outlet", "owner"), required=True),
        "owner": _IDENTIFIER,
        "share": Field(
            _is_percent, "is no percentage", "a number above 0 and up to 100", type=float
        ),
        **_EVIDENCE,
    },
    "accounts": {
        "id": _IDENTIFIER,
        "platform": one_of(PLATFORMS, required=True),
        "handle": Field(
            lambda text: _HANDLE.fullmatch(text) is not None,
            "is no handle",
            "an account's name as in its address, without @",
            required=True,
        ),
        **_EVIDENCE,
    },
    "assessments": {
        "id": _IDENTIFIER,
        "claim": one_of(CLAIMS, required=True),
        "value": NEEDED_TEXT,
        **_EVIDENCE,
        "confidence": _SHARE_OF_ONE,
    },
    "licences": {
        "source": NEEDED_TEXT,
        "licence": NEEDED_TEXT,
        "attribution": _TEXT,
        "since": _EVIDENCE["date"],
    },
    "networks": {
        "id": _IDENTIFIER,
        "name": NEEDED_TEXT,
        "names": _TEXT,
        "operator": _TEXT,
        "country": _COUNTRY,
        "attributed_by": _TEXT,
        **_EVIDENCE,
    },
    "sites": {
        "host": _HOST,
        "network": NEEDED_TEXT,
        "kind": one_of(("site", "imposter"), required=True),
        "impersonates": replace(_IDENTIFIER, required=False),
        **_EVIDENCE,
    },
}
#: The columns of each table, in order. An empty field is unknown.
COLUMNS: Mapping[str, tuple[str, ...]] = {kind: tuple(fields) for kind, fields in FIELDS.items()}
