"""Outlets, and dated statements on who owns, funds and steers them; none judges what they print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact is from: a source by name, its address, and the ISO 8601 date it held."""

    source: str
    url: str | None = None
    date: str | None = None
    licence: str | None = None  # of a user's own facts alone; else it follows from the source


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


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that somebody says of an outlet or of an owner."""

    about: About
    value: str  # one of `VALUES`, or in words
    evidence: Evidence


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
    evidence: Evidence | None = None  # of its kind and country


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
    """Sort statements by what they are about, the newest, which holds, first."""
    order = list(About)
    newest = sorted(statements, key=lambda one: (one.evidence.date or "", one.value), reverse=True)
    return tuple(sorted(newest, key=lambda one: order.index(one.about)))


def present(holdings: tuple[Holding, ...]) -> tuple[Holding, ...]:
    """Return the owners of today: those that the first of them is named together with."""
    first = holdings[0].evidence if holdings else None
    return tuple(held for held in holdings if held.evidence == first)


class Role(StrEnum):
    """What an outlet does with what it publishes."""

    PUBLISHER = "publisher"  # its own reporting: papers, agencies, broadcasters, news sites
    AGGREGATOR = "aggregator"  # others' articles, gathered by a machine (Google News, Daily8)
    MONITOR = "monitor"  # others' articles, selected and translated (MEMRI, BBC Monitoring)
    PLATFORM = "platform"  # anybody's posts: nothing about it tells who speaks (YouTube, Telegram)


class Medium(StrEnum):
    """What kind of outlet it is."""

    AGENCY = "agency"
    NEWSPAPER = "newspaper"
    MAGAZINE = "magazine"
    BROADCASTER = "broadcaster"  # television and radio both
    TELEVISION = "television"
    RADIO = "radio"
    WEBSITE = "website"
    PUBLISHER = "publisher"  # a house with several titles
    OTHER = "other"


class NameKind(StrEnum):
    """How a name relates to its outlet."""

    MAIN = "main"
    ALIAS = "alias"
    ABBREVIATION = "abbreviation"
    NATIVE = "native"  # in the outlet's own script
    FORMER = "former"


class DomainRole(StrEnum):
    """What an outlet's domain is."""

    MAIN = "main"
    EDITION = "edition"  # another language, country or section
    MIRROR = "mirror"  # the same content at another address, run by the same owner
    IMPOSTER = "imposter"  # somebody else's, made to look like the outlet's


@dataclass(frozen=True, slots=True)
class Name:
    """One of an outlet's names."""

    text: str
    kind: NameKind = NameKind.ALIAS
    lang: str | None = None  # BCP 47 tag of the language it is written in, where known
    # It means other things too ("Mirror", "The Times"): in running text it is never taken for the
    # outlet without more, and a look-up by it returns every outlet called so.
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Domain:
    """One of an outlet's hosts: lower case, in ASCII (IDNA), without ``www.``."""

    host: str
    role: DomainRole = DomainRole.MAIN


@dataclass(frozen=True, slots=True)
class Assessment:
    """What somebody has found about an outlet."""

    claim: str  # what it is about: ``reliability``, ``influence_network``, ``impersonation``
    # of reliability the rater's own term (``generally_reliable``, ``no_consensus``,
    # ``generally_unreliable``, ``deprecated``), of a network its name
    value: str
    evidence: Evidence
    confidence: float  # between 0 and 1: how firmly the source says so


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet, agency, aggregator, monitor or platform."""

    id: str  # its id in the registry: lower-case ASCII letters, digits and hyphens
    name: str
    role: Role = Role.PUBLISHER  # what it does with what it publishes
    medium: Medium = Medium.OTHER
    country: str | None = None  # ISO 3166-1 alpha-2 of where it is published from
    wikidata: str | None = None  # its Wikidata identifier
    names: tuple[Name, ...] = ()  # the main one first
    domains: tuple[Domain, ...] = ()  # the main one first
    # what is on record of it: by what it is about, the statement that holds first
    statements: tuple[Statement, ...] = ()
    holdings: tuple[Holding, ...] = ()  # its direct owners, the largest share first
    assessments: tuple[Assessment, ...] = ()
    accounts: tuple[Account, ...] = ()

    @property
    def control(self) -> Control | None:
        """Who owns and steers it; None: nothing on record, which is not "independent"."""
        order = (About.CODE, About.OWNER_KIND, *STEERING)
        said = [self.said(about) for about in order]
        known = [one.evidence for found in said for one in found[:1]]
        known += [held.evidence for held in self.holdings[:1]]
        if not known:
            return None
        code = Code(said[0][0].value) if said[0] else None
        by_code = HOLDERS[code] if code else (Holder.UNKNOWN,) * 3
        # Of the three, whoever is named holds it, else as the code says; what is said in words
        # ("subscriptions and advertising") names nobody.
        funding, governance, editorial = (
            next((Holder(one.value) for one in found if one.value in list(Holder)), holder)
            for found, holder in zip(said[2:], by_code, strict=True)
        )
        now = present(self.holdings)
        top = now[0].owner.kind if len(now) == 1 else None
        kind = OwnerKind(said[1][0].value) if said[1] else top
        owners = ", ".join(held.owner.name for held in now) or None
        return Control(funding, governance, editorial, code, owners, kind, known[0])

    def said(self, about: About) -> tuple[Statement, ...]:
        """Return what is said about one thing, the statement that holds first."""
        return tuple(one for one in self.statements if one.about is about)

    @property
    def state_media(self) -> bool:
        """Whether a state owns it and controls it editorially (code SC or CaPu)."""
        control = self.control
        # The newest code decides; without one, the fields that SC and CaPu have in common.
        if control is None or control.code is not None:
            return control is not None and control.code in STATE_MEDIA
        return control.governance == control.editorial == Holder.STATE

    @property
    def status(self) -> Status:
        """Whether it publishes; active where nothing is on record."""
        said = self.said(About.STATUS)
        return Status(said[0].value) if said else Status.ACTIVE

    @property
    def content(self) -> tuple[Content, ...]:
        """What it carries, where it is not plain news."""
        return tuple(dict.fromkeys(Content(one.value) for one in self.said(About.CONTENT)))


class Found(NamedTuple):
    """An outlet found by its host."""

    outlet: Outlet
    # the host on record that matched. With role ``imposter`` the page is *not* the outlet's.
    domain: Domain
