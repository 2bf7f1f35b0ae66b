"""doccano: sentences as texts to classify, articles as texts with entities and relations.

Format: JSONL of release 1.8 ("Text Classification" and "Sequence Labeling" with relations),
doccano.github.io/doccano/tutorial. An archive of several annotators has a file for each, named
after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from framescope.training.annotation import exchange, marks
from framescope.training.annotation.exchange import Piece, Returned, Task, needed
from framescope.training.annotation.marks import Marking, Questions, Role

RELATION = "of one citation"
_NOBODY = ("all", "unknown", "sentences", "marks")  # names of files that name no annotator
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#e377c2", "#7f7f7f")
_STEPS = """\
1. Create a project *Text Classification* for `sentences.jsonl` (column of the text: `text`, of the
   label: `label`), with the labels of `sentences-labels.json`.
2. Create a project *Sequence Labeling* for `marks.jsonl`, with *Allow overlapping spans* and *Use
   relation labeling*, and without *Count grapheme clusters as one character*; its labels are in
   `marks-labels.json`, its relation in `relations-labels.json`.
3. Label. Link the parts of a citation with its content.
4. Export both as JSONL (with relations) into one folder EXPORT, and run
   `framescope annotate import EXPORT --from doccano --articles articles.jsonl -o labels.jsonl`.
"""


def write(tasks: Sequence[Task], questions: Questions) -> dict[str, bytes]:
    """Return the texts of both projects, their labels, and the guidance."""
    sentences: list[dict[str, Any]] = []
    articles: list[dict[str, Any]] = []
    number = 0
    for task in tasks:
        whose = {} if task.annotator is None or not task.labelled else {"annotator": task.annotator}
        for about, answers in exchange.question_tasks(task, questions):
            sentences.append({**about, "label": marks.flat(answers), **whose})
        marking = marks.to_marking(task.begun)
        marked = [mark for mark in marking.marks if mark.role is not Role.SENTENCE]
        ids = {mark.id: number + at for at, mark in enumerate(marked, start=1)}
        number += len(ids)
        entities = [
            {"id": ids[mark.id], "label": marks.mark_label(mark),
             "start_offset": mark.start, "end_offset": mark.end}
            for mark in marked
        ]  # fmt: skip
        relations = [
            {"id": at, "from_id": ids[one], "to_id": ids[other], "type": RELATION}
            for at, (one, other) in enumerate(marking.links, start=number)
        ]
        record = {"text": task.article.text, "entities": entities, "relations": relations}
        articles.append({**record, "article": task.article.id, **whose})
    asked = (*questions.of_sentences, *questions.of_article)
    parts = [*marks.PARTS, *marks.content_labels()] if questions.parts else []
    return {
        "sentences.jsonl": exchange.as_lines(sentences),
        "marks.jsonl": exchange.as_lines(articles),
        "sentences-labels.json": _labels([label for one in asked for label in one.flat]),
        "marks-labels.json": _labels([*questions.spans, *parts]),
        "relations-labels.json": _labels([RELATION]),
        exchange.README: questions.guidance(_STEPS),
    }


def _labels(names: Sequence[str]) -> bytes:
    return exchange.as_json([
        {"text": name, "background_color": _COLOURS[at % len(_COLOURS)], "text_color": "#ffffff"}
        for at, name in enumerate(names)
    ])  # fmt: skip


def read(given: Returned) -> Iterator[Piece]:
    """Yield the labels of exports of either project, or of both."""
    for file in given.of(".jsonl"):
        for where, record in file.lines():
            needed(record, "text", str, where)
            by = record.get("annotator")
            if not isinstance(by, str):
                stem = PurePosixPath(file.base).stem
                by = None if stem in _NOBODY else stem
            if record.get("of") is not None:
                labels = record.get("label", record.get("labels")) or []
                yield exchange.answered(record, labels, given, by, where)
            else:
                yield _marked(record, given, by, where)


def _marked(record: Mapping[str, Any], given: Returned, by: str | None, where: str) -> Piece:
    article = exchange.whole_article(record, given, where)
    keys = {"id": int, "label": str, "start_offset": int, "end_offset": int}
    found = []
    for one in needed(record, "entities", list, where):
        number, label, start, end = (needed(one, key, of, where) for key, of in keys.items())
        found.append(marks.labelled_mark(str(number), label, start, end, where))
    links = tuple(
        (str(needed(one, "from_id", int, where)), str(needed(one, "to_id", int, where)))
        for one in record.get("relations") or ()
    )
    marking = Marking(marks.fit(found, article.text, where), links)
    return Piece(article, marking, by, "marks", where)


FORMAT = exchange.Format("doccano", write, read, apart=False)
