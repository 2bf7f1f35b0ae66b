"""doccano: sentences as texts to classify, articles as texts with entities and relations.

Format: JSONL as doccano imports and exports it ("Text Classification": ``text``, ``label``;
"Sequence Labeling" with relations: ``text``, ``entities``, ``relations``; other columns are kept as
metadata), doccano.github.io/doccano/tutorial, and ``backend/data_import``, ``data_export`` of
release 1.8.4. An archive of several annotators has a file each, called after them. Offsets are code
points, unless the project counts grapheme clusters, which it doesn't by default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from framescope.training.annotation import streams
from framescope.training.annotation.marking import Marking, MarkRole
from framescope.training.annotation.scheme import Scheme, guidance
from framescope.training.annotation.task import AnnotationError, Assignment
from framescope.training.annotation.tool import (
    README,
    File,
    Gathered,
    Returned,
    Tool,
    as_json,
    as_lines,
    needed,
    needed_text,
)
from framescope.training.annotation.wording import content_labels, flat, mark_label, unflat

TITLE = "doccano"
_NOBODY = ("all", "unknown", streams.SENTENCES, streams.MARKS)  # files that name no annotator
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#e377c2", "#7f7f7f")

_STEPS = """\
1. Make a project *Text Classification* for `sentences.jsonl` (column of the text: `text`, of the
   label: `label`), with the labels of `sentences-labels.json`.
2. Make a project *Sequence Labeling* for `marks.jsonl`, with *Allow overlapping spans* and *Use
   relation labeling*, and without *Count grapheme clusters as one character*; its labels are in
   `marks-labels.json`, its relation in `relations-labels.json`.
3. Label. Link the parts of a citation with its content.
4. Export each as JSONL (with relations), put both into one folder EXPORT, and run
   `framescope annotate import EXPORT --from doccano --articles articles.jsonl -o labels.jsonl`.
"""
RELATION = "of one citation"


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write both streams, their labels, and what to do with them."""
    sentences: list[dict[str, Any]] = []
    articles: list[dict[str, Any]] = []
    number = 0
    for task in tasks:
        begun = task.begun
        whose = {} if begun.by is None or not task.labelled else {"annotator": begun.by}
        for one in streams.asked(task, begun, of_article=bool(scheme.of_article)):
            sentences.append(
                {"text": one.text, "label": flat(one.answers), **one.about(task.article), **whose}
            )
        marking = streams.marked(begun)
        ids = {mark.id: number + at for at, mark in enumerate(marking.marks, start=1)}
        number += len(ids)
        entities = [
            {"id": ids[mark.id], "label": mark_label(mark),
             "start_offset": mark.start, "end_offset": mark.end}
            for mark in marking.marks
        ]  # fmt: skip
        relations = [
            {"id": at, "from_id": ids[one], "to_id": ids[other], "type": RELATION}
            for at, (one, other) in enumerate(marking.links, start=number)
        ]
        about = {"article": as_json(streams.about_article(task.article)).decode(), **whose}
        articles.append(
            {"text": task.article.text, "entities": entities, "relations": relations, **about}
        )
    asked = [*scheme.of_sentences, *scheme.of_article]
    questions = [flat({one.name: answer})[0] for one in asked for answer in one.answers]
    marks = [signal.name for signal in scheme.techniques]
    if scheme.citations:
        roles = [role.value for role in scheme.roles if role is not MarkRole.CONTENT]
        marks += [*roles, *content_labels()]
    return {
        "sentences.jsonl": as_lines(sentences),
        "marks.jsonl": as_lines(articles),
        "sentences-labels.json": as_json(_labels(questions)),
        "marks-labels.json": as_json(_labels(marks)),
        "relations-labels.json": as_json(_labels([RELATION])),
        README: guidance(scheme, _STEPS),
    }


def _labels(names: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"text": name, "background_color": _COLOURS[at % len(_COLOURS)], "text_color": "#ffffff"}
        for at, name in enumerate(names)
    ]


def read(given: Gathered) -> list[Returned]:
    """Read exports of either kind of project, or of both."""
    found: list[Returned] = []
    for file in given.of(".jsonl"):
        for where, record in file.lines():
            text = needed(record, "text", str, where, TITLE)
            if "annotations" in record:
                raise AnnotationError(
                    f"{where}: has 'annotations', as doccano before 1.0 writes; "
                    "export it as JSONL from release 1.8"
                )
            if record.get("of") is not None:
                found.append(_answered(record, given, file, where))
            else:
                needed_text(record, "text", where, TITLE)
                found.append(_marked(record, text, given, file, where))
    return found


def _by(record: Mapping[str, Any], file: File) -> str | None:
    if isinstance(record.get("annotator"), str):
        return str(record["annotator"])
    return None if file.stem in _NOBODY else file.stem


def _answered(record: Mapping[str, Any], given: Gathered, file: File, where: str) -> Returned:
    labels = record.get("label", record.get("labels"))
    if not isinstance(labels, list):
        needed(record, "label", list, where, TITLE)
    answers = unflat(labels or [], where)
    article, marking, part = streams.answered(record, answers, given, where, TITLE)
    by = _by(record, file)
    return Returned(article, Marking(marking.marks, answers=marking.answers, by=by), part, where)


def _marked(
    record: Mapping[str, Any], text: str, given: Gathered, file: File, where: str
) -> Returned:
    name = str(record.get("id", where))
    article, shown = streams.whole_article(record, text, given, name, where)
    if "entities" in record:
        entities = needed(record, "entities", list, where, TITLE)
        spans = [
            (
                str(needed(one, "id", int, where, TITLE)),
                needed(one, "label", str, where, TITLE),
                needed(one, "start_offset", int, where, TITLE),
                needed(one, "end_offset", int, where, TITLE),
                None,
            )
            for one in entities
        ]
    else:  # as JSONL without relations has it: [start, end, label]
        spans = [(f"#{at}", *_triple(one, where)) for at, one in enumerate(_triples(record, where))]
    links = tuple(
        (
            str(needed(one, "from_id", int, where, TITLE)),
            str(needed(one, "to_id", int, where, TITLE)),
        )
        for one in record.get("relations") or ()
    )
    marks = streams.places_of(spans, article, where, shown)
    return Returned(article, Marking(marks, links, by=_by(record, file)), streams.MARKS, where)


def _triples(record: Mapping[str, Any], where: str) -> list[Any]:
    key = "labels" if "labels" in record else "label"
    found = needed(record, key, list, where, TITLE)
    assert isinstance(found, list)
    return found


def _triple(one: Any, where: str) -> tuple[Any, int, int, None]:
    if not isinstance(one, list) or len(one) != 3 or not all(type(at) is int for at in one[:2]):
        raise AnnotationError(
            f"{where}: '{one}' is no [start, end, label]; export it as JSONL with relations"
        )
    return one[2], one[0], one[1], None


TOOL = Tool(
    "doccano",
    TITLE,
    write,
    read,
    lacks=(
        "a check of offsets: its files hold no marked words, so that UTF-16 units are only found "
        "where they lead out of the text",
    ),
)
