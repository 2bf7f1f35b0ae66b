"""An outlet on record and an article's source card in words: findings that are never merged."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

from framescope.classifier import records
from framescope.classifier.outlets import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.records import counted, present, printable, shortened
from framescope.classifier.reports.layout import score_in_words

MAX_NAME = 90
MAX_WORDS = 160
MAX_REASON = 400
_CHAIN = 8  # owners of owners that are shown

NOTHING = "nothing on record, which is not the same as independent"
# What a text model would add is not shown to be more than nothing: docs/source-record.md.
APART = (
    "Control, record and the article's own evidence are three separate findings and are never "
    "merged into one. Control says who owns and steers an outlet; it is no rating and does not "
    "enter the record. Unscored is not a low score. The wording of the article does not count: a "
    "text model tells reliable from unreliable outlets it has not seen with AUC 0.74 (0.65 to "
    "0.81), the article's length alone with 0.65, and the difference is not certain."
)
SCALE = "0 is a bad record, 1 a good one"
_LABELS = {
    records.About.FUNDING: "funding",
    records.About.GOVERNANCE: "governance",
    records.About.EDITORIAL: "editorial line",
    records.About.OWNER_KIND: "kind of owner",
}
_TERMS = frozenset({*records.Holder, *records.OwnerKind})  # values that others replace
_BASES = {
    records.Basis.GIVEN: "named as its outlet",
    records.Basis.URL: "shown by the address",
    records.Basis.SITE_NAME: "shown by the site's name",
    records.Basis.HEADER: "shown by the header above it",
}


class Fact(NamedTuple):
    """Something on record, in words; without a label it belongs to the fact before it."""

    label: str
    said: str
    evidence: records.Evidence | None  # None where it is that of the fact before


def facts(outlet: records.Outlet) -> Iterator[Fact]:
    """Yield what is on record of an outlet, each fact once, older words behind those that hold."""
    if (status := outlet.said(records.About.STATUS)) and outlet.status is not records.Status.ACTIVE:
        proof, text = status[0].evidence, status[0].value
        text += f" ({proof.date})" if proof.date and proof.url else ""
        if successor := outlet.said(records.About.SUCCESSOR):
            text += f"; succeeded by {successor[0].value}"
        yield Fact("status", text, proof)
    # An agency's card says that it is one, an aggregator's that it gathers.
    told = {"press_agency"} if outlet.medium is records.Medium.AGENCY else {str(outlet.role)}
    if content := [one for one in outlet.said(records.About.CONTENT) if one.value not in told]:
        text = ", ".join(dict.fromkeys(_words(one.value) for one in content))
        yield Fact("content", text, content[0].evidence)
    yield from _owners(outlet.holdings)
    yield from _codes(outlet.said(records.About.CODE))
    code = outlet.control.code if outlet.control else None
    by_code = records.HOLDERS[code] if code else ()
    known = dict(zip(records.STEERING, by_code, strict=False))
    kinds = {owner.kind for owner in _chain(outlet.holdings)}
    for about, label in _LABELS.items():
        said = outlet.said(about)
        if not said or said[0].value == known.get(about) or said[0].value in kinds:
            continue
        # Words are another source's, and not a change.
        older = [(one.value, one.evidence.date) for one in said[1:] if one.value in _TERMS]
        yield Fact(label, said[0].value + _earlier(said[0].value, older), said[0].evidence)


def _owners(holdings: tuple[records.Holding, ...]) -> Iterator[Fact]:
    if not (now := present(holdings)):
        return
    yield Fact("owner", "; ".join(map(_held, now)), now[0].evidence)
    for one in islice(_chain(holdings), _CHAIN):
        if above := present(one.holdings):
            said = f"{one.name} belongs to {', '.join(map(_held, above))}"
            yield Fact("", said, above[0].evidence)
    shown = {held.owner.id for held in now}
    for held in holdings:
        if held.owner.id not in shown:
            year = f" ({held.evidence.date})" if held.evidence.date else ""
            yield Fact("", f"elsewhere: {_held(held)}{year}", held.evidence)


def _chain(holdings: tuple[records.Holding, ...]) -> list[records.Owner]:
    """Return the owners of today, and theirs, up to the top."""
    found = [held.owner for held in present(holdings)]
    for owner in found:  # which grows on the way
        seen = {known.id for known in found}
        found += [one.owner for one in present(owner.holdings) if one.owner.id not in seen]
    return found


def _held(held: records.Holding) -> str:
    share = f"{held.share:g}%" if held.share is not None else None
    about = ", ".join(filter(None, (held.owner.kind, held.owner.country, share)))
    return f"{held.owner.name} ({about})" if about else held.owner.name


def _codes(said: tuple[records.Statement, ...]) -> Iterator[Fact]:
    if not said:
        return
    now, *older = said
    code, date = records.Code(now.value), now.evidence.date
    text = f"{records.CODES[code]} ({code}, {date})" if date else f"{records.CODES[code]} ({code})"
    text += _earlier(code, [(one.value, one.evidence.date) for one in older])
    yield Fact("state media", text, now.evidence)
    steered = zip(records.STEERING, records.HOLDERS[code], strict=True)
    text = ", ".join(f"{_LABELS[about]} {holder}" for about, holder in steered)
    yield Fact("", text, now.evidence)


def _earlier(now: str, older: Iterable[tuple[str, str | None]]) -> str:
    """Say what was said earlier, the newest first: ", as in 2023; CaPu in 2022"."""
    text = ""
    for value, dated in groupby(older, key=itemgetter(0)):
        dates = " and ".join(dict.fromkeys(date or "an undated source" for _, date in dated))
        text += f", as in {dates}" if value == now and not text else f"; {_words(value)} in {dates}"
    return text


def _words(value: str) -> str:
    """Return a value of an enumeration as it is read."""
    return value.replace("_", " ")


def assessed(
    outlet: records.Outlet, network_called: Callable[[str], records.Network | None]
) -> Iterator[tuple[str, records.Evidence]]:
    """Yield what others found of an outlet: each source's newest finding, with its older ones."""
    by_source: dict[tuple[str, str], list[records.Assessment]] = {}
    for one in sorted(outlet.assessments, key=lambda one: one.evidence.date or "", reverse=True):
        value = "" if one.claim in ("reliability", "rating") else one.value
        by_source.setdefault((f"{one.evidence.source} {value}", one.claim), []).append(one)
    for now, *older in by_source.values():
        network = network_called(now.value)
        said = part_of(network) if network else f"{_words(now.claim)}: {_words(now.value)}"
        yield said + _earlier(now.value, [(x.value, x.evidence.date) for x in older]), now.evidence


