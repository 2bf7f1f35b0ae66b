"""The exchange format: one article per line of JSON (JSONL).

Users bring labelled data in it, annotation tools are converted to it, and scoring writes it back.
Only ``text`` is required, and ``id`` where labels are brought; offsets are Unicode code points,
end-exclusive. Other keys are ignored, so a scored file can be read and scored again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Any, TypeVar

from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError, SignalError
from framescope.classifier.records import (
    Article,
    Imprint,
    MarkedCitation,
    Place,
    Republication,
    Skipped,
    SourceKind,
    Span,
    Unit,
    Voice,
)

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

OPTIONAL = ("outlet", "url", "title", "date", "lang")
EXTRA = ("author", "site_name")
IMPRINT = ("header", "gatherer", "evidence", "address", "company", "about")

# Half of a surrogate pair: an escape cut in two, or a byte that was not UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
HALF_CHARACTER = "holds half a character (a lone surrogate); write it again as UTF-8"
MOST_CHARACTERS = 10_000_000
"""The longest line that is read."""

_KINDS: Mapping[Any, str] = {str: "text", list: "a list", dict: "an object"}
_ON_TOP = ("government", "state_media")
_ONE_A_LINE = "write one JSON object per line (jq -c . FILE; of an array, jq -c '.[]' FILE)"


# --- reading --------------------------------------------------------------------------------------


def from_record(record: Mapping[str, Any], source: str, line: int) -> Article:
    """Read one article from a JSON object of the format.

    Parameters
    ----------
    record : mapping
        A parsed line. Labels may be 0 to 1, true or false; null and NaN mean "not annotated".
        Spans that carry a ``score`` are a model's output, and are ignored as ``scores`` is.
    source : str
        The file, for messages.
    line : int
        The line, from 1, for messages.

    Raises
    ------
    InputError
        When a value is missing, of the wrong type, or points outside the text.
    """
    return read_record(record, f"{source}, line {line}")


def read_record(record: Mapping[str, Any], where: str, name: str | None = None) -> Article:
    """Read one article, called `name` if it has no id. Raises `InputError`."""
    article, faults = check_record(record, name)
    if article is None:
        raise InputError(where, faults[0])
    return article


def check_record(
    record: Mapping[str, Any], name: str | None = None
) -> tuple[Article | None, list[str]]:
    """Read one article, and list everything that is wrong with its record.

    Returns
    -------
    Article or None
        None where anything is wrong.
    list of str
        In the order of the format's definition. Without a text nothing else can be checked.
    """
    reader = _Reader(record)
    return reader.article(name), reader.faults


def read_lines(lines: Iterable[str], source: str) -> Iterator[Article | Skipped]:
    """Read articles from the lines of a file, one at a time.

    Parameters
    ----------
    lines : iterable of str
        Blank ones are passed over. Bytes that are not UTF-8 may come as lone surrogates
        (``errors="surrogateescape"``): their line is reported as such.
    source : str
        The file, for messages.

    Yields
    ------
    Article or Skipped
        In the file's order; a line that can't be read is `Skipped`, and reading goes on.

    Raises
    ------
    InputError
        At the end, when no line held an article.
    """
    good, first = 0, "it is empty"
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        try:
            article = read_record(parse_line(line, where), where)
        except InputError as error:
            first = f"line {number}: {error.reason}" if first == "it is empty" else first
            yield Skipped(where, error.reason)
        else:
            good += 1
            yield article
    if not good:
        raise InputError(source, f"no line is an article ({first})")


def parse_line(line: str, where: str) -> dict[str, Any]:
    """Parse a line as a JSON object. Raises `InputError`."""
    if len(line) > MOST_CHARACTERS:
        raise InputError(where, f"longer than {MOST_CHARACTERS:,} characters; split the article")
    if SURROGATE.search(line):
        raise InputError(where, "not UTF-8; convert the file (iconv -t UTF-8) and try again")
    record = parse_json(line, where, f"mend the line, or {_ONE_A_LINE}")
    if not isinstance(record, dict):
        raise InputError(where, f"not a JSON object; {_ONE_A_LINE}")
    return record


def parse_json(text: str, where: str, remedy: str) -> Any:
    """Parse JSON. Raises `InputError`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}"
        raise InputError(where, f"not JSON ({error.msg} at {place}); {remedy}") from None
    except (ValueError, RecursionError):
        raise InputError(where, f"not JSON that can be read; {remedy}") from None


