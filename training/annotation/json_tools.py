"""The tools whose files are JSON: Label Studio, doccano and Prodigy.

Label Studio (labelstud.io/guide, release 1.23): a task per article, sentences as regions with a
choice per question. The others: JSONL of sentences to classify, and of articles with marks and
relations. doccano (doccano.github.io/doccano/tutorial, release 1.8): an archive has a file for each
annotator, named after them. Prodigy (prodi.gy/docs/api-interfaces): its relations view shows no
overlapping spans, so citations that overlap go into further tasks of the same article.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, pairwise
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as Xml

from framescope.classifier.errors import InputError
from framescope.classifier.inputs.exchange import parse_json, read_record
from framescope.classifier.records import Article
from framescope.training.annotation import exchange, marks
from framescope.training.annotation.exchange import Piece, Returned, Task, needed
from framescope.training.annotation.marks import Mark, Marking, Question, Questions, Role

ROLE, TECHNIQUE = "part", "technique"  # controls that mark characters
# The beginning of the names of controls with choices, by what they are asked of.
_ASKED = {Role.SENTENCE: "sentence-", Role.CONTENT: "citation-", None: "article-"}
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#d62728", "#8c564b", "#e377c2", "#7f7f7f")
_PARTS = (Role.SOURCE, Role.CUE, Role.CONTENT, Role.ANTECEDENT)
_COLOUR_OF = {Role.SENTENCE: "#d9d9d9", **dict(zip(_PARTS, _COLOURS, strict=False))}


def write_label_studio(tasks: Sequence[Task], questions: Questions) -> dict[str, bytes]:
    """Return the tasks, the labelling configuration, and the guidance."""
    return {
        "tasks.json": exchange.as_json([_task(task) for task in tasks]),
        "config.xml": _config(questions),
        exchange.README: questions.guidance("label-studio"),
    }


def _config(questions: Questions) -> bytes:
    view = Xml.Element("View")
    Xml.SubElement(view, "Header", value="$title", size="4")
    parts = Xml.SubElement(view, "Labels", name=ROLE, toName="text", showInline="true")
    for role, hint in {Role.SENTENCE: marks.SENTENCE, **questions.parts}.items():
        Xml.SubElement(parts, "Label", value=role, hint=hint, background=_COLOUR_OF[role])
    if questions.spans:
        spans = Xml.SubElement(view, "Labels", name=TECHNIQUE, toName="text", showInline="true")
        for name, meaning in questions.spans.items():
            Xml.SubElement(spans, "Label", value=name, hint=meaning)
    asked = [(Role.SENTENCE, question) for question in questions.of_sentences]
    if questions.parts:
        Xml.SubElement(Xml.SubElement(view, "Relations"), "Relation", value="of one citation")
        kinds = "; ".join(f"{kind}: {meaning}" for kind, meaning in marks.KINDS.items())
        asked.append((Role.CONTENT, Question("kind", tuple(marks.KINDS), kinds)))
        asked += [(Role.CONTENT, Question(f, ("yes",), hint)) for f, hint in marks.ON_TOP.items()]
    Xml.SubElement(view, "Text", name="text", value="$text", granularity="symbol")
    for of_role, question in (*asked, *((None, one) for one in questions.of_article)):
        inner, region = view, {}
        if of_role is not None:  # shown with the regions that it is asked of
            of = {"whenTagName": ROLE, "whenLabelValue": of_role.value}
            inner = Xml.SubElement(view, "View", {"visibleWhen": "region-selected", **of})
            region = {"perRegion": "true", **of}
        Xml.SubElement(inner, "Header", value=f"{question.name}: {question.meaning}", size="6")
        control = {"name": _ASKED[of_role] + question.name, "toName": "text"}
        shape = {"choice": "single-radio", "showInline": "true"}
        choices = Xml.SubElement(inner, "Choices", {**control, **shape, **region})
        for answer in question.answers:
            Xml.SubElement(choices, "Choice", value=answer)
    Xml.indent(view)
    return Xml.tostring(view, encoding="unicode").encode() + b"\n"


def _task(task: Task) -> dict[str, Any]:
    about = exchange.without_labels(task.article)
    text, title = about.pop("text"), task.article.title or task.article.id
    found: dict[str, Any] = {"data": {"text": text, "title": title, "article": about}}
    found["annotations"] = [] if task.labelled is None else [
        {"result": _result(task.labelled, {}), "ground_truth": False, "annotator": task.annotator}
    ]  # fmt: skip
    if task.predicted is not None:
        # The certainty of the most uncertain label: tasks can be sorted by it.
        score = min((max(one, 1 - one) for one in task.scores.values()), default=1.0)
        result = {"result": _result(task.predicted, task.scores)}
        found["predictions"] = [{"model_version": task.model or "model", "score": score, **result}]
    return found


def _result(article: Article, scores: Mapping[tuple[int, str], float]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def add(name: str, control: str, kind: str, value: Any, score: float | None = None) -> None:
        item = {"id": name, "from_name": control, "to_name": "text", "type": kind, "value": value}
        found.append(item if score is None else {**item, "score": score})

    marking, spans = marks.to_marking(article), iter(article.spans)
    for at, mark in enumerate(marking.marks):  # the sentences come first
        start, end = mark.start, mark.end
        value = {"start": start, "end": end, "text": article.text[start:end]}
        if mark.role is Role.SPAN:
            labels = {**value, "labels": [mark.signal]}
            add(mark.id, TECHNIQUE, "labels", labels, next(spans).score)
            continue
        add(mark.id, ROLE, "labels", {**value, "labels": [mark.role.value]})
        for name, answer in mark.answers.items():
            score = scores.get((at, name)) if mark.role is Role.SENTENCE else None
            choices = {**value, "choices": [answer]}
            add(mark.id, _ASKED[mark.role] + name, "choices", choices, score)
    for name, answer in marking.answers.items():
        choices, score = {"choices": [answer]}, scores.get((-1, name))
        add(f"a-{name}", _ASKED[None] + name, "choices", choices, score)
    for one, other in marking.links:
        link = {"type": "relation", "from_id": one, "to_id": other, "direction": "right"}
        found.append({**link, "labels": []})
    return found


def read_label_studio(given: Returned) -> Iterator[Piece]:
    """Yield a piece per annotation of a JSON export; cancelled ones are skipped."""
    for file in given.of(".json"):
        tasks = parse_json(file.text(), file.name, "export it again")
        for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], start=1):
            where = f"{file.name}, task {number}"
            if isinstance(task, Mapping) and "annotation_id" in task and "data" not in task:
                raise InputError(where, "is an export as JSON-MIN; export it as JSON")
            data = needed(task, "data", dict, where)
            about, text = needed(data, "article", dict, where), needed(data, "text", str, where)
            article = read_record({**about, "text": text}, where)
            for at, annotation in enumerate(needed(task, "annotations", list, where), start=1):
                name = f"{where}, annotation {at}"
                result = needed(annotation, "result", list, name)
                if not annotation.get("was_cancelled"):
                    marking = _marking(result, article, name)
                    yield Piece(article, marking, _user(annotation), "", name)


def _user(annotation: Mapping[str, Any]) -> str | None:
    """Return the name of an export of ours, or the address or number of a user."""
    name, user = annotation.get("annotator"), annotation.get("completed_by")
    if isinstance(name, str):
        return name
    if isinstance(user, Mapping):
        return str(user.get("email") or user.get("username") or f"user-{user.get('id')}")
    return f"user-{user}" if isinstance(user, int) else None


def _marking(result: Sequence[Any], article: Article, where: str) -> Marking:
    regions: dict[str, Mark] = {}
    answers: dict[str | None, dict[str, str]] = {None: {}}  # by region; None: the article
    links = []
    for item in result:
        kind = needed(item, "type", str, where)
        if kind == "relation":
            links.append(tuple(needed(item, key, str, where) for key in ("from_id", "to_id")))
            continue
        value, control = needed(item, "value", dict, where), needed(item, "from_name", str, where)
        name = needed(item, "id", str, where)
        prefix, _, question = control.partition("-")
        if kind != "labels" and (kind != "choices" or f"{prefix}-" not in _ASKED.values()):
            what = f"holds {kind} of '{control}', which framescope doesn't ask for"
            raise InputError(where, f"{what}; use the config.xml that was exported")
        given = needed(value, kind, list, where)
        if len(given) != 1 or not isinstance(given[0], str):
            what = f"region {name} has {len(given)} {kind} of '{control}'"
            raise InputError(where, f"{what}; keep one")
        if kind == "choices":
            region = None if f"{prefix}-" == _ASKED[None] else name
            answers.setdefault(region, {})[question] = given[0]
            continue
        is_part = control == ROLE and given[0] in list(Role)
        role, signal = (Role(given[0]), "") if is_part else (Role.SPAN, given[0])
        start, end = (needed(value, key, int, where) for key in ("start", "end"))
        words = value.get("text") if isinstance(value.get("text"), str) else None
        regions[name] = Mark(name, role, start, end, signal, answers.setdefault(name, {}), words)
    of_article = answers.pop(None)
    if unknown := answers.keys() - regions.keys():
        raise InputError(where, f"has an answer of the region '{unknown.pop()}', which is missing")
    return Marking(marks.fit(list(regions.values()), article.text, where), tuple(links), of_article)


RELATION = "of one citation"
_NOBODY = ("all", "unknown", "sentences", "marks")  # names of files that name no annotator
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
    pairs = zip(names, cycle(_COLOURS), strict=False)
    labels = [{"text": n, "background_color": c, "text_color": "#ffffff"} for n, c in pairs]
    return exchange.as_json(labels)


def read_doccano(given: Returned) -> Iterator[Piece]:
    """Yield the labels of exports of either project, or of both."""
    for file in given.of(".jsonl"):
        stem = PurePosixPath(file.base).stem
        of_file = None if stem in _NOBODY else stem
        for where, record in file.lines():
            needed(record, "text", str, where)
            by = one if isinstance(one := record.get("annotator"), str) else of_file
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
    return Piece(article, Marking(marks.fit(found, article.text, where), links), by, "marks", where)


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
        label, words = needed(span, "label", str, where), span.get("text", shown.get((start, end)))
        ids.append(f"{start}-{end} {label}")
        mark = marks.labelled_mark(ids[-1], label, start, end, where)
        found.setdefault(mark.id, replace(mark, words=words if isinstance(words, str) else None))
    linked = ids[len(spans) :]
    placed = marks.fit(list(found.values()), article.text, where)
    marking = Marking(placed, tuple(zip(linked[::2], linked[1::2], strict=True)))
    part = "spans" if relations is None else f"citations {record.get('layer', 0)}"
    return Piece(article, marking, _annotator(record), part, where)


LABEL_STUDIO = exchange.Format("Label Studio", write_label_studio, read_label_studio)
DOCCANO = exchange.Format("doccano", write_doccano, read_doccano, apart=False)
PRODIGY = exchange.Format("Prodigy", write_prodigy, read_prodigy)