def part_of(network: records.Network) -> str:
    """Say that something is part of a network, and who says who runs it."""
    said = f"part of {network.name}"
    if network.operator and network.attributed_by:
        said += f", attributed to {network.operator} by {network.attributed_by}"
    elif network.operator:
        said += f", run by {network.operator}"
    return said + (f" ({network.evidence.date})" if network.evidence.date else "")


class Step(NamedTuple):
    """A link of the chain: the outlet, what it did, and the words that show it."""

    name: str
    did: str
    basis: str
    words: str
    sentence: int  # the number of the sentence in which the words stand; 0 where in none


class CardView(NamedTuple):
    """A source card in words; a text is empty where there is nothing to say."""

    warning: str  # what is to be read before anything else
    said: tuple[str, ...]  # what the page says of its own address and who answers for it
    steps: tuple[Step, ...]  # from the publisher inwards; empty where nothing names it
    about: str  # the outlet that control and record are about
    kind: str  # what it is, its country and its Wikidata identifier
    control: tuple[Fact, ...]  # who owns, funds and steers it; what it carries
    uncontrolled: str  # why nothing is known of who controls it
    record: records.Record
    # estimate, interval and shift: empty where it is unscored
    estimate: str
    interval: str
    shift: str
    reason: str  # why it is unscored
    rated: str  # that one rater alone speaks
    findings: tuple[Fact, ...]
    evidence: tuple[str, ...]  # what the article shows of its own sourcing, a line each


