"""Prodigy: sentences with options to choose, articles with spans, and articles with relations.

Format: "Annotation task formats", prodi.gy/docs/api-interfaces: ``choice`` (``options``,
``accept``), ``spans_manual`` (``tokens``, ``spans``) and ``relations`` (``tokens``, ``spans``,
``relations`` with ``head_span`` and ``child_span``), and ``db-out``'s ``answer`` and
``_annotator_id``. Its relations view shows no spans that overlap: citations within one another, and
several with one content, go into further tasks of the same article, and come together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from framescope.classifier.records import Article
from framescope.training.annotation import streams
from framescope.training.annotation.fitting import Region, fitted
from framescope.training.annotation.marking import Marked, Marking, MarkRole
from framescope.training.annotation.scheme import Scheme, guidance
from framescope.training.annotation.task import AnnotationError, Assignment
from framescope.training.annotation.tool import (
    README,
    Gathered,
    Returned,
    Tool,
    as_json,
    as_lines,
    needed,
    needed_text,
)
from framescope.training.annotation.wording import (
    content_labels,
    flat,
    mark_label,
    read_label,
    unflat,
)

TITLE = "Prodigy"
RELATION = "of one citation"
_DATASET = re.compile(r"^framescope-(?:sentences|spans|citations)-")
_TIME = re.compile(r"(?:.*-)?\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_TOKENS = re.compile(r"\w+|[^\w\s]")

_STEPS = """\
1. `prodigy mark framescope-sentences sentences.jsonl --view-id choice`, with `prodigy.json` in the
   folder that you start it from: several options may be chosen, and none is "not annotated".
2. `prodigy mark framescope-spans spans.jsonl --view-id spans_manual`
3. `prodigy mark framescope-citations citations.jsonl --view-id relations`; annotators open the
   page with `?session=NAME`, and are told by it.
   Link the parts of a citation with its content. Where citations lie within one another the article
   comes several times.
4. `prodigy db-out` each of the three into one folder EXPORT, and run
   `framescope annotate import EXPORT --from prodigy --articles articles.jsonl -o labels.jsonl`.

Tasks that are accepted are read; those that are rejected or ignored are not annotated.
"""
_COLOURS = ("#ffd580", "#c1e7c1", "#c7ddf7", "#e4c7f7")


# --- out ------------------------------------------------------------------------------------------


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write three streams, the settings that they need, and what to do with them."""
    files: dict[str, list[dict[str, Any]]] = {"sentences": [], "spans": [], "citations": []}
    for task in tasks:
        files["sentences"] += _choices(task, scheme)
        if scheme.techniques:
            files["spans"].append(_spans(task, scheme))
        if scheme.citations:
            files["citations"] += _citations(task, scheme)
    settings = {
        "choice_style": "multiple", "choice_auto_accept": False, "show_whitespace": False,
        "relations_span_labels": _roles(), "labels": [RELATION], "wrap_relations": True,
    }  # fmt: skip
    return {
        **{f"{name}.jsonl": as_lines(found) for name, found in files.items() if found},
        "prodigy.json": as_json(settings),
        README: guidance(scheme, _STEPS),
    }


def _roles() -> list[str]:
    others = [MarkRole.SOURCE, MarkRole.CUE, MarkRole.ANTECEDENT]
    return [*(role.value for role in others), *content_labels()]


def _answer(task: Assignment) -> dict[str, str]:
    """Mark what a person has labelled as done; what a model has is still to be looked at."""
    if not task.labelled or task.predicted is not None:
        return {}
    by = task.labelled[0].by
    return {"answer": "accept"} | ({} if by is None else {"_annotator_id": by})


def _choices(task: Assignment, scheme: Scheme) -> Iterator[dict[str, Any]]:
    of = {
        streams.SENTENCE: _options(scheme.of_sentences),
        streams.WHOLE: _options(scheme.of_article),
    }
    for one in streams.asked(task, task.begun, of_article=bool(scheme.of_article)):
        about = one.about(task.article)
        yield {
            "text": one.text,
            "options": of[about["of"]],
            "accept": flat(one.answers),
            **about,
            "meta": {"article": task.article.id},
            "_view_id": "choice",
            **_answer(task),
        }


