"""What is sent to an annotation tool, and comes back: an article, and who says what of it.

Every offset counts Unicode code points of the article's text, as everywhere here; what a tool
counts instead is its format's business (`annotation.formats.fitting`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from framescope.classifier.errors import FramescopeError
from framescope.classifier.inputs import from_record, split_sentences, to_record
from framescope.classifier.records import Article, MarkedCitation, Place, Span, Unit


class AnnotationError(FramescopeError):
    """Labels that a tool can't hold, or a tool's file that can't be read."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """What one annotator, or a model, says of an article.

    Attributes
    ----------
    units : tuple of Unit
        The article's sentences, in order, with labels, voice and citations where they have any.
    spans : tuple of Span
        Those of a model have a score.
    labels : mapping of str to float
        Of the whole article.
    by : str or None
        The annotator's name, or the model's; None where nobody is named.
    scores : mapping of (int, str) to float
        A model's probability for a sentence (its index, -1 for the article) and a signal.
    """

    units: tuple[Unit, ...]
    spans: tuple[Span, ...] = ()
    labels: Mapping[str, float] = field(default_factory=dict)
    by: str | None = None
    scores: Mapping[tuple[int, str], float] = field(default_factory=dict)

    @property
    def says_something(self) -> bool:
        """Whether anything is labelled."""
        return bool(self.spans or self.labels) or any(
            unit.labels or unit.voice or unit.citations is not None for unit in self.units
        )


@dataclass(frozen=True, slots=True)
class Assignment:
    """One article to be labelled.

    Attributes
    ----------
    article : Article
        With its sentences as units, and without any label.
    labelled : tuple of Labelling
        What people have said of it, one each.
    predicted : Labelling or None
        What a model says.
    """

    article: Article
    labelled: tuple[Labelling, ...] = ()
    predicted: Labelling | None = None

    @property
    def begun(self) -> Labelling:
        """What an annotator starts from, in a tool that holds one labelling and doesn't ask whose.

        A person's labels, and where there are none, the model's.
        """
        if not self.labelled:
            return self.predicted or Labelling(self.article.units or ())
        given = self.labelled[0]
        return given if self.predicted is None else _filled(given, self.predicted)


def _filled(given: Labelling, found: Labelling) -> Labelling:
    units = tuple(
        replace(
            one,
            labels={**other.labels, **one.labels},
            voice=one.voice or other.voice,
            citations=other.citations if one.citations is None else one.citations,
        )
        for one, other in zip(given.units, found.units, strict=True)
    )
    labels = {**found.labels, **given.labels}
    # Spans say nothing of where there are none: who has marked any is taken to have looked.
    return replace(given, units=units, labels=labels, spans=given.spans or found.spans)


def bare(article: Article) -> Article:
    """Give an article with its sentences as units, split where it has none, and no label."""
    units = article.units
    if not units:
        units = tuple(Unit(one.start, one.end) for one in split_sentences(article))
    units = tuple(Unit(unit.start, unit.end) for unit in units)
    return replace(article, units=units, spans=(), labels={}, origin=None)


def labelling_of(article: Article, units: Sequence[Unit], by: str | None = None) -> Labelling:
    """Give the labels that an article carries, with those of its own units where it has any."""
    return Labelling(tuple(article.units or units), article.spans, article.labels, by)


def record_of(article: Article, labelling: Labelling | None = None) -> dict[str, Any]:
    """Write an article in the exchange format, with one labelling; `by` becomes ``annotator``."""
    if labelling is None:
        record = to_record(article)
        for unit in record.get("sentences", ()):
            del unit["labels"]
        del record["spans"], record["labels"]
        return record
    whole = replace(article, units=labelling.units, spans=labelling.spans, labels=labelling.labels)
    record = to_record(whole)
    if labelling.by is not None:
        record = {"id": record.pop("id"), "annotator": labelling.by, **record}
    return record


def articles_file(tasks: Sequence[Assignment], names: Mapping[str, str] | None = None) -> bytes:
    """Write the articles themselves, one a line, without labels: what labels come back to.

    Parameters
    ----------
    tasks : sequence of Assignment
    names : mapping of str to str or None
        By article id, the file that holds its text, where each has one of its own.
    """
    lines = []
    for task in tasks:
        record = record_of(task.article)
        if names is not None:
            record["file"] = names[task.article.id]
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def read_articles(data: bytes, name: str) -> Iterator[tuple[Article, str | None]]:
    """Read what `articles_file` wrote, or any file of the exchange format: article, and its file.

    Raises
    ------
    AnnotationError
        When it isn't UTF-8 or JSON, a line at a time.
    InputError
        When a record is none of the exchange format.
    """
    for number, line in enumerate(decoded(data, name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        record = parsed(line, where)
        if not isinstance(record, dict):
            raise AnnotationError(f"{where}: not an article; write one JSON object a line")
        file = record.get("file")
        yield from_record(record, name, number), file if isinstance(file, str) else None


def decoded(data: bytes, name: str) -> str:
    """Read a file as UTF-8, or say in an `AnnotationError` that it isn't."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AnnotationError(
            f"{name}: not UTF-8; convert it (iconv -t UTF-8), or export it again"
        ) from None


def parsed(text: str, where: str) -> Any:
    """Read JSON, or say in an `AnnotationError` where it is damaged."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}"
        reason = f"damaged JSON ({error.msg} at {place}); export it from the tool again"
        raise AnnotationError(f"{where}: {reason}") from None
    except (ValueError, RecursionError):
        raise AnnotationError(f"{where}: damaged JSON; export it from the tool again") from None


def in_one_order(labelling: Labelling) -> Labelling:
    """Put spans and citations into the order of the text, each once: what tools may change."""
    spans = {(one.start, one.end, one.signal): one for one in labelling.spans}
    units = tuple(
        unit
        if unit.citations is None
        else replace(unit, citations=tuple(sorted(set(unit.citations), key=_order)))
        for unit in labelling.units
    )
    return replace(labelling, units=units, spans=tuple(spans[key] for key in sorted(spans)))


def _order(one: MarkedCitation) -> tuple[Any, ...]:
    def at(place: Place | None) -> tuple[int, int]:
        return (-1, -1) if place is None else (place.start, place.end)

    return (
        tuple(map(at, one.content)), at(one.source), at(one.cue), at(one.antecedent),
        one.kind or "", one.government, one.state_media,
    )  # fmt: skip
