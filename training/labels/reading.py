"""Labelled files: the articles of each annotator, and every fault of every line."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.inputs.exchange import parse_line, read_record
from framescope.classifier.records import Article

ANNOTATOR = "annotator"  # the key of a record that names whose labels it holds
_NO_NAME = f"'{ANNOTATOR}' must be a name, as text"
_ITEM = re.compile(r"(?<= item )\d+")
_OTHER_UNITS = {
    "UTF-16 units, as JavaScript and Java do": ("utf-16-le", 2),
    "bytes of UTF-8": ("utf-8", 1),
}
_LONGEST = 10_000_000  # characters of a text


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """A problem: where it is, what is wrong, and its kind."""

    where: str
    what: str
    kind: str = field(default="", compare=False)


class LabelledArticle(NamedTuple):
    """An article of a labelled file, its record as it stands there, and its annotator if named."""

    article: Article
    record: Mapping[str, Any]
    where: str
    annotator: str | None

    @property
    def name(self) -> str:
        """The article's id, with the annotator."""
        return self.article.id + (f" ({self.annotator})" if self.annotator else "")


class LabelledFiles(NamedTuple):
    """The articles that could be read from some files, and what is wrong with the other lines."""

    articles: tuple[LabelledArticle, ...]
    problems: tuple[LabelProblem, ...]


Annotators = dict[str, list[LabelledArticle]]


def label_sets(article: Article) -> list[Mapping[str, float]]:
    """Return the labels of an article, then those of each of its sentences."""
    return [article.labels, *(unit.labels for unit in article.units or ())]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Yield where each line is that isn't blank, and its record, or why it has none."""
    try:
        lines = path.read_text(encoding="utf-8").removeprefix("\ufeff").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(path, f"can't be read ({what}); give a JSONL file") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{path}, line {number}"
            try:
                yield where, parse_line(line, where)
            except InputError as error:
                yield where, error.reason


def read_records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return where the articles of a file are, and their records, with or without text."""
    records = []
    for where, record in _lines(path):
        if isinstance(record, str):
            raise InputError(where, record)
        if "id" not in record or not {"sentences", "speakers", "text"} & record.keys():
            raise InputError(where, "is no article: lacks 'id', or 'sentences' and 'text'")
        records.append((where, record))
    if not records:
        raise InputError(path, "holds no article; give a JSONL file of labelled articles")
    return records


def read_labelled(paths: Iterable[Path]) -> LabelledFiles:
    """Read files of the exchange format, and list every fault in them."""
    articles: list[LabelledArticle] = []
    problems: list[LabelProblem] = []
    for path in paths:
        lines = list(_lines(path))
        if all(isinstance(record, str) for _, record in lines):
            why = f"{lines[0][0].rpartition(', ')[2]}: {lines[0][1]}" if lines else "empty"
            raise InputError(path, f"can't be read: no line is a record ({why})")
        for where, record in lines:
            if isinstance(record, str):
                article, faults = None, [record]
            else:
                article, faults = check_record(record, where)
            articles += filter(None, [article])
            problems += [LabelProblem(where, fault, "schema") for fault in faults]
    return LabelledFiles(tuple(articles), tuple(problems))


def check_record(record: Mapping[str, Any], where: str) -> tuple[LabelledArticle | None, list[str]]:
    """Return an article, None where it can't be read, and every fault of its record."""
    given, faults = record.get(ANNOTATOR), list[str]()
    annotator = (given.strip() or None) if isinstance(given, str) else None
    if given is not None and annotator is None:
        faults.append(_NO_NAME)
    if (unit := _other_unit(record)) is not None:
        faults.append(f"its offsets count {unit}; they must count characters (code points)")
    if (whole := _fault(record)) is not None:
        return None, [*_faults(record, whole), *faults]
    return LabelledArticle(read_record(record, where), record, where, annotator), faults


def _fault(record: Mapping[str, Any]) -> str | None:
    try:
        read_record(record, "")
    except InputError as error:
        return error.reason
    return None