def _options(questions: Sequence[Any]) -> list[dict[str, str]]:
    labels = [flat({one.name: answer})[0] for one in questions for answer in one.answers]
    return [{"id": label, "text": label} for label in labels]


def _tokens(text: str, edges: Sequence[int]) -> list[dict[str, Any]]:
    """Cut a text into tokens, and where a mark begins or ends too: its views mark whole tokens."""
    cuts = {0, len(text), *edges}
    for found in _TOKENS.finditer(text):
        cuts |= {found.start(), found.end()}
    places = sorted(cuts)
    pieces = [
        (start, end)
        for start, end in pairwise(places)
        if not text[start:end].isspace() or {start, end} & set(edges)
    ]
    return [
        {"text": text[start:end], "start": start, "end": end, "id": at,
         "ws": end < len(text) and text[end].isspace()}
        for at, (start, end) in enumerate(pieces)
    ]  # fmt: skip


def _whole(task: Assignment, marks: Sequence[Marked]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a task of the whole text with its spans, and the spans by mark."""
    text = task.article.text
    tokens = _tokens(text, [edge for mark in marks for edge in (mark.start, mark.end)])
    first = {token["start"]: token["id"] for token in tokens}
    last = {token["end"]: token["id"] for token in tokens}
    spans = {
        mark.id: {
            "start": mark.start, "end": mark.end, "label": mark_label(mark),
            "text": text[mark.start : mark.end],
            "token_start": first[mark.start], "token_end": last[mark.end],
        }
        for mark in marks
    }  # fmt: skip
    about = streams.about_article(task.article)
    record = {"text": text, "tokens": tokens, "spans": list(spans.values()), "article": about}
    return {**record, "meta": {"article": task.article.id}}, spans


def _spans(task: Assignment, scheme: Scheme) -> dict[str, Any]:
    marking = streams.marked(task.begun)
    marks = [mark for mark in marking.marks if mark.role is MarkRole.SPAN]
    record, _ = _whole(task, marks)
    labels = [signal.name for signal in scheme.techniques]
    view = {"_view_id": "spans_manual", "config": {"labels": labels}}
    return {**record, **view, **_answer(task)}


def _citations(task: Assignment, scheme: Scheme) -> Iterator[dict[str, Any]]:
    marking = streams.marked(task.begun)
    for layer, (marks, links) in enumerate(_layers(marking)):
        record, spans = _whole(task, marks)
        relations = [
            {
                "label": RELATION,
                "head": spans[one]["token_end"], "child": spans[other]["token_end"],
                "head_span": spans[one], "child_span": spans[other],
            }
            for one, other in links
        ]  # fmt: skip
        config = {"labels": [RELATION], "relations_span_labels": _roles()}
        view = {"_view_id": "relations", "config": config, "layer": layer}
        yield {**record, "relations": relations, **view, **_answer(task)}


def _layers(marking: Marking) -> list[tuple[list[Marked], list[tuple[str, str]]]]:
    """Lay citations out so that no spans of a layer overlap, but for parts that two share."""
    groups: dict[str, list[Marked]] = {}
    heads = {other: one for one, other in marking.links}
    for mark in marking.marks:
        if mark.role is not MarkRole.SPAN:
            groups.setdefault(heads.get(mark.id, mark.id), []).append(mark)
    layers: list[list[list[Marked]]] = [[]]
    for group in groups.values():
        # The antecedent of one citation is often the source of another: the same words, marked
        # as two things, which a view without overlaps shows in two layers.
        free = (
            layer
            for layer in layers
            if not any(_clash(one, other) for one in group for known in layer for other in known)
        )
        layer = next(free, None)
        if layer is None:
            layers.append(layer := [])
        layer.append(group)
    found = []
    for layer in layers:
        kept: dict[tuple[Any, ...], Marked] = {}
        same: dict[str, str] = {}
        for mark in (mark for group in layer for mark in group):
            key = (mark.role, mark.start, mark.end)
            same[mark.id] = kept.setdefault(key, mark).id
        ids = set(same)
        links = [(same[one], same[other]) for one, other in marking.links if {one, other} <= ids]
        found.append((list(kept.values()), links))
    return found


def _clash(one: Marked, other: Marked) -> bool:
    if one.start >= other.end or other.start >= one.end:
        return False
    shared = one.role is other.role is not MarkRole.CONTENT
    return not (shared and (one.start, one.end) == (other.start, other.end))


# --- in -------------------------------------------------------------------------------------------


def read(given: Gathered) -> list[Returned]:
    """Read what ``db-out`` wrote: what was accepted, in any of the three views."""
    found: list[Returned] = []
    for file in given.of(".jsonl"):
        for where, record in file.lines():
            text = needed(record, "text", str, where, TITLE)
            if record.get("answer") != "accept":
                if record.get("answer") not in (None, "reject", "ignore"):
                    needed(record, "answer as accept, reject or ignore", str, where, TITLE)
                continue
            by = _by(record)
            if "accept" in record:
                answers = unflat(needed(record, "accept", list, where, TITLE), where)
                article, marking, part = streams.answered(record, answers, given, where, TITLE)
            else:
                needed_text(record, "text", where, TITLE)
                article, marking, part = _marked(record, text, given, where)
            marking = Marking(marking.marks, marking.links, marking.answers, by=by)
            found.append(Returned(article, marking, part, where))
    return found


def _by(record: Mapping[str, Any]) -> str | None:
    """Say who annotated: the session's name, behind that of its dataset, unless it is a time."""
    given = record.get("_annotator_id") or record.get("_session_id")
    if not isinstance(given, str):
        return None
    name = _DATASET.sub("", given)
    return None if _TIME.fullmatch(name) else name


def _marked(
    record: Mapping[str, Any], text: str, given: Gathered, where: str
) -> tuple[Article, Marking, str]:
    name = str(record.get("_task_hash", where))
    article, shown = streams.whole_article(record, text, given, name, where)
    spans = needed(record, "spans", list, where, TITLE) if "spans" in record else []
    relations = record.get("relations")
    if relations is None and "spans" not in record:
        needed(record, "spans", list, where, TITLE)
    layer = record.get("layer", 0)
    part = f"{streams.MARKS} {'spans' if relations is None else f'citations {layer}'}"
    ends = [
        needed(one, key, dict, where, TITLE)
        for one in relations or ()
        for key in ("head_span", "child_span")
    ]
    # A span may be there only as the end of a relation.
    keys = [_key(one, where) for one in (*spans, *ends)]
    once = list(dict.fromkeys(keys))
    words = _words(record, [*spans, *ends], keys, where)
    regions = [
        Region(start, end, words.get((start, end, label)), f"span '{label}'")
        for start, end, label in once
    ]
    places = fitted(article.text, regions, where, shown)
    ids = {key: f"{part}.{at}" for at, key in enumerate(once)}
    marks = []
    for (start, end, label), place in zip(once, places, strict=True):
        at = f"span '{label}' {start}-{end}"
        role, signal, answers = read_label(label, f"{where}, {at}")
        name = ids[start, end, label]
        marks.append(Marked(name, role, place.start, place.end, signal, answers, name=at))
    named = [ids[key] for key in keys[len(spans) :]]
    links = tuple(zip(named[::2], named[1::2], strict=True))
    return article, Marking(tuple(marks), links), part


def _key(span: Any, where: str) -> tuple[int, int, str]:
    start, end = (needed(span, key, int, where, TITLE) for key in ("start", "end"))
    return start, end, needed(span, "label", str, where, TITLE)


def _words(
    record: Mapping[str, Any],
    spans: Sequence[Mapping[str, Any]],
    keys: Sequence[tuple[int, int, str]],
    where: str,
) -> dict[tuple[int, int, str], str]:
    """Give the words of spans, as they have them; else of one token, from that token."""
    tokens = {
        (token.get("start"), token.get("end")): token.get("text")
        for token in record.get("tokens") or ()
        if isinstance(token, Mapping)
    }
    found: dict[tuple[int, int, str], str] = {}
    for span, key in zip(spans, keys, strict=True):
        words = span.get("text", tokens.get(key[:2]))
        if words is not None and not isinstance(words, str):
            raise AnnotationError(f"{where}: a span whose 'text' is no text; export it again")
        if words is not None:
            found.setdefault(key, words)
    return found


TOOL = Tool(
    "prodigy",
    TITLE,
    write,
    read,
    apart=True,
    lacks=("overlapping spans in one view of citations: they come in further tasks",),
)
