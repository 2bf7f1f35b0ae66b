"""doccano and Prodigy: JSONL of sentences to classify, and of articles with marks and relations.

doccano: release 1.8 ("Text Classification" and "Sequence Labeling" with relations),
doccano.github.io/doccano/tutorial. An archive of several annotators has a file for each, named
after them. Prodigy: "Annotation task formats", prodi.gy/docs/api-interfaces: ``choice``,
``spans_manual`` and ``relations``, and ``db-out``'s ``answer`` and ``_annotator_id``. Its relations
view shows no overlapping spans: citations that overlap go into further tasks of the same article.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from framescope.training.annotation import exchange, marks
from framescope.training.annotation.exchange import Piece, Returned, Task, needed
from framescope.training.annotation.marks import Mark, Marking, Question, Questions, Role

RELATION = "of one citation"
_NOBODY = ("all", "unknown", "sentences", "marks")  # names of files that name no annotator
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#e377c2", "#7f7f7f")
_ROLES = [*marks.PARTS, *marks.content_labels()]
_DATASET = re.compile(r"^framescope-(?:sentences|spans|citations)-")
_TIME = re.compile(r"(?:.*-)?\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_TOKENS = re.compile(r"\w+|[^\w\s]")


def write_doccano(tasks: Sequence[Task], questions: Questions) -> dict[str, bytes]:
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
    return {
        "sentences.jsonl": exchange.as_lines(sentences),
        "marks.jsonl": exchange.as_lines(articles),
        "sentences-labels.json": _labels([label for one in asked for label in one.flat]),
        "marks-labels.json": _labels([*questions.spans, *(_ROLES if questions.parts else ())]),
        "relations-labels.json": _labels([RELATION]),
        exchange.README: questions.guidance("doccano"),
    }


def _labels(names: Sequence[str]) -> bytes:
    return exchange.as_json([
        {"text": name, "background_color": _COLOURS[at % len(_COLOURS)], "text_color": "#ffffff"}
        for at, name in enumerate(names)
    ])  # fmt: skip


def read_doccano(given: Returned) -> Iterator[Piece]:
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
                yield _marked_in_doccano(record, given, by, where)


def _marked_in_doccano(record: Any, given: Returned, by: str | None, where: str) -> Piece:
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


def write_prodigy(tasks: Sequence[Task], questions: Questions) -> dict[str, bytes]:
    """Return three streams of tasks, their settings, and the guidance."""
    streams: dict[str, list[dict[str, Any]]] = {"sentences": [], "spans": [], "citations": []}
    of = {"sentence": _options(questions.of_sentences), "article": _options(questions.of_article)}
    for task in tasks:
        more: dict[str, Any] = {"meta": {"article": task.article.id}}
        if task.labelled is not None and task.predicted is None:  # a model's are to be checked
            more["answer"] = "accept"
            more |= {} if task.annotator is None else {"_annotator_id": task.annotator}
        for about, answers in exchange.question_tasks(task, questions):
            options = {"options": of[about["of"]], "accept": marks.flat(answers)}
            streams["sentences"].append({**about, **options, "_view_id": "choice", **more})
        marking = marks.to_marking(task.begun)
        if questions.spans:
            record, _ = _whole(task, [m for m in marking.marks if m.role is Role.SPAN])
            view = {"_view_id": "spans_manual", "config": {"labels": list(questions.spans)}}
            streams["spans"].append({**record, **view, **more})
        for layer, (parts, links) in enumerate(_layers(marking) if questions.parts else ()):
            record, spans = _whole(task, parts)
            record["relations"] = [
                {"label": RELATION, "head_span": spans[one], "child_span": spans[other],
                 "head": spans[one]["token_end"], "child": spans[other]["token_end"]}
                for one, other in links
            ]  # fmt: skip
            config = {"labels": [RELATION], "relations_span_labels": _ROLES}
            view = {"_view_id": "relations", "config": config}
            streams["citations"].append({**record, **view, "layer": layer, **more})
    settings = {
        "choice_style": "multiple", "choice_auto_accept": False, "show_whitespace": False,
        "relations_span_labels": _ROLES, "labels": [RELATION], "wrap_relations": True,
    }  # fmt: skip
    files = {f"{name}.jsonl": exchange.as_lines(found) for name, found in streams.items() if found}
    files["prodigy.json"] = exchange.as_json(settings)
    return {**files, exchange.README: questions.guidance("prodigy")}


def _options(questions: Sequence[Question]) -> list[dict[str, str]]:
    return [{"id": label, "text": label} for one in questions for label in one.flat]


def _whole(task: Task, found: Sequence[Mark]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a task of the whole text with its spans, and the spans by mark."""
    text = task.article.text
    tokens = _tokens(text, {edge for mark in found for edge in (mark.start, mark.end)})
    first = {token["start"]: token["id"] for token in tokens}
    last = {token["end"]: token["id"] for token in tokens}
    spans = {
        mark.id: {
            "start": mark.start, "end": mark.end, "label": marks.mark_label(mark),
            "text": text[mark.start : mark.end],
            "token_start": first[mark.start], "token_end": last[mark.end],
        }
        for mark in found
    }  # fmt: skip
    record = {"text": text, "tokens": tokens, "spans": list(spans.values())}
    return {**record, "article": task.article.id}, spans


