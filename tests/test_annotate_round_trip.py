"""Out to a tool and back: the same sentences, labels, spans and citations, on any text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import labelled
import pytest
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article
from framescope.training.annotation import FORMATS
from framescope.training.annotation.exchange import (
    ARTICLES,
    File,
    Task,
    as_lines,
    records_of,
    without_labels,
)
from framescope.training.annotation.marks import bare, in_text_order, is_labelled
from framescope.training.annotation.questions import questions_for
from hypothesis import HealthCheck, assume, given, settings

FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def task_of(record: dict[str, Any]) -> Task:
    article = from_record(record, "here", 1)
    return Task(bare(article), article, record.get("annotator"))


def there_and_back(name: str, task: Task) -> list[dict[str, Any]]:
    """What comes back of a task, by way of the bytes of the tool's files alone."""
    assert task.labelled is not None
    files = FORMATS[name].write([task], questions_for([task.labelled]))
    files[ARTICLES] = as_lines([without_labels(task.article)])
    return records_of(FORMATS[name], [File(f"out/{base}", data) for base, data in files.items()])


def without_soft(article: Article) -> Article:
    def hard(labels: Any) -> dict[str, float]:
        return {name: value for name, value in labels.items() if value in (0, 1)}

    units = tuple(replace(unit, labels=hard(unit.labels)) for unit in article.units or ())
    return replace(article, units=units, labels=hard(article.labels))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@FEW
@given(data=labelled.records(soft=True))
def test_any_text_comes_back_as_it_went(name: str, data: dict[str, Any]) -> None:
    task = task_of(data)
    assert task.labelled is not None
    wanted = task.labelled if FORMATS[name].soft else without_soft(task.labelled)
    assume(is_labelled(wanted))
    (record,) = there_and_back(name, replace(task, labelled=wanted))
    assert labelled.said(json.loads(json.dumps(record))) == in_text_order(wanted)
    assert record["text"] == data["text"]
    assert record.get("annotator") == data.get("annotator")


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


@pytest.mark.parametrize("name", FORMATS)
def test_a_letter_comes_back_as_it_went(name: str) -> None:
    (record,) = there_and_back(name, task_of(LETTER))
    assert labelled.said(record) == labelled.said(LETTER)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_not_annotated_stays_so(name: str) -> None:
    """An unset label isn't a no, and citations that nobody looked for aren't none."""
    sentences = [
        {"start": 0, "end": 4, "labels": {"claim": 0}},
        {"start": 5, "end": 9, "labels": {}, "citations": []},
        {"start": 10, "end": 16, "labels": {}},
    ]
    record = {"id": "x", "text": "One. Two. Three.", "sentences": sentences}
    (back,) = there_and_back(name, task_of(record))
    assert [one["labels"] for one in back["sentences"]] == [{"claim": 0}, {}, {}]
    assert [one.get("citations") for one in back["sentences"]] == [None, [], None]
    assert [one.get("voice") for one in back["sentences"]] == [None, None, None]
