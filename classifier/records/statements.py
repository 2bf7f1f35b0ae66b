"""What is on record about who owns, funds and steers outlets: dated statements, and owners.

Statements about one thing stand side by side, the one that holds first, older ones after it as its
history. None of them judges what an outlet prints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact is from: a source by name, its address, and the ISO 8601 date it held.

    `licence` is said of a user's own facts alone; that of the registry's follows from the source.
    """

    source: str
    url: str | None = None
    date: str | None = None
    licence: str | None = None


class About(StrEnum):
    """What a statement is about."""

    CODE = "code"  # the State Media Monitor's, a `Code`
    FUNDING = "funding"  # a `Holder`, or in words what the income is
    GOVERNANCE = "governance"  # a `Holder`, or in words who appoints the board and the editor
    EDITORIAL = "editorial"  # a `Holder`, or in words what binds the editorial line
    OWNER_KIND = "owner_kind"  # an `OwnerKind`: what stands at the top of the chain of owners
    STATUS = "status"  # a `Status`
    SUCCESSOR = "successor"  # the id of the outlet, or the name, that took its place
    CONTENT = "content"  # a `Content`; an outlet may have several


#: The three questions that the monitor's typology asks.
STEERING = (About.FUNDING, About.GOVERNANCE, About.EDITORIAL)


class Holder(StrEnum):
    """Who holds funding, governance or the editorial line."""

    STATE = "state"
    NOT_STATE = "not state"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class Code(StrEnum):
    """Codes of the State Media Monitor's typology (Dragomir and Söderström, 2021)."""

    SC = "SC"
    CAPU = "CaPu"
    CAPR = "CaPr"
    ISFM = "ISFM"
    ISF = "ISF"
    ISM = "ISM"
    IP = "IP"


#: What the codes stand for.
CODES = {
    Code.SC: "state-controlled",
    Code.CAPU: "captured public or state-managed",
    Code.CAPR: "captured private",
    Code.ISFM: "independent, state-funded and state-managed",
    Code.ISF: "independent, state-funded",
    Code.ISM: "independent, state-managed",
    Code.IP: "independent public",
}

#: Who holds funding, governance and the editorial line by a code, as the typology has it. Of
#: captured private media it says "Yes/No" of the funding: it differs between them.
HOLDERS = {
    Code.SC: (Holder.STATE, Holder.STATE, Holder.STATE),
    Code.CAPU: (Holder.NOT_STATE, Holder.STATE, Holder.STATE),
    Code.CAPR: (Holder.UNKNOWN, Holder.NOT_STATE, Holder.STATE),
    Code.ISFM: (Holder.STATE, Holder.STATE, Holder.NOT_STATE),
    Code.ISF: (Holder.STATE, Holder.NOT_STATE, Holder.NOT_STATE),
    Code.ISM: (Holder.NOT_STATE, Holder.STATE, Holder.NOT_STATE),
    Code.IP: (Holder.NOT_STATE, Holder.NOT_STATE, Holder.NOT_STATE),
}

#: The codes that make an outlet state media (annotation guidelines, section 4): its governance and
#: its editorial line are the state's. Captured private media (CaPr) follow it without being its.
STATE_MEDIA = frozenset({Code.SC, Code.CAPU})


class OwnerKind(StrEnum):
    """What an owner is."""

    LISTED = "listed company"
    PRIVATE = "private company"
    FAMILY = "family"
    PERSON = "person"
    FOUNDATION = "foundation or trust"
    NON_PROFIT = "non-profit"
    COOPERATIVE = "cooperative"
    EMPLOYEES = "employees"
    PARTY = "political party"
    CHURCH = "church"
    PUBLIC = "public-service corporation"
    STATE = "state"


class Status(StrEnum):
    """Whether an outlet publishes."""

    ACTIVE = "active"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    RENAMED = "renamed"
    MERGED = "merged"
    EXILE = "exile"  # publishes, from another country than the one it reports on


#: With these it doesn't publish under this name any more.
ENDED = frozenset({Status.CLOSED, Status.SUSPENDED, Status.RENAMED, Status.MERGED})


class Content(StrEnum):
    """What kind of content an outlet carries, where it is not plain news."""

    NEWS = "news"
    SATIRE = "satire"
    OPINION = "opinion"
    PRESS_AGENCY = "press_agency"
    GOVERNMENT = "government_site"
    PARTY = "party_site"
    THINK_TANK = "think_tank"
    PRESS_RELEASES = "press_release_wire"
    TABLOID = "tabloid"
    RELIGIOUS = "religious"
    TRADE = "trade"
    STUDENT = "student"
    NETWORK = "influence_network"
    FACT_CHECKER = "fact_checker"
    AGGREGATOR = "aggregator"


