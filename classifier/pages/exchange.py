"""The exchange format: one article a line of JSON (JSONL).

What users bring labelled data in, what annotation tools are converted to, and what scoring writes
back. Only ``id`` and ``text`` are required; offsets are Unicode code points, end-exclusive. Keys
that are not part of the format are ignored, so a scored file can be read and scored again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from classifier.errors import InputError
from classifier.pages.exchange_record import (
    EXTRA,
    IMPRINT,
    MAX_CHARS,
    OPTIONAL,
    SURROGATE,
    RecordReader,
)
from classifier.values import Article, Imprint, Skipped, Span, Unit

# A file of records begins with a key; prose that begins with a brace or a bracket does not.
_FIRST_KEY = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\n]{1,80}"\s*:|\Z)')


def looks_like_records(head: str) -> bool:
    """Whether a file that begins with ``head`` is JSON, and not prose.

    Parameters
    ----------
    head : str
        The first few hundred characters at least.
    """
    return _FIRST_KEY.match(head) is not None


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
    """Read one article from a JSON object.

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


def read_lines(lines: Iterable[str], source: str) -> Iterator[Article | Skipped]:
    """Read articles from the lines of an exchange-format file, one at a time.

    Parameters
    ----------
    lines : iterable of str
        With or without their line ends; blank ones are passed over. Bytes that are not UTF-8 may
        come as lone surrogates (``errors="surrogateescape"``): their line is reported as such.
    source : str
        The file, for messages.

    Yields
    ------
    Article or Skipped
        In the file's order; a line that can't be read is `Skipped`, and reading goes on.

    Raises
    ------
    InputError
        At once when the file is a JSON array or an object spread over several lines; at the end
        when no line held an article.
    """
    good, first_reason = 0, ""
    started = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not started:
            _refuse_other_json(line, source)
            started = True
        try:
            article = _read_line(line, source, number)
        except InputError as error:
            first_reason = first_reason or f"line {number}: {error.reason}"
            yield Skipped(error.source, error.reason)
        else:
            good += 1
            yield article
    if not started:
        raise InputError(source, "the file is empty; put one article a line in it, as JSON")
    if not good:
        raise InputError(
            source,
            f"no line is an article ({first_reason}); "
            "write one JSON object a line (jq -c . FILE), each with 'id' and 'text'",
        )


def _refuse_other_json(line: str, source: str) -> None:
    start = line.strip()
    if start.startswith("["):
        raise InputError(
            source, "a JSON array; write one article a line instead (jq -c '.[]' FILE)"
        )
    if start == "{":
        raise InputError(
            source, "a JSON object spread over lines; write one article a line (jq -c . FILE)"
        )


def _read_line(line: str, source: str, number: int) -> Article:
    where = f"{source}, line {number}"
    if len(line) > MAX_CHARS:
        raise InputError(where, f"longer than {MAX_CHARS:,} characters; split the article")
    if SURROGATE.search(line):
        raise InputError(where, "not UTF-8; convert the file (iconv -t UTF-8) and try again")
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        reason = f"not JSON ({error.msg} at column {error.colno}); mend or remove the line"
        raise InputError(where, reason) from None
    except (ValueError, RecursionError):
        raise InputError(where, "not JSON that can be read; mend or remove the line") from None
    if not isinstance(record, dict):
        raise InputError(where, 'not a JSON object; write {"id": ..., "text": ...}')
    return from_record(record, source, number)