class _Reader:
    """Reads one record, and notes everything that is wrong with it."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.faults: list[str] = []
        self._whole = Place(0, 0)

    def article(self, name: str | None) -> Article | None:
        number = self.record.get("id")
        whole = type(number) is int
        identifier = str(number) if whole else self._try("", _text, self.record, "id", not name)
        text = self._try("", _text, self.record, "text", True)
        if text is None:
            return None
        self._whole = Place(0, len(text))
        known: dict[str, Any] = {
            key: self._try("", _text, self.record, key) for key in (*OPTIONAL, *EXTRA)
        }
        article = Article(
            id=identifier or name or "",
            text=text,
            **known,
            units=tuple(self._units()) or None,  # an empty list gives nothing to score
            spans=tuple(self._spans()),
            labels=self._labels(self.record),
            republications=tuple(self._republications()),
            imprint=self._try("", _imprint, self.record),
        )
        return None if self.faults else article

    def _try(self, where: str, read: Callable[..., Any], *arguments: Any) -> Any:
        """Return what `read` returns, or note why it can't."""
        try:
            return read(*arguments)
        except (ValueError, SignalError) as error:
            self.faults.append(f"{where}{error}")
            return None

    def _items(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the objects of a list, each with what to call it."""
        items: list[Any] = self._try("", _typed, self.record, key, list) or []
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield f"'{key}' item {index}", item
            else:
                self.faults.append(f"'{key}' item {index} must be an object, not {_kind(item)}")

    def _units(self) -> Iterator[Unit]:
        previous = 0
        for name, item in self._items("sentences"):
            place = self._try("", _place, item, name, self._whole, "the text")
            labels = self._labels(item, f"{name}: ")
            voice = self._try(f"{name}: ", _one_of, item, "voice", Voice)
            if place is not None and place.start < previous:
                before = f"begins before the one before it ends ({previous})"
                self.faults.append(f"{name} {place.start}-{place.end} {before}")
            if place is not None:
                previous = place.end
                citations = self._try(f"{name}, ", read_citations, item, self._whole.end)
                yield Unit(place.start, place.end, labels, voice, citations)

    def _labels(self, item: Mapping[str, Any], where: str = "") -> dict[str, float]:
        given = self._try(where, _typed, item, "labels", dict) or {}
        read = {signal: self._try(where, _label, signal, label) for signal, label in given.items()}
        return {signal: label for signal, label in read.items() if label is not None}

    def _spans(self) -> Iterator[Span]:
        for name, item in self._items("spans"):
            if item.get("score") is None:
                place = self._try("", _place, item, name, self._whole, "the text")
                signal = self._try(f"{name}: ", _signal, item.get("signal"))
                if place is not None and signal is not None:
                    yield Span(place.start, place.end, signal)

    def _republications(self) -> Iterator[Republication]:
        for name, item in self._items("republications"):
            place = self._try("", _place, item, name, self._whole, "the text")
            outlet, evidence = item.get("outlet"), item.get("evidence", "")
            if not isinstance(outlet, str) or not isinstance(evidence, str):
                self.faults.append(f"{name} needs text as 'outlet' and 'evidence'")
            elif place is not None:
                yield Republication(place.start, place.end, outlet, evidence)


def _typed(item: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = item.get(key)
    if value is None or isinstance(value, kind):
        return value
    raise ValueError(f"'{key}' must be {_KINDS[kind]}, not {_kind(value)}")


def _text(record: Mapping[str, Any], key: str, required: bool = False) -> str | None:
    """Return a text that isn't blank."""
    value = _typed(record, key, str)
    if value is not None and SURROGATE.search(value):
        raise ValueError(f"'{key}' {HALF_CHARACTER}")
    if value is not None and value.strip():
        return value
    if required:
        missing = f"no '{key}'" if value is None else f"'{key}' is empty"
        raise ValueError(f"{missing}; every article needs 'id' and 'text'")
    return None


def _one_of(item: Mapping[str, Any], key: str, kind: type[E]) -> E | None:
    value = item.get(key)
    if value is None or value in list(kind):
        return None if value is None else kind(value)
    raise ValueError(f"'{key}' must be one of {', '.join(kind)}")


def _signal(signal: Any) -> str:
    if not isinstance(signal, str):
        raise ValueError("needs a 'signal'")
    return taxonomy.in_order([signal])[0]


def _label(signal: str, label: Any) -> float | None:
    _signal(signal)
    if label is None or label != label:
        return None
    if isinstance(label, int | float) and 0 <= label <= 1:
        return float(label)
    raise ValueError(f"label '{signal}' must be 0 to 1, true, false or null")


def _imprint(record: Mapping[str, Any]) -> Imprint | None:
    value = _typed(record, "imprint", dict)
    if value is None:
        return None
    known = {key: _text(value, key) for key in IMPRINT}
    lines = _typed(value, "lines", list) or []
    return Imprint(tuple(_text({"lines": line}, "lines") or "" for line in lines), **known)


def _place(value: Any, name: str, inside: Place, where: str) -> Place:
    start, end = (value.get("start"), value.get("end")) if isinstance(value, dict) else (None, None)
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"{name} needs whole numbers 'start' and 'end'")
    if not inside.start <= start < end <= inside.end:
        outside = f"is not inside {where} ({inside.start}-{inside.end}, end-exclusive)"
        raise ValueError(f"{name} {start}-{end} {outside}")
    return Place(start, end)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "null")


