"""A scored article as one line of the exchange format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifier.pages import to_record
from classifier.render.document import citations, counts, dumps, rounded_values, source, spans
from classifier.render.figures import rounded
from classifier.render.summary import summarise
from classifier.values import ArticleReport, SentenceReport


def to_line(
    report: ArticleReport, *, model: str, signals: Sequence[str], thresholds: Mapping[str, float]
) -> str:
    """Write a scored article in the exchange format, with what was found.

    What the input said stays where it was: labels beside the scores, labelled spans without a
    score before the spans found, which have one.

    Parameters
    ----------
    report : ArticleReport
    model : str
        Name of the bundle.
    signals : sequence of str
        The signals it gives, in taxonomy order: ``flags`` decides each that was scored.
    thresholds : mapping of str to float

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
        _sentence(report, scored, labels.get((scored.sentence.start, scored.sentence.end)), signals)
        for scored in report.sentences
    ]
    record["spans"] = [_span(span.start, span.end, span.signal, span.score)
                       for span in spans(report)]  # fmt: skip
    record["report"] = {
        "model": model,
        "note": report.note,
        "thresholds": rounded_values(thresholds),
        "scores": rounded_values(report.scores),
        "flags": _decisions(report.scores, report.flags, signals),
        "source": source(article.text, report.source),
        "summary": counts(summarise(report)),
    }
    return dumps(record)


def _sentence(
    report: ArticleReport,
    scored: SentenceReport,
    labels: Mapping[str, float] | None,
    signals: Sequence[str],
) -> dict[str, Any]:
    sentence = scored.sentence
    record: dict[str, Any] = {
        "start": sentence.start,
        "end": sentence.end,
        "voice": sentence.voice.value,
    }
    if labels:
        record["labels"] = dict(labels)
    if scored.scores:
        record["scores"] = rounded_values(scored.scores)
        record["flags"] = _decisions(scored.scores, scored.flags, signals)
    record["citations"] = citations(report, scored)
    return record


def _span(start: int, end: int, signal: str, score: float | None) -> dict[str, Any]:
    record: dict[str, Any] = {"start": start, "end": end, "signal": signal}
    if score is not None:
        record["score"] = rounded(score)
    return record


def _decisions(
    scores: Mapping[str, float], flags: Sequence[str], signals: Sequence[str]
) -> dict[str, int]:
    return {name: int(name in flags) for name in signals if name in scores}
