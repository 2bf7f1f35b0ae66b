"""Labelled files as they are read to be checked or merged: articles, annotators, and every fault.

Reading to train stops at the first fault, since there data must be whole. Whoever mends a file
wants all of them at once, so here each part of a record is read by itself when the whole can't be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article

ANNOTATOR = "annotator"
"""The key of a record that names whose labels it holds, where a file holds several people's."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_ITEM = re.compile(r"(?<= item )\d+")
_OTHER_UNITS = {
    "UTF-16 units, as JavaScript and Java do": lambda text: text.encode("utf-16-le"),
    "bytes of UTF-8": lambda text: text.encode("utf-8"),
}


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """One thing that is wrong: where, what, and of which kind."""

    where: str
    what: str
    kind: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LabelledArticle:
    """A line of a file: the article, its record as it stands there, and whose labels they are.

    `annotator` is None where the record doesn't say.
    """

    article: Article
    record: Mapping[str, Any]
    path: Path
    line: int
    annotator: str | None

    @property
    def where(self) -> str:
        """The file and the line."""
        return f"{self.path}, line {self.line}"

    @property
    def name(self) -> str:
        """The article's id, and whose labels they are."""
        return self.article.id + (f" ({self.annotator})" if self.annotator else "")


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """What could be read of some files, and all that could not."""

    articles: tuple[LabelledArticle, ...]
    problems: tuple[LabelProblem, ...]


def read_labelled(paths: Iterable[Path]) -> LabelledFiles:
    """Read files of the exchange format, and name every fault in them.

    Raises
    ------
    InputError
        When a file can't be opened, or no line of it is a record.
    """
    articles: list[LabelledArticle] = []
    problems: list[LabelProblem] = []
    for path in paths:
        records, faults = 0, []
        for line, record in _records(path):
            where = f"{path}, line {line}"
            if isinstance(record, str):
                faults.append(LabelProblem(where, record, "schema"))
                continue
            records += 1
            found, reasons = read_record(record, path, line)
            faults += [LabelProblem(where, reason, "schema") for reason in reasons]
            if found is not None:
                articles.append(found)
        if not records:
            why = f"{faults[0].where.rpartition(', ')[2]}: {faults[0].what}" if faults else "empty"
            reason = f"can't be read: no line is a record ({why}); give a JSONL file of articles"
            raise InputError(path, reason)
        problems += faults
    return LabelledFiles(tuple(articles), tuple(problems))


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Give the lines of a file as objects, or the reason why one is none."""
    try:
        lines = path.read_text(encoding="utf-8").removeprefix("\ufeff").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(path, f"can't be read ({what}); give a JSONL file") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"not JSON ({error})"
            else:
                yield number, record if isinstance(record, dict) else "not JSON (no object)"


def read_record(
    record: Mapping[str, Any], path: Path, line: int
) -> tuple[LabelledArticle | None, list[str]]:
    """Read one record.

    Returns
    -------
    LabelledArticle or None
        None where something in it can't be read.
    list of str
        Every reason, in the record's order; and that its offsets seem to count something else
        than characters, where they do.
    """
    annotator = record.get(ANNOTATOR)
    reasons = _faults(record, str(path), line)
    if annotator is not None and (not isinstance(annotator, str) or not annotator.strip()):
        reasons.append(f"'{ANNOTATOR}' must be a name, as text")
    if (units := _other_units(record)) is not None:
        reasons.append(f"its offsets count {units}; they must count characters (code points)")
    try:
        article = from_record(record, str(path), line)
    except InputError:
        return None, reasons
    named = annotator.strip() if isinstance(annotator, str) else None
    return LabelledArticle(article, record, path, line, named or None), reasons


def _faults(record: Mapping[str, Any], source: str, line: int) -> list[str]:
    """Give every reason why a record can't be read; none for one that can."""
    first = _reason(record, source, line)
    if first is None:
        return []
    found = dict.fromkeys(
        reason
        for number, part in _parts(record)
        if (reason := _reason(part, source, line, number)) is not None
    )
    # What is wrong between its parts is seen in the whole alone.
    return list(found) or [first]


