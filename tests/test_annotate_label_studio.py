"""Label Studio: our export goes in by its API, is labelled there, and comes out as it was meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import annotators
import labelled
import pytest
from browser import needs_browser
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Place
from framescope.classifier.taxonomy import NAMES
from framescope.training.annotation.bringing import Bringing, bring
from framescope.training.annotation.catalogue import TOOLS
from framescope.training.annotation.fitting import Region, fitted
from framescope.training.annotation.label_studio import write
from framescope.training.annotation.scheme import scheme_for
from framescope.training.annotation.task import (
    AnnotationError,
    Assignment,
    Labelling,
    bare,
    labelling_of,
)

EMOJI = "😀 Anna Berg said: “e\u0301t\u00a0al.”\r\nHe added\u2028that it’s a\ndisgrace. \r\n"


def article_of(name: str, text: str) -> dict[str, Any]:
    """An article with labels of all kinds, each with its words where the text has them."""
    begun = text.index("Anna")
    middle = text.index("He added")
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


def tasks_of(articles: list[dict[str, Any]]) -> list[Assignment]:
    """Tasks whose labels are a model's: an annotator is still to come."""
    found = []
    for record in articles:
        article = from_record(record, "here", 1)
        plain = bare(article)
        of = labelling_of(article, plain.units or (), "model-1")
        scores = {(at, "claim"): 0.75 for at in range(len(of.units))}
        predicted = Labelling(of.units, of.spans, of.labels, of.by, scores)
        found.append(Assignment(plain, predicted=predicted))
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[annotators.LabelStudio]:
    executable = annotators.program("FRAMESCOPE_LABEL_STUDIO", "label-studio")
    if executable is None:
        pytest.skip("Label Studio is not there; `make test-all` sets it up")
    with annotators.label_studio(tmp_path_factory.mktemp("label-studio"), executable) as found:
        yield found


def imported(server: annotators.LabelStudio, *, predicted: bool) -> tuple[int, dict[str, Any]]:
    """A project made of our configuration, and what it says of the import of our tasks."""
    tasks = tasks_of(ARTICLES)
    files = write(tasks, scheme_for(tasks))
    asked = {"title": "framescope", "label_config": files["config.xml"].decode()}
    project = server.call("POST", "/api/projects/", asked)["id"]
    given = json.loads(files["tasks.json"])
    if not predicted:
        given = [{"data": one["data"]} for one in given]
    made = server.call("POST", f"/api/projects/{project}/import?return_task_ids=true", given)
    return project, made


@pytest.fixture(scope="module")
def exported(server: annotators.LabelStudio) -> dict[str, Any]:
    """What Label Studio gives back, when an annotator has taken over all that was predicted."""
    project, made = imported(server, predicted=True)
    there = [server.call("GET", f"/api/tasks/{one}/") for one in made["task_ids"]]
    for utf16, task in zip((False, False, True), there, strict=True):
        result = annotators.as_a_browser_saves(
            task["predictions"][0]["result"], task["data"]["text"], utf16=utf16
        )
        server.call("POST", f"/api/tasks/{task['id']}/annotations/", {"result": result})
    export = f"/api/projects/{project}/export?exportType=JSON"
    return {"made": made, "tasks": there, "export": server.call("GET", export)}


@pytest.mark.slow
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
        scored = [
            item for item in prediction["result"] if item.get("from_name") == "sentence-claim"
        ]
        assert [item["score"] for item in scored] == [0.75, 0.75]


@pytest.mark.slow
def test_what_is_labelled_there_comes_back_exactly(
    exported: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported["export"]), encoding="utf-8")
    output = tmp_path / "labels.jsonl"
    found = bring(TOOLS["label-studio"], Bringing([path], output))
    assert (found.records, found.annotators) == (len(ARTICLES), 1)
    back = [json.loads(line) for line in output.read_text("utf-8").split("\n")[:-1]]
    assert [record["annotator"] for record in back] == ["user-1"] * len(ARTICLES)
    for record, article in zip(back, ARTICLES, strict=True):
        assert record["text"] == article["text"]
        found_labels = labelled.said(record)[0]
        assert found_labels == labelled.said(article)[0]


