"""Out to a tool and back: the same units, labels, spans and citations, on any text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import labelled
import pytest
from framescope.classifier.inputs import from_record
from framescope.training.annotation.bringing import brought
from framescope.training.annotation.catalogue import TOOLS
from framescope.training.annotation.scheme import scheme_for
from framescope.training.annotation.task import (
    Assignment,
    Labelling,
    articles_file,
    bare,
    in_one_order,
    labelling_of,
)
from framescope.training.annotation.tool import ARTICLES, File, among
from hypothesis import HealthCheck, assume, given, settings

NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def task_of(record: dict[str, Any]) -> Assignment:
    article = from_record(record, "here", 1)
    plain = bare(article)
    return Assignment(plain, (labelling_of(article, plain.units or (), record.get("annotator")),))


def sent_and_brought(tool: Any, tasks: list[Assignment]) -> list[dict[str, Any]]:
    """What comes back of tasks, by way of the bytes of the tool's files alone."""
    files = tool.write(tasks, scheme_for(tasks))
    named = tool.names(tasks) if tool.names is not None else None
    files[ARTICLES] = articles_file(tasks, named)
    return brought(tool, among([File(f"out/{name}", data) for name, data in files.items()]))


def hard(labelling: Labelling) -> Labelling:
    def kept(labels: Any) -> dict[str, float]:
        return {name: value for name, value in labels.items() if value in (0, 1)}

    units = tuple(replace(unit, labels=kept(unit.labels)) for unit in labelling.units)
    return replace(labelling, units=units, labels=kept(labelling.labels))


@pytest.mark.slow
@pytest.mark.parametrize("name", TOOLS)
@FEW
@given(data=labelled.records(soft=True))
def test_any_text_comes_back_as_it_went(name: str, data: dict[str, Any]) -> None:
    tool = TOOLS[name]
    assume(name != "inception" or not NO_XML.search(data["text"]))
    task = task_of(data)
    wanted = task.labelled[0] if tool.soft else hard(task.labelled[0])
    wanted, _ = tool.losses(wanted, task.article.text)
    assume(wanted.says_something)
    records = sent_and_brought(tool, [Assignment(task.article, (wanted,))])
    assert len(records) == 1
    found, article = labelled.said(json.loads(json.dumps(records[0])))
    assert article.text == data["text"]
    assert [(one.start, one.end) for one in article.units or ()] == [
        (one["start"], one["end"]) for one in data["sentences"]
    ]
    assert replace(found, by=wanted.by) == in_one_order(wanted)
    assert records[0].get("annotator") == data.get("annotator")
    assert (article.id, article.title, article.outlet) == (
        data["id"],
        data["title"],
        data["outlet"],
    )


LETTER = {
    "id": "letter",
    "outlet": "harbour.example",
    "text": "  😀 Anna Berg said: “e\u0301t\u00a0al.”\r\nHe added\u2028that it’s a\ndisgrace. \r\n",
    "sentences": [
        {"start": 2, "end": 27, "voice": "quoted", "labels": {"claim": 0, "attributed": 1},
         "citations": [{"source": {"start": 4, "end": 13}, "cue": {"start": 14, "end": 18},
                        "content": [{"start": 20, "end": 28 - 1}], "kind": "named"}]},
        {"start": 29, "end": 61, "labels": {"claim": 1},
         "citations": [{"source": {"start": 29, "end": 31}, "cue": {"start": 32, "end": 37},
                        "content": [{"start": 38, "end": 60}], "kind": "named",
                        "government": True, "antecedent": {"start": 4, "end": 13}}]},
    ],
    "spans": [{"start": 51, "end": 60, "signal": "loaded_language"}],
    "labels": {"hyperpartisan": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_a_letter_comes_back_as_it_went(name: str) -> None:
    (record,) = sent_and_brought(TOOLS[name], [task_of(LETTER)])
    assert labelled.said(record)[0] == labelled.said(LETTER)[0]
    assert record["text"] == LETTER["text"]


@pytest.mark.parametrize("name", TOOLS)
def test_what_is_not_annotated_stays_so(name: str) -> None:
    """An unset label isn't a no, and citations that nobody looked for aren't none."""
    text = "One. Two. Three."
    sentences = [
        {"start": 0, "end": 4, "labels": {"claim": 0}},
        {"start": 5, "end": 9, "labels": {}, "citations": []},
        {"start": 10, "end": 16, "labels": {}},
    ]
    record = {"id": "x", "text": text, "sentences": sentences}
    (back,) = sent_and_brought(TOOLS[name], [task_of(record)])
    assert [one["labels"] for one in back["sentences"]] == [{"claim": 0}, {}, {}]
    assert [one.get("citations") for one in back["sentences"]] == [None, [], None]
    assert [one.get("voice") for one in back["sentences"]] == [None, None, None]


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.several])
def test_two_annotators_stay_two(name: str) -> None:
    task = task_of({**LETTER, "annotator": "anna"})
    other = replace(task.labelled[0], by="ben", spans=())
    back = sent_and_brought(TOOLS[name], [replace(task, labelled=(*task.labelled, other))])
    assert [(one["annotator"], len(one["spans"])) for one in back] == [("anna", 1), ("ben", 0)]


def test_a_tool_says_what_it_is() -> None:
    for name, tool in TOOLS.items():
        assert tool.name == name
        assert tool.title
    assert [name for name, tool in TOOLS.items() if tool.soft] == ["csv"]