def _reason(
    record: Mapping[str, Any], source: str, line: int, number: int | None = None
) -> str | None:
    """Say why a record can't be read; of a part, with the number that it has in the whole."""
    try:
        from_record(record, source, line)
    except InputError as error:
        if number is None:
            return error.reason
        return _ITEM.sub(lambda at: str(number + int(at[0])), error.reason, count=1)
    return None


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    """Cut a record into records that hold one thing each that may be wrong.

    Each comes with the number of its first item, where it holds items of a list.
    """
    bare = {"id": record.get("id"), "text": record.get("text")}
    yield None, bare
    sound: dict[str, Any] = {"id": "a", "text": record.get("text")}
    if _reason(sound, "", 0) is not None:
        return  # no offset can be held against that text
    for key, value in record.items():
        if key in ("id", "text"):
            continue
        if key == "labels" and isinstance(value, dict):
            yield from ((None, {**sound, key: {name: label}}) for name, label in value.items())
        elif key in ("sentences", "spans", "republications") and isinstance(value, list):
            for number, item in enumerate(value):
                yield from ((number, {**sound, key: [one]}) for one in _of_item(item))
            if key == "sentences":
                for number in range(len(value) - 1):
                    yield (
                        number,
                        {**sound, key: [_place(one) for one in value[number : number + 2]]},
                    )
        else:
            yield None, {**sound, key: value}


def _of_item(item: Any) -> Iterator[Any]:
    """Give an item of a list without its labels and citations, and with each of these alone."""
    if not isinstance(item, dict):
        yield item
        return
    inner = {"labels": dict, "citations": list}
    whole = {key: type for key, type in inner.items() if isinstance(item.get(key), type)}
    yield {key: value for key, value in item.items() if key not in whole}
    if "labels" in whole:
        for name, label in item["labels"].items():
            yield {**_place(item), "labels": {name: label}}
    if "citations" in whole:
        yield {**_place(item), "citations": item["citations"]}


def _place(item: Any) -> Any:
    return {k: item.get(k) for k in ("start", "end")} if isinstance(item, dict) else item


def _other_units(record: Mapping[str, Any]) -> str | None:
    """Say what else than characters a record's offsets count, where that is plain.

    It is where offsets of sentences or spans cut words, or lie outside, and none does once they are
    read in the other unit.
    """
    text = record.get("text")
    if not isinstance(text, str) or text.isascii() or _SURROGATE.search(text):
        return None
    items = [
        item
        for key in ("sentences", "spans")
        for item in (record[key] if isinstance(record.get(key), list) else ())
        if isinstance(item, dict) and type(item.get("start")) is type(item.get("end")) is int
    ]
    places = [(item["start"], item["end"]) for item in items]
    if not places or all(_whole(text, *place) for place in places):
        return None
    for name, encode in _OTHER_UNITS.items():
        if (moved := _moved(text, places, name, encode)) and all(_whole(text, *p) for p in moved):
            return name
    return None


def _moved(
    text: str, places: Sequence[tuple[int, int]], name: str, encode: Any
) -> list[tuple[int, int]] | None:
    """Give places that count another unit as they count characters; None where one is within."""
    width = 2 if name.startswith("UTF-16") else 1
    at, to_character = 0, {}
    for index, character in enumerate(text):
        to_character[at] = index
        at += len(encode(character)) // width
    to_character[at] = len(text)
    if all(to_character.get(offset) == offset for place in places for offset in place):
        return None  # the same in both
    if not all(offset in to_character for place in places for offset in place):
        return None
    return [(to_character[start], to_character[end]) for start, end in places]


def _whole(text: str, start: int, end: int) -> bool:
    """Whether a place lies in a text, begins and ends without a space, and cuts no word."""
    if not 0 <= start < end <= len(text) or text[start:end] != text[start:end].strip():
        return False
    cut_before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    cut_after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return not cut_before and not cut_after
