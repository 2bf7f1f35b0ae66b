"""JSON that holds articles: an object a line, or one value, whatever names it uses -> articles.

Where there is no ``text``, what other exports call it is taken (`classifier.inputs.fields`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import fields
from framescope.classifier.inputs.exchange import SURROGATE, RecordReader
from framescope.classifier.inputs.raw import RawRecord, gathered
from framescope.classifier.records import Article, Origin, Skipped

MAX_CHARS = 10_000_000
"""The longest line that is read."""

_LEAST_WORDS = 40
"""Of a text that goes by no name that is known."""

# A file of records begins with a key; prose that begins with a brace or a bracket does not.
_FIRST_KEY = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\n]{1,80}"\s*:|\Z)')


def looks_like_records(head: str) -> bool:
    """Whether a file that begins with some hundred characters of ``head`` is JSON, not prose."""
    return _FIRST_KEY.match(head) is not None


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a file, and what articles without an id are called on it; None: an id is wanted.

    `columns` are the names of fields that the user gave; `likely` is that of the text, where the
    first line has none that is known.
    """

    text: str
    name: str | None
    columns: Mapping[str, str] = field(default_factory=dict)
    likely: str | None = None

    def read(self, origin: Origin, /) -> Iterator[Article]:
        record = _parsed(self.text, origin)
        return _of_record(record, origin, self.name, self.columns, self.likely)