def _tokens(text: str, edges: set[int]) -> list[dict[str, Any]]:
    """Split a text into tokens, and at the ends of marks: the views mark whole tokens."""
    words = (edge for found in _TOKENS.finditer(text) for edge in found.span())
    pieces = [
        (start, end)
        for start, end in pairwise(sorted({0, len(text), *edges, *words}))
        if not text[start:end].isspace() or {start, end} & edges
    ]
    return [
        {"text": text[start:end], "start": start, "end": end, "id": at,
         "ws": end < len(text) and text[end].isspace()}
        for at, (start, end) in enumerate(pieces)
    ]  # fmt: skip


def _layers(marking: Marking) -> list[tuple[list[Mark], list[tuple[str, str]]]]:
    """Arrange citations so that no spans of a layer overlap, except for parts that two share."""
    heads = {other: one for one, other in marking.links}
    citations: dict[str, list[Mark]] = {}
    for mark in marking.marks:
        if mark.role not in (Role.SENTENCE, Role.SPAN):
            citations.setdefault(heads.get(mark.id, mark.id), []).append(mark)
    layers: list[list[Mark]] = [[]]
    for parts in citations.values():
        apart = (one for one in layers if not any(_clash(p, o) for p in parts for o in one))
        if (layer := next(apart, None)) is None:
            layers.append(layer := [])
        layer += parts
    found = []
    for layer in layers:
        kept: dict[tuple[Any, ...], Mark] = {}
        same = {m.id: kept.setdefault((m.role, m.start, m.end), m).id for m in layer}
        links = [(same[one], same[other]) for one, other in marking.links if one in same]
        found.append((list(kept.values()), links))
    return found


def _clash(one: Mark, other: Mark) -> bool:
    shared = one.role is other.role is not Role.CONTENT
    same = shared and (one.start, one.end) == (other.start, other.end)
    return one.start < other.end and other.start < one.end and not same


def read_prodigy(given: Returned) -> Iterator[Piece]:
    """Yield the accepted tasks of ``db-out``, of all three views."""
    for file in given.of(".jsonl"):
        for where, record in file.lines():
            needed(record, "text", str, where)
            if record.get("answer") not in ("accept", "reject", "ignore", None):
                needed(record, "answer as accept, reject or ignore", str, where)
            if record.get("answer") == "accept" and "accept" in record:
                labels = needed(record, "accept", list, where)
                yield exchange.answered(record, labels, given, _annotator(record), where)
            elif record.get("answer") == "accept":
                yield _marked_in_prodigy(record, given, where)


def _annotator(record: Mapping[str, Any]) -> str | None:
    """Return the session's name without that of its dataset, unless it is a time."""
    given = record.get("_annotator_id") or record.get("_session_id")
    name = _DATASET.sub("", given) if isinstance(given, str) else ""
    return None if not name or _TIME.fullmatch(name) else name


def _marked_in_prodigy(record: Mapping[str, Any], given: Returned, where: str) -> Piece:
    article, relations = exchange.whole_article(record, given, where), record.get("relations")
    keys, tokens = ("head_span", "child_span"), record.get("tokens") or ()
    ends = [needed(one, key, dict, where) for one in relations or () for key in keys]
    spans = needed({"spans": [], **record} if ends else record, "spans", list, where)
    shown = {(one.get("start"), one.get("end")): one.get("text") for one in tokens}
    ids: list[str] = []
    found: dict[str, Mark] = {}
    for span in (*spans, *ends):  # a span may be there only as the end of a relation
        start, end = (needed(span, key, int, where) for key in ("start", "end"))
        label = needed(span, "label", str, where)
        words = span.get("text", shown.get((start, end)))
        ids.append(f"{start}-{end} {label}")
        mark = marks.labelled_mark(ids[-1], label, start, end, where)
        found.setdefault(mark.id, replace(mark, words=words if isinstance(words, str) else None))
    linked = ids[len(spans) :]
    placed = marks.fit(list(found.values()), article.text, where)
    marking = Marking(placed, tuple(zip(linked[::2], linked[1::2], strict=True)))
    part = "spans" if relations is None else f"citations {record.get('layer', 0)}"
    return Piece(article, marking, _annotator(record), part, where)


DOCCANO = exchange.Format("doccano", write_doccano, read_doccano, apart=False)
PRODIGY = exchange.Format("Prodigy", write_prodigy, read_prodigy)