def read_citations(sentence: Mapping[str, Any], length: int) -> tuple[MarkedCitation, ...] | None:
    """Read the citations of a sentence, as annotators mark them.

    A citation that carries a ``name`` is what scoring found, and no label.

    Parameters
    ----------
    sentence : mapping
        An item of ``sentences``, whose own ``start`` and ``end`` are known to be good.
    length : int
        Of the article's text, in code points.

    Returns
    -------
    tuple of MarkedCitation or None
        None where the sentence is not annotated.

    Raises
    ------
    ValueError
        Names the citation that can't be meant, and says why: a source outside the article, a cue
        without content, contents that cross.
    """
    items = sentence.get("citations")
    if items is None:
        return None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("'citations' must be a list of objects")
    inside = Place(sentence["start"], sentence["end"])
    marked = {
        f"citation {number}": _citation(item, f"citation {number}", inside, Place(0, length))
        for number, item in enumerate(items)
        if "name" not in item
    }
    if items and not marked:
        return None
    for (first, one), (second, other) in combinations(marked.items(), 2):
        if _cross(one.content, other.content):
            raise ValueError(
                f"{first} and {second}: their contents cross; one lies within the other, or apart"
            )
    return tuple(marked.values())


def _citation(item: Mapping[str, Any], name: str, inside: Place, whole: Place) -> MarkedCitation:
    def place(role: str, within: Place, where: str) -> Place | None:
        value = item.get(role)
        return None if value is None else _place(value, f"{name}: its {role}", within, where)

    source, antecedent = (place(role, whole, "the text") for role in ("source", "antecedent"))
    cue, pieces = place("cue", inside, "its sentence"), item.get("content")
    if not isinstance(pieces, list):
        raise ValueError(f"{name}: 'content' must be a list of places")
    content = tuple(_place(one, f"{name}: its content", inside, "its sentence") for one in pieces)
    if any(one.end > other.start for one, other in pairwise(content)):
        raise ValueError(f"{name}: the pieces of its content overlap, or are out of order")
    if not content:
        raise ValueError(f"{name}: a cue or a source without content; give what is handed over")
    for role, one in (("source", source), ("cue", cue)):
        if one is not None and any(_overlap(one, piece) for piece in content):
            raise ValueError(f"{name}: its {role} {one.start}-{one.end} lies in its content")
    if source is not None and cue is not None and _overlap(source, cue):
        raise ValueError(f"{name}: its source and its cue overlap")
    government, state_media = (item.get(key, False) for key in _ON_TOP)
    if government not in (0, 1) or state_media not in (0, 1):
        raise ValueError(f"{name}: {' and '.join(_ON_TOP)} must be true or false")
    try:
        kind = _one_of(item, "kind", SourceKind)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return MarkedCitation(
        source, cue, content, kind, bool(government), bool(state_media), antecedent
    )