def card(report: records.ArticleReport) -> CardView | None:
    """Put an article's source card into words; None where no source was looked up."""
    if (found := report.source) is None:
        return None
    record = found.record
    # Ratings that a user holds, each in its rater's scale; they count for nothing.
    given = found.outlet.assessments if found.outlet else ()
    rated = [one for one in given if one.claim == "rating"]
    findings = tuple(
        Fact("", f"{name(_words(x.claim))}: {shortened(_words(x.value), MAX_WORDS)}", x.evidence)
        for x in (*record.assessments, *rated)
    )
    interval = ""
    if record.low is not None and record.high is not None:
        interval = f"90% interval {score_in_words(record.low)} to {score_in_words(record.high)}"
    return CardView(
        warning=warning(report),
        said=tuple(_said(report.article.imprint, found.publication)),
        steps=tuple(_steps(found, report)),
        about=name(found.outlet.name) if found.outlet else "",
        kind=_kind(found.outlet) if found.outlet else "",
        control=tuple(_control(found)),
        uncontrolled=_uncontrolled(found),
        record=record,
        estimate=score_in_words(record.estimate) if record.estimate is not None else "",
        interval=interval,
        shift=_shift(record),
        reason="" if record.scored or record.rater else _why(found),
        rated=f"by one rater, {name(record.rater)}" if record.rater else "",
        findings=findings,
        evidence=tuple(_evidence(found.evidence)) if found.evidence else ("not scored",),
    )


def warning(report: records.ArticleReport) -> str:
    """Return what comes before all else: that the page is an imitation; empty where it is none."""
    found = report.source.publication if report.source else None
    if found is None or not found.imposter:
        return ""
    host = name(found.chain[0].name) if found.chain else "this address"
    of = "an imposter: it imitates an outlet that it is not"
    if whose := name(found.imitated.name) if found.imitated else "":
        of = f"an imposter of {whose}: this is not {whose}'s page"
    return f"Warning: {host} is on record as {of}."


def whose(report: records.ArticleReport) -> tuple[str, str]:
    """Return whose words an article is, of an imitation its host, and who else carries it."""
    chain = report.source.publication.chain if report.source else ()
    names = [name(link.name) for link in chain if link.name not in (UNNAMED, UNNAMED_MONITOR)]
    if not names:
        return name(report.article.outlet or report.article.site_name or "") or "unknown", ""
    if warning(report):
        return f"{names[0]} (an imposter)", ""
    return names[-1], names[0] if names[0] != names[-1] else ""


def steered(outlet: records.Outlet | None) -> str:
    """Say in a few words who steers an outlet."""
    if outlet is None or (control := outlet.control) is None:
        return "not known"
    if control.code or outlet.state_media:
        return records.CODES[control.code or records.Code.SC]
    held = {about: getattr(control, about) for about in records.STEERING}
    state = (records.Holder.STATE, records.Holder.MIXED)
    said = [f"{_LABELS[about]} {who}" for about, who in held.items() if who in state]
    return ", ".join(said) or f"owner: {control.owner_kind or 'known'}"


def name(text: str) -> str:
    """Return a name to show: printable, and not longer than a line."""
    return shortened(text, MAX_NAME)


def address(text: str | None) -> str | None:
    """Return an address if it is one of the web: ``javascript:`` is an address too."""
    url = printable(text or "").strip()
    return url if url.lower().startswith(("https://", "http://")) else None


def sentence_at(report: records.ArticleReport, place: records.Place | None) -> int:
    """Return the number of the sentence a place begins in, from 1; 0 where there is none."""
    if place is None:
        return 0
    number = bisect_right(report.sentences, place.start, key=lambda item: item.start)
    return number if number and place.start < report.sentences[number - 1].end else 0


def what_it_is(outlet: records.Outlet, role_and_medium: Sequence[str]) -> str:
    """Write what an outlet is, its country and its Wikidata identifier."""
    wikidata = f"Wikidata {outlet.wikidata}" if outlet.wikidata else None
    return ", ".join(filter(None, (*role_and_medium, outlet.country, wikidata)))