@pytest.mark.slow
@needs_browser
def test_what_is_marked_with_a_mouse_comes_back_exactly(
    server: annotators.LabelStudio, browser: Any, tmp_path: Path
) -> None:
    """In a browser, over Windows line ends, behind leading spaces and an emoji."""
    project, made = imported(server, predicted=False)
    text = '[class*="richtext__container"]'
    page = browser.new_page(viewport={"width": 1400, "height": 1200})
    page.goto(f"{server.url}/user/login/")
    page.fill("input[name=email]", annotators.EMAIL)
    page.fill("input[name=password]", annotators.PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")
    for task in made["task_ids"]:
        page.goto(f"{server.url}/projects/{project}/data?task={task}")
        page.wait_for_selector(text, timeout=120_000)
        page.wait_for_timeout(1000)
        for key, words in (("0", ("disgrace",)), ("z", ("said", "added"))):
            page.keyboard.press(key)  # doubt, repetition
            annotators.drag(page, text, *words)
            page.keyboard.press("Escape")
        page.get_by_role("button", name="Submit").first.click()
        page.wait_for_timeout(1500)
    page.close()
    export = server.call("GET", f"/api/projects/{project}/export?exportType=JSON")
    path, output = tmp_path / "export.json", tmp_path / "labels.jsonl"
    path.write_text(json.dumps(export), encoding="utf-8")
    bring(TOOLS["label-studio"], Bringing([path], output))
    back = [json.loads(line) for line in output.read_text("utf-8").split("\n")[:-1]]
    assert len(back) == len(ARTICLES)
    for record, article in zip(back, ARTICLES, strict=True):
        assert record["text"] == article["text"]
        marked = {
            one["signal"]: record["text"][one["start"] : one["end"]] for one in record["spans"]
        }
        over = article["text"][article["text"].index("said") :]
        wanted = over[: over.index("added") + len("added")]
        assert marked == {"doubt": "disgrace", "repetition": wanted}
        assert "\r\n" in wanted


def test_every_signal_is_asked_with_its_meaning() -> None:
    tasks = tasks_of(ARTICLES)
    config = write(tasks, scheme_for(tasks))["config.xml"].decode()
    assert all(f'-{name}"' in config for name in NAMES)
    assert "states something that evidence could support or refute" in config


@pytest.mark.parametrize("utf16", [False, True])
@pytest.mark.parametrize("text", TEXTS.values())
def test_a_browsers_words_tell_what_its_offsets_count(text: str, utf16: bool) -> None:
    places = [(text.index("Anna"), text.index("He added")), (text.index("He"), len(text) - 4)]
    result = [{"value": {"start": start, "end": end}} for start, end in places]
    saved = annotators.as_a_browser_saves(result, text, utf16=utf16)
    regions = [
        Region(one["value"]["start"], one["value"]["end"], one["value"]["text"], "r")
        for one in saved
    ]
    assert fitted(text, regions, "task 1") == [Place(*place) for place in places]


def test_windows_line_ends_that_were_counted_once_are_counted_back() -> None:
    text = "  One.\r\nTwo 😀 words.\r\nThree.  "
    shown = text.strip().replace("\r\n", "\n")
    start = shown.index("Three")
    region = Region(start, start + 5, "Three", "r")
    wanted = text.index("Three")
    assert fitted(text, [region], "task 1") == [Place(wanted, wanted + 5)]
    assert fitted(text, [Region(start, start + 5, None, "r")], "task 1", shown) == [
        Place(wanted, wanted + 5)
    ]


def test_what_fits_in_no_way_is_refused_with_its_name() -> None:
    with pytest.raises(AnnotationError, match=r"^task 1: region x 0-4 doesn't mark 'ship'"):
        fitted("The harbour.", [Region(0, 4, "ship", "region x")], "task 1")
    with pytest.raises(AnnotationError, match="UTF-16"):
        fitted("😀😀", [Region(2, 4, None, "region x")], "task 1")
    with pytest.raises(AnnotationError, match="not that of the article"):
        fitted("The harbour.", [], "task 1", "Another text.")
