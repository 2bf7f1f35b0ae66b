"""Several people's labels of the same articles, read person by person.

An annotator is named by the key ``annotator`` of a record, as imports from annotation tools write
it, and else by the name of the file.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.inputs import from_record
from framescope.training.labels.labelled import ANNOTATOR, LabelledArticle

Annotators = dict[str, list[LabelledArticle]]
_LONGEST = 10_000_000  # characters of a text, as the format has it


def read_annotators(paths: Sequence[Path]) -> Annotators:
    """Read the articles of each annotator, in the order of the files.

    Records may lack their text, as stand-off labels do: then any text of that length stands for it.

    Raises
    ------
    CorpusError
        When a file is given twice, an annotator has labelled an article twice, or all labels are
        one annotator's.
    InputError
        When a line can't be read.
    """
    if twice := [path for path, times in Counter(p.resolve() for p in paths).items() if times > 1]:
        raise CorpusError(f"{twice[0]}: given twice; give each annotator's file once")
    stems = Counter(path.stem for path in paths)
    found: Annotators = defaultdict(list)
    seen: dict[tuple[str, str], LabelledArticle] = {}
    for path in paths:
        file = path.stem if stems[path.stem] == 1 else str(path)
        for one in _articles(path, file):
            assert one.annotator is not None
            before = seen.setdefault((one.annotator, one.article.id), one)
            if before is not one:
                reason = f"annotator '{one.annotator}' has labelled '{one.article.id}' before"
                what = "give two annotators two names, or leave one of the records out"
                raise CorpusError(f"{one.where}: {reason}, in {before.where}; {what}")
            found[one.annotator].append(one)
    if len(found) < 2:
        (only,) = found
        what = "give a file of each, or records that name their 'annotator'"
        raise CorpusError(f"{paths[0]}: all labels are of one annotator, '{only}'; {what}")
    return dict(found)


def read(path: Path) -> list[dict[str, Any]]:
    """Read records of one file, with or without their text.

    Raises
    ------
    CorpusError
        When the file isn't there, or a line is no record.
    """
    return [record for _, record in _records(path)]


def _records(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        lines = enumerate(path.read_text(encoding="utf-8").removeprefix("\ufeff").split("\n"), 1)
        records = [(number, json.loads(line)) for number, line in lines if line.strip()]
        if not records:
            raise ValueError("no line has a record")
        for number, record in records:
            if not {"id", "sentences"} <= record.keys() and not {"id", "text"} <= record.keys():
                raise ValueError(f"line {number} lacks 'id' or 'sentences'")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CorpusError(f"{path}: no annotator's labels ({what}); give a JSONL file") from None
    return records


def _articles(path: Path, file: str) -> Iterator[LabelledArticle]:
    for line, record in _records(path):
        article = from_record(_with_text(record), str(path), line)
        name = record.get(ANNOTATOR, file)
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{path}, line {line}", f"'{ANNOTATOR}' must be a name, as text")
        yield LabelledArticle(article, record, path, line, name.strip())


def _with_text(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a stand-off record some text of the length that its offsets need."""
    if "text" in record:
        return record
    return {**record, "text": "x" * min(max(_ends(record.get("sentences")), default=1), _LONGEST)}


def _ends(value: Any) -> Iterator[int]:
    """Give every end of a place in some JSON."""
    if isinstance(value, list):
        for item in value:
            yield from _ends(item)
    elif isinstance(value, dict):
        if type(value.get("end")) is int:
            yield max(value["end"], 1)
        yield from _ends(list(value.values()))


def as_records(articles: Sequence[LabelledArticle]) -> list[dict[str, Any]]:
    """Give articles as agreement reads them: labels as numbers, nothing that isn't annotated."""
    made = []
    for one in articles:
        units = one.article.units or ()
        items = zip(units, one.record.get("sentences") or (), strict=False)
        sentences: list[dict[str, Any]] = [
            {
                "start": unit.start,
                "end": unit.end,
                "labels": unit.labels,
                **({"citations": item["citations"]} if item.get("citations") is not None else {}),
            }
            for unit, item in items
        ]
        if one.article.labels:  # what is said of the whole is compared as one more unit
            sentences.append({"start": -1, "end": -1, "labels": one.article.labels})
        made.append({"id": one.article.id, "sentences": sentences})
    return made
