"""potato: a project of two surveys, sentences with questions, and articles with spans and links.

Formats, of potato-annotation 2: the configuration (``annotation_schemes`` of the types ``radio``,
``span`` and ``span_link``; ``pre_annotation``), data as JSONL, and each annotator's
``user_state.json``, potatoannotator.com/docs. A link holds all spans of one citation, so that its
kind is the link's type. Configurations are written as JSON, which is YAML.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from framescope.classifier.records import Article
from framescope.training.annotation import streams
from framescope.training.annotation.marking import Marked, Marking, MarkRole, to_marking
from framescope.training.annotation.scheme import ROLES, Question, Scheme, guidance
from framescope.training.annotation.task import AnnotationError, Assignment, Labelling
from framescope.training.annotation.tool import (
    README,
    File,
    Gathered,
    Returned,
    Tool,
    as_json,
    as_lines,
    needed,
)
from framescope.training.annotation.wording import content_label, content_labels, read_label

TITLE = "potato"
STATE = "user_state.json"
OUTPUT = "annotation_output"
PARTS, TECHNIQUES, LINKS = "parts", "techniques", "citation"
"""Names of the schemes that mark characters, and of the one that links them."""
_SENTENCE, _ARTICLE = "sentence:", "article:"
_UNNAMED = "annotator"  # whose labels are those that nobody's name stands at
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")

_STEPS = """\
1. `pip install potato-annotation`, and in this folder `potato start sentences.yaml -p 8000`: a page
   a sentence. The model's labels are filled in.
2. `potato start marks.yaml -p 8001`: a page an article. Mark words, then link all parts of a
   citation by one link, whose type says of which kind its source is.
3. Run `framescope annotate import . --from potato --output labels.jsonl` in this folder: annotators
   are those who have logged in.
"""


# --- out ------------------------------------------------------------------------------------------


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write both surveys: configuration, data, and the answers of those who have answered."""
    sentences = [record for task in tasks for record in _sentences(task)]
    files = {
        "sentences.yaml": as_json(_settings("sentences", _asked(scheme.of_sentences))),
        "sentences.jsonl": as_lines(sentences),
        "marks.yaml": as_json(_settings("marks", _marked_schemes(scheme))),
        "marks.jsonl": as_lines([_whole(task) for task in tasks]),
        README: guidance(scheme, _STEPS),
    }
    states: dict[str, dict[str, Any]] = {}
    for task in tasks:
        for one in task.labelled:
            name = one.by or _UNNAMED
            _fill(states, name, task, one)
    for path, state in states.items():
        files[f"{OUTPUT}/{path}/{STATE}"] = as_json(state)
    return files


def _settings(name: str, schemes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"key": "text", "type": "text", "label": "Text", "span_target": name == "marks"}
    ]
    if name == "sentences":
        around = [{"key": key, "type": "text", "label": key} for key in ("before", "after")]
        fields = [around[0], *fields, around[1]]
    return {
        "annotation_task_name": f"framescope: {name}",
        "task_dir": ".",
        "output_annotation_dir": f"{OUTPUT}/{name}",
        "data_files": [f"{name}.jsonl"],
        "item_properties": {"id_key": "id", "text_key": "text"},
        "instance_display": {"fields": fields},
        "pre_annotation": {"enabled": True, "field": "predictions", "allow_modification": True},
        "require_password": False,
        "annotation_schemes": list(schemes),
    }


def _asked(questions: Sequence[Question]) -> list[dict[str, Any]]:
    return [
        {"annotation_type": "radio", "name": one.name, "labels": list(one.answers),
         "description": f"{one.name}: {one.meaning}", "label_requirement": {"required": False}}
        for one in questions
    ]  # fmt: skip


def _marked_schemes(scheme: Scheme) -> list[dict[str, Any]]:
    found = _asked(scheme.of_article)
    if scheme.techniques:
        labels = [{"name": one.name, "tooltip": one.meaning} for one in scheme.techniques]
        found.append(_spans(TECHNIQUES, "Mark persuasion techniques", labels))
    if scheme.citations:
        labels = [{"name": role.value, "tooltip": ROLES[role]} for role in scheme.roles]
        found.append(_spans(PARTS, "Mark who says what", labels))
        types = [
            {"name": _link_type(label), "directed": False, "max_spans": 12,
             "color": _COLOURS[at % len(_COLOURS)]}
            for at, label in enumerate(content_labels())
        ]  # fmt: skip
        found.append(
            {"annotation_type": "span_link", "name": LINKS, "span_schema": PARTS,
             "description": "Link all parts of one citation", "link_types": types}
        )  # fmt: skip
    return found