def _said(said: records.Imprint | None, found: records.Publication) -> Iterator[str]:
    known = (name(said.company or ""), address(said.about)) if said else ()
    if found.chain and found.chain[0].outlet is None and any(known):
        who = ", ".join(filter(None, known))
        yield f"not on record; the page names as responsible {who}"
    if found.claimed:
        yield f"the page names {shortened(found.claimed, MAX_WORDS)} as its own address"


def _steps(card: records.SourceCard, report: records.ArticleReport) -> Iterator[Step]:
    chain = card.publication.chain
    before = ""
    for index, link in enumerate(chain):
        evidence, shown = shortened(link.evidence, MAX_WORDS), name(link.name)
        yield Step(
            name=shown or "unnamed",
            did=_did(link, chain[index + 1 :], alone=len(chain) == 1),
            basis=_BASES.get(link.basis, f"shown by the {link.basis}"),
            words="" if evidence in (before, shown) else evidence,
            sentence=sentence_at(report, link.place),
        )
        before = evidence


def _did(link: records.Link, inner: Sequence[records.Link], *, alone: bool) -> str:
    whose = f"{name(inner[0].name)}'s" if inner else "another outlet's"
    on_platform = link.outlet is not None and link.outlet.role is records.Role.PLATFORM
    return {
        records.Relation.ORIGIN: "its own article" if alone else "whose article it is",
        records.Relation.CARRIED: f"carries {whose} article",
        records.Relation.REPUBLISHED: f"republishes {whose} article",
        records.Relation.AGGREGATOR: "gathers other outlets' articles",
        records.Relation.UNKNOWN: "a platform, where anybody posts"
        if on_platform
        else "whose words these are is not known",
    }[link.relation]


def _kind(outlet: records.Outlet) -> str:
    kind = [str(outlet.role)]
    if str(outlet.medium) != kind[0] and outlet.medium is not records.Medium.OTHER:
        kind = [*([] if outlet.role is records.Role.PUBLISHER else kind), outlet.medium]
    return name(what_it_is(outlet, kind))


def _control(card: records.SourceCard) -> Iterator[Fact]:
    before, known = None, list(facts(card.outlet)) if card.outlet else []
    known += [Fact("network", part_of(one), one.evidence) for one in card.networks]
    for label, said, evidence in known:
        yield Fact(label, shortened(said, MAX_WORDS), None if evidence == before else evidence)
        before = evidence


def _uncontrolled(card: records.SourceCard) -> str:
    if card.outlet is not None:
        return "" if card.outlet.control is not None else NOTHING
    if card.publication.chain:
        return "not known: the outlet is not in the registry"
    return "not known: nothing says who published the article"


def _why(card: records.SourceCard) -> str:
    why = shortened(card.record.reason, MAX_REASON) or "nothing on record"
    known: list[str] = []
    if card.outlet is not None:
        control = card.outlet.control
        known += [records.CODES[control.code]] if control and control.code else []
        known += [f"owned by {control.owner}"] if control and control.owner else []
        known += [_words(one) for one in card.outlet.content]
    return f"{why}; known instead: {name(', '.join(known))}" if known else why


def _shift(record: records.Record) -> str:
    if record.shift is None or record.cap is None:
        return ""
    moved = f"moved the estimate by {record.shift:+.2f}".replace("-", "\u2212")
    if abs(record.shift) < 0.005:
        moved = "did not move the estimate"
    return f"This article's own evidence {moved}; it can move it by {record.cap:.2f} at most."


def proof(evidence: records.Evidence) -> tuple[str, str | None]:
    """Say where a fact is from: source and date in words, and an address of the web, or None."""
    said = ", ".join(filter(None, (evidence.source, evidence.date)))
    return shortened(said, MAX_WORDS), address(evidence.url)


def _evidence(evidence: records.ArticleEvidence) -> Iterator[str]:
    if evidence.sources and evidence.single_source:
        only = name(evidence.sources[0].name)
        yield f"single source: all that is sourced by name stands on {only}"
    quotes = "" if evidence.quotes is None else f"{counted(evidence.quotes, 'quoted sentence')}, "
    links, notices = evidence.links, evidence.corrections
    yield f"{quotes}{counted(links, 'link')}, {counted(notices, 'correction notice')}"
