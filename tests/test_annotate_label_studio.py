"""Label Studio: our export goes in by its API, is labelled there, and comes out as it was meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import annotators
import labelled
import pytest
from framescope.classifier.inputs import from_record
from framescope.training.annotation import FORMATS, import_labels
from framescope.training.annotation.exchange import Task
from framescope.training.annotation.label_studio import write
from framescope.training.annotation.marks import bare
from framescope.training.annotation.questions import questions_for

pytestmark = pytest.mark.slow
EMOJI = "😀 Anna Berg said: “e\u0301t\u00a0al.”\r\nHe added\u2028that it’s a\ndisgrace. \r\n"


def article_of(name: str, text: str) -> dict[str, Any]:
    """An article with labels of all kinds, each with its words where the text has them."""
    begun, middle = text.index("Anna"), text.index("He added")
    first, second = {"start": begun - 2, "end": middle - 2}, {"start": middle, "end": len(text) - 3}

    def at(words: str) -> dict[str, int]:
        return {"start": text.index(words), "end": text.index(words) + len(words)}

    said = {"source": at("Anna Berg"), "cue": at("said"), "content": [at("e\u0301t\u00a0al")],
            "kind": "named"}  # fmt: skip
    added = {"source": at("He"), "cue": at("added"), "content": [at("that it’s a\ndisgrace")],
             "kind": "named", "government": True, "antecedent": at("Anna Berg")}  # fmt: skip
    return {
        "id": name,
        "text": text,
        "sentences": [
            {**first, "voice": "quoted", "labels": {"claim": 0, "attributed": 1},
             "citations": [said]},
            {**second, "labels": {"claim": 1}, "citations": [added]},
        ],
        "spans": [{**at("a\ndisgrace"), "signal": "loaded_language"}],
        "labels": {"hyperpartisan": 1},
    }  # fmt: skip


TEXTS = {"plain": EMOJI, "indented": f"  \t{EMOJI}", "quiet": EMOJI.replace("😀", "So")}
ARTICLES = [article_of(name, text) for name, text in TEXTS.items()]
SCORES = {(at, "claim"): 0.75 for at in range(2)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[annotators.LabelStudio]:
    executable = annotators.program()
    if executable is None:
        pytest.skip("Label Studio is not there; `make test-all` sets it up")
    with annotators.running(tmp_path_factory.mktemp("label-studio"), executable) as found:
        yield found


@pytest.fixture(scope="module")
def exported(server: annotators.LabelStudio) -> dict[str, Any]:
    """What Label Studio returns, when an annotator has accepted all that was predicted."""
    labels = [from_record(record, "here", 1) for record in ARTICLES]
    tasks = [Task(bare(one), predicted=one, model="model-1", scores=SCORES) for one in labels]
    files = write(tasks, questions_for(labels))
    asked = {"title": "framescope", "label_config": files["config.xml"].decode()}
    project = server.call("POST", "/api/projects/", asked)["id"]
    given = json.loads(files["tasks.json"])
    made = server.call("POST", f"/api/projects/{project}/import?return_task_ids=true", given)
    there = [server.call("GET", f"/api/tasks/{one}/") for one in made["task_ids"]]
    for utf16, task in zip((False, False, True), there, strict=True):
        result = annotators.as_a_browser_saves(
            task["predictions"][0]["result"], task["data"]["text"], utf16=utf16
        )
        server.call("POST", f"/api/tasks/{task['id']}/annotations/", {"result": result})
    export = f"/api/projects/{project}/export?exportType=JSON"
    return {"made": made, "tasks": there, "export": server.call("GET", export)}


def test_it_takes_the_configuration_and_the_predictions(exported: dict[str, Any]) -> None:
    assert exported["made"]["task_count"] == len(ARTICLES)
    assert exported["made"]["prediction_count"] == len(ARTICLES)
    for task, record in zip(exported["tasks"], ARTICLES, strict=True):
        assert task["data"]["text"] == record["text"]
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == "model-1"
        assert prediction["score"] == pytest.approx(0.75)
        kinds = [item["type"] for item in prediction["result"]]
        assert kinds.count("relation") == 5
        claims = [
            item["score"]
            for item in prediction["result"]
            if item.get("from_name") == "sentence-claim"
        ]
        assert claims == [0.75, 0.75]


def test_what_is_labelled_there_comes_back_exactly(
    exported: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported["export"]), encoding="utf-8")
    records = import_labels(FORMATS["label-studio"], [path], tmp_path / "labels.jsonl")
    assert [record["annotator"] for record in records] == ["user-1"] * len(ARTICLES)
    for record, article in zip(records, ARTICLES, strict=True):
        assert record["text"] == article["text"]
        assert labelled.said(record) == labelled.said(article)
