"""What the JSON forms hold of sources: the citations of a sentence, the card of an article."""

from __future__ import annotations

from typing import Any

from classifier.render.figures import rounded
from classifier.values import (
    ArticleEvidence,
    Assessment,
    Citation,
    Control,
    Evidence,
    Link,
    Outlet,
    Place,
    Record,
    SourceCard,
)


def citation(text: str, found: Citation) -> dict[str, Any]:
    """Write a citation; ``text`` is the article's."""
    return {
        "source": _place(text, found.source),
        "cue": _place(text, found.cue),
        "content": [_place(text, place) for place in found.content],
        "kind": found.kind.value,
        "government": found.government,
        "state_media": found.state_media,
        "name": found.name,
        "antecedent": _place(text, found.antecedent),
        "outlets": list(found.outlets),
    }


def source(text: str, card: SourceCard | None) -> dict[str, Any] | None:
    """Write a source card: publication, outlet, record and evidence side by side."""
    if card is None:
        return None
    return {
        "publication": {
            "relation": card.publication.relation.value,
            "chain": [_link(text, link) for link in card.publication.chain],
        },
        "outlet": None if card.outlet is None else _outlet(card.outlet),
        "record": _record(card.record),
        "evidence": None if card.evidence is None else _counts(card.evidence),
    }


def _place(text: str, place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"start": place.start, "end": place.end, "text": text[place.start : place.end]}


def _link(text: str, link: Link) -> dict[str, Any]:
    return {
        "relation": link.relation.value,
        "name": link.name,
        "outlet": None if link.outlet is None else link.outlet.id,
        "evidence": link.evidence,
        "basis": link.basis.value,
        "place": _place(text, link.place),
    }


def _outlet(outlet: Outlet) -> dict[str, Any]:
    return {
        "id": outlet.id,
        "name": outlet.name,
        "wikidata": outlet.wikidata,
        "country": outlet.country,
        "role": outlet.role.value,
        "medium": outlet.medium.value,
        "state_media": outlet.state_media,
        "control": None if outlet.control is None else _control(outlet.control),
    }


def _control(control: Control) -> dict[str, Any]:
    return {
        "funding": control.funding.value,
        "governance": control.governance.value,
        "editorial": control.editorial.value,
        "code": None if control.code is None else control.code.value,
        "owner": control.owner,
        **_evidence(control.evidence),
    }


def _record(record: Record) -> dict[str, Any]:
    scored = record.scored
    return {
        "status": "scored" if scored else "unscored",
        "reason": record.reason,
        "low": _number(record.low),
        "estimate": _number(record.estimate),
        "high": _number(record.high),
        "shift": rounded(record.shift) if scored else None,
        "cap": rounded(record.cap) if scored else None,
        "assessments": [_assessment(assessment) for assessment in record.assessments],
    }


def _assessment(assessment: Assessment) -> dict[str, Any]:
    return {
        "claim": assessment.claim,
        "value": assessment.value,
        "confidence": rounded(assessment.confidence),
        **_evidence(assessment.evidence),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {"source": evidence.source, "url": evidence.url, "date": evidence.date}


def _counts(evidence: ArticleEvidence) -> dict[str, Any]:
    return {
        "claims": evidence.claims,
        "named": evidence.named,
        "unnamed": evidence.unnamed,
        "vague": evidence.vague,
        "none": evidence.none,
        "sources": [{"name": name, "sentences": count} for name, count in evidence.sources],
        "single_source": evidence.single_source,
        "quotes": evidence.quotes,
        "links": evidence.links,
        "corrections": evidence.corrections,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else rounded(value)
