"""What the registry holds of an outlet: frozen values, each fact with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from framescope.classifier.records.statements import (
    ENDED,
    STATE_MEDIA,
    About,
    Account,
    Content,
    Control,
    Evidence,
    Holder,
    Holding,
    Statement,
    Status,
    control_of,
)


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

    id: str
    """Its id in the registry: lower-case ASCII letters, digits and hyphens."""
    name: str
    role: Role = Role.PUBLISHER
    """What it does with what it publishes."""
    medium: Medium = Medium.OTHER
    country: str | None = None
    """ISO 3166-1 alpha-2 of where it is published from."""
    wikidata: str | None = None
    """Its Wikidata identifier."""
    names: tuple[Name, ...] = ()
    """The main one first."""
    domains: tuple[Domain, ...] = ()
    """The main one first."""
    statements: tuple[Statement, ...] = ()
    """What is on record of it: by what it is about, the statement that holds first."""
    holdings: tuple[Holding, ...] = ()
    """Its direct owners, the largest share first."""
    assessments: tuple[Assessment, ...] = ()
    accounts: tuple[Account, ...] = ()

    @property
    def control(self) -> Control | None:
        """Who owns and steers it; None: nothing on record, which is not "independent"."""
        return control_of(self.statements, self.holdings)

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
    def ended(self) -> bool:
        """Whether it has stopped publishing under its name."""
        return self.status in ENDED

    @property
    def content(self) -> tuple[Content, ...]:
        """What it carries, where it is not plain news."""
        return tuple(dict.fromkeys(Content(one.value) for one in self.said(About.CONTENT)))


@dataclass(frozen=True, slots=True)
class Found:
    """An outlet found by its host."""

    outlet: Outlet
    # the host on record that matched. With role ``imposter`` the page is *not* the outlet's.
    domain: Domain
