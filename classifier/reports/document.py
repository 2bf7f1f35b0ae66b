"""A report as one JSON object, or each article as one line of the exchange format.

``report.schema.json`` and docs/report.md say what is in them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from framescope.classifier.inputs import to_record
from framescope.classifier.records import (
    Article,
    ArticleEvidence,
    ArticleReport,
    BatchReport,
    Control,
    Evidence,
    Holding,
    Link,
    Network,
    Outlet,
    Place,
    Record,
    SentenceReport,
    SourceCard,
    Span,
    Statement,
)
from framescope.classifier.reports.brief import in_brief
from framescope.classifier.reports.figures import Summary, VoiceCounts, rounded, summarise
from framescope.classifier.taxonomy import BY_NAME, Level

SCHEMA_VERSION = "1.4"
LINE_FORMAT = 2
"""Of what scoring adds to a line. The first, which had no number, said of each signal 0 or 1."""

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
            "digest": report.digest,
            "runtime": report.runtime,
            "signals": report.signals,
            "thresholds": rounded_values(report.thresholds),
            "articles": [_article(article) for article in report.articles],
            "skipped": [_some(skipped, "source", "reason") for skipped in report.skipped],
        },
        indent=indent,
    )


def to_line(
    report: ArticleReport, *, model: str, thresholds: Mapping[str, float], runtime: str = ""
) -> str:
    """Write a scored article in the exchange format, with what was found.

    What the input said stays where it was: labels beside the scores, labelled spans without a
    score before the spans found, which have one.

    Parameters
    ----------
    report : ArticleReport
    model : str
        Name of the bundle.
    thresholds : mapping of str to float
    runtime : str
        What the scores were computed with.

    Returns
    -------
    str
        One JSON object without any line break, and none at its end.

    Raises
    ------
    BundleError
        When the model gave a score that is not a finite number.
    """
    article = report.article
    record = to_record(article)
    labels = {(unit["start"], unit["end"]): unit["labels"] for unit in record.get("sentences", ())}
    record["sentences"] = [
        _line_sentence(report, scored, labels.get((scored.start, scored.end)))
        for scored in report.sentences
    ]
    record["spans"] = [
        _some(span, "start", "end", "signal")
        | ({} if span.score is None else {"score": rounded(span.score)})
        for span in spans(report)
    ]
    record["report"] = {
        "format": LINE_FORMAT,
        "model": model,
        "runtime": runtime,
        "origin": _origin(article),
        "note": report.note,
        "thresholds": rounded_values(thresholds),
        "scores": rounded_values(report.scores),
        "flags": report.flags,
        "undecided": report.undecided,
        "distance": _number(report.distance),
        "far": report.far,
        "source": source(article.text, report.source),
        "summary": {"text": in_brief(report), **counts(summarise(report))},
    }
    return dumps(record)


def _line_sentence(
    report: ArticleReport, scored: SentenceReport, labels: Mapping[str, float] | None
) -> dict[str, Any]:
    record = _some(scored, "start", "end", "voice")
    if labels:
        record["labels"] = dict(labels)
    if scored.scores:
        record["scores"] = rounded_values(scored.scores)
        record["flags"] = scored.flags
        if scored.undecided:
            record["undecided"] = scored.undecided
    record["citations"] = citations(report, scored)
    return record


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
    text = report.article.text
    return [
        {
            "source": _place(text, cited.source),
            "cue": _place(text, cited.cue),
            "content": [_place(text, place) for place in cited.content],
            **_some(cited, "kind", "government", "state_media", "name"),
            "antecedent": _place(text, cited.antecedent),
            "outlets": cited.outlets,
            "score": _number(cited.score),
            "found_by": cited.found_by,
            "reasons": dict(cited.reasons),
        }
        for cited in scored.citations
    ]


def counts(summary: Summary) -> dict[str, Any]:
    """Write the counts of an article as JSON has them."""
    return {
        "sentences": _tally(summary.sentences),
        "flagged": {name: _tally(tally) for name, tally in summary.flagged.items()},
        **_some(summary, "claims", "attributed", "own_claims", "unsourced_own_claims"),
        "techniques": summary.techniques,
    }


def _some(found: object, *names: str) -> dict[str, Any]:
    """Take some attributes; of enumerations JSON has the value."""
    return {name: getattr(found, name) for name in names}


def _article(report: ArticleReport) -> dict[str, Any]:
    article = report.article
    known = ("id", "title", "outlet", "site_name", "url", "date", "author", "lang", "text")
    return {
        **_some(article, *known),
        "origin": _origin(article),
        "note": report.note,
        "republications": [
            _some(part, "start", "end", "outlet", "evidence") for part in article.republications
        ],
        "sentences": [_sentence(report, sentence) for sentence in report.sentences],
        "spans": [_span(article.text, span) for span in spans(report)],
        "scores": rounded_values(report.scores),
        "flags": report.flags,
        "undecided": report.undecided,
        "distance": _number(report.distance),
        "far": report.far,
        "source": source(article.text, report.source),
        "summary": {"text": in_brief(report), **counts(summarise(report))},
    }


def _origin(article: Article) -> dict[str, Any] | None:
    found = article.origin
    return None if found is None else _some(found, "input", "line", "record")


def _sentence(report: ArticleReport, scored: SentenceReport) -> dict[str, Any]:
    return {
        **_some(scored, "start", "end", "text", "voice"),
        "scores": rounded_values(scored.scores),
        "flags": scored.flags,
        "undecided": scored.undecided,
        "evidence": [_span(report.article.text, span) for span in scored.evidence],
        "citations": citations(report, scored),
    }


def _span(text: str, span: Span) -> dict[str, Any]:
    words = text[span.start : span.end]
    place = {"start": span.start, "end": span.end, "text": words}
    return {**place, "signal": span.signal, "score": _number(span.score)}


def _tally(tally: VoiceCounts) -> dict[str, int]:
    return _some(tally, "own", "reported", "quoted", "total")


# The source card of an article


def source(text: str, card: SourceCard | None) -> dict[str, Any] | None:
    """Write a source card: publication, outlet, record and evidence side by side."""
    if card is None:
        return None
    return {
        "publication": {
            "relation": card.publication.relation,
            "chain": [_link(text, link) for link in card.publication.chain],
            "imposter": card.publication.imposter,
            "imitates": card.publication.imitated and card.publication.imitated.id,
            "claimed": card.publication.claimed,
        },
        "outlet": None if card.outlet is None else _outlet(card.outlet),
        "networks": [_network(network) for network in card.networks],
        "record": _record(card.record),
        "evidence": None if card.evidence is None else _counts(card.evidence),
    }


def _place(text: str, place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"start": place.start, "end": place.end, "text": text[place.start : place.end]}


def _link(text: str, link: Link) -> dict[str, Any]:
    return {
        **_some(link, "relation", "name"),
        "outlet": None if link.outlet is None else link.outlet.id,
        **_some(link, "evidence", "basis"),
        "place": _place(text, link.place),
    }


def _outlet(outlet: Outlet) -> dict[str, Any]:
    known = ("id", "name", "wikidata", "country", "role", "medium", "state_media", "status")
    return {
        **_some(outlet, *known),
        "content": list(outlet.content),
        "control": outlet.control and _control(outlet.control),
        "statements": [_statement(one) for one in outlet.statements],
        "owners": [_holding(held) for held in outlet.holdings],
    }


def _network(network: Network) -> dict[str, Any]:
    known = _some(network, "id", "name", "operator", "country", "attributed_by")
    return {**known, **_evidence(network.evidence)}


def _statement(one: Statement) -> dict[str, Any]:
    known = _some(one, "about", "value", "through")
    return {**known, "confidence": rounded(one.confidence), **_evidence(one.evidence)}


def _holding(held: Holding) -> dict[str, Any]:
    owner = held.owner
    return {
        **_some(owner, "id", "name", "kind", "country"),
        "share": held.share,
        **_evidence(held.evidence),
        "owners": [_holding(above) for above in owner.holdings],
    }


def _control(control: Control) -> dict[str, Any]:
    known = _some(control, "funding", "governance", "editorial", "code", "owner", "owner_kind")
    return {**known, **_evidence(control.evidence)}


def _record(record: Record) -> dict[str, Any]:
    scored = record.scored
    return {
        "status": "scored" if scored else "rated" if record.rater else "unscored",
        "rater": record.rater,
        "reason": record.reason,
        **{name: _number(getattr(record, name)) for name in ("low", "estimate", "high")},
        "shift": rounded(record.shift) if scored else None,
        "cap": rounded(record.cap) if scored else None,
        "assessments": [
            {
                **_some(assessment, "claim", "value"),
                "confidence": rounded(assessment.confidence),
                **_evidence(assessment.evidence),
            }
            for assessment in record.assessments
        ],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return _some(evidence, "source", "url", "date")


def _counts(evidence: ArticleEvidence) -> dict[str, Any]:
    return {
        **_some(evidence, "claims", "named", "unnamed", "vague", "none"),
        "sources": [{"name": name, "sentences": count} for name, count in evidence.sources],
        **_some(evidence, "single_source", "quotes", "links", "corrections"),
    }


def _number(value: float | None) -> float | None:
    return None if value is None else rounded(value)
