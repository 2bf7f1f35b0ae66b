"""The exchange format: one article a line of JSON (JSONL).

What users bring labelled data in, what annotation tools are converted to, and what scoring writes
back. Only ``text`` is required, and ``id`` where labels are brought; offsets are Unicode code
points, end-exclusive. Keys that are not part of the format are ignored, so a scored file can be
read and scored again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError, SignalError
from framescope.classifier.inputs import citation_labels
from framescope.classifier.records import (
    Article,
    Imprint,
    MarkedCitation,
    Republication,
    Span,
    Unit,
    Voice,
)

OPTIONAL = ("outlet", "url", "title", "date", "lang")
EXTRA = ("author", "site_name")
IMPRINT = ("header", "gatherer", "evidence", "address", "company", "about")

# Half of a surrogate pair: an escape cut in two, or a byte that was not UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")


class RecordReader:
    """Takes a record apart, and knows what to call the place when something is wrong."""

    def __init__(self, record: Mapping[str, Any], where: str, name: str | None = None) -> None:
        self.record = record
        self.where = where
        self.name = name  # what it is called where it has no id

    def article(self) -> Article:
        """Read the article; raises `InputError` for what can't be read."""
        identifier = self._identifier()
        text = self._string("text", required=True)
        assert text is not None
        known: dict[str, Any] = {key: self._string(key) for key in (*OPTIONAL, *EXTRA)}
        length = len(text)
        return Article(
            id=identifier,
            text=text,
            **known,
            units=self._units(length),
            spans=self._spans(length),
            labels=self._labels(self.record, "'labels'"),
            republications=self._republications(length),
            imprint=self._imprint(),
        )

    def _fail(self, reason: str) -> NoReturn:
        raise InputError(self.where, reason)

    def _identifier(self) -> str:
        value = self.record.get("id")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        text = self._string("id", required=self.name is None) or self.name
        assert text is not None
        return text

    def _string(self, key: str, required: bool = False) -> str | None:
        value = self.record.get(key)
        if value is None:
            if not required:
                return None
            self._fail(f"no '{key}'; every article needs 'id' and 'text'")
        if not isinstance(value, str):
            self._fail(f"'{key}' must be text, not {_kind(value)}")
        self._whole(key, value)
        if not value.strip():
            if required:
                self._fail(f"'{key}' is empty; every article needs 'id' and 'text'")
            return None
        return value

    def _whole(self, key: str, *texts: str) -> None:
        if any(SURROGATE.search(text) for text in texts):
            reason = "holds half a character (a lone surrogate); write it again as UTF-8"
            self._fail(f"'{key}' {reason}")

    def _items(self, key: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Give the objects of a list, each with what to call it."""
        value = self.record.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._fail(f"'{key}' must be a list, not {_kind(value)}")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self._fail(f"'{key}' item {index} must be an object, not {_kind(item)}")
        return [(f"'{key}' item {index}", item) for index, item in enumerate(value)]

    def _place(self, item: Mapping[str, Any], name: str, length: int) -> tuple[int, int]:
        start, end = item.get("start"), item.get("end")
        if type(start) is not int or type(end) is not int:
            self._fail(f"{name} needs whole numbers 'start' and 'end'")
        if not 0 <= start < end <= length:
            self._fail(f"{name} {start}-{end} is not inside the text (0-{length}, end-exclusive)")
        return start, end

    def _labels(self, item: Mapping[str, Any], name: str) -> dict[str, float]:
        value = item.get("labels")
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._fail(f"{name}: labels must be an object, not {_kind(value)}")
        known = (signal for signal, label in value.items() if self._is_label(signal, label, name))
        return {signal: float(value[signal]) for signal in known}

    def _is_label(self, signal: str, label: Any, name: str) -> bool:
        """Whether the signal is annotated; anything but null, NaN and 0 to 1 is an error."""
        self._signal(signal, name)
        if label is None or (isinstance(label, float) and math.isnan(label)):
            return False
        if not isinstance(label, int | float) or not 0 <= label <= 1:
            self._fail(f"{name}: label '{signal}' must be 0 to 1, true, false or null")
        return True

    def _signal(self, signal: Any, name: str) -> str:
        if not isinstance(signal, str):
            self._fail(f"{name} needs a 'signal'")
        try:
            taxonomy.in_order([signal])
        except SignalError as error:
            self._fail(f"{name}: {error}")
        return signal

    def _units(self, length: int) -> tuple[Unit, ...] | None:
        units, previous = [], 0
        for name, item in self._items("sentences"):
            start, end = self._place(item, name, length)
            if start < previous:
                reason = f"begins before the one before it ends ({previous})"
                self._fail(f"{name} {start}-{end} {reason}")
            previous = end
            labels, voice = self._labels(item, name), self._voice(item, name)
            units.append(Unit(start, end, labels, voice, self._citations(item, name, length)))
        # An empty list gives nothing to score: the same as none given.
        return tuple(units) or None

    def _voice(self, item: Mapping[str, Any], name: str) -> Voice | None:
        value = item.get("voice")
        if value is None:
            return None
        if value not in list(Voice):
            self._fail(f"{name}: 'voice' must be one of {', '.join(Voice)}")
        return Voice(value)

    def _citations(
        self, item: Mapping[str, Any], name: str, length: int
    ) -> tuple[MarkedCitation, ...] | None:
        try:
            return citation_labels.read(item, length)
        except ValueError as error:
            self._fail(f"{name}, {error}")

    def _spans(self, length: int) -> tuple[Span, ...]:
        return tuple(
            Span(*self._place(item, name, length), self._signal(item.get("signal"), name))
            for name, item in self._items("spans")
            if item.get("score") is None
        )

    def _republications(self, length: int) -> tuple[Republication, ...]:
        found = []
        for name, item in self._items("republications"):
            start, end = self._place(item, name, length)
            outlet, evidence = item.get("outlet"), item.get("evidence", "")
            if not isinstance(outlet, str) or not isinstance(evidence, str):
                self._fail(f"{name} needs text as 'outlet' and 'evidence'")
            found.append(Republication(start, end, outlet, evidence))
        return tuple(found)

    def _imprint(self) -> Imprint | None:
        value = self.record.get("imprint")
        if value is None:
            return None
        if not isinstance(value, dict):
            self._fail(f"'imprint' must be an object, not {_kind(value)}")
        lines = value.get("lines") or []
        known = {key: value.get(key) for key in IMPRINT}
        given = [text for text in known.values() if text is not None]
        if not isinstance(lines, list) or not all(isinstance(t, str) for t in (*lines, *given)):
            self._fail("'imprint' needs a list of text as 'lines', and text as its other values")
        self._whole("imprint", *lines, *given)
        return Imprint(tuple(lines), **known)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "null")


def to_record(article: Article) -> dict[str, Any]:
    """One article as a JSON object of the exchange format.

    Parameters
    ----------
    article : Article

    Returns
    -------
    dict
        Keys in the order of the format's definition. ``sentences`` is there only when the article
        came with its units; ``author``, ``site_name``, ``republications`` and ``imprint`` only
        when known.
    """
    record: dict[str, Any] = {"id": article.id}
    record.update((key, getattr(article, key)) for key in OPTIONAL)
    record.update((key, value) for key in EXTRA if (value := getattr(article, key)) is not None)
    record["text"] = article.text
    if article.units is not None:
        record["sentences"] = [_unit_record(unit) for unit in article.units]
    record["spans"] = [_span_record(span) for span in article.spans]
    record["labels"] = _label_record(article.labels)
    if article.republications:
        record["republications"] = [
            {"start": r.start, "end": r.end, "outlet": r.outlet, "evidence": r.evidence}
            for r in article.republications
        ]
    if article.imprint is not None:
        record["imprint"] = _imprint_record(article.imprint)
    return record


def _imprint_record(imprint: Imprint) -> dict[str, Any]:
    record: dict[str, Any] = {"lines": list(imprint.lines)} if imprint.lines else {}
    record.update((key, value) for key in IMPRINT if (value := getattr(imprint, key)) is not None)
    return record


def _unit_record(unit: Unit) -> dict[str, Any]:
    record: dict[str, Any] = {"start": unit.start, "end": unit.end}
    if unit.voice is not None:
        record["voice"] = unit.voice.value
    record["labels"] = _label_record(unit.labels)
    if unit.citations is not None:
        record["citations"] = [citation_labels.to_record(one) for one in unit.citations]
    return record


def _span_record(span: Span) -> dict[str, Any]:
    record: dict[str, Any] = {"start": span.start, "end": span.end, "signal": span.signal}
    if span.score is not None:
        record["score"] = span.score
    return record


def _label_record(labels: Mapping[str, float]) -> dict[str, float]:
    # 1 and 0 as the format writes them; NaN is not JSON, and means what leaving it out means.
    return {
        name: int(value) if value in (0, 1) else float(value)
        for name, value in labels.items()
        if not math.isnan(value)
    }


def from_record(record: Mapping[str, Any], source: str, line: int) -> Article:
    """Read one article from a JSON object of the exchange format.

    Parameters
    ----------
    record : mapping
        A parsed line. Labels may be 0 to 1, true or false; null and NaN mean "not annotated".
        Spans that carry a ``score`` are a model's output, and are ignored as ``scores`` is.
    source : str
        The file, for messages.
    line : int
        The line, from 1, for messages.

    Returns
    -------
    Article

    Raises
    ------
    InputError
        When a value is missing, of the wrong type, or points outside the text.
    """
    return RecordReader(record, f"{source}, line {line}").article()