def split(
    lines: Iterable[str],
    source: str,
    stem: str | None = None,
    columns: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[RawRecord | Skipped]:
    """Cut a file into its lines, each a record.

    A line that is too long is `Skipped`.

    Parameters
    ----------
    lines, source, stem
        As of `read_lines`.
    columns : mapping of str to str or None
        What the file calls the fields of an article (`fields`), where it isn't to be guessed.
    tell : callable
        Is told by which name the text goes, where its first line had to be looked through for it.

    Raises
    ------
    InputError
        At once, without a stem, when the file is a JSON array or an object spread over several
        lines; at the end when it is empty.
    """
    number, likely = 0, None
    columns = columns or {}
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not number and stem is None:
            _refuse_other_json(line, source)
        if not number and stem is not None and fields.TEXT not in columns:
            likely = _longest_of(line)
            if likely is not None:
                tell(f"{source}: text from '{likely}'; choose another with --column text=NAME")
        number += 1
        origin = Origin(source, line_number, number)
        if len(line) > MAX_CHARS:
            reason = f"longer than {MAX_CHARS:,} characters; split the article"
            yield Skipped(str(origin), reason)
        else:
            name = stem and f"{stem}-{line_number}"
            yield RawRecord(origin, len(line), _Line(line, name, columns, likely))
    if not number:
        raise InputError(source, "the file is empty; put one article a line in it, as JSON")


def no_line(source: str, first: Skipped | None) -> InputError:
    """Say that no line is an article, and of the first why."""
    why = f"{first.source.removeprefix(f'{source}, ')}: {first.reason}" if first else "it is empty"
    return InputError(
        source,
        f"no line is an article ({why}); "
        "write one JSON object a line (jq -c . FILE), each with 'id' and 'text'",
    )


def read_lines(
    lines: Iterable[str], source: str, stem: str | None = None
) -> Iterator[Article | Skipped]:
    """Read articles from the lines of a file, one at a time.

    Parameters
    ----------
    lines : iterable of str
        With or without their line ends; blank ones are passed over. Bytes that are not UTF-8 may
        come as lone surrogates (``errors="surrogateescape"``): their line is reported as such.
    source : str
        The file, for messages.
    stem : str or None
        What articles without an id are called after, and their line. None: an id is wanted, and
        the names of the format alone are read.

    Yields
    ------
    Article or Skipped
        In the file's order; a line that can't be read is `Skipped`, and reading goes on.

    Raises
    ------
    InputError
        At once, without a stem, when the file is a JSON array or an object spread over several
        lines; at the end when no line held an article.
    """
    return gathered(split(lines, source, stem), partial(no_line, source))


def _refuse_other_json(line: str, source: str) -> None:
    start, reason = line.strip(), ""
    if start.startswith("["):
        reason = "a JSON array; write one article a line instead (jq -c '.[]' FILE)"
    elif start == "{":
        reason = "a JSON object spread over lines; write one article a line (jq -c . FILE)"
    if reason:
        raise InputError(source, reason)


def is_one_value(head: str) -> bool:
    """Whether JSON that begins so is one value spread over lines, and not an object a line."""
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    return first.startswith("[") or first.endswith(("{", "[", ","))


def read_value(text: str, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read articles from one JSON value: an article, a list of them, or an object that holds one.

    As services answer, JSON Feed included. Raises `InputError` when it is no JSON, or holds none.
    """
    record = _json(text, Origin(source), "save it again, or write one object a line")
    found = _listed(record)
    if found is None:
        yield from _of_record(record, Origin(source), stem)
        return
    good, first_reason = 0, ""
    for number, item in enumerate(found, start=1):
        origin = Origin(source, record=number)
        try:
            for article in _of_record(item, origin, f"{stem}-{number}"):
                good += 1
                yield article
        except InputError as error:
            first_reason = first_reason or error.reason
            yield Skipped(error.source, error.reason)
    if not good:
        reason = first_reason or "it is empty"
        raise InputError(source, f"no item of its list is an article ({reason})")


_LISTS = ("articles", "items", "results", "data", "docs", "documents", "stories", "hits", "value")


def _listed(value: Any) -> list[Any] | None:
    """Give the list of articles that a value is, or holds; None where it is one article."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or fields.TEXT in fields.guess(_texts(value)):
        return None
    lists = (value[name] for name in _LISTS if isinstance(value.get(name), list))
    return next((one for one in lists if any(isinstance(item, dict) for item in one)), None)


def _parsed(line: str, origin: Origin) -> Any:
    if SURROGATE.search(line):
        raise InputError(str(origin), "not UTF-8; convert the file (iconv -t UTF-8) and try again")
    return _json(line, origin, "mend or remove the line")


def _json(text: str, origin: Origin, remedy: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}"
        reason = f"not JSON ({error.msg} at {place}); {remedy}"
        raise InputError(str(origin), reason) from None
    except (ValueError, RecursionError):
        raise InputError(str(origin), f"not JSON that can be read; {remedy}") from None


def _of_record(
    record: Any,
    origin: Origin,
    name: str | None,
    columns: Mapping[str, str] | None = None,
    likely: str | None = None,
) -> Iterator[Article]:
    """Read what is one record: as the format has it, or by other names for the same."""
    columns = columns or {}
    if not isinstance(record, dict):
        raise InputError(str(origin), 'not a JSON object; write {"id": ..., "text": ...}')
    own = not columns and isinstance(record.get("text"), str)
    if name is None or own:
        reader = RecordReader(record, str(origin), name)
        yield replace(reader.article(), origin=origin)
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
    given = {one: key for one, key in columns.items() if key in texts}
    found = fields.guess(key for key in texts if key not in given.values()) | given
    if fields.TEXT not in found:
        longest = likely if likely in texts else _longest(record)
        found |= {} if longest is None else {fields.TEXT: longest}
    if fields.TEXT not in found:
        RecordReader(record, str(origin), name).article()  # says what is wrong
    cells = {one: texts[key] for one, key in found.items()}
    for value in cells.values():
        if SURROGATE.search(value):
            reason = "holds half a character (a lone surrogate); write it again as UTF-8"
            raise InputError(str(origin), reason)
    yield from fields.articles(cells, str(origin), name, origin)


def _longest_of(line: str) -> str | None:
    """Give the name under which a line has its text, where none of the usual is there."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # of which reading it will tell
        return None
    known = not isinstance(record, dict) or fields.TEXT in fields.guess(_texts(record))
    return None if known or _listed(record) is not None else _longest(record)


def _longest(record: Mapping[str, Any]) -> str | None:
    """Give the name of the longest text of a record; None where none is as long as an article."""
    texts = _texts(record)
    others = set(fields.guess(texts).values())
    words = {key: len(value.split()) for key, value in texts.items() if key not in others}
    longest = max(words, key=lambda key: words[key], default=None)
    return longest if longest is not None and words[longest] >= _LEAST_WORDS else None


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    """Give what of a record is text, or the number of an id."""
    return {
        key: str(value)
        for key, value in record.items()
        if isinstance(value, str)
        or (fields.is_known(key, fields.ID) and type(value) is int and abs(value) < 10**18)
    }
