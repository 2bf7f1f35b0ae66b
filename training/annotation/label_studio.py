"""Label Studio: a task an article, sentences as regions with a choice a question.

Formats: "Label Studio JSON format of annotated tasks" and "Import pre-annotated data",
labelstud.io/guide, as release 1.23 reads and writes them. The original text travels in the task's
data, where nothing touches it, so that regions can be held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article, SourceKind
from framescope.training.annotation.fitting import Region, fitted
from framescope.training.annotation.marking import FLAGS, Marked, Marking, MarkRole, to_marking
from framescope.training.annotation.scheme import KINDS, ON_TOP, ROLES, Question, Scheme, guidance
from framescope.training.annotation.task import AnnotationError, Assignment, Labelling
from framescope.training.annotation.tool import (
    README,
    Gathered,
    Returned,
    Tool,
    as_json,
    carried,
    needed,
    needed_text,
)
from framescope.training.annotation.wording import read_label

TITLE = "Label Studio"
ROLE, TECHNIQUE = "part", "technique"
"""Names of the controls that mark characters."""
_OF_SENTENCE, _OF_CONTENT, _OF_ARTICLE = "sentence-", "citation-", "article-"
_COLOURS = {
    MarkRole.SENTENCE: "#d9d9d9", MarkRole.SOURCE: "#1f77b4", MarkRole.CUE: "#ff7f0e",
    MarkRole.CONTENT: "#2ca02c", MarkRole.ANTECEDENT: "#9467bd",
}  # fmt: skip

_STEPS = """\
1. In Label Studio make a project; under *Settings, Labeling Interface, Code* put in `config.xml`.
2. Import `tasks.json`. The model's labels come as predictions, which an annotator starts from.
3. Label. Mark a part of a citation, then link it with its content by a relation.
4. Export as **JSON** (not JSON-MIN), and run
   `framescope annotate import EXPORT.json --from label-studio --output labels.jsonl`.
"""


# --- out ------------------------------------------------------------------------------------------


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write the tasks, the labelling configuration, and what to do with them."""
    return {
        "tasks.json": as_json([_task(task) for task in tasks]),
        "config.xml": config(scheme),
        README: guidance(scheme, _STEPS),
    }


def config(scheme: Scheme) -> bytes:
    """Write the labelling configuration: a question is a choice of each sentence's region."""
    view = Xml.Element("View")
    Xml.SubElement(view, "Header", value="$title", size="4")
    roles = [MarkRole.SENTENCE, *scheme.roles]
    parts = Xml.SubElement(view, "Labels", name=ROLE, toName="text", showInline="true")
    for role in roles:
        Xml.SubElement(parts, "Label", value=role, hint=ROLES[role], background=_COLOURS[role])
    if scheme.techniques:
        marks = Xml.SubElement(view, "Labels", name=TECHNIQUE, toName="text", showInline="true")
        for signal in scheme.techniques:
            Xml.SubElement(marks, "Label", value=signal.name, hint=signal.meaning)
    if scheme.citations:
        Xml.SubElement(Xml.SubElement(view, "Relations"), "Relation", value="of one citation")
    Xml.SubElement(view, "Text", name="text", value="$text", granularity="symbol")
    for question in scheme.of_sentences:
        _choices(view, _OF_SENTENCE, question, MarkRole.SENTENCE)
    if scheme.citations:
        kinds = "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
        _choices(view, _OF_CONTENT, Question("kind", tuple(KINDS), kinds), MarkRole.CONTENT)
        for flag, meaning in ON_TOP.items():
            _choices(view, _OF_CONTENT, Question(flag, ("yes",), meaning), MarkRole.CONTENT)
    for question in scheme.of_article:
        _choices(view, _OF_ARTICLE, question, None)
    Xml.indent(view)
    return Xml.tostring(view, encoding="unicode").encode() + b"\n"