def _spans(name: str, description: str, labels: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {
        "annotation_type": "span", "name": name, "description": description,
        "labels": list(labels), "target_field": "text", "sequential_key_binding": False,
    }  # fmt: skip


def _link_type(content: str) -> str:
    return LINKS + content.removeprefix(MarkRole.CONTENT)


def _item_of(task: Assignment, at: int | None = None) -> str:
    """Give the id of an article's item, or of a sentence's: one that an address can hold."""
    name = re.sub(r"[%/#?:\\]", lambda found: f"%{ord(found[0]):02X}", task.article.id)
    return f"{_ARTICLE}{name}" if at is None else f"{_SENTENCE}{name}#{at}"


def _sentences(task: Assignment) -> Iterator[dict[str, Any]]:
    """Write an item a sentence, with those around it to be read."""
    text, units = task.article.text, task.article.units or ()
    found = to_marking(task.predicted).marks if task.predicted is not None else None
    for at, unit in enumerate(units):
        first = units[max(at - 3, 0)].start
        last = units[min(at + 3, len(units) - 1)].end
        record: dict[str, Any] = {
            "id": _item_of(task, at),
            "text": shown_as(text[unit.start : unit.end]),
            "before": text[first : unit.start].strip() or "(the beginning)",
            "after": text[unit.end : last].strip() or "(the end)",
        }
        if found is not None:
            record["predictions"] = dict(found[at].answers)
        yield record


def shown_as(text: str) -> str:
    """Give a text of the same length whose every line ends with one carriage return.

    potato writes a line feed as ``<br>``, and counts it as no character; a browser reads a carriage
    return as a line feed, and a Windows line end as one, after which all would be moved.
    """
    return text.replace("\r\n", " \r").replace("\n", "\r")


def _whole(task: Assignment) -> dict[str, Any]:
    record: dict[str, Any] = {"id": _item_of(task), "text": shown_as(task.article.text)}
    if task.predicted is not None:
        spans, _ = _spans_and_links(task.predicted)
        found: dict[str, Any] = dict(to_marking(task.predicted).answers)
        for name in (TECHNIQUES, PARTS):
            found[name] = [one for one in spans if one["schema"] == name]
        record["predictions"] = found
    return record


def _spans_and_links(labelling: Labelling) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write marks as spans, each place and label once, and a link a citation."""
    marking = streams.marked(labelling)
    spans: dict[tuple[str, str, int, int], dict[str, Any]] = {}
    ids: dict[str, str] = {}
    for mark in marking.marks:
        of = TECHNIQUES if mark.role is MarkRole.SPAN else PARTS
        label = mark.signal if mark.role is MarkRole.SPAN else mark.role.value
        name = f"{of}_{label}_{mark.start}_{mark.end}"
        ids[mark.id] = name
        spans.setdefault(
            (of, label, mark.start, mark.end),
            {"schema": of, "name": label, "title": label, "start": mark.start, "end": mark.end,
             "id": name, "target_field": "text"},
        )  # fmt: skip
    heads = {other: one for one, other in marking.links}
    links = [
        {
            "id": f"link_{at}",
            "schema": LINKS,
            "link_type": _link_type(content_label(head.answers)),
            "span_ids": [
                ids[mark.id]
                for mark in marking.marks
                if mark.id == head.id or heads.get(mark.id) == head.id
            ],
            "direction": "undirected",
            "properties": {},
        }
        for at, head in enumerate(
            mark for mark in marking.marks if mark.role is MarkRole.CONTENT and mark.id not in heads
        )
    ]
    return list(spans.values()), links


def _fill(
    states: dict[str, dict[str, Any]], name: str, task: Assignment, labelling: Labelling
) -> None:
    """Add the answers of one annotator of an article to both of their states."""
    marking = to_marking(labelling)
    spans, links = _spans_and_links(labelling)
    for stream in (streams.SENTENCES, streams.MARKS):
        state = states.setdefault(
            f"{stream}/{_folder(name)}",
            {"user_id": name, "current_phase_and_page": ["annotation", None],
             "instance_id_ordering": [], "instance_id_to_label_to_value": {},
             "instance_id_to_span_to_value": {}, "instance_id_to_link_to_value": {}},
        )  # fmt: skip
        answered = (
            [
                (_item_of(task, at), mark.answers)
                for at, mark in enumerate(marking.marks[: len(labelling.units)])
            ]
            if stream == streams.SENTENCES
            else [(_item_of(task), marking.answers)]
        )
        for item, answers in answered:
            state["instance_id_ordering"].append(item)
            state["instance_id_to_label_to_value"][item] = [
                [{"schema": question, "name": answer}, answer]
                for question, answer in answers.items()
            ]
        if stream == streams.MARKS:
            item = _item_of(task)
            text = task.article.text
            state["instance_id_to_span_to_value"][item] = [
                [span, text[span["start"] : span["end"]]] for span in spans
            ]
            state["instance_id_to_link_to_value"][item] = {link["id"]: link for link in links}


def _folder(name: str) -> str:
    """Give the name of an annotator's folder: one that a file system takes, and nobody else's."""
    safe = "".join(char if char.isalnum() or char in "-_.@" else "_" for char in name)
    if safe == name and safe.strip("."):
        return name
    return f"{safe.strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


# --- in -------------------------------------------------------------------------------------------


def read(given: Gathered) -> list[Returned]:
    """Read the states of all annotators, of either survey; articles come from the folder."""
    found: list[Returned] = []
    for file in given.of(STATE):
        state = file.json()
        user = needed(state, "user_id", str, file.name, TITLE)
        by = None if user == _UNNAMED else user
        answers = needed(state, "instance_id_to_label_to_value", dict, file.name, TITLE)
        spans = state.get("instance_id_to_span_to_value") or {}
        links = state.get("instance_id_to_link_to_value") or {}
        for item in dict.fromkeys([*answers, *spans, *links]):
            found += _item(item, answers.get(item, []), spans, links, given, file, by)
    return found


def _item(
    item: str,
    answers: Any,
    spans: Mapping[str, Any],
    links: Mapping[str, Any],
    given: Gathered,
    file: File,
    by: str | None,
) -> Iterator[Returned]:
    where = f"{file.name}, {item}"
    said = dict(_answers(answers, where))
    if item.startswith(_ARTICLE):
        article = given.article(unquote(item.removeprefix(_ARTICLE)), where)
        marking = _marking(spans.get(item, []), links.get(item, {}), article, where)
        marking = Marking(marking.marks, marking.links, said, by=by)
        yield Returned(article, marking, streams.MARKS, where)
        return
    name, mark, index = item.removeprefix(_SENTENCE).rpartition("#")
    if not item.startswith(_SENTENCE) or not mark or not index.isdigit():
        raise AnnotationError(
            f"{where}: no item of ours; annotate the files that `annotate export` wrote"
        )
    article = given.article(unquote(name), where)
    units = article.units or ()
    if int(index) >= len(units):
        raise AnnotationError(
            f"{where}: '{name}' has {len(units)} sentences; import it with the articles.jsonl that "
            "was exported with it"
        )
    unit = units[int(index)]
    part = f"{streams.SENTENCE} {index}"
    mark_of = Marked(part, MarkRole.SENTENCE, unit.start, unit.end, "", said, name="the sentence")
    yield Returned(article, Marking((mark_of,), by=by), part, where)


def _answers(given: Any, where: str) -> Iterator[tuple[str, str]]:
    """Read a radio's answers: its scheme and the label that is chosen, under either name."""
    found: dict[str, str] = {}
    pairs = given if isinstance(given, list) else None
    for pair in pairs if pairs is not None else needed({}, "answers", list, where, TITLE):
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], Mapping):
            raise AnnotationError(
                f"{where}: an answer that potato 2 doesn't write so; is it of another version?"
            )
        question = needed(pair[0], "schema", str, where, TITLE)
        answer = needed(pair[0], "name", str, where, TITLE)
        if pair[1] in (None, False, "false", ""):
            continue  # taken back
        if found.setdefault(question, answer) != answer:
            raise AnnotationError(
                f"{where}: '{question}' is answered {found[question]} and {answer}; keep one"
            )
    yield from found.items()


