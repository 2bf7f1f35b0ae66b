"""What the registry holds of an outlet: frozen values, no behaviour, no imports of ours.

Facts only, each with its evidence. What a column of the shipped tables may hold is what these
enumerations name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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

#: The codes that make an outlet state media (annotation guidelines, section 4).
STATE_MEDIA = frozenset({Code.SC, Code.CAPU})


@dataclass(frozen=True, slots=True)
class Name:
    """One of an outlet's names.

    Attributes
    ----------
    text : str
    kind : NameKind
    lang : str or None
        BCP 47 tag of the language the name is written in, where it is known.
    ambiguous : bool
        The name means other things too ("Mirror", "Zvezda", "Times"): it is never taken for the
        outlet in running text without more, and a look-up by it gives every outlet called so.
    """

    text: str
    kind: NameKind = NameKind.ALIAS
    lang: str | None = None
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Domain:
    """One of an outlet's hosts: lower case, in ASCII (IDNA), without ``www.``."""

    host: str
    role: DomainRole = DomainRole.MAIN


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact is from: a source by name, its address, and the ISO 8601 date it held."""

    source: str
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """Who owns and steers an outlet: three separate questions, and the monitor's code for them.

    Never a judgement of what it prints.
    """

    funding: Holder
    governance: Holder
    editorial: Holder
    code: Code | None
    owner: str | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Assessment:
    """What somebody has found about an outlet.

    Attributes
    ----------
    claim : str
        What it is about: ``reliability``, ``influence_network``, ``impersonation``.
    value : str
        For ``reliability`` the rater's own term (``generally_reliable``, ``no_consensus``,
        ``generally_unreliable``, ``deprecated``); for a network its name.
    evidence : Evidence
    confidence : float
        Between 0 and 1: how firmly the source says so.
    """

    claim: str
    value: str
    evidence: Evidence
    confidence: float


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet, agency, aggregator, monitor or platform.

    Attributes
    ----------
    id : str
        Stable: lower-case ASCII letters, digits and hyphens.
    name : str
    role : Role
    medium : Medium
    country : str or None
        ISO 3166-1 alpha-2 of where it is published from.
    wikidata : str or None
        QID.
    names : tuple of Name
        Every name, the main one first.
    domains : tuple of Domain
        The main one first.
    control : Control or None
        None: nothing on record, which is not the same as independent.
    assessments : tuple of Assessment
    """

    id: str
    name: str
    role: Role = Role.PUBLISHER
    medium: Medium = Medium.OTHER
    country: str | None = None
    wikidata: str | None = None
    names: tuple[Name, ...] = ()
    domains: tuple[Domain, ...] = ()
    control: Control | None = None
    assessments: tuple[Assessment, ...] = ()

    @property
    def state_media(self) -> bool:
        """Whether a state governs it and controls it editorially (code SC or CaPu).

        Where there is no code, the fields that SC and CaPu have in common decide.
        """
        control = self.control
        if control is None or control.code is not None:
            return control is not None and control.code in STATE_MEDIA
        return control.governance is Holder.STATE and control.editorial is Holder.STATE


@dataclass(frozen=True, slots=True)
class Found:
    """An outlet found by its host."""

    outlet: Outlet
    # the host on record that matched. With role ``imposter`` the page is *not* the outlet's.
    domain: Domain
