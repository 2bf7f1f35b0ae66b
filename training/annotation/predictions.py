"""What a model says of articles: read from a scored file, or scored here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import read_citations
from framescope.classifier.records import MarkedCitation, Skipped, Span, Unit, Voice
from framescope.classifier.taxonomy import Level
from framescope.training.annotation.task import Assignment, Labelling


def found_in(record: Mapping[str, Any], units: Sequence[Unit]) -> Labelling | None:
    """Read what a model found from a record that `score --format jsonl` wrote.

    Parameters
    ----------
    record : mapping
        Whose labels are known to be good.
    units : sequence of Unit
        Its sentences.

    Returns
    -------
    Labelling or None
        None where the record carries no scores. A signal is yes where it is flagged, else no.
    """
    report = record.get("report")
    sentences = record.get("sentences") or []
    if not isinstance(report, dict) or len(sentences) != len(units):
        return None
    scores: dict[tuple[int, str], float] = {}
    found: list[Unit] = []
    for at, (sentence, unit) in enumerate(zip(sentences, units, strict=True)):
        given = _numbers(sentence.get("scores"))
        scores |= {(at, name): value for name, value in given.items()}
        flags = _names(sentence.get("flags"))
        voice = sentence.get("voice")
        found.append(
            Unit(
                unit.start,
                unit.end,
                {name: float(name in flags) for name in given},
                Voice(voice) if voice in list(Voice) and given else None,
                _citations(sentence, len(str(record["text"]))) if given else None,
            )
        )
    of_article = _numbers(report.get("scores"))
    scores |= {(-1, name): value for name, value in of_article.items()}
    if not scores:
        return None
    flags = _names(report.get("flags"))
    labels = {name: float(name in flags) for name in of_article}
    model = report.get("model")
    spans = tuple(_spans(record.get("spans"), len(str(record["text"]))))
    return Labelling(tuple(found), spans, labels, str(model) if model else None, scores)


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    return {
        name: float(number)
        for name, number in value.items()
        if name in taxonomy.BY_NAME and isinstance(number, int | float)
    }


def _names(value: Any) -> frozenset[str]:
    """Read flags: their names, or as version 0.1 wrote them, each with 0 or 1."""
    if isinstance(value, dict):
        return frozenset(name for name, flag in value.items() if flag)
    return frozenset(value) if isinstance(value, list) else frozenset()


def _citations(sentence: Mapping[str, Any], length: int) -> tuple[MarkedCitation, ...]:
    """Read who a model found cited: those that an annotator may mark so."""
    found: list[dict[str, Any]] = []
    for item in sentence.get("citations") or ():
        mine = {key: value for key, value in item.items() if key != "name"}
        try:
            read_citations({**sentence, "citations": [*found, mine]}, length)
        except ValueError:  # its content lies elsewhere too, or crosses another's
            continue
        found.append(mine)
    return read_citations({**sentence, "citations": found}, length) or ()


def _spans(value: Any, length: int) -> Iterator[Span]:
    for item in value if isinstance(value, list) else ():
        start, end, signal = (item.get(key) for key in ("start", "end", "signal"))
        score = item.get("score")
        known = taxonomy.BY_NAME.get(signal)
        # What speaks for a sentence's flag is evidence, and no span that anybody would mark.
        marked = score is not None and known is not None and known.level is Level.SPAN
        if marked and 0 <= start < end <= length:
            yield Span(start, end, signal, float(score))


def scored_by(
    model: str, tasks: Sequence[Assignment], tell: Callable[[str], None]
) -> Iterator[Assignment]:
    """Score articles with a model, and give its labels in place of those that were there.

    Parameters
    ----------
    model : str
        As `classifier.bundles.load` takes it.
    tasks : sequence of Assignment
    tell : callable
        Is told which articles are not scored, and why.

    Raises
    ------
    FramescopeError
        When the model isn't there, or an article takes too long.
    """
    from framescope.classifier import bundles
    from framescope.classifier.outlets import load_registry
    from framescope.classifier.reports import to_line
    from framescope.classifier.scoring import Scorer

    registry = load_registry()
    loaded = bundles.load(model, registry)
    scorer = Scorer(loaded, None, registry)
    reports = scorer.score(task.article for task in tasks)
    for task, report in zip(tasks, reports, strict=True):
        if isinstance(report, Skipped):
            raise InputError(report.source, report.reason)
        if report.note is not None:
            tell(f"article '{task.article.id}': not scored ({report.note})")
        line = to_line(report, model=loaded.name, thresholds=scorer.thresholds)
        predicted = found_in(json.loads(line), task.article.units or ())
        yield replace(task, predicted=predicted)
