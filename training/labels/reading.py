"""Labelled files: the articles of each annotator, and every fault of every line.

Reading for training stops at the first fault. Whoever corrects a file needs all of them, so a
record that can't be read is read again part by part.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article

ANNOTATOR = "annotator"
"""The key of a record that names whose labels it holds."""

_ITEM = re.compile(r"(?<= item )\d+")
_OTHER_UNITS = {
    "UTF-16 units, as JavaScript and Java do": ("utf-16-le", 2),
    "bytes of UTF-8": ("utf-8", 1),
}
_LONGEST = 10_000_000  # characters of a text


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """One problem: where it is, what is wrong, and its kind."""

    where: str
    what: str
    kind: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LabelledArticle:
    """An article of a labelled file, its record as it stands there, and its annotator if named."""

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
        """The article's id, with the annotator."""
        return self.article.id + (f" ({self.annotator})" if self.annotator else "")


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """The articles that could be read from some files, and what is wrong with the other lines."""

    articles: tuple[LabelledArticle, ...]
    problems: tuple[LabelProblem, ...]


Annotators = dict[str, list[LabelledArticle]]


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield the number of each line that isn't blank, with its object or the reason for having none.

    Raises
    ------
    InputError
        When the file can't be read.
    """
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


def read_records(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read the numbered records of a file, all of which must be articles, with or without text.

    Raises
    ------
    InputError
        When the file can't be read, has no record, or a line isn't one.
    """
    records = []
    for number, record in read_lines(path):
        if isinstance(record, str):
            raise InputError(f"{path}, line {number}", f"{record}; give a JSONL file of articles")
        if "id" not in record or not {"sentences", "text"} & record.keys():
            raise InputError(f"{path}, line {number}", "lacks 'id', or 'sentences' and 'text'")
        records.append((number, record))
    if not records:
        raise InputError(path, "holds no record; give a JSONL file of labelled articles")
    return records


# Every fault of a file


def read_labelled(paths: Iterable[Path]) -> LabelledFiles:
    """Read files of the exchange format, and list every fault in them.

    Raises
    ------
    InputError
        When a file can't be read, or no line of it is a record.
    """
    articles: list[LabelledArticle] = []
    problems: list[LabelProblem] = []
    for path in paths:
        lines = list(read_lines(path))
        if not any(isinstance(record, dict) for _, record in lines):
            why = f"line {lines[0][0]}: {lines[0][1]}" if lines else "empty"
            reason = f"can't be read: no line is a record ({why}); give a JSONL file of articles"
            raise InputError(path, reason)
        for line, record in lines:
            if isinstance(record, str):
                article, faults = None, [record]
            else:
                article, faults = read_record(record, path, line)
            problems += [LabelProblem(f"{path}, line {line}", fault, "schema") for fault in faults]
            if article is not None:
                articles.append(article)
    return LabelledFiles(tuple(articles), tuple(problems))


def read_record(
    record: Mapping[str, Any], path: Path, line: int
) -> tuple[LabelledArticle | None, list[str]]:
    """Read one record.

    Returns
    -------
    LabelledArticle or None
        None where something in it can't be read.
    list of str
        Every fault, in the record's order, and whether its offsets count another unit.
    """
    faults = list(_faults(record))
    name = record.get(ANNOTATOR)
    if name is not None and not _is_name(name):
        faults.append(f"'{ANNOTATOR}' must be a name, as text")
    if (unit := _other_unit(record)) is not None:
        faults.append(f"its offsets count {unit}; they must count characters (code points)")
    try:
        article = from_record(record, str(path), line)
    except InputError:
        return None, faults
    return LabelledArticle(
        article, record, path, line, name.strip() if _is_name(name) else None
    ), faults


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name.strip())


def _faults(record: Mapping[str, Any]) -> Iterable[str]:
    whole = _fault(record)
    if whole is None:
        return ()
    found = {_fault({"id": record.get("id"), "text": record.get("text")}): None}
    sound = {"id": "a", "text": record.get("text")}
    if _fault(sound) is None:  # else no offset can be checked
        for number, part in _parts(record):
            fault = _fault({**sound, **part})
            if fault and number is not None:
                fault = _ITEM.sub(lambda at: str(number + int(at[0])), fault, count=1)  # noqa: B023
            found[fault] = None
    # A contradiction between parts shows in the whole record only.
    return [fault for fault in found if fault] or [whole]


