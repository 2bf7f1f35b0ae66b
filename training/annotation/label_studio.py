"""Label Studio: a task per article, sentences as regions with a choice per question.

Formats: "Label Studio JSON format of annotated tasks" and "Import pre-annotated data",
labelstud.io/guide, as release 1.23 reads and writes them. Older pages count UTF-16 units.
"""

from collections.abc import Iterator, Mapping, Sequence
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
_COLOURS = {
    Role.SENTENCE: "#d9d9d9", Role.SOURCE: "#1f77b4", Role.CUE: "#ff7f0e",
    Role.CONTENT: "#2ca02c", Role.ANTECEDENT: "#9467bd",
}  # fmt: skip


def write(tasks: Sequence[Task], questions: Questions) -> dict[str, bytes]:
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
        Xml.SubElement(parts, "Label", value=role, hint=hint, background=_COLOURS[role])
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
    of_article = [(None, question) for question in questions.of_article]
    for of_role, question in (*asked, *of_article):
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


def read(given: Returned) -> Iterator[Piece]:
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
                    yield Piece(article, marking, _annotator(annotation), "", name)


def _annotator(annotation: Mapping[str, Any]) -> str | None:
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
        value, control, name = (
            needed(item, key, of, where)
            for key, of in (("value", dict), ("from_name", str), ("id", str))
        )
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
    placed = marks.fit(list(regions.values()), article.text, where)
    return Marking(placed, tuple(links), of_article)


FORMAT = exchange.Format("Label Studio", write, read)
