"""An article's source card in words, the same for every output that a person reads.

Who published it, who controls that outlet, what is on record of it, and what the article itself
shows stand one after the other; nothing here puts them together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from framescope.classifier.outlets import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.records import (
    CODES,
    ArticleEvidence,
    ArticleReport,
    Basis,
    Evidence,
    Link,
    Medium,
    Outlet,
    Place,
    Record,
    Relation,
    Role,
    SourceCard,
    counted,
    printable,
    shortened,
)
from framescope.classifier.reports import figures
from framescope.classifier.reports.facts import NOTHING, Fact, facts, part_of, words
from framescope.classifier.reports.layout import publisher

MAX_NAME = 90
MAX_WORDS = 160
MAX_REASON = 400

# What a text model would add is not shown to be more than nothing: docs/source-record.md.
_NO_TEXT = (
    "The wording of the article does not count: a text model tells reliable from unreliable "
    "outlets it has not seen with AUC 0.74 (0.65 to 0.81), the article's length alone with 0.65, "
    "and the difference is not certain."
)
APART = (
    "Control, record and the article's own evidence are three separate findings and are never "
    "merged into one. Control says who owns and steers an outlet; it is no rating and does not "
    f"enter the record. Unscored is not a low score. {_NO_TEXT}"
)
SCALE = "0 is a bad record, 1 a good one"

_BASES = {
    Basis.GIVEN: "named as its outlet",
    Basis.URL: "shown by the address",
    Basis.SITE_NAME: "shown by the site's name",
    Basis.HEADER: "shown by the header above it",
    Basis.BYLINE: "shown by the byline",
    Basis.DATELINE: "shown by the dateline",
    Basis.TEXT: "shown by the text",
}


class Step(NamedTuple):
    """A link of the chain: the outlet, what it did, and the words that show it."""

    name: str
    did: str
    basis: str
    words: str
    sentence: int  # the number of the sentence in which the words stand; 0 where in none


class Proof(NamedTuple):
    """Where a fact is from: source and date in words, and an address of the web, or None."""

    source: str
    url: str | None


class Shown(NamedTuple):
    """A fact on record; its proof is None where it is that of the fact before."""

    label: str
    said: str
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class CardView:
    """A source card in words; a text is empty where there is nothing to say."""

    warning: str  # what is to be read before anything else
    imprint: str  # of a publisher that isn't on record: who answers for its site, as it says
    claimed: str  # what the page says of its own address, where it was fetched from another
    steps: tuple[Step, ...]  # from the publisher inwards; empty where nothing names it
    about: str  # the outlet that control and record are about
    kind: str  # what it is, its country and its Wikidata identifier
    control: tuple[Shown, ...]  # who owns, funds and steers it; what it carries
    uncontrolled: str  # why nothing is known of who controls it
    record: Record
    # estimate, interval and shift: empty where it is unscored
    estimate: str
    interval: str
    shift: str
    reason: str  # why it is unscored
    rated: str  # that one rater alone speaks
    findings: tuple[Shown, ...]
    evidence: tuple[str, ...]  # what the article shows of its own sourcing, a line each


def card(report: ArticleReport) -> CardView | None:
    """Put an article's source card into words; None where no source was looked up."""
    found = report.source
    if found is None:
        return None
    record = found.record
    claimed = found.publication.claimed
    interval = ""
    if record.low is not None and record.high is not None:
        interval = f"90% interval {figures.score(record.low)} to {figures.score(record.high)}"
    return CardView(
        warning=warning(report),
        imprint=_imprint(report),
        claimed=f"the page names {shortened(claimed, MAX_WORDS)} as its own address"
        if claimed
        else "",
        steps=tuple(_steps(found, report)),
        about=name(found.outlet.name) if found.outlet else "",
        kind=_kind(found.outlet) if found.outlet else "",
        control=tuple(_control(found)),
        uncontrolled=_uncontrolled(found),
        record=record,
        estimate=figures.score(record.estimate) if record.estimate is not None else "",
        interval=interval,
        shift=_shift(record),
        reason="" if record.scored or record.rater else _why(found),
        rated=f"by one rater, {name(record.rater)}" if record.rater else "",
        findings=tuple(_findings(record)),
        evidence=tuple(_evidence(found.evidence)) if found.evidence else ("not scored",),
    )


def warning(report: ArticleReport) -> str:
    """Return what comes before all else: that the page is an imitation; empty where it is none."""
    found = report.source.publication if report.source else None
    if found is None or not found.imposter:
        return ""
    host = name(found.chain[0].name) if found.chain else "this address"
    of = "an imposter: it imitates an outlet that it is not"
    if whose := name(found.imitated.name) if found.imitated else "":
        of = f"an imposter of {whose}: this is not {whose}'s page"
    return f"Warning: {host} is on record as {of}."


def published_by(report: ArticleReport) -> str:
    """Return who published the article: as the page says, else as it was found; or ``unknown``.

    Of an imitation, the host that it was found at.
    """
    said = publisher(report.article)
    link = report.source.publication.publisher if report.source else None
    if link is not None and warning(report):
        return f"{name(link.name)} (an imposter)"
    if said != "unknown" or link is None or link.name in (UNNAMED, UNNAMED_MONITOR):
        return said
    return name(link.name) or said