def _choices(view: Xml.Element, prefix: str, question: Question, role: MarkRole | None) -> None:
    """Add a question, with its meaning above it, shown beside the regions that it is asked of."""
    asked = view
    region: dict[str, str] = {}
    if role is not None:
        asked = Xml.SubElement(
            view, "View", visibleWhen="region-selected", whenTagName=ROLE, whenLabelValue=role
        )
        region = {"perRegion": "true", "whenTagName": ROLE, "whenLabelValue": role}
    Xml.SubElement(asked, "Header", value=f"{question.name}: {question.meaning}", size="6")
    names = {"name": prefix + question.name, "toName": "text", "choice": "single-radio"}
    choices = Xml.SubElement(asked, "Choices", {**names, "showInline": "true", **region})
    for answer in question.answers:
        Xml.SubElement(choices, "Choice", value=answer)


def _task(task: Assignment) -> dict[str, Any]:
    article = task.article
    about = {key: value for key, value in carried(article).items() if key != "text"}
    data = {"text": article.text, "title": article.title or article.id, "article": about}
    found: dict[str, Any] = {"data": data}
    found["annotations"] = [
        {
            "result": _result(one, article.text, scores=False),
            "ground_truth": False,
            "annotator": one.by,
        }
        for one in task.labelled
    ]
    if task.predicted is not None:
        scores = list(task.predicted.scores.values())
        found["predictions"] = [
            {
                "model_version": task.predicted.by or "model",
                # How sure the model is of what it is least sure of: tasks can be sorted by it.
                "score": min((max(one, 1 - one) for one in scores), default=1.0),
                "result": _result(task.predicted, article.text, scores=True),
            }
        ]
    return found


def _result(labelling: Labelling, text: str, *, scores: bool) -> list[dict[str, Any]]:
    marking = to_marking(labelling)
    found: list[dict[str, Any]] = []
    for mark in marking.marks:
        value = {"start": mark.start, "end": mark.end, "text": text[mark.start : mark.end]}
        control = TECHNIQUE if mark.role is MarkRole.SPAN else ROLE
        label = mark.signal if mark.role is MarkRole.SPAN else mark.role.value
        found.append(_item(mark.id, control, "labels", {**value, "labels": [label]}))
        if scores and "" in mark.scores:
            found[-1]["score"] = mark.scores[""]
        prefix = _OF_SENTENCE if mark.role is MarkRole.SENTENCE else _OF_CONTENT
        for question, answer in mark.answers.items():
            item = _item(mark.id, prefix + question, "choices", {**value, "choices": [answer]})
            if scores and question in mark.scores:
                item["score"] = mark.scores[question]
            found.append(item)
    for question, answer in marking.answers.items():
        name = _OF_ARTICLE + question
        item = _item(f"a-{question}", name, "choices", {"choices": [answer]})
        if scores and question in marking.scores:
            item["score"] = marking.scores[question]
        found.append(item)
    for one, other in marking.links:
        link = {"type": "relation", "from_id": one, "to_id": other, "direction": "right"}
        found.append({**link, "labels": []})
    return found