#: What a statement's value must be one of, by what it is about; in words where it isn't here.
VALUES: dict[About, type[StrEnum]] = {
    About.CODE: Code,
    About.OWNER_KIND: OwnerKind,
    About.STATUS: Status,
    About.CONTENT: Content,
}

GENERAL_KNOWLEDGE = "general knowledge"
"""The source of a statement that rests on nothing that could be looked up; it counts for least."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that somebody says of an outlet or of an owner."""

    about: About
    value: str  # one of `VALUES`, or in words
    evidence: Evidence
    confidence: float = 1.0  # how certain it is; below one half: what nobody could look up
    through: str | None = None  # the owner of whom it is said, where it holds for what they own


@dataclass(frozen=True, slots=True)
class Holding:
    """That somebody owns an outlet or a company, or a share of it."""

    owner: Owner
    share: float | None  # percent; None where it isn't known
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns outlets: a company, a family, a foundation, a state; and who owns them in turn."""

    id: str  # lower-case ASCII letters, digits and hyphens
    name: str
    kind: OwnerKind | None = None
    country: str | None = None  # ISO 3166-1 alpha-2
    holdings: tuple[Holding, ...] = ()  # its own owners, the largest share first; never a circle


@dataclass(frozen=True, slots=True)
class Control:
    """Who owns and steers an outlet, as it stands: of each question the statement that holds."""

    funding: Holder
    governance: Holder
    editorial: Holder
    code: Code | None
    owner: str | None  # the direct owners' names, the largest share first
    owner_kind: OwnerKind | None
    evidence: Evidence  # of the code, where there is one; else of what is known


@dataclass(frozen=True, slots=True)
class Account:
    """An outlet's own account at a platform."""

    platform: str  # ``x``, ``telegram``, ``youtube``, ...
    handle: str  # as in its address, without the sign before it
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Network:
    """An influence network: who runs it, and who found that out."""

    id: str
    name: str
    names: tuple[str, ...]
    operator: str | None
    country: str | None  # of whom it serves, ISO 3166-1 alpha-2
    attributed_by: str | None  # who says who runs it
    evidence: Evidence  # the report, its address and its date


def in_order(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Sort statements by what they are about, the one that holds first.

    What can be looked up holds before what can't, what was said of the outlet itself before what
    holds through an owner, the newer before the older.
    """
    order = list(About)

    def key(one: Statement) -> tuple[object, ...]:
        return (order.index(one.about), one.evidence.url is None, one.through is not None)

    newest = sorted(statements, key=lambda one: (one.evidence.date or "", one.value), reverse=True)
    return tuple(sorted(newest, key=key))


def present(holdings: tuple[Holding, ...]) -> tuple[Holding, ...]:
    """Return the owners of today: those that the first of them is named together with."""
    first = holdings[0].evidence if holdings else None
    return tuple(held for held in holdings if held.evidence == first)


def control_of(statements: Iterable[Statement], holdings: tuple[Holding, ...]) -> Control | None:
    """Return who owns and steers an outlet, as it stands; None where nothing is on record.

    Statements are in the order of `in_order`, holdings those of its direct owners.
    """
    said: dict[About, list[Statement]] = {about: [] for about in About}
    for one in statements:
        said[one.about].append(one)
    order = (About.CODE, About.OWNER_KIND, *STEERING)
    known = [one.evidence for about in order for one in said[about][:1]]
    known += [held.evidence for held in holdings[:1]]
    if not known:
        return None
    code, kind = (next(iter(said[about]), None) for about in order[:2])
    by_code = HOLDERS[Code(code.value)] if code else (Holder.UNKNOWN,) * 3
    # Of the three, whoever is named holds it, else as the code says; what is said in words
    # ("subscriptions and advertising") names nobody.
    funding, governance, editorial = (
        next((Holder(one.value) for one in said[about] if one.value in _HOLDERS), holder)
        for about, holder in zip(STEERING, by_code, strict=True)
    )
    now = present(holdings)
    top = now[0].owner.kind if len(now) == 1 else None
    return Control(
        funding,
        governance,
        editorial,
        Code(code.value) if code else None,
        ", ".join(held.owner.name for held in now) or None,
        OwnerKind(kind.value) if kind else top,
        known[0],
    )


_HOLDERS = frozenset(Holder)