def _marking(spans: Any, links: Any, article: Article, where: str) -> Marking:
    found: dict[str, tuple[str, Any, int, int, None]] = {}
    for pair in spans if isinstance(spans, list) else ():
        span = pair[0] if isinstance(pair, list) and pair else pair
        name = needed(span, "id", str, where, TITLE)
        label = needed(span, "name", str, where, TITLE)
        if span.get("schema") == TECHNIQUES and label in list(MarkRole):
            label = f"{MarkRole.SPAN} {label}"
        start, end = (needed(span, key, int, where, TITLE) for key in ("start", "end"))
        found[name] = (name, label, start, end, None)
    placed = {mark.id: mark for mark in streams.places_of(list(found.values()), article, where)}
    marks = [mark for mark in placed.values() if mark.role is MarkRole.SPAN]
    linked: list[tuple[str, str]] = []
    used: set[str] = set()
    values = links.values() if isinstance(links, Mapping) else links
    for at, link in enumerate(values):
        ids = needed(link, "span_ids", list, where, TITLE)
        kind = needed(link, "link_type", str, where, TITLE)
        label = MarkRole.CONTENT + kind.removeprefix(LINKS)
        _, _, answers = read_label(label, f"{where}, link {at}")
        for name in ids:
            if name not in placed:
                raise AnnotationError(f"{where}: link {at} leads to '{name}', which isn't there")
        # A span may be of several citations; each gets its own.
        parts = [placed[name] for name in dict.fromkeys(ids)]
        parts.sort(key=lambda mark: (mark.role is not MarkRole.CONTENT, mark.start))
        used |= set(ids)
        own = [
            Marked(f"{at}.{mark.id}", mark.role, mark.start, mark.end,
                 answers=answers if number == 0 and mark.role is MarkRole.CONTENT else {},
                 name=mark.name)
            for number, mark in enumerate(parts)
        ]  # fmt: skip
        marks += own
        linked += [(own[0].id, other.id) for other in own[1:]]
    marks += [
        mark for name, mark in placed.items() if name not in used and mark.role is not MarkRole.SPAN
    ]
    return Marking(tuple(marks), tuple(linked))


TOOL = Tool(
    "potato",
    TITLE,
    write,
    read,
    apart=True,
    several=True,
    lacks=(
        "predicted links: it fills in the spans of a model's citations, and not what belongs "
        "together",
        "a check of offsets: its files hold no marked words",
    ),
)