def _item(name: str, control: str, kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    whose = {"id": name, "from_name": control, "to_name": "text", "type": kind}
    return {**whose, "value": dict(value)}


# --- in -------------------------------------------------------------------------------------------


def read(given: Gathered) -> list[Returned]:
    """Read JSON exports: a piece an annotation; those that were cancelled are passed over."""
    found: list[Returned] = []
    for file in given.of(".json"):
        tasks = file.json()
        if not isinstance(tasks, list):
            needed(tasks, "data", dict, file.name, TITLE)
            tasks = [tasks]
        for number, task in enumerate(tasks, start=1):
            found += _returned(task, f"{file.name}, task {number}")
    return found


def _returned(task: Any, where: str) -> Iterator[Returned]:
    if isinstance(task, Mapping) and "completions" in task and "annotations" not in task:
        raise AnnotationError(
            f"{where}: has 'completions', as Label Studio before 1.0 writes; "
            "export it from release 1.0 or newer"
        )
    if isinstance(task, Mapping) and "annotation_id" in task and "data" not in task:
        raise AnnotationError(f"{where}: is an export as JSON-MIN; export it as JSON")
    data = needed(task, "data", dict, where, TITLE)
    text = needed_text(data, "text", where, TITLE)
    about = data.get("article")
    if isinstance(about, Mapping) and isinstance(about.get("id"), str | int):
        article = from_record({**about, "text": text}, where, 0)
    else:  # a project that wasn't made from an export of ours
        article = Article(str(task.get("id", where)), text)
    for number, annotation in enumerate(needed(task, "annotations", list, where, TITLE), start=1):
        name = f"{where}, annotation {number}"
        result = needed(annotation, "result", list, name, TITLE)
        if annotation.get("was_cancelled"):
            continue
        yield Returned(article, _marking(result, article, _by(annotation), name), "", name)


def _by(annotation: Mapping[str, Any]) -> str | None:
    """Say whose an annotation is: the name we gave, an address, or the number of a user."""
    user = annotation.get("completed_by")
    if isinstance(annotation.get("annotator"), str):
        return str(annotation["annotator"])
    if isinstance(user, Mapping):
        return str(user.get("email") or user.get("username") or f"user-{user.get('id')}")
    return f"user-{user}" if isinstance(user, int) else None


def _marking(result: Sequence[Any], article: Article, by: str | None, where: str) -> Marking:
    items = [item for item in result if not _is_relation(item, where)]
    regions: dict[str, Region] = {}
    labels: dict[str, tuple[MarkRole, str]] = {}
    answers: dict[str, dict[str, str]] = {}
    of_article: dict[str, str] = {}
    for item in items:
        kind = needed(item, "type", str, where, TITLE)
        value = needed(item, "value", dict, where, TITLE)
        control = needed(item, "from_name", str, where, TITLE)
        name = needed(item, "id", str, where, TITLE)
        if kind == "labels":
            regions[name] = _region(value, name, where)
            labels[name] = _label(value, control, f"{where}, region {name}")
        elif kind == "choices":
            question, answer = _answer(value, control, where)
            if control.startswith(_OF_ARTICLE):
                of_article[question] = answer
            else:
                answers.setdefault(name, {})[question] = answer
        else:
            raise AnnotationError(
                f"{where}: holds a result of the type '{kind}', which framescope doesn't ask for; "
                "use the config.xml that was exported"
            )
    for name in answers.keys() - regions.keys():
        raise AnnotationError(f"{where}: an answer of the region '{name}', which isn't there")
    places = fitted(article.text, list(regions.values()), where)
    marks = tuple(
        Marked(name, *labels[name][:1], place.start, place.end, labels[name][1],
             answers.get(name, {}), name=f"region {name}")
        for name, place in zip(regions, places, strict=True)
    )  # fmt: skip
    links = tuple(
        (needed(item, "from_id", str, where, TITLE), needed(item, "to_id", str, where, TITLE))
        for item in result
        if item not in items
    )
    return Marking(marks, links, of_article, by=by)


def _is_relation(item: Any, where: str) -> bool:
    return bool(needed(item, "type", str, where, TITLE) == "relation")


def _region(value: Mapping[str, Any], name: str, where: str) -> Region:
    at = f"{where}, region {name}"
    start, end = (needed(value, key, int, at, TITLE) for key in ("start", "end"))
    words = value.get("text")
    return Region(start, end, words if isinstance(words, str) else None, f"region {name}")


def _label(value: Mapping[str, Any], control: str, where: str) -> tuple[MarkRole, str]:
    given = needed(value, "labels", list, where, TITLE)
    if len(given) != 1 or not isinstance(given[0], str):
        raise AnnotationError(f"{where}: has {len(given)} labels; mark the words once for each")
    if control == TECHNIQUE:
        return MarkRole.SPAN, given[0]
    if control == ROLE and given[0] in list(MarkRole):
        return MarkRole(given[0]), ""

    role, signal, _ = read_label(given[0], where)
    return role, signal


def _answer(value: Mapping[str, Any], control: str, where: str) -> tuple[str, str]:
    given = needed(value, "choices", list, where, TITLE)
    for prefix in (_OF_SENTENCE, _OF_CONTENT, _OF_ARTICLE):
        if control.startswith(prefix):
            question = control.removeprefix(prefix)
            if len(given) != 1 or not isinstance(given[0], str):
                raise AnnotationError(f"{where}: '{question}' has {len(given)} answers; keep one")
            return question, given[0]
    raise AnnotationError(
        f"{where}: an answer to '{control}', which framescope doesn't ask; "
        "use the config.xml that was exported"
    )


assert set(FLAGS) <= set(ON_TOP)
assert set(KINDS) == set(SourceKind)

TOOL = Tool(
    "label-studio",
    TITLE,
    write,
    read,
    apart=True,
)