def _faults(record: Mapping[str, Any], whole: str) -> Iterable[str]:
    """Read a record that can't be read part by part: to correct a file takes all of its faults."""
    sound = {"id": "a", "text": record.get("text")}
    found = [_fault({**sound, "id": record.get("id")})]
    for number, part in _parts(record) if _fault(sound) is None else ():
        fault = _fault({**sound, **part})
        # The part is the first item of its list.
        found.append(fault and _ITEM.sub(lambda at: str(number + int(at[0])), fault, count=1))  # noqa: B023
    # A contradiction between parts shows in the whole record only.
    return dict.fromkeys(filter(None, found)) or [whole]


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield parts of a record with one possible fault each, and the number of their first item."""
    for key, value in record.items():
        if key == "labels" and isinstance(value, dict):
            yield from ((0, {key: {name: label}}) for name, label in value.items())
        elif key in ("sentences", "spans", "republications") and isinstance(value, list):
            for number, item in enumerate(value):
                yield from ((number, {key: [one]}) for one in _pieces(item))
            for number, pair in enumerate(pairwise(value) if key == "sentences" else ()):
                yield number, {key: [_place(item) for item in pair]}
        elif key not in ("id", "text"):
            yield 0, {key: value}


def _pieces(item: Any) -> Iterator[Any]:
    """Yield an item without labels and citations, then with one label or the citations alone."""
    inner = {"labels": dict, "citations": list} if isinstance(item, dict) else {}
    found = {key: item[key] for key, kind in inner.items() if isinstance(item.get(key), kind)}
    yield {k: v for k, v in item.items() if k not in found} if found else item
    for name, label in found.get("labels", {}).items():
        yield {**_place(item), "labels": {name: label}}
    if "citations" in found:
        yield {**_place(item), "citations": item["citations"]}


def _place(item: Any) -> Any:
    return {k: item.get(k) for k in ("start", "end")} if isinstance(item, dict) else item


def _other_unit(record: Mapping[str, Any]) -> str | None:
    """Return the unit in which a record's offsets make sense, if they don't as characters."""
    text = record.get("text")
    places = [
        (item["start"], item["end"])
        for key in ("sentences", "spans")
        for item in (record[key] if isinstance(record.get(key), list) else ())
        if isinstance(item, dict) and type(item.get("start")) is type(item.get("end")) is int
    ]
    if not isinstance(text, str) or all(_is_whole(text, *place) for place in places):
        return None
    for name, (encoding, width) in _OTHER_UNITS.items():
        sizes = (len(char.encode(encoding, "surrogatepass")) // width for char in text)
        index = {offset: at for at, offset in enumerate(accumulate(sizes, initial=0))}
        if all(_is_whole(text, index.get(start, -1), index.get(end, -1)) for start, end in places):
            return name
    return None


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a place lies in a text, has no space at its ends, and cuts no word."""
    if not 0 <= start < end <= len(text) or text[start:end] != text[start:end].strip():
        return False
    edges = [at for at in (start, end) if 0 < at < len(text)]
    return not any(text[at - 1].isalnum() and text[at].isalnum() for at in edges)


def read_annotators(paths: Sequence[Path]) -> Annotators:
    """Read the articles of each annotator, who is named by the record, or else by the file."""
    if twice := [path for path, times in Counter(p.resolve() for p in paths).items() if times > 1]:
        raise CorpusError(f"{twice[0]}: given twice; give each annotator's file once")
    stems = Counter(path.stem for path in paths)
    found: Annotators = defaultdict(list)
    seen: dict[tuple[str, str], str] = {}
    for path in paths:
        file_name = path.stem if stems[path.stem] == 1 else str(path)
        for where, record in read_records(path):
            given = record.get(ANNOTATOR, file_name)
            if not isinstance(given, str) or not given.strip():
                raise InputError(where, _NO_NAME)
            # A stand-off record has no text: any of the length that its offsets need will do.
            ends = map(int, re.findall(r'"end": (\d+)', json.dumps(record.get("sentences"))))
            text = "x" * min(max(ends, default=0) or 1, _LONGEST)
            name, article = given.strip(), read_record({"text": text, **record}, where)
            before = seen.setdefault((name, article.id), where)
            if before != where:
                what = f"annotator '{name}' has labelled '{article.id}' before, in {before}"
                how = "rename one of the annotators, or remove one of the records"
                raise CorpusError(f"{where}: {what}; {how}")
            found[name].append(LabelledArticle(article, record, where, name))
    if len(found) < 2:
        what = "give a file per annotator, or records that name their 'annotator'"
        raise CorpusError(f"{paths[0]}: all labels are by one annotator, '{min(found)}'; {what}")
    return dict(found)
