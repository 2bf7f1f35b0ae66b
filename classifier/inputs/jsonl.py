"""JSON that holds articles, whatever names it uses: an object per line, or one value.

Where there is no ``text``, what other exports call it is taken (`fields`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import exchange, fields
from framescope.classifier.inputs.exchange import HALF_CHARACTER, SURROGATE
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.records import Article, Origin, Skipped

_LEAST_WORDS = 40  # of a text that goes by no name that is known
_LISTS = ("articles", "items", "results", "data", "docs", "documents", "stories", "hits", "value")

# A file of records begins with a key; prose that begins with a brace or a bracket does not.
_FIRST_KEY = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\n]{1,80}"\s*:|\Z)')


def looks_like_records(head: str) -> bool:
    """Whether a file that begins with some hundred characters of ``head`` is JSON, not prose."""
    return _FIRST_KEY.match(head) is not None


def is_one_value(head: str) -> bool:
    """Whether JSON that begins so is one value spread over lines, and not an object per line."""
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    return first.startswith("[") or first.endswith(("{", "[", ","))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    text: str
    name: str  # the id of its article, if it has none of its own
    columns: Mapping[str, str]  # the names of fields that the user gave
    likely: str | None  # the name of the text, where the first line has none that is known

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article. Raises `InputError`."""
        record = exchange.parse_line(self.text, str(origin))
        return _of_record(record, origin, self.name, self.columns, self.likely)


def split(
    lines: Iterable[str],
    source: str,
    stem: str,
    columns: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[RawRecord | Skipped]:
    """Cut a file into its lines, each a record; a line that is too long is `Skipped`.

    `tell` is told the name of the text, where the first line had to be searched for it.
    """
    number, likely = 0, None
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not number and fields.TEXT not in columns:
            likely = _longest_of(line)
            if likely is not None:
                tell(f"{source}: text from '{likely}'; choose another with --column text=NAME")
        number += 1
        origin = Origin(source, line_number, number)
        if len(line) > exchange.MOST_CHARACTERS:
            reason = f"longer than {exchange.MOST_CHARACTERS:,} characters; split the article"
            yield Skipped(str(origin), reason)
        else:
            yield RawRecord(origin, len(line), Line(line, f"{stem}-{line_number}", columns, likely))
    if not number:
        raise InputError(source, "the file is empty; put one article a line in it, as JSON")


def read_value(text: str, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read articles from one JSON value: an article, a list of them, or an object that holds one.

    As services answer, JSON Feed included. Raises `InputError` when it is no JSON.
    """
    record = exchange.parse_json(text, source, "save it again, or write one object per line")
    items = _listed(record)
    if items is None:
        yield from _of_record(record, Origin(source), stem)
        return
    if not items:
        raise InputError(source, "its list of articles is empty")
    for number, item in enumerate(items, start=1):
        try:
            yield from _of_record(item, Origin(source, record=number), f"{stem}-{number}")
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _listed(value: Any) -> list[Any] | None:
    """Return the list of articles that a value is, or holds; None where it is one article."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or fields.TEXT in fields.guess(_texts(value)):
        return None
    lists = (value[name] for name in _LISTS if isinstance(value.get(name), list))
    return next((one for one in lists if any(isinstance(item, dict) for item in one)), None)


def _of_record(
    record: Any,
    origin: Origin,
    name: str,
    columns: Mapping[str, str] | None = None,
    likely: str | None = None,
) -> Iterator[Article]:
    """Read what is one record: as the format has it, or by other names for the same."""
    columns = columns or {}
    if not isinstance(record, dict):
        raise InputError(str(origin), 'not a JSON object; write {"id": ..., "text": ...}')
    if not columns and isinstance(record.get("text"), str):
        yield replace(exchange.read_record(record, str(origin), name), origin=origin)
        return
    listed = _listed(record)
    if listed is not None:  # a service's answer on one line
        for number, item in enumerate(listed, start=1):
            inner = Origin(origin.input, origin.line, number)
            yield from _of_record(item, inner, f"{name}-{number}")
        return
    texts = _texts(record)
    if (wanted := columns.get(fields.TEXT)) is not None and wanted not in texts:
        known = ", ".join(f"'{key}'" for key in list(texts)[:30])
        raise InputError(str(origin), f"has no text '{wanted}' (--column text); it has: {known}")
    chosen = {one: key for one, key in columns.items() if key in texts}
    found = fields.guess(key for key in texts if key not in chosen.values()) | chosen
    if fields.TEXT not in found:
        longest = likely if likely in texts else _longest(record)
        if longest is None:
            exchange.read_record(record, str(origin), name)  # says what is wrong
        found |= {fields.TEXT: str(longest)}
    cells = {one: texts[key] for one, key in found.items()}
    if any(SURROGATE.search(value) for value in cells.values()):
        raise InputError(str(origin), HALF_CHARACTER)
    yield from fields.articles(cells, str(origin), name, origin)


def _longest_of(line: str) -> str | None:
    """Return the name under which a line has its text, where none of the usual is there."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # reading the line reports it
        return None
    known = not isinstance(record, dict) or fields.TEXT in fields.guess(_texts(record))
    return None if known or _listed(record) is not None else _longest(record)


def _longest(record: Mapping[str, Any]) -> str | None:
    """Return the name of the longest text; None where none is as long as an article."""
    texts = _texts(record)
    others = set(fields.guess(texts).values())
    words = {key: len(value.split()) for key, value in texts.items() if key not in others}
    longest = max(words, key=lambda key: words[key], default=None)
    return longest if longest is not None and words[longest] >= _LEAST_WORDS else None


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a record is text, or the number of an id."""
    return {
        key: str(value)
        for key, value in record.items()
        if isinstance(value, str)
        or (fields.is_known(key, fields.ID) and type(value) is int and abs(value) < 10**18)
    }