def _overlap(one: Place, other: Place) -> bool:
    return one.start < other.end and other.start < one.end


def _cross(one: Sequence[Place], other: Sequence[Place]) -> bool:
    """Whether two contents share characters, and each has some that the other lacks."""
    first, second = (
        {at for place in content for at in range(place.start, place.end)}
        for content in (one, other)
    )
    return bool(first & second) and not (first <= second or second <= first)


# --- writing --------------------------------------------------------------------------------------


def to_record(article: Article) -> dict[str, Any]:
    """Return an article as a JSON object of the format.

    Keys are in the order of the format's definition. ``sentences`` is there only when the article
    came with its units; ``author``, ``site_name``, ``republications`` and ``imprint`` only when
    known.
    """
    record: dict[str, Any] = {"id": article.id}
    record |= {key: getattr(article, key) for key in OPTIONAL}
    record |= {key: value for key in EXTRA if (value := getattr(article, key)) is not None}
    record["text"] = article.text
    if article.units is not None:
        record["sentences"] = [_unit_record(unit) for unit in article.units]
    record["spans"] = [
        {"start": span.start, "end": span.end, "signal": span.signal}
        | ({} if span.score is None else {"score": span.score})
        for span in article.spans
    ]
    record["labels"] = _label_record(article.labels)
    if article.republications:
        record["republications"] = [
            {"start": r.start, "end": r.end, "outlet": r.outlet, "evidence": r.evidence}
            for r in article.republications
        ]
    if (imprint := article.imprint) is not None:
        lines = {"lines": list(imprint.lines)} if imprint.lines else {}
        known = {key: value for key in IMPRINT if (value := getattr(imprint, key)) is not None}
        record["imprint"] = lines | known
    return record


def _unit_record(unit: Unit) -> dict[str, Any]:
    record: dict[str, Any] = {"start": unit.start, "end": unit.end}
    if unit.voice is not None:
        record["voice"] = unit.voice.value
    record["labels"] = _label_record(unit.labels)
    if unit.citations is not None:
        record["citations"] = [_citation_record(one) for one in unit.citations]
    return record


def _label_record(labels: Mapping[str, float]) -> dict[str, float]:
    # 1 and 0 as the format writes them; NaN is not JSON, and means what leaving it out means.
    return {
        name: int(value) if value in (0, 1) else float(value)
        for name, value in labels.items()
        if not math.isnan(value)
    }


def _citation_record(citation: MarkedCitation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "source": _span(citation.source),
        "cue": _span(citation.cue),
        "content": [_span(place) for place in citation.content],
    }
    if citation.kind is not None:
        record["kind"] = citation.kind.value
    record |= {key: True for key in _ON_TOP if getattr(citation, key)}
    if citation.antecedent is not None:
        record["antecedent"] = _span(citation.antecedent)
    return record


def _span(place: Place | None) -> dict[str, int] | None:
    return None if place is None else {"start": place.start, "end": place.end}