def _fault(record: Mapping[str, Any]) -> str | None:
    try:
        from_record(record, "", 0)
    except InputError as error:
        return error.reason
    return None


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Yield pieces of a record with one possible fault each, and the number of their first item."""
    for key, value in record.items():
        if key == "labels" and isinstance(value, dict):
            yield from ((None, {key: {name: label}}) for name, label in value.items())
        elif key in ("sentences", "spans", "republications") and isinstance(value, list):
            for number, item in enumerate(value):
                yield from ((number, {key: [one]}) for one in _pieces(item))
            if key == "sentences":
                for number, pair in enumerate(pairwise(value)):
                    yield number, {key: [_place(item) for item in pair]}
        elif key not in ("id", "text"):
            yield None, {key: value}


def _pieces(item: Any) -> Iterator[Any]:
    """Yield an item without its labels and citations, then with one label or the citations alone."""
    if not isinstance(item, dict):
        yield item
        return
    labels, citations = item.get("labels"), item.get("citations")
    inner = {"labels": isinstance(labels, dict), "citations": isinstance(citations, list)}
    yield {key: value for key, value in item.items() if not inner.get(key)}
    if isinstance(labels, dict):
        yield from ({**_place(item), "labels": {name: one}} for name, one in labels.items())
    if isinstance(citations, list):
        yield {**_place(item), "citations": citations}


def _place(item: Any) -> Any:
    return {k: item.get(k) for k in ("start", "end")} if isinstance(item, dict) else item


def _other_unit(record: Mapping[str, Any]) -> str | None:
    """Return the unit that a record's offsets count, if they make sense in it and not as characters."""
    text = record.get("text")
    places = [
        (item["start"], item["end"])
        for key in ("sentences", "spans")
        for item in (record[key] if isinstance(record.get(key), list) else ())
        if isinstance(item, dict) and type(item.get("start")) is type(item.get("end")) is int
    ]
    if not isinstance(text, str) or all(_whole(text, *place) for place in places):
        return None
    for name, (encoding, width) in _OTHER_UNITS.items():
        sizes = (len(char.encode(encoding, "surrogatepass")) // width for char in text)
        index = {offset: at for at, offset in enumerate(accumulate(sizes, initial=0))}
        if all(
            start in index and end in index and _whole(text, index[start], index[end])
            for start, end in places
        ):
            return name
    return None


def _whole(text: str, start: int, end: int) -> bool:
    """Whether a place lies in a text, has no space at its ends, and cuts no word."""
    if not 0 <= start < end <= len(text) or text[start:end] != text[start:end].strip():
        return False
    edges = [at for at in (start, end) if 0 < at < len(text)]
    return not any(text[at - 1].isalnum() and text[at].isalnum() for at in edges)


# Several annotators


def read_annotators(paths: Sequence[Path]) -> Annotators:
    """Read the articles of each annotator, in the order of the files.

    An annotator is named by the record, or else by the file. Records may lack their text, as
    stand-off labels do.

    Raises
    ------
    CorpusError
        When a file is given twice, an annotator has labelled an article twice, or there is only
        one annotator.
    InputError
        When a line can't be read.
    """
    if twice := [path for path, times in Counter(p.resolve() for p in paths).items() if times > 1]:
        raise CorpusError(f"{twice[0]}: given twice; give each annotator's file once")
    stems = Counter(path.stem for path in paths)
    found: Annotators = defaultdict(list)
    seen: dict[tuple[str, str], LabelledArticle] = {}
    for path in paths:
        file_name = path.stem if stems[path.stem] == 1 else str(path)
        for line, record in read_records(path):
            name = record.get(ANNOTATOR, file_name)
            if not _is_name(name):
                raise InputError(f"{path}, line {line}", f"'{ANNOTATOR}' must be a name, as text")
            article = from_record(_with_text(record), str(path), line)
            one = LabelledArticle(article, record, path, line, name.strip())
            before = seen.setdefault((name.strip(), article.id), one)
            if before is not one:
                raise CorpusError(
                    f"{one.where}: annotator '{one.annotator}' has labelled '{article.id}' before, "
                    f"in {before.where}; rename one of the annotators, or remove one of the records"
                )
            found[name.strip()].append(one)
    if len(found) < 2:
        (only,) = found
        what = "give a file per annotator, or records that name their 'annotator'"
        raise CorpusError(f"{paths[0]}: all labels are by one annotator, '{only}'; {what}")
    return dict(found)


def _with_text(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a stand-off record a text of the length that its offsets need."""
    if "text" in record:
        return record
    return {**record, "text": "x" * min(max(_ends(record.get("sentences")), default=1), _LONGEST)}


def _ends(value: Any) -> Iterator[int]:
    """Yield every end of a place in some JSON."""
    if isinstance(value, list):
        for item in value:
            yield from _ends(item)
    elif isinstance(value, dict):
        if type(value.get("end")) is int:
            yield max(value["end"], 1)
        yield from _ends(list(value.values()))


def as_records(articles: Sequence[LabelledArticle]) -> list[dict[str, Any]]:
    """Return articles as agreement compares them: labels as numbers, the article as one more unit."""
    made = []
    for one in articles:
        units = one.article.units or ()
        sentences: list[dict[str, Any]] = []
        for unit, item in zip(units, one.record.get("sentences") or (), strict=False):
            sentences.append({"start": unit.start, "end": unit.end, "labels": unit.labels})
            if item.get("citations") is not None:
                sentences[-1]["citations"] = item["citations"]
        if one.article.labels:
            sentences.append({"start": -1, "end": -1, "labels": one.article.labels})
        made.append({"id": one.article.id, "sentences": sentences})
    return made
