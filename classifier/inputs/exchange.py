"""The exchange format: one article per line of JSON, with labels at offsets in code points."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Any, TypeVar

from framescope.classifier import records, taxonomy
from framescope.classifier.errors import InputError, SignalError
from framescope.classifier.records import Article, MarkedCitation, Place, Skipped, Span, Unit

E = TypeVar("E", bound=StrEnum)
OPTIONAL = ("outlet", "url", "title", "date", "lang")
EXTRA = ("author", "site_name")
IMPRINT = ("header", "gatherer", "evidence", "address", "company", "about")
# Half of a surrogate pair: an escape cut in two, or a byte that was not UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
HALF_CHARACTER = "holds half a character (a lone surrogate); write it again as UTF-8"
MOST_CHARACTERS = 10_000_000  # of the longest line that is read
TOO_LONG = "longer than {:,} characters; split the article"
_KINDS: Mapping[Any, str] = {str: "text", list: "a list", dict: "an object"}
_ON_TOP = ("government", "state_media")
_ONE_A_LINE = "write one JSON object per line (jq -c . FILE; of an array, jq -c '.[]' FILE)"


def read_record(record: Mapping[str, Any], where: str, name: str | None = None) -> Article:
    """Read one article, called `name` if it has no id. Raises `InputError`."""
    try:
        return _article(record, name)
    except (ValueError, SignalError) as error:
        raise InputError(where, str(error)) from None


def read_lines(lines: Iterable[str], source: str) -> Iterator[Article | Skipped]:
    """Read articles from lines, or `Skipped`; raises `InputError` at the end if there were none."""
    good, first = False, ""
    for number, line in ((n, line) for n, line in enumerate(lines, start=1) if line.strip()):
        where = f"{source}, line {number}"
        try:
            yield read_record(parse_line(line, where), where)
            good = True
        except InputError as error:
            first = first or f"line {number}: {error.reason}"
            yield Skipped(where, error.reason)
    if not good:
        raise InputError(source, f"no line is an article ({first or 'it is empty'})")


def parse_line(line: str, where: str) -> dict[str, Any]:
    """Parse a line as a JSON object. Raises `InputError`."""
    if len(line) > MOST_CHARACTERS:
        raise InputError(where, TOO_LONG.format(MOST_CHARACTERS))
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


def _article(record: Mapping[str, Any], name: str | None) -> Article:
    if type(number := record.get("id")) is int:
        name = str(number)
    else:
        name = _text(record, "id", required=name is None) or name
    text = _text(record, "text", required=True) or ""
    whole, known = Place(0, len(text)), {key: _text(record, key) for key in (*OPTIONAL, *EXTRA)}
    # A span with a score is a model's output.
    spans = [(name, item) for name, item in _items(record, "spans") if item.get("score") is None]
    places = ((_place(item, name, whole), item.get("signal"), name) for name, item in spans)
    return Article(
        name or "",
        text,
        **known,  # type: ignore[arg-type]
        units=tuple(_units(record, whole)) or None,  # an empty list gives nothing to score
        spans=tuple(Span(at.start, at.end, _signal(one, name)) for at, one, name in places),
        labels=_labels(record, "labels"),
        republications=tuple(_republications(record, whole)),
        imprint=_imprint(record),
    )


def _units(record: Mapping[str, Any], whole: Place) -> Iterator[Unit]:
    previous = 0
    for name, item in _items(record, "sentences"):
        at = _place(item, name, whole)
        if at.start < previous:
            before = f"begins before the one before it ends ({previous})"
            raise ValueError(f"{name} {at.start}-{at.end} {before}")
        previous = at.end
        labels, voice = _labels(item, name), _one_of(item, "voice", records.Voice, name)
        try:
            yield Unit(at.start, at.end, labels, voice, read_citations(item, whole.end))
        except ValueError as error:
            raise ValueError(f"{name}, {error}") from None


def _republications(record: Mapping[str, Any], whole: Place) -> Iterator[records.Republication]:
    for name, item in _items(record, "republications"):
        at = _place(item, name, whole)
        outlet, evidence = item.get("outlet"), item.get("evidence", "")
        if not isinstance(outlet, str) or not isinstance(evidence, str):
            raise ValueError(f"{name} needs text as 'outlet' and 'evidence'")
        yield records.Republication(at.start, at.end, outlet, evidence)


def _imprint(record: Mapping[str, Any]) -> records.Imprint | None:
    if (value := _typed(record, "imprint", dict)) is None:
        return None
    texts = (_text({"lines": line}, "lines") or "" for line in _typed(value, "lines", list) or ())
    return records.Imprint(tuple(texts), **{key: _text(value, key) for key in IMPRINT})


def _labels(item: Mapping[str, Any], name: str) -> dict[str, float]:
    given = (_typed(item, "labels", dict) or {}).items()
    labels = {_signal(signal, name): label for signal, label in given}
    labels = {s: label for s, label in labels.items() if label is not None and label == label}
    for signal, label in labels.items():
        if not (isinstance(label, int | float) and 0 <= label <= 1):
            raise ValueError(f"{name}: label '{signal}' must be 0 to 1, true, false or null")
    return {signal: float(label) for signal, label in labels.items()}


def _signal(signal: Any, name: str) -> str:
    if not isinstance(signal, str):
        raise ValueError(f"{name} needs a 'signal'")
    try:
        return taxonomy.in_order([signal])[0]
    except SignalError as error:
        raise ValueError(f"{name}: {error}") from None


def _one_of(item: Mapping[str, Any], key: str, kind: type[E], name: str) -> E | None:
    if (value := item.get(key)) is None or value in list(kind):
        return None if value is None else kind(value)
    raise ValueError(f"{name}: '{key}' must be one of {', '.join(kind)}")


def _items(record: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, item in enumerate(_typed(record, key, list) or ()):
        if not isinstance(item, dict):
            raise ValueError(f"'{key}' item {index} must be an object, not {_kind(item)}")
        yield f"'{key}' item {index}", item


def _typed(item: Mapping[str, Any], key: str, kind: type) -> Any:
    if (value := item.get(key)) is None or isinstance(value, kind):
        return value
    raise ValueError(f"'{key}' must be {_KINDS[kind]}, not {_kind(value)}")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "null")


def _text(record: Mapping[str, Any], key: str, required: bool = False) -> str | None:
    value: str | None = _typed(record, key, str)
    if value is not None and SURROGATE.search(value):
        raise ValueError(f"'{key}' {HALF_CHARACTER}")
    if required and not (value or "").strip():
        missing = f"no '{key}'" if value is None else f"'{key}' is empty"
        raise ValueError(f"{missing}; every article needs 'id' and 'text'")
    return value if value and value.strip() else None


def _place(value: Any, name: str, inside: Place, where: str = "the text") -> Place:
    start, end = (value.get("start"), value.get("end")) if isinstance(value, dict) else (None, None)
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"{name} needs whole numbers 'start' and 'end'")
    if not inside.start <= start < end <= inside.end:
        outside = f"is not inside {where} ({inside.start}-{inside.end}, end-exclusive)"
        raise ValueError(f"{name} {start}-{end} {outside}")
    return Place(start, end)


def read_citations(sentence: Mapping[str, Any], length: int) -> tuple[MarkedCitation, ...] | None:
    """Read the citations of a sentence, as annotators mark them; None if it is not annotated."""
    if (items := sentence.get("citations")) is None:
        return None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("'citations' must be a list of objects")
    inside = Place(sentence["start"], sentence["end"])
    marked = {
        f"citation {number}": _citation(item, f"citation {number}", inside, Place(0, length))
        for number, item in enumerate(items)
        if "name" not in item  # which scoring found
    }
    contents = {
        name: {at for piece in one.content for at in range(piece.start, piece.end)}
        for name, one in marked.items()
    }
    for (first, one), (second, other) in combinations(contents.items(), 2):
        if one & other and not (one <= other or other <= one):
            crossing = "their contents cross; one lies within the other, or apart"
            raise ValueError(f"{first} and {second}: {crossing}")
    return tuple(marked.values()) if marked or not items else None


def _citation(item: Mapping[str, Any], name: str, inside: Place, whole: Place) -> MarkedCitation:
    source, antecedent = (
        None if item.get(role) is None else _place(item[role], f"{name}: its {role}", whole)
        for role in ("source", "antecedent")
    )
    cue, pieces = item.get("cue"), item.get("content")
    if cue is not None:
        cue = _place(cue, f"{name}: its cue", inside, "its sentence")
    if not isinstance(pieces, list):
        raise ValueError(f"{name}: 'content' must be a list of places")
    if not pieces:
        raise ValueError(f"{name}: a cue or a source without content; give what is handed over")
    content = tuple(_place(one, f"{name}: its content", inside, "its sentence") for one in pieces)
    if any(one.end > other.start for one, other in pairwise(content)):
        raise ValueError(f"{name}: the pieces of its content overlap, or are out of order")
    for role, one in (("source", source), ("cue", cue)):
        if one is not None and any(_overlap(one, piece) for piece in content):
            raise ValueError(f"{name}: its {role} {one.start}-{one.end} lies in its content")
    if source is not None and cue is not None and _overlap(source, cue):
        raise ValueError(f"{name}: its source and its cue overlap")
    on_top = [item.get(key, False) for key in _ON_TOP]
    if any(value not in (0, 1) for value in on_top):
        raise ValueError(f"{name}: {' and '.join(_ON_TOP)} must be true or false")
    kind = _one_of(item, "kind", records.SourceKind, name)
    government, state_media = map(bool, on_top)
    said = _typed(item, "speaker", dict)
    speaker = None if said is None else _speaker(said, f"{name}: its speaker", whole)
    return MarkedCitation(source, cue, content, kind, government, state_media, antecedent, speaker)


def _speaker(item: Mapping[str, Any], who: str, whole: Place) -> records.Speaker[Place]:
    at, gender = item.get("name"), item.get("gender")
    name = None if at is None else _place(at, f"{who}'s name", whole)
    kind = _one_of(item, "type", records.SpeakerType, who)
    if kind is None or gender not in (None, "m", "f"):
        raise ValueError(f"{who} needs a 'type', and 'm' or 'f' as 'gender' where known")
    return records.Speaker(name, kind, gender)


def _overlap(one: Place, other: Place) -> bool:
    return one.start < other.end and other.start < one.end


def to_record(article: Article) -> dict[str, Any]:
    """Return an article as a JSON object of the format, its keys in the order that it defines."""
    record: dict[str, Any] = {"id": article.id}
    record |= {key: getattr(article, key) for key in OPTIONAL} | _known(article, EXTRA)
    record["text"] = article.text
    if article.units is not None:
        record["sentences"] = [_unit_record(unit) for unit in article.units]
    record["spans"] = [_known(one, ("start", "end", "signal", "score")) for one in article.spans]
    record["labels"] = _label_record(article.labels)
    if article.republications:
        record["republications"] = [asdict(one) for one in article.republications]
    if (imprint := article.imprint) is not None:
        lines = {"lines": list(imprint.lines)} if imprint.lines else {}
        record["imprint"] = lines | _known(imprint, IMPRINT)
    return record


def _known(value: object, keys: Sequence[str]) -> dict[str, Any]:
    return {key: one for key in keys if (one := getattr(value, key)) is not None}


def _unit_record(unit: Unit) -> dict[str, Any]:
    record = _known(unit, ("start", "end", "voice")) | {"labels": _label_record(unit.labels)}
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
    record = asdict(citation) | {"content": [asdict(piece) for piece in citation.content]}
    record["kind"] = citation.kind and citation.kind.value
    if speaker := record["speaker"]:
        record["speaker"] = {key: one for key, one in speaker.items() if one or key == "name"}
    return {key: value for key, value in record.items() if value or key in ("source", "cue")}
