"""A report as one JSON object; ``report.schema.json`` and docs/report.md say what is in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from classifier.render.figures import rounded
from classifier.render.summary import Summary, VoiceCounts, summarise
from classifier.taxonomy import BY_NAME, Level
from classifier.values import (
    ArticleEvidence,
    ArticleReport,
    Assessment,
    BatchReport,
    Citation,
    Control,
    Evidence,
    Link,
    Outlet,
    Place,
    Record,
    SentenceReport,
    SourceCard,
    Span,
)

SCHEMA_VERSION = "1.1"

# Line ends to some readers (U+0085, U+2028, U+2029), other controls that a terminal would obey,
# and halves of surrogate pairs, which no encoding can write.
_TO_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_WORDS = {None: "null", True: "true", False: "false"}


def to_json(report: BatchReport, *, indent: int | None = 2) -> str:
    """Write a report as one JSON object.

    Parameters
    ----------
    report : BatchReport
    indent : int or None
        Spaces a level; None puts everything on one line.

    Returns
    -------
    str
        JSON without NaN or Infinity, not ending in a line break; any Unicode text encodes to UTF-8.

    Raises
    ------
    BundleError
        When the model gave a score that is not a finite number.
    """
    return dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "model": report.model,
            "signals": list(report.signals),
            "thresholds": rounded_values(report.thresholds),
            "articles": [_article(article) for article in report.articles],
            "skipped": [
                {"source": skipped.source, "reason": skipped.reason} for skipped in report.skipped
            ],
        },
        indent=indent,
    )


def dumps(value: object, *, indent: int | None = None) -> str:
    """Serialise to JSON in which every character is itself, but for those that break a line."""
    text = _ENCODE(value) if indent is None else _indented(value, "\n", " " * indent)
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _indented(value: object, line: str, step: str) -> str:
    """Write what `json.dumps` writes with an indent, faster: with one, it isn't in C."""
    inner = line + step
    if isinstance(value, str):
        return _ENCODE(value)
    if isinstance(value, dict) and value:
        pairs = (f"{_ENCODE(key)}: {_indented(item, inner, step)}" for key, item in value.items())
        return f"{{{inner}{f',{inner}'.join(pairs)}{line}}}"
    if isinstance(value, list | tuple) and value:
        items = (_indented(item, inner, step) for item in value)
        return f"[{inner}{f',{inner}'.join(items)}{line}]"
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    return _ENCODE(value)


def rounded_values(values: Mapping[str, float]) -> dict[str, float]:
    """Round every value of a mapping; see `figures.rounded`."""
    return {name: rounded(value) for name, value in values.items()}


def spans(report: ArticleReport) -> tuple[Span, ...]:
    """Return the article's labelled spans, which have no score, then the spans found, which do.

    Only signals that are properties of characters give spans: the n-grams that weigh most for a
    signal of the whole sentence are evidence, and stay with their sentence.
    """
    found = (
        span
        for sentence in report.sentences
        for span in sentence.evidence
        if span.score is not None and BY_NAME[span.signal].level is Level.SPAN
    )
    labelled = (span for span in report.article.spans if span.score is None)
    return (*labelled, *found)


def citations(report: ArticleReport, scored: SentenceReport) -> list[dict[str, Any]]:
    """Write who is cited in a sentence."""
    return [citation(report.article.text, cited) for cited in scored.citations]


def counts(summary: Summary) -> dict[str, Any]:
    """Write the counts of an article as JSON has them."""
    return {
        "sentences": _tally(summary.sentences),
        "flagged": {name: _tally(tally) for name, tally in summary.flagged.items()},
        "claims": summary.claims,
        "attributed": summary.attributed,
        "own_claims": summary.own_claims,
        "unsourced_own_claims": summary.unsourced_own_claims,
        "techniques": summary.techniques,
    }


def _article(report: ArticleReport) -> dict[str, Any]:
    article = report.article
    return {
        "id": article.id,
        "title": article.title,
        "outlet": article.outlet,
        "site_name": article.site_name,
        "url": article.url,
        "date": article.date,
        "author": article.author,
        "lang": article.lang,
        "text": article.text,
        "note": report.note,
        "republications": [
            {"start": part.start, "end": part.end, "outlet": part.outlet, "evidence": part.evidence}
            for part in article.republications
        ],
        "sentences": [_sentence(report, sentence) for sentence in report.sentences],
        "spans": [_span(article.text, span) for span in spans(report)],
        "scores": rounded_values(report.scores),
        "flags": list(report.flags),
        "source": source(article.text, report.source),
        "summary": counts(summarise(report)),
    }


def _sentence(report: ArticleReport, scored: SentenceReport) -> dict[str, Any]:
    sentence = scored.sentence
    return {
        "start": sentence.start,
        "end": sentence.end,
        "text": sentence.text,
        "voice": sentence.voice.value,
        "scores": rounded_values(scored.scores),
        "flags": list(scored.flags),
        "evidence": [_span(report.article.text, span) for span in scored.evidence],
        "citations": citations(report, scored),
    }


def _span(text: str, span: Span) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "text": text[span.start : span.end],
        "signal": span.signal,
        "score": None if span.score is None else rounded(span.score),
    }


def _tally(tally: VoiceCounts) -> dict[str, int]:
    return {
        "own": tally.own,
        "reported": tally.reported,
        "quoted": tally.quoted,
        "total": tally.total,
    }


# Sources: the citations of a sentence, the card of an article


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