def name(text: str) -> str:
    """Return a name to show: printable, and not longer than a line."""
    return shortened(text, MAX_NAME)


def address(text: str | None) -> str | None:
    """Return an address if it is one of the web: ``javascript:`` is an address too."""
    url = printable(text or "").strip()
    return url if url.lower().startswith(("https://", "http://")) else None


def sentence_at(report: ArticleReport, place: Place | None) -> int:
    """Return the number of the sentence a place begins in, from 1; 0 where there is none."""
    if place is None:
        return 0
    number = bisect_right(report.sentences, place.start, key=lambda item: item.start)
    return number if number and place.start < report.sentences[number - 1].end else 0


def _imprint(report: ArticleReport) -> str:
    """Say what the page of a publisher that the registry lacks says of itself."""
    said, found = report.article.imprint, report.source
    chain = found.publication.chain if found else ()
    if said is None or not chain or chain[0].outlet is not None:
        return ""
    known = [name(said.company)] if said.company else []
    known += [url] if (url := address(said.about)) else []
    return f"not on record; the page names as responsible {', '.join(known)}" if known else ""


def _steps(card: SourceCard, report: ArticleReport) -> Iterator[Step]:
    chain = card.publication.chain
    before = ""
    for index, link in enumerate(chain):
        evidence, shown = shortened(link.evidence, MAX_WORDS), name(link.name)
        yield Step(
            name=shown or "unnamed",
            did=_did(link, chain[index + 1 :], alone=len(chain) == 1),
            basis=_BASES[link.basis],
            words="" if evidence in (before, shown) else evidence,
            sentence=sentence_at(report, link.place),
        )
        before = evidence


def _did(link: Link, inner: Sequence[Link], *, alone: bool) -> str:
    whose = f"{name(inner[0].name)}'s" if inner else "another outlet's"
    if link.relation is Relation.ORIGIN:
        return "its own article" if alone else "whose article it is"
    if link.relation is Relation.CARRIED:
        return f"carries {whose} article"
    if link.relation is Relation.REPUBLISHED:
        return f"republishes {whose} article"
    if link.relation is Relation.AGGREGATOR:
        return "gathers other outlets' articles"
    if link.outlet is not None and link.outlet.role is Role.PLATFORM:
        return "a platform, where anybody posts"
    return "whose words these are is not known"


def _kind(outlet: Outlet) -> str:
    kind = [str(outlet.role)]
    if str(outlet.medium) != str(outlet.role) and outlet.medium is not Medium.OTHER:
        kind = [str(outlet.medium)] if outlet.role is Role.PUBLISHER else [*kind, outlet.medium]
    kind += [outlet.country] if outlet.country else []
    kind += [f"Wikidata {outlet.wikidata}"] if outlet.wikidata else []
    return name(", ".join(kind))


def _control(card: SourceCard) -> Iterator[Shown]:
    before = None
    known = list(facts(card.outlet)) if card.outlet else []
    known += [Fact("network", part_of(one), one.evidence) for one in card.networks]
    for label, said, evidence in known:
        proof = None if evidence == before else _proof(evidence)
        before = evidence
        yield Shown(label, shortened(said, MAX_WORDS), proof)


def _uncontrolled(card: SourceCard) -> str:
    if card.outlet is not None:
        return "" if card.outlet.control is not None else NOTHING
    if card.publication.chain:
        return "not known: the outlet is not in the registry"
    return "not known: nothing says who published the article"


def _why(card: SourceCard) -> str:
    """Say why there is no record, and what is known instead."""
    why = shortened(card.record.reason, MAX_REASON) or "nothing on record"
    known: list[str] = []
    if card.outlet is not None:
        control = card.outlet.control
        known += [CODES[control.code]] if control and control.code else []
        known += [f"owned by {control.owner}"] if control and control.owner else []
        known += [words(one) for one in card.outlet.content]
    return f"{why}; known instead: {name(', '.join(known))}" if known else why


def _shift(record: Record) -> str:
    if record.shift is None or record.cap is None:
        return ""
    moved = f"moved the estimate by {record.shift:+.2f}".replace("-", "\u2212")
    if abs(record.shift) < 0.005:
        moved = "did not move the estimate"
    return f"This article's own evidence {moved}; it can move it by {record.cap:.2f} at most."


def _findings(record: Record) -> Iterator[Shown]:
    for one in record.assessments:
        claim, value = shortened(words(one.claim), MAX_NAME), shortened(words(one.value), MAX_WORDS)
        yield Shown("", f"{claim}: {value}", _proof(one.evidence))


def _proof(evidence: Evidence) -> Proof:
    said = ", ".join(part for part in (evidence.source, evidence.date) if part)
    return Proof(shortened(said, MAX_WORDS), address(evidence.url))


def _evidence(evidence: ArticleEvidence) -> Iterator[str]:
    if evidence.single_source:
        only = name(evidence.sources[0].name)
        yield f"single source: all that is sourced by name stands on {only}"
    yield ", ".join(
        (
            counted(evidence.quotes, "quoted sentence"),
            counted(evidence.links, "link"),
            counted(evidence.corrections, "correction notice"),
        )
    )
